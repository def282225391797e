"""`textDocument/documentSymbol`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from lsprotocol import types

from devflow.analysis.document import Document
from devflow.analysis.facts import Symbol
from devflow.analysis.symbols import symbols
from devflow.server import convert
from devflow.server.session import Session


async def document_symbol(
    session: Session, params: types.DocumentSymbolParams
) -> list[types.DocumentSymbol] | list[types.SymbolInformation] | None:
    """The definitions of one document: a tree for clients that show one, else a list."""
    doc = await session.snapshot(params.text_document.uri)
    if doc is None or doc.tree is None:
        return None
    found = await asyncio.to_thread(symbols, doc.tree)
    text_document = session.capabilities.text_document
    client = text_document.document_symbol if text_document else None
    if client and client.hierarchical_document_symbol_support:
        return _tree(session, doc, found)
    return [
        types.SymbolInformation(
            location=types.Location(
                doc.uri, convert.range_of(doc.text, symbol.start, symbol.end, session.encoding)
            ),
            name=symbol.name,
            kind=convert.SYMBOL_KINDS[symbol.kind],
            container_name=symbol.container or None,
        )
        for symbol in found
    ]


def _tree(session: Session, doc: Document, found: Sequence[Symbol]) -> list[types.DocumentSymbol]:
    roots: list[types.DocumentSymbol] = []
    around: list[tuple[Symbol, list[types.DocumentSymbol]]] = []
    for symbol in sorted(found, key=lambda each: (each.start, -each.end)):
        while around and around[-1][0].end < symbol.end:
            around.pop()
        children: list[types.DocumentSymbol] = []
        (around[-1][1] if around else roots).append(
            types.DocumentSymbol(
                name=symbol.name or "?",
                kind=convert.SYMBOL_KINDS[symbol.kind],
                range=convert.range_of(doc.text, symbol.start, symbol.end, session.encoding),
                selection_range=convert.range_of(
                    doc.text, symbol.name_start, symbol.name_end, session.encoding
                ),
                detail=symbol.signature or None,
                children=children,
            )
        )
        around.append((symbol, children))
    return roots
