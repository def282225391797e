"""What a file of declarations (`*.d.ts`) declares, without a tree of the whole: by the indent of its lines,
as compilers and formatters leave them. A declaration's members are read from a tree of its own, once asked
for: of `lib.dom.d.ts` all names take 20 ms, `HTMLElement` then 5.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from devflow.analysis.facts import Import, Symbol, SymbolKind
from devflow.analysis.script_packages import text_of
from devflow.analysis.symbols import symbols
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Text

_KINDS = {
    "interface": SymbolKind.INTERFACE, "class": SymbolKind.CLASS, "type": SymbolKind.TYPE,
    "function": SymbolKind.FUNCTION, "const": SymbolKind.CONSTANT, "let": SymbolKind.VARIABLE,
    "var": SymbolKind.VARIABLE, "enum": SymbolKind.ENUM, "namespace": SymbolKind.MODULE,
    "module": SymbolKind.MODULE, "global": SymbolKind.MODULE,
}  # fmt: skip
_HEAD = (
    r"^INDENT(?P<before>(?:(?:export|default|declare|abstract|async|const(?= +enum))\s+)*)"
    r"(?:(?P<kind>interface|class|type|function|const|let|var|enum|namespace|module|global)\b\*?"
    r"(?:[ \t]+(?P<name>[\w$.]+|\"[^\"\n]+\"|'[^'\n]+'))?"
    r"|(?P<import>import|export)\b)"
)
_FROM = re.compile(r"\bfrom\s*[\"']([^\"'\n]+)[\"']")
_REQUIRED = re.compile(
    r"import\s+(?:type\s+)?([\w$]+)\s*=\s*(?:require\(\s*[\"']([^\"'\n]+)[\"']\s*\)|([\w$.]+))"
)
_WHOLE = re.compile(r"export\s*(=|default)\s*([\w$.]+)\s*;?")
_CALL = re.compile(r"^[ \t]+((?:<[^\n]*?>)?\([^\n]*\)\s*:[^\n;]+);?$", re.MULTILINE)
_LONGEST_SIGNATURE = 1_200


@dataclass(frozen=True, slots=True)
class Scope:
    """Where names are declared: a whole file, or the body `start:end` of a namespace or module in it."""

    path: Path
    start: int = 0
    end: int = -1
    indent: str = ""
    outer: Scope | None = None
    name: str = ""
    """Of the namespace; a module's in its quotes."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One declaration of a name: several of one name are one thing, or the overloads of a function."""

    kind: SymbolKind
    name: str
    start: int
    end: int
    name_start: int


@dataclass(frozen=True, slots=True)
class Outline:
    """What a scope declares, brings in and hands on."""

    pieces: Mapping[str, tuple[Piece, ...]] = field(default_factory=dict)
    scopes: tuple[Piece, ...] = ()
    """The `declare module "x"` and `declare global` of a file."""
    imported: Mapping[str, Import] = field(default_factory=dict)
    """By the name they bind; `name` is `default`, `*` for all of a module, else the module's name of it."""
    handed: Mapping[str, Import] = field(default_factory=dict)
    """As `imported`, by the name that others get; `module` is "" for a name of this file."""
    stars: tuple[str, ...] = ()
    whole: str = ""
    """What `export =` names."""
    is_module: bool = False


@lru_cache(400)
def outline(scope: Scope) -> Outline:
    """What a scope declares; nested namespaces are scopes of their own."""
    source = text_of(scope.path)
    end = scope.end if scope.end >= 0 else len(source)
    head = re.compile(_HEAD.replace("INDENT", scope.indent), re.MULTILINE)
    following = re.compile(rf"\n{scope.indent}(?=[^\s}})\]|&>*])")
    pieces: dict[str, list[Piece]] = {}
    scopes: list[Piece] = []
    imported: dict[str, Import] = {}
    handed: dict[str, Import] = {}
    stars: list[str] = []
    whole, is_module, at = "", False, scope.start
    while (found := head.search(source, at, end)) is not None:
        at = found.end()
        behind = following.search(source, at, end)
        stop = behind.start() if behind is not None else end
        is_module = is_module or "export" in found["before"] or found["import"] is not None
        kind, name = found["kind"], found["name"] or ""
        if kind == "global" or name[:1] in ("'", '"'):
            scopes.append(Piece(SymbolKind.MODULE, name or "global", found.start(), stop, found.start()))
        elif kind and name:
            piece = Piece(_KINDS[kind], name, found.start(), stop, found.start("name"))
            pieces.setdefault(name, []).append(piece)
            if "default" in found["before"]:
                handed["default"] = Import("", name, "default", at, at)
        else:
            statement = source[found.start() : stop].strip()
            if exported := _WHOLE.match(statement):
                if exported[1] == "=":
                    whole = exported[2]
                handed["default"] = Import("", exported[2], "default", found.start(), stop)
            else:
                _read_names(statement, imported, handed, stars, found.start())
    frozen = {name: tuple(each) for name, each in pieces.items()}
    return Outline(frozen, tuple(scopes), imported, handed, tuple(stars), whole, is_module)


def _read_names(
    statement: str, imported: dict[str, Import], handed: dict[str, Import], stars: list[str], at: int
) -> None:
    if required := _REQUIRED.match(statement):
        if required[2]:
            imported[required[1]] = Import(required[2], "*", required[1], at, at)
        else:
            imported[required[1]] = Import("", required[3], required[1], at, at)
        return
    found = _FROM.search(statement)
    module = found[1] if found else ""
    into = imported if statement.startswith("import") else handed
    clause = re.sub(r"^(?:import|export)\s+(?:type\s+)?", "", statement[: found.start() if found else None])
    if (star := re.search(r"\*\s*(?:as\s+([\w$]+))?", clause)) and module:
        if star[1]:
            into[star[1]] = Import(module, "*", star[1], at, at)
        else:
            stars.append(module)
    if braces := re.search(r"\{([^}]*)\}", clause):
        for each in re.sub(r"//[^\n]*|/\*.*?\*/", "", braces[1]).split(","):
            name, _, alias = each.strip().removeprefix("type ").partition(" as ")
            if name.strip():
                bound = alias.strip() or name.strip()
                into[bound] = Import(module, name.strip(), bound, at, at)
    if into is imported and (default := re.match(r"([\w$]+)\s*(?:,|$)", clause.strip())) and module:
        imported[default[1]] = Import(module, "default", default[1], at, at)


def body(scope: Scope, piece: Piece) -> Scope | None:
    """The scope that a namespace or a module opens."""
    source = text_of(scope.path)
    begun = source.find("{", piece.start, piece.end)
    if begun < 0 or piece.kind is not SymbolKind.MODULE:
        return None
    first = re.compile(r"\n([ \t]*)(?=[^\s/*}])").search(source, begun, piece.end)
    indent = first[1] if first is not None else scope.indent + "    "
    return Scope(scope.path, begun + 1, piece.end, indent, scope, piece.name)


@lru_cache(600)
def declared(path: Path, piece: Piece) -> tuple[Symbol, ...]:
    """A declaration, documented, and behind it what is declared inside of it."""
    source = text_of(path)
    begun = piece.start
    above = source[:begun].rstrip()
    if above.endswith("*/"):
        begun = max(above.rfind("/**"), 0)
    if piece.kind is SymbolKind.MODULE:
        head = source[piece.start : source.find("{", piece.start, piece.end)].strip()
        return (_symbol(piece, head),)
    tree = parse(Text(source[begun : piece.end]), "typescript")
    found = symbols(tree) if tree is not None else ()
    return tuple(_placed(each, source, begun) for each in found)


@lru_cache(600)
def signatures(path: Path, piece: Piece) -> tuple[Symbol, ...]:
    """What the values of an interface give when they are called: its heads without a name, as `call`."""
    if piece.kind is not SymbolKind.INTERFACE:
        return ()
    source = text_of(path)
    found = [
        Symbol("call", SymbolKind.METHOD, each.start(1), each.end(), each.start(1), each.start(1), piece.name,
               f"call{each[1]}")
        for each in _CALL.finditer(source, piece.start, piece.end)
    ]  # fmt: skip
    indents = [source.rfind("\n", 0, each.start) for each in found]
    widths = [each.start - line for each, line in zip(found, indents, strict=True)]
    return tuple(each for each, width in zip(found, widths, strict=True) if width == min(widths))


def forget() -> None:
    """Read anew what is asked for from now on."""
    for each in (outline, declared, signatures):
        each.cache_clear()


def _placed(symbol: Symbol, source: str, by: int) -> Symbol:
    """A symbol of a piece of `source` that begins at `by`, with all of its head."""
    start, end = symbol.start + by, symbol.end + by
    signature = symbol.signature
    if symbol.kind not in _HOLDERS:
        written = re.sub(
            r"//[^\n]*|/\*.*?\*/",
            "",
            source[start : start + _LONGEST_SIGNATURE][: end - start],
            flags=re.DOTALL,
        )
        signature = re.sub(r"\s+", " ", written).strip().rstrip(";,").strip()
    return replace(
        symbol, start=start, end=end, name_start=symbol.name_start + by, name_end=symbol.name_end + by,
        signature=signature,
    )  # fmt: skip


def _symbol(piece: Piece, signature: str) -> Symbol:
    name_end = piece.name_start + len(piece.name)
    return Symbol(piece.name, piece.kind, piece.start, piece.end, piece.name_start, name_end, "", signature)


_HOLDERS = frozenset({SymbolKind.CLASS, SymbolKind.INTERFACE, SymbolKind.ENUM, SymbolKind.MODULE})
