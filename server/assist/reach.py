"""Who depends on the functions of a piece of a document, for a model that reviews it: callers with the line
they call in, tests and endpoints that reach it, as the code graph knows them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from devflow.analysis.document import Document
from devflow.analysis.facts import Symbol
from devflow.analysis.paths import told_path
from devflow.analysis.symbols import FUNCTIONS
from devflow.analysis.text import line_bounds
from devflow.retrieval.graph.endpoints import endpoints_reaching
from devflow.retrieval.graph.impact import covering_tests
from devflow.retrieval.graph.links import Graph
from devflow.retrieval.graph.named import around, definitions_in
from devflow.server.assist.outline import symbols_of
from devflow.server.assist.related import Related, rule_names
from devflow.server.assist.waiting import due, within

if TYPE_CHECKING:
    from devflow.retrieval.graph.base import Definition, Link
    from devflow.server.assist.base import Codebase

SECONDS = 2.0
"""For all functions of a piece; those that were not reached are left out."""
_SECONDS_EACH = 0.7
_MOST_FUNCTIONS = 12
_MOST_CALLERS, _MOST_TESTS, _MOST_ENDPOINTS = 3, 2, 3
_LONGEST_LINE = 100


@dataclass(frozen=True, slots=True)
class _Reach:
    """What leads to one definition."""

    callers: tuple[tuple[Link, str], ...]
    """Calls from outside it, with the lines they stand in; those of other files first."""
    caller_count: int
    tests: tuple[Definition, ...]
    endpoints: tuple[str, ...]


async def reach(doc: Document, start: int, end: int, code: Codebase, characters: int) -> Related:
    """One entry for each function that begins in `start:end` and that something leads to, those with most
    callers first, within `characters`. Empty without an index."""
    if code.index is None or doc.path is None:
        return Related()
    symbols = [
        each
        for each in await asyncio.to_thread(symbols_of, doc, code.memory)
        if each.kind in FUNCTIONS and start <= each.start < end
    ]
    until = due(SECONDS)
    found: list[tuple[Symbol, _Reach]] = []
    for symbol in symbols[:_MOST_FUNCTIONS]:
        if time.monotonic() > until:
            break
        asked = code.index.graph.ask(_reach, doc.path, symbol.qualified_name)
        known = await within(asked, _SECONDS_EACH)
        if known is not None and (known.callers or known.tests or known.endpoints):
            found.append((symbol, known))
    found.sort(key=lambda pair: -pair[1].caller_count)
    parts: list[str] = []
    paths: list[Path] = []
    for symbol, known in found:
        part = _told(symbol, known, code.roots)
        if len(part) + 1 <= characters:
            characters -= len(part) + 1
            parts.append(part)
            paths += [link.source.path for link, _ in known.callers]
            paths += [each.path for each in known.tests]
    named = await asyncio.to_thread(rule_names, list(dict.fromkeys(paths)), code.roots)
    return Related("\n".join(parts), named)


def _reach(graph: Graph, path: Path, qualified_name: str) -> _Reach | None:
    links = around(graph, path, qualified_name)
    found = definitions_in(graph, path, qualified_name)
    if links is None or not found:
        return None
    calls = sorted(
        (link for link in links[0] if not graph.stored.is_test(link.source)),
        key=lambda link: link.source.path == path,
    )
    tests = list(dict.fromkeys(each.definition for each in covering_tests(graph, found[0], 3, 200)))
    reaching = endpoints_reaching(graph, found[0])[:_MOST_ENDPOINTS]
    return _Reach(
        tuple((link, _line(graph, link)) for link in calls[:_MOST_CALLERS]),
        len(calls),
        tuple(tests[:_MOST_TESTS]),
        tuple(f"{each.endpoint.method} {each.endpoint.route}" for each in reaching),
    )


def _line(graph: Graph, link: Link) -> str:
    source = graph.stored.source(graph.stored.file(link.source.root, link.source.file))
    return source[slice(*line_bounds(source, link.start, link.end))].strip()[:_LONGEST_LINE]


def _told(symbol: Symbol, known: _Reach, roots: Sequence[Path]) -> str:
    lines = [symbol.qualified_name]
    for link, line in known.callers:
        at = f"{told_path(link.source.path, roots)}:{link.line + 1}"
        lines.append(f"  called in {link.source.qualified_name} ({at}): {line}")
    if known.caller_count > len(known.callers):
        lines.append(f"  and called in {known.caller_count - len(known.callers)} more places")
    if known.endpoints:
        lines.append(f"  reached by {', '.join(known.endpoints)}")
    for test in known.tests:
        lines.append(f"  tested by {test.qualified_name} ({told_path(test.path, roots)}:{test.line + 1})")
    return "\n".join(lines)
