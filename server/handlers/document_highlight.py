"""`textDocument/documentHighlight`."""

from __future__ import annotations

from lsprotocol import types

from devflow.server import convert
from devflow.server.assist.highlight import highlights
from devflow.server.cursor import came_to
from devflow.server.session import Session

_KINDS = {"read": types.DocumentHighlightKind.Read, "write": types.DocumentHighlightKind.Write}


async def document_highlight(
    session: Session, params: types.DocumentHighlightParams
) -> list[types.DocumentHighlight] | None:
    """The other places of the name under the cursor in its document."""
    place = await session.place(params)
    if place is None:
        return None
    doc, at = place
    came_to(session, doc, at)  # editors ask for highlights when the cursor was moved
    found = await highlights(doc, at, session.codebase())
    return [
        types.DocumentHighlight(
            convert.range_of(doc.text, each.start, each.end, session.encoding), _KINDS[each.kind]
        )
        for each in found
    ] or None
