"""Hints inside the code: which parameter an argument fills where the argument does not say it, and of which
class a variable is. Only what is certain: a hint that is wrong is read as code."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import tree_sitter

from devflow.analysis.document import Document
from devflow.analysis.facts import Symbol, SymbolKind
from devflow.analysis.python_resolver import PythonResolver, Target
from devflow.analysis.syntax.parse import SyntaxTree
from devflow.server.assist.signature_help import parameters_of
from devflow.server.assist.static_names import names_of, symbol_of
from devflow.server.assist.target import document_symbols

if TYPE_CHECKING:
    from devflow.server.assist.base import Codebase

SECONDS = 0.15
"""What is not known by then has no hint."""
_MOST_NODES = 60_000
_FUNCTIONS = frozenset({SymbolKind.FUNCTION, SymbolKind.METHOD, SymbolKind.CONSTRUCTOR})
_NAMED = frozenset({"keyword_argument", "named_argument", "pair", "block_argument", "hash_splat_argument"})
_SPREAD = frozenset(
    {"list_splat", "dictionary_splat", "spread_element", "splat_argument", "variadic_argument"}
)
_PLAIN_VALUES = frozenset(
    {"string", "integer", "float", "true", "false", "none", "list", "dictionary", "set", "tuple", "lambda"}
    | {"list_comprehension", "set_comprehension", "dictionary_comprehension", "generator_expression"}
    | {"concatenated_string", "comparison_operator", "not_operator", "assignment"}
)


@dataclass(frozen=True, slots=True)
class Hint:
    """Text to be shown at `at`; `kind` is `parameter` (before an argument) or `type` (behind a name)."""

    at: int
    label: str
    kind: str


async def inlay_hints(doc: Document, start: int, end: int, code: Codebase) -> list[Hint]:
    """The hints of `start:end`, in the order of the text."""
    tree = doc.tree
    if tree is None:
        return []
    return await asyncio.to_thread(
        lambda: sorted(_hints(doc, tree, start, end, code), key=lambda hint: hint.at)
    )


def _hints(doc: Document, tree: SyntaxTree, start: int, end: int, code: Codebase) -> Iterator[Hint]:
    until = time.monotonic() + SECONDS
    names = names_of(code) if doc.language == "python" and doc.path is not None else None
    here: dict[str, list[Symbol]] = {}
    for symbol in document_symbols(doc, code.memory):
        if symbol.kind in _FUNCTIONS:
            here.setdefault(symbol.name, []).append(symbol)
    for node in _inside(tree, start, end):
        if time.monotonic() > until:
            return
        if node.child_by_field_name("arguments") is not None:
            yield from _of_call(doc, tree, node, names, here)
        elif names is not None and doc.path is not None and node.type == "assignment":
            yield from _of_assignment(tree, node, names, doc.path)


def _inside(tree: SyntaxTree, start: int, end: int) -> Iterator[tree_sitter.Node]:
    """The sound nodes that touch `start:end`."""
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


def _of_call(
    doc: Document,
    tree: SyntaxTree,
    call: tree_sitter.Node,
    names: PythonResolver | None,
    here: dict[str, list[Symbol]],
) -> Iterator[Hint]:
    function = next(
        (found for field in ("function", "name", "method") if (found := call.child_by_field_name(field))),
        None,
    )
    arguments = call.child_by_field_name("arguments")
    if function is None or arguments is None or arguments.has_error:
        return
    given = [child for child in arguments.named_children if "comment" not in child.type]
    if not given or given[0].type in _NAMED | _SPREAD or arguments.type == "generator_expression":
        return
    written = tree.slice(function)
    if len(written) > 200:
        return
    receiver, _, name = re.sub(r"::|->|\?\.", ".", written).rpartition(".")
    if receiver.rpartition(".")[2][:1].isupper():
        return  # `Class.method(value)`: the first argument may be `self`
    symbol = _callee(doc, tree, function, name, names, here)
    wanted = parameters_of(symbol.signature, symbol.name) if symbol is not None else None
    for argument, parameter in zip(given, wanted or (), strict=False):
        if argument.type in _NAMED | _SPREAD or parameter.kind != "positional-or-keyword":
            return
        if _tells(parameter.name, tree.slice(argument)):
            yield Hint(
                tree.span(argument).start,
                f"{parameter.name}=" if names else f"{parameter.name}:",
                "parameter",
            )


def _callee(
    doc: Document,
    tree: SyntaxTree,
    function: tree_sitter.Node,
    name: str,
    names: PythonResolver | None,
    here: dict[str, list[Symbol]],
) -> Symbol | None:
    if names is None or doc.path is None:
        found = here.get(name, [])
        return found[0] if len(found) == 1 else None
    target = names.at(doc.path, tree, tree.span(function).end - 1)
    binding = target.binding if target is not None else None
    if target is None or binding is None or not (target.sure and target.alone):
        return None
    if binding.kind == "class":
        made = binding.members.get("__init__", [])
        if len(made) != 1:
            return None
        target = Target(target.path, made[0], (*target.owner, binding.name))
    elif binding.kind != "function" or binding.decorators:
        return None
    return symbol_of(names, target)


def _tells(parameter: str, argument: str) -> bool:
    """Whether the parameter's name adds to what the argument says."""
    plain = parameter.lstrip("_*&").replace("_", "").lower()
    if len(plain) < 2 or parameter.startswith("_") or len(argument) > 60 or "\n" in argument:
        return False
    return plain not in re.sub(r"[^\w]|_", "", argument).lower()


def _of_assignment(
    tree: SyntaxTree, node: tree_sitter.Node, names: PythonResolver, path: Path
) -> Iterator[Hint]:
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if (
        left is None
        or right is None
        or left.type != "identifier"
        or node.child_by_field_name("type") is not None
    ):
        return
    if right.type in _PLAIN_VALUES or node.has_error:
        return
    span = tree.span(left)
    target = names.type_at(path, tree, span.start)
    if target is None or target.binding is None or target.binding.kind != "class":
        return
    name = target.binding.name
    said: Sequence[str] = re.findall(r"\w+", tree.slice(right)[:200])
    if (
        target.sure
        and target.alone
        and name not in said
        and tree.slice(left) != name
        and right.type != "identifier"
    ):
        yield Hint(span.end, f": {name}", "type")
