"""`textDocument/inlineCompletion`."""

from __future__ import annotations

import time

from lsprotocol import types

from devflow.analysis.document import Document
from devflow.server import convert
from devflow.server.assist.inline import inline
from devflow.server.assist.inline.ghost import mood_of
from devflow.server.assist.inline.trigger import Situation, unwanted
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
    if suggestion is None or not _is_wanted(session, doc, manual=manual):
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


def _is_wanted(session: Session, doc: Document, *, manual: bool) -> bool:
    """Whether ghost text is still wanted, now that it is there: its document may be closed, it may have been
    switched off or snoozed while it was made."""
    if doc.uri not in session.documents or not session.settings.features.inline_completion:
        return False
    snoozed = time.monotonic() < mood_of(session.codebase().memory).snoozed_until
    return manual or unwanted(doc, Situation(snoozed=snoozed), session.settings.inline) is None
