"""Code actions: what can be done about a place (no model is asked), and the edit of a chosen one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from devflow.analysis.document import Document
from devflow.analysis.symbols import FUNCTIONS
from devflow.analysis.text import Edit
from devflow.server.assist.chat import Progress, has_chat, how_to_have_one
from devflow.server.assist.refused import ActionRefused
from devflow.server.assist.target import Target, target_at

if TYPE_CHECKING:
    from devflow.server.assist.base import Codebase

__all__ = ["Action", "ActionRefused", "FileEdits", "action_edit", "actions", "import_actions"]

ActionId = str
"""`explain`, `document`, `generate-tests`, `add-import`, `remove-unused-import`, those of `refactorings`."""

_WITHOUT_TESTS = frozenset({"c", "cpp", "csharp", "rust"})


@dataclass(frozen=True, slots=True)
class Action:
    """Something to offer. `kind` is an LSP code action kind; `explain` has no edit, it is answered by
    `assist.explain`."""

    id: ActionId
    title: str
    kind: str
    start: int
    end: int
    disabled: str = ""
    """Why it cannot be done now, one sentence; "" when it can."""
    argument: str = ""
    """For `add-import` what to import: `module name`, or `module - alias` for the module itself."""
    preferred: bool = False
    """The one thing to do about a problem."""


@dataclass(frozen=True, slots=True)
class FileEdits:
    """What an action changes. Edits are in the offsets of the versions they were made for."""

    document: tuple[Edit, ...] = ()
    """Of the document the action was asked for (which may have no path)."""
    others: Mapping[Path, tuple[Edit, ...]] = field(default_factory=dict)
    """Of other files that exist."""
    new: Mapping[Path, str] = field(default_factory=dict)
    """Files to create, with their text."""
    engine: str = ""
    """Who made it: a model's name, or `devflow` for what needs none."""


def actions(doc: Document, start: int, end: int, code: Codebase, only: Sequence[str] = ()) -> list[Action]:
    """What can be done about the selection, or the definition around the cursor; of the kinds `only`, or of
    all of them.

    Asks nobody, but reads the whole syntax tree the first time for a version of `doc`: call it in a
    thread for large documents.
    """
    return _about_definitions(doc, start, end, code) + _refactorings(doc, start, end, code, only)


def _refactorings(doc: Document, start: int, end: int, code: Codebase, only: Sequence[str]) -> list[Action]:
    from devflow.server.assist.refactorings import offered, unused_at

    found = [
        Action(each.id, each.title, each.kind, start, end, each.disabled)
        for each in offered(doc, start, end, code, only)
    ]
    unused = unused_at(doc, start, code)
    if unused:
        title = f"Remove unused import {unused}"
        found.append(Action("remove-unused-import", title, "quickfix", start, end, preferred=True))
    return found


def _about_definitions(doc: Document, start: int, end: int, code: Codebase) -> list[Action]:
    target = target_at(doc, start, end, code.memory)
    if target is None:
        return []
    offered = [Action("explain", f"Explain {target.title}", "refactor.explain", target.start, target.end)]
    if target.symbol is not None:
        offered.append(
            Action(
                "document",
                f"Document {target.title}",
                "refactor.rewrite.document",
                target.start,
                target.end,
                _no_documentation(doc, target, code),
            )
        )
        if target.symbol.kind in FUNCTIONS or target.symbol.kind == "class":
            offered.append(
                Action(
                    "generate-tests",
                    f"Generate tests for {target.title}",
                    "refactor.extract.tests",
                    target.start,
                    target.end,
                    _no_tests(doc, code),
                )
            )
    return offered


async def import_actions(doc: Document, start: int, end: int, code: Codebase) -> list[Action]:
    """What an undefined Python name could be imported as; no model is asked."""
    from devflow.server.assist.add_import import imports_for

    (word_start, word_end), found = await imports_for(doc, start, code)
    return [
        Action(
            "add-import",
            each.title,
            "quickfix",
            word_start,
            word_end,
            "",
            each.argument,
            preferred=len(found) == 1,
        )
        for each in found
    ]


async def action_edit(
    action: Action, doc: Document, code: Codebase, progress: Progress | None = None
) -> FileEdits:
    """The edit of `action`. Raises ModelError, or ActionRefused when there is none to be had."""
    if action.disabled:
        raise ActionRefused(action.disabled)
    match action.id:
        case "document":
            from devflow.server.assist.documenting import documented

            edits, engine = await documented(doc, action.start, action.end, code, progress)
            return FileEdits(document=edits, engine=engine)
        case "generate-tests":
            from devflow.server.assist.generate_tests import generated_tests

            path, text, edits, engine = await generated_tests(doc, action.start, action.end, code, progress)
            if text is not None:
                return FileEdits(new={path: text}, engine=engine)
            return FileEdits(others={path: edits}, engine=engine)
        case "add-import":
            from devflow.server.assist.add_import import Importable

            added = Importable.told(action.argument)
            return FileEdits(document=(added.edit(doc),), engine="devflow")
        case "add-missing-imports":
            from devflow.server.assist.add_import import all_missing

            return FileEdits(document=await all_missing(doc, code), engine="devflow")
        case "explain":
            raise ActionRefused(f"{action.title!r} changes no text.")
        case _:
            from devflow.server.assist.refactorings import edits_of

            changed = await edits_of(action.id, doc, action.start, action.end, code)
            return FileEdits(document=changed, engine="devflow")


def _no_documentation(doc: Document, target: Target, code: Codebase) -> str:
    if has_chat(code):
        return ""
    if doc.language != "python":
        return f"Documenting {doc.language} needs a chat model; {how_to_have_one(code)}."
    if target.symbol is not None and target.symbol.doc:
        return (
            f"{target.title} has a docstring; to rewrite it a chat model is needed: {how_to_have_one(code)}."
        )
    return ""


def _no_tests(doc: Document, code: Codebase) -> str:
    if doc.path is None:
        return "Save the document first: its tests go into a file beside it."
    if doc.language in _WITHOUT_TESTS:
        return f"Tests for {doc.language} are not generated yet."
    if not has_chat(code):
        return f"Generating tests needs a chat model; {how_to_have_one(code)}."
    return ""
