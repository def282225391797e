"""What can be passed in a call for a parameter that is new: what certainly has its name and a value there.

Only what the function around the call binds counts, and an attribute of its object. A name of the module or
the class that reads the same is mostly something else: a module, a function, the result of that very call.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import tree_sitter

from devflow.analysis.calls import CallSite
from devflow.analysis.facts import SymbolKind
from devflow.analysis.scope import bindings
from devflow.analysis.syntax.parse import SyntaxTree

_INNER = frozenset({"lambda", "arrow_function"})
"""Functions that have the `self` or `this` of the one around them."""
_FUNCTIONS = _INNER | frozenset(
    {
        "function_definition",
        "function_declaration",
        "generator_function_declaration",
        "function_expression",
        "method_definition",
    }
)
_CLASSES = frozenset({"class_definition", "class_declaration", "abstract_class_declaration", "class"})
_COMPREHENSIONS = frozenset(
    {"list_comprehension", "set_comprehension", "dictionary_comprehension", "generator_expression"}
)
_BLOCKS = frozenset({"block", "statement_block"})
_WITH_BODY = frozenset(
    {
        "for_statement",
        "for_in_statement",
        "with_statement",
        "except_clause",
        "catch_clause",
        "case_clause",
    }
)
"""Statements that bind names for what they hold."""
_IMPORTS = frozenset({"import_statement", "import_from_statement"})
_SPLATS = frozenset({"list_splat_pattern", "dictionary_splat_pattern", "rest_pattern"})
_VALUES = frozenset({SymbolKind.PARAMETER, SymbolKind.VARIABLE, SymbolKind.CONSTANT})
_CONSTRUCTORS = frozenset({"__init__", "constructor"})
_FIELDS = frozenset({"public_field_definition", "field_definition"})
_BOUND_TO_CLASS = re.compile(r"\b(?:static|class)method\b")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a call stands."""

    tree: SyntaxTree
    site: CallSite
    path: Sequence[tree_sitter.Node]
    """The nodes around it, outermost first."""
    around: frozenset[int]
    """Their ids."""

    def is_in_body(self, node: tree_sitter.Node) -> bool:
        """Whether the call stands in the part of `node` that runs once its names are bound."""
        body = node.child_by_field_name("body") or node.child_by_field_name("consequence")
        if body is None:
            body = next((each for each in node.named_children if each.type in _BLOCKS), None)
        return body is not None and body.id in self.around


def value_for(tree: SyntaxTree, site: CallSite, name: str) -> str | None:
    """What a call can pass for the parameter `name`: a parameter or variable of that name of the function
    around it, bound on every way to it, or the attribute of its object (`self.name`) that the constructor
    sets; None where there is no such thing, or it is not certain."""
    path = tree.path_to(site.start)
    place = _Place(tree, site, path, frozenset(node.id for node in path))
    for node in reversed(path):
        if node.type in _CLASSES:
            break
        is_function = node.type in _FUNCTIONS
        if not (is_function and place.is_in_body(node)) and node.type not in _COMPREHENSIONS:
            continue
        if name not in tree.slice(node):
            continue
        span = tree.span(node)
        bound = [
            each
            for each in bindings(tree)
            if each.name == name and (each.scope_start, each.scope_end) == (span.start, span.end)
        ]
        if bound:
            plain = is_function and all(each.kind in _VALUES for each in bound)
            return name if plain and _is_set(place, name, [each.start for each in bound]) else None
    return _attribute(place, name)


def _is_set(place: _Place, name: str, starts: Sequence[int]) -> bool:
    """Whether one of these bindings of a name has given it a value whenever the call runs."""
    paths = [place.tree.path_to(start) for start in starts]
    if any(node.type in _IMPORTS for path in paths for node in path):
        return False
    source = place.tree.text.source
    return any(
        _comes_before(place, start, path)
        and re.search(rf"\bdel\b[^\n]*\b{re.escape(name)}\b", source[start : place.site.start]) is None
        for start, path in zip(starts, paths, strict=True)
    )


def _comes_before(place: _Place, start: int, path: Sequence[tree_sitter.Node]) -> bool:
    """Whether what is bound at `start`, inside the nodes `path`, is bound on every way to the call, and by
    another statement than the call's own."""
    if start >= place.site.start:
        return False
    for node in reversed(path):
        kind = node.type
        if kind in _BLOCKS:
            return node.id in place.around
        if kind in _WITH_BODY or kind in _FUNCTIONS:
            return place.is_in_body(node)
        without = (kind == "assignment" and node.child_by_field_name("right") is None) or (
            kind == "variable_declarator" and node.child_by_field_name("value") is None
        )
        if node.id in place.around or kind in _SPLATS or without:
            return False
    return False


def _attribute(place: _Place, name: str) -> str | None:
    """The attribute `name` of the object that the function around the call belongs to, if it is a method with
    that object at hand and the attribute is set by then."""
    tree, path = place.tree, place.path
    number = next(
        (n for n in range(len(path) - 1, -1, -1) if path[n].type in (_FUNCTIONS | _CLASSES) - _INNER), 0
    )
    method = path[number]
    if method.type not in ("function_definition", "method_definition") or not place.is_in_body(method):
        return None
    wrapped = path[number - 1].type == "decorated_definition"
    body = path[number - 1 - wrapped]
    if number < 2 + wrapped or path[number - 2 - wrapped].type not in _CLASSES:
        return None
    owner = "self" if tree.language == "python" else "this"
    if owner == "self":
        given = method.child_by_field_name("parameters")
        first = next(iter(given.named_children), None) if given is not None else None
        decorators = path[number - 1].named_children if wrapped else []
        to_class = any(
            each.type == "decorator" and _BOUND_TO_CLASS.search(tree.slice(each)) for each in decorators
        )
        if first is None or tree.slice(first) != owner or to_class:
            return None
    elif _is_static(method):
        return None
    is_set = any(_sets(place, each, method, owner, name) for each in _members(body))
    return f"{owner}.{name}" if is_set else None


def _members(body: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    for each in body.named_children:
        inner = each.child_by_field_name("definition")
        yield inner if inner is not None else each


def _sets(place: _Place, member: tree_sitter.Node, method: tree_sitter.Node, owner: str, name: str) -> bool:
    """Whether this member of the class has set the attribute when the call in `method` runs."""
    tree = place.tree
    named = member.child_by_field_name("name") or member.child_by_field_name("property")
    called = tree.slice(named) if named is not None else ""
    if member.type in _FIELDS:
        return called == name and not _is_static(member) and member.child_by_field_name("value") is not None
    body = member.child_by_field_name("body")
    in_method = member.id == method.id
    if body is None or not (in_method or called in _CONSTRUCTORS):
        return False
    span = tree.span(body)
    sets = re.compile(rf"\b{owner}\.{re.escape(name)}[ \t]*(?::[^=\n]+)?=(?![=>])")
    for found in sets.finditer(tree.text.source, span.start, span.end):
        path = tree.path_to(found.start())
        if in_method and _comes_before(place, found.start(), path):
            return True
        block = next((node for node in reversed(path) if node.type in _BLOCKS), None)
        if not in_method and block is not None and block.id == body.id:
            return True
    return False


def _is_static(member: tree_sitter.Node) -> bool:
    return any(each.type == "static" for each in member.children)
