"""`textDocument/implementation`."""

from __future__ import annotations

from lsprotocol import types

from devflow.server.assist.type_hierarchy import implementation as implementation_of
from devflow.server.handlers.linked import linked
from devflow.server.session import Session


async def implementation(
    session: Session, params: types.ImplementationParams
) -> list[types.Location] | list[types.LocationLink] | None:
    """What implements the type or overrides the method under the cursor; links for clients that know them."""
    place = await session.place(params)
    if place is None:
        return None
    places = await implementation_of(*place, session.codebase())
    client = session.capabilities.text_document and session.capabilities.text_document.implementation
    return await linked(session, *place, places, client)
