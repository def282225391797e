"""How near a question's words are to those of candidates, where they are not the same: `delete` and
`rmtree`, `average` and `avg`. By the word vectors of `devflow-static`, whatever embeds the chunks.

For each word of the question the nearest word of the candidate counts (soft term matching as in K-NRM, Xiong
et al., SIGIR 2017, with two ways of pooling instead of learned kernels).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING

from devflow.retrieval.embedders.static import StaticEmbedder

if TYPE_CHECKING:
    import numpy as np

_NEAR, _STEEP = 0.45, 20.0
"""The cosine from which two words mean nearly the same, and how suddenly they do."""
_using = Lock()
"""Searches run in several threads, and the embedder keeps the words it meets."""


@cache
def word_vectors() -> StaticEmbedder:
    """The words and their vectors; reading them takes 60 ms and 8 MB the first time."""
    return StaticEmbedder()


def alike(
    spelled: Mapping[str, str], weights: Mapping[str, float], texts: Sequence[tuple[str, str, str]]
) -> np.ndarray:
    """float32, shape (len(texts), 5), from 0 to 1. `spelled`: stem → word of the question; `weights`: stem
    → what it says; `texts`: name, head and documentation of each candidate; bodies cost twice
    as much and gained nothing.

    Of the question's words, weighed: the mean cosine with the nearest word of the candidate; the share that
    has one near; the mean cosine again, words with longer vectors counting more. Then the other way around:
    the mean cosine of the name's words, and of the documentation's, with the nearest word of the question."""
    import numpy as np

    result = np.zeros((len(texts), 5), np.float32)
    with _using:
        model = word_vectors()
        model.forget_if_many()
        asked: dict[int, float] = {}
        for word in spelled.values():
            for row in model.rows(word)[0]:
                asked.setdefault(row, 0.0)
        for key, word in spelled.items():
            found = model.rows(word)[0]
            if len(found) == 1:
                asked[found[0]] = max(asked[found[0]], weights.get(key, 0.0))
        rows: list[int] = []
        sizes: list[tuple[int, int, int]] = []
        for name, head, doc in texts:
            named, told = (dict.fromkeys(model.rows(text)[0]) for text in (name, doc))
            every = dict.fromkeys(model.rows(head)[0])
            every.update(told)
            for some in (named, told, every):
                rows += some
            sizes.append((len(named), len(told), len(every)))
        if not rows or not asked:
            return result
        distinct, inverse = np.unique(np.asarray(rows), return_inverse=True)
        table, questions = model.table(distinct), model.table(np.fromiter(asked, int))
    lengths = np.linalg.norm(table, axis=1)
    asked_lengths = np.linalg.norm(questions, axis=1)
    cosines = (questions @ table.T) / np.maximum(np.outer(asked_lengths, lengths), 1e-6)
    np.maximum(cosines, 0.0, out=cosines)
    part = np.repeat(np.arange(3 * len(texts)), np.asarray(sizes).ravel())
    # What is told of each candidate: its words, all of them.
    whole = part % 3 == 2
    best = np.zeros((len(asked), len(texts)))
    there = np.flatnonzero(np.asarray(sizes)[:, 2])
    starts = np.flatnonzero(np.diff(part[whole], prepend=-1))
    if len(starts):
        best[:, there] = np.maximum.reduceat(cosines[:, inverse[whole]], starts, axis=1)
    weight = np.fromiter(asked.values(), float)
    weight /= weight.sum() or 1.0
    longer = weight * asked_lengths
    longer /= longer.sum() or 1.0
    result[:, 0] = weight @ best
    result[:, 1] = weight @ (1 / (1 + np.exp((_NEAR - best) * _STEEP)))
    result[:, 2] = longer @ best
    nearest = (cosines.max(0) * lengths)[inverse]
    size = 3 * len(texts)
    sums = np.bincount(part, nearest, size) / np.maximum(np.bincount(part, lengths[inverse], size), 1e-6)
    result[:, 3:] = sums.reshape(len(texts), 3)[:, :2]
    return result
