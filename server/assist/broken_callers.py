"""Where other files call or import what a document defines in ways that fail: told at the definition, so that
who changes it sees what does not follow. The code graph says who, the texts as they are now say how.

A function that was found to be called as it must be is not asked about again before its parameters change:
what other files do later is reported there.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from devflow.analysis.checks import callers
from devflow.analysis.checks.callers import Callee
from devflow.analysis.checks.python_module import Module, read_module
from devflow.analysis.document import Document
from devflow.analysis.facts import Finding, Location
from devflow.analysis.imports import imports
from devflow.analysis.languages import SCRIPTS
from devflow.analysis.paths import shown_path
from devflow.analysis.syntax.parse import SyntaxTree
from devflow.retrieval.graph.importers import CallingFile, Taken, calling_files, names_taken_from
from devflow.server.assist.known_modules import judged
from devflow.server.assist.memory import PerDocument
from devflow.server.assist.other_files import tree_of
from devflow.server.assist.waiting import due, within

if TYPE_CHECKING:
    from devflow.server.assist.base import Codebase

SECONDS = 2.0
"""For one look at a document; what was not reached is looked at the next time."""
_SECONDS_EACH = 0.5
"""For one question to the graph, so that others get their turn."""
_MOST_FILES = 40
_SHOWN = 3
_MOST_RELATED = 20
_FINE = PerDocument[set[tuple[object, ...]]]("callees that are called as they must be")
_STOOD = PerDocument[dict[str, int]]("lines where names stood")


@dataclass(frozen=True, slots=True)
class _Place:
    """A call that cannot fit, or an import of what is not there."""

    path: Path
    line: int
    start: int
    end: int


async def broken_callers(doc: Document, code: Codebase, seconds: float = SECONDS) -> list[Finding]:
    """The calls and imports in other files that fail with `doc` as it is now, one finding for each function
    and reason. Nothing without an index, and while the document's syntax is broken."""
    if doc.path is None or doc.tree is None or code.index is None or doc.tree.has_error():
        return []
    if doc.language in SCRIPTS:
        return await _missing(doc, None, code)
    if doc.language != "python":
        return []
    tree = doc.tree
    module = await asyncio.to_thread(read_module, tree, doc.path)
    return [*await _missing(doc, module, code), *await _misfits(doc, module, code, due(seconds))]


async def _misfits(doc: Document, module: Module, code: Codebase, end: float) -> list[Finding]:
    assert doc.path is not None
    assert code.index is not None
    fine = code.memory.kept(_FINE.key(doc.uri), set)
    trees: dict[Path, SyntaxTree | None] = {}
    findings: list[Finding] = []
    for callee in await judged(lambda known: callers.callees(module, code.roots, known), code):
        if callee.key in fine or time.monotonic() > end:
            continue
        asked = code.index.graph.ask(calling_files, doc.path, callee.qualified_name, overridden=False)
        files = await within(asked, _SECONDS_EACH)
        if files is None:
            continue
        problems: dict[str, list[_Place]] = {}
        others = [each for each in files if each.path != doc.path]
        for file in others[:_MOST_FILES]:
            if file.path not in trees:
                trees[file.path] = await tree_of(file.path, code)
            tree = trees[file.path]
            if tree is not None:
                for problem, place in await asyncio.to_thread(_unfit, file, tree, callee):
                    problems.setdefault(problem, []).append(place)
        if not problems:
            fine.add(callee.key)
        for problem, places in problems.items():
            message = f"In other files, {callee.shown}() {problem}: {_listed(places, code, len(others))}"
            start, stop = callee.function.start, callee.function.end
            findings.append(_finding(start, stop, callers.CALLS, message, places))
    return findings


def _unfit(file: CallingFile, tree: SyntaxTree, callee: Callee) -> list[tuple[str, _Place]]:
    places = frozenset(file.now(tree.text.source))
    return [
        (problem, _Place(file.path, tree.text.line_at(start), start, end))
        for start, end, problem in callers.unfit_places(tree, places, callee)
    ]


async def _missing(doc: Document, module: Module | None, code: Codebase) -> list[Finding]:
    """The names that others import from `doc` and it does not have."""
    assert doc.path is not None
    assert code.index is not None
    taken = await within(code.index.graph.ask(names_taken_from, doc.path), _SECONDS_EACH) or ()
    source = doc.text.source
    lines = code.memory.kept(_STOOD.key(doc.uri), dict)
    names = {each.name for each in taken if each.name != "*"}
    if module is None:
        gone = await asyncio.to_thread(callers.missing_exports, source, names)
    else:
        lines |= {
            name: doc.text.line_at(start)
            for name in names
            if (start := getattr(module.meaning(name), "start", -1)) >= 0
        }
        gone = callers.missing_names(module, source, names)
        if gone and doc.path.name.startswith("__init__."):
            gone -= await asyncio.to_thread(_beside, doc.path)
    findings = []
    for name in sorted(gone):
        by_file: dict[Path, list[Taken]] = {}
        for each in taken:
            if each.name == name:
                by_file.setdefault(each.path, []).append(each)
        places: list[_Place] = []
        for path, of_file in list(by_file.items())[:_MOST_FILES]:
            if (tree := await tree_of(path, code)) is not None:
                places += await asyncio.to_thread(_still_taken, path, tree, of_file)
        if places:
            line = min(lines.get(name, 0), doc.text.line_count - 1)
            start, end = doc.text.line_start(line), doc.text.line_end(line)
            listed = _listed(places, code, len(by_file))
            message = f"{name!r} is not defined here, but used from here: {listed}"
            findings.append(_finding(start, end, callers.NAMES, message, places))
    return findings


def _still_taken(path: Path, tree: SyntaxTree, taken: Sequence[Taken]) -> list[_Place]:
    """Where one name is taken now, and it is counted on."""
    name = taken[0].name
    if tree.language == "python":
        modules = {each.imported[0] for each in taken if not each.is_member}
        found = callers.certain_imports(tree, modules, name) if modules else []
        if behind := {each.imported for each in taken if each.is_member}:
            found += callers.certain_members(tree, behind, name)
    else:
        modules = {each.imported[0] for each in taken}
        found = [
            (each.start, each.end) for each in imports(tree) if each.name == name and each.module in modules
        ]
    return [_Place(path, tree.text.line_at(start), start, end) for start, end in sorted(found)]


def _beside(path: Path) -> set[str]:
    """What a package may have besides its `__init__`: modules, compiled ones and folders."""
    return {entry.name.partition(".")[0] for entry in path.parent.iterdir()}


def _finding(start: int, end: int, code: str, message: str, places: Sequence[_Place]) -> Finding:
    what = "used here" if code == callers.NAMES else "called here"
    related = tuple((Location(each.path, each.start, each.end), what) for each in places[:_MOST_RELATED])
    return Finding(start, end, code, message, "warning", related)


def _listed(places: Sequence[_Place], code: Codebase, files: int) -> str:
    """`api.py:12, web.py:3 and 2 more`; of more `files` than are looked at `at least 2 more`."""
    shown = ", ".join(f"{shown_path(each.path, code.roots)}:{each.line + 1}" for each in places[:_SHOWN])
    if len(places) <= _SHOWN:
        return shown
    return f"{shown} and {'at least ' if files > _MOST_FILES else ''}{len(places) - _SHOWN} more"
