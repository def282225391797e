"""`textDocument/codeAction` and `codeAction/resolve`: the list without a model, the edit when chosen."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from lsprotocol import types

from devflow.analysis.document import Document
from devflow.models.errors import ModelError
from devflow.server import convert
from devflow.server.assist.edit import Action, ActionRefused, action_edit, actions, import_actions
from devflow.server.assist.refactorings import NEEDS_NO_MODEL, wanted
from devflow.server.edits import workspace_edit
from devflow.server.errors import ContentModified, InvalidParams, RequestFailed
from devflow.server.progress import working
from devflow.server.session import Session

APPLY = "devflow.apply"
"""The command that stands for an action where the client cannot resolve one."""
EXPLAIN = "devflow.explain"


async def code_action(
    session: Session, params: types.CodeActionParams
) -> list[types.CodeAction | types.Command] | None:
    """What can be done about the range."""
    doc = await session.snapshot(params.text_document.uri)
    if doc is None:
        return None
    start, end = convert.span(doc.text, params.range, session.encoding)
    code = session.codebase()
    only = [str(getattr(kind, "value", kind)) for kind in params.context.only or ()]
    offered = await asyncio.to_thread(actions, doc, start, end, code, only)
    if wanted("quickfix", only):
        offered += await import_actions(doc, start, end, code)
    text_document = session.capabilities.text_document
    client = text_document.code_action if text_document else None
    says_why = bool(client and client.disabled_support)
    return [
        _shown(session, doc, action)
        for action in offered
        if wanted(action.kind, only) and (says_why or not (action.disabled and action.id in NEEDS_NO_MODEL))
    ]


async def resolve(session: Session, action: types.CodeAction) -> types.CodeAction:
    """Make the edit of the action the user chose."""
    if action.edit is None and action.command is None:
        action.edit = await edit_of(session, action.data, action.title)
    return action


async def edit_of(session: Session, data: Any, title: str) -> types.WorkspaceEdit:
    """The edit of the action that `data` describes; see `_data`."""
    if not isinstance(data, Mapping):
        raise InvalidParams("The action's `data` is missing.")
    doc = await session.snapshot(str(data.get("uri", "")))
    if doc is None:
        raise RequestFailed("The document is not open any more.")
    if doc.version != data.get("version"):
        raise ContentModified
    try:
        action = Action(**data["action"])
    except (KeyError, TypeError):
        raise InvalidParams("The action's `data` is not what DevFlow made.") from None
    async with working(session, title) as report:
        if action.id not in NEEDS_NO_MODEL:
            await session.askable()
        try:
            made = await action_edit(action, doc, session.codebase(), report)
        except (ActionRefused, ModelError) as refusal:
            raise RequestFailed(str(refusal)) from refusal
    session.answered(types.CODE_ACTION_RESOLVE, made.engine)
    return await workspace_edit(session, made.others, document=(doc, made.document), created=made.new)


def _shown(session: Session, doc: Document, action: Action) -> types.CodeAction | types.Command:
    text_document = session.capabilities.text_document
    client = text_document.code_action if text_document else None
    if action.id == "explain":
        where = convert.range_of(doc.text, action.start, action.end, session.encoding)
        argument = session.client.protocol.as_json(where)
        command = types.Command(action.title, EXPLAIN, arguments=[{"uri": doc.uri, "range": argument}])
    else:
        command = types.Command(action.title, APPLY, arguments=[_data(doc, action)])
    if not (client and client.code_action_literal_support):
        return command
    resolves = bool(
        client.data_support and client.resolve_support and "edit" in client.resolve_support.properties
    )
    by_command = action.id == "explain" or not resolves
    return types.CodeAction(
        action.title,
        kind=action.kind,
        is_preferred=True if action.preferred and client.is_preferred_support else None,
        command=command if by_command else None,
        data=None if by_command else _data(doc, action),
        disabled=(
            types.CodeActionDisabled(action.disabled) if action.disabled and client.disabled_support else None
        ),
    )


def _data(doc: Document, action: Action) -> dict[str, Any]:
    described = {
        name: getattr(action, name)
        for name in ("id", "title", "kind", "start", "end", "disabled", "argument", "preferred")
    }
    return {"uri": doc.uri, "version": doc.version, "action": described}
