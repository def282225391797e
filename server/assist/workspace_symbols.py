"""Symbols of the workspace by a part of their name: from the index, and without one from what is open."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from devflow.analysis.document import Document
from devflow.analysis.regular_files import content
from devflow.retrieval.base import IndexedSymbol
from devflow.retrieval.fuzzy import fits, rank
from devflow.server.assist.outline import symbols_of

if TYPE_CHECKING:
    from devflow.server.assist.base import Codebase

_LARGEST = 5_000_000


@dataclass(frozen=True, slots=True)
class Named:
    """A symbol and where its name stands."""

    found: IndexedSymbol
    line: int
    before: str | None
    """The line's text before the name; None where the file has changed and only the line is known."""


async def workspace_symbols(
    query: str, limit: int, opened: Sequence[Document], code: Codebase
) -> list[Named]:
    """At most `limit` symbols whose name fits `query`, best first."""
    found: list[IndexedSymbol] = []
    if code.index is not None:
        found = await code.index.symbols_matching(query, limit)
    if not found:
        found = await asyncio.to_thread(_open_symbols, query, opened, code)
        found = found[:limit]
    now = {doc.path: doc.text.source for doc in opened if doc.path is not None}
    return await asyncio.to_thread(_placed, found, now)


def _open_symbols(query: str, opened: Sequence[Document], code: Codebase) -> list[IndexedSymbol]:
    found = [
        IndexedSymbol(doc.path, doc.language, doc.text.line_at(symbol.name_start), symbol)
        for doc in opened
        if doc.path is not None
        for symbol in symbols_of(doc, code.memory)
        if fits(query, symbol)
    ]
    return rank(query, found)


def _placed(found: Sequence[IndexedSymbol], now: dict[Path, str]) -> list[Named]:
    """Where the names stand in the files as they are. A file is read once and not kept: only a line of it
    is needed. One that has changed since it was indexed is shown at the line the index knows."""
    texts: dict[Path, str | None] = dict(now)
    placed = []
    for each in found:
        if each.path not in texts:
            texts[each.path] = _read(each.path)
        source, symbol = texts[each.path], each.symbol
        if source is None:
            continue
        start = symbol.name_start
        before = None
        if source.startswith(symbol.name, start):
            before = source[max(source.rfind("\n", 0, start), source.rfind("\r", 0, start)) + 1 : start]
        placed.append(Named(each, each.line, before))
    return placed


def _read(path: Path) -> str | None:
    data = content(path, _LARGEST)
    try:
        return data.decode("utf-8-sig") if data is not None else None
    except UnicodeDecodeError:
        return None
