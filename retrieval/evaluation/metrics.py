"""Figures of rankings: recall@k, MRR@10, nDCG@10, and what share of a context is needed."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

CUT = 10


@dataclass(frozen=True, slots=True)
class Figures:
    """Means over queries; `p50` and `p95` in milliseconds."""

    queries: int
    recall_1: float
    recall_5: float
    recall_10: float
    mrr: float
    ndcg: float
    p50: float
    p95: float


def figures(
    ranked: Sequence[Sequence[object]], golds: Sequence[Collection[object]], seconds: Sequence[float]
) -> Figures:
    """Each query's answers, best first and each once, with the right ones and the time it took. MRR and nDCG
    are cut at 10. Recall@k is the share of a query's right answers among its first k."""
    pairs = list(zip(ranked, golds, strict=True))
    count = max(len(pairs), 1)
    first, five, ten = (
        sum(_recall(answers[:k], right) for answers, right in pairs) / count for k in (1, 5, CUT)
    )
    return Figures(
        len(pairs),
        first,
        five,
        ten,
        sum(_reciprocal(answers[:CUT], right) for answers, right in pairs) / count,
        sum(_gain(answers[:CUT], right) for answers, right in pairs) / count,
        1000 * quantile(seconds, 0.5),
        1000 * quantile(seconds, 0.95),
    )


def _recall(answers: Sequence[object], right: Collection[object]) -> float:
    return sum(answer in right for answer in answers) / max(len(right), 1)


def _reciprocal(answers: Sequence[object], right: Collection[object]) -> float:
    return next((1 / place for place, answer in enumerate(answers, 1) if answer in right), 0.0)


def _gain(answers: Sequence[object], right: Collection[object]) -> float:
    gained = sum(1 / math.log2(place + 1) for place, answer in enumerate(answers, 1) if answer in right)
    ideal = sum(1 / math.log2(place + 1) for place in range(1, min(len(right), CUT) + 1))
    return gained / ideal if ideal else 0.0


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` of them do not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, math.ceil(share * len(ordered)) - 1))] if ordered else 0.0
