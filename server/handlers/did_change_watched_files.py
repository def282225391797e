"""`workspace/didChangeWatchedFiles`."""

from lsprotocol import types

from devflow.server import convert
from devflow.server.session import Session


def did_change_watched_files(session: Session, params: types.DidChangeWatchedFilesParams) -> None:
    """Files changed on disk."""
    paths = (convert.path_of(change.uri) for change in params.changes)
    session.files_changed(path for path in paths if path is not None)
