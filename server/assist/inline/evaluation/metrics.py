"""How near a suggestion is to what its author wrote."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from devflow.analysis.edit_distance import edit_distance

_NAME = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True, slots=True)
class Scored:
    """One place: what was shown ("" for nothing) beside the truth."""

    shown: str
    truth: str

    @property
    def exact(self) -> bool:
        """Letter by letter, white space at the ends aside."""
        return bool(self.shown) and self.shown.strip() == self.truth.strip()

    @property
    def similarity(self) -> float:
        """1 minus the edit distance over the longer length; 0 where nothing was shown."""
        one, other = self.shown.strip(), self.truth.strip()
        longer = max(len(one), len(other))
        return 1 - edit_distance(one, other, longer) / longer if one and longer else 0.0

    @property
    def identifier_f1(self) -> float:
        """Harmonic mean of precision and recall of the identifiers, as multisets; 1 where there are none."""
        one, other = Counter(_NAME.findall(self.shown)), Counter(_NAME.findall(self.truth))
        if not one and not other:
            return float(bool(self.shown))
        common = (one & other).total()
        return 2 * common / (one.total() + other.total()) if common else 0.0


@dataclass(frozen=True, slots=True)
class Figures:
    """Means over places; `*_shown` over those where something was shown."""

    places: int
    shown: float
    exact: float
    similarity: float
    identifier_f1: float
    exact_shown: float
    similarity_shown: float
    p50_ms: float = 0.0
    p95_ms: float = 0.0


def figures(scored: Sequence[Scored], milliseconds: Sequence[float] = ()) -> Figures:
    """The figures of some places; all zero for none."""
    seen = [each for each in scored if each.shown]
    spent = sorted(milliseconds)
    return Figures(
        len(scored),
        _mean([bool(each.shown) for each in scored]),
        _mean([each.exact for each in scored]),
        _mean([each.similarity for each in scored]),
        _mean([each.identifier_f1 for each in scored]),
        _mean([each.exact for each in seen]),
        _mean([each.similarity for each in seen]),
        round(spent[len(spent) // 2], 1) if spent else 0.0,
        round(spent[len(spent) * 95 // 100], 1) if spent else 0.0,
    )


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 3) if values else 0.0
