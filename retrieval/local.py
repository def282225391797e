"""Vectors for a command in a terminal, which has no index worker to ask."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from devflow.retrieval.base import VectorSearch
from devflow.retrieval.embedder import HashedEmbedder
from devflow.retrieval.store import Reader, index_directory
from devflow.retrieval.vectors import Vectors, VectorsUnavailable, open_vectors


@contextlib.asynccontextmanager
async def local_vectors(root: Path) -> AsyncIterator[tuple[VectorSearch | None, str]]:
    """The vectors of `root` opened in this process, or None and a sentence: an editor's server may own
    them, and nobody may open them beside it."""
    directory = index_directory(root)
    reader = Reader(directory, connections=1)
    try:
        async with reader.snapshot() as db:
            rows = [] if db is None else await db.execute_fetchall("SELECT value FROM meta WHERE key = 'uid'")
    finally:
        await reader.close()
    uid = "".join(row[0] for row in rows)
    if not uid or not await asyncio.to_thread((directory / "chroma").is_dir):
        yield None, f"There are no vectors of {root} yet; searching text and names only."
        return
    try:
        vectors = await asyncio.to_thread(open_vectors, directory / "chroma", uid, HashedEmbedder())
    except VectorsUnavailable as error:
        yield None, str(error)
        return
    try:
        yield _Local(root, vectors), ""
    finally:
        await asyncio.to_thread(vectors.close)


class _Local:
    def __init__(self, root: Path, vectors: Vectors) -> None:
        self._root = root
        self._vectors = vectors

    async def nearest(self, root: Path, query: str, limit: int) -> list[tuple[int, float]]:
        if root != self._root:
            return []
        try:
            return await asyncio.to_thread(self._vectors.nearest, query, limit)
        except VectorsUnavailable:
            return []
