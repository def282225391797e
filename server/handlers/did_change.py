"""`textDocument/didChange`."""

from lsprotocol import types

from devflow.server.session import Session


def did_change(session: Session, params: types.DidChangeTextDocumentParams) -> None:
    """Apply the edits, in order, before the next message is read."""
    session.change(params.text_document, params.content_changes)
