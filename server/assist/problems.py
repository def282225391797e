"""What a compiler would say: syntax errors in every language, in Python undefined names and imports too."""

from __future__ import annotations

import asyncio
import time
from collections import UserDict
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from devflow.analysis.checks.merge_conflicts import merge_conflicts
from devflow.analysis.checks.python_syntax import Complaint, python_syntax_errors
from devflow.analysis.checks.syntax import syntax_errors
from devflow.analysis.checks.undefined_names import NOTEBOOK, undefined_names
from devflow.analysis.checks.unresolved_imports import Surroundings, unresolved_imports
from devflow.analysis.document import Document
from devflow.analysis.facts import Finding
from devflow.analysis.python_environment import environment, modules_below
from devflow.server.assist.memory import PerDocument, PerSession
from devflow.server.assist.refactorings import names_of

if TYPE_CHECKING:
    from devflow.server.assist.base import Codebase

_LOOK_SECONDS = 30.0
_SURROUNDINGS = PerSession[tuple[float, Surroundings]](
    "where a folder's imports come from, and when it was looked at"
)


async def syntax(doc: Document, code: Codebase) -> list[Finding]:
    """What cannot be parsed."""
    tree = doc.tree
    if tree is None:
        return []
    if conflicts := await asyncio.to_thread(merge_conflicts, tree):  # the rest follows from them
        return conflicts
    if doc.language != "python":
        return await asyncio.to_thread(syntax_errors, tree)
    # What the compiler said about pieces of this document before; those it has no more are forgotten.
    key = _COMPILED.key(doc.uri)
    before = code.memory.last(key)
    compiled = _Pieces(before.used if before is not None else {})
    found = await asyncio.to_thread(python_syntax_errors, tree, compiled)
    code.memory.keep(key, compiled)
    return found


class _Pieces(UserDict[str, Complaint | None]):
    """Remembers what was asked for or added since it was made, in `used`."""

    def __init__(self, before: Mapping[str, Complaint | None]) -> None:
        super().__init__(before)
        self.used: dict[str, Complaint | None] = {}

    def __getitem__(self, piece: str) -> Complaint | None:
        self.used[piece] = said = super().__getitem__(piece)
        return said


_COMPILED = PerDocument[_Pieces]("what the compiler said of pieces")


async def names(doc: Document, code: Codebase) -> list[Finding]:
    """Names that nothing defines."""
    notebook = doc.path is not None and doc.path.suffix == ".ipynb"
    known = NOTEBOOK if notebook else frozenset[str]()

    def look() -> list[Finding]:
        found = names_of(doc, code)
        if found is None or merge_conflicts(found.tree):
            return []
        return undefined_names(found, known)

    return await asyncio.to_thread(look)


async def imports(doc: Document, code: Codebase) -> list[Finding]:
    """Modules that do not exist."""
    path = doc.path
    if doc.language != "python" or path is None:
        return []

    def look() -> list[Finding]:
        found = names_of(doc, code)
        return unresolved_imports(found, path, surroundings(path, code)) if found is not None else []

    return await asyncio.to_thread(look)


def surroundings(path: Path, code: Codebase) -> Surroundings:
    """Where the modules that `path` imports can come from. Looked at again after _LOOK_SECONDS: packages are
    installed and folders made at any time."""
    key = _SURROUNDINGS.key(code.roots, path.parent)
    kept = code.memory.last(key)
    if kept is not None and time.monotonic() - kept[0] < _LOOK_SECONDS:
        return kept[1]
    around = Surroundings(code.roots, environment(code.roots, path), modules_below(code.roots))
    code.memory.keep(key, (time.monotonic(), around))
    return around
