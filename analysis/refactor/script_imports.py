"""Imports of TypeScript and JavaScript: put in order, and without the names that nothing uses.

As TypeScript's own "organise imports" has it: only neighbours change places, a blank line, a comment or an
import for its effects (`import "x"`) keeps its place and parts groups, packages come before relative paths.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import tree_sitter

from devflow.analysis.refactor.refused import Refused
from devflow.analysis.syntax.parse import SyntaxTree
from devflow.analysis.text import Edit

_WORD = re.compile(r"[\w$]+")
_FOR_JSX = frozenset({"React", "h", "Fragment", "jsx"})
"""What JSX may be compiled to calls of."""


def organised_script(tree: SyntaxTree) -> list[Edit]:
    """The edits that sort imports and the names inside their braces. Raises Refused in broken code."""
    _check(tree)
    edits: list[Edit] = []
    for group in _groups(tree):
        texts = [tree.slice(each) for each in group]
        ordered = sorted(group, key=lambda each: _order(tree, each))
        for place, each, old in zip(group, ordered, texts, strict=True):
            new = _with_sorted_names(tree, each)
            if new != old:
                span = tree.span(place)
                edits.append(Edit(span.start, span.end, new))
    return edits


def without_unused(tree: SyntaxTree) -> list[Edit]:
    """The edits that take out imported names that stand nowhere else in the file, comments counted. Raises
    Refused in broken code."""
    _check(tree)
    used = _used(tree)
    edits: list[Edit] = []
    for statement in _imports(tree):
        clause = _clause(statement)
        if clause is None or _has_comment(statement):
            continue
        parts = [each for each in clause.named_children if each.type != "comment"]
        kept = [each for each in parts if (written := _kept(tree, each, used)) is not None and written]
        if [tree.slice(each) for each in parts] == [_kept(tree, each, used) for each in parts]:
            continue
        if kept:
            span = tree.span(clause)
            written = ", ".join(_kept(tree, each, used) or "" for each in kept)
            edits.append(Edit(span.start, span.end, written))
        else:
            edits.append(_removed(tree, statement))
    return edits


def _check(tree: SyntaxTree) -> None:
    if tree.has_error():
        raise Refused("The imports cannot be read while the file has a syntax error.")


def _imports(tree: SyntaxTree) -> list[tree_sitter.Node]:
    return [each for each in tree.root.named_children if each.type == "import_statement"]


def _clause(statement: tree_sitter.Node) -> tree_sitter.Node | None:
    return next((each for each in statement.named_children if each.type == "import_clause"), None)


def _groups(tree: SyntaxTree) -> Iterator[list[tree_sitter.Node]]:
    """Imports that follow each other line by line and bring names."""
    group: list[tree_sitter.Node] = []
    for node in tree.root.named_children:
        fits = node.type == "import_statement" and _clause(node) is not None and not _has_comment(node)
        follows = not group or node.start_point.row == group[-1].end_point.row + 1
        if fits and follows:
            group.append(node)
            continue
        if node.type == "comment" and group and node.start_point.row == group[-1].end_point.row:
            group.pop()  # the comment belongs to the import before it, which stays where it is
        yield group
        group = [node] if fits and node.type == "import_statement" else []
    yield group


def _order(tree: SyntaxTree, statement: tree_sitter.Node) -> tuple[bool, str, str]:
    source = statement.child_by_field_name("source")
    module = tree.slice(source).strip("\"'") if source is not None else ""
    return module.startswith("."), module.lower(), module


def _with_sorted_names(tree: SyntaxTree, statement: tree_sitter.Node) -> str:
    clause = _clause(statement)
    named = (
        next((each for each in clause.named_children if each.type == "named_imports"), None)
        if clause
        else None
    )
    if named is None:
        return tree.slice(statement)
    start, whole = tree.span(statement).start, tree.slice(statement)
    names = named.named_children
    ordered = sorted((tree.slice(each) for each in names), key=lambda each: (_bound(each).lower(), each))
    for each, new in reversed(list(zip(names, ordered, strict=True))):
        span = tree.span(each)
        whole = whole[: span.start - start] + new + whole[span.end - start :]
    return whole


def _bound(specifier: str) -> str:
    return specifier.removeprefix("type ").split()[0]


def _has_comment(node: tree_sitter.Node) -> bool:
    pending = [node]
    while pending:
        each = pending.pop()
        if each.type == "comment":
            return True
        pending += each.named_children
    return False


def _used(tree: SyntaxTree) -> set[str]:
    """The words of the code and its comments, imports and strings left out."""
    found: set[str] = set()
    pending = [each for each in tree.root.named_children if each.type != "import_statement"]
    while pending:
        node = pending.pop()
        if node.type.startswith("jsx_"):
            found |= _FOR_JSX
        if node.type not in ("string", "string_fragment", "regex"):
            pending += node.named_children
            if not node.named_children:
                found.update(_WORD.findall(tree.slice(node)))
    for comment in (each for each in tree.root.named_children if each.type == "comment"):
        found.update(_WORD.findall(tree.slice(comment)))
    return found


def _kept(tree: SyntaxTree, part: tree_sitter.Node, used: set[str]) -> str | None:
    """What stays of a default name, `* as name` or `{ … }`; None or "" when nothing does."""
    if part.type == "identifier":
        return tree.slice(part) if tree.slice(part) in used else None
    if part.type == "namespace_import":
        return tree.slice(part) if tree.slice(part.named_children[-1]) in used else None
    if part.type != "named_imports":
        return tree.slice(part)
    written = tree.slice(part)
    names = part.named_children
    stay = [each for each in names if tree.slice(each.named_children[-1]) in used]
    if len(stay) == len(names):
        return written
    if not stay:
        return None
    texts = [tree.slice(each) for each in stay]
    if "\n" not in written:
        space = " " if written.startswith("{ ") else ""
        return "{" + space + ", ".join(texts) + space + "}"
    opening = written[: tree.span(names[0]).start - tree.span(part).start]
    ending = written[tree.span(names[-1]).end - tree.span(part).start :]
    return opening + ("," + opening.removeprefix("{")).join(texts) + ending


def _removed(tree: SyntaxTree, statement: tree_sitter.Node) -> Edit:
    """The statement with its line, where nothing else stands in it."""
    text, span = tree.text, tree.span(statement)
    start = text.line_start(text.line_at(span.start))
    last = text.line_at(span.end)
    alone = (
        not text.source[start : span.start].strip()
        and not text.source[span.end : text.line_end(last)].strip()
    )
    if not alone:
        return Edit(span.start, span.end, "")
    end = text.line_start(last + 1) if last + 1 < text.line_count else len(text)
    return Edit(start, end, "")
