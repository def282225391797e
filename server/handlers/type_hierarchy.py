"""`textDocument/prepareTypeHierarchy`, `typeHierarchy/supertypes` and `typeHierarchy/subtypes`."""

from __future__ import annotations

from collections.abc import Sequence

from lsprotocol import types

from devflow.server import convert
from devflow.server.assist import type_hierarchy as hierarchy
from devflow.server.assist.call_hierarchy import Item
from devflow.server.handlers.call_hierarchy import place_of, ranges_of
from devflow.server.session import Session


async def prepare(
    session: Session, params: types.TypeHierarchyPrepareParams
) -> list[types.TypeHierarchyItem] | None:
    """The class under the cursor."""
    place = await session.place(params)
    if place is None:
        return None
    return await _items(session, await hierarchy.prepared_types(*place, session.codebase())) or None


async def supertypes(
    session: Session, params: types.TypeHierarchySupertypesParams
) -> list[types.TypeHierarchyItem] | None:
    """What the item extends."""
    place = await place_of(session, params.item)
    return (
        None
        if place is None
        else await _items(session, await hierarchy.supertypes(*place, session.codebase()))
    )


async def subtypes(
    session: Session, params: types.TypeHierarchySubtypesParams
) -> list[types.TypeHierarchyItem] | None:
    """What extends the item."""
    place = await place_of(session, params.item)
    return (
        None if place is None else await _items(session, await hierarchy.subtypes(*place, session.codebase()))
    )


async def _items(session: Session, found: Sequence[Item]) -> list[types.TypeHierarchyItem]:
    items: list[types.TypeHierarchyItem] = []
    for each in found:
        text = await session.text_of(each.path)
        if text is not None:
            items.append(
                types.TypeHierarchyItem(
                    each.symbol.name,
                    convert.SYMBOL_KINDS[each.symbol.kind],
                    session.uri_of(each.path),
                    *ranges_of(session, each, text),
                    detail=each.symbol.container or None,
                )
            )
    return items
