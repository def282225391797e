"""What stands between the braces of an object, as TypeScript and JavaScript write one: a type without a name
(`{ body: string; status?: number }`) or a value (`{ INSERT: 1, update() {} }`).

Read from text, without a tree: the text behind may be anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

_LONGEST = 60_000
_MOST = 2_000
_SPACE = re.compile(r"(?:\s++|//[^\n]*+|/\*(?:.*?\*/|.*+))*", re.DOTALL)
"""A comment that is never closed takes all that is left: it is not looked for an end again."""
_BLANK = re.compile(r"\s++")
_WORDS = re.compile(r"\S++")
_KEY = re.compile(
    r"(?:(?:readonly|async|get|set|static)\s++(?=[\w$#\"'\[*]))*\*?+\s*+"
    r"(?:(?P<name>[A-Za-z_$#][\w$]*)|\"(?P<double>[^\"\n]*)\"|'(?P<single>[^'\n]*)')"
    r"\s*+(?:[?!]\s*+)?(?P<sign>[:(<,}]|$)"
)
_CLOSERS = {"(": ")", "[": "]", "{": "}"}
_GOES_ON = "|&:=,(<?+-*/."


@dataclass(frozen=True, slots=True)
class Key:
    """One key of an object; its name is at `name_start` to `name_end`, all of it at `start` to `end`."""

    name: str
    start: int
    end: int
    name_start: int
    name_end: int
    held: int
    """Where the type or the value behind its colon begins; -1 where it has none."""
    called: bool
    """Whether it is written as a method."""


def closing(source: str, opened: int) -> int:
    """Behind the bracket that closes the one at `opened`, strings and comments aside; -1 where none does."""
    ahead = [_CLOSERS[source[opened]]]
    at, stop = opened + 1, min(len(source), opened + _LONGEST)
    while at < stop:
        sign = source[at]
        if sign in _CLOSERS:
            ahead.append(_CLOSERS[sign])
        elif sign in ")]}":
            if sign != ahead.pop():
                return -1
            if not ahead:
                return at + 1
        elif sign in "\"'`":
            at = _string_end(source, at, stop)
            continue
        elif sign == "/" and source[at + 1 : at + 2] in ("/", "*"):
            behind = _SPACE.match(source, at, stop)
            at = behind.end() if behind is not None and behind.end() > at else at + 1
            continue
        at += 1
    return -1


def _string_end(source: str, at: int, stop: int) -> int:
    sign = source[at]
    at += 1
    while at < stop and source[at] != sign and (sign == "`" or source[at] != "\n"):
        at += 2 if source[at] == "\\" else 1
    return at + 1


@lru_cache(256)
def keys(text: str, *, value: bool) -> tuple[Key, ...]:
    """The keys of the object that is the whole of `text`, a `value` or a type, in their order."""
    return tuple(_keys(text, value=value))


def _keys(text: str, *, value: bool) -> Iterator[Key]:
    end = closing(text, 0) - 1
    at = 1
    for _ in range(_MOST):
        space = _SPACE.match(text, at)
        start = space.end() if space is not None else at
        if start >= end or end < 0:
            return
        stop = _entry_end(text, start, end, value=value)
        found = _KEY.match(text, start, end + 1)
        if found is not None and (value or found["sign"] not in (",", "}", "")):
            group = next(each for each in ("name", "double", "single") if found[each] is not None)
            named = found["sign"] == ":"
            held = found.end() if named else -1
            if named or value or found["sign"] in "(<":
                yield Key(found[group], start, stop, *found.span(group), held, found["sign"] in ("(", "<"))
        at = stop + 1


def _entry_end(text: str, at: int, end: int, *, value: bool) -> int:
    """Where the entry that begins at `at` ends: at its separator, in a type also at the end of a line that it
    does not go on from."""
    begun = at
    angles = 0
    while at < end:
        sign = text[at]
        if sign in _CLOSERS:
            closed = closing(text, at)
            at = closed if closed > 0 else end
            continue
        if sign in "\"'`":
            at = _string_end(text, at, end)
            continue
        if sign == "/" and text[at + 1 : at + 2] in ("/", "*"):
            space = _SPACE.match(text, at, end)
            at = max(at + 1, space.end() if space is not None else at)
            continue
        if not value:
            angles += (sign == "<") - (sign == ">" and text[at - 1] != "=")
            if sign in ";," and angles <= 0:
                return at
            if sign == "\n" and angles <= 0:
                before, space = text[begun:at].rstrip(), _BLANK.match(text, at, end)
                stop = space.end() if space is not None else at + 1
                goes_on = before.endswith("=>") or before[-1:] in _GOES_ON
                if not goes_on and (stop == end or text[stop] not in "|&=?."):
                    return at
                at = stop
                continue
        elif sign == ",":
            return at
        at += 1
    return end


def kept(text: str) -> tuple[str, bool] | None:
    """The braces that an expression or a type is the whole of, behind them `as const` or `satisfies T`, and
    whether that is so; None where it is none."""
    text = text.strip()
    if text[:1] != "{":
        return None
    end = closing(text, 0)
    rest = text[end:].strip() if end > 0 else "?"
    return (
        (text[:end], bool(rest))
        if re.fullmatch(r"(?:as\s++const)?+\s*+(?:satisfies\s[^;]*+)?", rest)
        else None
    )


@lru_cache(64)
def place(source: str, text: str, least: int = -1) -> int:
    """Where `text`, which may have lost its line ends, first stands in `source` from `least` on; -1 where it
    does not, and where it stands several times and `least` is -1: it may be any of them."""
    begun = max(0, least)
    at = source.find(text, begun)
    if at >= 0 or len(text) > 4_000:
        return at if least >= 0 or source.find(text, at + 1) < 0 else -1
    pieces = list(_WORDS.finditer(source, begun))
    joined, sought = "".join(each[0] for each in pieces), "".join(text.split())
    at = joined.find(sought)
    if least < 0 <= joined.find(sought, at + 1):
        return -1
    for each in pieces if at >= 0 else ():
        if at < len(each[0]):
            return each.start() + at
        at -= len(each[0])
    return -1
