"""The ways of searching that are measured side by side."""

from __future__ import annotations

from devflow.retrieval.base import Hit
from devflow.retrieval.evaluation.measure import System
from devflow.retrieval.index import Index


async def _devflow(index: Index, query: str, limit: int) -> list[Hit]:
    return await index.search(query, limit)


SYSTEMS: dict[str, System] = {"DevFlow": _devflow}
