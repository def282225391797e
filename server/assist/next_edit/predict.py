"""The edit that comes next: every rule is asked, what the user does not want is left out, the nearest is
first.

Nothing is guessed: an edit is offered where the edits just made leave the code inconsistent (a name renamed
at its definition, a parameter more) or say by themselves that they go on (made twice). All of it is told anew
from the document as it is now; so what was offered before follows the typing, and goes when it is done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from devflow.analysis.changes import Change
from devflow.analysis.document import Document
from devflow.analysis.symbols import symbols
from devflow.analysis.text import Edit
from devflow.server.assist.next_edit.base import Cause, Edited, NextEdit, Prediction, keeps_syntax
from devflow.server.assist.next_edit.by_model import by_model
from devflow.server.assist.next_edit.causes import causes_of
from devflow.server.assist.next_edit.elsewhere import follows_elsewhere
from devflow.server.assist.next_edit.fields import fields
from devflow.server.assist.next_edit.missing_import import missing_imports
from devflow.server.assist.next_edit.renames import renames
from devflow.server.assist.next_edit.repetition import arguments, repetitions
from devflow.server.assist.next_edit.signatures import LANGUAGES, changed_functions, signatures

if TYPE_CHECKING:
    from devflow.server.assist.base import Codebase

LARGEST = 400_000
"""Code points; a larger document is left alone."""
MODEL_SECONDS = 3.0
PATIENCE = 0.4
"""Seconds between two keys, beyond which a word is taken to be whole."""


async def predict(
    doc: Document,
    at: int,
    changes: Sequence[Change],
    code: Codebase,
    wanted: Callable[[NextEdit], bool] = lambda each: True,
    *,
    with_model: bool = False,
    patience: float = PATIENCE,
    others: Sequence[Edited] = (),
) -> Prediction:
    """What comes next in `doc`, whose last edits were `changes`, for somebody whose cursor is at `at`.
    `wanted` says of an edit whether it may be offered. An edit that looks unfinished is given `patience`
    seconds: whoever asked has changed the document by then, or it is finished. `others`: the documents
    edited before this one, the last first; what they leave to do here and elsewhere comes after its own."""
    if doc.tree is None or not (changes or others) or len(doc.text) > LARGEST:
        return Prediction()
    found, causes = await asyncio.to_thread(_by_rules, doc, at, changes)
    if causes and still_typing(causes[0], changes[-1], at):
        await asyncio.sleep(patience)
    found = [each for each in found if wanted(each)]
    if not found and causes:
        found = [each for each in await missing_imports(doc, at, causes, code) if wanted(each)]
    elsewhere: list[NextEdit] = []
    if not found:
        for edited in (Edited(doc, tuple(changes)), *others):
            follow = [each for each in await follows_elsewhere(edited, doc, code) if wanted(each)]
            found = [replace(each, path=None, text=None) for each in follow if _is_here(each, doc)]
            elsewhere = [each for each in follow if not (_is_here(each, doc) or _is_at(each, doc, at))]
            if found or elsewhere:
                break
    if not found and not elsewhere and with_model:
        guess = await by_model(doc, at, causes, code, MODEL_SECONDS)
        found = [guess] if guess is not None and wanted(guess) else []
    found.sort(key=lambda each: _distance(doc, at, each.edit))
    return Prediction(tuple(found), tuple(elsewhere))


def _is_here(each: NextEdit, doc: Document) -> bool:
    return each.path == doc.path and not each.is_place


def _is_at(each: NextEdit, doc: Document, at: int) -> bool:
    """Whether the user is where it leads."""
    return each.path == doc.path and doc.text.line_at(each.edit.start) == doc.text.line_at(at)


def _by_rules(doc: Document, at: int, changes: Sequence[Change]) -> tuple[list[NextEdit], list[Cause]]:
    """What the rules offer that need nothing but the document, and the edits they were told."""
    text, tree, language = doc.text, doc.tree, doc.language
    causes = causes_of(text, changes, language)
    if not causes:
        return [], []
    renamed = renames(text, language, causes, doc.path)
    found = renamed or []
    explained = renamed is not None
    if not found and tree is not None and language in LANGUAGES:
        every = symbols(tree)
        changed = changed_functions(text, tree, every, causes)
        explained = explained or any(each.added or each.removed for each in changed)
        found = fields(text, tree, every, changed, causes) or signatures(tree, every, changed, causes)
    if not found and not explained:
        # What follows from a renaming or a signature is all told: the same words elsewhere are others.
        found = arguments(text, tree, causes) or repetitions(text, tree, language, causes)
    return [each for each in found if keeps_syntax(doc, each.edit)], causes


def still_typing(cause: Cause, last: Change, at: int) -> bool:
    """Whether the newest edit looks like one that is not finished: the cursor is in it, and what stands there
    is the rest of what is being deleted, or the first letter of something else."""
    if not cause.start <= at <= cause.end:
        return False
    if cause.renamed is None:
        return bool(cause.old) and not cause.new and at == cause.change.start and len(last.old) == 1
    old, new = cause.renamed
    deleting = not last.new and old.startswith(new)
    return deleting or (len(new) == 1 < len(old))


def _distance(doc: Document, at: int, edit: Edit) -> tuple[bool, int]:
    """What lies below the cursor comes first, the nearest of it before all others."""
    line = doc.text.line_start(doc.text.line_at(at))
    return edit.start < line, abs(edit.start - at)
