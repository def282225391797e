"""`textDocument/declaration`."""

from __future__ import annotations

from lsprotocol import types

from devflow.server.assist.declaration import declaration as declaration_of
from devflow.server.handlers.linked import linked
from devflow.server.session import Session


async def declaration(
    session: Session, params: types.DeclarationParams
) -> list[types.Location] | list[types.LocationLink] | None:
    """Where the name under the cursor comes into its file; links for clients that know them."""
    place = await session.place(params)
    if place is None:
        return None
    await session.settled()
    places = await declaration_of(*place, session.codebase())
    client = session.capabilities.text_document and session.capabilities.text_document.declaration
    return await linked(session, *place, places.locations, client)
