"""Names of Python that a function, a loop or a pattern of an open document binds."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import tree_sitter

from devflow.analysis.module_table import Binding, class_of, each_of, imported, shortened
from devflow.analysis.syntax.parse import SyntaxTree

_LONGEST = 400
"""Code points of a value or an annotation."""
_PATTERNS = frozenset(
    {"pattern_list", "tuple_pattern", "list_pattern", "list_splat_pattern", "dictionary_splat_pattern"}
)
_UNPACKING = frozenset({"pattern_list", "tuple_pattern", "list_pattern"})
_BINDING = MappingProxyType(
    {
        "assignment": "left",
        "for_statement": "left",
        "for_in_clause": "left",
        "named_expression": "name",
        "default_parameter": "name",
        "typed_default_parameter": "name",
    }
)
"""The field of what a node binds."""

_AMONG_OTHERS = frozenset(
    (
        "parameters", "lambda_parameters", "list_splat_pattern", "dictionary_splat_pattern", "pattern_list",
        "tuple_pattern", "list_pattern",
    )
)  # fmt: skip
"""Around a name that stands there by itself: the rest says nothing of it."""


def local(tree: SyntaxTree, start: int, name: str) -> tuple[Binding, tuple[str, ...], bool, bool] | None:
    """The binding of a local name at `start`: `(binding, classes around it, it is an instance, sure)`."""
    node = tree.smallest(start, start + len(name))
    parent = node.parent
    if parent is None:
        return None
    span = tree.span(parent)
    end = start + len(name) if parent.type in _AMONG_OTHERS else span.end
    made = Binding(name, "variable", start, end, start)

    def text(field: str, of: tree_sitter.Node = parent) -> str:
        found = of.child_by_field_name(field)
        return shortened(tree, found, _LONGEST)

    kind = parent.type
    if kind in ("list_splat_pattern", "dictionary_splat_pattern"):
        return replace(made, annotation=_collected(tree, parent)), (), False, False
    if kind in _UNPACKING:
        return replace(made, value=unpacked(tree, node)), (), False, False
    if kind == "typed_parameter":
        if name in ("self", "cls") and parent.parent is not None:
            binding, owner = class_binding(tree, _class_around(tree, parent.parent))
            if binding is not None:
                return binding, owner, name != "cls", True
        return replace(made, annotation=text("type")), (), False, True
    if kind == "typed_default_parameter":
        return replace(made, annotation=text("type")), (), False, True
    if kind == "default_parameter":
        value = text("value")
        return replace(made, value="" if value == "None" else value), (), False, False
    if kind == "parameters":
        first = parent.named_children[0].id == node.id if parent.named_children else False
        binding, owner = class_binding(tree, _class_around(tree, parent) if first else None)
        if binding is not None:
            return binding, owner, name != "cls", True
        return made, (), False, True
    if kind == "assignment":
        return replace(made, value=text("right"), annotation=text("type")), (), False, True
    if kind == "named_expression":
        return replace(made, value=text("value")), (), False, True
    if kind == "as_pattern_target" and parent.parent is not None:
        pattern = parent.parent
        value = tree.slice(pattern.named_children[0])[:_LONGEST] if pattern.named_children else ""
        if pattern.parent is not None and pattern.parent.type == "except_clause":
            return replace(made, value="" if value.startswith("(") else f"{value}()"), (), False, True
        return replace(made, value=entered(tree, pattern) or value), (), False, False
    if kind in ("for_statement", "for_in_clause"):
        return replace(made, value=unpacked(tree, node)), (), False, True
    up: tree_sitter.Node | None = parent
    while up is not None and up.type in ("dotted_name", "aliased_import"):
        up = up.parent
    if up is not None and up.type in ("import_statement", "import_from_statement"):
        for each in imported(tree, up, []):
            if each.name_start == start:
                return each, (), False, True
    return made, (), False, False


def unpacked(tree: SyntaxTree, node: tree_sitter.Node) -> str:
    """What the name `node` holds, as an expression: `...((d.items()))[0]` of `k` in
    `for k, v in d.items()`; "" where that is not said."""
    places, above = "", node.parent
    while above is not None and above.type in _UNPACKING:
        before = [each.id for each in above.named_children if each.type != "comment"]
        if any(each.type == "list_splat_pattern" for each in above.named_children):
            return ""
        places = f"[{before.index(node.id)}]{places}"
        node, above = above, above.parent
    right = above.child_by_field_name("right") if above is not None else None
    if above is None or right is None or not is_field(above, "left", node):
        return ""
    value = shortened(tree, right, _LONGEST)
    if above.type in ("for_statement", "for_in_clause"):
        return f"{each_of(value)}{places}"
    return f"({value}){places}" if above.type == "assignment" else ""


def entered(tree: SyntaxTree, pattern: tree_sitter.Node) -> str:
    """What `with … as` binds, as an expression; "" of another pattern."""
    up = pattern.parent
    while up is not None and up.type in ("with_item", "with_clause"):
        up = up.parent
    if up is None or up.type != "with_statement" or not pattern.named_children:
        return ""
    method = "__aenter__" if up.children[0].type == "async" else "__enter__"
    return f"({tree.slice(pattern.named_children[0])[:_LONGEST]}).{method}()"


def _collected(tree: SyntaxTree, star: tree_sitter.Node) -> str:
    """The type of what a parameter with one or two stars holds."""
    above, noted = star.parent, ""
    if above is not None and above.type == "typed_parameter":
        kind = above.child_by_field_name("type")
        noted = tree.slice(kind)[:_LONGEST] if kind is not None else ""
        above = above.parent
    if above is None or above.type not in ("parameters", "lambda_parameters"):
        return "list"
    if star.type == "dictionary_splat_pattern":
        return f"dict[str, {noted}]" if noted else "dict"
    return f"tuple[{noted}, ...]" if noted else "tuple"


def type_parameter(tree: SyntaxTree, at: int, name: str) -> tuple[Binding, range] | None:
    """The parameter in brackets (`def f[T]`, PEP 695) that `name` at `at` may be, of the innermost definition
    that has one, and the offsets of that definition: what is bound there under the name comes before it."""
    for node in reversed(tree.path_to(at)):
        if node.type == "type_alias_statement":
            left = node.child_by_field_name("left")
            inner = left.named_children[0] if left is not None and left.named_children else None
            given = [each for each in inner.named_children if each.type == "type_parameter"] if inner else []
        elif node.type in ("function_definition", "class_definition"):
            given = node.children_by_field_name("type_parameters")
        else:
            continue
        for each in given[0].named_children if given else ():
            first = each
            while first.named_children:
                first = first.named_children[0]
            if first.type == "identifier" and tree.slice(first) == name:
                span, place, whole = tree.span(each), tree.span(first), tree.span(node)
                made = Binding(name, "variable", span.start, span.end, place.start)
                return made, range(whole.start, whole.end)
    return None


def _class_around(tree: SyntaxTree, parameters: tree_sitter.Node) -> tree_sitter.Node | None:
    """The class whose method has these parameters."""
    up = parameters.parent
    if up is None or up.type != "function_definition":
        return None
    up = up.parent
    if up is not None and up.type == "decorated_definition":
        if any("staticmethod" in tree.slice(child) for child in up.children if child.type == "decorator"):
            return None
        up = up.parent
    while up is not None and up.type in ("block", "if_statement", "else_clause", "try_statement"):
        up = up.parent
    return up if up is not None and up.type == "class_definition" else None


def class_binding(tree: SyntaxTree, node: tree_sitter.Node | None) -> tuple[Binding | None, tuple[str, ...]]:
    """The binding of the class `node`, and the classes around it."""
    names: list[str] = []
    if node is None:
        return None, ()
    up = node.parent
    while up is not None:
        if up.type == "class_definition" and (name := up.child_by_field_name("name")) is not None:
            names.append(tree.slice(name))
        up = up.parent
    return class_of(tree, node), tuple(reversed(names))


def is_bound_here(node: tree_sitter.Node) -> bool:
    """Whether the name is one that a parameter, an assignment, a loop or a pattern binds."""
    above = node.parent
    while above is not None and above.type in _PATTERNS:
        node, above = above, above.parent
    if above is None:
        return False
    if above.type == "typed_parameter":
        return above.named_children[0].id == node.id
    if above.type in ("parameters", "lambda_parameters", "as_pattern_target"):
        return True
    return above.type in _BINDING and is_field(above, _BINDING[above.type], node)


def is_field(parent: tree_sitter.Node, field: str, node: tree_sitter.Node) -> bool:
    """Whether `node` is what `parent` has under `field`."""
    found = parent.child_by_field_name(field)
    return found is not None and found.id == node.id
