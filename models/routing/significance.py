"""What may be said of a difference between two samples: tests and intervals, as SciPy gives them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence


def fisher(a: int, b: int, c: int, d: int) -> float:
    """The two-sided p-value of Fisher's exact test for the table [[a, b], [c, d]]: the sum of the
    probabilities of all tables of the same margins that are no more likely than this one."""
    first, second, successes = a + b, c + d, a + c
    total = first + second

    def log_probability(x: int) -> float:
        return _choose(first, x) + _choose(second, successes - x) - _choose(total, successes)

    seen = log_probability(a)
    slack = 1e-7  # as other implementations: tables equally likely but for rounding count as such
    probabilities = (log_probability(x) for x in range(max(0, successes - second), min(first, successes) + 1))
    return min(1.0, math.fsum(math.exp(each) for each in probabilities if each <= seen + slack))


def wilson(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a share; (0.0, 1.0) without trials."""
    if not trials:
        return 0.0, 1.0
    z = _normal((1 + confidence) / 2)
    share = successes / trials
    middle = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    low = max(0.0, middle - half) if successes else 0.0
    return low, min(1.0, middle + half) if successes < trials else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted for being several (Holm 1979), in the order given."""
    order = sorted(range(len(p_values)), key=lambda at: p_values[at])
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, at in enumerate(order):
        highest = max(highest, min(1.0, p_values[at] * (len(p_values) - rank)))
        adjusted[at] = highest
    return adjusted


def mann_whitney(one: Sequence[float], other: Sequence[float]) -> float:
    """The two-sided p-value of the Mann-Whitney U test: by the normal approximation, corrected for ties and
    for continuity. 1.0 where one is empty or all are equal."""
    n, m = len(one), len(other)
    counts = Counter((*one, *other))
    ranks, below = {}, 0
    for value in sorted(counts):
        ranks[value] = below + (counts[value] + 1) / 2
        below += counts[value]
    total = n + m
    ties = sum(count**3 - count for count in counts.values())
    variance = n * m / 12 * (total + 1 - ties / (total * (total - 1))) if total > 1 else 0.0
    if variance <= 0:
        return 1.0
    u = sum(ranks[value] for value in one) - n * (n + 1) / 2
    z = max(0.0, abs(u - n * m / 2) - 0.5) / math.sqrt(variance)
    return min(1.0, math.erfc(z / math.sqrt(2)))


def median(values: Sequence[float]) -> tuple[float, float, float]:
    """The median and the 95 % interval of it that rests on no distribution: the values at two ranks, by the
    normal approximation of the binomial. (0.0, 0.0, inf) without values; of few the interval is all."""
    if not values:
        return 0.0, 0.0, math.inf
    ordered, count = sorted(values), len(values)
    half = _normal(0.975) * math.sqrt(count) / 2
    low, high = max(0, math.floor(count / 2 - half)), min(count - 1, math.ceil(count / 2 + half))
    middle = (ordered[(count - 1) // 2] + ordered[count // 2]) / 2
    return middle, ordered[low], ordered[high]


def _normal(share: float) -> float:
    from statistics import NormalDist  # it costs start-up

    return NormalDist().inv_cdf(share)


def _choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
