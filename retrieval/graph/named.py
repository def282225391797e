"""Which definitions a name means, as a user writes it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from devflow.analysis.edit_distance import edit_distance
from devflow.analysis.facts import Symbol, SymbolKind
from devflow.analysis.languages import SCRIPTS
from devflow.analysis.object_types import closing
from devflow.analysis.symbols import CLASS_LIKE, FUNCTION_LIKE
from devflow.retrieval.graph import (
    contextual,
    go_libraries,
    library_values,
    objects,
    overloads,
    script_libraries,
)
from devflow.retrieval.graph.base import Definition, Link, Use
from devflow.retrieval.graph.chosen import chosen
from devflow.retrieval.graph.dialects import same_package
from devflow.retrieval.graph.links import Graph
from devflow.retrieval.graph.stored import File
from devflow.retrieval.graph.value import shown
from devflow.retrieval.graph.values import VALUED

_ORDER = (CLASS_LIKE, FUNCTION_LIKE)
_DEEPEST = 8
_SHORTEST = 3
"""Letters of a name to which others can be near; of two, one letter apart is another word."""
BUILT = frozenset(["dist", "build", "out", "vendor", "third_party", "generated", "bundles"])
"""Folders whose code was most likely made or copied from elsewhere."""


def definitions_named(graph: Graph, name: str) -> list[Definition]:
    """Definitions that fit `name`, classes and functions before variables: a name, a qualified one, one
    with its module (`package.module.Class.method`, `package.module:Class.method`, also where a package hands
    it on) or its file (`path/file.py:Class.method`, `path/file.py:12`). A file or a module alone means its
    own code."""
    name = name.strip()
    path, separator, inner = name.rpartition(":")
    if separator and not path.endswith(":") and (found := _in_file(graph, path, inner)):
        return _ordered(graph, found)
    parts = [part for part in re.split(r"::|[.#:]", name.removesuffix("()")) if part]
    if not parts:
        return []
    named = [each for each in graph.stored.named(parts[-1]) if _fits(each, parts[:-1])]
    return _ordered(graph, named or _in_file(graph, name, "") or _in_module(graph, parts))


def names_near(graph: Graph, name: str, most: int = 5) -> list[Definition]:
    """What a name that means nothing may have been meant to be: definitions of its last part elsewhere, else
    of names that are spelled nearly so, one for each name."""
    last = re.split(r"[.#:/]", name.strip().removesuffix("()"))[-1]
    if found := _ordered(graph, graph.stored.named(last)):
        return found[:most]
    wanted = last.lower()
    if len(wanted) < _SHORTEST or wanted.isdecimal():
        return []
    allowed = max(1, len(wanted) // 4)
    near: list[tuple[int, str]] = []
    for root in range(len(graph.stored.roots)):
        rows = graph.stored.rows(
            root,
            "SELECT DISTINCT name, lower FROM symbols WHERE length(name) BETWEEN ? AND ?",
            (len(last) - allowed, len(last) + allowed),
        )
        for other, lower in rows:
            distance = edit_distance(wanted, str(lower), allowed)
            if distance <= allowed:
                near.append((distance, str(other)))
    best = list(dict.fromkeys(other for _, other in sorted(near)))[:most]
    return [each for other in best for each in _ordered(graph, graph.stored.named(other))[:1]]


def lines_of(graph: Graph, name: str) -> list[tuple[Path, int]]:
    """The files that `path/file.py:12` means, and how many lines each has; [] for another name."""
    path, _, line = name.strip().rpartition(":")
    return [(file.path, _lines(graph, file)) for file in _files(graph, path)] if line.isdecimal() else []


def definitions_in(graph: Graph, path: Path, qualified_name: str) -> list[Definition]:
    """The definitions of this qualified name in one file."""
    container, _, name = qualified_name.rpartition(".")
    return [each for file in _files_at(graph, path) for each in file.named(container, name)]


def told_at(
    graph: Graph, path: Path, start: int, name: str, receiver: str, kind: str
) -> list[Definition] | None:
    """What the code says of a `name` that a file uses at `start`, where types are written down; [] when it is
    nothing of the workspace, None when the code does not say. `kind` is a reference's."""
    file = next(_files_at(graph, path), None)
    if file is None:
        return None
    use = Use(file.root, file.id, start, start + len(name), kind, 0, name, receiver, "")
    told = graph.declared.told(use)
    if told is None:
        return None
    definitions = [each.definition for each in told]
    if file.language == "java" or file.language in SCRIPTS:
        source, values = graph.stored.source(file), graph.declared.values
        meant = chosen(values, file, source, start + len(name), receiver, definitions)
        return [objects.shown(each) for each in meant]
    return definitions


@dataclass(frozen=True, slots=True)
class Offered:
    """What can stand behind a member operator: each with the steps up to the base that defines it."""

    members: tuple[tuple[Definition, int], ...] = ()
    whole: bool = False
    """Whether these are all there are: the workspace holds every base."""


def members_at(graph: Graph, path: Path, start: int, receiver: str) -> Offered:
    """What can stand at `start` of a file, behind a member operator, where types are written down. `receiver`
    is the plain name in front of the operator, "" for an expression. Nothing when the code does not say, or
    it is nothing of the workspace."""
    file = next(_files_at(graph, path), None)
    if file is None or file.language not in VALUED:
        return Offered()
    declared = graph.declared
    owners, sure = declared.values.every_owner(file, start)
    if not owners and (library := declared.values.library_owner(file, start)) is not None:
        return Offered(tuple((each, 0) for each in go_libraries.members(library)))
    if not owners and library_values.is_read(file.language):
        value = declared.values.value(file, start)
        keys = [(objects.shown(each), 0) for each in declared.values.keys(value)] if value is not None else []
        if value is not None and (outside := (*keys, *_seen(library_values.members(value)))):
            return Offered(outside, not keys and value.type is not None and value.type.name != "|")
    if not owners:
        package = tuple((each, 0) for each in declared.of_package(file, receiver))
        return Offered(package, bool(package))
    inside = receiver in ("this", "super") or receiver.startswith("this.#")
    found: dict[str, tuple[Definition, int]] = {}
    for owner in owners:
        for made, depth in declared.members(owner):
            if made.kind is not SymbolKind.CONSTRUCTOR and (inside or _is_seen(made, file)):
                found.setdefault(made.name, (made, depth))
        for base in declared.library_bases(owner):
            for made in go_libraries.members(base):
                found.setdefault(made.name, (made, 1))
        for value in declared.outside_bases(owner):
            for made, depth in _seen(library_values.members(value)):
                found.setdefault(made.name, (made, depth + 1))
    whole = sure and all(declared.has_all_bases(each) for each in owners)
    return Offered(tuple(found.values()), whole)


def library_name(
    graph: Graph, path: Path, start: int, name: str, receiver: str
) -> tuple[Path, Symbol] | None:
    """What the name that a file uses at `start`, behind the plain name `receiver` or an expression (""), is
    in the sources of a library; None when it is nothing there."""
    file = next(_files_at(graph, path), None)
    if file is None or file.language not in VALUED:
        return None
    if file.language != "go":
        made = _outside(graph, file, start, name)
        if made is None:
            return None
        return made.path, library_values.symbol_of(made) if made.root < 0 else objects.shown(made).symbol
    if not receiver and graph.stored.source(file)[max(0, start - 200) : start].rstrip()[-1:] != ".":
        own = any(same_package(each.path, file.path) for each in graph.stored.named(name, "go"))
        return go_libraries.built_in(name) if not own else None
    found = _of_go(graph, file, start, name, receiver)
    symbol = go_libraries.symbol_of(found) if found is not None else None
    return (found.path, symbol) if found is not None and symbol is not None else None


def _outside(graph: Graph, file: File, start: int, name: str) -> Definition | None:
    """As `library_name`, in TypeScript, JavaScript and Java."""
    values = graph.declared.values
    source = graph.stored.source(file)
    before = source[max(0, start - 200) : start].rstrip()
    if before.endswith((".", "::")):
        value = values.value(file, start)
        found = values.outside(value, name) if value is not None else None
        made = found[0] if found is not None else None
        end = start + len(name)
        if made is None or value is None or made.root >= 0 or source[end : end + 1] not in ("(", "<"):
            return made
        opened = source.find("(", end)
        closed = closing(source, opened)
        several = library_values.overloads(made, value) if closed > 0 else []
        return (
            (overloads.first(several, source[opened + 1 : closed - 1]) or made) if len(several) > 1 else made
        )
    if file.language in SCRIPTS and (made := contextual.key(values, file, source, name, start)) is not None:
        return made
    return values.outside_name(file, name, start)


def _of_go(graph: Graph, file: File, start: int, name: str, receiver: str) -> Definition | None:
    values = graph.declared.values
    owner = values.library_owner(file, start)
    owners = [owner] if owner is not None else []
    for each in values.owners(file, start) or () if owner is None else ():
        owners += graph.declared.library_bases(each)
    found = [made for each in owners for made in go_libraries.members(each)]
    if not owners and receiver and not graph.declared.package(file, receiver, name):
        found = graph.declared.of_package(file, receiver)
    return next((each for each in found if each.name == name and each.root < 0), None)


def type_told(graph: Graph, path: Path, start: int, name: str) -> str:
    """The type of what the name at `start` holds, where it is not written beside it but told on the way
    there; "" where it is not known."""
    file = next(_files_at(graph, path), None)
    if file is None or file.language not in VALUED:
        return ""
    value = graph.declared.values.holds(file, name, start + len(name))
    return shown(value) if value is not None else ""


def read_library(graph: Graph, path: Path, module: str) -> None:
    """Read the package `module` that a file imports, if it is a library's, or with "" what its language has
    of itself: questions find it read."""
    file = next(_files_at(graph, path), None)
    if file is None:
        return
    if file.language == "go":
        go_libraries.read(module, graph.stored.roots[file.root])
    elif not module:
        library_values.read(file)
    elif file.language in SCRIPTS:
        script_libraries.module(file, module)


def _files_at(graph: Graph, path: Path) -> Iterator[File]:
    """The file that the roots which hold `path` know at it: one, but where roots lie in each other."""
    for number, root in enumerate(graph.stored.roots):
        if path.is_relative_to(root):
            id_ = graph.stored.paths(number).get(path.relative_to(root).as_posix())
            if id_ is not None:
                yield graph.stored.file(number, id_)


def _is_seen(made: Definition, file: File) -> bool:
    """Whether code of `file` may use a member of something that is not its own object."""
    if made.language == "go":
        return not made.name[:1].islower() or made.path.parent == file.path.parent
    return made.path == file.path or not re.match(r"(?:@\w+\s+)*private\b|#", made.signature)


def _seen(found: list[tuple[Definition, int]]) -> tuple[tuple[Definition, int], ...]:
    """What of a library's members code of the workspace may use."""
    return tuple(
        each for each in found if not re.match(r"(?:@\w+\s+)*(?:private|protected)\b|#|_", each[0].signature)
    )


def callers_of(graph: Graph, path: Path, qualified_name: str) -> list[Link] | None:
    """The calls of what a file defines under this name, by place; None when the index does not know it."""
    found = definitions_in(graph, path, qualified_name)
    if not found:
        return None
    links = {
        (link.source.path, link.start): link
        for each in found
        for link in graph.incoming(each, kinds=["call"])
    }
    return list(links.values())


def around(graph: Graph, path: Path, qualified_name: str) -> tuple[list[Link], list[Link]] | None:
    """The calls of what a file defines under this name from outside it, and the calls it makes of others;
    None when the index does not know it."""
    calls = callers_of(graph, path, qualified_name)
    if calls is None:
        return None
    own = definitions_in(graph, path, qualified_name)
    outside = [link for link in calls if link.source not in own]
    called = [link for each in own for link in graph.outgoing(each) if link.kind == "call"]
    return outside, [link for link in called if link.target not in own]


def _fits(definition: Definition, outer: list[str]) -> bool:
    """Whether the names before the last are its containers, from inside out, then its module's."""
    if not outer:
        return True
    module = [*definition.path.parent.parts[1:], definition.path.stem]
    if definition.path.stem in ("__init__", "index", "mod"):
        module.pop()
    container = definition.container.split(".") if definition.container else []
    full = [*module, *container]
    return full[-len(outer) :] == outer


def _in_file(graph: Graph, path: str, inner: str) -> list[Definition]:
    """What a file defines under this name, or at this line."""
    found: list[Definition] = []
    for file in _files(graph, path):
        container, _, last = inner.rpartition(".")
        if inner.isdecimal():
            found += _at_line(file, int(inner) - 1) if int(inner) <= _lines(graph, file) else []
        else:
            found += file.named(container, last) if inner else [file.whole()]
    return found


def _files(graph: Graph, path: str) -> Iterator[File]:
    """The files that a path means, from a root or from any folder below it."""
    if "." not in path:
        return
    for root, folder in enumerate(graph.stored.roots):
        below = path.removeprefix(f"{folder.as_posix()}/").removeprefix("./")
        for relative, id_ in graph.stored.paths(root).items():
            if f"/{relative}".endswith(f"/{below}"):
                yield graph.stored.file(root, id_)


def _lines(graph: Graph, file: File) -> int:
    source = graph.stored.source(file)
    return source.count("\n") + (not source.endswith("\n"))


def _at_line(file: File, line: int) -> list[Definition]:
    """What is defined at a 0-based line; else the last function or class that begins before it."""
    if here := [each for each in file.definitions if each.line == line]:
        return here[:1]
    before = [
        each for each in file.definitions if each.line < line and each.kind in CLASS_LIKE | FUNCTION_LIKE
    ]
    return before[-1:]


def _in_module(graph: Graph, parts: list[str]) -> list[Definition]:
    """What a Python module or package of this name has, by definition or import; the module itself."""
    for at in range(len(parts), 0, -1):
        for root in range(len(graph.stored.roots)):
            place = graph.modules.python(root, "", ".".join(parts[:at]))
            if place is not None:
                file = graph.stored.file(*place)
                return _handed_on(graph, file, parts[at:], 0) if parts[at:] else [file.whole()]
    return []


def _handed_on(graph: Graph, file: File, inner: list[str], depth: int) -> list[Definition]:
    if found := file.named(".".join(inner[:-1]), inner[-1]):
        return found
    for made, _ in file.imported_as(inner[0]):
        place = graph.modules.python(file.root, file.relative, made.module)
        if place is not None and made.name and depth < _DEEPEST:
            return _handed_on(graph, graph.stored.file(*place), [made.name, *inner[1:]], depth + 1)
    return []


def _ordered(graph: Graph, found: list[Definition]) -> list[Definition]:
    """Classes and functions first; of each, sources before tests and before what was built or copied."""

    def place(each: Definition) -> tuple[int, int, int]:
        kind = next((at for at, kinds in enumerate(_ORDER) if each.kind in kinds), len(_ORDER))
        folders = each.path.relative_to(graph.stored.roots[each.root]).parts[:-1]
        aside = 2 if not BUILT.isdisjoint(folders) else int(graph.stored.is_test(each))
        return (kind + (each.kind is SymbolKind.FIELD), aside, len(each.container))

    return sorted(found, key=place)
