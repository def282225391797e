"""`textDocument/didOpen`."""

from lsprotocol import types

from devflow.server.session import Session


def did_open(session: Session, params: types.DidOpenTextDocumentParams) -> None:
    """The editor owns the document from now on."""
    session.open(params.text_document)
