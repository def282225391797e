"""`textDocument/selectionRange`."""

from __future__ import annotations

import asyncio

from lsprotocol import types

from devflow.analysis.selection import selections
from devflow.server import convert
from devflow.server.session import Session

DEEPEST = 100
"""Ranges around a place; the answer nests them, and clients read it by recursion."""


async def selection_range(
    session: Session, params: types.SelectionRangeParams
) -> list[types.SelectionRange] | None:
    """For each position the ranges around it, the smallest outermost in the answer."""
    doc = await session.snapshot(params.text_document.uri)
    if doc is None:
        return None
    result: list[types.SelectionRange] = []
    for position in params.positions:
        at = convert.offset(doc.text, position, session.encoding)
        around: types.SelectionRange | None = None
        found = await asyncio.to_thread(selections, doc.text, doc.tree, at)
        for start, end in reversed([*found[:DEEPEST], *found[DEEPEST:][-1:]]):
            around = types.SelectionRange(convert.range_of(doc.text, start, end, session.encoding), around)
        if around is not None:
            result.append(around)
    return result
