"""Where the cursor is, as far as the protocol lets one know: no message says it, some requests do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devflow.analysis.document import Document
    from devflow.server.session import Session
    from devflow.server.suggestions import Shown


def shows_ghost_text(session: Session) -> bool:
    """Whether the client shows ghost text, and its user wants it."""
    text_document = session.capabilities.text_document
    own = text_document is not None and text_document.inline_completion is not None
    return session.settings.features.inline_completion and (own or session.settings.inline.as_item)


def came_to(session: Session, doc: Document, at: int) -> None:
    """The cursor has come to `at`: a model may read what it will be asked there."""
    models = session.models
    if models is not None and models.has("fill") and shows_ghost_text(session):
        from devflow.server.assist.inline.ahead import cursor_at  # not before there is a model

        cursor_at(doc, at, session.codebase(), session.settings.inline)


async def came_behind(session: Session, shown: Shown) -> None:
    """The cursor stands behind a suggestion that was accepted."""
    doc = await session.snapshot(shown.uri)
    if doc is not None and shown.watch is not None:
        at = shown.watch.end
        if doc.text.source[:at].endswith(shown.text):
            came_to(session, doc, at)
