"""What a selection in a Python file is: one expression, or statements of one block."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Iterator

import tree_sitter

from devflow.analysis.python_scopes import PythonNames
from devflow.analysis.refactor.refused import Refused
from devflow.analysis.syntax.parse import SyntaxTree
from devflow.analysis.text import Text
from devflow.analysis.tokens import subtokens

BLOCKS = frozenset({"block", "module"})
NESTED = frozenset({"function_definition", "class_definition", "lambda"})
_EXPRESSIONS_TEXT = """
identifier attribute call subscript binary_operator boolean_operator comparison_operator unary_operator
not_operator string concatenated_string integer float true false none list dictionary set tuple
list_comprehension dictionary_comprehension set_comprehension generator_expression conditional_expression
parenthesized_expression await lambda expression_list ellipsis
"""
EXPRESSIONS = frozenset(_EXPRESSIONS_TEXT.split())
_ATOMS_TEXT = """
identifier attribute call subscript string list dictionary set tuple list_comprehension true false none
dictionary_comprehension set_comprehension generator_expression parenthesized_expression float integer
ellipsis
"""
ATOMS = frozenset(_ATOMS_TEXT.split())
_LITERALS = frozenset(
    {"string", "integer", "float", "true", "false", "none", "ellipsis", "concatenated_string"}
)
_IMPURE = frozenset({"call", "await", "yield", "named_expression"})
_VERBS = frozenset({"get", "make", "create", "build", "compute", "find", "load", "read", "to", "as", "fetch"})


def trimmed(text: Text, start: int, end: int) -> tuple[int, int]:
    """The selection without the white space around it."""
    source = text.source
    while start < end and source[start].isspace():
        start += 1
    while end > start and source[end - 1].isspace():
        end -= 1
    return start, end


def expression_at(tree: SyntaxTree, start: int, end: int) -> tree_sitter.Node | None:
    """The expression that is exactly the selection; None when it is something else."""
    start, end = trimmed(tree.text, start, end)
    if start == end:
        return None
    node: tree_sitter.Node | None = tree.smallest(start, end)
    while node is not None and tree.span(node).start == start and tree.span(node).end == end:
        above = node.parent
        if node.type in EXPRESSIONS and not node.has_error and _is_value(node):
            return node
        node = above
    return None


def statements_at(tree: SyntaxTree, start: int, end: int) -> list[tree_sitter.Node]:
    """The statements that are exactly the selection, all of one block; none when it is something else.
    Comments above the first statement of a block are not part of it and are left out."""
    start, end = trimmed(tree.text, start, end)
    found = _statements(tree, start, end)
    while not found and tree.text.source.startswith("#", start) and start < end:
        start, end = trimmed(tree.text, min(tree.text.line_end(tree.text.line_at(start)), end), end)
        found = _statements(tree, start, end)
    return found


def _statements(tree: SyntaxTree, start: int, end: int) -> list[tree_sitter.Node]:
    if start == end:
        return []
    node: tree_sitter.Node | None = tree.smallest(start, end)
    while node is not None and node.type not in BLOCKS:
        node = node.parent
    if node is None:
        return []
    spans = [(child, tree.span(child)) for child in node.named_children]
    inside = [child for child, span in spans if start <= span.start and span.end <= end]
    touched = [child for child, span in spans if span.start < end and start < span.end]
    code = [child for child in inside if child.type != "comment"]
    if any(child.type == "case_clause" for child in code):
        return []
    if not code or len(touched) != len(inside) or any(child.has_error for child in inside):
        return []
    return inside


def statement_of(node: tree_sitter.Node) -> tree_sitter.Node:
    """The statement that holds `node`: its ancestor directly in a block. A `case` is none: the block it is
    in holds nothing else."""
    at = node
    while at.parent is not None and (at.parent.type not in BLOCKS or at.type == "case_clause"):
        at = at.parent
    return at


def walk(node: tree_sitter.Node, without: frozenset[str] = frozenset()) -> Iterator[tree_sitter.Node]:
    """`node` and all below it, not going into nodes of the kinds `without`."""
    pending = [node]
    while pending:
        at = pending.pop()
        yield at
        if at is node or at.type not in without:
            pending += reversed(at.named_children)


def is_literal(node: tree_sitter.Node) -> bool:
    """Whether evaluating the expression earlier or later is the same."""
    if node.type == "string":
        return all(child.type != "interpolation" for child in node.named_children)
    if node.type in ("tuple", "parenthesized_expression", "unary_operator", "binary_operator"):
        return all(is_literal(child) for child in node.named_children)
    return node.type in _LITERALS


def is_impure(node: tree_sitter.Node) -> bool:
    """Whether evaluating the expression may do something."""
    return any(each.type in _IMPURE for each in walk(node))


def parenthesised(node: tree_sitter.Node, written: str) -> str:
    """The expression's text so that it can stand on a line of its own."""
    brackets = node.type in ATOMS and node.type not in ("attribute", "call", "subscript", "string")
    return f"({written})" if "\n" in written and not brackets and node.type != "string" else written


def free_name(names: PythonNames, wish: str) -> str:
    """`wish`, or `wish_2` and so on: a name that stands nowhere in the file."""
    taken = {each.name for each in names.occurrences} | {each.name for each in names.keywords}
    if not wish.isidentifier() or keyword.iskeyword(wish) or hasattr(builtins, wish):
        wish = f"{wish}_" if wish.isidentifier() else "value"
    number, name = 1, wish
    while name in taken:
        number += 1
        name = f"{wish.rstrip('_')}_{number}"
    return name


def wished_name(tree: SyntaxTree, node: tree_sitter.Node) -> str:
    """A name for what an expression gives."""
    at = node
    while at.type in ("await", "parenthesized_expression") and at.named_children:
        at = at.named_children[0]
    if at.type == "call" and (function := at.child_by_field_name("function")) is not None:
        at = function
    if at.type == "attribute" and (attribute := at.child_by_field_name("attribute")) is not None:
        at = attribute
    if at.type == "identifier":
        words = [word for word in subtokens(tree.slice(at)) if not word.isdigit()]
        if len(words) > 1 and words[0] in _VERBS:
            words = words[1:]
        name = "_".join(words)
        return name if name != tree.slice(node) and name else "value"
    if at.type == "subscript":
        return "item"
    if at.type in ("comparison_operator", "boolean_operator", "not_operator"):
        return "condition"
    if at.type in ("string", "concatenated_string"):
        return "text"
    if at.type in ("list", "tuple", "set", "list_comprehension", "set_comprehension", "generator_expression"):
        return "items"
    return "value"


def indent_of(text: Text, at: int) -> str:
    """The white space at the beginning of the line of `at`."""
    line = text.line(text.line_at(at))
    return line[: len(line) - len(line.lstrip(" \t"))]


def whole_lines(text: Text, start: int, end: int) -> tuple[int, int]:
    """The lines that hold `start:end`, when nothing else but a comment stands on them. Raises Refused."""
    first, last = text.line_at(start), text.line_at(end)
    before = text.source[text.line_start(first) : start]
    after = text.source[end : text.line_end(last)].strip()
    if before.strip() or (after and not after.startswith("#")):
        raise Refused("Other code stands on the same line; put the selection on lines of its own first.")
    return text.line_start(first), text.line_end(last)


def _is_value(node: tree_sitter.Node) -> bool:
    """Whether the node stands where a value is read."""
    above = node.parent
    if above is None:
        return False
    for field in ("attribute", "name", "alias", "left", "parameters"):
        if above.child_by_field_name(field) == node and above.type not in (
            "comparison_operator",
            "binary_operator",
            "boolean_operator",
        ):
            return False
    at: tree_sitter.Node | None = above
    while at is not None and at.type not in BLOCKS:
        if at.type in (
            "type",
            "case_pattern",
            "import_statement",
            "import_from_statement",
            "delete_statement",
        ):
            return False
        if at.type in (
            "global_statement",
            "nonlocal_statement",
            "parameters",
            "lambda_parameters",
            "decorator",
        ):
            return False
        if at.type in ("pattern_list", "tuple_pattern", "concatenated_string", "as_pattern_target", "slice"):
            return False
        at = at.parent
    return True
