"""`textDocument/didClose`."""

from lsprotocol import types

from devflow.server.assist.inline.ghost import end
from devflow.server.assist.static_names import released
from devflow.server.session import Session


def did_close(session: Session, params: types.DidCloseTextDocumentParams) -> None:
    """The file on disk holds the truth again."""
    end(session.codebase().memory, [params.text_document.uri])
    path = session.documents.path_of(params.text_document.uri)
    session.close_document(params.text_document.uri)
    if path is not None:
        released(path, session.codebase())
