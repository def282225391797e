"""`textDocument/didOpen`."""

from lsprotocol import types

from devflow.server.assist.static_names import warm
from devflow.server.session import Session


def did_open(session: Session, params: types.DidOpenTextDocumentParams) -> None:
    """The editor owns the document from now on. What it imports is read before somebody asks."""
    session.open(params.text_document)
    session.run(_read_imports(session, params.text_document.uri), "read imports")


async def _read_imports(session: Session, uri: str) -> None:
    doc = await session.snapshot(uri)
    if doc is not None:
        await warm(doc, session.codebase())
