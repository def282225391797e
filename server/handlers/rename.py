"""`textDocument/prepareRename` and `textDocument/rename`."""

from __future__ import annotations

from lsprotocol import types

from devflow.server import convert
from devflow.server.assist.rename import RenameRefused
from devflow.server.assist.rename import prepare_rename as renamable
from devflow.server.assist.rename import rename as renamed
from devflow.server.edits import workspace_edit
from devflow.server.errors import RequestFailed
from devflow.server.session import Session


async def prepare_rename(session: Session, params: types.PrepareRenameParams) -> types.Range | None:
    """The range of the name under the cursor, if it can be renamed."""
    place = await session.place(params)
    if place is None:
        return None
    doc, _ = place
    found = await renamable(*place, session.codebase())
    return None if found is None else convert.range_of(doc.text, *found, session.encoding)


async def rename(session: Session, params: types.RenameParams) -> types.WorkspaceEdit | None:
    """The edits that give the name under the cursor another one everywhere, or why not."""
    place = await session.place(params)
    if place is None:
        return None
    try:
        made = await renamed(*place, params.new_name, session.codebase())
    except RenameRefused as refusal:
        raise RequestFailed(str(refusal)) from refusal
    session.check_current(place[0])
    if made.warning:
        session.tell(made.warning)
    return await workspace_edit(session, made.edits, doubtful=made.doubtful, texts=made.texts)
