"""`workspace/symbol`."""

from __future__ import annotations

from pathlib import Path

from lsprotocol import types

from devflow.analysis.text import Text
from devflow.retrieval.base import IndexedSymbol
from devflow.server import convert
from devflow.server.session import Session

LIMIT = 100


async def workspace_symbol(
    session: Session, params: types.WorkspaceSymbolParams
) -> list[types.SymbolInformation] | None:
    """Symbols of the workspace whose name fits the query, best first."""
    code = session.codebase()
    if code.index is None:
        return None
    found = await code.index.symbols_matching(params.query, LIMIT)
    texts: dict[Path, Text | None] = {}
    for each in found:
        if each.path not in texts:
            texts[each.path] = await session.text_of(each.path)
    return [
        types.SymbolInformation(
            location=types.Location(session.uri_of(each.path), _range(session, each, text)),
            name=each.symbol.name,
            kind=convert.SYMBOL_KINDS[each.symbol.kind],
            container_name=each.symbol.container or None,
        )
        for each in found
        if (text := texts[each.path]) is not None
    ]


def _range(session: Session, found: IndexedSymbol, text: Text) -> types.Range:
    symbol = found.symbol
    if text.source[symbol.name_start : symbol.name_end] == symbol.name:
        return convert.range_of(text, symbol.name_start, symbol.name_end, session.encoding)
    # The file has changed since it was indexed: the line is the best there is.
    at = text.line_start(found.line)
    return convert.range_of(text, at, at, session.encoding)
