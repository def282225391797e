"""`workspace/willRenameFiles`: imports follow files before they move."""

from lsprotocol import types

from devflow.server import convert
from devflow.server.assist.move_files import imports_after_move
from devflow.server.edits import workspace_edit
from devflow.server.session import Session


async def will_rename_files(session: Session, params: types.RenameFilesParams) -> types.WorkspaceEdit | None:
    """The edits to imports that go with the renaming of files and folders; None when there are none."""
    pairs = [(convert.path_of(file.old_uri), convert.path_of(file.new_uri)) for file in params.files]
    moves = [(old, new) for old, new in pairs if old is not None and new is not None]
    if not moves:
        return None
    made = await imports_after_move(moves, session.codebase())
    return await workspace_edit(session, made.edits, texts=made.texts) if made.edits else None
