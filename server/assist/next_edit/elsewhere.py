"""Other files of the workspace: what the edits of one document ask for there, told when that document itself
is done."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from devflow.analysis.changes import reverted
from devflow.analysis.document import Document
from devflow.analysis.refactor.refused import Refused
from devflow.analysis.symbols import symbols
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Edit, Text
from devflow.server.assist.memory import PerDocument, PerVersion
from devflow.server.assist.next_edit.base import Cause, Edited, NextEdit
from devflow.server.assist.next_edit.callers import calls_elsewhere
from devflow.server.assist.next_edit.causes import causes_of
from devflow.server.assist.next_edit.fields import changed_data_classes
from devflow.server.assist.next_edit.signatures import LANGUAGES, Changed, changed_functions
from devflow.server.assist.rename import rename
from devflow.server.assist.waiting import allowed

if TYPE_CHECKING:
    from devflow.server.assist.base import Codebase

SECONDS = 1.0
"""What is waited for a renaming; what comes later is there for the next request."""
_MOST = 40
_RENAMED = PerDocument[dict[Path, list[Edit]]]("renamed elsewhere")


@dataclass(frozen=True, slots=True)
class _Caused:
    causes: tuple[Cause, ...]
    changed: tuple[Changed, ...]
    """Functions and data classes that are called otherwise now."""


_CAUSED = PerVersion[_Caused]("what edits cause elsewhere")


async def follows_elsewhere(edited: Edited, here: Document, code: Codebase) -> list[NextEdit]:
    """What the edits of a document ask for in other files, those in `here`, where the user is, first."""
    doc = edited.doc
    if doc.path is None or code.index is None:
        return []
    caused = await asyncio.to_thread(code.memory.value, _CAUSED, doc, lambda: _caused(doc, edited))
    renamed = await _renamed(doc, caused.causes, here, code)
    return renamed or await calls_elsewhere(doc, caused.changed, here.path, code)


def _caused(doc: Document, edited: Edited) -> _Caused:
    causes = causes_of(doc.text, edited.changes, doc.language)
    if not causes or doc.tree is None or doc.language not in LANGUAGES:
        return _Caused(tuple(causes), ())
    every = symbols(doc.tree)
    names = [each.qualified_name for each in every]
    changed = [
        *changed_functions(doc.text, doc.tree, every, causes),
        *changed_data_classes(doc.text, doc.tree, every, causes),
    ]
    # Of several definitions under one name (overloads, a property and its setter) none says how it is called.
    return _Caused(
        tuple(causes), tuple(each for each in changed if names.count(each.symbol.qualified_name) == 1)
    )


async def _renamed(doc: Document, causes: Sequence[Cause], here: Document, code: Codebase) -> list[NextEdit]:
    """The places in other files of a name that was renamed at its definition in `doc`. `causes` has the
    newest first."""
    cause = next((each for each in causes[:2] if each.renamed is not None), None)
    if cause is None or cause.renamed is None:
        return []
    old, new = cause.renamed
    same = [each for each in causes if each.renamed == cause.renamed]
    before = reverted(doc.text.source, [each.change for each in same])

    async def asked() -> dict[Path, list[Edit]]:
        text = Text(before.source)
        tree = await asyncio.to_thread(parse, text, doc.language)
        was = replace(doc, text=text, tree=tree, version=-1)
        first = min(same, key=lambda each: each.start)
        try:
            done = await rename(was, first.start, new, code)
        except Refused:
            return {}
        return {path: list(edits) for path, edits in done.edits.items() if path != doc.path}

    # Told again when the user has moved on in another file, which may be one of those.
    there: Hashable = () if here.uri == doc.uri else (here.uri, here.version)
    task = code.memory.task(_RENAMED.key(doc.uri, before.source, old, new, there), asked)
    await asyncio.wait([task], timeout=allowed(SECONDS))
    told = task.result() if task.done() and not task.cancelled() and not task.exception() else {}
    found: list[NextEdit] = []
    for path, edits in sorted(told.items(), key=lambda each: (each[0] != here.path, each[0])):
        text = await code.texts.text_of(path)
        if text is None:
            continue
        found += [
            NextEdit(edit, "rename", f"Rename {old} to {new}", path, text)
            for edit in edits
            if text.source[edit.start : edit.end] == old
        ]
        if len(found) >= _MOST:
            break
    return found[:_MOST]
