"""Give an expression of a Python file a name."""

from __future__ import annotations

import tree_sitter

from devflow.analysis.python_scopes import PythonNames
from devflow.analysis.refactor.refused import Refused
from devflow.analysis.refactor.selection import (
    BLOCKS,
    expression_at,
    free_name,
    indent_of,
    is_impure,
    is_literal,
    parenthesised,
    statement_of,
    walk,
    wished_name,
)
from devflow.analysis.text import Edit

_CONDITIONS = frozenset({"boolean_operator", "conditional_expression"})
_COMPREHENSIONS = frozenset(
    {"list_comprehension", "set_comprehension", "dictionary_comprehension", "generator_expression"}
)


def extract_variable(names: PythonNames, start: int, end: int) -> list[Edit]:
    """The edits that assign the selected expression to a new variable before its statement, and put the
    variable in its place. Raises Refused when that could change what the code does."""
    tree = names.tree
    node = expression_at(tree, start, end)
    if node is None:
        raise Refused("Select one whole expression to give it a name.")
    statement = statement_of(node)
    _check(names, node, statement)
    name = free_name(names, wished_name(tree, node))
    span, whole = tree.span(node), tree.span(statement)
    written = parenthesised(node, tree.slice(node))
    if statement.type == "expression_statement" and statement.named_children == [node]:
        return [Edit(span.start, span.end, f"{name} = {written}")]
    text = tree.text
    before = text.source[text.line_start(text.line_at(whole.start)) : whole.start]
    separator = "; " if before.strip() else text.line_ending + indent_of(text, whole.start)
    above = node.parent
    is_arguments = (
        above is not None and above.type == "call" and above.child_by_field_name("arguments") == node
    )
    return [
        Edit(whole.start, whole.start, f"{name} = {written}{separator}"),
        Edit(span.start, span.end, f"({name})" if is_arguments else name),
    ]


def _check(names: PythonNames, node: tree_sitter.Node, statement: tree_sitter.Node) -> None:
    if node.type == "identifier":
        raise Refused("It has a name already.")
    if any(each.type in ("yield", "named_expression") for each in walk(node)):
        raise Refused("The expression contains a yield or an assignment.")
    block = statement.parent
    if block is not None and block.parent is not None and block.parent.type == "class_definition":
        raise Refused("In the body of a class the variable would be one of its members.")
    span = names.tree.span(node)
    fixed = is_literal(node)
    used = [each for each in names.occurrences if span.start <= each.start < span.end and each.role == "read"]
    at: tree_sitter.Node | None = node.parent
    below: tree_sitter.Node = node
    while at is not None and below != statement:
        if is_impure(node) and any(is_impure(each) for each in _siblings_before(at, below)):
            raise Refused("Something else in the statement is done before the expression is evaluated.")
        if at.type == "lambda" and not fixed:
            raise Refused("The expression is evaluated each time the lambda is called.")
        if at.type in _COMPREHENSIONS and not fixed:
            scope = next((each.number for each in names.scopes if each.node == at), None)
            outside = below.type == "for_in_clause" and below == _first_clause(at)
            if not outside and (is_impure(node) or any(names.home(each) == scope for each in used)):
                raise Refused("The expression is evaluated for each item.")
        if at.type in _CONDITIONS and not fixed:
            first = at.named_children[1 if at.type == "conditional_expression" else 0]
            if below != first:
                raise Refused("The expression is evaluated only under a condition.")
        if at.type in ("elif_clause", "while_statement", "assert_statement") and not fixed:
            is_asserted = at.type == "assert_statement" and at.named_children[0] == below
            if not is_asserted:
                raise Refused("The expression is not evaluated exactly once, before its statement.")
        if at.type == "comparison_operator" and below not in at.named_children[:2] and not fixed:
            raise Refused("The expression is evaluated only under a condition.")
        if at.type in ("case_clause", "except_clause", "with_item") and not fixed and _is_later(at):
            raise Refused("The expression is evaluated only after something else in its statement.")
        below = at
        at = at.parent
    bound = {
        each.name
        for each in names.occurrences
        if each.role == "bind" and names.tree.span(statement).start <= each.start < span.start
    }
    if statement.type not in BLOCKS and any(each.name in bound for each in used):
        raise Refused("The expression uses a name that is bound earlier in its statement.")


def _siblings_before(above: tree_sitter.Node, below: tree_sitter.Node) -> list[tree_sitter.Node]:
    """What is evaluated before `below`, or may be, among the parts of `above`."""
    if above.type == "assignment" and below != above.child_by_field_name("right"):
        return above.named_children  # the right side comes before the targets
    return [each for each in above.named_children if each.end_byte <= below.start_byte]


def _first_clause(comprehension: tree_sitter.Node) -> tree_sitter.Node | None:
    clauses = [each for each in comprehension.named_children if each.type == "for_in_clause"]
    return clauses[0] if clauses else None


def _is_later(node: tree_sitter.Node) -> bool:
    """Whether a `with` item is not the first; `case` and `except` always come later."""
    above = node.parent
    return node.type != "with_item" or (above is not None and above.named_children[0] != node)
