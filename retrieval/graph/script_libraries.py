"""What names mean in TypeScript's and JavaScript's libraries: the language's own, those of `@types`, those
that packages ship. Definitions of theirs belong to no store: their root is -1, their file a scope's number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from devflow.analysis.facts import Import, Symbol, SymbolKind
from devflow.analysis.script_outline import Piece, Scope, body, declared, forget, outline, signatures
from devflow.analysis.script_packages import (
    ambient_files,
    compiler_files,
    compilers,
    installation,
    modules_above,
    types_of,
)
from devflow.analysis.symbols import CLASS_LIKE
from devflow.retrieval.graph.base import Definition
from devflow.retrieval.graph.stored import File

CALL = "()"
"""The name of what an interface gives when its value is called, among its members."""
_DEEPEST = 8
_SPACE = CLASS_LIKE | {SymbolKind.TYPE}
_TYPE_KINDS = _SPACE | {SymbolKind.MODULE}

Place = tuple[Scope, Piece]


@dataclass(frozen=True, slots=True)
class Globals:
    """What every file sees, and the modules that are declared and not files."""

    names: Mapping[str, tuple[Place, ...]]
    modules: Mapping[str, tuple[Scope, ...]]


_files: list[File] = []
_numbers: dict[Scope, int] = {}
_scopes: list[Scope] = []


def scope_file(scope: Scope) -> File:
    """A scope as the file that its definitions stand in."""
    number = _numbers.get(scope)
    if number is None:
        number = _numbers[scope] = len(_scopes)
        _scopes.append(scope)
        _files.append(File(-1, number, scope.path, scope.path.name, "typescript"))
    return _files[number]


def file_of(definition: Definition) -> File:
    """The scope that a library's definition stands in."""
    return _files[definition.file]


def types(file: File, written: str) -> list[Definition]:
    """What a type's name means in `file`, of the workspace or of a library: all its declarations."""
    return [_definition(*each) for each in _named(file, written) if each[1].kind in _SPACE]


def value(file: File, name: str) -> list[Definition]:
    """What a name stands for in an expression of `file`: a variable, class or function before a namespace."""
    found = [
        each for each in _named(file, name) if each[1].kind not in (SymbolKind.INTERFACE, SymbolKind.TYPE)
    ]
    return [_definition(*each) for each in sorted(found, key=lambda each: each[1].kind is SymbolKind.MODULE)]


def module(file: File, name: str) -> list[Definition]:
    """What the library's module `name`, as `file` imports it, is as a whole."""
    return [_whole(scope) for scope in _modules(name, file.path.parent)]


def members(owner: Definition) -> dict[str, list[Definition]]:
    """What all declarations of a type, a class, an enum or a namespace have, by name."""
    found: dict[str, list[Definition]] = {}
    for scope, piece in _alike(owner):
        if piece.kind is SymbolKind.MODULE:
            inside = body(scope, piece) if piece.start >= 0 else scope
            if inside is not None:
                for name, pieces in outline(inside).pieces.items():
                    found.setdefault(name, []).extend(_definition(inside, each) for each in pieces)
        else:
            for symbol in declared(scope.path, piece)[1:]:
                if symbol.container == piece.name:
                    found.setdefault(symbol.name, []).append(_of(symbol, scope))
            if calls := signatures(scope.path, piece):
                found.setdefault(CALL, []).extend(_of(each, scope) for each in calls)
    return found


def member(owner: Definition, name: str) -> list[Definition]:
    """As `members`, of one name, also where a module hands it on."""
    if owner.kind is SymbolKind.MODULE and owner.start < 0:
        return [_definition(*each) for each in _exported(_scopes[owner.file], name, 0)]
    return members(owner).get(name, [])


def declarations(owner: Definition) -> list[Definition]:
    """All declarations of what is declared several times."""
    return [_definition(*each) for each in _alike(owner)]


def symbol_of(definition: Definition) -> Symbol:
    """The definition with its documentation."""
    for piece in outline(_scopes[definition.file]).pieces.values():
        for each in piece:
            if each.start <= definition.start < each.end:
                for symbol in declared(definition.path, each):
                    if symbol.name_start == definition.name_start:
                        return symbol
    return definition.symbol


def renewed(roots: Iterable[Path], before: int) -> int:
    """The number of the packages installed in `roots`, as of now; where it is not `before`, what was read of
    them is forgotten."""
    now = installation(roots)
    if now != before:
        forget()
        _of_compiler.cache_clear()
        _of_packages.cache_clear()
    return now


# --- names


def _named(file: File, written: str) -> list[Place]:
    first, *rest = written.split(".")
    if file.root < 0:
        found = _from_scope(_scopes[file.id], first, 0)
    else:
        imported = [made for made, _ in file.imported_as(first)]
        if not imported:
            found = list(_global(first, file.path.parent))
        else:
            found = _brought([_plain(each) for each in imported], file.path.parent, 0)
    for name in rest:
        found = [inner for each in found for inner in _inside(each, name)]
    return found


def _plain(made: Import) -> Import:
    """A workspace's import with `*` where it stands for a module."""
    return Import(made.module, made.name or "*", made.alias, made.start, made.end)


def _from_scope(scope: Scope, name: str, depth: int) -> list[Place]:
    """What a name means to code in a scope: of its own, brought in, of the scopes around, of all."""
    here: Scope | None = scope
    while here is not None and depth <= _DEEPEST:
        told = outline(here)
        if own := told.pieces.get(name):
            everywhere = () if told.is_module or here.outer else _global(name, here.path.parent)
            return list(everywhere) or [(here, each) for each in own]
        if made := told.imported.get(name):
            return _brought([made], here.path.parent, depth + 1, here)
        here = here.outer
    return list(_global(name, scope.path.parent))


def _brought(imported: Iterable[Import], folder: Path, depth: int, scope: Scope | None = None) -> list[Place]:
    found: list[Place] = []
    for made in imported:
        if not made.module and scope is not None:  # import x = a.b
            first, *rest = made.name.split(".")
            places = _from_scope(scope, first, depth) if first != made.alias else []
            for name in rest:
                places = [inner for each in places for inner in _inside(each, name)]
            found += places
            continue
        for target in _modules(made.module, folder):
            if made.name == "*":
                found += _exported(target, "default", depth) if outline(target).whole else [(target, _ALL)]
            else:
                found += _exported(target, made.name, depth)
    return found


def _exported(scope: Scope, name: str, depth: int) -> list[Place]:
    """What a module gives under a name."""
    if depth > _DEEPEST:
        return []
    told = outline(scope)
    if own := told.pieces.get(name):
        return [(scope, each) for each in own]
    if made := told.handed.get(name):
        if made.module:
            return _brought([made], scope.path.parent, depth + 1)
        return _from_scope(scope, made.name, depth + 1)
    if told.whole:
        places = _from_scope(scope, told.whole, depth + 1)
        return places if name == "default" else [one for each in places for one in _inside(each, name)]
    for star in told.stars:
        for target in _modules(star, scope.path.parent):
            if found := _exported(target, name, depth + 1):
                return found
    return []


def _inside(place: Place, name: str) -> list[Place]:
    """What a namespace has under a name."""
    scope, piece = place
    if piece is _ALL:
        return _exported(scope, name, 0)
    inner = body(scope, piece)
    return _exported(inner, name, 0) if inner is not None else []


def _alike(owner: Definition) -> list[Place]:
    """All pieces of what a definition is one piece of."""
    scope = _scopes[owner.file]
    if owner.start < 0:
        return [(scope, _ALL)]
    own = [(scope, each) for each in outline(scope).pieces.get(owner.name, ())]
    if scope.outer is None and outline(scope).is_module:
        return own
    if scope.outer is not None and scope.name != "global":
        return own
    everywhere = _global(owner.name, scope.path.parent)
    return list(everywhere) if any(each in everywhere for each in own) else own


# --- what is declared for all


def _global(name: str, folder: Path) -> tuple[Place, ...]:
    own = _of_language(folder).names.get(name, ())
    ambient: tuple[Place, ...] = ()
    if not own or own[0][1].kind is SymbolKind.INTERFACE:
        ambient = _of_types(folder).names.get(name, ())
    return (*own, *(each for each in ambient if each not in own))


def _modules(name: str, folder: Path) -> list[Scope]:
    """The scopes of a module, as a file in `folder` names it."""
    if (path := types_of(name, folder)) is not None:
        return [Scope(path)]
    declared_modules = _of_types(folder).modules
    plain = name.removeprefix("node:")
    return list(declared_modules.get(plain, ()) or declared_modules.get(name, ()))


def _of_language(folder: Path) -> Globals:
    return _of_compiler((*modules_above(folder), *compilers()))


def _of_types(folder: Path) -> Globals:
    return _of_packages(modules_above(folder))


@lru_cache(4)
def _of_compiler(places: tuple[Path, ...]) -> Globals:
    return _gathered(compiler_files(places))


@lru_cache(4)
def _of_packages(places: tuple[Path, ...]) -> Globals:
    return _gathered(ambient_files(places))


def _gathered(files: Iterable[Path]) -> Globals:
    names: dict[str, list[Place]] = {}
    modules: dict[str, list[Scope]] = {}
    for scope in map(Scope, files):
        told = outline(scope)
        seen = [] if told.is_module else [scope]
        for each in told.scopes:
            if (inner := body(scope, each)) is None:
                continue
            if each.name == "global":
                seen.append(inner)
            else:
                modules.setdefault(each.name.strip("\"'"), []).append(inner)
                if nested := [one for one in outline(inner).scopes if one.name == "global"]:
                    seen += [deep for one in nested if (deep := body(inner, one)) is not None]
        for one in seen:
            for name, pieces in outline(one).pieces.items():
                names.setdefault(name, []).extend((one, piece) for piece in pieces)
    return Globals(
        {name: tuple(each) for name, each in names.items()}, {k: tuple(v) for k, v in modules.items()}
    )


# --- definitions


def _definition(scope: Scope, piece: Piece) -> Definition:
    if piece is _ALL:
        return _whole(scope)
    found = next(iter(declared(scope.path, piece)), None)
    name_end = piece.name_start + len(piece.name)
    plain = Symbol(piece.name, piece.kind, piece.start, piece.end, piece.name_start, name_end)
    return _of(found or plain, scope)


def _whole(scope: Scope) -> Definition:
    file = scope_file(scope)
    name = scope.name.strip("\"'") or scope.path.name.removesuffix(".d.ts")
    return Definition(
        -1, file.id, -1, name, scope.path, "typescript", SymbolKind.MODULE, "", -1, max(scope.start, 0), 0, ""
    )


def _of(symbol: Symbol, scope: Scope) -> Definition:
    kind = SymbolKind.METHOD if symbol.kind is SymbolKind.FUNCTION and symbol.container else symbol.kind
    return Definition(
        -1, scope_file(scope).id, symbol.start, symbol.name, scope.path, "typescript", kind, symbol.container,
        symbol.end, symbol.name_start, 0, symbol.signature,
    )  # fmt: skip


_ALL = Piece(SymbolKind.MODULE, "*", -1, -1, 0)
