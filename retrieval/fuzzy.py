"""Finding symbols by a part of their name."""

from __future__ import annotations

import asyncio
import heapq
import json
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import aiosqlite

from devflow.analysis.facts import Symbol, SymbolKind
from devflow.retrieval.base import IndexedSymbol
from devflow.retrieval.freshness import Freshness
from devflow.retrieval.words import initials

_KIND_ORDER = {
    SymbolKind.CLASS: 0,
    SymbolKind.INTERFACE: 0,
    SymbolKind.STRUCT: 0,
    SymbolKind.ENUM: 0,
    SymbolKind.TYPE: 0,
    SymbolKind.FUNCTION: 1,
    SymbolKind.METHOD: 2,
    SymbolKind.CONSTRUCTOR: 2,
}


_MOST_MATCHES = 4_000
_ROWS_OF_A_NAME = 10


class Vocabulary:
    """The names of one store, held as text: to look for a part of a name in a hundred thousand names takes a
    millisecond here and a hundred in the table. A name takes its letters and nine bytes."""

    def __init__(self) -> None:
        self._freshness = Freshness()
        self._names: _Names | None = None  # made in a thread: it imports numpy

    async def update(self, db: aiosqlite.Connection) -> None:
        """Read the names where the store has changed."""
        async with self._freshness.reading(db) as changed:
            if changed:
                [row] = await db.execute_fetchall(
                    "SELECT group_concat(lower, char(10)) FROM (SELECT DISTINCT lower FROM symbols)"
                )
                self._names = await asyncio.to_thread(_Names, row[0] or "")

    def matching(self, name: str, limit: int) -> list[str]:
        """At most `limit` names, in lower case, that hold `name`: as their beginning, somewhere, or its
        letters in order; best first, short ones before long ones."""
        names = self._names
        if names is None:
            return []
        beginning: list[str] = []
        inside: list[str] = []
        for found in names.holding(name):
            (beginning if found.startswith(name) else inside).append(found)
            if len(beginning) + len(inside) > _MOST_MATCHES:
                break
        best = heapq.nsmallest(limit, beginning, key=len)
        best += heapq.nsmallest(limit - len(best), inside, key=len)
        if len(best) < limit and 1 < len(name) <= 64:
            known = set(best)
            loose = islice((found for found in names.in_order(name) if found not in known), _MOST_MATCHES)
            best += heapq.nsmallest(limit - len(best), loose, key=len)
        return best


class _Names:
    """Names, one a line."""

    def __init__(self, lines: str) -> None:
        import numpy as np

        codes = np.frombuffer(lines.encode("utf-32-le", "surrogatepass"), np.uint32)
        self._lines = lines
        self._starts = np.concatenate((np.zeros(1, np.intp), np.flatnonzero(codes == 10) + 1))
        """Where each line begins."""
        bits = np.where(codes == 10, 0, np.left_shift(np.uint32(1), codes & 31)).astype(np.uint32)
        self._letters = np.bitwise_or.reduceat(bits, self._starts) if lines else np.zeros(1, np.uint32)
        """Which characters a line has, by their last five bits: letters differ in them."""

    def holding(self, part: str) -> Iterator[str]:
        """Those with `part` somewhere."""
        lines = self._lines
        at = lines.find(part)
        while at >= 0:
            end = lines.find("\n", at)
            end = len(lines) if end < 0 else end
            yield lines[lines.rfind("\n", 0, at) + 1 : end]
            at = lines.find(part, end)

    def in_order(self, letters: str) -> Iterator[str]:
        """Those with these letters in this order. The few that have them at all are looked at one by one."""
        import numpy as np

        wanted = np.uint32(0)
        for char in letters:
            wanted |= np.uint32(1 << (ord(char) & 31))
        # Possessive: a line without the letters is left at its end, not tried from every place before.
        pattern = re.compile("".join(f"[^\n{re.escape(char)}]*+{re.escape(char)}" for char in letters))
        lines = self._lines
        for start in self._starts[(self._letters & wanted) == wanted].tolist():
            if pattern.match(lines, start):
                end = lines.find("\n", start)
                yield lines[start : end if end >= 0 else len(lines)]


async def candidates(
    db: aiosqlite.Connection, vocabulary: Vocabulary, query: str, columns: str, limit: int
) -> list[Sequence[Any]]:
    """Rows of symbols that may match, about `limit` of them."""
    select = f"SELECT {columns}, s.id FROM symbols s JOIN files f ON f.id = s.file WHERE "
    container, _, name = query.strip().rpartition(".")
    values: dict[str, object] = {"name": name.lower(), "scope": container.lower(), "limit": limit}
    if not name:
        rows = await db.execute_fetchall(
            select + "s.container = '' ORDER BY s.lower LIMIT :limit", {"limit": limit}
        )
        return [tuple(row)[:-1] for row in rows]
    await vocabulary.update(db)
    names = await asyncio.to_thread(vocabulary.matching, name.lower(), limit)
    inside = " AND instr(lower(s.container), :scope) > 0" if container else ""
    # Of a name that stands in hundreds of places some will do; inside a container all are looked at.
    values["names"] = json.dumps(names)
    values["most"] = -1 if container else _ROWS_OF_A_NAME
    found: dict[int, Sequence[Any]] = {}
    for condition in (
        "s.lower = :name",
        "s.initials <> '' AND s.initials >= :name AND s.initials < :name || char(0x10ffff)",
        "s.id IN (SELECT id FROM (SELECT id, lower, row_number() OVER (PARTITION BY lower) AS nth"
        " FROM symbols WHERE lower IN (SELECT value FROM json_each(:names))) WHERE nth <= :most OR :most < 0"
        " ORDER BY nth > 3, instr(lower, :name) <> 1, length(lower) LIMIT iif(:most < 0, -1, :limit))",
    ):
        for row in await db.execute_fetchall(f"{select}{condition}{inside} LIMIT :limit", values):
            *columns_of_row, id_ = row
            found.setdefault(id_, columns_of_row)
    return list(found.values())


def rank(query: str, symbols: Sequence[IndexedSymbol]) -> list[IndexedSymbol]:
    """Best first: exact, prefix, initials, substring at a word's start, substring, letters in order;
    types before functions before the rest, short names before long ones."""
    name = query.strip().rpartition(".")[2]

    def key(found: IndexedSymbol) -> tuple[object, ...]:
        symbol = found.symbol
        return (
            _distance(name, symbol.name),
            _KIND_ORDER.get(symbol.kind, 3),
            len(symbol.name),
            symbol.container.count(".") + bool(symbol.container),
            str(found.path),
            symbol.start,
        )

    return sorted(symbols, key=key)


def fits(query: str, symbol: Symbol) -> bool:
    """Whether a symbol would be found by `query`."""
    container, _, name = query.strip().rpartition(".")
    letters = iter(symbol.name.lower())
    return container.lower() in symbol.container.lower() and all(char in letters for char in name.lower())


def _distance(query: str, name: str) -> int:
    low_query, low_name = query.lower(), name.lower()
    if name == query:
        return 0
    if low_name == low_query:
        return 1
    if name.startswith(query):
        return 2
    if low_name.startswith(low_query):
        return 3
    if initials(name).startswith(low_query):
        return 4
    at = low_name.find(low_query)
    if at > 0:
        return 5 if name[at].isupper() or name[at - 1] == "_" else 6
    return 7
