"""`textDocument/completion` and `completionItem/resolve`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lsprotocol import types

from devflow.analysis.document import Document
from devflow.server import convert
from devflow.server.assist.complete import Completions, Item, complete, document_item
from devflow.server.session import Session


async def completion(session: Session, params: types.CompletionParams) -> types.CompletionList | None:
    """What can stand at the cursor, best first."""
    place = await session.place(params)
    if place is None:
        return None
    doc, at = place
    found = await complete(doc, at, session.codebase(), session.settings.completion)
    session.answered(types.TEXT_DOCUMENT_COMPLETION, found.engine)
    listed = _list(session, doc, found, params.position)
    if session.is_stale(doc):
        listed.is_incomplete = True
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


def _list(
    session: Session, doc: Document, found: Completions, position: types.Position
) -> types.CompletionList:
    client = session.capabilities.text_document and session.capabilities.text_document.completion
    defaults = (client and client.completion_list and client.completion_list.item_defaults) or ()
    options = _item_options(session)
    formats = options and options.documentation_format
    preselects = bool(options and options.preselect_support)
    commits = bool(options and options.commit_characters_support)
    labels = bool(options and options.label_details_support)
    calls = bool(options and options.snippet_support) and session.settings.completion.parentheses
    data: dict[str, Any] = {"uri": doc.uri, "line": position.line, "character": position.character}

    spans = {(item.edit.start, item.edit.end) for item in found.items}
    ranges = {span: convert.range_of(doc.text, *span, session.encoding) for span in spans}
    shared = next(iter(ranges.values())) if len(ranges) == 1 and "editRange" in defaults else None

    def made(number: int, item: Item) -> types.CompletionItem:
        call = item.call if calls else ""
        new = _snippet(item.edit.new, call) if call else item.edit.new
        return types.CompletionItem(
            label=item.label,
            label_details=_label_details(item) if labels else None,
            kind=convert.COMPLETION_KINDS.get(item.kind),
            detail=item.detail or None,
            documentation=convert.documentation(item.documentation, formats) if item.documentation else None,
            preselect=True if item.preselect and preselects else None,
            sort_text=f"{number:04}",
            insert_text_format=types.InsertTextFormat.Snippet if call else None,
            text_edit=(
                None if shared is not None else types.TextEdit(ranges[item.edit.start, item.edit.end], new)
            ),
            text_edit_text=new if shared is not None and new != item.label else None,
            additional_text_edits=(
                [convert.text_edit(doc.text, edit, session.encoding) for edit in item.additional] or None
            ),
            # After a snippet the bracket is there: typing it again would make two.
            commit_characters=list(item.commit) if item.commit and commits and not call else None,
            data=None if "data" in defaults else data,
        )

    listed = types.CompletionList(
        is_incomplete=found.incomplete, items=[made(*pair) for pair in enumerate(found.items)]
    )
    if shared is not None or ("data" in defaults and found.items):
        listed.item_defaults = types.CompletionItemDefaults(
            edit_range=shared, data=data if "data" in defaults else None
        )
    return listed


def _label_details(item: Item) -> types.CompletionItemLabelDetails | None:
    if not item.parameters and not item.module:
        return None
    return types.CompletionItemLabelDetails(item.parameters or None, item.module or None)


def _snippet(name: str, call: str) -> str:
    """`name` and its brackets in the client's snippet syntax."""
    return re.sub(r"([\\$}])", r"\\\1", name) + call.replace("|", "$0")


def _item_options(session: Session) -> types.ClientCompletionItemOptions | None:
    text_document = session.capabilities.text_document
    completion_client = text_document.completion if text_document else None
    return completion_client.completion_item if completion_client else None
