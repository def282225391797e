"""Which parts of a document can be folded, for every language with a grammar.

One rule for all: what stands between a bracket and its partner, what a keyword and its `end` hold, a
Python block under its head, runs of comments and of imports, and `region` comments.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import tree_sitter

from devflow.analysis.syntax.parse import SyntaxTree

_CLOSING = {"{": "}", "(": ")", "[": "]"}
_IMPORTS = frozenset(
    {"import_statement", "import_from_statement", "future_import_statement", "import_declaration"}
    | {"use_declaration", "preproc_include", "using_directive"}
)
_COMMENTS = frozenset({"comment", "line_comment", "block_comment"})
_STRINGS = frozenset(
    {"string", "template_string", "raw_string_literal", "text_block", "verbatim_string_literal"}
)
_REGION = re.compile(r"^\s*(?:#|//|--|/\*)\s*#?\s*(end)?region\b", re.I)


@dataclass(frozen=True, slots=True)
class Fold:
    """Lines `first`..`last`, 0-based; the first stays visible."""

    first: int
    last: int
    kind: Literal["", "comment", "imports", "region"] = ""


def folds(tree: SyntaxTree) -> list[Fold]:
    """The folds of a document in the order of the text, the widest for each first line."""
    widest: dict[int, Fold] = {}
    for found in (*_blocks(tree), *_regions(tree)):
        kept = widest.get(found.first)
        if found.last > found.first and (kept is None or kept.last < found.last):
            widest[found.first] = found
    return sorted(widest.values(), key=lambda each: each.first)


def _blocks(tree: SyntaxTree) -> Iterator[Fold]:
    line = _line_of(tree)
    pending = [tree.root]
    while pending:
        node = pending.pop()
        if node.start_point.row == node.end_point.row and node.type != "block":
            continue
        first, last = line(node.start_byte), line(max(node.start_byte, node.end_byte - 1))
        children = node.children
        if node.type in _COMMENTS:
            yield Fold(first, last, "comment")
        elif node.type in _STRINGS:
            yield Fold(first, last)
        elif children:
            yield from _held(node, children, first, last, line)
        yield from _runs(children, line)
        pending += children


def _held(
    node: tree_sitter.Node,
    children: list[tree_sitter.Node],
    first: int,
    last: int,
    line: Callable[[int], int],
) -> Iterator[Fold]:
    opening, closing = children[0], children[-1]
    if _CLOSING.get(opening.type) == closing.type:
        # The line with the closing bracket stays visible, as `} else {` must.
        yield Fold(first, line(closing.start_byte) - 1)
    elif closing.type == "end":
        yield Fold(first, line(closing.start_byte) - 1)
    elif node.type == "block" and node.parent is not None:
        before = node.prev_sibling
        head = line(before.start_byte) if before is not None else line(node.parent.start_byte)
        yield Fold(head, last)


def _runs(children: list[tree_sitter.Node], line: Callable[[int], int]) -> Iterator[Fold]:
    """Neighbouring comments on lines of their own, and neighbouring imports."""
    run: list[tree_sitter.Node] = []
    kind: Literal["", "comment", "imports"] = ""

    def ended() -> Iterator[Fold]:
        if len(run) > 1:
            yield Fold(line(run[0].start_byte), line(max(0, run[-1].end_byte - 1)), kind)

    for child in children:
        this: Literal["", "comment", "imports"] = (
            "comment" if child.type in _COMMENTS else "imports" if child.type in _IMPORTS else ""
        )
        apart = bool(run) and line(child.start_byte) - line(max(0, run[-1].end_byte - 1)) > (
            1 if this == "comment" else 2
        )
        if this != kind or apart:
            yield from ended()
            run, kind = [], this
        if this:
            run.append(child)
    yield from ended()


def _regions(tree: SyntaxTree) -> Iterator[Fold]:
    text = tree.text
    if "region" not in text.source.lower():
        return
    begun: list[int] = []
    for number in range(text.line_count):
        found = _REGION.match(text.line(number))
        if found is None:
            continue
        if not found[1]:
            begun.append(number)
        elif begun:
            yield Fold(begun.pop(), number, "region")


def _line_of(tree: SyntaxTree) -> Callable[[int], int]:
    """The line of a byte: tree-sitter's rows end at LF only, lines of a `Text` at CR too."""
    return lambda byte: tree.text.line_at(tree.offset(byte))
