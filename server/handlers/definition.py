"""`textDocument/definition`."""

from __future__ import annotations

from lsprotocol import types

from devflow.server.assist.navigate import definition as definition_of
from devflow.server.handlers.linked import linked
from devflow.server.session import Session


async def definition(
    session: Session, params: types.DefinitionParams
) -> list[types.Location] | list[types.LocationLink] | None:
    """Where the name under the cursor is made; links for clients that know them."""
    place = await session.place(params)
    if place is None:
        return None
    await session.settled()
    places = await definition_of(*place, session.codebase())
    client = session.capabilities.text_document and session.capabilities.text_document.definition
    found = await linked(session, *place, places.locations, client)
    if found:
        session.answered(types.TEXT_DOCUMENT_DEFINITION, places.engine)
    return found
