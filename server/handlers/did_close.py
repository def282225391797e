"""`textDocument/didClose`."""

from lsprotocol import types

from devflow.server.session import Session


def did_close(session: Session, params: types.DidCloseTextDocumentParams) -> None:
    """The file on disk holds the truth again."""
    session.close_document(params.text_document.uri)
