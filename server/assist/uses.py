"""The uses of one definition over the workspace, by index and parse, without a type engine: what call
hierarchies and lenses count."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from devflow.analysis.document import Document
from devflow.analysis.facts import Location, Reference, ReferenceKind, Symbol
from devflow.analysis.imports import imports
from devflow.analysis.references import references
from devflow.analysis.symbols import CLASS_LIKE, FUNCTION_LIKE, symbols
from devflow.analysis.syntax.parse import SyntaxTree
from devflow.server.assist.base import Codebase
from devflow.server.assist.navigate import uses_by_index
from devflow.server.assist.other_files import tree_of

_MOST_FILES = 200


@dataclass(frozen=True, slots=True)
class Use:
    """A use of a definition, with the definition it stands in (None: the file's own code)."""

    path: Path
    start: int
    end: int
    kind: ReferenceKind
    inside: Symbol | None


async def uses_of(doc: Document, at: int, code: Codebase) -> list[Use]:
    """The uses of the definition whose name is at `at`, by file and place."""
    places = await uses_by_index(doc, at, code)
    by_file: dict[Path, list[Location]] = {}
    for place in places:
        by_file.setdefault(place.path, []).append(place)
    result: list[Use] = []
    for path, some in list(by_file.items())[:_MOST_FILES]:
        tree = doc.tree if path == doc.path else await tree_of(path, code)
        if tree is not None:
            result += await asyncio.to_thread(_verified, path, tree, some)
    return result


def _verified(path: Path, tree: SyntaxTree, places: Sequence[Location]) -> list[Use]:
    known = symbols(tree)
    brought = {each.start for each in imports(tree)}  # that a file imports it is no use of it
    written: dict[int, Reference] = {
        each.start: each for each in references(tree, known) if each.start not in brought
    }
    result: list[Use] = []
    for place in places:
        use = written.get(place.start)
        if use is not None:
            result.append(Use(path, use.start, use.end, use.kind, definition_around(known, use.start)))
    return result


def definition_around(known: Sequence[Symbol], at: int) -> Symbol | None:
    """The innermost function, method or class that holds `at`."""
    holding = [
        each
        for each in known
        if (each.kind in FUNCTION_LIKE or each.kind in CLASS_LIKE) and each.start <= at < each.end
    ]
    return min(holding, key=lambda each: each.end - each.start, default=None)
