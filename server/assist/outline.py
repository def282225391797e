"""The symbols and imports of an open document, cheap enough for every keystroke.

Working out the symbols of a long file takes tens of milliseconds; a keystroke inside a line changes
none. So the last full answer is carried over, its offsets moved along, as long as the lines that
changed neither began nor begin a definition.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from devflow.analysis.document import Document
from devflow.analysis.facts import Import, Symbol
from devflow.analysis.imports import imports
from devflow.analysis.symbols import symbols
from devflow.analysis.text import Text, common_ends, line_bounds
from devflow.server.assist.memory import Memory, PerDocument, PerVersion

_STRUCTURE = re.compile(
    r"\b(?:class|def|func|fn|function|struct|interface|enum|impl|trait|type|module|record|namespace|import|from"
    r"|end)\b|[{}]|=>|\"\"\"|\'\'\'|^\s*[@#]"
)
_PYTHON_STRUCTURE = re.compile(r"^\s*(?:async\s+)?(?:class|def)\b|^\s*@|\"\"\"|\'\'\'|^[A-Za-z_]\w*\s*[:=]")
_NAMES_ONLY = r"^\s*[\w*]+(?:\s*,\s*\w+|\s+as\s+\w+)*\s*,?\s*[)}]?\s*(?:#.*|//.*)?$"
_IMPORTING = re.compile(r"\b(?:import|from|require\w*|include|use|using)\b|" + _NAMES_ONLY)
"""Also what may be a line within an import's brackets."""
_PYTHON_IMPORTING = re.compile(r"\b(?:import|from)\b")
_IN_BRACKETS = re.compile(_NAMES_ONLY + r"|^\s*(?:#.*)?$")
_MOST_CHANGED = 60
"""Lines; after more than these the symbols are worked out again."""


@dataclass(frozen=True, slots=True)
class _Imported:
    text: Text
    imports: tuple[Import, ...]


@dataclass(frozen=True, slots=True)
class _Base:
    text: Text
    lines: list[str]
    starts: list[int]
    symbols: tuple[Symbol, ...]


_SYMBOLS = PerVersion[tuple[Symbol, ...]]("symbols")
_BASE = PerDocument[_Base]("the symbols worked out last")
_IMPORTS = PerDocument[_Imported]("the imports worked out last")


def symbols_of(doc: Document, memory: Memory) -> tuple[Symbol, ...]:
    """The document's symbols, worked out once per version."""
    tree = doc.tree
    if tree is None:
        return ()

    def work_out() -> tuple[Symbol, ...]:
        found = symbols(tree)
        lines = doc.text.source.split("\n")
        memory.keep(_BASE.key(doc.uri), _Base(doc.text, lines, _starts(lines), found))
        return found

    return memory.value(_SYMBOLS, doc, work_out)


def defined_at(found: Sequence[Symbol], at: int) -> Symbol | None:
    """The one of a document's symbols whose name is at `at`."""
    return next((each for each in found if each.name_start <= at <= each.name_end), None)


def recent_symbols(doc: Document, memory: Memory) -> tuple[Symbol, ...]:
    """The document's symbols, possibly without what was typed since on lines that define nothing.
    Every offset lies within the document."""
    base = memory.last(_BASE.key(doc.uri))
    if base is None or doc.tree is None:
        return symbols_of(doc, memory)
    if base.text is doc.text:
        return base.symbols
    lines = doc.text.source.split("\n")
    moved = _moved(base, lines, doc)
    return symbols_of(doc, memory) if moved is None else moved


def _moved(base: _Base, lines: list[str], doc: Document) -> tuple[Symbol, ...] | None:
    """The base's symbols at their present places; None when too much or something that matters changed."""
    old = base.lines
    head, tail = common_ends(old, lines)
    structure = _PYTHON_STRUCTURE if doc.language == "python" else _STRUCTURE
    if _matters(structure, old[head : len(old) - tail], lines[head : len(lines) - tail]):
        return None
    starts = base.starts
    unchanged, behind = starts[head], starts[len(old) - tail]
    size = len(doc.text)
    moved = size - len(base.text)
    fresh = _starts(lines[head : len(old) - tail])

    def place(offset: int) -> int:
        if offset < unchanged:
            return offset
        if offset >= behind:
            return min(offset + moved, size)
        line = bisect_right(starts, offset) - 1
        start = unchanged + fresh[max(0, min(line, len(lines) - 1) - head)]
        return min(start + offset - starts[line], size)

    return tuple(
        each
        if each.end < unchanged
        else Symbol(
            each.name,
            each.kind,
            place(each.start),
            place(each.end),
            place(each.name_start),
            place(each.name_end),
            each.container,
            each.signature,
            each.doc,
        )
        for each in base.symbols
    )


def recent_imports(doc: Document, memory: Memory) -> tuple[Import, ...]:
    """The document's imports, possibly without what was typed since on lines that import nothing. The
    offsets are those of an earlier version."""
    tree = doc.tree
    if tree is None:
        return ()
    kept = memory.last(_IMPORTS.key(doc.uri))
    if kept is not None:
        old, new = kept.text.source, doc.text.source
        head, tail = (0, 0) if kept.text is doc.text else common_ends(old, new)
        importing = _IMPORTING
        if doc.language == "python" and not _continues_import(new, head):
            importing = _PYTHON_IMPORTING  # names alone on a line are what is being typed
        if kept.text is doc.text or not _matters(
            importing, _lines(old, head, len(old) - tail), _lines(new, head, len(new) - tail)
        ):
            return kept.imports
    found = imports(tree)
    memory.keep(_IMPORTS.key(doc.uri), _Imported(doc.text, found))
    return found


def _continues_import(source: str, at: int) -> bool:
    """Whether the line of `at` may be one within the brackets of a Python import: there is one above, with
    nothing but names between."""
    end = source.rfind("\n", 0, at)
    while end >= 0:
        start = source.rfind("\n", 0, end) + 1
        line = source[start:end]
        if not _IN_BRACKETS.search(line):
            return _PYTHON_IMPORTING.search(line) is not None
        end = start - 1
    return False


def _lines(source: str, start: int, end: int) -> list[str]:
    """The whole lines around `start:end`."""
    return source[slice(*line_bounds(source, start, end))].split("\n")


def _matters(structure: re.Pattern[str], before: list[str], after: list[str]) -> bool:
    """Whether the lines `before`, now `after`, are too many to tell or have `structure` among them."""
    if len(before) == len(after):
        changed = [line for pair in zip(before, after, strict=True) if pair[0] != pair[1] for line in pair]
    else:
        changed = before + after
    return len(changed) > _MOST_CHANGED or any(structure.search(line) for line in changed)


def _starts(lines: list[str]) -> list[int]:
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    return starts
