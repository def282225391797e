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


ALL = SearchOptions().sources
SYSTEMS: dict[str, System] = {
    "DevFlow": system(SearchOptions()),
    "DevFlow, fused by rank": system(SearchOptions(reranked=False)),
}
