"""Ghost text as an item of the completion list, for editors that cannot show it behind the cursor."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from devflow.analysis.document import Document
from devflow.analysis.text import Edit
from devflow.server.assist.base import Codebase
from devflow.server.assist.inline import Suggestion, inline
from devflow.server.assist.memory import PerDocument
from devflow.server.assist.waiting import answer
from devflow.server.settings import Inline

_LONGEST = 60
_SUGGESTED = PerDocument[Suggestion | None]("ghost text for a list")


@dataclass(frozen=True, slots=True)
class GhostItem:
    """`edit` also replaces the part of a word that is typed, as the other items of the list do."""

    label: str
    filter_text: str
    edit: Edit
    suggestion: Suggestion


def ghost_task(doc: Document, at: int, code: Codebase, config: Inline) -> asyncio.Task[Suggestion | None]:
    """The suggestion at `at`; the same task for who asks again before the document changes."""
    key = _SUGGESTED.key(doc.uri, doc.version, at)
    return code.memory.task(key, lambda: inline(doc, at, code, config, listed=True))


def ghost_item(doc: Document, at: int, task: asyncio.Task[Suggestion | None]) -> GhostItem | None:
    """The item of a suggestion that is there by now."""
    found = answer(task)
    if found is None or not found.edit.new.strip() or found.edit.start > at:
        return None
    source = doc.text.source
    start, _ = doc.text.word_at(at)
    start = min(start, found.edit.start)
    new = source[start : found.edit.start] + found.edit.new
    first, _, rest = new.partition("\n")
    label = first.strip() if len(first.strip()) <= _LONGEST else f"{first.strip()[:_LONGEST]}…"
    edit = Edit(start, found.edit.end, new)
    return GhostItem(f"{label} …" if rest else label, first.strip() or label, edit, found)
