"""`textDocument/hover`."""

from lsprotocol import types

from devflow.server import convert
from devflow.server.assist.hover import hover as card_at
from devflow.server.session import Session


async def hover(session: Session, params: types.HoverParams) -> types.Hover | None:
    """The card of the name under the cursor."""
    place = await session.place(params)
    if place is None:
        return None
    await session.settled()
    doc, at = place
    card = await card_at(doc, at, session.codebase(), session.settings.hover)
    if card is None:
        return None
    session.answered(types.TEXT_DOCUMENT_HOVER, card.engine)
    client = session.capabilities.text_document and session.capabilities.text_document.hover
    return types.Hover(
        convert.markup(card.markdown, client and client.content_format),
        convert.range_of(doc.text, card.start, card.end, session.encoding),
    )
