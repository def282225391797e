"""Keeps Chroma equal to the chunks in the store, a few hundred at a time."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path

import aiosqlite

from devflow.retrieval import write
from devflow.retrieval.embedder import HashedEmbedder
from devflow.retrieval.vectors import Vectors, VectorsUnavailable, open_vectors

log = logging.getLogger(__name__)

_AT_ONCE = 64
"""Chunks per step: Chroma holds the interpreter while it takes them in, so nothing else is answered."""
_AFTER_QUERY, _PAUSE = 0.5, 0.1
"""While somebody is asking (seconds since the last query), steps are this far apart."""
_RETRY = 30.0


class VectorSync:
    """The vectors of one root. SQLite says which chunks have none yet and which vectors are dead; both
    lists survive a kill, and doing an entry twice does no harm."""

    def __init__(self, directory: Path) -> None:
        self.problem = ""
        self._directory = directory
        self._vectors: Vectors | None = None
        self._embedder = HashedEmbedder()
        self._for_queries = HashedEmbedder()
        self._querying = asyncio.Lock()
        self._not_before = 0.0
        self._last_query = -_AFTER_QUERY

    async def step(self, db: aiosqlite.Connection) -> bool:
        """Do some work; False when there is none (or no vectors for now)."""
        if self._vectors is None and not await self._open(db):
            return False
        vectors = self._vectors
        assert vectors is not None
        if time.monotonic() - self._last_query < _AFTER_QUERY:
            await asyncio.sleep(_PAUSE)
        try:
            dead = [row[0] for row in await db.execute_fetchall("SELECT id FROM dead_vectors LIMIT 1000")]
            if dead:
                await asyncio.to_thread(vectors.delete, dead)
                await write.forget_dead_vectors(db, dead)
            rows = await db.execute_fetchall(
                "SELECT c.id, f.path || ' ' || c.symbol || char(10) || c.text FROM chunks c "
                "JOIN files f ON f.id = c.file WHERE c.embedded = 0 ORDER BY c.id LIMIT ?",
                (_AT_ONCE,),
            )
            ids = [row[0] for row in rows]
            if ids:
                await asyncio.to_thread(self._add, vectors, ids, [row[1] for row in rows])
                await write.mark_embedded(db, ids)
            return bool(dead or ids)
        except VectorsUnavailable as error:
            await self._fail(error)
            return True

    async def nearest(self, query: str, limit: int) -> list[tuple[int, float]]:
        """Chunk ids and similarities, most similar first; nothing while there are no vectors."""
        vectors = self._vectors
        if vectors is None:
            return []
        self._last_query = time.monotonic()
        try:
            async with self._querying:
                return await asyncio.to_thread(self._nearest, vectors, query, limit)
        except VectorsUnavailable as error:
            log.warning("%s", error)
            return []

    async def close(self) -> None:
        """Give the directory free."""
        vectors, self._vectors = self._vectors, None
        if vectors is not None:
            async with self._querying:
                await asyncio.to_thread(vectors.close)

    async def _open(self, db: aiosqlite.Connection) -> bool:
        if time.monotonic() < self._not_before:
            return False
        [(uid,)] = await db.execute_fetchall("SELECT value FROM meta WHERE key = 'uid'")
        # The store's id is part of the name: in a store made again the ids mean other chunks.
        made_by = f"{self._embedder.name}/{uid}"
        try:
            vectors = await asyncio.to_thread(
                open_vectors, self._directory, made_by, self._embedder.dimensions
            )
            count = await asyncio.to_thread(vectors.count)
        except VectorsUnavailable as error:
            await self._fail(error)
            return False
        [(marked,)] = await db.execute_fetchall("SELECT count(*) FROM chunks WHERE embedded <> 0")
        if count < marked:
            await write.embed_all_again(db)
        await write.put_meta(db, {"embedder": self._embedder.name})
        self._vectors, self.problem = vectors, ""
        return True

    async def _fail(self, error: VectorsUnavailable) -> None:
        self.problem = str(error)
        self._not_before = time.monotonic() + _RETRY
        await self.close()

    def _add(self, vectors: Vectors, ids: list[int], texts: list[str]) -> None:
        vectors.add(ids, self._embedder.embed(texts))

    def _nearest(self, vectors: Vectors, query: str, limit: int) -> list[tuple[int, float]]:
        [vector] = self._for_queries.embed([query])
        if not vector.any():
            return []
        return vectors.nearest(vector, limit)
