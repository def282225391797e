"""`textDocument/prepareCallHierarchy`, `callHierarchy/incomingCalls` and `callHierarchy/outgoingCalls`."""

from __future__ import annotations

from lsprotocol import types

from devflow.analysis.document import Document
from devflow.analysis.text import Text
from devflow.server import convert
from devflow.server.assist import call_hierarchy as calls
from devflow.server.session import Session


async def prepare(
    session: Session, params: types.CallHierarchyPrepareParams
) -> list[types.CallHierarchyItem] | None:
    """The function under the cursor."""
    place = await session.place(params)
    if place is None:
        return None
    found = await calls.prepared(*place, session.codebase())
    items = [await _item(session, each) for each in found]
    return [item for item in items if item is not None] or None


async def incoming_calls(
    session: Session, params: types.CallHierarchyIncomingCallsParams
) -> list[types.CallHierarchyIncomingCall] | None:
    """Who calls the item."""
    place = await place_of(session, params.item)
    if place is None:
        return None
    result: list[types.CallHierarchyIncomingCall] = []
    for call in await calls.incoming(*place, session.codebase()):
        item, text = await _item(session, call.item), await session.text_of(call.item.path)
        if item is not None and text is not None:
            ranges = [convert.range_of(text, *each, session.encoding) for each in call.places]
            result.append(types.CallHierarchyIncomingCall(item, ranges))
    return result


async def outgoing_calls(
    session: Session, params: types.CallHierarchyOutgoingCallsParams
) -> list[types.CallHierarchyOutgoingCall] | None:
    """What the item calls."""
    place = await place_of(session, params.item)
    if place is None:
        return None
    text = place[0].text
    result: list[types.CallHierarchyOutgoingCall] = []
    for call in await calls.outgoing(*place, session.codebase()):
        item = await _item(session, call.item)
        if item is not None:
            ranges = [convert.range_of(text, *each, session.encoding) for each in call.places]
            result.append(types.CallHierarchyOutgoingCall(item, ranges))
    return result


async def place_of(
    session: Session, item: types.CallHierarchyItem | types.TypeHierarchyItem
) -> tuple[Document, int] | None:
    """The document of an item and the offset of its name."""
    doc = await session.snapshot(item.uri)
    if doc is None:
        return None
    return doc, convert.offset(doc.text, item.selection_range.start, session.encoding)


def ranges_of(session: Session, item: calls.Item, text: Text) -> tuple[types.Range, types.Range]:
    """The whole of an item's definition and, within it, its name."""
    symbol = item.symbol
    start, end = min(symbol.start, symbol.name_start), max(symbol.end, symbol.name_end)
    return (
        convert.range_of(text, start, end, session.encoding),
        convert.range_of(text, symbol.name_start, symbol.name_end, session.encoding),
    )


async def _item(session: Session, item: calls.Item) -> types.CallHierarchyItem | None:
    text = await session.text_of(item.path)
    if text is None:
        return None
    symbol = item.symbol
    return types.CallHierarchyItem(
        symbol.name,
        convert.SYMBOL_KINDS[symbol.kind],
        session.uri_of(item.path),
        *ranges_of(session, item, text),
        detail=symbol.container or None,
    )
