"""How uses of names and texts lie in the store: packed, and unpacked by functions that SQL calls.

A million lines have a million and a half uses of names. As rows with their indexes they took four times the
room of the source, and half of the time of a first walk; packed by name and file it is a third of both.
"""

from __future__ import annotations

import json
import sqlite3
import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from devflow.analysis.facts import Reference, ReferenceKind
from devflow.analysis.text import Text

_SHORT, _LONG = struct.Struct("<HHHH"), struct.Struct("<IIHH")
"""Offset, line, receiver, container with the kind in its highest bits; in long ones a byte stands before."""
_KINDS = tuple(ReferenceKind)
_KIND_BITS = 14
_MOST_AROUND = 1 << _KIND_BITS
_LEVEL = 3
"""zlib at 3 takes a tenth more room than at 6, and a third of the time."""


@dataclass(frozen=True, slots=True)
class PackedUses:
    """The uses of names in one file. `places`: by name; `around`: the receivers and containers they name by
    number; `names`: those there are, packed too; `members`: how often each name is seen on each receiver;
    `attributes`: behind any dot."""

    places: list[tuple[str, bytes]]
    around: bytes
    names: bytes
    members: dict[tuple[str, str], int]
    attributes: dict[str, int]
    count: int


def packed_uses(uses: Sequence[Reference], text: Text) -> PackedUses:
    """`uses` in the order of the text; their strings must be `words.storable`."""
    numbers: dict[str, int] = {"": 0}
    on_receivers: dict[tuple[str, str], int] = {}
    attributes: dict[str, int] = {}
    places: dict[str, list[int]] = {}
    kinds = {kind: number << _KIND_BITS for number, kind in enumerate(_KINDS)}
    is_attribute = ReferenceKind.ATTRIBUTE
    line, line_end, container, inside = 0, text.line_start(1), "", 0
    for name, kind, start, _, receiver, holder in uses:
        if start >= line_end:
            line = text.line_at(start)
            line_end = text.line_start(line + 1) if line + 1 < text.line_count else len(text) + 1
        if holder is not container:
            container = holder
            inside = numbers.setdefault(holder, len(numbers))
        on = 0
        if receiver:
            on = numbers.setdefault(receiver, len(numbers))
            key = (receiver, name)
            on_receivers[key] = on_receivers.get(key, 0) + 1
            attributes[name] = attributes.get(name, 0) + 1
        elif kind is is_attribute:
            attributes[name] = attributes.get(name, 0) + 1
        found = places.get(name)
        if found is None:
            found = places[name] = []
        # Of a file with 16,000 containers, or 65,000 receivers, some go untold.
        found += (
            start,
            line,
            on if on < 1 << 16 else 0,
            kinds[kind] | (inside if inside < _MOST_AROUND else 0),
        )
    short = len(text) < 1 << 16
    return PackedUses(
        [(name, _packed(some, short=short)) for name, some in places.items()],
        _packed_words(numbers),
        _packed_words(places),
        on_receivers,
        attributes,
        len(uses),
    )


def _packed_words(words: Iterable[str]) -> bytes:
    return zlib.compress(json.dumps(list(words), ensure_ascii=False).encode(), _LEVEL)


def _packed(numbers: list[int], *, short: bool) -> bytes:
    if short:
        return struct.pack(f"<{len(numbers)}H", *numbers)
    return b"\0" + struct.pack("<" + "IIHH" * (len(numbers) // 4), *numbers)


def packed_text(text: str) -> bytes:
    """A text as the store keeps it; `text` must be `words.storable`."""
    return zlib.compress(text.encode(), _LEVEL)


def functions() -> tuple[tuple[str, int, object], ...]:
    """Name, number of arguments and function of what the store's views call."""
    return (("devflow_piece", 3, _piece), ("devflow_uses", 3, _uses), ("devflow_names", 1, _names))


def register(connection: sqlite3.Connection) -> None:
    """Give a plain connection the functions that the store's views call."""
    for name, arguments, function in functions():
        connection.create_function(name, arguments, function, deterministic=True)  # type: ignore[arg-type]


def _piece(text: bytes, start: int, end: int) -> str:
    """A part of a packed text."""
    return _unpacked_text(text)[start:end]


def _names(names: bytes) -> str:
    """The names of which a file has uses, as JSON."""
    return zlib.decompress(names).decode()


def _uses(name: str, places: bytes, around: bytes) -> str:
    """The uses of a name in a file as JSON: a list of `[start, end, kind, line, receiver, container]`."""
    words = _unpacked_words(around)
    length = len(name)
    low = _MOST_AROUND - 1
    long = len(places) % _SHORT.size
    uses = _LONG.iter_unpack(places[1:]) if long else _SHORT.iter_unpack(places)
    return json.dumps(
        [
            (start, start + length, _KINDS[kind >> _KIND_BITS], line, words[on], words[kind & low])
            for start, line, on, kind in uses
        ]
    )


@lru_cache(16)
def _unpacked_text(text: bytes) -> str:
    return zlib.decompress(text).decode()


@lru_cache(64)
def _unpacked_words(around: bytes) -> list[str]:
    found: list[str] = json.loads(zlib.decompress(around))
    return found
