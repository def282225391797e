"""Suggestions of one document, found again while the user types them, scrolls, or comes back.

A suggestion is kept under what stands before the cursor (its last 4, 8 and 16 lines: an edit further up
does not lose it), what stands behind it, and the language. What was typed since is looked up as a beginning
of the suggestion.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

_TAILS = (16, 8, 4)
"""Lines before the cursor a suggestion is kept under, the most telling first."""
_REACH = 4_000
_MOST = 250
_TYPED = 160
"""Code points of a suggestion that may have been typed since."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A suggestion as it was shown, or would have been; `confidence`, `unsure` as in `acceptance.Signs`."""

    text: str
    engine: str
    confidence: float
    by_model: bool
    repaired: bool = False
    unsure: int = 0


class Cache:
    """The least recently used suggestions go. For the event loop only."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._kept: OrderedDict[tuple[str, str, str], Kept] = OrderedDict()

    def keep(self, before: str, after: str, language: str, kept: Kept) -> None:
        """Keep a suggestion for the place between `before` and `after`."""
        head = suffix_head(after)
        for tail in tails(before[-_REACH:]):
            self._put((language, tail, head), kept)

    def find(self, before: str, after: str, language: str) -> tuple[Kept, int] | None:
        """The suggestion for this place and how much of it is typed already; the least typed first."""
        head = suffix_head(after)
        texts = {
            kept.text for (name, _, below), kept in self._kept.items() if (name, below) == (language, head)
        }
        before = before[-_REACH - _TYPED :]
        for typed in range(min(len(before), _TYPED) + 1):
            said = before[len(before) - typed :] if typed else ""
            if not any(text.startswith(said) for text in texts):
                continue  # what the lines before would be need not be asked
            for tail in tails(before[: len(before) - typed]):
                key = (language, tail, head)
                found = self._kept.get(key)
                if found is not None and len(found.text) > typed and found.text.startswith(said):
                    self._kept.move_to_end(key)
                    return found, typed
        return None

    def forget(self, text: str) -> None:
        """Drop a suggestion, wherever it is kept."""
        for key in [key for key, kept in self._kept.items() if kept.text == text]:
            del self._kept[key]

    def __len__(self) -> int:
        return len(self._kept)

    def _put(self, key: tuple[str, str, str], kept: Kept) -> None:
        self._kept[key] = kept
        self._kept.move_to_end(key)
        while len(self._kept) > self._most * len(_TAILS):
            self._kept.popitem(last=False)


def tails(before: str) -> list[str]:
    """The last lines of `before`, of each length kept under; each once."""
    result: list[str] = []
    end = len(before)
    cuts: list[int] = []
    at = end
    least = max(0, end - _REACH)
    for number in range(_TAILS[0]):
        at = before.rfind("\n", least, at)
        if at < 0:
            break
        if number + 1 in _TAILS:
            cuts.append(at + 1)
    for cut in reversed(cuts):
        result.append(before[cut:])
    return result or [before[least:]]


def suffix_head(after: str) -> str:
    """What stands behind the cursor, as far as it counts: the rest of the line but the closing brackets
    that editors add by themselves, and the next two lines of code."""
    rest, _, below = after[:_REACH].partition("\n")
    lines = [line.strip() for line in below[:400].split("\n") if line.strip()][:2]
    return "\n".join([rest.strip(" \t\r)]}\"'"), *lines])
