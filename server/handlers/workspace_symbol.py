"""`workspace/symbol`."""

from __future__ import annotations

from lsprotocol import types

from devflow.server import convert
from devflow.server.assist.workspace_symbols import workspace_symbols
from devflow.server.session import Session

LIMIT = 100
_STARTING_SECONDS = 1.0
"""What is asked right after the start waits so long for the index to be open."""


async def workspace_symbol(
    session: Session, params: types.WorkspaceSymbolParams
) -> list[types.SymbolInformation] | None:
    """Symbols of the workspace whose name fits the query, best first."""
    await session.searchable(_STARTING_SECONDS)
    code = session.codebase()
    opened = [doc for uri in session.documents if (doc := session.documents.current(uri)) is not None]
    found = await workspace_symbols(params.query, LIMIT, opened, code)
    return [
        types.SymbolInformation(
            location=types.Location(
                session.uri_of(each.found.path),
                convert.range_on(each.line, each.before, each.found.symbol.name, session.encoding),
            ),
            name=each.found.symbol.name,
            kind=convert.SYMBOL_KINDS[each.found.symbol.kind],
            container_name=each.found.symbol.container or None,
        )
        for each in found
    ]
