"""Where a suggestion would go: what stands around the cursor, as every stage sees it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from devflow.analysis.calls import safe_start
from devflow.analysis.document import Document
from devflow.analysis.tokens import lex
from devflow.server.assist.inline.brackets import CLOSES, OPENS, open_in

TAB = 4
"""Columns of a tab, to compare indentations."""
BEFORE, AFTER = 8_000, 4_000
"""Code points around the cursor that stages look at."""
_LOOK_BACK = 4_000
"""Code points before the cursor searched for brackets that are still open."""
_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Site:
    """Between `before` and `after`, the document's text around the cursor."""

    before: str
    after: str
    multiline: bool = False
    """Whether more than the current line may be filled (the cursor is at the start of a block)."""
    opened: tuple[str, ...] | None = None
    """The brackets that are open at the cursor, outermost first; None where only the text can tell."""

    language: str = ""
    """Tells strings and comments; "" where only their looks do."""

    @property
    def open_brackets(self) -> list[str]:
        """The brackets that are open at the cursor, outermost first."""
        return list(self.opened) if self.opened is not None else open_in(self.before[-_LOOK_BACK:])

    @property
    def line_before(self) -> str:
        """What stands on the cursor's line before it."""
        return self.before[max(self.before.rfind("\n"), self.before.rfind("\r")) + 1 :]

    @property
    def line_after(self) -> str:
        """What stands on the cursor's line behind it."""
        return _LINE_END.split(self.after, maxsplit=1)[0]

    @property
    def next_lines(self) -> list[str]:
        """The non-blank lines below the cursor's, at most three, as they stand."""
        below = self.after[len(self.line_after) : len(self.line_after) + 2_000]
        return [line for line in below.splitlines() if line.strip()][:3]

    @property
    def last_lines(self) -> list[str]:
        """The non-blank lines above the cursor's, nearest first, at most three."""
        above = self.before[: len(self.before) - len(self.line_before)][-2_000:]
        return [line for line in reversed(above.splitlines()) if line.strip()][:3]


def site_of(doc: Document, at: int) -> Site:
    """The site at `at`; whether a block may be written there is told by the syntax."""
    source = doc.text.source
    return Site(
        source[max(0, at - BEFORE) : at],
        source[at : at + AFTER],
        fills_block(doc, at),
        _opened(doc, at),
        doc.language,
    )


def _opened(doc: Document, at: int) -> tuple[str, ...] | None:
    if doc.tree is None:
        return None
    begin = safe_start(doc.tree, at)
    stack: list[str] = []
    for token in lex(doc.text.source[begin:at], doc.language):
        if token.text in OPENS:
            stack.append(token.text)
        elif token.text in CLOSES and stack and stack[-1] == CLOSES[token.text]:
            stack.pop()
    return tuple(stack)


def fills_block(doc: Document, at: int) -> bool:
    """Whether more than the rest of the line may be written: the line is empty or ends by opening a
    block, nothing follows on it, and (when empty) the code above opened one or its docstring ended."""
    text = doc.text
    line = text.line_at(at)
    before = text.source[text.line_start(line) : at]
    if text.source[at : text.line_end(line)].strip():
        return False
    if before.rstrip().endswith((":", "{")) and not before.lstrip().startswith("#"):
        return True
    if before.strip():
        return False
    above = next((text.line(n) for n in range(line - 1, max(-1, line - 4), -1) if text.line(n).strip()), "")
    return above.rstrip().endswith((":", "{")) or above.rstrip().endswith('"""')


def indent_of(line: str) -> str:
    """The white space a line begins with."""
    return line[: len(line) - len(line.lstrip(" \t"))]


def width(indent: str) -> int:
    """Columns of an indentation."""
    return len(indent.expandtabs(TAB))
