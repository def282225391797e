"""Whether a Python name is bound nowhere in its file. When in doubt it is bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devflow.analysis.checks.python_module import bound_names, read_module

if TYPE_CHECKING:
    from devflow.analysis.syntax.parse import SyntaxTree


def is_undefined(tree: SyntaxTree, at: int, bound: frozenset[str]) -> bool:
    """Whether the name that begins at `at` is read there and is none of `bound`."""
    node = tree.path_to(at)[-1]
    if node.type != "identifier" or tree.offset(node.start_byte) != at:
        return False
    above = node.parent
    if above is not None:
        if above.type == "attribute" and above.child_by_field_name("object") != node:
            return False
        if above.type == "keyword_argument" and above.child_by_field_name("name") == node:
            return False
        if above.type in ("dotted_name", "aliased_import", "import_from_statement"):
            return False
    return "*" not in bound and tree.slice(node) not in bound


def names_bound(tree: SyntaxTree) -> frozenset[str]:
    """Every name that something in the file may bind, and `*` when a star import binds more."""
    star = frozenset("*") if "*" in read_module(tree, None).bindings else frozenset()
    return bound_names(tree.root, tree) | star
