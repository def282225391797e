"""Keeps what the store has of a root's history equal to its repository."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path

import aiosqlite

from devflow.analysis.regular_files import content
from devflow.retrieval.history import Commit, read_history
from devflow.retrieval.safe_git import repository_of
from devflow.retrieval.write import transaction

log = logging.getLogger(__name__)

_EVERY = 2.0
"""Seconds between two looks at whether the repository has moved."""


class HistorySync:
    """One root's history. git runs beside the indexing; only what differs is written."""

    def __init__(self, root: Path, wake: Callable[[], None]) -> None:
        self._root = root
        self._wake = wake
        self._seen: tuple[object, ...] | None = None
        self._looked = 0.0
        self._reading: asyncio.Task[list[Commit] | None] | None = None

    @property
    def busy(self) -> bool:
        """Whether git runs, or what it said is not written yet."""
        return self._reading is not None

    async def step(self, db: aiosqlite.Connection) -> bool:
        """Look whether the repository has moved, or write what git said; whether something was written."""
        if self._reading is not None:
            if not self._reading.done():
                return False
            reading, self._reading = self._reading, None
            commits = reading.result()
            if commits is None:
                log.info("git told nothing of %s", self._root)
                return False
            return await put_history(db, commits)
        now = time.monotonic()
        if self._seen is not None and now - self._looked < _EVERY:
            return False
        self._looked = now
        moved = await asyncio.to_thread(_state, self._root)
        if moved == self._seen:
            return False
        self._seen = moved
        if moved == ():
            return await put_history(db, [])
        self._reading = asyncio.create_task(read_history(self._root))
        self._reading.add_done_callback(lambda _: self._wake())
        return False

    async def stop(self) -> None:
        """End git, if it runs."""
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        self._seen = None


async def put_history(db: aiosqlite.Connection, commits: list[Commit]) -> bool:
    """Make the store's history these commits; what is the same stays. Whether anything differed."""
    known = {row[0] for row in await db.execute_fetchall("SELECT hash FROM commits")}
    now = {commit.hash: commit for commit in commits}
    gone = [(each,) for each in known - now.keys()]
    new = [commit for each, commit in now.items() if each not in known]
    if not gone and not new:
        return False
    async with transaction(db):
        await db.executemany("DELETE FROM commit_files WHERE hash = ?", gone)
        await db.executemany("DELETE FROM commits WHERE hash = ?", gone)
        await db.executemany(
            "INSERT INTO commits(hash, time) VALUES (?, ?)", [(each.hash, each.time) for each in new]
        )
        await db.executemany(
            "INSERT OR IGNORE INTO commit_files(path, hash) VALUES (?, ?)",
            [(path, each.hash) for each in new for path in each.files],
        )
    return True


def _state(root: Path) -> tuple[object, ...]:
    """What changes whenever the checked out commit does; () outside any repository."""
    folder = repository_of(root)
    if folder is None:
        return ()
    git = folder / ".git"
    try:
        if git.is_file():  # a worktree or a submodule names its folder
            told = (content(git, 4_000) or b"").decode("utf-8", "replace")
            git = folder / told.removeprefix("gitdir:").strip()
        head = content(git / "HEAD", 1_000)
        if head is None:
            return ("unknown", str(git))
        info = (git / "logs" / "HEAD").stat()
    except (OSError, ValueError):
        return ("unknown", str(git))
    return head, info.st_mtime_ns, info.st_size
