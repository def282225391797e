"""`textDocument/didSave`."""

from lsprotocol import types

from devflow.server.session import Session


def did_save(session: Session, params: types.DidSaveTextDocumentParams) -> None:
    """The file on disk is the document now."""
    session.saved(params.text_document.uri)
