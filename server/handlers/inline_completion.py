"""`textDocument/inlineCompletion`."""

from __future__ import annotations

import time

from lsprotocol import types

from devflow.server import convert
from devflow.server.assist.inline import inline
from devflow.server.session import Session


async def inline_completion(
    session: Session, params: types.InlineCompletionParams
) -> types.InlineCompletionList:
    """Ghost text at the cursor."""
    place = await session.place(params)
    if place is None or params.text_document.uri not in session.documents:  # closed behind the request
        return types.InlineCompletionList([])
    doc, at = place
    chosen = params.context.selected_completion_info
    selected = (
        convert.edit_of(doc.text, chosen.range, chosen.text, session.encoding) if chosen is not None else None
    )
    manual = params.context.trigger_kind is types.InlineCompletionTriggerKind.Invoked
    started = time.perf_counter()
    suggestion = await inline(doc, at, session.codebase(), session.settings.inline, selected, manual)
    session.check_current(doc)
    if suggestion is None or params.text_document.uri not in session.documents:
        # Not null: Neovim takes that for no answer, and leaves on the screen what is out of date.
        return types.InlineCompletionList([])
    session.answered(types.TEXT_DOCUMENT_INLINE_COMPLETION, suggestion.engine)
    edit = suggestion.edit
    shown = session.suggestions.show(
        doc,
        at,
        edit,
        model=suggestion.engine,
        source=suggestion.source,
        features=suggestion.values,
        milliseconds=(time.perf_counter() - started) * 1_000,
    )
    return types.InlineCompletionList(
        [
            types.InlineCompletionItem(
                edit.new,
                range=convert.range_of(doc.text, edit.start, edit.end, session.encoding),
                command=types.Command("Accepted", "devflow.accepted", arguments=[shown]),
            )
        ]
    )
