"""What each name of a document is, for editors that colour by meaning (LSP 3.18, "Semantic Tokens").

Keywords, comments, strings and numbers are left to the editor's own grammar. Nothing here leaves the file:
a name whose meaning only another file tells gets none rather than a guess.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from devflow.analysis.facts import ReferenceKind, Symbol, SymbolKind
from devflow.analysis.imports import imports
from devflow.analysis.python_names import python_names
from devflow.analysis.python_scopes import IN_STRINGS, MODULE, Occurrence, PythonNames
from devflow.analysis.references import references
from devflow.analysis.scope import Bound, bindings
from devflow.analysis.symbols import symbols
from devflow.analysis.syntax.parse import SyntaxTree
from devflow.analysis.text import common_ends

TYPES = (
    "namespace",
    "class",
    "interface",
    "enum",
    "struct",
    "type",
    "function",
    "method",
    "property",
    "parameter",
    "variable",
    "decorator",
)
MODIFIERS = ("declaration", "readonly", "static", "async", "defaultLibrary")

_OF_KIND = {
    SymbolKind.MODULE: "namespace",
    SymbolKind.CLASS: "class",
    SymbolKind.INTERFACE: "interface",
    SymbolKind.ENUM: "enum",
    SymbolKind.STRUCT: "struct",
    SymbolKind.FUNCTION: "function",
    SymbolKind.METHOD: "method",
    SymbolKind.CONSTRUCTOR: "method",
    SymbolKind.PROPERTY: "property",
    SymbolKind.FIELD: "property",
    SymbolKind.VARIABLE: "variable",
    SymbolKind.CONSTANT: "variable",
    SymbolKind.PARAMETER: "parameter",
    SymbolKind.TYPE: "type",
}
_BUILTIN_TYPES = frozenset(name for name, value in vars(builtins).items() if isinstance(value, type))
_BUILTINS = frozenset(vars(builtins))


@dataclass(frozen=True, slots=True)
class SemanticToken:
    """One name: `type` from `TYPES`, `modifiers` from `MODIFIERS`. It never spans lines."""

    start: int
    end: int
    type: str
    modifiers: tuple[str, ...] = ()


def semantic_tokens(tree: SyntaxTree) -> list[SemanticToken]:
    """The names of a document in the order of the text; none overlaps another."""
    found = _python(tree) if tree.language == "python" else _others(tree)
    result: list[SemanticToken] = []
    for token in sorted(found, key=lambda each: (each.start, -each.end)):
        if token.end > token.start and (not result or result[-1].end <= token.start):
            result.append(token)
    return result


def encoded(
    tokens: Sequence[SemanticToken], positions: Sequence[tuple[int, int]], lengths: Sequence[int]
) -> list[int]:
    """Five integers a token, relative to the one before, as LSP sends them. `positions`: line and character
    of each token's start, `lengths`: its length, both in the client's units."""
    result: list[int] = []
    last_line = last_character = 0
    for token, (line, character), length in zip(tokens, positions, lengths, strict=True):
        modifiers = sum(1 << MODIFIERS.index(each) for each in token.modifiers)
        column = character - last_character if line == last_line else character
        result += (line - last_line, column, length, TYPES.index(token.type), modifiers)
        last_line, last_character = line, character
    return result


def difference(old: Sequence[int], new: Sequence[int]) -> list[tuple[int, int, list[int]]]:
    """What makes `new` of `old`: at most one `(start, deleted, inserted)`, in integers."""
    first, last = common_ends(old, new)
    if first == len(old) == len(new):
        return []
    return [(first, len(old) - first - last, list(new[first : len(new) - last]))]


def _python(tree: SyntaxTree) -> Iterator[SemanticToken]:
    names = python_names(tree)
    made = {symbol.name_start: symbol for symbol in symbols(tree)}
    modules = {each.bound for each in names.imports if not each.name}
    source = tree.text.source
    for each in names.occurrences:
        if each.how in IN_STRINGS - {"quoted"}:
            continue  # it looks like the string that it is
        if each.how == "quoted" and source[each.start : each.end] != each.name:
            continue
        token = _occurrence(names, each, modules, made, source)
        symbol = made.get(each.start)
        if symbol is not None and symbol.kind in _OF_KIND:
            is_async = ("async",) if symbol.signature.startswith("async ") else ()
            readonly = ("readonly",) if symbol.kind is SymbolKind.CONSTANT else ()
            kind = _OF_KIND[symbol.kind]
            yield SemanticToken(each.start, each.end, kind, ("declaration", *readonly, *is_async))
        elif token is not None:
            yield token
    for member in names.members:
        if _called(source, member.end):
            kind = "class" if member.name[:1].isupper() else "method"
            yield SemanticToken(member.start, member.end, kind)
        else:
            readonly = ("readonly",) if member.name.isupper() else ()
            yield SemanticToken(member.start, member.end, "property", readonly)
    for keyword in names.keywords:
        yield SemanticToken(keyword.start, keyword.end, "parameter")


def _occurrence(
    names: PythonNames, each: Occurrence, modules: set[str], made: dict[int, Symbol], source: str
) -> SemanticToken | None:
    home = names.home(each)
    bound = names.first_binding(each.name, home)
    if bound is None:
        if home == MODULE and each.name in _BUILTINS:
            kind = "class" if each.name in _BUILTIN_TYPES else "function"
            return SemanticToken(each.start, each.end, kind, ("defaultLibrary",))
        return None
    declared = ("declaration",) if each is bound and bound.how != "import" else ()
    if source[max(0, each.start - 1) : each.start] == "@":
        return SemanticToken(each.start, each.end, "decorator")
    kind = "parameter" if bound.how == "parameter" else "variable"
    if bound.start in made:
        kind = _OF_KIND[made[bound.start].kind]
    if bound.how == "import":
        # What an import brings in is told by its shape alone: the other file is not read here.
        if each.name in modules:
            kind = "namespace"
        elif each.name.isupper() and len(each.name) > 1:
            return SemanticToken(each.start, each.end, "variable", ("readonly",))
        elif each.name[:1].isupper():
            kind = "class"
        else:
            kind = "function" if _called(source, each.end) else "variable"
    readonly = ("readonly",) if kind == "variable" and each.name.isupper() and len(each.name) > 1 else ()
    return SemanticToken(each.start, each.end, kind, (*declared, *readonly))


def _called(source: str, end: int) -> bool:
    return source[end : end + 1] == "("


def _others(tree: SyntaxTree) -> Iterator[SemanticToken]:
    found = symbols(tree)
    by_name = {symbol.name: symbol.kind for symbol in reversed(found)}
    declared = {symbol.name_start for symbol in found}
    for symbol in found:
        modifiers = ["declaration"]
        head = symbol.signature.split("(")[0].split()
        if symbol.kind is SymbolKind.CONSTANT or "final" in head or "readonly" in head:
            modifiers.append("readonly")
        modifiers += [word for word in ("static", "async") if word in head]
        yield SemanticToken(symbol.name_start, symbol.name_end, _OF_KIND[symbol.kind], tuple(modifiers))
    scoped: dict[str, list[Bound]] = {}
    for bound in bindings(tree):
        scoped.setdefault(bound.name, []).append(bound)
        if bound.start not in declared and bound.kind in (SymbolKind.PARAMETER, SymbolKind.VARIABLE):
            end = bound.start + len(bound.name)
            yield SemanticToken(bound.start, end, _OF_KIND[bound.kind], ("declaration",))
    modules = {each.alias or each.module.rpartition("/")[2] for each in imports(tree) if not each.name}
    for use in references(tree, found):
        kind = _use(use.name, use.kind, use.receiver, use.start, scoped, by_name, modules)
        if kind:
            yield SemanticToken(use.start, use.end, kind)


def _use(
    name: str,
    kind: ReferenceKind,
    receiver: str,
    start: int,
    scoped: dict[str, list[Bound]],
    by_name: dict[str, SymbolKind],
    modules: set[str],
) -> str:
    if kind is ReferenceKind.TYPE:
        known = _OF_KIND.get(by_name[name], "") if name in by_name else ""
        return known if known in ("class", "interface", "enum", "struct") else "type"
    if kind is ReferenceKind.CALL:
        return "method" if receiver else "function"
    if kind is ReferenceKind.ATTRIBUTE:
        return "property"
    here = [each for each in scoped.get(name, ()) if each.scope_start <= start <= each.scope_end]
    if here:
        return _OF_KIND.get(min(here, key=lambda each: each.scope_end - each.scope_start).kind, "")
    if name in modules:
        return "namespace"
    return _OF_KIND.get(by_name[name], "") if name in by_name else ""
