"""The ways of searching that are measured side by side."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from devflow.retrieval.base import Hit
from devflow.retrieval.evaluation.measure import System
from devflow.retrieval.evaluation.truth import Query
from devflow.retrieval.graph.centrality import imported
from devflow.retrieval.graph.links import Graph
from devflow.retrieval.index import Index
from devflow.retrieval.nearness import FACTS
from devflow.retrieval.search import SearchOptions

Opens = Callable[[Index, Query, Path], Awaitable[Sequence[Path]]]
"""Which files are open while a query is asked of the corpus in a folder."""


async def as_it_says(index: Index, query: Query, root: Path) -> Sequence[Path]:
    """The files that the query itself names."""
    return [root / path for path in query.near]


async def nothing(index: Index, query: Query, root: Path) -> Sequence[Path]:
    """No file."""
    return ()


async def an_importer(index: Index, query: Query, root: Path) -> Sequence[Path]:
    """One of the files that import a right answer; none, where there is none."""

    def importers(graph: Graph) -> list[Path]:
        files, pairs = imported(graph.stored, graph.modules)
        wanted = {root / gold.path for gold in query.golds}
        return sorted({files[one] for one, other in pairs if files[other] in wanted} - wanted)

    found = await index.graph.ask(importers)
    return [random.Random(query.id).choice(found)] if found else ()


async def any_file(index: Index, query: Query, root: Path) -> Sequence[Path]:
    """One that imports something or is imported, whatever is asked."""
    files = await index.graph.ask(lambda graph: imported(graph.stored, graph.modules)[0])
    return [random.Random(query.id).choice(files)] if files else ()


def system(options: SearchOptions, opens: Opens = as_it_says) -> System:
    """Search with these options, while these files are open."""

    async def search(index: Index, query: Query, root: Path, limit: int) -> list[Hit]:
        near = await opens(index, query, root)
        return await index.search(query.text, limit, options=options, near=near)

    return search


_FACTS = {"imports": "imports from open files", "together": "changes together", "lately": "the last change"}
_ALL = SearchOptions().sources
SYSTEMS: dict[str, System] = {"DevFlow": system(SearchOptions())}
OF_HISTORIES: dict[str, System] = {
    "no file open": system(SearchOptions(), nothing),
    **{f"without {name}": system(SearchOptions(facts=FACTS - {fact})) for fact, name in _FACTS.items()},
    "none of these": system(SearchOptions(facts=frozenset()), nothing),
}
"""Each fact of files left out: what is compared where every question has a tree of its own, which is dear."""
ABLATIONS: dict[str, System] = {
    **{f"without {source}": system(SearchOptions(sources=_ALL - {source})) for source in sorted(_ALL)},
    **{f"{source} alone": system(SearchOptions(sources=frozenset((source,)))) for source in sorted(_ALL)},
    "fused by rank, not learned": system(SearchOptions(reranked=False)),
    "text alone by bm25": system(SearchOptions(sources=frozenset(("text",)), reranked=False)),
    "vectors alone by cosine": system(SearchOptions(sources=frozenset(("vectors",)), reranked=False)),
    "gate off": system(SearchOptions(gated=False)),
    "any number of one file": system(SearchOptions(per_file=1_000)),
    "an importer open": system(SearchOptions(), an_importer),
    "any file open": system(SearchOptions(), any_file),
    **OF_HISTORIES,
}
"""Every source by itself and left out, every fusion, the gate off, no limit on hits of one file; files open,
and each fact of files left out."""
