"""The rest of a line as it stands elsewhere: whole lines are voted for, not one token after the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from itertools import chain, takewhile
from typing import TYPE_CHECKING, Any

from devflow.analysis.usage.model import Level, UsageModel
from devflow.analysis.usage.vocabulary import BORDER, OTHER, Vocabulary, bracket_steps

if TYPE_CHECKING:
    from devflow.analysis.usage.live import Live
    from devflow.analysis.usage.segment import Segment

LONGEST = 24
"""Tokens a rest of a line may have."""
_SAMPLE = 256
_LEVELS = 6
_BEST = 4


@dataclass(frozen=True, slots=True)
class Seen:
    """How a rest of a line is known from one model."""

    length: int = 0
    """Tokens of the longest end of the context that it follows somewhere."""
    count: int = 0
    """How often it follows that there, …"""
    total: int = 0
    """… and how often anything does."""
    longest: int = 0
    """Tokens of the longest end of the context that occurs at all, whatever follows it."""
    share: float = 0.0
    """P(rest | context): the ends of the context, short to long, by Witten-Bell interpolation with a rest as
    one symbol: P = (c + T·P') / (C + T), with C occurrences and T different rests."""


NOWHERE = Seen()


@dataclass(frozen=True, slots=True)
class Rest:
    """A rest of a line: its `tokens` without the line's end, and `text`, which begins with a space where the
    code elsewhere has one. `seen` says how each model knows it."""

    tokens: tuple[str, ...]
    text: str
    seen: tuple[Seen, ...]
    closed: bool = False
    """Whether its end is `closing`, and not that of lines elsewhere."""


def rests(
    models: Sequence[UsageModel],
    context: Sequence[str],
    prefix: str = "",
    others: Mapping[tuple[str, ...], str] | None = None,
    most: int = 8,
    closing: tuple[str, ...] | None = None,
) -> list[Rest]:
    """Rests of lines that follow ends of `context` in any of `models`, the likeliest by the sum of their
    shares first, down to that of nothing at all, `most` of them; then those of `others` (tokens → text) that
    are not among them. The first token begins with `prefix`, the part of a word that is typed already. With
    `closing`, the tokens this line ends by, rests are told apart without their ends, and end so."""
    tables = [_table(model, context, prefix, closing) for model in models]
    texts: dict[tuple[str, ...], str] = {}
    for table in reversed(tables):
        texts |= table.texts

    def rest(tokens: tuple[str, ...], text: str) -> Rest:
        seen = tuple(table.seen.get(tokens, table.nothing) for table in tables)
        return Rest(tokens, text, seen, any(tokens in table.closed for table in tables))

    found = [rest(tokens, text) for tokens, text in texts.items()]
    found.sort(key=lambda rest: -sum(seen.share for seen in rest.seen))
    # Where the line usually ends, what went on elsewhere is no news.
    best = list(takewhile(lambda rest: rest.tokens, found))[:most]
    known = {rest.tokens for rest in best}
    return best + [rest(*other) for other in (others or {}).items() if other[0] not in known]


@dataclass(frozen=True, slots=True)
class _Table:
    seen: dict[tuple[str, ...], Seen]
    texts: dict[tuple[str, ...], str]
    closed: frozenset[tuple[str, ...]]
    nothing: Seen


def _table(model: UsageModel, context: Sequence[str], prefix: str, closing: tuple[str, ...] | None) -> _Table:
    levels = model.levels(context)
    chosen: list[Level] = []
    for level in levels:
        if len(chosen) < _LEVELS and (not chosen or level.count >= 2 * chosen[-1].count):
            chosen.append(level)
    longest = levels[0].length if levels else 0
    signs = _signs(model.vocabulary) if closing is not None and levels else None
    rows: dict[bytes, tuple[_Rows, int]] = {}
    shares: dict[bytes, float] = {}
    last: dict[bytes, tuple[int, int, int]] = {}
    for level in reversed(chosen):
        found = _rows(model, level, prefix, signs)
        counts = Counter(chain.from_iterable(each.keys for each in found))
        total, kinds = counts.total(), len(counts)
        if not total:
            continue
        for each in found:
            rows = {key: (each, row) for row, key in enumerate(each.keys)} | rows
        less = kinds / (total + kinds)
        shares = {key: share * less for key, share in shares.items()}
        for key, times in counts.items():
            shares[key] = shares.get(key, 0.0) + times / (total + kinds)
            last[key] = (level.length, times, total)
    best = nlargest(_BEST * 2, shares, key=shares.__getitem__)
    known: dict[tuple[str, ...], Seen] = {}
    texts: dict[tuple[str, ...], str] = {}
    closed: set[tuple[str, ...]] = set()
    for key in best:
        tokens, text, is_closed = _read(model.vocabulary, *rows[key])
        text = text.removeprefix(" ")[len(prefix) :] if prefix else text
        end = closing if is_closed and closing is not None else ()
        tokens = (*tokens, *end)
        if tokens not in known:
            known[tokens] = Seen(*last[key], longest, shares[key])
            texts[tokens] = text + "".join(end)
            if is_closed:
                closed.add(tokens)
    return _Table(known, texts, frozenset(closed), Seen(longest=longest))


@dataclass(frozen=True, slots=True)
class _Signs:
    """How a model numbers what ends lines."""

    steps: Any
    """As `bracket_steps` gives them."""
    comma: int
    colon: int


def _signs(vocabulary: Vocabulary) -> _Signs:
    comma, colon = vocabulary.number(","), vocabulary.number(":")
    return _Signs(bracket_steps(vocabulary), -1 if comma is None else comma, -1 if colon is None else colon)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rests of lines at places of one segment or document: arrays with a row each."""

    keys: list[bytes]
    """The same for the same rest."""
    source: Segment | Live
    at: Any
    """Where the tokens stand in `source`."""
    numbers: Any
    sizes: Any
    ended: Any
    """Whether the line's end was taken off."""


def _read(vocabulary: Vocabulary, rows: _Rows, row: int) -> tuple[tuple[str, ...], str, bool]:
    """One of `rows`: its tokens, its text, and whether the line's end was taken off."""
    size = int(rows.sizes[row])
    tokens = tuple(vocabulary.text(number) for number in rows.numbers[row, :size].tolist())
    spaces = rows.source.spaces(rows.at[row, :size]).tolist()
    text = "".join((" " if space else "") + token for token, space in zip(tokens, spaces, strict=True))
    return tokens, text, bool(rows.ended[row])


def _rows(model: UsageModel, level: Level, prefix: str, signs: _Signs | None) -> list[_Rows]:
    """For a sample of the places of `level` the rests of the lines; with `signs` without what closes them."""
    import numpy as np

    newline = model.newline
    if newline is None:
        return []
    step = max(1, level.count // _SAMPLE)
    found: list[_Rows] = []
    for match in level.matches:
        at = match.positions(step)[:, None] - np.arange(1, LONGEST + 2)
        np.maximum(at, 0, out=at)  # there is a border
        numbers = match.source.tokens(at)
        stop = (numbers == newline) | (numbers <= OTHER)
        size = stop.argmax(axis=1)
        ended = numbers[np.arange(len(size)), size] == newline
        keep = np.flatnonzero(ended)
        if prefix:
            words = {number: model.vocabulary.text(number) for number in set(numbers[keep, 0].tolist())}
            right = {number for number, text in words.items() if text.startswith(prefix) and text != prefix}
            keep = keep[[number in right for number in numbers[keep, 0].tolist()]]
        if not len(keep):
            continue
        numbers, size, at = numbers[keep], size[keep], at[keep]
        inside = np.arange(LONGEST + 1) < size[:, None]
        ended = np.zeros(len(size), bool)
        if signs is not None:
            size, ended = _opened(signs, numbers, size, inside)
            inside = np.arange(LONGEST + 1) < size[:, None]
        numbers[~inside] = BORDER
        keys: list[Any] = numbers.view((np.void, numbers.itemsize * numbers.shape[1])).ravel().tolist()
        found.append(_Rows(keys, match.source, at, numbers, size, ended))
    return found


def _opened(signs: _Signs, numbers: Any, size: Any, inside: Any) -> tuple[Any, Any]:
    """The sizes of rests without what closes them, brackets of before and the sign behind those, and which
    rests are whole without it; the others keep their size."""
    import numpy as np

    depth = (signs.steps[numbers] * inside).cumsum(axis=1, dtype=np.int8)
    lines = np.arange(len(size))
    least = np.minimum(depth.min(axis=1), 0)
    last = numbers[lines, np.maximum(size - 1, 0)]
    behind = (size > 1) & ((last == signs.comma) | (last == signs.colon))
    core = size - behind + least
    # All brackets that close what was opened before stand together, at the end.
    first = np.where(least < 0, (depth < 0).argmax(axis=1), size - behind)
    whole = (first == core) & (core > 0) & (depth[:, -1] == least)
    return np.where(whole, core, size), whole
