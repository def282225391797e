"""Strings that a program puts together from parts with names: `a = "AKIA"`, `b = "IOSF…"`, `key = a + b`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from devflow.models.guard.letters import found_at

_PART = r"[^\s\"'`(){}<>,;\\]{3,256}"
_ASSIGNED = re.compile(
    rf"=\s{{0,8}}[bru]{{0,2}}(?P<quote>[\"'`])(?P<value>{_PART})(?P=quote)"
    r"[ \t]{0,8};?[ \t]{0,8}(?:\n|\#|//|\Z)"
)
_NAMES = re.compile(r"(?<![\w.])([A-Za-z_$]\w{0,60})(?:[ \t:]{1,4}&?([A-Za-z_$]\w{0,60}))?[ \t:]{0,4}\Z")
"""A name, with its type before it, behind it, or without: one of the two names no string, and nothing is
put together from it."""
_ITEM = rf"(?:[A-Za-z_$]\w{{0,60}}|[bru]{{0,2}}(?:\"{_PART}\"|'{_PART}'|`{_PART}`))"
_SUM = re.compile(
    rf"(?<![\w.)\]\"'`]){_ITEM}(?:\s{{0,8}}(?:\+|\.\.?|<>|~|\|\|)\s{{0,8}}{_ITEM}){{1,8}}(?![\w(\[])"
)
_AN_ITEM = re.compile(_ITEM)
_TEMPLATE = re.compile(
    r"[f$]?([\"`])(?P<body>(?:[^\"`'{}\s]|[$#]?\{\s{0,4}[A-Za-z_$]\w{0,60}\s{0,4}\}){1,400})\1"
)
_A_HOLE = re.compile(r"[$#]?\{\s{0,4}([A-Za-z_$]\w{0,60})\s{0,4}\}")
_MOST_USES = 200
"""Of names, in one text."""
_BEFORE = 80
"""Characters before an expression that are read with it: the name of what it gives."""


@dataclass(frozen=True, slots=True)
class Assembled:
    """What an expression gives."""

    text: str
    """Its line up to it, and its value."""
    begin: int
    """Where the value begins."""
    parts: tuple[tuple[int, int], ...]
    """Where the strings that it is made of are written."""


def assembled(text: str) -> Iterator[Assembled]:
    """The strings that expressions in `text` make of named ones."""
    named: dict[str, tuple[int, int]] = {}
    for given in _ASSIGNED.finditer(text):
        line = max(text.rfind("\n", 0, given.start()) + 1, given.start() - 130)
        if names := _NAMES.search(text, line, given.start()):
            for name in filter(None, names.groups()):
                named.setdefault(name, given.span("value"))
    read = -1
    uses = (at for name in named for at in found_at(text, name) if _is_operand(text, at, at + len(name)))
    for at in sorted(islice(uses, _MOST_USES)):
        line, end = text.rfind("\n", max(0, at - 400), at) + 1, text.find("\n", at, at + 400)
        line = max(line, at - 400)
        if line == read:
            continue
        read = line
        end = end if end >= 0 else min(len(text), at + 400)
        for pattern in (_SUM, _TEMPLATE):
            for found in pattern.finditer(text, line, end):
                if parts := _parts(text, found, named):
                    before = text[max(line, found.start() - _BEFORE) : found.start()]
                    value = "".join(text[start:stop] for start, stop in parts)
                    yield Assembled(f'{before}"{value}"\n', len(before) + 1, parts)


def _is_operand(text: str, start: int, end: int) -> bool:
    """Whether a name stands there, beside a sign that joins."""
    before, behind = text[max(0, start - 9) : start], text[end : end + 9]
    if before[-1:].isalnum() or before[-1:] == "_" or behind[:1].isalnum() or behind[:1] == "_":
        return False
    return before.rstrip()[-1:] in _JOINS or behind.lstrip()[:1] in _JOINS


_JOINS = frozenset("+{}~<>|.")


def _parts(
    text: str, found: re.Match[str], named: Mapping[str, tuple[int, int]]
) -> tuple[tuple[int, int], ...]:
    """Where the strings of an expression are written, in order; () where one of them is not known, or all
    stand there."""
    parts: list[tuple[int, int]] = []
    known = False
    if found.re is _SUM:
        for item in _AN_ITEM.finditer(text, *found.span()):
            if item[0][-1] in "\"'`":
                parts.append((item.start() + re.search(r"[\"'`]", item[0]).start() + 1, item.end() - 1))  # type: ignore[union-attr]
            elif item[0] in named:
                known = True
                parts.append(named[item[0]])
            else:
                return ()
        return tuple(parts) if known else ()
    at = found.start("body")
    for hole in _A_HOLE.finditer(text, *found.span("body")):
        if hole[1] not in named:
            return ()
        known = True
        parts += [(at, hole.start()), named[hole[1]]]
        at = hole.end()
    parts.append((at, found.end("body")))
    return tuple((start, stop) for start, stop in parts if start < stop) if known else ()
