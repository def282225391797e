"""`syntax-error` for Python, in the compiler's own words.

The compiler holds the interpreter's lock for as long as it works, so it is given one top-level statement at
a time, a large class one member at a time, and never the same text twice. Syntax newer than the interpreter
we run on is not an error: there the tree must agree.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import tree_sitter

from devflow.analysis.checks.syntax import CODE, MOST, syntax_errors
from devflow.analysis.facts import Finding

if TYPE_CHECKING:
    from devflow.analysis.syntax.parse import SyntaxTree

LARGEST = 60_000
"""Code points of one statement that is compiled; about 40 ms."""
_SPLIT = 12_000
"""Code points from which a class is compiled by its members."""
_LINE = re.compile(r"\b((?:on|at) line )(\d+)")
_DEFAULTED = re.compile(r"\s*(?:class|(?:async\s+)?def|type)\s+\w+\s*\[[^()]*=")
_BROKEN = (ValueError, RecursionError, MemoryError, OverflowError)
_NEWER = frozenset({"type_parameter", "type_alias_statement", "interpolation", "format_specifier"})
"""Nodes in which a newer Python allows what an older compiler rejects (PEP 695, 701)."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """What the compiler says about a piece: lines and columns from 0, within the piece."""

    message: str
    line: int
    column: int
    end_line: int
    end_column: int


_GOES_ON = frozenset({")", "]", "}", ":", ",", "else", "elif", "except", "finally"}) | {
    "else_clause", "elif_clause", "except_clause", "finally_clause",
}  # fmt: skip


Compiled = MutableMapping[str, Complaint | None]
"""Pieces of text that have been compiled, with what was said."""


def python_syntax_errors(tree: SyntaxTree, compiled: Compiled) -> list[Finding]:
    """The syntax errors of a Python file, at most MOST. `compiled` remembers pieces; it is added to."""
    found: list[Finding] = []
    for start, end, broken, wrapped in _pieces(tree):
        piece = ("class _:\n" if wrapped else "") + tree.text.source[start:end]
        if len(piece) > LARGEST or not piece.strip():
            continue
        if piece not in compiled:
            compiled[piece] = _complaint(piece)
        said = compiled[piece]
        if said is None:
            continue
        finding = _placed(tree, start, end, said, wrapped)
        if not _is_defaulted(tree, finding) and (
            broken or not _may_be_newer(tree, finding.start, said.message)
        ):
            found.append(finding)
        if len(found) >= MOST or (found and tree.has_error()):
            break  # what follows broken code is split by guesses
    if not found and tree.has_error():
        return _whole(tree, compiled)
    return found


def _whole(tree: SyntaxTree, compiled: Compiled) -> list[Finding]:
    """The tree is broken, and no piece of it: the compiler decides, where it can."""
    source = tree.text.source
    if len(source) > LARGEST:
        return syntax_errors(tree)[:1]
    if source not in compiled:
        compiled[source] = _complaint(source)
    said = compiled[source]
    finding = _placed(tree, 0, len(source), said, False) if said is not None else None
    return [finding] if finding is not None and not _is_defaulted(tree, finding) else []


def _pieces(tree: SyntaxTree) -> Iterator[tuple[int, int, bool, bool]]:
    """(start, end, whether the tree is broken there, whether it is a member of a class) of each piece, whole
    lines, in order; together they are the file."""
    text = tree.text
    nodes = [node for node in tree.root.children if node.type != "comment"]
    starts: list[int] = []
    broken: list[bool] = []
    classes: list[tree_sitter.Node | None] = []
    fragments = tree.root.is_error
    for before, node in zip((None, *nodes), nodes, strict=False):
        at = tree.offset(node.start_byte)
        start = text.line_start(text.line_at(at))
        if starts and (
            start <= starts[-1]
            or node.is_error
            or broken[-1]
            or (fragments and (at > start or _goes_on(node, before)))
        ):
            # The same line, or something that could not be told apart: one piece with what is before it.
            broken[-1] = broken[-1] or node.has_error
            classes[-1] = None
            continue
        starts.append(start)
        broken.append(node.has_error)
        classes.append(node if not node.has_error else None)
    if not starts:
        return
    starts[0] = 0
    ends = [*starts[1:], len(text)]
    for start, end, is_broken, one in zip(starts, ends, broken, classes, strict=True):
        members = list(_members(tree, one)) if one is not None and end - start > _SPLIT else []
        if members:
            yield from ((at, to, False, True) for at, to in zip(members, [*members[1:], end], strict=True))
        else:
            yield start, end, is_broken, False


def _goes_on(node: tree_sitter.Node, before: tree_sitter.Node | None) -> bool:
    """Whether `node`, of a file that is all in fragments, belongs to `before`."""
    return node.type in _GOES_ON or (before is not None and before.type == "decorator")


def _members(tree: SyntaxTree, node: tree_sitter.Node) -> Iterator[int]:
    """Where the lines of a class's members begin."""
    if node.type == "decorated_definition":
        node = node.child_by_field_name("definition") or node
    body = node.child_by_field_name("body") if node.type == "class_definition" else None
    last = -1
    for child in body.children if body is not None else ():
        at = tree.text.line_start(tree.text.line_at(tree.offset(child.start_byte)))
        if child.type != "comment" and at > last:
            last = at
            yield at


def _complaint(piece: str) -> Complaint | None:
    import ast

    piece = piece.removeprefix("\ufeff")  # in a file the compiler passes over it
    for _ in range(2):
        try:
            ast.parse(piece)
        except SyntaxError as error:
            if error.lineno is None or _is_warning(error.msg):
                return None
            line = max(error.lineno - 1, 0)
            column = max((error.offset or 1) - 1, 0)
            end_line = max((error.end_lineno or error.lineno) - 1, line)
            end_column = max((error.end_offset or 0) - 1, 0)
            return Complaint(error.msg, line, column, end_line, end_column)
        except _BROKEN:
            return None
        except SystemError:
            continue  # another thread compiled in between (CPython gh-106905); once more
        return None
    return None


def _is_warning(message: str) -> bool:
    """Whether this is a warning that the user's settings of Python make an error."""
    return message.startswith(("invalid escape", "invalid octal escape", '"is" with', '"is not" with')) or (
        message.endswith("perhaps you missed a comma?") and "object is not" in message
    )


def _placed(tree: SyntaxTree, start: int, end: int, said: Complaint, wrapped: bool) -> Finding:
    text = tree.text
    base = text.line_at(start) - (1 if wrapped else 0)

    def offset(line: int, column: int) -> int:
        number = min(max(base + line, text.line_at(start)), text.line_at(end))
        return min(text.line_start(number) + column, max(text.line_end(number), text.line_start(number)))

    at = offset(said.line, said.column)
    to = offset(said.end_line, said.end_column)
    if to <= at:
        to = at + 1 if at < text.line_end(text.line_at(at)) else at
    if to == at and at > text.line_start(text.line_at(at)):
        at -= 1  # at the end of a line: its last character, so that there is something to see
    return Finding(at, to, CODE, _sentence(said.message, base), "error")


def _sentence(message: str, before: int) -> str:
    """The compiler's message, with the lines it names counted from the top of the file."""
    message = _LINE.sub(lambda found: f"{found[1]}{int(found[2]) + before}", message)
    message = message[:1].upper() + message[1:]
    return message if message.endswith((".", "?", "!")) else message + "."


def _is_defaulted(tree: SyntaxTree, finding: Finding) -> bool:
    """Whether the line declares a type parameter with a default (PEP 696), which neither an older
    compiler nor the tree knows."""
    line = tree.text.line(tree.text.line_at(finding.start))
    return sys.version_info < (3, 13) and _DEFAULTED.match(line) is not None


def _may_be_newer(tree: SyntaxTree, at: int, message: str) -> bool:
    """Whether a newer Python may accept what this one's compiler rejects, where the tree is whole."""
    if sys.version_info < (3, 14) and ("parenthesized" in message or message.startswith("f-string")):
        return True
    above = tree.path_to(at)
    if any(node.type in _NEWER for node in above):
        return True
    line = tree.text.line_at(at)
    content = tree.text.line(line)
    start = tree.text.line_start(line)
    node = tree.smallest(start + len(content) - len(content.lstrip()), start + len(content.rstrip()))
    pending = [node]
    for _ in range(2_000):
        if not pending:
            return False
        node = pending.pop()
        if node.type in _NEWER:
            return True
        pending += node.named_children
    return True
