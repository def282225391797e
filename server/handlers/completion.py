"""`textDocument/completion` and `completionItem/resolve`."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from typing import Any

from lsprotocol import types

from devflow.analysis.document import Document
from devflow.server import convert
from devflow.server.assist.complete import Completions, Item, complete, document_item
from devflow.server.assist.ghost_item import GhostItem, ghost_item, ghost_task
from devflow.server.assist.waiting import allowed
from devflow.server.session import Session

GHOST_SECONDS = 0.03
"""What a list that is ready waits for ghost text, in editors that have none of their own."""


async def completion(session: Session, params: types.CompletionParams) -> dict[str, Any] | None:
    """What can stand at the cursor, best first."""
    place = await session.place(params)
    if place is None:
        return None
    doc, at = place
    code = session.codebase()
    started = time.perf_counter()
    ghost = ghost_task(doc, at, code, session.settings.inline) if _wants_ghost(session) else None
    found = await complete(doc, at, code, session.settings.completion, _sign(params.context))
    session.answered(types.TEXT_DOCUMENT_COMPLETION, found.engine)
    listed = _list(session, doc, found, params.position)
    if ghost is not None:
        await asyncio.wait([ghost], timeout=allowed(GHOST_SECONDS))
        item = ghost_item(doc, at, ghost)
        if item is not None:
            listed["items"].insert(1, _ghost_json(session, doc, at, item, started))
        elif not ghost.done():
            listed["isIncomplete"] = True
    if session.is_stale(doc):
        listed["isIncomplete"] = True
    return listed


async def resolve(session: Session, item: types.CompletionItem) -> types.CompletionItem:
    """Add the documentation of the item the user looks at."""
    data = item.data
    if item.documentation is not None or not isinstance(data, Mapping):
        return item
    doc = await session.snapshot(str(data.get("uri", "")))
    line, character = data.get("line"), data.get("character")
    if doc is None or not isinstance(line, int) or not isinstance(character, int):
        return item
    at = convert.offset(doc.text, types.Position(line, character), session.encoding)
    markdown = await document_item(doc, at, item.label, session.codebase())
    if markdown:
        client = _item_options(session)
        item.documentation = convert.documentation(markdown, client and client.documentation_format)
    return item


def _sign(context: types.CompletionContext | None) -> str:
    """The sign whose typing asked for the list; "" where the user or a word did."""
    if context is None or context.trigger_kind != types.CompletionTriggerKind.TriggerCharacter:
        return ""
    return context.trigger_character or ""


def _wants_ghost(session: Session) -> bool:
    """Whether the client has no ghost text of its own, and the user wants it in the list instead."""
    text_document = session.capabilities.text_document
    own = text_document is not None and text_document.inline_completion is not None
    return not own and session.settings.features.inline_completion and session.settings.inline.as_item


def _ghost_json(session: Session, doc: Document, at: int, item: GhostItem, started: float) -> dict[str, Any]:
    """Ghost text as an item: second in the list, so that Enter on the first stays what it was. Asked for at
    `started`, on the clock of `time.perf_counter`."""
    shown = session.suggestions.show(
        doc,
        at,
        item.edit,
        kind="item",
        model=item.suggestion.engine,
        source=item.suggestion.source,
        features=item.suggestion.values,
        milliseconds=(time.perf_counter() - started) * 1_000,
    )
    edit = convert.text_edit(doc.text, item.edit, session.encoding)
    options = _item_options(session)
    documentation = f"```{doc.language}\n{item.edit.new}\n```"
    return {
        "label": item.label,
        "kind": types.CompletionItemKind.Text.value,
        "detail": "Ghost text",
        "documentation": session.client.protocol.as_json(
            convert.documentation(documentation, options and options.documentation_format)
        ),
        "filterText": item.filter_text,
        "sortText": "0000~",
        "textEdit": session.client.protocol.as_json(edit),
        "command": {"title": "Accepted", "command": "devflow.accepted", "arguments": [shown]},
    }


def _list(session: Session, doc: Document, found: Completions, position: types.Position) -> dict[str, Any]:
    """A `CompletionList` as JSON: 150 items as LSP's classes, validated and converted, took 3 ms more."""
    client = session.capabilities.text_document and session.capabilities.text_document.completion
    defaults = (client and client.completion_list and client.completion_list.item_defaults) or ()
    options = _item_options(session)
    formats = options and options.documentation_format
    preselects = bool(options and options.preselect_support)
    commits = bool(options and options.commit_characters_support)
    labels = bool(options and options.label_details_support)
    calls = bool(options and options.snippet_support) and session.settings.completion.parentheses
    data: dict[str, Any] = {"uri": doc.uri, "line": position.line, "character": position.character}
    as_json = session.client.protocol.as_json

    spans = {(item.edit.start, item.edit.end) for item in found.items}
    ranges = {span: as_json(convert.range_of(doc.text, *span, session.encoding)) for span in spans}
    shared = next(iter(ranges.values())) if len(ranges) == 1 and "editRange" in defaults else None

    def made(number: int, item: Item) -> dict[str, Any]:
        call = item.call if calls else ""
        new = _snippet(item.edit.new, call) if call else item.edit.new
        json: dict[str, Any] = {
            "label": item.label,
            "kind": convert.COMPLETION_KINDS.get(item.kind, types.CompletionItemKind.Text).value,
            "sortText": f"{number:04}",
        }
        if labels and (item.parameters or item.module):
            details = {"detail": item.parameters, "description": item.module}
            json["labelDetails"] = {key: text for key, text in details.items() if text}
        if item.detail:
            json["detail"] = item.detail
        if item.documentation:
            json["documentation"] = as_json(convert.documentation(item.documentation, formats))
        if item.preselect and preselects:
            json["preselect"] = True
        if call:
            json["insertTextFormat"] = types.InsertTextFormat.Snippet.value
        if shared is None:
            json["textEdit"] = {"range": ranges[item.edit.start, item.edit.end], "newText": new}
        elif new != item.label:
            json["textEditText"] = new
        if item.additional:
            edits = [convert.text_edit(doc.text, edit, session.encoding) for edit in item.additional]
            json["additionalTextEdits"] = as_json(edits)
        if item.commit and commits and not call:
            # After a snippet the bracket is there: typing it again would make two.
            json["commitCharacters"] = list(item.commit)
        if "data" not in defaults:
            json["data"] = data
        return json

    listed: dict[str, Any] = {
        "isIncomplete": found.incomplete,
        "items": [made(*pair) for pair in enumerate(found.items)],
    }
    if shared is not None or ("data" in defaults and found.items):
        listed["itemDefaults"] = ({"editRange": shared} if shared is not None else {}) | (
            {"data": data} if "data" in defaults else {}
        )
    return listed


def _snippet(name: str, call: str) -> str:
    """`name` and its brackets in the client's snippet syntax."""
    return re.sub(r"([\\$}])", r"\\\1", name) + call.replace("|", "$0")


def _item_options(session: Session) -> types.ClientCompletionItemOptions | None:
    text_document = session.capabilities.text_document
    completion_client = text_document.completion if text_document else None
    return completion_client.completion_item if completion_client else None
