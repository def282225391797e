"""Keeps the store of one root equal to its files and the open documents: the only writer.

Edits go before the first walk, the walk before vectors. Everything is done in small steps, so an edit
waits for a fraction of a second at most. A step that was cut off by a kill is done again: what is in the
store is compared with the disk at each start.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import aiosqlite
from filelock import FileLock, Timeout

from devflow.retrieval import write
from devflow.retrieval.backlog import STEP, Backlog
from devflow.retrieval.base import IndexStatus, VectorOptions
from devflow.retrieval.batch import (
    Prepared,
    Walked,
    list_files,
    look_at_all,
    lower_priority,
    prepare_files,
    prepare_texts,
    too_many_files,
)
from devflow.retrieval.history_sync import HistorySync
from devflow.retrieval.room import LOCK, make_room, mark_used, tidy
from devflow.retrieval.shared_vectors import answering, asked
from devflow.retrieval.status import read_status
from devflow.retrieval.store import (
    Reader,
    StoreUnusable,
    close_writer,
    index_directory,
    is_damage,
    make_directory,
    open_writer,
    remove,
    sentence_for,
)
from devflow.retrieval.turns import Turns
from devflow.retrieval.usage_files import UsageBuilder
from devflow.retrieval.vector_sync import VectorSync
from devflow.retrieval.walk import IGNORE_FILES, IndexSettings, Rules, relative_to_root

log = logging.getLogger(__name__)

T = TypeVar("T")

_CLOCKS_DIFFER = 1.0
"""Seconds between a file system's clock and ours; a file touched this shortly before a walk is read again."""
RETRY_LOCK = 2.0
FIRST_RETRY, LAST_RETRY = 5.0, 120.0
"""Seconds until a store that failed is tried again: doubled each time it fails again, and these at most. A
try walks over the whole root, so it must not be made often while a disk is full."""


def retry_after(failures: int) -> float:
    """Seconds until a store that failed so many times in a row before is tried again."""
    return min(FIRST_RETRY * 2.0 ** min(failures, 10), LAST_RETRY)


def _nothing(*_: object) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Events:
    """What the indexer tells as it goes; called on the event loop."""

    progress: Callable[[int, int], None] = _nothing
    """Files done and to do in the current walk."""
    generation: Callable[[int], None] = _nothing
    """There is something new to read."""
    state: Callable[[str], None] = _nothing
    problem: Callable[[str], None] = _nothing
    """A sentence for the user; each is told once."""
    usage: Callable[[str, Path], None] = _nothing
    """A new usage model: its language and directory."""


class RootIndexer:
    """One root's index. `run` does the work until it is cancelled; the other methods only note down."""

    def __init__(
        self,
        root: Path,
        settings: IndexSettings,
        events: Events | None = None,
        directory: Path | None = None,
        *,
        background: bool = True,
        usage: bool = True,
        rebuild: bool = False,
        vectors: VectorOptions = VectorOptions(),  # noqa: B008  # frozen
        check_vectors: bool = False,
        turns: Turns | None = None,
    ) -> None:
        turns = turns or Turns()
        self.root = root
        self.directory = directory or index_directory(root)
        self._real_root = Path(os.path.realpath(root))
        self._settings = settings
        self._background = background
        self._events = events or Events()
        self._reader = Reader(self.directory, connections=1)
        vectors = replace(vectors, root=str(root), roots=vectors.roots or (str(root),))
        self._rules = Rules(root, settings)
        self._cpu = ThreadPoolExecutor(1, "index", initializer=lower_priority if background else None)
        self._vectors = (
            VectorSync(
                self.directory / "chroma",
                self._stir,
                options=vectors,
                turn=turns.vectors,
                check=check_vectors,
            )
            if settings.vectors
            else None
        )
        self._history = HistorySync(root, self._stir)
        self._usage = (
            UsageBuilder(root, self.directory / "usage", self._events.usage, turns.usage) if usage else None
        )
        self._documents: dict[str, str] = {}
        self._fresh_documents: dict[str, None] = {}
        self._updated: dict[str, None] = {}
        self._rebuild = rebuild
        self._walk_wanted = True
        self._walking: asyncio.Task[Walked] | None = None
        self._backlog = Backlog(settings, self._in_thread, background=background)
        self._too_many = False
        self._room_wanted = False
        self._walk_began = 0.0
        self._last_error = ""
        self._told_of_vectors = ""
        self._state = "empty"
        self._problem = ""
        self._failures, self._failed_with = 0, ""
        """How often in a row the store failed, and what was told of it."""
        self._wake = asyncio.Event()
        self._settled = asyncio.Event()

    def update(self, paths: Iterable[Path]) -> None:
        """Files or folders that were made, changed or deleted on disk."""
        for path in paths:
            relative = relative_to_root(self.root, self._real_root, path)
            if relative is None:
                continue
            if relative in ("", ".git/info/exclude") or relative.rpartition("/")[2] in IGNORE_FILES:
                self._rules = Rules(self.root, self._settings)
                self._walk_wanted = True
            self._updated[relative] = None
            self._backlog.overtaken.add(relative)
        self._stir()

    def document(self, path: Path, text: str) -> None:
        """The text of an open document, newer than the disk."""
        relative = relative_to_root(self.root, self._real_root, path)
        if relative:
            self._documents[relative] = text
            self._fresh_documents[relative] = None
            if self._vectors is not None:
                self._vectors.typed()
            self._stir()

    def release(self, path: Path) -> None:
        """The document was closed: the disk counts again."""
        relative = relative_to_root(self.root, self._real_root, path)
        if relative is not None and self._documents.pop(relative, None) is not None:
            self._fresh_documents.pop(relative, None)
            self._updated[relative] = None
            self._backlog.overtaken.add(relative)
            self._stir()

    def rebuild(self) -> None:
        """Throw the store away and start from nothing; only who writes it can."""
        if self._state == "elsewhere":
            self._events.problem(self._written_elsewhere(rebuild=True))
            return
        self._rebuild = True
        self._stir()

    async def settled(self) -> None:
        """Wait until there is nothing left to do, or nothing can be done (`failed`, `elsewhere`)."""
        await self._settled.wait()

    async def status(self) -> IndexStatus:
        """The live state; counts from the store."""
        stored = await read_status(self._reader, self.root, self.directory)
        problem = self._problem or (self._vectors.problem if self._vectors else "")
        return replace(stored, state=self._state, problem=problem)

    async def nearest(self, query: str, limit: int) -> list[tuple[int, float]]:
        """`(chunk id, similarity)`, best first; nothing while there are no vectors."""
        if self._state == "elsewhere":
            return await asked(self.directory, query, limit) if self._settings.vectors else []
        # Vectors are opened after the walk; how long that takes, nobody knows.
        wait = self._state == "ready"
        return await self._vectors.nearest(query, limit, wait=wait) if self._vectors else []

    async def run(self) -> None:
        """Work until cancelled. A store that fails is reported, and tried again later."""
        try:
            while True:
                try:
                    await self._work_with_lock()
                    self._start_over()
                except Timeout:
                    self._say("elsewhere", self._written_elsewhere(rebuild=self._rebuild))
                    self._rebuild = False  # nobody expects it any more when the other process ends
                    self._settled.set()
                    await asyncio.sleep(RETRY_LOCK)
                except (StoreUnusable, sqlite3.Error, OSError) as error:
                    log.warning("the index of %s failed: %s", self.root, error)
                    known = isinstance(error, StoreUnusable)
                    sentence = str(error) if known else sentence_for(self.directory, error)
                    self._last_error = f"{time.strftime('%Y-%m-%d %H:%M')}: {sentence}"
                    damaged = isinstance(error, sqlite3.DatabaseError) and is_damage(error)
                    if damaged:
                        with contextlib.suppress(OSError):  # opening it will tell
                            await asyncio.to_thread(remove, self.directory)
                        self._say("failed", f"The index in {self.directory} was damaged and is made again.")
                        await asyncio.sleep(1.0)
                    else:
                        self._say("failed", sentence)
                        self._failed_with = sentence
                        self._settled.set()
                        await self._until_retry()
                    self._start_over()
        finally:
            if self._usage is not None:
                await self._usage.stop()
            await self._reader.close()
            self._cpu.shutdown(wait=False, cancel_futures=True)

    async def _until_retry(self) -> None:
        """Wait, longer each time, or until somebody asks for the index to be made again."""
        until = time.monotonic() + retry_after(self._failures)
        self._failures += 1
        while not self._rebuild and (left := until - time.monotonic()) > 0:
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), left)

    def _written_elsewhere(self, *, rebuild: bool) -> str:
        other = f"Another DevFlow process is indexing {self.root}"
        if rebuild:
            return f"{other}: the index was not rebuilt. Rebuild it there, or close that process first."
        return f"{other}; this one reads what it writes."

    def _start_over(self) -> None:
        self._backlog.clear()
        self._walk_wanted = True
        self._fresh_documents.update(dict.fromkeys(self._documents))

    async def _work_with_lock(self) -> None:
        await asyncio.to_thread(make_directory, self.directory)
        lock = FileLock(self.directory / LOCK, mode=0o600, thread_local=False)
        lock.acquire(timeout=0)
        mark_used(self.directory)
        try:
            if self._rebuild:
                await asyncio.to_thread(remove, self.directory)
                self._rebuild = False
            db, problem = await open_writer(self.directory)
            try:
                if problem:
                    self._events.problem(problem)
                    self._last_error = f"{time.strftime('%Y-%m-%d %H:%M')}: {problem}"
                if self._last_error:
                    await write.put_meta(db, {"last_error": self._last_error})
                async with answering(self.directory, self.nearest):
                    await self._work(db)
            finally:
                await self._stop_work(db)
        finally:
            lock.release()

    async def _stop_work(self, db: aiosqlite.Connection) -> None:
        """Each part of it, whatever becomes of those before: vectors that stay open keep the turn of all."""
        async with contextlib.AsyncExitStack() as last:
            last.push_async_callback(lambda: asyncio.shield(close_writer(db)))
            if (vectors := self._vectors) is not None:
                last.push_async_callback(lambda: asyncio.shield(vectors.close()))
            last.push_async_callback(lambda: asyncio.shield(self._backlog.stop()))
            last.push_async_callback(lambda: asyncio.shield(self._history.stop()))
            if self._walking is not None:
                self._walking.cancel()
                await asyncio.gather(self._walking, return_exceptions=True)
                self._walking = None

    async def _work(self, db: aiosqlite.Connection) -> None:
        self._problem = ""
        if self._usage is not None:
            await self._usage.start(self._reader)
        while True:
            self._wake.clear()
            if self._rebuild:
                return
            if self._fresh_documents:
                await self._take_documents(db)
            elif self._updated:
                await self._take_updates(db)
            elif self._walk_wanted and self._walking is None:
                self._walk_wanted = False
                self._walk_began = time.monotonic()
                self._say("indexing")
                await write.put_meta(db, {"state": "indexing", "problem": ""})
                self._walking = asyncio.create_task(self._list_files())
                self._walking.add_done_callback(lambda _: self._wake.set())
            elif self._walking is not None and self._walking.done():
                walked, self._walking = self._walking.result(), None
                await self._plan(db, walked)
            elif self._backlog.working:
                await self._index_some(db)
            elif self._backlog.idle:
                await self._backlog.stop()
            elif self._state == "indexing" and self._walking is None:
                await self._walk_is_done(db)
            elif self._room_wanted:
                self._room_wanted = False
                if sentence := await self._in_thread(make_room, self._settings.max_disk_mib, self.directory):
                    self._tell(sentence)
            elif self._walking is None and (
                await self._step_vectors(db) or await tidy(db) or await self._history.step(db)
            ):
                continue
            else:
                if (
                    self._walking is None
                    and not self._history.busy
                    and not (self._vectors is not None and self._vectors.busy)
                    and not (self._usage is not None and self._usage.busy)
                ):
                    self._settled.set()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), 0.5)

    async def _step_vectors(self, db: aiosqlite.Connection) -> bool:
        """As `VectorSync.step`; what is wrong with them is told once, and again after they worked."""
        if self._vectors is None:
            return False
        more = await self._vectors.step(db)
        if self._vectors.problem != self._told_of_vectors:
            self._told_of_vectors = self._vectors.problem
            self._tell(self._vectors.problem)
        return more

    async def _list_files(self) -> Walked:
        rules = self._rules = Rules(self.root, self._settings)
        return await self._in_thread(list_files, self.root, self._settings, rules)

    async def _must_be_there(self, known: int) -> None:
        """Raise StoreUnusable when the root of so many `known` files was deleted, or its disk taken away: no
        reason to forget them. A root that never was there is an empty one."""
        if known and not await self._in_thread(self.root.is_dir):
            raise StoreUnusable(f"The folder {self.root} is gone; what is indexed of it is left as it was.")

    async def _plan(self, db: aiosqlite.Connection, walked: Walked) -> None:
        """Compare the walk with the store: queue what differs, forget what is gone."""
        backlog = self._backlog
        # What parsers have in hand is of the walk before, and may be older than an update.
        await backlog.stop()
        rows = list(await db.execute_fetchall("SELECT path, size, mtime, digest FROM files"))
        await self._must_be_there(len(rows) + len(walked.found))
        told = await db.execute_fetchall("SELECT key, value FROM meta WHERE key IN ('walked', 'seconds')")
        times = {str(row[0]): float(row[1]) for row in told}
        looked = times.get("walked", math.inf) - times.get("seconds", 0.0) - _CLOCKS_DIFFER
        gone, first = backlog.plan(walked, [tuple(row) for row in rows], self._documents, looked)
        for at in range(0, len(gone), 200):
            await self._forget(db, gone[at : at + 200])
        backlog.overtaken = set(self._updated)
        self._events.progress(0, backlog.total)
        self._too_many = walked.cut
        await write.put_meta(db, {"found": len(walked.found)})
        if self._usage is not None and first and backlog.is_large:
            await self._usage.begin(backlog.paths)

    async def _index_some(self, db: aiosqlite.Connection) -> None:
        await self._store(db, await self._backlog.next(lambda: self._urgent))
        self._events.progress(self._backlog.done, self._backlog.total)

    @property
    def _urgent(self) -> bool:
        return self._rebuild or bool(self._fresh_documents or self._updated)

    async def _walk_is_done(self, db: aiosqlite.Connection) -> None:
        await self._must_be_there(self._backlog.total)
        await db.execute("PRAGMA wal_checkpoint(PASSIVE)")  # the next write begins a short one
        [(files,)] = await db.execute_fetchall("SELECT count(*) FROM files")
        problem = too_many_files(self.root) if self._too_many else ""
        told = {
            "state": "ready",
            "found": files,
            "skipped": dict(self._backlog.skipped),
            "left_out": self._backlog.left_out,
            "problem": problem,
            "walked": round(time.time(), 1),
            "seconds": round(time.monotonic() - self._walk_began, 2),
        }
        await write.put_meta(db, told)
        self._say("ready", problem)
        self._failures, self._failed_with = 0, ""
        self._room_wanted = True
        if self._usage is not None:
            self._usage.settle()

    async def _take_updates(self, db: aiosqlite.Connection) -> None:
        paths = list(self._updated)[:500]
        for path in paths:
            del self._updated[path]
        looked = await self._in_thread(look_at_all, self.root, paths, self._rules)
        if looked.folders:
            self._walk_wanted = True
        gone = [path for path in looked.gone if path not in self._documents]
        for path in list(gone):
            gone += [below for below in await write.files_below(db, path) if below not in self._documents]
        await self._forget(db, gone)
        queue = deque(found for found in looked.found if found.relative not in self._documents)
        while queue:
            await self._store(db, await self._in_thread(prepare_files, queue, self._settings, {}, STEP))

    async def _take_documents(self, db: aiosqlite.Connection) -> None:
        texts = {path: self._documents[path] for path in self._fresh_documents}
        self._fresh_documents.clear()
        await self._store(
            db, await self._in_thread(prepare_texts, self.root, texts, self._settings, self._rules)
        )

    async def _store(self, db: aiosqlite.Connection, done: Prepared) -> None:
        # What was read from disk loses against a document opened meanwhile.
        files = [file for file in done.files if file.mtime_ns == 0 or file.path not in self._documents]
        if done.unchanged:
            await write.touch_files(db, done.unchanged)
        if done.skips:
            self._backlog.leave_out(done.skips)
            await self._forget(db, [path for path, _ in done.skips])
        if files:
            generation = await write.put_files(db, files)
            if self._usage is not None:
                self._usage.changed({file.language for file in files}, generation)
            self._events.generation(generation)

    async def _forget(self, db: aiosqlite.Connection, paths: Sequence[str]) -> None:
        generation = await write.delete_files(db, paths) if paths else None
        if generation is not None:
            if self._usage is not None:
                self._usage.deleted(generation)
            self._events.generation(generation)

    async def _in_thread(self, call: Callable[..., T], *args: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._cpu, call, *args)

    def _say(self, state: str, problem: str = "") -> None:
        if state != self._state:
            self._state = state
            self._events.state(state)
        self._tell(problem)

    def _tell(self, problem: str) -> None:
        if problem and problem not in (self._problem, self._failed_with):
            self._events.problem(problem)
        self._problem = problem

    def _stir(self) -> None:
        self._settled.clear()
        self._wake.set()
