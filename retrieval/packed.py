"""How uses of names and texts lie in the store: packed, and unpacked by functions that SQL calls.

A million lines have a million and a half uses of names. As rows with their indexes they took four times the
room of the source, and half of the time of a first walk; packed by name and file it is a third of both.
"""

from __future__ import annotations

import json
import sqlite3
import struct
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from devflow.analysis.facts import Reference, ReferenceKind
from devflow.analysis.text import Text

_USE = struct.Struct("<IIHH")
"""Offset, line, receiver, container with the kind in its highest bits."""
_KINDS = tuple(ReferenceKind)
_KIND_BITS = 14
_MOST_AROUND = 1 << _KIND_BITS
_LEVEL = 3
"""zlib at 3 takes a tenth more room than at 6, and a third of the time."""


@dataclass(frozen=True, slots=True)
class PackedUses:
    """The uses of names in one file. `places`: by name; `around`: the receivers and containers they name by
    number; `members`: how often each name is seen on each receiver; `attributes`: behind any dot."""

    places: list[tuple[str, bytes]]
    around: bytes
    members: Counter[tuple[str, str]]
    attributes: Counter[str]
    count: int


def packed_uses(uses: Sequence[Reference], text: Text) -> PackedUses:
    """`uses` in the order of the text; their strings must be `words.storable`."""
    numbers: dict[str, int] = {"": 0}
    members: Counter[tuple[str, str]] = Counter()
    attributes: Counter[str] = Counter()
    places: dict[str, list[int]] = {}
    line_at = text.line_at
    kinds = {kind: number << _KIND_BITS for number, kind in enumerate(_KINDS)}
    for use in uses:
        name, receiver = use.name, use.receiver
        on = numbers.setdefault(receiver, len(numbers)) if receiver else 0
        inside = numbers.setdefault(use.container, len(numbers))
        if receiver:
            members[receiver, name] += 1
            attributes[name] += 1
        elif use.kind is ReferenceKind.ATTRIBUTE:
            attributes[name] += 1
        # Only of files with 16,000 definitions some containers go untold.
        kind = kinds[use.kind] | (inside if inside < _MOST_AROUND else 0)
        found = places.get(name)
        if found is None:
            found = places[name] = []
        found += (use.start, line_at(use.start), on if on < 1 << 16 else 0, kind)
    around = zlib.compress(json.dumps(list(numbers), ensure_ascii=False).encode(), _LEVEL)
    return PackedUses(
        [(name, struct.pack("<" + "IIHH" * (len(some) // 4), *some)) for name, some in places.items()],
        around,
        members,
        attributes,
        len(uses),
    )


def packed_text(text: str) -> bytes:
    """A text as the store keeps it; `text` must be `words.storable`."""
    return zlib.compress(text.encode(), _LEVEL)


def functions() -> tuple[tuple[str, int, object], ...]:
    """Name, number of arguments and function of what the store's views call."""
    return (("devflow_piece", 3, _piece), ("devflow_uses", 3, _uses))


def register(connection: sqlite3.Connection) -> None:
    """Give a plain connection the functions that the store's views call."""
    for name, arguments, function in functions():
        connection.create_function(name, arguments, function, deterministic=True)  # type: ignore[arg-type]


def _piece(text: bytes, start: int, end: int) -> str:
    """A part of a packed text."""
    return _unpacked_text(text)[start:end]


def _uses(name: str, places: bytes, around: bytes) -> str:
    """The uses of a name in a file as JSON: a list of `[start, end, kind, line, receiver, container]`."""
    words = _unpacked_words(around)
    length = len(name)
    low = _MOST_AROUND - 1
    return json.dumps(
        [
            (start, start + length, _KINDS[kind >> _KIND_BITS], line, words[on], words[kind & low])
            for start, line, on, kind in _USE.iter_unpack(places)
        ]
    )


@lru_cache(16)
def _unpacked_text(text: bytes) -> str:
    return zlib.decompress(text).decode()


@lru_cache(64)
def _unpacked_words(around: bytes) -> list[str]:
    found: list[str] = json.loads(zlib.decompress(around))
    return found
