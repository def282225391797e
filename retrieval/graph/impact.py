"""What is affected when a definition changes, with the path that shows why; the tests of a definition."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from devflow.analysis.facts import SymbolKind
from devflow.analysis.symbols import CLASS_LIKE, FUNCTION_LIKE
from devflow.retrieval.graph.base import SURE, Definition, Link
from devflow.retrieval.graph.links import Graph

MOST = 400


@dataclass(frozen=True, slots=True)
class Affected:
    """A definition that depends on the one that changes. `because` is the link to what it depends on,
    which is nearer to the change; following it leads there."""

    definition: Definition
    distance: int
    because: Link
    confidence: float
    """Of the weakest link on the way."""
    is_test: bool


@dataclass(frozen=True, slots=True)
class Impact:
    """All that is affected, nearest first, each once by its shortest way."""

    of: Definition
    affected: tuple[Affected, ...]
    more: bool
    """There is more than was asked for."""

    def way(self, definition: Definition) -> list[Link]:
        """The links from an affected definition to what changes."""
        by = {each.definition: each for each in self.affected}
        links: list[Link] = []
        at = definition
        while at in by and len(links) <= len(by):
            links.append(by[at].because)
            at = by[at].because.target
        return links


def impact(
    graph: Graph, definition: Definition, least: float = SURE, most: int = MOST, deepest: int = 12
) -> Impact:
    """What depends on `definition`, over calls, uses, types, inheritance and overrides, through all roots.

    A breadth-first search against the links; of a class that changes, users of its members count too.
    """
    found: dict[Definition, Affected] = {}
    own = dict.fromkeys((definition, *_members(graph, definition)))
    frontier: list[tuple[Definition, float]] = [(each, 1.0) for each in own]
    for distance in range(1, deepest + 1):
        following: list[tuple[Definition, float]] = []
        for at, confidence in frontier:
            for link in dependents(graph, at, least):
                source = link.source
                if source in found or source in own:
                    continue
                if len(found) >= most:
                    return Impact(definition, tuple(found.values()), more=True)
                weakest = min(confidence, link.confidence)
                found[source] = Affected(source, distance, link, weakest, graph.stored.is_test(source))
                following.append((source, weakest))
        frontier = following
        if not frontier:
            break
    return Impact(definition, tuple(found.values()), more=bool(frontier))


def dependents(graph: Graph, definition: Definition, least: float = SURE) -> list[Link]:
    """One step: what uses, extends or overrides a definition."""
    if definition.kind is SymbolKind.MODULE and definition.start < 0:
        return []
    links = graph.incoming(definition, least)
    using = {link.source.file for link in links if link.kind != "import"}
    # Who imports a name and uses it is affected where it is used.
    links = [link for link in links if link.kind != "import" or link.source.file not in using]
    if definition.kind in CLASS_LIKE:
        links += [_made(graph, each, definition, "extends") for each in graph.subclasses(definition)]
    elif definition.kind in FUNCTION_LIKE and definition.container:
        links += [_made(graph, each, definition, "overrides") for each in graph.overriding(definition)]
    return links


def covering_tests(
    graph: Graph, definition: Definition, deepest: int = 4, most: int = 2_000
) -> list[Affected]:
    """The tests that reach a definition over calls, nearest first."""
    reached = impact(graph, definition, SURE, most, deepest)
    return [each for each in reached.affected if each.is_test and each.definition.kind in FUNCTION_LIKE]


def reached_from(
    graph: Graph,
    definition: Definition,
    stop: Callable[[Link], bool],
    least: float = SURE,
    most: int = 5_000,
    seconds: float = 10.0,
) -> list[list[Link]]:
    """The shortest ways to `definition` from links at which `stop` says so; each way begins there. Nearest
    first: what lies behind `most` definitions, or behind what `seconds` are enough for, is left out."""
    ways: list[list[Link]] = []
    seen = {definition}
    until = time.monotonic() + seconds
    pending: deque[tuple[Definition, list[Link]]] = deque([(definition, [])])
    while pending and time.monotonic() < until:
        at, way = pending.popleft()
        for link in dependents(graph, at, least):
            longer = [link, *way]
            if stop(link):
                ways.append(longer)
            elif link.source not in seen and len(seen) < most:
                seen.add(link.source)
                pending.append((link.source, longer))
    return ways


def _members(graph: Graph, definition: Definition) -> list[Definition]:
    if definition.kind not in CLASS_LIKE:
        return []
    file = graph.stored.file(definition.root, definition.file)
    inside = file.members.get(definition.qualified_name, {})
    return [each for some in inside.values() for each in some if each.kind in FUNCTION_LIKE]


def _made(graph: Graph, source: Definition, target: Definition, kind: str) -> Link:
    end = source.name_start + len(source.name)
    return Link(source, target, kind, source.line, source.name_start, end, 0.95, kind)
