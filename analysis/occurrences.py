"""Every place in one file where a name stands, what it is there, and which local binding it belongs to.

For the languages other than Python (`python_names` does Python), by their grammars and block scopes. Made
for renaming: a place whose role is not known for certain is `unsure`, and bindings whose extent is not known
to the letter (pattern variables) are `fuzzy`, so that whoever changes the text can refuse.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

import tree_sitter

from devflow.analysis.binders import (
    BLOCKS,
    FUNCTIONS,
    PATTERNS,
    VALUES,
    WHOLE_BLOCK,
    binder_of,
    leaf_role,
)
from devflow.analysis.syntax.parse import SyntaxTree

Role = Literal["name", "bind", "declaration", "member", "type", "short", "short_bind", "key", "unsure"]


@dataclass(frozen=True, slots=True)
class Region:
    """The part of a file (bytes) in which one binding of a name holds."""

    start: int
    end: int
    function_start: int
    function_end: int
    kind: str = "local"
    """`parameter` where it is one."""
    fuzzy: bool = False


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One place of a name. `region` is None for what no function of the file binds."""

    start: int
    end: int
    role: Role
    region: Region | None
    node: tree_sitter.Node


def occurrences(tree: SyntaxTree, name: str) -> list[Occurrence]:
    """All places of `name` in the order of the text, words in strings and comments left out unless the
    language reads names there (Rust's formats, C's macro bodies): those are `unsure`."""
    found: list[tuple[tree_sitter.Node, Role]] = []
    regions: list[tuple[Region, int]] = []
    bound: dict[int, Region] = {}
    for node in _named(tree, name):
        role: Role = leaf_role(node, tree.language)
        if role in ("name", "short_bind", "type"):
            made = _binding(node, tree.language, name, regions)
            if made == "declaration":
                role = "declaration"
            elif made is not None:
                role = "short_bind" if role == "short_bind" else "bind"
                bound[node.id] = made
                if all(made != known for known, _ in regions):
                    regions.append((made, node.start_byte))
            elif role == "short_bind":
                role = "unsure"
        found.append((node, role))
    if tree.language in WHOLE_BLOCK and _is_private(tree, found):
        whole = Region(0, len(tree.text.encoded), 0, len(tree.text.encoded))
        declared = [node for node, role in found if role == "declaration"]
        regions.append((whole, declared[0].start_byte))
        bound |= {node.id: whole for node in declared}
        found = [
            (node, ("short_bind" if leaf_role(node, tree.language) == "short_bind" else "bind"))
            if role == "declaration"
            else (node, role)
            for node, role in found
        ]
    result: list[Occurrence] = []
    for node, role in found:
        region = bound.get(node.id)
        if region is None and role in ("name", "short", "unsure", "key"):
            around = [
                each
                for each, at in regions
                if each.start <= node.start_byte < each.end or at == node.start_byte
            ]
            region = max(around, key=lambda each: (each.start, -each.end), default=None)
        result.append(
            Occurrence(tree.offset(node.start_byte), tree.offset(node.end_byte), role, region, node)
        )
    return result


_OF_THE_MODULE = frozenset(
    {
        "variable_declarator",
        "lexical_declaration",
        "variable_declaration",
        "function_declaration",
        "generator_function_declaration",
        "class_declaration",
    }
)


def _is_private(tree: SyntaxTree, found: Sequence[tuple[tree_sitter.Node, Role]]) -> bool:
    """Whether the name is one that a module of TypeScript or JavaScript makes for itself: no other file can
    name it. Types are left out: whose they are in type parameters and conditions is not read here."""
    declared = [node for node, role in found if role == "declaration"]
    if not declared or any(role == "type" for _, role in found):
        return False
    if not any(each.type in ("import_statement", "export_statement") for each in tree.root.children):
        return False  # a script's names are everybody's
    exported = any(
        node.parent is not None and node.parent.type in ("export_specifier", "export_statement")
        for node, _ in found
    )
    return not exported and all(_is_of_the_module(node, tree.language) for node in declared)


def _is_of_the_module(node: tree_sitter.Node, language: str) -> bool:
    parent = node.parent
    while parent is not None and parent.type in _OF_THE_MODULE | PATTERNS[language]:
        parent = parent.parent
    return parent is not None and parent.type == "program"


def stands_at_most(tree: SyntaxTree, name: str, most: int) -> bool:
    """Whether the text has the word at most so often, wherever it stands."""
    return sum(1 for _ in islice(_word(name).finditer(tree.text.encoded), most + 1)) <= most


def _word(name: str) -> re.Pattern[bytes]:
    return re.compile(rb"(?<![\w$])" + re.escape(name.encode()) + rb"(?![\w$])")


_TEXT = ("string", "content", "comment", "character", "char_literal", "heredoc", "jsx_text", "regex")
_C_DECLARATIONS = frozenset({"function_definition", "declaration", "field_declaration", "type_definition"})
_METHODS = frozenset({"method", "singleton_method"})


def bindings_in_doubt(places: list[Occurrence], region: Region) -> bool:
    """Whether the binding cannot be told apart for certain from another one in the same function."""
    others = {
        each.region
        for each in places
        if each.region is not None
        and each.region != region
        and each.region.start < region.function_end
        and region.function_start < each.region.end
    }
    return bool(others) and (region.fuzzy or any(each.fuzzy for each in others))


def _named(tree: SyntaxTree, name: str) -> Iterator[tree_sitter.Node]:
    """The leaves that are `name`, and those the language finds names in."""
    encoded, wanted = tree.text.encoded, name.encode()
    in_format = re.compile(
        rb"\{\s*" + re.escape(wanted) + rb"\s*[:}]|\{[^{}]*[:.]" + re.escape(wanted) + rb"\$"
    )
    seen: set[int] = set()
    for found in _word(name).finditer(encoded):
        node = tree.root.descendant_for_byte_range(found.start(), found.end())
        if node is None or node.id in seen:
            continue
        seen.add(node.id)
        kind = node.type
        if kind.startswith("preproc_arg") or (
            kind in ("string_content", "string_literal", "raw_string_literal")
            and tree.language == "rust"
            and in_format.search(encoded, node.start_byte, node.end_byte)
        ):
            yield node
        elif (node.start_byte, node.end_byte) == found.span() and node.is_named:
            if any(part in kind for part in _TEXT):
                continue
            yield node


def _binding(
    node: tree_sitter.Node, language: str, name: str, known: list[tuple[Region, int]]
) -> Region | Literal["declaration"] | None:
    """What the leaf binds: a region inside a function, a declaration outside of any, None: nothing."""
    child, parent = node, node.parent
    while parent is not None and parent.type in PATTERNS[language]:
        if _field(parent, child) in VALUES:
            return None
        if language == "rust" and parent.type == "tuple_struct_pattern" and _field(parent, child) == "type":
            return None
        child, parent = parent, parent.parent
    if parent is None:
        return None
    kind = binder_of(language, parent, child, _field(parent, child))
    if kind is None:
        return None
    if language == "rust" and name[:1].isupper():
        return None  # a constant or a variant in a pattern
    around = parent
    functions = FUNCTIONS[language]
    if kind.startswith("go ") and parent.parent is not None:
        around, kind = parent.parent, "declared" if kind == "go declared" else "node"
    if kind == "prototype":
        around = parent.parent or parent
        return Region(around.start_byte, around.end_byte, around.start_byte, around.end_byte, "parameter")
    own = kind == "function name"
    above = around.parent if own else around
    if around.type == "function_declarator":
        whole = _nearest(around, _C_DECLARATIONS)
        above = whole.parent if whole is not None else above
    function = _nearest(above, functions)
    if function is None:
        return "declaration"
    outermost = function
    while (wider := _nearest(outermost.parent, functions)) is not None:
        outermost = wider
    reach = (outermost.start_byte, outermost.end_byte)
    if kind == "member" or (own and _nearest(above, BLOCKS[language]) is None):
        return "declaration"
    if kind == "parameter":
        return Region(function.start_byte, function.end_byte, *reach, "parameter")
    if kind == "fuzzy":
        return Region(*reach, *reach, "local", fuzzy=True)
    if kind == "node":
        return Region(around.start_byte, around.end_byte, *reach)
    if kind == "hoisted":
        return Region(function.start_byte, function.end_byte, *reach, _is_parameter(function, known))
    if kind == "assigned":  # Ruby: the first assignment binds, in blocks too
        method = _nearest(around, _METHODS)
        if method is None:
            return "declaration"
        for region, _ in sorted(known, key=lambda each: -each[0].start):
            if method.start_byte <= region.start <= node.start_byte < region.end:
                return region
        return Region(function.start_byte, function.end_byte, *reach)
    block = _block(above, language)
    if block is None:
        return "declaration"
    if _nearest(block, functions) is None:
        return "declaration"
    if language in WHOLE_BLOCK or (own and language == "rust"):
        return Region(block.start_byte, block.end_byte, *reach)
    start = around.end_byte if language in ("go", "rust") else node.start_byte
    if language == "go" and around.type in ("short_var_declaration", "range_clause", "receive_statement"):
        for region, at in known:  # `a, err := …` writes an `err` of the same block
            owner_of_it = region.end == block.end_byte and at < node.start_byte
            if owner_of_it and around.type == "short_var_declaration" and _same_block(region, block):
                return region
    return Region(start, block.end_byte, *reach)


def _is_parameter(function: tree_sitter.Node, known: list[tuple[Region, int]]) -> str:
    same = (function.start_byte, function.end_byte)
    return next((each.kind for each, _ in known if (each.start, each.end) == same), "local")


def _same_block(region: Region, block: tree_sitter.Node) -> bool:
    return region.start >= block.start_byte and region.end == block.end_byte


def _block(node: tree_sitter.Node | None, language: str) -> tree_sitter.Node | None:
    """The innermost block around; the body of a function and its parameters are one."""
    block = _nearest(node, BLOCKS[language] | FUNCTIONS[language])
    if block is not None and block.parent is not None and block.parent.type in FUNCTIONS[language]:
        return block.parent if block.type in BLOCKS[language] else block
    return block


def _nearest(node: tree_sitter.Node | None, kinds: frozenset[str]) -> tree_sitter.Node | None:
    while node is not None and node.type not in kinds:
        node = node.parent
    return node


def _field(parent: tree_sitter.Node, child: tree_sitter.Node) -> str:
    for number, each in enumerate(parent.children):
        if each.id == child.id:
            return parent.field_name_for_child(number) or ""
    return ""
