"""What the best hits use, beside them: who reads a function wants to know what it calls.

Search finds code by what it says; what that code needs often says something else, and only the code graph
knows it. On requirements (`devflow eval retrieval`) a context of 2,000 tokens held .36 of what was needed
without this, .86 with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from devflow.analysis.facts import SymbolKind
from devflow.retrieval.base import Hit
from devflow.retrieval.graph.base import Definition
from devflow.retrieval.graph.links import Graph
from devflow.retrieval.graph.named import definitions_in
from devflow.retrieval.graph.open_graph import CodeGraph

_FOLLOWED = 2
"""Hits whose needs are shown: of further ones less than a fifth is wanted."""
_MOST = 16


async def with_needed(hits: Sequence[Hit], graph: CodeGraph) -> list[Hit]:
    """`hits` with the heads of what the first of them use behind those, for `context.pack`."""
    first, rest = list(hits[:_FOLLOWED]), list(hits[_FOLLOWED:])
    places = [(hit.path, hit.symbol) for hit in first if hit.symbol]
    if not places:
        return list(hits)
    needed = await graph.ask(_needed_by, places)
    heads = [_head(each) for each in needed if not _is_shown(each, hits)]
    return first + heads[:_MOST] + rest


def _needed_by(graph: Graph, places: Sequence[tuple[Path, str]]) -> list[Definition]:
    """What the definitions at `places` (a file and a qualified name) use, each once, in the order of the
    text."""
    links = [
        link for place in places for each in definitions_in(graph, *place) for link in graph.outgoing(each)
    ]
    targets = dict.fromkeys(link.target for link in links)
    return [each for each in targets if each.kind not in (SymbolKind.MODULE, SymbolKind.PARAMETER)]


def _is_shown(needed: Definition, hits: Sequence[Hit]) -> bool:
    """Whether a hit is of the definition, or has it inside: its head would be said twice, or stand in the
    place of the hit."""
    return any(
        hit.path == needed.path
        and (hit.symbol == needed.qualified_name or hit.start <= needed.name_start < hit.end)
        for hit in hits
    )


def _head(needed: Definition) -> Hit:
    return Hit(
        path=needed.path,
        start=needed.name_start,
        end=needed.name_start + len(needed.name),
        first_line=needed.line,
        last_line=needed.line,
        symbol=needed.qualified_name,
        text=needed.signature,
        score=0.0,
        sources=("graph",),
    )
