"""From single answers to figures: percentiles, ranks, shares."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")


def percentile(values: Iterable[float], share: float) -> float | None:
    """The smallest value that at least `share` (0 to 1) of `values` do not exceed; None of nothing."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


def times(values: Sequence[float]) -> dict[str, Any]:
    """Count, median, 95th percentile and worst of milliseconds."""
    return {
        "n": len(values),
        "p50": _round(percentile(values, 0.5)),
        "p95": _round(percentile(values, 0.95)),
        "max": _round(max(values, default=None)),
    }


def ranking(ranks: Sequence[int]) -> dict[str, Any]:
    """Recall, shares at the first, first five and first ten places, and mean reciprocal rank.

    `ranks` count from 1; 0 is a name that was not offered.
    """
    total = len(ranks)

    def share(most: float) -> float | None:
        return round(sum(0 < rank <= most for rank in ranks) / total, 3) if total else None

    return {
        "n": total,
        "recall": share(math.inf),
        "first": share(1),
        "five": share(5),
        "ten": share(10),
        "mrr": round(sum(1 / rank for rank in ranks if rank) / total, 3) if total else None,
    }


def rank_of(name: str, answer: Any, typed: str = "") -> int:
    """The place, from 1, at which a client shows `name`; 0 if it does not.

    A client orders by `sortText` and hides what does not begin with what is `typed`, in any case of letters.
    """
    items = (answer.get("items") if isinstance(answer, dict) else answer) or []
    shown: dict[str, None] = {}
    for item in sorted(items, key=lambda item: item.get("sortText") or item["label"]):
        found = _IDENTIFIER.search(item.get("filterText") or item["label"])
        if found is not None and found.group().lower().startswith(typed.lower()):
            shown.setdefault(found.group())
    return list(shown).index(name) + 1 if name in shown else 0


def targets(answer: Any) -> list[tuple[str, int]]:
    """Where a definition answer leads: (uri, line) pairs, from locations or links, one or many."""
    each = [answer] if isinstance(answer, dict) else (answer or [])
    found = []
    for one in each:
        area = one.get("targetSelectionRange") or one.get("targetRange") or one.get("range")
        uri = one.get("targetUri") or one.get("uri")
        if uri and area:
            found.append((uri, area["start"]["line"]))
    return found


def share(answers: Iterable[bool]) -> float | None:
    """The share of yeses; None of nothing."""
    every = list(answers)
    return round(sum(every) / len(every), 3) if every else None


def mean(values: Iterable[float | None]) -> float | None:
    """The mean of what there is."""
    there = [value for value in values if value is not None]
    return round(sum(there) / len(there), 3) if there else None


def ghost(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Ghost text: how often it was shown, and how often it was the rest of the line to the letter."""
    shown = [record for record in records if record["shown"]]
    return {
        "n": len(records),
        "exact": share(record["exact"] for record in records),
        "exact_where_shown": share(record["exact"] for record in shown),
        "shown": share(record["shown"] for record in records),
        "ms": times([record["ms"] for record in records]),
    }


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
