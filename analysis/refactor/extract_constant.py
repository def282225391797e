"""Give an expression of a TypeScript or JavaScript file a name: `const name = …` before its statement.

The expression moves before everything else of its statement, so it is refused wherever it might then be
evaluated another number of times, or in another order with something that has an effect.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import tree_sitter

from devflow.analysis.refactor.refused import Refused
from devflow.analysis.syntax.parse import SyntaxTree
from devflow.analysis.text import Edit

_EXPRESSIONS = frozenset(
    {"call_expression", "member_expression", "subscript_expression", "binary_expression", "unary_expression"}
    | {"ternary_expression", "string", "number", "template_string", "array", "object", "new_expression"}
    | {"await_expression", "parenthesized_expression", "as_expression", "satisfies_expression"}
    | {"non_null_expression", "true", "false", "null", "regex"}
)
_THROUGH = frozenset(
    {
        "arguments",
        "array",
        "spread_element",
        "template_string",
        "template_substitution",
        "parenthesized_expression",
    }
    | {"call_expression", "member_expression", "subscript_expression", "new_expression", "await_expression"}
    | {"object", "non_null_expression", "lexical_declaration", "variable_declaration", "expression_statement"}
    | {"return_statement", "throw_statement", "export_statement", "jsx_expression", "jsx_attribute"}
    | {"jsx_self_closing_element", "jsx_opening_element", "jsx_element"}
)
"""What evaluates all its parts, once."""
_FIRST = {
    "ternary_expression": "condition",
    "if_statement": "condition",
    "switch_statement": "value",
    "pair": "value",
    "variable_declarator": "value",
    "assignment_expression": "right",
    "unary_expression": "argument",
    "binary_expression": "left",
}
_LAZY = frozenset({"&&", "||", "??"})
_EFFECTS = frozenset(
    {"call_expression", "new_expression", "await_expression", "update_expression", "assignment_expression"}
    | {"augmented_assignment_expression", "yield_expression", "variable_declarator"}
)
_RESERVED = frozenset(
    {"arguments", "async", "await", "break", "case", "catch", "class", "const", "continue", "debugger"}
    | {"default", "delete", "do", "else", "enum", "eval", "export", "extends", "false", "finally", "for"}
    | {"from", "function", "if", "implements", "import", "in", "instanceof", "interface", "let", "new"}
    | {"null", "of", "package", "private", "protected", "public", "return", "static", "super", "switch"}
    | {"this", "throw", "true", "try", "type", "typeof", "undefined", "var", "void", "while", "with", "yield"}
)
_LATER = frozenset(
    {"function_expression", "arrow_function", "class", "function_declaration", "method_definition"}
)


def extract_constant(tree: SyntaxTree, start: int, end: int) -> list[Edit]:
    """The edits that name the selected expression. Raises Refused when that could change what happens."""
    node = selected(tree, start, end)
    if node is None:
        raise Refused("Select one whole expression to give it a name.")
    if tree.has_error():
        raise Refused("The file has a syntax error, so nothing is extracted.")
    while node.type == "parenthesized_expression" and node.named_child_count == 1:
        node = node.named_children[0]  # an `if` needs its parentheses
    if node.type not in _EXPRESSIONS:
        raise Refused("Select one expression, not several.")
    statement = _statement(tree, node)
    span, whole, text = tree.span(node), tree.span(statement), tree.text
    inside = list(_walk(node, into_functions=False))
    if any(each.type == "yield_expression" for each in inside):
        raise Refused("The expression contains a yield.")
    before = [each for each in _walk(statement, into_functions=False) if each.end_byte <= node.start_byte]
    if any(each.type in _EFFECTS for each in before):
        raise Refused("Something before it in its statement runs first.")
    name = _free_name(tree, node)
    written = tree.slice(node)
    if statement.type == "expression_statement" and statement.named_children == [node]:
        return [Edit(span.start, span.end, f"const {name} = {written}")]
    line = text.line_start(text.line_at(whole.start))
    indent = text.source[line : whole.start]
    separator = " " if indent.strip() else text.line_ending + indent
    return [
        Edit(whole.start, whole.start, f"const {name} = {written};{separator}"),
        Edit(span.start, span.end, name),
    ]


def selected(tree: SyntaxTree, start: int, end: int) -> tree_sitter.Node | None:
    """The expression that the selection is, spaces around it left out."""
    chosen = tree.text.source[start:end]
    start, end = start + len(chosen) - len(chosen.lstrip()), end - len(chosen) + len(chosen.rstrip())
    if start >= end:
        return None
    node = tree.smallest(start, end)
    span = tree.span(node)
    return node if (span.start, span.end) == (start, end) and node.type in _EXPRESSIONS else None


def _statement(tree: SyntaxTree, node: tree_sitter.Node) -> tree_sitter.Node:
    """The statement in a block or the file that the expression is evaluated in, exactly once."""
    below, above = node, node.parent
    while above is not None and above.type not in ("program", "statement_block"):
        if not _passes(tree, below, above):
            raise Refused("The expression is not evaluated exactly once, before the rest of its statement.")
        below, above = above, above.parent
    if (
        above is None
        or below == node
        or (below.type == "export_statement" and below.child_by_field_name("source"))
    ):
        raise Refused("The expression is no part of a statement.")
    if below.type == "expression_statement" and below.named_children == [node] and node.type == "string":
        raise Refused("A string that stands alone may be a directive.")
    return below


def _passes(tree: SyntaxTree, below: tree_sitter.Node, above: tree_sitter.Node) -> bool:
    kind = above.type
    chain = above.child_by_field_name("function") or above.child_by_field_name("object")
    if (
        chain is not None
        and chain != below
        and "?." in tree.slice(above)[: below.start_byte - above.start_byte]
    ):
        return False  # evaluated only where the chain goes on
    if kind in ("as_expression", "satisfies_expression"):
        return bool(above.named_children[0] == below)
    if kind == "call_expression" and above.child_by_field_name("function") == below:
        return below.type not in ("member_expression", "subscript_expression")  # they say what `this` is
    if kind in ("jsx_element", "jsx_attribute") and below.type not in (
        "jsx_expression",
        "jsx_opening_element",
    ):
        return below.type == "jsx_self_closing_element"
    if kind == "binary_expression":
        operator = above.child_by_field_name("operator")
        lazy = operator is not None and tree.slice(operator) in _LAZY
        return not lazy or above.child_by_field_name("left") == below
    if kind == "unary_expression":
        return not tree.slice(above).startswith(("delete", "typeof"))
    if kind == "assignment_expression":
        left = above.child_by_field_name("left")
        return left is not None and left.type == "identifier" and left != below
    if kind in _FIRST:
        return above.child_by_field_name(_FIRST[kind]) == below
    return kind in _THROUGH


def _walk(node: tree_sitter.Node, *, into_functions: bool) -> Iterator[tree_sitter.Node]:
    pending = [node]
    while pending:
        each = pending.pop()
        yield each
        if into_functions or each.type not in _LATER:
            pending += each.named_children


def _free_name(tree: SyntaxTree, node: tree_sitter.Node) -> str:
    """A name after what is called or read, which is nobody else's in the file."""
    inner = node
    while (
        inner.type in ("await_expression", "parenthesized_expression", "non_null_expression")
        and inner.named_children
    ):
        inner = inner.named_children[0]
    if inner.type == "call_expression":
        inner = inner.child_by_field_name("function") or inner
    named = inner.type in ("identifier", "member_expression")
    found = re.search(r"[A-Za-z_$][\w$]*$", tree.slice(inner)) if named else None
    word = found[0] if found else ""
    short = re.sub(r"^(?:get|fetch|load|create|make|find|read)(?=[A-Z])", "", word)
    wished = short[:1].lower() + short[1:] if len(short) > 1 else "value"
    source = tree.text.source
    # A property of that name takes nothing: `const length = a.length`.
    taken = set(re.findall(r"(?<![\w$.])[\w$]+", source)) | set(re.findall(r"\.\.\.([\w$]+)", source))
    candidates = [wished, "value", *(f"{wished}{number}" for number in range(2, 1_000))]
    return next(each for each in candidates if each not in taken and each not in _RESERVED)
