"""The calls of a Python file whose callee can be told: a name of the module, or a method on `self`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from devflow.analysis.checks.python_module import (
    COMPREHENSIONS,
    Class,
    Node,
    bound_names,
    dotted,
    node_text,
    read_class,
    undecorated,
)

if TYPE_CHECKING:
    from devflow.analysis.syntax.parse import SyntaxTree

_MEANT = re.compile(r"#\s*(?:type:\s*ignore|noqa|pyright:\s*ignore|pylint:\s*disable|mypy:)", re.IGNORECASE)
_CLASS = re.compile(r"cls|class|type|kind|klass|meta")
_GUARD = re.compile(r"raises|suppress|fails|warns|assertRaises", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Site:
    """One call of a dotted name. `start:end` is the callee as written."""

    callee: str
    start: int
    end: int
    positional: int
    keywords: tuple[str, ...]
    starred: bool
    """It passes `*values`: there are at least `positional` positional arguments."""
    double_starred: bool
    own: Class | None = None
    """The class whose method the call stands in, when `callee` begins with that method's `self`."""
    class_level: bool = False
    """The first parameter is `cls`; of calls asked for by their place: the receiver may be a class."""


def python_calls(tree: SyntaxTree) -> tuple[Site, ...]:
    """The calls whose callee is a module-level name or a method on `self`, outside code that
    expects a TypeError."""
    return tuple(_sites(tree))


def calls_at(tree: SyntaxTree, places: frozenset[int]) -> tuple[Site, ...]:
    """The calls whose callee's last name begins at one of `places`, outside code that expects a TypeError:
    for those who know what is called there. `start:end` is that name alone."""
    return tuple(_sites(tree, places))


@dataclass(frozen=True, slots=True)
class _Scope:
    bound: frozenset[str] = frozenset()
    """Names some function around the place binds."""
    class_names: frozenset[str] = frozenset()
    """Names of the class body the place stands directly in."""
    owner: Class | None = None
    receiver: str = ""
    """The `self` or `cls` of the method around the place."""
    class_level: bool = False
    guarded: bool = False
    covered: bool = False
    """`bound` has the names of everything inside already."""


def _sites(tree: SyntaxTree, places: frozenset[int] | None = None) -> Iterator[Site]:
    attributes = _assigned_attributes(tree)

    @cache  # a line may have thousands of calls
    def is_meant(line: int) -> bool:
        return bool(_MEANT.search(tree.text.line(line)))

    stack: list[tuple[Node, _Scope]] = [(tree.root, _Scope())]
    while stack:
        node, scope = stack.pop()
        inner = scope
        match node.type:
            case "ERROR":
                continue
            case "call" if not scope.guarded and not node.has_error:
                if places is None:
                    site = _site(node, tree, scope, attributes, is_meant)
                else:
                    site = _site_at(node, tree, places, scope, attributes, is_meant)
                if site:
                    yield site
            case "decorated_definition" | "function_definition" | "class_definition":
                definition, decorators = undecorated(node, tree)
                for child in node.named_children if node.type == "decorated_definition" else ():
                    if child.type == "decorator":
                        stack.append((child, scope))
                if definition is not None:
                    stack += _definition(definition, decorators, tree, scope)
                continue
            case "with_statement" if _GUARD.search(node_text(node.named_children[0], tree)):
                inner = replace(scope, guarded=True)
            case "try_statement" if _catches_type_errors(node, tree):
                inner = replace(scope, guarded=True)
            case kind if kind in COMPREHENSIONS and not scope.covered:
                inner = replace(scope, bound=scope.bound | bound_names(node, tree), covered=True)
        stack += [(child, inner) for child in node.named_children]


def _definition(
    node: Node, decorators: tuple[str, ...], tree: SyntaxTree, scope: _Scope
) -> list[tuple[Node, _Scope]]:
    """The parts of a definition with the scope each is in."""
    body = node.child_by_field_name("body")
    outside = [(child, scope) for child in node.named_children if child != body]
    if body is None:
        return outside
    if node.type == "class_definition":
        made = read_class(node, decorators, tree)
        return [*outside, (body, _Scope(scope.bound, frozenset(made.members), made, guarded=scope.guarded))]
    bound = scope.bound | bound_names(node, tree)
    if scope.owner is not None and not scope.receiver and "staticmethod" not in decorators:
        head = node.child_by_field_name("parameters")
        first = head.named_children[0] if head is not None and head.named_children else None
        if first is not None and first.type == "typed_parameter":
            first = first.named_children[0]
        receiver = node_text(first, tree) if first is not None and first.type == "identifier" else ""
        rebound = receiver in bound_names(body, tree)
        class_level = "classmethod" in decorators or receiver in ("cls", "mcs", "metacls")
        if receiver and not rebound:
            return [
                *outside,
                (body, _Scope(bound, frozenset(), scope.owner, receiver, class_level, scope.guarded)),
            ]
        return [*outside, (body, _Scope(bound, frozenset(), None, guarded=scope.guarded))]
    if scope.receiver and scope.receiver in bound_names(node, tree):
        return [*outside, (body, _Scope(bound, guarded=scope.guarded))]
    return [*outside, (body, replace(scope, bound=bound, class_names=frozenset()))]


def _site(
    node: Node, tree: SyntaxTree, scope: _Scope, attributes: frozenset[str], is_meant: Callable[[int], bool]
) -> Site | None:
    function = node.child_by_field_name("function")
    callee = dotted(function, tree)
    if callee == "?":
        return None
    head, _, rest = callee.partition(".")
    own = None
    if scope.owner is not None and scope.receiver and head == scope.receiver:
        if not rest or "." in rest or rest in attributes:
            return None
        own = scope.owner
    elif head in scope.bound or head in scope.class_names or rest.rpartition(".")[2] in attributes:
        return None
    made = _given(node, function, callee, tree, is_meant)
    return replace(made, own=own, class_level=scope.class_level) if made is not None else None


def _site_at(
    node: Node,
    tree: SyntaxTree,
    places: frozenset[int],
    scope: _Scope,
    attributes: frozenset[str],
    is_meant: Callable[[int], bool],
) -> Site | None:
    function = node.child_by_field_name("function")
    name = function.child_by_field_name("attribute") if function.type == "attribute" else function
    if name is None or name.type != "identifier" or tree.span(name).start not in places:
        return None
    callee = node_text(name, tree)
    made = _given(node, name, callee, tree, is_meant) if callee not in attributes else None
    if made is None or name is function:
        return made
    before = function.child_by_field_name("object")
    if node_text(before, tree).startswith("super(") and (scope.owner is None or len(scope.owner.bases) != 1):
        return None  # which base's it is depends on the classes that are made of this one
    owner = dotted(before, tree).rpartition(".")[2]
    of_class = owner != owner.lower() or owner == "?" or _CLASS.search(owner) is not None
    return replace(made, class_level=of_class)


def _given(
    node: Node, function: Node, callee: str, tree: SyntaxTree, is_meant: Callable[[int], bool]
) -> Site | None:
    """What a call passes; None where that cannot be told, or a comment says that it is meant."""
    positional = 0
    keywords: list[str] = []
    starred = double = False
    arguments = node.child_by_field_name("arguments")
    if arguments is None:
        return None
    if arguments.type != "argument_list":
        positional = 1  # f(x for x in y)
    for argument in arguments.named_children if arguments.type == "argument_list" else ():
        match argument.type:
            case "comment":
                continue
            case "keyword_argument":
                keywords.append(node_text(argument.child_by_field_name("name"), tree))
            case "list_splat":
                starred = True
            case "dictionary_splat":
                double = True
            case "parenthesized_list_splat":
                return None
            case _:
                positional += 1
    span = tree.span(node)
    lines = range(tree.text.line_at(span.start), tree.text.line_at(span.end) + 1)
    if any(is_meant(line) for line in (lines[0], lines[-1])):
        return None
    name = tree.span(function)
    return Site(callee, name.start, name.end, positional, tuple(keywords), starred, double)


def _assigned_attributes(tree: SyntaxTree) -> frozenset[str]:
    """Attribute names the file assigns to anywhere (`self.run = …`): such a method may be replaced."""
    found = re.findall(r"\.(\w+)[ \t]*(?::[^=\n]+)?=(?!=)", tree.text.source)
    found += re.findall(r"setattr\([^,\n]+,\s*[\"'](\w+)[\"']", tree.text.source)
    return frozenset(found)


def _catches_type_errors(node: Node, tree: SyntaxTree) -> bool:
    for child in node.named_children:
        if child.type in ("except_clause", "except_group_clause"):
            head = node_text(child, tree).partition(":")[0]
            if head.strip() in ("except", "except*") or re.search(
                r"\b(TypeError|Exception|BaseException)\b", head
            ):
                return True
    return False
