"""`workspace/didCreateFiles`, `workspace/didRenameFiles` and `workspace/didDeleteFiles`."""

from lsprotocol import types

from devflow.server import convert
from devflow.server.session import Session


def did_create_files(session: Session, params: types.CreateFilesParams) -> None:
    """The user made files in the editor."""
    _changed(session, [file.uri for file in params.files])


def did_rename_files(session: Session, params: types.RenameFilesParams) -> None:
    """The user renamed files in the editor."""
    _changed(session, [uri for file in params.files for uri in (file.old_uri, file.new_uri)])


def did_delete_files(session: Session, params: types.DeleteFilesParams) -> None:
    """The user deleted files in the editor."""
    _changed(session, [file.uri for file in params.files])


def _changed(session: Session, uris: list[str]) -> None:
    paths = (convert.path_of(uri) for uri in uris)
    session.files_changed(path for path in paths if path is not None)
