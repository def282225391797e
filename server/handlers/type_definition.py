"""`textDocument/typeDefinition`."""

from __future__ import annotations

from lsprotocol import types

from devflow.server.assist.declaration import type_definition as type_definition_of
from devflow.server.handlers.linked import linked
from devflow.server.session import Session


async def type_definition(
    session: Session, params: types.TypeDefinitionParams
) -> list[types.Location] | list[types.LocationLink] | None:
    """Where the type of the name under the cursor is defined; links for clients that know them."""
    place = await session.place(params)
    if place is None:
        return None
    await session.settled()
    places = await type_definition_of(*place, session.codebase())
    client = session.capabilities.text_document and session.capabilities.text_document.type_definition
    return await linked(session, *place, places.locations, client)
