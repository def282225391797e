"""The real name that an invented one was probably meant to be, where only one is near."""

from __future__ import annotations

from collections.abc import Iterable

from devflow.analysis.edit_distance import edit_distance
from devflow.analysis.tokens import subtokens

_LEAST, _AHEAD = 0.62, 0.12
_MOST_COMPARED = 3_000


def nearest(name: str, known: Iterable[str]) -> str:
    """The one of `known` that `name` is clearly nearest to; "" when none is, or several are."""
    best, second, chosen = 0.0, 0.0, ""
    for number, other in enumerate(dict.fromkeys(known)):
        if number >= _MOST_COMPARED:
            break
        likeness = nearness(name, other)
        if likeness > best:
            best, second, chosen = likeness, best, other
        elif likeness > second:
            second = likeness
    return chosen if best >= _LEAST and best - second >= _AHEAD else ""


def nearness(one: str, other: str) -> float:
    """How alike two names are, 0 to 1: by their letters (edit distance), or by their words
    (`get_value` and `value_get`), whichever says more."""
    if one == other or not one or not other:
        return float(one == other)
    if (one[0] == "_") != (other[0] == "_") or one[:1].isupper() != other[:1].isupper():
        return 0.0
    longer = max(len(one), len(other))
    most = longer // 2
    away = edit_distance(one.lower(), other.lower(), most)
    by_letters = 1 - away / longer if away <= most else 0.0
    if away == 2 and sorted(one.lower()) == sorted(other.lower()):
        by_letters = 1 - 1 / longer  # two letters changed places
    mine, theirs = set(subtokens(one)), set(subtokens(other))
    by_words = 0.9 * len(mine & theirs) / max(1, len(mine | theirs))
    return max(by_letters, by_words)
