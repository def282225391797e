"""`textDocument/definition`."""

from __future__ import annotations

from lsprotocol import types

from devflow.server import convert
from devflow.server.assist.navigate import definition as definition_of
from devflow.server.session import Session


async def definition(
    session: Session, params: types.DefinitionParams
) -> list[types.Location] | list[types.LocationLink] | None:
    """Where the name under the cursor is made; links for clients that know them."""
    place = await session.place(params)
    if place is None:
        return None
    await session.settled()
    doc, at = place
    places = await definition_of(doc, at, session.codebase())
    found = await session.locations(places.locations)
    if not found:
        return None
    session.answered(types.TEXT_DOCUMENT_DEFINITION, places.engine)
    client = session.capabilities.text_document and session.capabilities.text_document.definition
    if not (client and client.link_support):
        return found
    origin = convert.range_of(doc.text, *doc.text.word_at(at), session.encoding)
    return [types.LocationLink(each.uri, each.range, each.range, origin) for each in found]
