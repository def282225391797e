"""What other files take from one: its names by imports, its functions by calls."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from devflow.analysis.languages import SCRIPTS
from devflow.analysis.text import common_ends
from devflow.retrieval.graph.base import Definition, Link
from devflow.retrieval.graph.links import Graph
from devflow.retrieval.graph.named import definitions_in

CERTAIN = 0.8
"""Links less sure are not built on: what is wrong costs more than what is missing."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A name that a file takes from another: by an import of it, or behind the other's own name. `imported`:
    module and name of the import as they are written there."""

    path: Path
    name: str
    imported: tuple[str, str]
    is_member: bool = False


@dataclass(frozen=True, slots=True)
class CallingFile:
    """A file as the index knows it, with the places of the names that call."""

    path: Path
    source: str
    starts: tuple[int, ...]

    def now(self, source: str) -> set[int]:
        """Where the calls stand in the present text; the index may not have seen the last edit of it."""
        first, last = common_ends(self.source, source)
        behind = len(self.source) - last
        moved = len(source) - len(self.source)
        return {at if at < first else at + moved for at in self.starts if at < first or at >= behind}


def calling_files(
    graph: Graph, path: Path, qualified_name: str, *, overridden: bool = True
) -> list[CallingFile] | None:
    """The files in which what `path` defines under this name is certainly called; None when the index does
    not know it. Without `overridden`, none for a method that subclasses may replace."""
    found = definitions_in(graph, path, qualified_name)
    if not found:
        return None
    by_file: dict[Path, tuple[str, list[int]]] = {}
    for each in found:
        for link in _certain(graph, each):
            if link.source.path not in by_file:
                if not overridden and not by_file and _is_replaced(graph, each):
                    return []
                source = graph.stored.source(graph.stored.file(link.source.root, link.source.file))
                by_file[link.source.path] = (source, [])
            by_file[link.source.path][1].append(link.start)
    return [CallingFile(path, source, tuple(starts)) for path, (source, starts) in by_file.items()]


def _certain(graph: Graph, definition: Definition) -> list[Link]:
    links = graph.incoming(definition, CERTAIN, ["call"])
    return [link for link in links if link.why != "override"]


def _is_replaced(graph: Graph, definition: Definition) -> bool:
    named = definition.name != "__init__" and definition.container
    return bool(named and (graph.overriding(definition) or graph.overridden(definition)))


def names_taken_from(graph: Graph, path: Path) -> list[Taken] | None:
    """The names that files of its root take from the Python or script module `path`, each once for a file;
    None when the index does not know it. Members of a module are told for Python."""
    for root, folder in enumerate(graph.stored.roots):
        if path.is_relative_to(folder):
            relative = path.relative_to(folder).as_posix()
            id_ = graph.stored.paths(root).get(relative)
            if id_ is not None:
                script = graph.stored.language(root, id_) in SCRIPTS
                some = _from_script(graph, root, id_, relative) if script else _from_python(graph, root, id_)
                return list(dict.fromkeys(some))
    return None


def _from_python(graph: Graph, root: int, id_: int) -> Iterator[Taken]:
    relative = graph.stored.relative(root, id_)
    stem = posixpath.basename(relative).partition(".")[0]
    package = stem == "__init__"
    called = posixpath.basename(posixpath.dirname(relative)) if package else stem
    for module, rows in _imports_of(graph, root, lambda module: module.rpartition(".")[2] in (called, "")):
        known: dict[str, bool] = {}
        for file, name, alias in rows:
            importer = graph.stored.relative(root, file)
            if file == id_ or graph.stored.language(root, file) != "python":
                continue
            beside = posixpath.dirname(importer)
            if beside not in known:
                known[beside] = graph.modules.python(root, importer, module) == (root, id_)
            if not known[beside]:
                continue
            if not name:
                yield from _members(graph, root, file, alias or module, (module, name))
            elif not package or graph.modules.submodule(root, relative, name) is None:
                yield Taken(graph.stored.path(root, file), name, (module, name))
    rows = graph.stored.rows(root, "SELECT file, module, alias FROM imports WHERE name = ?", (called,))
    for file, module, alias in rows:
        importer = graph.stored.relative(root, int(file))
        inner = f"{module}{called}" if str(module).endswith(".") else f"{module}.{called}"
        if int(file) != id_ and graph.modules.python(root, importer, inner) == (root, id_):
            yield from _members(graph, root, int(file), str(alias) or called, (str(module), called))


def _members(graph: Graph, root: int, file: int, receiver: str, imported: tuple[str, str]) -> Iterator[Taken]:
    """What a file reads behind a module's name."""
    whole = graph.stored.file(root, file).whole()
    for use in graph.stored.uses_in(whole):
        if use.receiver == receiver:
            yield Taken(whole.path, use.name, imported, is_member=True)


def _from_script(graph: Graph, root: int, id_: int, relative: str) -> Iterator[Taken]:
    stem = posixpath.basename(relative).partition(".")[0]
    called = {stem, posixpath.basename(posixpath.dirname(relative)), "", ".", ".."}
    for module, rows in _imports_of(
        graph, root, lambda module: (posixpath.basename(module).partition(".")[0] or ".") in called
    ):
        for file, name, _ in rows:
            importer = graph.stored.relative(root, file)
            script = graph.stored.language(root, file) in SCRIPTS
            if not name or file == id_ or not script or importer.endswith(".d.ts"):
                continue  # a declaration beside a bundle may mean another file of that name
            if graph.modules.script(root, importer, module) == (root, id_):
                yield Taken(graph.stored.path(root, file), name, (module, name))


def _imports_of(
    graph: Graph, root: int, wanted: Callable[[str], bool]
) -> Iterator[tuple[str, list[tuple[int, str, str]]]]:
    """Each module as imports write it, with the importing file, the name and what it is called there."""
    for (module,) in graph.stored.rows(root, "SELECT DISTINCT module FROM imports"):
        if wanted(str(module)):
            rows = graph.stored.rows(
                root, "SELECT file, name, alias FROM imports WHERE module = ?", (module,)
            )
            yield str(module), [(int(file), str(name), str(alias)) for file, name, alias in rows]
