"""`textDocument/foldingRange`."""

from __future__ import annotations

import asyncio

from lsprotocol import types

from devflow.analysis.folding import folds
from devflow.server.session import Session

_KINDS = {
    "comment": types.FoldingRangeKind.Comment,
    "imports": types.FoldingRangeKind.Imports,
    "region": types.FoldingRangeKind.Region,
}


async def folding_range(
    session: Session, params: types.FoldingRangeParams
) -> list[types.FoldingRange] | None:
    """The lines that can be folded, at most as many as the client takes."""
    doc = await session.snapshot(params.text_document.uri)
    if doc is None or doc.tree is None:
        return None
    found = await asyncio.to_thread(folds, doc.tree)
    text_document = session.capabilities.text_document
    client = text_document.folding_range if text_document else None
    if client and client.range_limit and len(found) > client.range_limit:
        widest = sorted(found, key=lambda each: each.first - each.last)[: client.range_limit]
        found = sorted(widest, key=lambda each: each.first)
    return [types.FoldingRange(each.first, each.last, kind=_KINDS.get(each.kind)) for each in found]
