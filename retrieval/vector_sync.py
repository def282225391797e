"""Keeps Chroma equal to the chunks in the store, a few at a time, and gives its memory back in between."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import aiosqlite

from devflow.retrieval import write
from devflow.retrieval.base import VectorOptions
from devflow.retrieval.embedders.choose import made_by
from devflow.retrieval.vector_process import VectorProcess
from devflow.retrieval.vectors import VectorsUnavailable

log = logging.getLogger(__name__)

_FEWEST, _FIRST, _MOST = 8, 64, 1024
_STEP = 0.3
"""Chunks per step: as many as take this many seconds; a question may have to wait for one."""
_AFTER_QUERY, _PAUSE = 0.5, 0.1
"""While somebody is asking (seconds since the last query), steps are this far apart."""
_RETRY = 30.0
_TYPING = 30.0
"""Seconds after the last keystroke for which vectors that nobody asks for are not opened: half-typed code
can wait, and opening costs a second of CPU."""
_IDLE = 45.0
"""Seconds without work or question after which they are closed."""
_OPENS_WITHIN = 1.5
"""Seconds a question waits for that; on a busy machine it goes without, and the next one finds them open."""
_CLOSES_WITHIN = 5.0
"""Seconds that closing waits for an opening under way, which a thread does and nobody can stop."""


class VectorStore(Protocol):
    """What holds the vectors; synchronous, as `vectors.Vectors`. Every method raises VectorsUnavailable."""

    embedder: str
    problem: str

    def add(self, ids: Sequence[int], texts: Sequence[str], paths: Sequence[str] = ()) -> None: ...
    def delete(self, ids: Sequence[int]) -> None: ...
    def nearest(self, query: str, limit: int) -> list[tuple[int, float]]: ...
    def count(self) -> int: ...
    def finish(self) -> None: ...
    def close(self) -> None: ...


class VectorSync:
    """The vectors of one root, opened when there is something to do. SQLite says which chunks have none
    yet and which vectors are dead; both lists survive a kill, and doing an entry twice does no harm."""

    def __init__(
        self,
        directory: Path,
        wake: Callable[[], None] = lambda: None,
        opener: Callable[[Path, str, VectorOptions], VectorStore] = VectorProcess,
        options: VectorOptions = VectorOptions(),  # noqa: B008  # frozen
        *,
        check: bool = False,
    ) -> None:
        """With `check` they are opened once although there may be nothing to do, which makes again those
        that a server or a folder has lost."""
        self.problem = ""
        self._check = check
        self._directory = directory
        self._wake = wake
        """Have `step` called soon."""
        self._opener = opener
        self._options = options
        self._at_once = _FIRST
        self._made_by = made_by(options)
        self._embedder_checked = False
        self._finished = False
        """Every chunk has had a vector since they were opened."""
        self._vectors: VectorStore | None = None
        self._opening: asyncio.Task[tuple[VectorStore, int]] | None = None
        self._opened = asyncio.Event()
        self._asked = False
        self._querying = asyncio.Lock()
        self._not_before = 0.0
        self._last_query = self._last_use = self._typed_at = -_IDLE

    def typed(self) -> None:
        """A document is being typed in."""
        self._typed_at = time.monotonic()

    @property
    def opening(self) -> bool:
        """Whether they are being opened: `step` has more to do when they are."""
        return self._opening is not None

    async def step(self, db: aiosqlite.Connection) -> bool:
        """Do some work; False when there is none for now. Opening takes a second or two, which no file that
        is saved has to wait for: it goes on beside, and wakes who calls this."""
        now = time.monotonic()
        dead = [row[0] for row in await db.execute_fetchall("SELECT id FROM dead_vectors LIMIT 1000")]
        asked = now - self._last_query < _AFTER_QUERY
        rows = await db.execute_fetchall(
            "SELECT c.id, f.path || ' ' || c.symbol || char(10) || c.text, f.path FROM chunks c "
            "JOIN files f ON f.id = c.file WHERE c.embedded = 0 ORDER BY c.id LIMIT ?",
            (self._at_once,),
        )
        ids = [row[0] for row in rows]
        if self._opening is not None:
            return self._opening.done() and await self._begin(db, self._opening)
        if self._vectors is None:
            wanted = self._asked or (
                (ids or dead or self._check or await self._other_embedder(db))
                and now - self._typed_at >= _TYPING
            )
            if wanted and now >= self._not_before:
                await self._open(db)
            return False
        vectors = self._vectors
        if not ids and not dead:
            if not self._finished:
                try:
                    await asyncio.to_thread(vectors.finish)
                except VectorsUnavailable as error:
                    await self._fail(error)
                    return False
                self._finished = True
            if now - max(self._last_use, self._last_query) > _IDLE:
                await self.close()
            return False
        self._last_use = now
        if asked:
            await asyncio.sleep(_PAUSE)
        try:
            if ids:
                await asyncio.to_thread(vectors.add, ids, [row[1] for row in rows], [row[2] for row in rows])
                took = max(time.monotonic() - now, 0.001)
                self._at_once = min(max(int(len(ids) * _STEP / took), _FEWEST), _MOST)
                await write.mark_embedded(db, ids)
            if dead:  # search leaves them out already; what is new can be waited for
                await asyncio.to_thread(vectors.delete, dead)
                await write.forget_dead_vectors(db, dead)
        except VectorsUnavailable as error:
            await self._fail(error)
        return True

    async def nearest(self, query: str, limit: int, *, wait: bool = True) -> list[tuple[int, float]]:
        """Chunk ids and similarities, most similar first; nothing while there are no vectors. The first
        question after a pause has them opened, and waits for it if `wait`."""
        self._last_query = time.monotonic()
        if self._vectors is None:
            if self._last_query < self._not_before:
                return []
            self._asked = True
            self._wake()
            if not wait:
                return []
            try:
                await asyncio.wait_for(self._opened.wait(), _OPENS_WITHIN)
            except TimeoutError:
                return []
        try:
            async with self._querying:
                vectors = self._vectors
                return [] if vectors is None else await asyncio.to_thread(vectors.nearest, query, limit)
        except VectorsUnavailable as error:
            # The process may be gone, or a server: opened again later, and said so meanwhile.
            await self._fail(error)
            return []

    async def close(self) -> None:
        """Give the directory and the memory free."""
        opening, self._opening = self._opening, None
        if opening is not None:
            await asyncio.wait([opening], timeout=_CLOSES_WITHIN)
            if not opening.done():
                opening.add_done_callback(_close_unused)
            elif opening.exception() is None:
                await asyncio.to_thread(opening.result()[0].close)
        vectors, self._vectors = self._vectors, None
        self._opened.clear()
        if vectors is not None:
            async with self._querying:
                await asyncio.to_thread(vectors.close)

    async def _other_embedder(self, db: aiosqlite.Connection) -> bool:
        """Whether the chunks were embedded by another embedder than the one that is configured now."""
        if self._embedder_checked:
            return False
        rows = await db.execute_fetchall(
            "SELECT value FROM meta WHERE key = 'embedder_made_by' AND EXISTS (SELECT 1 FROM chunks)"
        )
        self._embedder_checked = all(row[0] == self._made_by for row in rows)
        return not self._embedder_checked

    async def _open(self, db: aiosqlite.Connection) -> None:
        # The store's id is part of the name: in a store made again the ids mean other chunks.
        [(uid,)] = await db.execute_fetchall("SELECT value FROM meta WHERE key = 'uid'")
        self._opening = asyncio.create_task(asyncio.to_thread(self._made, str(uid)))
        self._opening.add_done_callback(lambda _: self._wake())

    def _made(self, uid: str) -> tuple[VectorStore, int]:
        vectors = self._opener(self._directory, uid, self._options)
        try:
            return vectors, vectors.count()
        except BaseException:
            vectors.close()
            raise

    async def _begin(self, db: aiosqlite.Connection, opening: asyncio.Task[tuple[VectorStore, int]]) -> bool:
        """Take over what was opened."""
        self._opening = None
        try:
            vectors, count = opening.result()
        except VectorsUnavailable as error:
            await self._fail(error)
            return False
        [(marked,)] = await db.execute_fetchall("SELECT count(*) FROM pieces WHERE embedded <> 0")
        if count < marked:
            await write.embed_all_again(db)
        await write.put_meta(db, {"embedder": vectors.embedder, "embedder_made_by": self._made_by})
        self._embedder_checked = True
        self._check = False
        self._vectors, self.problem, self._asked = vectors, vectors.problem, False
        self._finished = False
        self._last_use = time.monotonic()
        self._opened.set()
        return True

    async def _fail(self, error: VectorsUnavailable) -> None:
        self._check = False
        self.problem, self._asked = str(error), False
        self._not_before = time.monotonic() + _RETRY
        await self.close()


def _close_unused(opening: asyncio.Task[tuple[VectorStore, int]]) -> None:
    """Close what came too late for anybody; that it could not be opened is no news."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result()[0].close()
