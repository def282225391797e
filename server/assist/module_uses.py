"""Where the workspace names a Python module: in imports, and behind them by its own name."""

from __future__ import annotations

import asyncio
import re
import time
from itertools import islice
from pathlib import Path

from devflow.analysis.document import Document
from devflow.analysis.facts import Location
from devflow.analysis.syntax.parse import SyntaxTree
from devflow.server.assist.base import Codebase
from devflow.server.assist.found import INDEX_SECONDS
from devflow.server.assist.other_files import tree_of
from devflow.server.assist.static_names import names_of
from devflow.server.assist.waiting import due, within

_MOST_FILES = 200
_MOST_IN_FILE = 500
_SECONDS = 2.0
"""How long other files are read; an import of everybody's module is in all of them."""


async def module_uses(doc: Document, at: int, code: Codebase) -> list[Location] | None:
    """Every place that names the module which the word at `at` names, in this document and in files that
    import it; None where the word names no module."""
    tree, path = doc.tree, doc.path
    if tree is None or path is None or doc.language != "python":
        return None
    found = await asyncio.to_thread(_named_at, path, tree, at, code)
    if found is None:
        return None
    word, module = found
    until = due(_SECONDS)
    places = await asyncio.to_thread(_in_file, path, tree, word, module, code)
    others = await within(code.index.files_importing(word), INDEX_SECONDS) if code.index is not None else None
    for other in [each for each in others or () if each != path and each.suffix == ".py"][:_MOST_FILES]:
        if time.monotonic() > until:
            break
        read = await tree_of(other, code, having=word)
        if read is not None:
            places += await asyncio.to_thread(_in_file, other, read, word, module, code)
    return places


def uses_in(path: Path, tree: SyntaxTree, at: int, code: Codebase) -> list[Location]:
    """Where a document names the module that its word at `at` names; [] where that names none. May read
    files: not for the event loop."""
    found = _named_at(path, tree, at, code)
    return _in_file(path, tree, *found, code) if found is not None else []


def _named_at(path: Path, tree: SyntaxTree, at: int, code: Codebase) -> tuple[str, Path] | None:
    """The word at `at` and the file of the module it names."""
    start, end = tree.text.word_at(at)
    target = names_of(code).at(path, tree, at) if start < end else None
    if target is None or target.binding is not None:
        return None
    return tree.text.source[start:end], target.path


def _in_file(path: Path, tree: SyntaxTree, word: str, module: Path, code: Codebase) -> list[Location]:
    """Where the file names the module by `word`."""
    names = names_of(code)
    found: list[Location] = []
    for match in islice(re.finditer(rf"(?<!\w){re.escape(word)}(?!\w)", tree.text.source), _MOST_IN_FILE):
        target = names.at(path, tree, match.start())
        if target is not None and target.binding is None and target.path == module:
            found.append(Location(path, *match.span()))
    return found
