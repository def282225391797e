"""The embedder that needs no weights: hashed sub-words under a signed random projection.

It stands in until a trained one is installed and sees shared vocabulary, not meaning. Each word and each
pair of neighbouring words is one feature of an unbounded space; a feature is spread over `_SPREAD` of the
dimensions with random signs drawn from its hash (a sparse Johnson-Lindenstrauss projection, Achlioptas
2003; feature hashing, Weinberger et al. 2009), weighted by 1 + log tf and by how common the word is in
any code.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from devflow.retrieval.words import STOP_WORDS, words

if TYPE_CHECKING:
    import numpy

_SPREAD = 8
_PAIR_WEIGHT = 0.5
_COMMON_WEIGHT = 0.25
_MOST_WORDS = 400
"""A chunk's first words say what it is about; longer ones (tables, data) would only add noise."""
_COMMON = STOP_WORDS | frozenset(
    """self cls def class return import from none true false null not else elif try except raise pass str
    int list dict bool float len var let const function public private static void new type string func
    err nil end print value values name args kwargs key data item items self. this. x y z n s e async
    await yield lambda assert del global while break continue case switch default param returns""".split()  # noqa: SIM905
)


class HashedEmbedder:
    """`models.base.Embedder`. Not thread-safe: it keeps a table of the features it has met."""

    def __init__(self, dimensions: int = 256) -> None:
        self._dimensions = dimensions
        self._known: dict[str, tuple[int, float]] = {}
        self._places: list[bytes] = []
        self._table: numpy.ndarray | None = None

    @property
    def name(self) -> str:
        """Kept with the vectors: another name embeds everything again."""
        return "devflow-hashed-v1"

    @property
    def dimensions(self) -> int:
        """Of every vector."""
        return self._dimensions

    def embed(self, texts: Sequence[str], paths: Sequence[str] = ()) -> numpy.ndarray:
        """A float32 array of shape (len(texts), dimensions)."""
        import numpy as np

        rows: list[int] = []
        features: list[int] = []
        weights: list[float] = []
        if len(self._known) > 500_000:  # a bound on memory, not on vocabulary: features are hashes
            self._known.clear()
            self._places.clear()
            self._table = None
        for row, text in enumerate(texts):
            for (feature, weight), times in self._features(words(text)[:_MOST_WORDS]):
                rows.append(row)
                features.append(feature)
                weights.append(weight * (1.0 + math.log(times)) if times > 1 else weight)
        size = len(texts) * self._dimensions
        if not rows:
            return np.zeros((len(texts), self._dimensions), np.float32)
        hashes = self._hashes()[np.asarray(features)]
        places = (hashes >> np.uint16(1)) % np.uint16(self._dimensions)
        signs = np.where(hashes & np.uint16(1), 1.0, -1.0)
        flat = (np.asarray(rows)[:, None] * self._dimensions + places).ravel()
        signed = (signs * np.asarray(weights)[:, None]).ravel()
        vectors = np.bincount(flat, signed, size).reshape(len(texts), self._dimensions)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return (vectors / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)

    def _features(self, text: Sequence[str]) -> list[tuple[tuple[int, float], int]]:
        counts = Counter(text)
        found = [(self._feature(word), times) for word, times in counts.items()]
        pairs = Counter(
            f"{one} {two}"
            for one, two in itertools.pairwise(text)
            if one not in _COMMON and two not in _COMMON
        )
        found += [(self._feature(pair), times) for pair, times in pairs.items()]
        return found

    def _feature(self, feature: str) -> tuple[int, float]:
        known = self._known.get(feature)
        if known is None:
            digest = hashlib.blake2b(feature.encode("utf-8", "replace"), digest_size=2 * _SPREAD).digest()
            if " " in feature:
                weight = _PAIR_WEIGHT
            elif feature in _COMMON or len(feature) < 2:
                weight = _COMMON_WEIGHT
            else:
                weight = 1.0
            known = self._known[feature] = (len(self._places), weight)
            self._places.append(digest)
        return known

    def _hashes(self) -> numpy.ndarray:
        import numpy as np

        have = 0 if self._table is None else len(self._table)
        if have < len(self._places):
            fresh = np.frombuffer(b"".join(self._places[have:]), "<u2").reshape(-1, _SPREAD)
            # Grown by appending: a table is small beside the texts (16 bytes a feature).
            self._table = fresh if self._table is None else np.concatenate([self._table, fresh])
        assert self._table is not None
        return self._table
