"""A Python file as its compiler reads it, and what scenarios are cut out of."""

from __future__ import annotations

import ast
import random
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from devflow.analysis.text import Edit, Text

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from support.compiler import same_names

SIMPLE = (ast.Assign, ast.Expr, ast.AugAssign, ast.Return)
N = TypeVar("N", bound=ast.AST)

Made = tuple[str, Sequence[Edit], Sequence[Edit]]
"""The text before, the user's edits of it, and the edits that are right then (of the text before, too)."""


class Source:
    """One file, read by the compiler."""

    def __init__(self, name: str, source: str, dice: random.Random) -> None:
        self.name = name
        self.source = source
        self.dice = dice
        self.tree = ast.parse(source)
        self.text = Text(source)
        self.groups = same_names(source)
        self.nodes = list(ast.walk(self.tree))
        self.binds = set(self._binds())
        self.keywords = {each.arg for each in self.of(ast.keyword) if each.arg}
        self.attributes: dict[str, list[ast.Attribute]] = {}
        for each in self.of(ast.Attribute):
            self.attributes.setdefault(each.attr, []).append(each)

    def at(self, line: int, column: int) -> int:
        return self.text.offset(line - 1, column, "utf-8")

    def start(self, node: ast.AST) -> int:
        return self.at(node.lineno, node.col_offset)  # type: ignore[attr-defined]

    def end(self, node: ast.AST) -> int:
        return self.at(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]

    def name_of(self, node: ast.Attribute) -> tuple[int, int]:
        end = self.end(node)
        return end - len(node.attr), end

    def def_name(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> int:
        found = re.compile(r"(?:def|class)\s+").search(self.source, self.start(node))
        assert found is not None
        return found.end()

    def written(self, node: ast.AST) -> str:
        return self.source[self.start(node) : self.end(node)]

    def line_of(self, node: ast.stmt) -> tuple[int, int] | None:
        """A statement that has its line to itself, with the line's end."""
        if node.lineno != node.end_lineno:
            return None
        line = node.lineno - 1
        if self.text.line(line).strip() != self.written(node):
            return None
        return self.text.line_start(line), self.text.line_start(line + 1)

    def functions(self) -> list[ast.FunctionDef]:
        return self.of(ast.FunctionDef)

    def classes(self) -> list[ast.ClassDef]:
        return self.of(ast.ClassDef)

    def of(self, kind: type[N]) -> list[N]:
        """The nodes of one kind."""
        return [each for each in self.nodes if isinstance(each, kind)]

    def _binds(self) -> Iterator[int]:
        for node in self.nodes:
            if isinstance(node, ast.arg) or (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)):
                yield self.start(node)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield self.def_name(node)


def taken_out(source: str, spans: Sequence[tuple[int, int]]) -> tuple[str, list[int]]:
    """`source` without `spans`, which are in order, and where each of them was."""
    parts: list[str] = []
    places: list[int] = []
    at = length = 0
    for start, end in spans:
        parts.append(source[at:start])
        length += start - at
        places.append(length)
        at = end
    parts.append(source[at:])
    return "".join(parts), places


def holds(outer: ast.AST, inner: ast.AST) -> bool:
    """Whether one node lies in another."""
    first = (outer.lineno, outer.col_offset)  # type: ignore[attr-defined]
    last = (outer.end_lineno, outer.end_col_offset)  # type: ignore[attr-defined]
    return first <= (inner.lineno, inner.col_offset) and (inner.end_lineno, inner.end_col_offset) <= last  # type: ignore[attr-defined]
