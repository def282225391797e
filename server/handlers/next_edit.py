"""`textDocument/copilotInlineEdit`: the edit that comes next, as Copilot's language server answers it."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from typing import Any

from lsprotocol import types

from devflow.analysis.document import Document
from devflow.server import convert
from devflow.server.assist.next_edit.base import Edited, NextEdit
from devflow.server.assist.next_edit.offers import place_of
from devflow.server.assist.next_edit.predict import predict
from devflow.server.copilot import NEXT_EDIT
from devflow.server.errors import InvalidParams
from devflow.server.session import Session

SETTLED = 0.06
"""Seconds without an edit, before what follows from the last one is worked out: keystrokes come faster, and a
word that is being typed names nothing yet."""
_MOST_JUMPS = 20
_OTHERS = 3
"""Documents edited before this one, whose edits may go on here."""


async def next_edit(session: Session, params: Any) -> dict[str, Any]:
    """{textDocument: {uri, version}, position} → {edits: [{text, range, textDocument, command}], jumps}.

    There is at most one edit. `jumps`, which Copilot's answer does not have, says where else edits follow
    from the same cause: [{uri, range, text, title}], with an empty range and text where only the user knows
    what to write. Where there is no edit the first jump has a `command` like one: a client that shows it as
    a hint says by it, or by `devflow.rejected`, what became of it. Who goes there asks again and is told the
    edit.
    """
    asked = session.client.protocol.from_json(
        params if isinstance(params, Mapping) else None, types.TextDocumentPositionParams
    )
    if asked is None:
        raise InvalidParams("This needs a textDocument and a position.")
    uri = asked.text_document.uri
    started = time.perf_counter()
    place = await session.place(asked)
    history = session.documents.history(uri)
    if place is None or history is None:
        return {"edits": []}
    doc, at = place
    changes = history.recent()
    others = await _edited_before(session, uri)
    await asyncio.sleep(SETTLED)
    session.check_current(doc)
    found = await predict(
        doc,
        at,
        changes,
        session.codebase(),
        lambda each: session.offers.wanted(doc, each),
        with_model=session.settings.next_edit.model,
        others=others,
    )
    session.check_current(doc)
    answer: dict[str, Any] = {"edits": []}
    elsewhere = [*found.edits[1:], *found.elsewhere]
    if elsewhere:
        answer["jumps"] = [_jump(session, doc, each) for each in elsewhere[:_MOST_JUMPS]]
    if elsewhere and not found.edits:
        first, suggestion = elsewhere[0], os.urandom(8).hex()
        session.answered(NEXT_EDIT, first.rule)
        session.offers.offered(suggestion, doc, first)
        answer["jumps"][0]["command"] = _accepts(first, suggestion)
    if found.edits:
        first = found.edits[0]
        session.answered(NEXT_EDIT, first.rule)
        suggestion = session.suggestions.show(
            doc,
            at,
            first.edit,
            kind="next-edit",
            model=first.rule,
            source="rule" if first.rule != "model" else "model",
            milliseconds=(time.perf_counter() - started) * 1_000,
            place=place_of(doc, first),
        )
        session.offers.offered(suggestion, doc, first)
        edit = convert.text_edit(doc.text, first.edit, session.encoding)
        answer["edits"] = [
            {
                "text": edit.new_text,
                "range": session.client.protocol.as_json(edit.range),
                "textDocument": {"uri": uri, "version": doc.version},
                "command": _accepts(first, suggestion),
            }
        ]
    return answer


async def _edited_before(session: Session, uri: str) -> list[Edited]:
    """The documents the user edited before this one, the last first."""
    found: list[Edited] = []
    for each in session.documents.edited_besides(uri, _OTHERS):
        history = session.documents.history(each)
        changes = history.recent() if history is not None else ()
        doc = await session.documents.snapshot(each) if changes else None
        if doc is not None:
            found.append(Edited(doc, changes))
    return found


def _accepts(each: NextEdit, suggestion: str) -> dict[str, Any]:
    return {"title": each.title, "command": "devflow.accepted", "arguments": [suggestion]}


def _jump(session: Session, doc: Document, each: NextEdit) -> dict[str, Any]:
    """Where an edit would be, as JSON."""
    edit = convert.text_edit(each.text or doc.text, each.edit, session.encoding)
    return {
        "uri": session.uri_of(each.path) if each.path is not None else doc.uri,
        "range": session.client.protocol.as_json(edit.range),
        "text": edit.new_text,
        "title": each.title,
    }
