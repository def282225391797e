"""`textDocument/documentLink`."""

from __future__ import annotations

from lsprotocol import types

from devflow.server import convert
from devflow.server.assist.document_link import links
from devflow.server.session import Session


async def document_link(
    session: Session, params: types.DocumentLinkParams
) -> list[types.DocumentLink] | None:
    """The files and addresses a document's strings and comments name."""
    doc = await session.snapshot(params.text_document.uri)
    if doc is None:
        return None
    result: list[types.DocumentLink] = []
    for link in await links(doc, session.codebase()):
        target = link.address
        if link.path is not None:
            target = session.uri_of(link.path)
            text = await session.text_of(link.path) if link.at else None
            if text is not None:
                target += f"#L{text.line_at(link.at) + 1}"
        place = convert.range_of(doc.text, link.start, link.end, session.encoding)
        result.append(types.DocumentLink(place, target))
    return result or None
