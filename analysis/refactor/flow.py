"""Which variables certain statements of a Python function need, change and set for certain."""

from __future__ import annotations

from collections.abc import Sequence

import tree_sitter

from devflow.analysis.python_scopes import Occurrence, PythonNames
from devflow.analysis.refactor.selection import BLOCKS, NESTED, walk

_LOOPS = frozenset({"for_statement", "while_statement"})


def falls_through(statements: Sequence[tree_sitter.Node]) -> bool:
    """Whether control can reach the end of the statements."""
    return not any(_leaves(each) for each in statements)


def _leaves(node: tree_sitter.Node) -> bool:
    if node.type in ("return_statement", "raise_statement", "break_statement", "continue_statement"):
        return True
    if node.type == "if_statement":
        branches = _branches(node)
        return branches is not None and all(not falls_through(each) for each in branches)
    if node.type == "with_statement":
        return False  # a context manager may swallow an exception
    if node.type == "try_statement":
        final = next((each for each in node.named_children if each.type == "finally_clause"), None)
        return final is not None and not falls_through(_body(final))
    return False


def always_returns(statements: Sequence[tree_sitter.Node]) -> bool:
    """Whether the statements end with `return` or `raise` on every path, leaving no loop by `break`."""
    code = [each for each in statements if each.type != "comment"]
    if not code:
        return False
    last = code[-1]
    if last.type in ("return_statement", "raise_statement"):
        return True
    if last.type == "if_statement":
        branches = _branches(last)
        return branches is not None and all(always_returns(each) for each in branches)
    return False


def _branches(node: tree_sitter.Node) -> list[list[tree_sitter.Node]] | None:
    """The branches of an `if` with an `else`; None without."""
    consequence = node.child_by_field_name("consequence")
    clauses = node.children_by_field_name("alternative")
    if consequence is None or not clauses or clauses[-1].type != "else_clause":
        return None
    return [list(consequence.named_children), *(_body(each) for each in clauses)]


def _body(clause: tree_sitter.Node) -> list[tree_sitter.Node]:
    block = clause.child_by_field_name("consequence") or clause.child_by_field_name("body")
    if block is None:
        block = next((each for each in clause.named_children if each.type == "block"), None)
    return list(block.named_children) if block is not None else []


def sets_for_certain(
    names: PythonNames, statements: Sequence[tree_sitter.Node], name: str, home: int
) -> bool:
    """Whether after the statements the variable is bound, whatever path was taken through them."""
    return any(_sets(names, each, name, home) for each in statements)


def _sets(names: PythonNames, node: tree_sitter.Node, name: str, home: int) -> bool:
    if node.type == "if_statement":
        branches = _branches(node)
        if branches is not None:
            return all(
                not falls_through(each) or sets_for_certain(names, each, name, home) for each in branches
            )
        return False
    if node.type == "with_statement":
        if any(_binds(names, each, name, home) for each in node.named_children if each.type == "with_clause"):
            return True
        return sets_for_certain(names, _body(node), name, home)
    if node.type == "try_statement":
        final = next((each for each in node.named_children if each.type == "finally_clause"), None)
        return final is not None and sets_for_certain(names, _body(final), name, home)
    if node.type in _LOOPS or node.type == "match_statement":
        return False
    if node.type == "expression_statement":
        value = node.named_children[0] if node.named_children else None
        if value is not None and value.type not in ("assignment", "augmented_assignment"):
            return False  # a walrus may stand under a condition
        left = value.child_by_field_name("left") if value is not None else None
        return (left is not None and _binds(names, left, name, home)) or _chained(names, value, name, home)
    return _binds(names, node, name, home) and node.type not in ("global_statement", "nonlocal_statement")


def _chained(names: PythonNames, value: tree_sitter.Node | None, name: str, home: int) -> bool:
    """`a = b = …`"""
    right = value.child_by_field_name("right") if value is not None else None
    if right is None or right.type != "assignment":
        return False
    left = right.child_by_field_name("left")
    return (left is not None and _binds(names, left, name, home)) or _chained(names, right, name, home)


def _binds(names: PythonNames, node: tree_sitter.Node, name: str, home: int) -> bool:
    span = names.tree.span(node)
    return any(
        each.role == "bind" and each.scope == home and span.start <= each.start < span.end
        for each in names.of(name, home)
    )


def is_set_before(names: PythonNames, first: tree_sitter.Node, name: str, home: int) -> bool:
    """Whether the variable is bound for certain when the statement `first` is reached."""
    if any(each.how == "parameter" for each in names.of(name, home)):
        return True
    at = first
    while at.parent is not None:
        above = at.parent
        if above.type in BLOCKS:
            earlier = [each for each in above.named_children if each.end_byte <= at.start_byte]
            if sets_for_certain(names, earlier, name, home):
                return True
        elif above.type == "for_statement" and (left := above.child_by_field_name("left")) is not None:
            if at != left and at.type == "block" and _binds(names, left, name, home):
                return True
        elif above.type in ("with_statement", "except_clause") and at.type == "block":
            heads = [each for each in above.named_children if each.end_byte <= at.start_byte]
            if any(_binds(names, each, name, home) for each in heads):
                return True
        if above == names.scopes[home].node:
            return False
        at = above
    return False


def loops_around(node: tree_sitter.Node) -> list[tree_sitter.Node]:
    """The loops of the same function that hold `node`, innermost first."""
    found = []
    at = node.parent
    while at is not None and at.type not in NESTED:
        if at.type in _LOOPS:
            found.append(at)
        at = at.parent
    return found


def jumps_out(statements: Sequence[tree_sitter.Node]) -> bool:
    """Whether a `break` or `continue` among the statements belongs to a loop around them."""
    for statement in statements:
        for node in walk(statement, NESTED):
            if node.type not in ("break_statement", "continue_statement"):
                continue
            at = node.parent
            while at is not None and at.type not in _LOOPS and at not in statements:
                at = at.parent
            if at is None or at.type not in _LOOPS or not any(_holds(each, at) for each in statements):
                return True
            if _in_else(at, node) and not any(
                _holds(s, loop) for loop in loops_around(at) for s in statements
            ):
                return True
    return False


def _in_else(loop: tree_sitter.Node, node: tree_sitter.Node) -> bool:
    clause = loop.child_by_field_name("alternative")
    return clause is not None and _holds(clause, node)


def _holds(outer: tree_sitter.Node, inner: tree_sitter.Node) -> bool:
    return outer.start_byte <= inner.start_byte and inner.end_byte <= outer.end_byte


def reads(each: Occurrence) -> bool:
    """Whether the variable's value is needed there."""
    return each.role in ("read", "delete") or each.how == "augmented"
