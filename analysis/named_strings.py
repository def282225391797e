"""Python names that stand in strings and comments: the fields of a class that a call makes, such as
`namedtuple("P", "x y")`, and the types of a type comment."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

import tree_sitter

from devflow.analysis.syntax.parse import SyntaxTree

CLASS_MAKERS = frozenset(
    {"namedtuple", "NamedTuple", "TypedDict", "Enum", "IntEnum", "StrEnum", "Flag", "IntFlag"}
    | {"make_dataclass", "make_class"}
)
"""Functions and classes that make a class of a name and its fields, by the last part of their names."""
_TOLD_THEIR_NAME = CLASS_MAKERS | {"TypeVar", "ParamSpec", "TypeVarTuple", "NewType", "TypeAliasType"}
_MAKER = re.compile(rf"\b(?:{'|'.join(sorted(CLASS_MAKERS))})\(\s*[\"']")
_WORD = re.compile(r"[^\s,]+")
_COMMENT = re.compile(r"#\s*type:\s*(?!ignore\b)(\S.*)")


def has_class_maker(source: str) -> bool:
    """Whether a file may make a class by a call."""
    return _MAKER.search(source) is not None


@dataclass(frozen=True, slots=True)
class Field:
    """A field of such a class: where its name stands in the string, and its type as it is written."""

    name: str
    start: int
    end: int
    annotation: str = ""


@dataclass(frozen=True, slots=True)
class MadeClass:
    """A class that a call makes. `start:end` spans the argument that lists its fields."""

    maker: str
    """The function as it is written: `namedtuple`, `typing.NamedTuple`."""
    start: int
    end: int
    fields: tuple[Field, ...]


def made_class(tree: SyntaxTree, call: tree_sitter.Node) -> MadeClass | None:
    """The class that `call` makes; None: it makes none, or its fields are not written there."""
    function, arguments = call.child_by_field_name("function"), call.child_by_field_name("arguments")
    if call.type != "call" or function is None or arguments is None:
        return None
    maker = tree.slice(function)
    given = [each for each in arguments.named_children if each.type != "comment"]
    if maker.rpartition(".")[2] not in CLASS_MAKERS or len(given) < 2 or given[0].type != "string":
        return None
    span = tree.span(given[1])
    return MadeClass(maker, span.start, span.end, tuple(names_listed(tree, given[1])))


def told_name(tree: SyntaxTree, call: tree_sitter.Node) -> tree_sitter.Node | None:
    """What is between the quotes of the first argument of `TypeVar("T")` and its like: it must be the name of
    the variable that the call is assigned to."""
    function, arguments = call.child_by_field_name("function"), call.child_by_field_name("arguments")
    if call.type != "call" or function is None or arguments is None or not arguments.named_children:
        return None
    told = tree.slice(function).rpartition(".")[2] in _TOLD_THEIR_NAME
    return plain_string(arguments.named_children[0]) if told else None


def parametrized(tree: SyntaxTree, function: tree_sitter.Node) -> Iterator[Field]:
    """The parameters that `@pytest.mark.parametrize("size, unit", …)` above a function names."""
    above = function.parent
    for each in above.named_children if above is not None and above.type == "decorated_definition" else ():
        call = each.named_children[0] if each.type == "decorator" and each.named_children else None
        marker = call.child_by_field_name("function") if call is not None and call.type == "call" else None
        arguments = call.child_by_field_name("arguments") if call is not None and marker is not None else None
        if marker is None or arguments is None or not arguments.named_children:
            continue
        if tree.slice(marker).rpartition(".")[2] == "parametrize":
            yield from names_listed(tree, arguments.named_children[0])


def names_listed(tree: SyntaxTree, listed: tree_sitter.Node) -> Iterator[Field]:
    """The names in `"x y"`, `["x", "y"]`, `[("x", int)]` and `{"x": int}`."""
    if (text := plain_string(listed)) is not None:
        span = tree.span(text)
        for word in _WORD.finditer(tree.slice(text)):
            if word[0].isidentifier():
                yield Field(word[0], span.start + word.start(), span.start + word.end())
        return
    if listed.type not in ("list", "tuple", "dictionary"):
        return
    for each in listed.named_children:
        parts = each.named_children if each.type in ("tuple", "list", "pair") else [each]
        text = plain_string(parts[0]) if parts else None
        if text is not None and tree.slice(text).isidentifier():
            span = tree.span(text)
            kind = tree.slice(parts[1])[:300] if len(parts) > 1 else ""
            yield Field(tree.slice(text), span.start, span.end, kind)


def plain_string(node: tree_sitter.Node) -> tree_sitter.Node | None:
    """What is between the quotes of a string without escapes and interpolations; None of anything else."""
    if node.type != "string":
        return None
    inner = [each for each in node.named_children if each.type not in ("string_start", "string_end")]
    content = inner[0] if len(inner) == 1 and inner[0].type == "string_content" else None
    return content if content is not None and not content.named_children else None


def type_comment(written: str) -> tuple[str, int] | None:
    """The types in `# type: …` and where they begin in the comment; None where they are none."""
    found = _COMMENT.match(written)
    if found is None:
        return None
    text = found[1].partition("#")[0].rstrip()
    for mode in ("eval", "func_type"):
        try:
            ast.parse(text, mode=mode)
        except (SyntaxError, ValueError, RecursionError, MemoryError, SystemError):  # as in python_ast
            continue
        return text, found.start(1)
    return None
