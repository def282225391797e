"""What DevFlow's search is compared with in the same run: BM25, MiniLM, and both by reciprocal rank.

The pieces they search are the functions of the corpus, each with its path and name in front.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from devflow.retrieval.words import words

if TYPE_CHECKING:
    import numpy as np

_K1, _B = 1.2, 0.75
_RRF = 60
DEPTH = 100


class BM25:
    """Okapi BM25 (Robertson and Zaragoza, 2009) over words split at camelCase and underscores."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._postings: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self._lengths: list[int] = []
        for number, text in enumerate(texts):
            counts = Counter(words(text))
            self._lengths.append(sum(counts.values()))
            for word, times in counts.items():
                self._postings[word].append((number, times))
        self._mean = sum(self._lengths) / max(len(texts), 1)

    def ranked(self, query: str, depth: int = DEPTH) -> list[int]:
        """Numbers of the best texts, best first."""
        scores: dict[int, float] = defaultdict(float)
        total = len(self._lengths)
        for word in set(words(query)):
            postings = self._postings.get(word, ())
            weight = math.log(1 + (total - len(postings) + 0.5) / (len(postings) + 0.5))
            for number, times in postings:
                length = 1 - _B + _B * self._lengths[number] / self._mean
                scores[number] += weight * times * (_K1 + 1) / (times + _K1 * length)
        return sorted(scores, key=lambda number: (-scores[number], number))[:depth]


def nearest(vectors: np.ndarray, query: np.ndarray, depth: int = DEPTH) -> list[int]:
    """Numbers of the rows most similar to `query`, best first; all of unit length."""
    import numpy as np

    return [int(number) for number in np.argsort(-(vectors @ query), kind="stable")[:depth]]


def fused(rankings: Sequence[Sequence[int]]) -> list[int]:
    """Reciprocal rank fusion with equal weights (Cormack, Clarke and Büttcher, SIGIR 2009)."""
    scores: dict[int, float] = defaultdict(float)
    for ranking in rankings:
        for place, number in enumerate(ranking, 1):
            scores[number] += 1 / (_RRF + place)
    return sorted(scores, key=lambda number: (-scores[number], number))
