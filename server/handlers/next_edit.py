"""`textDocument/copilotInlineEdit`: the edit that comes next, as Copilot's language server answers it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from lsprotocol import types

from devflow.server import convert
from devflow.server.assist.next_edit.base import NextEdit
from devflow.server.assist.next_edit.predict import predict
from devflow.server.copilot import NEXT_EDIT
from devflow.server.errors import InvalidParams
from devflow.server.session import Session

SETTLED = 0.06
"""Seconds without an edit, before what follows from the last one is worked out: keystrokes come faster, and a
word that is being typed names nothing yet."""
_MOST_JUMPS = 20


async def next_edit(session: Session, params: Any) -> dict[str, Any]:
    """{textDocument: {uri, version}, position} → {edits: [{text, range, textDocument, command}], jumps}.

    There is at most one edit. `jumps`, which Copilot's answer does not have, says where else edits follow
    from the same cause: [{uri, range, text, title}].
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
    await asyncio.sleep(SETTLED)
    session.check_current(doc)
    found = await predict(
        doc,
        at,
        changes,
        session.codebase(),
        lambda each: session.offers.wanted(doc, each),
        with_model=session.settings.next_edit.model,
    )
    session.check_current(doc)
    answer: dict[str, Any] = {"edits": []}
    elsewhere = [*found.edits[1:], *found.elsewhere]
    if elsewhere:
        answer["jumps"] = [
            jump for each in elsewhere[:_MOST_JUMPS] if (jump := await _jump(session, uri, each))
        ]
        session.check_current(doc)
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
        )
        session.offers.offered(suggestion, doc, first)
        edit = convert.text_edit(doc.text, first.edit, session.encoding)
        answer["edits"] = [
            {
                "text": edit.new_text,
                "range": session.client.protocol.as_json(edit.range),
                "textDocument": {"uri": uri, "version": doc.version},
                "command": {"title": first.title, "command": "devflow.accepted", "arguments": [suggestion]},
            }
        ]
    return answer


async def _jump(session: Session, uri: str, each: NextEdit) -> dict[str, Any] | None:
    """Where an edit would be, as JSON; None when the file cannot be read any more."""
    if each.path is None:
        text = session.documents.text_now(uri)
    else:
        text = await session.text_of(each.path)
        uri = session.uri_of(each.path)
    if text is None:
        return None
    edit = convert.text_edit(text, each.edit, session.encoding)
    return {
        "uri": uri,
        "range": session.client.protocol.as_json(edit.range),
        "text": edit.new_text,
        "title": each.title,
    }
