"""Writes a small Llama model with random weights, in the form that exllamav2's converter reads.

    python benchmarks/gpu/make_model.py FOLDER

Needs torch, tokenizers and safetensors, which the script beside it installs.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

WIDTH, FEED, LAYERS, HEADS, KV_HEADS, VOCABULARY = 1024, 2816, 16, 16, 4, 4096


def main() -> int:
    """Write the model; nothing when it is there already."""
    folder = Path(sys.argv[1])
    if (folder / "model.safetensors").exists():
        return 0
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config(), indent=1), "utf-8")
    write_tokenizer(folder)
    write_weights(folder / "model.safetensors")
    return 0


def config() -> dict[str, Any]:
    """As Hugging Face's `LlamaConfig` is written."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_act": "silu",
        "hidden_size": WIDTH,
        "intermediate_size": FEED,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KV_HEADS,
        "head_dim": WIDTH // HEADS,
        "vocab_size": VOCABULARY,
        "max_position_embeddings": 8192,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "tie_word_embeddings": False,
        "torch_dtype": "float16",
    }


def write_tokenizer(folder: Path) -> None:
    """Byte-level BPE, trained on the standard library's own source."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    sources = sorted(Path(json.__file__).parents[1].glob("*.py"))[:120]
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<unk>", "<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train([str(source) for source in sources], trainer)
    tokenizer.save(str(folder / "tokenizer.json"))
    about = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "add_bos_token": True}
    (folder / "tokenizer_config.json").write_text(json.dumps(about), "utf-8")


def write_weights(path: Path) -> None:
    """Random, of the size that keeps activations near one."""
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)

    def matrix(rows: int, columns: int) -> torch.Tensor:
        return (torch.randn(rows, columns) * columns**-0.5).half()

    keys = WIDTH // HEADS * KV_HEADS
    weights = {
        "model.embed_tokens.weight": matrix(VOCABULARY, WIDTH),
        "model.norm.weight": torch.ones(WIDTH).half(),
        "lm_head.weight": matrix(VOCABULARY, WIDTH),
    }
    for layer in range(LAYERS):
        at = f"model.layers.{layer}."
        weights[at + "input_layernorm.weight"] = torch.ones(WIDTH).half()
        weights[at + "post_attention_layernorm.weight"] = torch.ones(WIDTH).half()
        for name, rows in (("q_proj", WIDTH), ("k_proj", keys), ("v_proj", keys), ("o_proj", WIDTH)):
            weights[f"{at}self_attn.{name}.weight"] = matrix(rows, WIDTH)
        for name in ("gate_proj", "up_proj"):
            weights[f"{at}mlp.{name}.weight"] = matrix(FEED, WIDTH)
        weights[at + "mlp.down_proj.weight"] = matrix(WIDTH, FEED)
    # Nothing points at the control tokens, so none is ever said: an answer is as long as asked for.
    weights["lm_head.weight"][:3] = 0
    save_file(weights, str(path), metadata={"format": "pt"})


if __name__ == "__main__":
    sys.exit(main())
