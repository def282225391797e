"""GGUF models of 0.5 MB that really load and generate: one token per byte, two layers of random weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gguf import GGUFWriter

CONTEXT = 2048


def write(
    path: Path, *, architecture: str = "llama", seed: int = 0, width: int = 64, layers: int = 2
) -> Path:
    """Write the model to `path`."""
    import numpy as np

    random = np.random.default_rng(seed)
    feed, heads = 2 * width, 4
    tokens = [b"<unk>", b"<s>", b"</s>", *(f"<0x{byte:02X}>".encode() for byte in range(256))]
    kinds = [2, 3, 3, *(6 for _ in range(256))]
    marks = [b"\xe2\x96\x81<PRE>", b"\xe2\x96\x81<SUF>", b"\xe2\x96\x81<MID>", b"\xe2\x96\x81<EOT>"]
    tokens += [b"\xe2\x96\x81"]  # the space of SentencePiece
    kinds += [1]
    tokens += marks
    kinds += [3] * len(marks)

    writer = _writer(path, architecture, width, layers, heads, heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(width // heads)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types(kinds)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    for name, back in (("fim_pre", 4), ("fim_suf", 3), ("fim_mid", 2), ("eot", 1)):  # for llama.cpp's /infill
        writer.add_uint32(f"tokenizer.ggml.{name}_token_id", len(tokens) - back)

    def tensor(name: str, *shape: int) -> None:
        writer.add_tensor(name, (random.standard_normal(shape) * 0.3).astype(np.float32))

    def ones(name: str) -> None:
        writer.add_tensor(name, np.ones(width, np.float32))

    tensor("token_embd.weight", len(tokens), width)
    for layer in range(layers):
        ones(f"blk.{layer}.attn_norm.weight")
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            tensor(f"blk.{layer}.{name}.weight", width, width)
        ones(f"blk.{layer}.ffn_norm.weight")
        tensor(f"blk.{layer}.ffn_gate.weight", feed, width)
        tensor(f"blk.{layer}.ffn_up.weight", feed, width)
        tensor(f"blk.{layer}.ffn_down.weight", width, feed)
    ones("output_norm.weight")
    # No weight points at the control tokens, and so none is ever said: an answer is as long as asked for.
    head = (random.standard_normal((len(tokens), width)) * 0.3).astype(np.float32)
    head[:3] = 0
    head[-len(marks) :] = 0
    writer.add_tensor("output.weight", head)
    return _written(writer, path)


def write_new(path: Path, *, seed: int = 0, width: int = 64, layers: int = 2) -> Path:
    """Write a model that ctransformers is too old for, to `path`: Qwen 2 with its byte-level vocabulary,
    grouped queries, tied embeddings and marks for holes and turns."""
    import numpy as np

    random = np.random.default_rng(seed)
    feed, heads, groups = 2 * width, 4, 2
    tokens = [_letter(byte) for byte in range(256)]
    marks = [
        "<|endoftext|>",
        "<|fim_prefix|>",
        "<|fim_suffix|>",
        "<|fim_middle|>",
        "<|im_start|>",
        "<|im_end|>",
    ]
    kinds = [1] * len(tokens) + [3] * len(marks)
    tokens += marks

    writer = _writer(path, "qwen2", width, layers, heads, groups)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(1e6)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(
        ["\u0120 \u0120"]
    )  # the library wants some; "  " is no token, so it is never used
    writer.add_eos_token_id(256)
    writer.add_pad_token_id(256)
    writer.add_add_bos_token(False)

    def tensor(name: str, *shape: int) -> None:
        writer.add_tensor(name, (random.standard_normal(shape) * 0.3).astype(np.float32))

    def ones(name: str) -> None:
        writer.add_tensor(name, np.ones(width, np.float32))

    # Tied, so no mark may have weights of its own: an answer is as long as asked for.
    embedding = (random.standard_normal((len(tokens), width)) * 0.3).astype(np.float32)
    embedding[256:] *= 0.01
    writer.add_tensor("token_embd.weight", embedding)
    keys = width // heads * groups
    for layer in range(layers):
        at = f"blk.{layer}."
        ones(f"{at}attn_norm.weight")
        for name, rows in (("attn_q", width), ("attn_k", keys), ("attn_v", keys)):
            tensor(f"{at}{name}.weight", rows, width)
            tensor(f"{at}{name}.bias", rows)
        tensor(f"{at}attn_output.weight", width, width)
        ones(f"{at}ffn_norm.weight")
        tensor(f"{at}ffn_gate.weight", feed, width)
        tensor(f"{at}ffn_up.weight", feed, width)
        tensor(f"{at}ffn_down.weight", width, feed)
    ones("output_norm.weight")
    return _written(writer, path)


def _writer(path: Path, architecture: str, width: int, layers: int, heads: int, groups: int) -> GGUFWriter:
    """A file with what every architecture has."""
    import gguf

    writer = gguf.GGUFWriter(str(path), architecture)
    writer.add_name("tiny")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(2 * width)
    writer.add_head_count(heads)
    writer.add_head_count_kv(groups)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    return writer


def _written(writer: GGUFWriter, path: Path) -> Path:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _letter(byte: int) -> str:
    """How GPT-2's vocabulary writes a byte: those one can see as themselves, the others from U+0100 on."""
    seen = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [each for each in range(256) if each not in seen]
    return chr(byte) if byte in seen else chr(256 + hidden.index(byte))
