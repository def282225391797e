"""Whether the places of a member's name, in another language than Python, can be renamed together."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set

import tree_sitter

from devflow.analysis.occurrences import Occurrence
from devflow.analysis.syntax.parse import SyntaxTree


def told_apart(
    name: str, language: str, trees: Sequence[SyntaxTree], places: Sequence[Occurrence], edited: Set[int]
) -> bool:
    """Whether `places`, all that stand under the name in `trees`, are one thing without asking for types:
    there is one declaration, in a class that stands alone, and every use is of the object itself. `edited`
    holds the `id` of each place that is to be renamed."""
    if language == "ruby" and _is_top_level_method(places, trees, name):
        return True
    free = [each for each in places if each.region is None]
    declared = [each for each in free if _declares_member(each)]
    members = [each for each in free if each.role == "member" and not _declares_member(each)]
    if not declared:
        inside = [each for each in members if id(each) in edited]
        return all(_is_path(each, language) for each in inside)
    return (
        language != "ruby"
        and len(declared) == 1
        and not any(each.region is not None for each in places)
        and (not _overrides(declared[0]) or _is_own_alone(declared[0], members))
        and all(_is_own(each) for each in members)
        and (language in ("java", "csharp", "cpp") or len(members) + 1 == len(free))
    )


_MEMBER_DECLARATIONS = frozenset(
    [
        "public_field_definition",
        "field_definition",
        "method_definition",
        "method_signature",
        "property_signature",
        "abstract_method_signature",
        "field_declaration",
        "method_declaration",
        "method_elem",
        "property_declaration",
        "enum_constant",
        "enum_variant",
        "enumerator",
        "enum_body",
        "enum_member_declaration",
        "constructor_declaration",
        "event_declaration",
        "method",
        "singleton_method",
    ]
)
_CLASSES = frozenset(
    [
        "class_declaration",
        "abstract_class_declaration",
        "class",
        "struct_declaration",
        "record_declaration",
        "struct_item",
        "class_specifier",
        "struct_specifier",
        "impl_item",
        "trait_item",
        "interface_declaration",
        "enum_declaration",
        "enum_item",
        "type_declaration",
        "object",
        "object_type",
    ]
)
_BASES = frozenset(["class_heritage", "superclass", "super_interfaces", "base_list", "base_class_clause"])
_ABSTRACT = frozenset(["trait_item", "interface_declaration", "object", "object_type", "type_declaration"])


def _declares_member(place: Occurrence) -> bool:
    node = place.node.parent
    if node is None or (place.role != "declaration" and place.role != "member"):
        return False
    if node.type == "function_item" or node.type == "function_signature_item":
        around = node.parent.parent if node.parent is not None else None
        return around is not None and around.type in ("impl_item", "trait_item")
    while node is not None and node.type in ("variable_declarator", "variable_declaration", *_C_DECLARATORS):
        node = node.parent
    if node is None or node.type not in _MEMBER_DECLARATIONS:
        return False
    named = node.child_by_field_name("name")
    return named is None or named.id == place.node.id or node.type == "field_declaration"


_C_DECLARATORS = frozenset(
    ["function_declarator", "pointer_declarator", "reference_declarator", "array_declarator"]
)


def _overrides(place: Occurrence) -> bool:
    """Whether the member may stand for one of a base, an interface or a trait."""
    node = place.node.parent
    if node is not None and node.type == "method_declaration" and node.child_by_field_name("receiver"):
        return True  # Go: any interface may ask for it
    while node is not None and node.type not in _CLASSES:
        node = node.parent
    if node is None or node.type in _ABSTRACT:
        return True
    return node.child_by_field_name("trait") is not None or any(each.type in _BASES for each in node.children)


def _is_own_alone(declared: Occurrence, uses: Sequence[Occurrence]) -> bool:
    """A private or static method of Java or C# overrides nothing, whatever the bases of its class have;
    inside the class its name means it."""
    node = declared.node.parent
    if node is None or node.type != "method_declaration":
        return False
    words = {word for each in node.children if each.type.startswith("modifier") for word in _words(each)}
    around = node.parent
    while around is not None and around.type not in _CLASSES:
        around = around.parent
    return (
        bool(words & {"static", "private"})
        and around is not None
        and around.type not in _ABSTRACT
        and all(_stands_in(each.node, around) for each in uses)
    )


def _stands_in(node: tree_sitter.Node, around: tree_sitter.Node) -> bool:
    above = node.parent
    while above is not None and above.id != around.id:
        above = above.parent
    return above is not None


def _words(node: tree_sitter.Node) -> list[str]:
    return (node.text or b"").decode("utf-8", "replace").split()


def _is_top_level_method(places: Sequence[Occurrence], trees: Sequence[SyntaxTree], name: str) -> bool:
    """Whether all places are Ruby's one `def` outside classes and calls of it without a receiver, none of
    them in a class that may inherit or include another one, and no symbol or string has its name."""
    declared = [each for each in places if each.role == "declaration"]
    if len(declared) != 1 or _class_around(declared[0].node) is not None:
        return False
    word = re.compile(rf"""[:'"]{re.escape(name)}(?![\w$])""")
    if any(word.search(each.text.source) for each in trees):
        return False
    classes = {
        found.text
        for each in trees
        for node in each.root.children
        if node.type == "class" and (found := node.child_by_field_name("name")) is not None
    }
    return all(
        each.region is None
        and each.role in ("member", "name")
        and (parent := each.node.parent) is not None
        and parent.child_by_field_name("receiver") is None
        and _is_closed(_class_around(each.node), classes)
        for each in places
        if each is not declared[0]
    )


def _is_closed(node: tree_sitter.Node | None, classes: Set[bytes | None]) -> bool:
    """Whether all a Ruby class has from elsewhere comes from `classes`."""
    if node is None:
        return True
    base = node.child_by_field_name("superclass")
    body = node.child_by_field_name("body")
    mixed = [
        each
        for each in (body.children if body is not None else ())
        if each.type == "call"
        and (method := each.child_by_field_name("method")) is not None
        and method.text in (b"include", b"extend", b"prepend")
    ]
    known = base is None or (base.named_child_count == 1 and base.named_children[0].text in classes)
    return node.type == "class" and known and not mixed


def _class_around(node: tree_sitter.Node) -> tree_sitter.Node | None:
    above = node.parent
    while above is not None and above.type not in ("class", "module", "singleton_class"):
        above = above.parent
    return above


def _is_own(place: Occurrence) -> bool:
    """`this.name`, `self.name`, or `name()` without a receiver."""
    parent = place.node.parent
    if parent is None:
        return False
    owner = next(
        (
            found
            for field in ("object", "expression", "value", "argument", "receiver")
            if (found := parent.child_by_field_name(field)) is not None
        ),
        None,
    )
    if owner is None:
        first = parent.children[0]
        if parent.type == "method_invocation":
            return True
        return parent.type == "member_access_expression" and first.type in ("this", "this_expression")
    return owner.text in (b"this", b"self")


def _is_path(place: Occurrence, language: str) -> bool:
    """`module::name` and `package.Name`: no member of a value."""
    parent = place.node.parent
    return parent is not None and (
        (language == "rust" and parent.type in ("scoped_identifier", "use_list", "token_tree"))
        or (language == "go" and parent.type in ("selector_expression", "qualified_type"))
        or (language in ("java", "csharp") and parent.type in ("scoped_identifier", "qualified_name"))
        or (language == "ruby" and parent.type == "call" and parent.child_by_field_name("receiver") is None)
    )
