"""The same renaming in other files of the workspace: told when the document itself is done."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from devflow.analysis.changes import reverted
from devflow.analysis.document import Document
from devflow.analysis.refactor.refused import Refused
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Text
from devflow.server.assist.next_edit.base import Cause, NextEdit
from devflow.server.assist.rename import rename
from devflow.server.assist.waiting import allowed

if TYPE_CHECKING:
    from devflow.server.assist.base import Codebase

SECONDS = 1.0
"""What is waited for the workspace; what comes later is there for the next request."""


async def renamed_elsewhere(doc: Document, causes: Sequence[Cause], code: Codebase) -> list[NextEdit]:
    """The places in other files of a name that was renamed at its definition in `doc`, whose own places are
    all done. `causes` has the newest first."""
    if doc.path is None or code.index is None:
        return []
    cause = next((each for each in causes[:2] if each.renamed is not None), None)
    if cause is None or cause.renamed is None:
        return []
    old, new = cause.renamed
    same = [each for each in causes if each.renamed == cause.renamed]
    before = reverted(doc.text.source, [each.change for each in same])

    async def asked() -> list[NextEdit]:
        text = Text(before.source)
        tree = await asyncio.to_thread(parse, text, doc.language)
        was = replace(doc, text=text, tree=tree, version=-1)
        first = min(same, key=lambda each: each.start)
        try:
            done = await rename(was, first.start, new, code)
        except Refused:
            return []
        return [
            NextEdit(edit, "rename", f"Rename {old} to {new}", path)
            for path, edits in sorted(done.edits.items())
            if path != doc.path
            for edit in edits
        ]

    task = code.memory.task(("renamed elsewhere", doc.uri, before.source, old, new), asked)
    await asyncio.wait([task], timeout=allowed(SECONDS))
    return task.result() if task.done() and not task.cancelled() and not task.exception() else []
