"""Keeps Chroma equal to the chunks in the store, a few at a time, and gives its memory back in between."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import aiosqlite

from devflow.retrieval import write
from devflow.retrieval.base import VectorOptions
from devflow.retrieval.embedders.choose import made_by
from devflow.retrieval.turns import Turn
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
"""Seconds without work or question after which they are closed; without question, where another root's are
waited for."""
_OPENS_WITHIN = 1.5
"""Seconds a question waits for that; on a busy machine it goes without, and the next one finds them open."""
_ANSWERS_WITHIN = 2.0
"""Seconds that a question waits for its answer, and a step for what it writes. Who takes longer is a server
that hangs, or an embedder far away: nobody waits for it again until it has answered."""
_SILENT = "The vectors do not answer; searching text and names only until they do."
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


@dataclass(frozen=True, slots=True)
class _Written:
    """A write that goes on in a thread: the chunks it embeds and those whose vectors it takes out."""

    done: asyncio.Future[None]
    ids: Sequence[int]
    dead: Sequence[int]
    began: float


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
        turn: Turn | None = None,
        check: bool = False,
    ) -> None:
        """With `check` they are opened once although there may be nothing to do, which makes again those
        that a server or a folder has lost."""
        self.problem = ""
        self._check = check
        self._turn = turn or Turn()
        """Which of several roots writes vectors."""
        self._waiting = False
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
        self._unanswered: asyncio.Future[list[tuple[int, float]]] | None = None
        """What somebody asked who did not wait for it; the thread that asks cannot be stopped."""
        self._unanswered_since = 0.0
        self._writing: _Written | None = None
        self._failed = False
        """They could not be used when they were last: no question waits for their being opened."""
        self._not_before = 0.0
        self._last_query = self._last_use = self._typed_at = -_IDLE

    def typed(self) -> None:
        """A document is being typed in."""
        self._typed_at = time.monotonic()

    @property
    def opening(self) -> bool:
        """Whether they are being opened: `step` has more to do when they are."""
        return self._opening is not None

    @property
    def busy(self) -> bool:
        """Whether there is more to come: they are being opened, a write takes long, or it is another root's
        turn."""
        return self._opening is not None or self._writing is not None or self._waiting

    async def step(self, db: aiosqlite.Connection) -> bool:
        """Do some work; False when there is none for now. Opening takes a second or two, which no file that
        is saved has to wait for: it goes on beside, and wakes who calls this."""
        now = time.monotonic()
        self._waiting = False
        if self._writing is not None:
            return await self._collect(db, self._writing)
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
            if wanted and now >= self._not_before and (self._asked or self._may_write()):
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
            since = now - (
                self._last_query if self._turn.give(self) else max(self._last_use, self._last_query)
            )
            if since > _IDLE:
                await self.close()
            return False
        if not self._may_write():
            if now - self._last_query > _IDLE:
                await self.close()
            return False
        self._last_use = now
        if asked:
            await asyncio.sleep(_PAUSE)
        texts, paths = [row[1] for row in rows], [row[2] for row in rows]
        # What is dead can be waited for: search leaves it out already.
        writing = asyncio.ensure_future(asyncio.to_thread(_write, vectors, ids, texts, paths, dead))
        writing.add_done_callback(lambda _: self._wake())
        self._writing = _Written(writing, ids, dead, now)
        await asyncio.wait([writing], timeout=_ANSWERS_WITHIN)
        return await self._collect(db, self._writing)

    async def _collect(self, db: aiosqlite.Connection, written: _Written) -> bool:
        """Note what was written; False while it is not yet, which no file that is saved waits for."""
        if not written.done.done():
            self.problem = _SILENT
            return False
        self._writing = None
        try:
            written.done.result()
        except VectorsUnavailable as error:
            await self._fail(error)
            return True
        if written.ids:
            took = max(time.monotonic() - written.began, 0.001)
            self._at_once = min(max(int(len(written.ids) * _STEP / took), _FEWEST), _MOST)
            await write.mark_embedded(db, written.ids)
        if written.dead:
            await write.forget_dead_vectors(db, written.dead)
        self._works()
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
            if not wait or self._failed:
                return []
            try:
                await asyncio.wait_for(self._opened.wait(), _OPENS_WITHIN)
            except TimeoutError:
                return []
        try:
            async with self._querying:
                return await self._answer(query, limit)
        except VectorsUnavailable as error:
            # The process may be gone, or a server: opened again later, and said so meanwhile.
            await self._fail(error)
            return []

    async def _answer(self, query: str, limit: int) -> list[tuple[int, float]]:
        vectors = self._vectors
        if vectors is None or not await self._free():
            return []
        asking = asyncio.ensure_future(asyncio.to_thread(vectors.nearest, query, limit))
        asked_at = time.monotonic()
        try:
            await asyncio.wait([asking], timeout=_ANSWERS_WITHIN)
        finally:
            if not asking.done():
                self._unanswered, self._unanswered_since = asking, asked_at
                asking.add_done_callback(_heard)
        if not asking.done():
            self._stopped_answering()
            return []
        found = asking.result()
        self._works()
        return found

    async def _free(self) -> bool:
        """Whether the question before has its answer, waited for as long as any is. Threads that all wait
        for one server would be missing elsewhere."""
        if self._unanswered is not None:
            left = self._unanswered_since + _ANSWERS_WITHIN - time.monotonic()
            await asyncio.wait([self._unanswered], timeout=max(left, 0.0))
            if not self._unanswered.done():
                self._stopped_answering()
                return False
            self._unanswered = None
        return True

    def _stopped_answering(self) -> None:
        if self._writing is None:  # else a question waits for that, and `_collect` says what is to be said
            self.problem = _SILENT

    def _works(self) -> None:
        if self.problem == _SILENT and self._vectors is not None:
            self.problem = self._vectors.problem

    def _may_write(self) -> bool:
        self._waiting = not self._turn.take(self)
        return not self._waiting

    async def close(self) -> None:
        """Give the directory and the memory free."""
        self._turn.give(self)
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
        self._check = self._failed = False
        self._vectors, self.problem, self._asked = vectors, vectors.problem, False
        self._finished = False
        self._last_use = time.monotonic()
        self._opened.set()
        return True

    async def _fail(self, error: VectorsUnavailable) -> None:
        self._check, self._failed = False, True
        self.problem, self._asked = str(error), False
        self._not_before = time.monotonic() + _RETRY
        await self.close()


def _write(
    vectors: VectorStore, ids: Sequence[int], texts: Sequence[str], paths: Sequence[str], dead: Sequence[int]
) -> None:
    if ids:
        vectors.add(ids, texts, paths)
    if dead:
        vectors.delete(dead)


def _heard(late: asyncio.Future[list[tuple[int, float]]]) -> None:
    """That a late answer was an error is no news: the next question meets it."""
    if not late.cancelled():
        late.exception()


def _close_unused(opening: asyncio.Task[tuple[VectorStore, int]]) -> None:
    """Close what came too late for anybody; that it could not be opened is no news."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result()[0].close()
