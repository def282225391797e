"""Finding symbols by a part of their name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import aiosqlite

from devflow.analysis.facts import SymbolKind
from devflow.retrieval.base import IndexedSymbol
from devflow.retrieval.prepare import initials

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


async def candidates(db: aiosqlite.Connection, query: str, columns: str, limit: int) -> list[Sequence[Any]]:
    """Rows of symbols that may match, looked for in ever wider ways until `limit` are found."""
    select = f"SELECT {columns}, s.id FROM symbols s JOIN files f ON f.id = s.file WHERE "
    container, _, name = query.strip().rpartition(".")
    values = {"name": name.lower(), "scope": container.lower(), "limit": limit}
    if not name:
        rows = await db.execute_fetchall(
            select + "s.container = '' ORDER BY s.lower LIMIT :limit", {"limit": limit}
        )
        return [tuple(row)[:-1] for row in rows]
    inside = " AND instr(lower(s.container), :scope) > 0" if container else ""
    values["letters"] = _subsequence(name.lower())
    found: dict[int, Sequence[Any]] = {}
    for condition in (
        "s.lower = :name",
        "s.lower >= :name AND s.lower < :name || char(0x10ffff)",
        "s.initials <> '' AND s.initials >= :name AND s.initials < :name || char(0x10ffff)",
        "instr(s.lower, :name) > 0",
        "s.lower LIKE :letters ESCAPE '\\'",
    ):
        if len(found) >= limit:
            break
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


def _subsequence(name: str) -> str:
    return "%" + "".join(("\\" + char if char in "%_\\" else char) + "%" for char in name[:64])
