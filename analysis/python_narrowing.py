"""What `isinstance` in a condition says of a name of Python behind it."""

from __future__ import annotations

import re
from itertools import pairwise

import tree_sitter

from devflow.analysis.python_locals import is_bound_here, is_field
from devflow.analysis.syntax.parse import SyntaxTree

_CONDITIONAL = frozenset({"if_statement", "elif_clause", "while_statement"})
_LOOPS = frozenset({"for_statement", "while_statement"})
_COMPREHENSIONS = frozenset(
    {"list_comprehension", "set_comprehension", "dictionary_comprehension", "generator_expression"}
)
_BINDS_ALL = frozenset(
    (
        "dotted_name", "aliased_import", "splat_pattern", "case_pattern", "delete_statement",
        "global_statement", "nonlocal_statement",
    )
)  # fmt: skip
"""Around a name that an import, a pattern or `del` gives or takes."""
_BINDS_ONE = {"augmented_assignment": "left", "function_definition": "name", "class_definition": "name"}
_MOST_USES = 200


def narrowed(tree: SyntaxTree, at: int, name: str) -> str:
    """The class, or classes, that `isinstance` in a condition around `at` says the value of `name` is of; ""
    where there is none, or the name may be bound anew between it and `at`."""
    written = re.compile(rf"\bisinstance\(\s*{re.escape(name)}\s*,")
    if written.search(tree.text.source, 0, at) is None:
        return ""
    until = at  # in a loop what comes later in its body is also in front
    for above, below in reversed(list(pairwise(tree.path_to(max(at - 1, 0))))):
        if above.type in ("function_definition", "lambda"):
            break
        if above.type in _COMPREHENSIONS and _goes_through(tree, above, name):
            break
        told = _told(tree, above, below, name)
        if told is not None:
            kind, test = told
            return "" if _rebinds(tree, tree.span(test).end, until, name) else kind
        if above.type in _LOOPS:
            until = max(until, tree.span(above).end)
    return ""


def _told(
    tree: SyntaxTree, above: tree_sitter.Node, below: tree_sitter.Node, name: str
) -> tuple[str, tree_sitter.Node] | None:
    """What holds in the part `below` of `above`: the class and the test that says so."""
    tests: list[tree_sitter.Node | None] = []
    if above.type == "block":
        before = [each for each in above.named_children if each.start_byte < below.start_byte]
        tests = [each.named_children[0] for each in reversed(before) if each.type == "assert_statement"]
    elif above.type == "boolean_operator" and above.children[1].type == "and":
        tests = [above.child_by_field_name("left")]
    elif above.type in _CONDITIONAL and below.type not in ("elif_clause", "else_clause"):
        tests = [above.child_by_field_name("condition")]
    for test in tests:
        if test is not None and test.id != below.id and (kind := _tested(tree, test, name)):
            return kind, test
    return None


def _tested(tree: SyntaxTree, test: tree_sitter.Node, name: str) -> str:
    """The class that `name` is of whenever `test` is true: it is the call, or needs it by `and`."""
    if test.type == "parenthesized_expression" and test.named_children:
        return _tested(tree, test.named_children[0], name)
    if test.type == "boolean_operator" and test.children[1].type == "and":
        left, right = test.child_by_field_name("left"), test.child_by_field_name("right")
        parts = [each for each in (left, right) if each is not None]
        return next((kind for each in parts if (kind := _tested(tree, each, name))), "")
    if test.type != "call":
        return ""
    function, given = test.child_by_field_name("function"), test.child_by_field_name("arguments")
    if function is None or given is None or tree.slice(function) != "isinstance":
        return ""
    some = given.named_children
    if len(some) != 2 or tree.slice(some[0]) != name:
        return ""
    return tree.slice(some[1]) if some[1].type in ("identifier", "attribute", "tuple") else ""


def _goes_through(tree: SyntaxTree, comprehension: tree_sitter.Node, name: str) -> bool:
    span = tree.span(comprehension)
    return _rebinds(tree, span.start, span.end, name)


def _rebinds(tree: SyntaxTree, start: int, end: int, name: str) -> bool:
    """Whether `name` may be bound between `start` and `end`."""
    word = re.compile(rf"\b{re.escape(name)}\b")
    for count, use in enumerate(word.finditer(tree.text.source, start, end)):
        node = tree.smallest(*use.span())
        parent = node.parent
        if count >= _MOST_USES or parent is None:
            return True
        if node.type != "identifier":
            continue
        if is_bound_here(node) or parent.type in _BINDS_ALL:
            return True
        if parent.type in _BINDS_ONE and is_field(parent, _BINDS_ONE[parent.type], node):
            return True
    return False
