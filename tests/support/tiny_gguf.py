"""GGUF models of 0.5 MB that really load and generate: one token per byte, two layers of random weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from gguf import GGUFWriter
    from numpy.typing import NDArray

CONTEXT = 2048


def write(
    path: Path, *, architecture: str = "llama", seed: int = 0, width: int = 64, layers: int = 2
) -> Path:
    """Write the model to `path`."""
    heads = 4
    tokens = [b"<unk>", b"<s>", b"</s>", *(f"<0x{byte:02X}>".encode() for byte in range(256))]
    kinds = [2, 3, 3, *(6 for _ in range(256))]
    marks = [b"\xe2\x96\x81<PRE>", b"\xe2\x96\x81<SUF>", b"\xe2\x96\x81<MID>", b"\xe2\x96\x81<EOT>"]
    tokens += [b"\xe2\x96\x81"]  # the space of SentencePiece
    kinds += [1]
    tokens += marks
    kinds += [3] * len(marks)

    writer = _writer(path, architecture, width, layers, heads, heads)
    weights = _Weights(writer, seed, width)
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

    weights.add("token_embd.weight", len(tokens), width)
    weights.add_layers(layers, width)
    # No weight points at the control tokens, and so none is ever said: an answer is as long as asked for.
    head = weights.drawn(len(tokens), width)
    head[:3] = 0
    head[-len(marks) :] = 0
    writer.add_tensor("output.weight", head)
    return _written(writer, path)


def write_new(path: Path, *, seed: int = 0, width: int = 64, layers: int = 2) -> Path:
    """Write a model that ctransformers is too old for, to `path`: Qwen 2 with its byte-level vocabulary,
    grouped queries, tied embeddings and marks for holes and turns."""
    heads, groups = 4, 2
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
    weights = _Weights(writer, seed, width)
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

    # Tied, so no mark may have weights of its own: an answer is as long as asked for.
    embedding = weights.drawn(len(tokens), width)
    embedding[256:] *= 0.01
    writer.add_tensor("token_embd.weight", embedding)
    weights.add_layers(layers, width // heads * groups, biases=True)
    return _written(writer, path)


class _Weights:
    """Random ones, added to a file."""

    def __init__(self, writer: GGUFWriter, seed: int, width: int) -> None:
        import numpy as np

        self._writer = writer
        self._random = np.random.default_rng(seed)
        self._width = width

    def drawn(self, *shape: int) -> NDArray[np.float32]:
        drawn: NDArray[np.float32] = self._random.standard_normal(shape).astype("float32") * 0.3
        return drawn

    def add(self, name: str, *shape: int) -> None:
        self._writer.add_tensor(name, self.drawn(*shape))

    def add_layers(self, count: int, keys: int, *, biases: bool = False) -> None:
        """The layers, of llama's form, with `keys` rows of keys and values, and the norm behind them."""
        width, feed = self._width, 2 * self._width
        for layer in range(count):
            at = f"blk.{layer}."
            self._norm(f"{at}attn_norm.weight")
            for name, rows in (("attn_q", width), ("attn_k", keys), ("attn_v", keys)):
                self.add(f"{at}{name}.weight", rows, width)
                if biases:
                    self.add(f"{at}{name}.bias", rows)
            self.add(f"{at}attn_output.weight", width, width)
            self._norm(f"{at}ffn_norm.weight")
            self.add(f"{at}ffn_gate.weight", feed, width)
            self.add(f"{at}ffn_up.weight", feed, width)
            self.add(f"{at}ffn_down.weight", width, feed)
        self._norm("output_norm.weight")

    def _norm(self, name: str) -> None:
        import numpy as np

        self._writer.add_tensor(name, np.ones(self._width, np.float32))


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
