"""Who calls a function, and whom it calls."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from devflow.analysis.calls import calls
from devflow.analysis.document import Document
from devflow.analysis.facts import ReferenceKind, Symbol, SymbolKind
from devflow.analysis.symbols import CLASS_LIKE, FUNCTION_LIKE
from devflow.retrieval.graph.base import Definition
from devflow.retrieval.graph.named import callers_of
from devflow.server.assist.base import Codebase
from devflow.server.assist.found import Found, moved
from devflow.server.assist.outline import defined_at, symbols_of
from devflow.server.assist.resolve import resolve
from devflow.server.assist.static_names import static_name
from devflow.server.assist.uses import definition_around, uses_of
from devflow.server.assist.waiting import within

_MOST_CALLS = 80
_GRAPH_SECONDS = 3.0
_CALLED = FUNCTION_LIKE | CLASS_LIKE


@dataclass(frozen=True, slots=True)
class Item:
    """A definition as hierarchies show it; without a symbol, the code of a file outside definitions."""

    path: Path
    symbol: Symbol


@dataclass(frozen=True, slots=True)
class Call:
    """Calls between two definitions; `places` are ranges of the calling file."""

    item: Item
    places: tuple[tuple[int, int], ...]


async def prepared(doc: Document, at: int, code: Codebase) -> list[Item]:
    """The function or class whose definition or use is at `at`."""
    found = await named(doc, at, code)
    return [
        Item(each.location.path, moved(each.symbol, each.location))
        for each in found
        if each.location is not None and each.symbol.kind in _CALLED
    ]


async def incoming(doc: Document, at: int, code: Codebase) -> list[Call]:
    """The calls of the definition whose name is at `at`, by what makes them: by the code graph, else, where
    the index does not know the definition as it is now, by name and text."""
    told = await _by_graph(doc, at, code)
    if told is not None:
        return told
    callers: dict[tuple[Path, int], tuple[Item, list[tuple[int, int]]]] = {}
    for use in await uses_of(doc, at, code):
        if use.kind is not ReferenceKind.CALL:
            continue
        item = Item(use.path, use.inside if use.inside is not None else _file(use.path))
        key = (use.path, use.inside.start if use.inside is not None else -1)
        callers.setdefault(key, (item, []))[1].append((use.start, use.end))
    return [Call(item, tuple(places)) for item, places in callers.values()]


async def _by_graph(doc: Document, at: int, code: Codebase) -> list[Call] | None:
    here = await asyncio.to_thread(symbols_of, doc, code.memory)
    own = defined_at(here, at)
    if own is None or code.index is None or doc.path is None:
        return None
    links = await within(code.index.graph.ask(callers_of, doc.path, own.qualified_name), _GRAPH_SECONDS)
    if links is None:
        return None
    callers: dict[Definition, list[tuple[int, int]]] = {}
    for link in links:
        text = doc.text if link.source.path == doc.path else await code.texts.text_of(link.source.path)
        if text is None or text.word_at(link.start) != (link.start, link.end):
            return None  # the file has changed since
        callers.setdefault(link.source, []).append((link.start, link.end))
    return [Call(_item(source), tuple(places)) for source, places in callers.items()]


def _item(definition: Definition) -> Item:
    return Item(definition.path, definition.symbol if definition.start >= 0 else _file(definition.path))


async def outgoing(doc: Document, at: int, code: Codebase) -> list[Call]:
    """What the definition whose name is at `at` calls, in the order of its text."""
    tree = doc.tree
    here = await asyncio.to_thread(symbols_of, doc, code.memory)
    own = defined_at(here, at)
    if tree is None or own is None:
        return []
    inside = [
        site
        for site in await asyncio.to_thread(calls, tree)
        if site.name_start >= 0 and own.start <= site.name_start < own.end
        if definition_around(here, site.name_start) == own
    ]
    callees: dict[tuple[Path, int], tuple[Item, list[tuple[int, int]]]] = {}
    for site in inside[:_MOST_CALLS]:
        for found in (await named(doc, site.name_start, code))[:1]:
            if found.location is not None and found.symbol.kind in _CALLED and not found.places > 1:
                key = (found.location.path, found.location.start)
                item = Item(found.location.path, moved(found.symbol, found.location))
                place = (site.name_start, site.name_start + len(site.name))
                callees.setdefault(key, (item, []))[1].append(place)
    return [Call(item, tuple(places)) for item, places in callees.values()]


async def named(doc: Document, at: int, code: Codebase) -> list[Found]:
    """What the name at `at` stands for by text, tree and index."""
    static = await static_name(doc, at, code)
    return [static[0]] if static is not None else await resolve(doc, at, code)


def _file(path: Path) -> Symbol:
    return Symbol(path.name, SymbolKind.MODULE, 0, 0, 0, 0)
