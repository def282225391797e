"""The next edit as a chat model sees it: it is shown what was just changed and the lines around the cursor,
and writes those lines as they should be. What differs is the edit."""

from __future__ import annotations

import asyncio
import difflib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from devflow.analysis.changes import change_between, rebased
from devflow.analysis.document import Document
from devflow.analysis.text import Edit
from devflow.models.errors import ModelError
from devflow.server.assist.chat import answer, fenced_code, has_chat
from devflow.server.assist.memory import PerDocument
from devflow.server.assist.next_edit.base import Cause, NextEdit, keeps_syntax
from devflow.server.assist.prompts import next_edit
from devflow.server.assist.target import sent_paths
from devflow.server.assist.waiting import allowed

if TYPE_CHECKING:
    from devflow.server.assist.base import Codebase

log = logging.getLogger(__name__)

ABOVE, BELOW = 12, 20
"""Lines of the window around the cursor that the model may change."""
_MOST_CHANGED = 12
"""Lines; a model that changes more of the window rewrites it, which is no next edit."""
_DIFFS = 5
CURSOR = "<|cursor|>"


async def by_model(
    doc: Document, at: int, causes: Sequence[Cause], code: Codebase, seconds: float
) -> NextEdit | None:
    """What the chat model would change next; None where it changes nothing, too much, or is late. What it
    said before is carried over what was typed since, as long as that fits."""
    if not has_chat(code) or not causes:
        return None
    text = doc.text
    key = _SAID.key(doc.uri)
    cause = (causes[0].old, causes[0].new)
    said = code.memory.last(key)
    if said is not None:
        carried = _carried(said, text.source)
        if carried is not None or said.cause == cause:
            return carried
    line = text.line_at(at)
    start = text.line_start(max(line - ABOVE, 0))
    end = text.line_end(min(line + BELOW, text.line_count - 1))
    window = text.source[start:end]
    marked = f"{window[: at - start]}{CURSOR}{window[at - start :]}"
    names = await sent_paths(doc, code)
    request = next_edit(_diffs(doc, causes), marked, CURSOR, doc.language, names)
    try:
        async with asyncio.timeout(allowed(seconds)):
            reply = await answer(code, request)
    except TimeoutError:
        return None
    except ModelError as error:
        log.warning("next edit: %s", error)
        return None
    found = await asyncio.to_thread(_read, doc, start, window, reply.text)
    code.memory.keep(key, _Said(text.source, cause, found))
    return found


@dataclass(frozen=True, slots=True)
class _Said:
    """What the model said last in a document: it is not asked twice about one edit."""

    source: str
    cause: tuple[tuple[str, ...], tuple[str, ...]]
    found: NextEdit | None


_SAID = PerDocument[_Said]("the model's next edit")


def _carried(said: _Said, source: str) -> NextEdit | None:
    """What it said, for the text as it is now; None where that is done or no longer fits."""
    if said.found is None:
        return None
    change = change_between(said.source, source)
    edit = rebased(said.found.edit, said.source, [change] if change is not None else [])
    return replace(said.found, edit=edit) if edit is not None else None


def _read(doc: Document, start: int, window: str, reply: str) -> NextEdit | None:
    """The edit in an answer; None for an answer that is none."""
    written = fenced_code(reply)
    if written is None:
        return None
    written = written.replace(CURSOR, "").removesuffix("\n") + ("\n" if window.endswith("\n") else "")
    change = change_between(window, written)
    if change is None or not written.strip():
        return None
    changed = [
        tag for tag in difflib.ndiff(window.split("\n"), written.split("\n")) if tag.startswith(("- ", "+ "))
    ]
    if len(changed) > _MOST_CHANGED:
        return None
    edit = Edit(start + change.start, start + change.old_end, change.new)
    return NextEdit(edit, "model", "Change this next") if keeps_syntax(doc, edit) else None


def _diffs(doc: Document, causes: Sequence[Cause]) -> str:
    """What was changed, oldest first, as lines of a diff."""
    pieces: list[str] = []
    for cause in reversed(causes[:_DIFFS]):
        change = cause.change
        begin = doc.text.line_start(doc.text.line_at(change.start))
        finish = doc.text.line_end(doc.text.line_at(change.new_end))
        now = doc.text.source[begin:finish]
        first = change.start - begin
        was = now[:first] + change.old + now[first + len(change.new) :]
        pieces += [f"-{line}" for line in was.split("\n")]
        pieces += [f"+{line}" for line in now.split("\n")]
        pieces.append("")
    return "\n".join(pieces)
