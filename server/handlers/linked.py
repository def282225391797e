"""Places as the answer to a jump: links for clients that know them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lsprotocol import types

from devflow.analysis.document import Document
from devflow.analysis.facts import Location
from devflow.server import convert
from devflow.server.session import Session


async def linked(
    session: Session, doc: Document, at: int, places: Sequence[Location], client: Any
) -> list[types.Location] | list[types.LocationLink] | None:
    """`places` as the editor's; `client` are its capabilities for this method."""
    found = await session.locations(places)
    if not found:
        return None
    if not (client and client.link_support):
        return found
    origin = convert.range_of(doc.text, *doc.text.word_at(at), session.encoding)
    return [types.LocationLink(each.uri, each.range, each.range, origin) for each in found]
