"""`workspace/didChangeWorkspaceFolders`."""

from lsprotocol import types

from devflow.server import convert
from devflow.server.session import Session


async def did_change_workspace_folders(
    session: Session, params: types.DidChangeWorkspaceFoldersParams
) -> None:
    """Folders joined or left the workspace."""
    added = [convert.path_of(folder.uri) for folder in params.event.added]
    removed = [convert.path_of(folder.uri) for folder in params.event.removed]
    await session.change_roots(
        [path for path in added if path is not None], [path for path in removed if path is not None]
    )
