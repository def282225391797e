"""The code around a definition that a model should see: who calls it, what it calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from devflow.analysis.document import Document
from devflow.analysis.facts import ReferenceKind
from devflow.analysis.paths import told_path
from devflow.analysis.references import references
from devflow.analysis.symbols import FUNCTIONS
from devflow.models.guard.egress import rule_paths
from devflow.retrieval.base import IndexedReference, IndexedSymbol
from devflow.retrieval.graph.named import around
from devflow.server.assist.target import Target
from devflow.server.assist.waiting import within

if TYPE_CHECKING:
    from devflow.models.base import ChatRequest
    from devflow.retrieval.graph.base import Link
    from devflow.server.assist.base import Codebase

_MOST_CALLERS = 3
_MOST_CALLEES = 8
_LINES_AROUND = 3
_GRAPH_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Related:
    """Text for a prompt, and the files it is from (as path rules name them)."""

    text: str = ""
    paths: tuple[str, ...] = ()


def with_and_without(make: Callable[[Related], ChatRequest], context: Related) -> tuple[ChatRequest, ...]:
    """The request with `context`, and the one to fall back on where a path rule keeps a file of the
    context on the machine."""
    return (make(context), make(Related())) if context.text else (make(context),)


def joined(one: Related, other: Related) -> Related:
    """Both, the first one first."""
    texts = [each.text for each in (one, other) if each.text]
    return Related("\n\n".join(texts), tuple(dict.fromkeys((*one.paths, *other.paths))))


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What the index says about a definition."""

    callers: tuple[IndexedReference, ...] = ()
    """Uses outside the definition itself."""
    callees: tuple[IndexedSymbol, ...] = ()
    """Definitions of the names it calls that are certain: one in the whole codebase."""


async def neighbours(target: Target, doc: Document, code: Codebase) -> Neighbours:
    """Callers and callees of `target`, by the code graph; where it does not know the target, by names.
    Empty without an index."""
    if code.index is None:
        return Neighbours()
    if target.symbol is not None and target.symbol.kind in FUNCTIONS and doc.path is not None:
        asked = code.index.graph.ask(around, doc.path, target.symbol.qualified_name)
        links = await within(asked, _GRAPH_SECONDS)
        if links is not None:
            return await _by_graph(links, code)
    callers: list[IndexedReference] = []
    if target.symbol is not None:
        for use in await code.index.references_to(target.symbol.name):
            inside = use.path == doc.path and target.start <= use.start < target.end
            if not inside and (target.symbol.kind not in FUNCTIONS or use.kind == ReferenceKind.CALL):
                callers.append(use)
    callees: list[IndexedSymbol] = []
    for name in await asyncio.to_thread(called_names, doc, target):
        found = [
            one for one in await code.index.symbols_named(name, 5) if one.symbol.kind in FUNCTIONS | {"class"}
        ]
        if len(found) == 1:
            callees.append(found[0])
        if len(callees) == _MOST_CALLEES:
            break
    return Neighbours(tuple(callers), tuple(callees))


async def _by_graph(links: tuple[list[Link], list[Link]], code: Codebase) -> Neighbours:
    assert code.index is not None
    calls, called = links
    callers = [
        IndexedReference(
            link.source.path,
            link.target.name,
            ReferenceKind.CALL,
            link.start,
            link.end,
            link.line,
            "",
            link.source.qualified_name,
        )
        for link in calls
    ]
    callees: list[IndexedSymbol] = []
    for definition in list(dict.fromkeys(link.target for link in called))[:_MOST_CALLEES]:
        found = await code.index.symbols_named(definition.name, 200)
        callees += [
            one for one in found if (one.path, one.symbol.start) == (definition.path, definition.start)
        ][:1]
    return Neighbours(tuple(callers), tuple(callees))


async def related(target: Target, doc: Document, code: Codebase, characters: int) -> Related:
    """Heads of what `target` calls and a few lines around its calls, within `characters`."""
    known = await neighbours(target, doc, code)
    parts: list[str] = []
    taken: list[Path] = []
    left = characters

    def take(path: Path, line: int, text: str) -> None:
        nonlocal left
        part = f"{told_path(path, code.roots)}:{line + 1}\n{text.rstrip()}\n"
        if len(part) <= left:
            left -= len(part)
            parts.append(part)
            taken.append(path)

    for callee in known.callees:
        summary = callee.symbol.doc.strip().partition("\n")[0]
        take(callee.path, callee.line, callee.symbol.signature + (f"\n    {summary}" if summary else ""))
    for use in spread(known.callers)[:_MOST_CALLERS]:
        text = await code.texts.text_of(use.path)
        if text is None or use.end > len(text) or text.source[use.start : use.end] != use.name:
            continue
        line = text.line_at(use.start)
        first = max(line - _LINES_AROUND, 0)
        last = min(line + _LINES_AROUND, text.line_count - 1)
        take(use.path, first, text.source[text.line_start(first) : text.line_end(last)])
    return Related("\n".join(parts), await asyncio.to_thread(rule_names, taken, code.roots))


def rule_names(paths: Sequence[Path], roots: Sequence[Path]) -> tuple[str, ...]:
    """The files as path rules name them, each once. Looks at folders: not for the event loop."""
    return tuple(dict.fromkeys(name for path in paths for name in rule_paths(path, "", roots)))


def called_names(doc: Document, target: Target) -> list[str]:
    """Names called inside `target`, in order, each once. CPU-bound."""
    if doc.tree is None:
        return []
    own = target.symbol.name if target.symbol is not None else ""
    inside = (
        use.name
        for use in references(doc.tree)
        if use.kind == ReferenceKind.CALL and target.start <= use.start < target.end and use.name != own
    )
    return list(dict.fromkeys(inside))


def spread(uses: tuple[IndexedReference, ...]) -> list[IndexedReference]:
    """The uses with those from different files first: three callers of one file say less."""
    seen: dict[Path, int] = {}
    ranked = []
    for use in uses:
        seen[use.path] = seen.get(use.path, 0) + 1
        ranked.append((seen[use.path], use))
    return [use for _, use in sorted(ranked, key=lambda pair: pair[0])]
