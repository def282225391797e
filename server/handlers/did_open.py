"""`textDocument/didOpen`."""

import asyncio
import contextlib

from lsprotocol import types

from devflow.server.assist.complete import prepare
from devflow.server.assist.declared_names import warm_libraries
from devflow.server.assist.static_names import warm
from devflow.server.errors import ContentModified
from devflow.server.session import Session

_SETTLED = 0.2
"""Seconds: who asks at once, as a server that starts with a file is, must not wait for what is prepared."""


def did_open(session: Session, params: types.DidOpenTextDocumentParams) -> None:
    """The editor owns the document from now on. What is asked of it first is prepared."""
    session.open(params.text_document)
    session.run(_prepare(session, params.text_document.uri), "prepare an opened document")


async def _prepare(session: Session, uri: str) -> None:
    await asyncio.sleep(_SETTLED)
    with contextlib.suppress(ContentModified):  # what comes next prepares itself
        doc = await session.snapshot(uri) if uri in session.documents else None
        if doc is not None:
            await prepare(doc, session.codebase())
            await warm(doc, session.codebase())
            await warm_libraries(doc, session.codebase())
