"""Which nodes of the grammars make scopes and bind names, and what a name is by where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import tree_sitter

LeafRole = Literal["name", "member", "type", "short", "short_bind", "key", "unsure"]


def _sets(table: Mapping[str, str]) -> Mapping[str, frozenset[str]]:
    every = {language: frozenset(words.split()) for language, words in table.items()}
    return MappingProxyType(
        every
        | {"javascript": every["typescript"], "tsx": every["typescript"], "cpp": every["c"] | every["cpp"]}
    )


FUNCTIONS = _sets(
    {
        "typescript": "function_declaration generator_function_declaration function_expression "
        "generator_function arrow_function method_definition function_signature method_signature "
        "abstract_method_signature function_type call_signature construct_signature constructor_type "
        "class_static_block",
        "go": "function_declaration method_declaration func_literal function_type method_elem",
        "java": "method_declaration constructor_declaration compact_constructor_declaration "
        "lambda_expression static_initializer",
        "rust": "function_item function_signature_item closure_expression",
        "c": "function_definition",
        "cpp": "lambda_expression",
        "csharp": "method_declaration constructor_declaration local_function_statement lambda_expression "
        "anonymous_method_expression operator_declaration conversion_operator_declaration "
        "accessor_declaration indexer_declaration destructor_declaration delegate_declaration",
        "ruby": "method singleton_method lambda block do_block",
    }
)
BLOCKS = _sets(
    {
        "typescript": "statement_block for_statement for_in_statement switch_body catch_clause",
        "go": "block if_statement for_statement expression_switch_statement type_switch_statement "
        "expression_case type_case default_case communication_case",
        "java": "block constructor_body for_statement enhanced_for_statement try_with_resources_statement "
        "catch_clause switch_block_statement_group",
        "rust": "block for_expression match_arm",
        "c": "compound_statement for_statement",
        "cpp": "for_range_loop if_statement while_statement switch_statement catch_clause",
        "csharp": "block for_statement foreach_statement using_statement catch_clause fixed_statement "
        "switch_body",
        "ruby": "",
    }
)
WHOLE_BLOCK = frozenset({"typescript", "tsx", "javascript"})
"""Languages whose declarations hold in the whole block, also before them."""
PATTERNS = _sets(
    {
        "typescript": "object_pattern array_pattern pair_pattern assignment_pattern "
        "object_assignment_pattern rest_pattern",
        "go": "",
        "java": "",
        "rust": "tuple_pattern tuple_struct_pattern struct_pattern field_pattern ref_pattern mut_pattern "
        "reference_pattern slice_pattern or_pattern captured_pattern match_pattern",
        "c": "pointer_declarator array_declarator init_declarator parenthesized_declarator",
        "cpp": "reference_declarator structured_binding_declarator",
        "csharp": "tuple_pattern parenthesized_variable_designation",
        "ruby": "left_assignment_list destructured_left_assignment rest_assignment destructured_parameter",
    }
)
VALUES = frozenset({"value", "right", "key", "size", "type", "condition", "default_value"})
"""Parts of a pattern that are read, not bound."""

_DECLARATOR = "declarator"
_BINDERS: Mapping[str, Mapping[str, tuple[str, str]]] = MappingProxyType(
    {  # node: (its fields that bind, how far); fields "*": every child that is no value
        "typescript": {
            "required_parameter": ("pattern", "parameter"),
            "optional_parameter": ("pattern", "parameter"),
            "formal_parameters": ("*", "parameter"),  # JavaScript
            "arrow_function": ("parameter", "parameter"),
            "variable_declarator": ("name", "declared"),
            "for_in_statement": ("left", "declared"),
            "catch_clause": ("parameter", "node"),
            "function_declaration": ("name", "function name"),
            "generator_function_declaration": ("name", "function name"),
            "class_declaration": ("name", "function name"),
            "abstract_class_declaration": ("name", "function name"),
            "interface_declaration": ("name", "function name"),
            "enum_declaration": ("name", "function name"),
            "type_alias_declaration": ("name", "function name"),
        },
        "go": {
            "parameter_declaration": ("name", "parameter"),
            "variadic_parameter_declaration": ("name", "parameter"),
            "var_spec": ("name", "declared"),
            "const_spec": ("name", "declared"),
            "type_spec": ("name", "function name"),
            "function_declaration": ("name", "function name"),
        },
        "java": {
            "formal_parameter": ("name", "parameter"),
            "inferred_parameters": ("*", "parameter"),
            "lambda_expression": ("parameters", "parameter"),
            "variable_declarator": ("name", "declared"),
            "enhanced_for_statement": ("name", "node"),
            "catch_formal_parameter": ("name", "declared"),
            "resource": ("name", "declared"),
            "instanceof_expression": ("name", "fuzzy"),
            "record_pattern_component": ("*", "fuzzy"),
            "type_pattern": ("*", "fuzzy"),
            "class_declaration": ("name", "function name"),
            "interface_declaration": ("name", "function name"),
            "enum_declaration": ("name", "function name"),
            "record_declaration": ("name", "function name"),
            "method_declaration": ("name", "member"),
            "constructor_declaration": ("name", "member"),
        },
        "rust": {
            "parameter": ("pattern", "parameter"),
            "closure_parameters": ("*", "parameter"),
            "let_declaration": ("pattern", "declared"),
            "let_condition": ("pattern", "fuzzy"),
            "for_expression": ("pattern", "node"),
            "match_arm": ("pattern", "node"),
            "const_item": ("name", "function name"),
            "static_item": ("name", "function name"),
            "function_item": ("name", "function name"),
            "struct_item": ("name", "function name"),
            "enum_item": ("name", "function name"),
            "trait_item": ("name", "function name"),
            "type_item": ("name", "function name"),
        },
        "c": {
            "parameter_declaration": (_DECLARATOR, "parameter"),
            "optional_parameter_declaration": (_DECLARATOR, "parameter"),
            "declaration": (_DECLARATOR, "declared"),
            "for_range_loop": (_DECLARATOR, "declared"),
            "function_declarator": (_DECLARATOR, "function name"),
            "struct_specifier": ("name", "function name"),
            "class_specifier": ("name", "function name"),
            "enum_specifier": ("name", "function name"),
            "type_definition": (_DECLARATOR, "function name"),
        },
        "csharp": {
            "parameter": ("name", "parameter"),
            "parameter_list": ("name", "parameter"),  # `params`
            "variable_declarator": ("name *", "declared"),
            "foreach_statement": ("left", "node"),
            "catch_declaration": ("name", "declared"),
            "declaration_pattern": ("name", "fuzzy"),
            "var_pattern": ("name", "fuzzy"),
            "recursive_pattern": ("name", "fuzzy"),
            "list_pattern": ("name", "fuzzy"),
            "declaration_expression": ("name", "fuzzy"),
            "from_clause": ("name", "fuzzy"),
            "let_clause": ("name", "fuzzy"),
            "join_clause": ("name", "fuzzy"),
            "local_function_statement": ("name", "function name"),
            "class_declaration": ("name", "function name"),
            "interface_declaration": ("name", "function name"),
            "struct_declaration": ("name", "function name"),
            "record_declaration": ("name", "function name"),
            "enum_declaration": ("name", "function name"),
            "method_declaration": ("name", "member"),
            "constructor_declaration": ("name", "member"),
            "property_declaration": ("name", "member"),
        },
        "ruby": {
            "method_parameters": ("*", "parameter"),
            "block_parameters": ("*", "parameter"),
            "lambda_parameters": ("*", "parameter"),
            "optional_parameter": ("name", "parameter"),
            "splat_parameter": ("name", "parameter"),
            "hash_splat_parameter": ("name", "parameter"),
            "block_parameter": ("name", "parameter"),
            "assignment": ("left", "assigned"),
            "operator_assignment": ("left", "assigned"),
            "for": ("pattern", "assigned"),
            "exception_variable": ("*", "assigned"),
            "method": ("name", "member"),
            "singleton_method": ("name", "member"),
        },
    }
)
_MEMBER_LEAVES = frozenset(
    [
        "property_identifier",
        "private_property_identifier",
        "field_identifier",
        "statement_identifier",
        "label_name",
        "hash_key_symbol",
        "simple_symbol",
        "namespace_identifier",
        "package_identifier",
        "instance_variable",
        "class_variable",
        "global_variable",
    ]
)
_NAMES = frozenset({"identifier", "implicit_parameter"})
_TYPES = frozenset({"type_identifier", "constant"})
# (parent, field): what a name is there. Field "" stands for children without one.
_MEMBERS = frozenset(
    {
        ("field_access", "field"),
        ("method_invocation", "name"),
        ("labeled_statement", ""),
        ("break_statement", ""),
        ("continue_statement", ""),
        ("goto_statement", ""),
        ("element_value_pair", "key"),
        ("scoped_identifier", "name"),
        ("scoped_identifier", "path"),
        ("scoped_identifier", "scope"),
        ("scoped_type_identifier", "path"),
        ("macro_invocation", "macro"),
        ("label", ""),
        ("qualified_identifier", "name"),
        ("qualified_identifier", "scope"),
        ("member_access_expression", "name"),
        ("member_binding_expression", "name"),
        ("qualified_name", "name"),
        ("qualified_name", "qualifier"),
        ("attribute", "name"),
        ("annotation", "name"),
        ("marker_annotation", "name"),
        ("enum_constant", "name"),
        ("enum_variant", "name"),
        ("enumerator", "name"),
        ("call", "method"),
    }
)
_UNSURE = frozenset(
    [
        "keyword_parameter",
        "lambda_capture_initializer",
        "keyword_pattern",
        "as_pattern",
        "array_pattern",
        "find_pattern",
        "alternative_pattern",
        "preproc_params",
        "preproc_def",
        "preproc_function_def",
        "preproc_ifdef",
        "property_pattern_clause",
        "subpattern",
        "alias",
        "undef",
        "in_clause",
        "pair_pattern",
        "name_colon",
        "with_initializer",
        "record_pattern",
        "join_into_clause",
        "group_clause",
        "query_continuation",
        "tuple_element",
        "export_specifier",
        "range_variable",
        "implicit_object_creation_expression",
        "declared_variable",
        "destructor_name",
        "macro_rule",
        "macro_definition",
        "token_tree_pattern",
        "ERROR",
    ]
)


def leaf_role(node: tree_sitter.Node, language: str) -> LeafRole:
    """What a leaf that bears the name is by its own kind and its parent: whether a `name` binds is for its
    parents to say (`binder_of`)."""
    kind, parent = node.type, node.parent
    if kind in _MEMBER_LEAVES:
        return "member"
    if kind == "shorthand_property_identifier":
        return "short"
    if kind in ("shorthand_property_identifier_pattern", "shorthand_field_identifier"):
        return "short_bind"
    if kind in _TYPES:
        return "type"
    if kind not in _NAMES or parent is None:
        return "unsure"
    if parent.type == "shorthand_field_initializer":
        return "short"
    field = next(
        (
            parent.field_name_for_child(at) or ""
            for at, each in enumerate(parent.children)
            if each.id == node.id
        ),
        "",
    )
    if (parent.type, field) in _MEMBERS:
        return "member"
    before, after = node.prev_sibling, node.next_sibling
    if language == "csharp":
        if parent.type == "argument" and field == "name":
            return "key"
        if parent.type == "anonymous_object_creation_expression":
            if after is not None and after.type == "=":
                return "member"
            return "name" if before is not None and before.type == "=" else "short"
        outer = parent.parent
        in_object = outer is not None and outer.type in ("initializer_expression", "with_expression")
        if parent.type == "assignment_expression" and field == "left" and in_object:
            return "member"
    if language == "java" and parent.type == "method_reference" and before is not None:
        return "member"
    if language == "go" and parent.type == "literal_element":
        element = parent.parent
        if element is not None and element.type == "keyed_element":
            first = element.named_child(0)
            return "unsure" if first is not None and first.id == parent.id else "name"
    if parent.type == "token_tree":
        if before is not None and before.type in (".", "::"):
            return "member"
        odd = after is not None and after.type in ("=", ":", "!", "::", "=>")
        inside: tree_sitter.Node | None = parent
        while inside is not None and inside.type != "macro_definition":
            inside = inside.parent
        return "unsure" if odd or inside is not None else "name"
    return "unsure" if parent.type in _UNSURE else "name"


def binder_of(language: str, parent: tree_sitter.Node, child: tree_sitter.Node, field: str) -> str | None:
    """How far a name that is `child` of `parent` (or the pattern it stands in) is bound, None: not at all."""
    family = {"tsx": "typescript", "javascript": "typescript", "cpp": "c"}.get(language, language)
    kind = parent.type
    if family == "go":
        made = _in_go(parent, child, field)
        if made is not None:
            return made
    entry = _BINDERS[family].get(kind)
    if entry is None:
        return None
    fields, reach = entry
    if field not in fields.split() and not ("*" in fields and field in ("", "locals")):
        return None
    if kind == "variable_declarator" and family == "csharp":
        first = parent.named_child(0)
        return reach if first is not None and first.id == child.id else None
    if kind == "lambda_expression" and child.type != "identifier":
        return None
    if kind in ("record_pattern_component", "type_pattern"):
        last = parent.named_child(parent.named_child_count - 1)
        return reach if last is not None and last.id == child.id and child.type == "identifier" else None
    if kind == "for_in_statement":
        sign = parent.child_by_field_name("kind")
        if sign is None:
            return None
        return "hoisted" if sign.type == "var" else "node"
    if kind == "variable_declarator" and family == "typescript":
        return (
            "hoisted" if parent.parent is not None and parent.parent.type == "variable_declaration" else reach
        )
    if kind == "variable_declarator" and family == "java":
        outer = parent.parent
        if outer is not None and outer.type == "spread_parameter":
            return "parameter"
        return "member" if outer is not None and outer.type == "field_declaration" else reach
    if kind == "parameter_declaration" and family == "c":
        return _c_parameter(parent, reach)
    return reach


def _c_parameter(parent: tree_sitter.Node, reach: str) -> str | None:
    """A parameter of a definition; that of a prototype is a name in its brackets only."""
    node: tree_sitter.Node | None = parent.parent
    while node is not None and node.type not in (
        "function_definition",
        "lambda_expression",
        "declaration",
        "field_declaration",
        "parameter_declaration",
        "catch_clause",
        "type_definition",
    ):
        node = node.parent
    if node is None or node.type in ("function_definition", "lambda_expression"):
        return reach
    return "declared" if node.type == "catch_clause" else "prototype"


def _in_go(parent: tree_sitter.Node, child: tree_sitter.Node, field: str) -> str | None:
    """`a, b := …`: the names stand in a list on its left."""
    if parent.type != "expression_list" or child.type != "identifier":
        return None
    outer = parent.parent
    if outer is None:
        return None
    left = outer.child_by_field_name("left")
    if outer.type == "type_switch_statement":
        alias = outer.child_by_field_name("alias")
        return "go alias" if alias is not None and alias.id == parent.id else None
    if left is None or left.id != parent.id:
        return None
    if outer.type == "short_var_declaration":
        return "go declared"
    if outer.type in ("range_clause", "receive_statement"):
        return "go declared" if any(each.type == ":=" for each in outer.children) else None
    return None
