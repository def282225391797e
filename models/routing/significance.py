"""What may be said of a difference between two samples: tests and intervals, as SciPy gives them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Counts = tuple[int, int]
"""Of one unit (a file, a conversation): successes, and trials. Those of the same unit are no independent
trials: it is units that were given to one side or the other at random."""


def permuted(one: Sequence[Counts], other: Sequence[Counts], draws: int = 9_999) -> float:
    """The two-sided p-value of a permutation test of two shares over units: how often units that are dealt
    out anew at random differ by as much as these do. 1.0 where a side has no trial."""
    import numpy as np

    units = np.array([*one, *other], np.float64).reshape(-1, 2)
    total = units.sum(axis=0)

    def apart(first: NDArray[np.float64]) -> NDArray[np.float64]:
        rest = total - first
        with np.errstate(divide="ignore", invalid="ignore"):
            differences: NDArray[np.float64] = first[:, 0] / first[:, 1] - rest[:, 0] / rest[:, 1]
        return np.abs(differences)

    [seen] = apart(units[: len(one)].sum(axis=0, keepdims=True))
    if not np.isfinite(seen):
        return 1.0
    chance, more = np.random.default_rng(0), 0
    rows = max(1, 1_000_000 // len(units))
    for begun in range(0, draws, rows):
        keys = chance.random((min(rows, draws - begun), len(units)))
        dealt = keys.argsort(axis=1).argsort(axis=1) < len(one)
        more += int((apart(dealt @ units) >= seen - 1e-9).sum())
    return (more + 1) / (draws + 1)


def clustered(units: Sequence[Counts]) -> tuple[float, float]:
    """The 95 % interval of a share whose trials come in units: Wilson's for as many trials as these are
    worth, by the design effect (Kish 1965: the variance over units by that of independent trials). Of fewer
    than two units, all there is."""
    count, yes, trials = len(units), sum(x for x, _ in units), sum(n for _, n in units)
    if count < 2 or not trials:
        return 0.0, 1.0
    share = yes / trials
    if 0 < yes < trials:
        between = count / (count - 1) * math.fsum((x - share * n) ** 2 for x, n in units) / trials**2
        effect = max(1.0, between / (share * (1 - share) / trials))
    else:  # the units that agree so far may yet not
        effect = trials / count
    return wilson(yes / effect, trials / effect)


def wilson(successes: float, trials: float, confidence: float = 0.95) -> tuple[float, float]:
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
    normal approximation of the binomial. Of fewer than six values no two ranks are that sure: the interval
    goes from 0.0, which times and money are not below, to inf. (0.0, 0.0, inf) without values."""
    if not values:
        return 0.0, 0.0, math.inf
    ordered, count = sorted(values), len(values)
    half = _normal(0.975) * math.sqrt(count) / 2
    low, high = max(0, math.floor(count / 2 - half)), min(count - 1, math.ceil(count / 2 + half))
    middle = (ordered[(count - 1) // 2] + ordered[count // 2]) / 2
    return (middle, ordered[low], ordered[high]) if count >= _FEWEST else (middle, 0.0, math.inf)


_FEWEST = 6
"""Values whose range holds the median with 95 %: all are on one side of it with a chance of 2 / 2 ** 6."""


def _normal(share: float) -> float:
    from statistics import NormalDist  # it costs start-up

    return NormalDist().inv_cdf(share)
