"""Small rewrites of Python statements that keep their meaning."""

from __future__ import annotations

import tree_sitter

from devflow.analysis.python_scopes import PythonNames
from devflow.analysis.refactor.refused import Refused
from devflow.analysis.refactor.selection import indent_of, statements_at, walk, whole_lines
from devflow.analysis.syntax.parse import SyntaxTree
from devflow.analysis.text import Edit

_OPPOSITE = {"==": "!=", "!=": "==", "in": "not in", "not in": "in", "is": "is not", "is not": "is"}


def invert_if(names: PythonNames, at: int, _: int = 0) -> list[Edit]:
    """Negate the condition of the `if … else` whose first line holds `at` and swap its branches."""
    tree = names.tree
    node = next((each for each in reversed(tree.path_to(at)) if each.type == "if_statement"), None)
    if node is None or tree.text.line_at(at) != tree.text.line_at(tree.span(node).start):
        raise Refused("There is no if here.")
    condition, consequence = node.child_by_field_name("condition"), node.child_by_field_name("consequence")
    clauses = node.children_by_field_name("alternative")
    other = clauses[0].child_by_field_name("body") if clauses else None
    if condition is None or consequence is None or node.has_error:
        raise Refused("There is no if here.")
    if len(clauses) != 1 or clauses[0].type != "else_clause" or other is None:
        raise Refused("Only an if with an else and no elif can be inverted.")
    first, second = tree.span(consequence), tree.span(other)
    if tree.text.line_at(first.start) == tree.text.line_at(tree.span(node).start):
        raise Refused("The branches must stand on lines of their own.")
    for block in (first, second):
        whole_lines(tree.text, block.start, block.end)
    span = tree.span(condition)
    return [
        Edit(span.start, span.end, negated(tree, condition)),
        Edit(first.start, first.end, tree.slice(other)),
        Edit(second.start, second.end, tree.slice(consequence)),
    ]


def negated(tree: SyntaxTree, condition: tree_sitter.Node) -> str:
    """The condition that is true when this one is false."""
    if condition.type == "parenthesized_expression" and condition.named_children:
        return f"({negated(tree, condition.named_children[0])})"
    if condition.type == "not_operator" and (inner := condition.child_by_field_name("argument")) is not None:
        return tree.slice(inner)
    if condition.type == "comparison_operator" and len(condition.named_children) == 2:
        left, right = condition.named_children
        sign = " ".join(tree.slice(child) for child in condition.children if child not in (left, right))
        if (opposite := _OPPOSITE.get(" ".join(sign.split()))) is not None:
            return f"{tree.slice(left)} {opposite} {tree.slice(right)}"
    written = tree.slice(condition)
    simple = condition.type in ("identifier", "attribute", "call", "subscript", "comparison_operator")
    return f"not {written}" if simple else f"not ({written})"


def surround_with_try(names: PythonNames, start: int, end: int) -> list[Edit]:
    """Put the selected statements into a `try` that raises again what it catches."""
    tree, text = names.tree, names.tree.text
    nodes = statements_at(tree, start, end)
    if not nodes:
        raise Refused("Select whole statements of one block.")
    if any(each.type == "future_import_statement" for each in nodes):
        raise Refused("Imports from __future__ stay at the top of the file.")
    first, last = whole_lines(text, tree.span(nodes[0]).start, tree.span(nodes[-1]).end)
    indent, ending = indent_of(text, tree.span(nodes[0]).start), text.line_ending
    inside = [
        tree.span(node)
        for each in nodes
        for node in walk(each)
        if node.type == "string" and node.start_point.row != node.end_point.row
    ]
    step = "\t" if indent.startswith("\t") else "    "
    lines = [f"{indent}try:"]
    for number in range(text.line_at(first), text.line_at(last) + 1):
        line, begin = text.line(number), text.line_start(number)
        in_string = any(span.start < begin < span.end for span in inside)
        lines.append(line if in_string or not line.strip() else step + line)
    lines += [f"{indent}except Exception:", f"{indent}{step}raise"]
    return [Edit(first, last, ending.join(lines))]
