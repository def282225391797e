"""Which definitions a name means, as a user writes it."""

from __future__ import annotations

from pathlib import Path

from devflow.analysis.facts import SymbolKind
from devflow.analysis.symbols import CLASS_LIKE, FUNCTION_LIKE
from devflow.retrieval.graph.base import Definition, Link, Use
from devflow.retrieval.graph.links import Graph

_ORDER = (CLASS_LIKE, FUNCTION_LIKE)
_BUILT = frozenset(["dist", "build", "out", "vendor", "third_party", "generated", "bundles"])
"""Folders whose code was most likely made or copied from elsewhere."""


def definitions_named(graph: Graph, name: str) -> list[Definition]:
    """Definitions that fit `name`, classes and functions before variables: a name, a qualified one, one
    with its module (`package.module.Class.method`) or its file (`path/file.py:Class.method`). A file
    without a name means its own code."""
    path, separator, inner = name.rpartition(":")
    if separator and not path.endswith(":") and "." in path:
        return _ordered(graph, _in_file(graph, path, inner))
    parts = [part for part in name.replace("::", ".").replace("#", ".").split(".") if part]
    if not parts:
        return []
    found = graph.stored.named(parts[-1])
    outer = parts[:-1]
    return _ordered(graph, [each for each in found if _fits(each, outer)])


def definitions_in(graph: Graph, path: Path, qualified_name: str) -> list[Definition]:
    """The definitions of this qualified name in one file."""
    container, _, name = qualified_name.rpartition(".")
    found: list[Definition] = []
    for number, root in enumerate(graph.stored.roots):
        if path.is_relative_to(root):
            id_ = graph.stored.paths(number).get(path.relative_to(root).as_posix())
            found += graph.stored.file(number, id_).named(container, name) if id_ is not None else []
    return found


def told_at(
    graph: Graph, path: Path, start: int, name: str, receiver: str, kind: str
) -> list[Definition] | None:
    """What the code says of a `name` that a file uses at `start`, where types are written down; [] when it is
    nothing of the workspace, None when the code does not say. `kind` is a reference's."""
    for number, root in enumerate(graph.stored.roots):
        if path.is_relative_to(root):
            id_ = graph.stored.paths(number).get(path.relative_to(root).as_posix())
            if id_ is not None:
                use = Use(number, id_, start, start + len(name), kind, 0, name, receiver, "")
                told = graph.declared.told(use)
                return None if told is None else [each.definition for each in told]
    return None


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
    found: list[Definition] = []
    for root in range(len(graph.stored.roots)):
        for relative, id_ in graph.stored.paths(root).items():
            if f"/{relative}".endswith("/" + path.lstrip("./")):
                file = graph.stored.file(root, id_)
                container, _, last = inner.rpartition(".")
                found += file.named(container, last) if inner else [file.whole()]
    return found


def _ordered(graph: Graph, found: list[Definition]) -> list[Definition]:
    """Classes and functions first; of each, sources before tests and before what was built or copied."""

    def place(each: Definition) -> tuple[int, int, int]:
        kind = next((at for at, kinds in enumerate(_ORDER) if each.kind in kinds), len(_ORDER))
        folders = each.path.relative_to(graph.stored.roots[each.root]).parts[:-1]
        aside = 2 if not _BUILT.isdisjoint(folders) else int(graph.stored.is_test(each))
        return (kind + (each.kind is SymbolKind.FIELD), aside, len(each.container))

    return sorted(found, key=place)
