"""Where a hint inside the code could stand: arguments that do not name their parameter, and variables that do
not say their type."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import tree_sitter

from devflow.analysis.syntax.parse import SyntaxTree

_MOST_NODES = 60_000
_LONGEST_CALLEE = 200
_NAMED = frozenset({"keyword_argument", "named_argument", "pair", "block_argument", "hash_splat_argument"})
_SPREAD = frozenset(
    {"list_splat", "dictionary_splat", "spread_element", "splat_argument", "variadic_argument"}
)
_PLAIN_VALUES = frozenset(
    {"string", "integer", "float", "true", "false", "none", "list", "dictionary", "set", "tuple", "lambda"}
    | {"list_comprehension", "set_comprehension", "dictionary_comprehension", "generator_expression"}
    | {"concatenated_string", "comparison_operator", "not_operator", "assignment", "identifier"}
)


@dataclass(frozen=True, slots=True)
class Called:
    """A call; `at` is the last letter of what is called, `receiver` what stands before its last name."""

    name: str
    receiver: str
    at: int
    arguments: tuple[tuple[int, str], ...]
    """Start and text of the arguments up to the first that is named or spread."""


@dataclass(frozen=True, slots=True)
class Assigned:
    """A variable that is given something whose type its text does not show (Python)."""

    name: str
    start: int
    value: str


def hint_sites(tree: SyntaxTree, start: int, end: int) -> Iterator[Called | Assigned]:
    """Those in the sound parts of `start:end`."""
    for node in _inside(tree, start, end):
        if node.child_by_field_name("arguments") is not None:
            made: Called | Assigned | None = _called(tree, node)
        elif tree.language == "python" and node.type == "assignment":
            made = _assigned(tree, node)
        else:
            continue
        if made is not None:
            yield made


def _inside(tree: SyntaxTree, start: int, end: int) -> Iterator[tree_sitter.Node]:
    first, last = tree.byte(start), tree.byte(end)
    pending = [tree.root]
    for _ in range(_MOST_NODES):
        if not pending:
            return
        node = pending.pop()
        if node.end_byte < first or node.start_byte > last:
            continue
        if not node.is_error:
            yield node
        pending += reversed(node.named_children)


def _called(tree: SyntaxTree, call: tree_sitter.Node) -> Called | None:
    function = next(
        (found for field in ("function", "name", "method") if (found := call.child_by_field_name(field))),
        None,
    )
    arguments = call.child_by_field_name("arguments")
    if (
        function is None
        or arguments is None
        or arguments.has_error
        or arguments.type == "generator_expression"
    ):
        return None
    if function.end_byte - function.start_byte > _LONGEST_CALLEE:
        return None
    given: list[tuple[int, str]] = []
    for child in arguments.named_children:
        if "comment" in child.type:
            continue
        if child.type in _NAMED | _SPREAD:
            break
        given.append((tree.span(child).start, tree.slice(child)))
    receiver, _, name = re.sub(r"::|->|\?\.", ".", tree.slice(function)).rpartition(".")
    return Called(name, receiver, tree.span(function).end - 1, tuple(given)) if given else None


def _assigned(tree: SyntaxTree, node: tree_sitter.Node) -> Assigned | None:
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if (
        left is None
        or right is None
        or left.type != "identifier"
        or node.child_by_field_name("type") is not None
    ):
        return None
    if right.type in _PLAIN_VALUES or node.has_error:
        return None
    return Assigned(tree.slice(left), tree.span(left).start, tree.slice(right)[:200])
