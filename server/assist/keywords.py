"""Words a language itself offers."""

from __future__ import annotations

import builtins
import keyword
from functools import cache
from types import MappingProxyType

from devflow.analysis.document import Document
from devflow.analysis.facts import SymbolKind

_JAVASCRIPT = (
    "async await break case catch class const continue debugger default delete do else export extends "
    "false finally for from function if import in instanceof let new null of return static super switch "
    "this throw true try typeof undefined var void while with yield"
)
_TYPESCRIPT = (
    _JAVASCRIPT + " abstract any as asserts bigint boolean declare enum implements infer interface is "
    "keyof namespace never number object override private protected public readonly satisfies string "
    "symbol type unknown"
)
_CONTEXTUAL_TYPESCRIPT = frozenset(
    {"abstract", "any", "as", "asserts", "async", "bigint", "boolean", "declare", "from", "infer", "is"}
    | {"keyof", "let", "namespace", "never", "number", "object", "override", "readonly", "satisfies"}
    | {"static", "string", "symbol", "type", "unknown"}
)
_C = (
    "auto break case char const continue default do double else enum extern float for goto if inline "
    "int long register return short signed sizeof static struct switch typedef union unsigned void "
    "volatile while"
)
_KEYWORDS = MappingProxyType(
    {
        "python": " ".join((*keyword.kwlist, "match", "case", "type")),
        "javascript": _JAVASCRIPT,
        "typescript": _TYPESCRIPT,
        "tsx": _TYPESCRIPT,
        "go": "break case chan const continue default defer else fallthrough for func go goto if import "
        "interface map package range return select struct switch type var nil true false iota append cap "
        "close copy delete len make new panic print println recover error string int bool byte rune any",
        "java": "abstract assert boolean break byte case catch char class continue default do double else "
        "enum extends false final finally float for if implements import instanceof int interface long new "
        "null package private protected public record return short static super switch synchronized this "
        "throw throws transient true try var void volatile while yield",
        "rust": "as async await break const continue crate dyn else enum extern false fn for if impl in let "
        "loop match mod move mut pub ref return self Self static struct super trait true type unsafe use "
        "where while Some None Ok Err Vec String Option Result Box bool char str usize isize u8 u16 u32 u64 "
        "i8 i16 i32 i64 f32 f64",
        "c": _C + " NULL size_t bool true false",
        "cpp": _C + " alignas alignof bool catch class concept const_cast consteval constexpr constinit "
        "decltype delete dynamic_cast explicit export false final friend mutable namespace new noexcept "
        "nullptr operator override private protected public reinterpret_cast requires static_assert "
        "static_cast template this thread_local throw true try typeid typename using virtual std",
        "csharp": "abstract as async await base bool break byte case catch char class const continue decimal "
        "default delegate do double else enum event explicit extern false finally float for foreach get if "
        "implicit in int interface internal is lock long namespace new null object operator out override "
        "params private protected public readonly record ref return sbyte sealed set short sizeof static "
        "string struct switch this throw true try typeof uint ulong unchecked unsafe ushort using value var "
        "virtual void volatile when where while yield",
        "ruby": "alias and begin break case class def defined? do else elsif end ensure false for if in "
        "module next nil not or redo rescue retry return self super then true undef unless until when while "
        "yield require require_relative attr_accessor attr_reader attr_writer raise puts",
    }
)


@cache
def keywords(language: str) -> tuple[str, ...]:
    """The language's keywords, with those of its constants and types that need no import."""
    return tuple(_KEYWORDS.get(language, "").split())


_CONTEXTUAL = MappingProxyType(
    {
        "python": frozenset({"match", "case", "type"}),
        "javascript": frozenset({"async", "from", "let", "static"}),
        "typescript": _CONTEXTUAL_TYPESCRIPT,
        "tsx": _CONTEXTUAL_TYPESCRIPT,
    }
)


def is_keyword_at(doc: Document, start: int, end: int) -> bool:
    """Whether a keyword stands at `start:end`. Words such as `match` and `type` are keywords at some places
    and names at others: there the tree says which."""
    word = doc.text.source[start:end]
    if word not in keywords(doc.language):
        return False
    if doc.tree is None or word not in _CONTEXTUAL.get(doc.language, ()):
        return True
    return "identifier" not in doc.tree.smallest(start, end).type


_OF_THE_PROMPT = frozenset({"copyright", "credits", "license"})
"""Put among the built-in names for whoever types at Python's prompt."""


@cache
def builtin_names(language: str) -> dict[str, SymbolKind]:
    """Names that are there without a definition."""
    if language != "python":
        return {}
    return {
        name: SymbolKind.CLASS if isinstance(value, type) else SymbolKind.FUNCTION
        for name, value in vars(builtins).items()
        if not name.startswith("_") and name not in keyword.kwlist and name not in _OF_THE_PROMPT
    } | {"__name__": SymbolKind.VARIABLE, "__file__": SymbolKind.VARIABLE}
