"""The edit that comes next: every rule is asked, what the user does not want is left out, the nearest is
first.

Nothing is guessed: an edit is offered where the edits just made leave the code inconsistent (a name renamed
at its definition, a parameter more) or say by themselves that they go on (made twice). All of it is told anew
from the document as it is now; so what was offered before follows the typing, and goes when it is done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from devflow.analysis.changes import Change
from devflow.analysis.document import Document
from devflow.analysis.symbols import symbols
from devflow.analysis.text import Edit
from devflow.server.assist.next_edit.base import Cause, NextEdit, Prediction, keeps_syntax
from devflow.server.assist.next_edit.by_model import by_model
from devflow.server.assist.next_edit.causes import causes_of
from devflow.server.assist.next_edit.elsewhere import renamed_elsewhere
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
) -> Prediction:
    """What comes next in `doc`, whose last edits were `changes`, for somebody whose cursor is at `at`.
    `wanted` says of an edit whether it may be offered. An edit that looks unfinished is given `patience`
    seconds: whoever asked has changed the document by then, or it is finished."""
    if doc.tree is None or not changes or len(doc.text) > LARGEST:
        return Prediction()
    found, causes = await asyncio.to_thread(_by_rules, doc, at, changes)
    if not causes:
        return Prediction()
    if still_typing(causes[0], changes[-1], at):
        await asyncio.sleep(patience)
    found = [each for each in found if wanted(each)]
    if not found:
        found = [each for each in await missing_imports(doc, at, causes, code) if wanted(each)]
    if not found:
        others = await renamed_elsewhere(doc, causes, code)
        if others:
            return Prediction(elsewhere=tuple(each for each in others if wanted(each)))
    if not found and with_model:
        guess = await by_model(doc, at, causes, code, MODEL_SECONDS)
        found = [guess] if guess is not None and wanted(guess) else []
    return Prediction(tuple(sorted(found, key=lambda each: _distance(doc, at, each.edit))))


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
        found = fields(text, tree, every, changed, causes) or signatures(text, tree, every, changed, causes)
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
