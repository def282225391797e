"""How the rest of a line would read if it went on as a line like it does: `self.height = ` after
`self.width = width` goes on with `height`.

Two lines are alike where they differ in names only, each name of one in the place of one name of the other.
What the lines make of each other's names, their parts and the words in strings, is made of the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from devflow.analysis.usage.around import Around
from devflow.analysis.usage.vocabulary import Vocabulary

_WINDOW = 400
"""Lines above and below that are looked at, the nearest first."""
_MOST = 40
"""Alike lines that are followed."""
_ABOVE = 3
"""Lines above that are compared besides."""
_LONGEST = 24
_BEST = 3
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|_+|[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Analogy:
    """A rest of a line, as `rests` has it, and how many alike lines say so."""

    tokens: tuple[str, ...]
    text: str
    count: int
    total: int
    """Of so many alike lines."""
    gap: int
    """Lines to the nearest of them."""
    above: int
    """How many lines above that one are alike to those above the place, 3 at most."""


def analogies(around: Around, is_keyword: Callable[[str], bool], prefix: str = "") -> list[Analogy]:
    """The rests that lines like this one give, the most often given first. The first token begins with
    `prefix`, the part of a word that is typed already."""
    words = _Words(around.model.vocabulary, is_keyword)
    size = len(around.line)
    here = _numbers(around, around.at_line)[:size]
    lines_above = [
        _numbers(around, around.at_line - away) for away in range(1, min(_ABOVE, around.at_line) + 1)
    ]
    total = 0
    found: dict[tuple[str, ...], Analogy] = {}
    for number in _candidates(around, words, here):
        there = _numbers(around, number)
        if len(there) - size > _LONGEST:
            continue
        pairs = _paired(here, there[:size], {}, words)
        if pairs is None:
            continue
        above, pairs = _above(around, number, lines_above, pairs, words)
        if not size and not above:
            continue
        total += 1
        if total > _MOST:
            break
        if all(old == new for old, new in pairs.items()):
            continue
        names = _Names({words.text(old): words.text(new) for old, new in pairs.items() if old != new})
        same = {words.text(old) for old, new in pairs.items() if old == new}
        old = [words.text(each) for each in there[size:]]
        new = tuple(token if token in same else names.carried(token) for token in old)
        if list(new) == old or not new[0].startswith(prefix) or new[0] == prefix:
            continue
        begin = _begin(around, number) + size
        spaces = around.spaces[begin : begin + len(new)].tolist()
        said = "".join((" " if space else "") + token for space, token in zip(spaces, new, strict=True))
        gap = abs(number - around.at_line)
        before = found.get(new)
        found[new] = Analogy(
            new,
            said.removeprefix(" ")[len(prefix) :] if prefix else said,
            before.count + 1 if before else 1,
            0,
            min(gap, before.gap) if before else gap,
            max(above, before.above) if before else above,
        )
    best = sorted(found.values(), key=lambda each: (-each.above, -each.count, each.gap))[:_BEST]
    return [replace(each, total=total) for each in best]


def _candidates(around: Around, words: _Words, here: Sequence[int]) -> Iterator[int]:
    """Lines near that begin as this one but for names and go on, the nearest first."""
    import numpy as np

    if not len(around.newlines):
        return
    low = max(0, around.at_line - _WINDOW)
    high = min(len(around.newlines), around.at_line + _WINDOW)
    starts = np.concatenate(([0], around.newlines[:-1] + 1))[low:high]
    fits = around.newlines[low:high] - starts > len(here)
    for place, number in enumerate(here):
        if not words.is_name(number):
            fits &= around.numbers[np.minimum(starts + place, len(around.numbers) - 1)] == number
    lines = np.flatnonzero(fits) + low
    lines = lines[lines != around.at_line]
    yield from lines[np.argsort(np.abs(lines - around.at_line), kind="stable")].tolist()


def _above(
    around: Around, number: int, lines: Sequence[Sequence[int]], pairs: dict[int, int], words: _Words
) -> tuple[int, dict[int, int]]:
    """How many of `lines`, those above the place, nearest first, are like those above the line `number`, and
    the pairs of names with theirs."""
    for away, here in enumerate(lines[:number], 1):
        more = _paired(here, _numbers(around, number - away), pairs, words)
        if more is None:
            return away - 1, pairs
        pairs = more
    return min(len(lines), number), pairs


def _paired(
    here: Sequence[int], there: Sequence[int], pairs: dict[int, int], words: _Words
) -> dict[int, int] | None:
    """`pairs` (name there → name here) with those of two lines; None where the lines are not alike."""
    if len(here) != len(there):
        return None
    found = dict(pairs)
    for new, old in zip(here, there, strict=True):
        if new != old and not (words.is_name(new) and words.is_name(old)):
            return None
        if found.setdefault(old, new) != new:
            return None
    return found


def _begin(around: Around, number: int) -> int:
    return int(around.newlines[number - 1]) + 1 if number else 0


def _numbers(around: Around, number: int) -> list[int]:
    """The tokens of a line, by number."""
    end = around.newlines[number] if number < len(around.newlines) else None
    tokens: list[int] = around.numbers[_begin(around, number) : end].tolist()
    return tokens


class _Words:
    """The words of the document by number: their texts, and which of them are names."""

    def __init__(self, vocabulary: Vocabulary, is_keyword: Callable[[str], bool]) -> None:
        self.text = vocabulary.text
        self._is_keyword = is_keyword
        self._names: dict[int, bool] = {}

    def is_name(self, number: int) -> bool:
        known = self._names.get(number)
        if known is None:
            text = self.text(number)
            known = self._names[number] = text.isidentifier() and not self._is_keyword(text)
        return known


class _Names:
    """Which names here stand for which others there, and what that says of other words."""

    def __init__(self, new: Mapping[str, str]) -> None:
        self.new = new
        self._parts: dict[str, str] = {}
        for old, name in new.items():
            self._parts |= _parts(old, name)
        self._in_strings = {old: name for old, name in new.items() if len(old) > 1} | self._parts

    def carried(self, token: str) -> str:
        """`token` of the line there as it would be here."""
        if token.isidentifier():
            return self.new[token] if token in self.new else _replaced(token, self._parts)
        return _replaced(token, self._in_strings) if token[-1:] in "\"'`" else token


def _parts(old: str, new: str) -> Mapping[str, str]:
    """The words in which two names differ, in each way they may be written."""
    one, other = _WORDS.findall(old), _WORDS.findall(new)
    while one and other and one[0] == other[0]:
        one, other = one[1:], other[1:]
    while one and other and one[-1] == other[-1]:
        one, other = one[:-1], other[:-1]
    before, after = "".join(one), "".join(other)
    if len(before) < 2 or not after or not (before[0].isalpha() and after[0].isalpha()):
        return {}
    ways = (str, str.lower, str.upper, lambda word: word[0].upper() + word[1:])
    return {way(before): way(after) for way in ways}


def _replaced(token: str, parts: Mapping[str, str]) -> str:
    """`token` with each of `parts` in it replaced where it is a whole word."""
    if not any(old in token for old in parts):
        return token
    words = sorted(parts, key=len, reverse=True)
    either = "|".join(
        (rf"(?<![A-Za-z]){re.escape(old)}" if old[0].islower() else rf"(?<![A-Z]){re.escape(old)}")
        + (r"(?![A-Z])(?![a-z])" if old.isupper() else r"(?![a-z])")
        for old in words
    )
    return re.sub(either, lambda match: parts[match[0]], token)
