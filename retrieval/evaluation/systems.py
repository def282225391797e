"""The ways of searching that are measured side by side."""

from __future__ import annotations

from devflow.retrieval.base import Hit
from devflow.retrieval.evaluation.measure import System
from devflow.retrieval.index import Index
from devflow.retrieval.search import SearchOptions


def system(options: SearchOptions) -> System:
    """Search with these options."""

    async def search(index: Index, query: str, limit: int) -> list[Hit]:
        return await index.search(query, limit, options=options)

    return search


_ALL = SearchOptions().sources
SYSTEMS: dict[str, System] = {"DevFlow": system(SearchOptions())}
ABLATIONS: dict[str, System] = {
    **{f"without {source}": system(SearchOptions(sources=_ALL - {source})) for source in sorted(_ALL)},
    **{f"{source} alone": system(SearchOptions(sources=frozenset((source,)))) for source in sorted(_ALL)},
    "fused by rank, not learned": system(SearchOptions(reranked=False)),
    "text alone by bm25": system(SearchOptions(sources=frozenset(("text",)), reranked=False)),
    "vectors alone by cosine": system(SearchOptions(sources=frozenset(("vectors",)), reranked=False)),
    "gate off": system(SearchOptions(gated=False)),
    "any number of one file": system(SearchOptions(per_file=1_000)),
}
"""Every source by itself and left out, every fusion, the gate off, no limit on hits of one file."""
