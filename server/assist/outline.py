"""The symbols of an open document, cheap enough for every keystroke.

Working out the symbols of a long file takes tens of milliseconds; a keystroke inside a line changes
none. So the last full answer is carried over, its offsets moved along, as long as the lines that
changed neither began nor begin a definition.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, replace

from devflow.analysis.document import Document
from devflow.analysis.facts import Symbol
from devflow.analysis.symbols import symbols
from devflow.analysis.text import Text, common_ends
from devflow.server.assist.base import Memory

_STRUCTURE = re.compile(
    r"\b(?:class|def|func|fn|function|struct|interface|enum|impl|trait|type|module|record|namespace|import|from"
    r"|end)\b|[{}]|=>|\"\"\"|\'\'\'|^\s*[@#]"
)
_PYTHON_STRUCTURE = re.compile(r"^\s*(?:async\s+)?(?:class|def)\b|^\s*@|\"\"\"|\'\'\'|^[A-Za-z_]\w*\s*[:=]")
_MOST_CHANGED = 60
"""Lines; after more than these the symbols are worked out again."""


@dataclass(frozen=True, slots=True)
class _Base:
    text: Text
    lines: list[str]
    symbols: tuple[Symbol, ...]


def symbols_of(doc: Document, memory: Memory) -> tuple[Symbol, ...]:
    """The document's symbols, worked out once per version."""
    tree = doc.tree
    if tree is None:
        return ()

    def work_out() -> tuple[Symbol, ...]:
        found = symbols(tree)
        memory.keep(("outline", doc.uri), _Base(doc.text, doc.text.source.split("\n"), found))
        return found

    return memory.value("symbols", doc, work_out)


def recent_symbols(doc: Document, memory: Memory) -> tuple[Symbol, ...]:
    """The document's symbols, possibly without what was typed since on lines that define nothing.
    Every offset lies within the document."""
    base = memory.kept(("outline", doc.uri), lambda: None)
    if not isinstance(base, _Base) or doc.tree is None:
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
    before, after = old[head : len(old) - tail], lines[head : len(lines) - tail]
    if len(before) == len(after):
        changed = [line for pair in zip(before, after, strict=True) if pair[0] != pair[1] for line in pair]
    else:
        changed = before + after
    structure = _PYTHON_STRUCTURE if doc.language == "python" else _STRUCTURE
    if len(changed) > _MOST_CHANGED or any(structure.search(line) for line in changed):
        return None
    old_starts, new_starts = _starts(old), _starts(lines)
    shift = len(lines) - len(old)
    size = len(doc.text)

    def place(offset: int) -> int:
        line = bisect_right(old_starts, offset) - 1
        column = offset - old_starts[line]
        if line >= len(old) - tail:
            line += shift
        elif line > head:
            line = min(line, len(lines) - 1)
        return min(new_starts[line] + column, size)

    return tuple(
        replace(
            each,
            start=place(each.start),
            end=place(each.end),
            name_start=place(each.name_start),
            name_end=place(each.name_end),
        )
        for each in base.symbols
    )


def _starts(lines: list[str]) -> list[int]:
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    return starts
