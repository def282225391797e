"""A real index worker to measure: what it tells and when, and what it and its children use."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil

from devflow.retrieval.walk import IndexOptions
from devflow.server.workers.index import IndexWorker

_LONGEST = 3_600.0


class Watched:
    """A worker and what was seen of it since it was opened."""

    def __init__(self) -> None:
        self.begun = time.monotonic()
        self.seconds: dict[str, float] = {}
        """When each state and each usage model came."""
        self.problems: list[str] = []
        self.changed = asyncio.Event()
        self.done = self.total = 0
        self.worker = IndexWorker(
            on_state=lambda _, state: self._mark(state),
            on_usage=lambda _, language, __: self._mark(f"usage {language}"),
            on_problem=self.problems.append,
            on_progress=self._progress,
            on_generation=lambda *_: self.changed.set(),
        )
        self.memory = {"worker": 0, "tree": 0}

    async def settled(self, timeout: float = _LONGEST) -> float:
        """Wait until there is nothing left to do: seconds since the worker was opened."""
        await self.worker.settled(timeout)
        return time.monotonic() - self.begun

    async def until(self, state: str, timeout: float = _LONGEST) -> float:
        """Wait for a state: when it came."""
        async with asyncio.timeout(timeout):
            while state not in self.seconds:
                self.changed.clear()
                await self.changed.wait()
        return self.seconds[state]

    def _mark(self, what: str) -> None:
        self.seconds[what] = round(time.monotonic() - self.begun, 2)
        self.changed.set()

    def _progress(self, _: Path, done: int, total: int) -> None:
        self.done, self.total = done, total
        self.changed.set()


@asynccontextmanager
async def watched(root: Path, *, vectors: bool, cache: Path, memory: bool = True) -> AsyncIterator[Watched]:
    """A worker on `root` with its index below `cache`; `memory` is looked at ten times a second (MiB), which
    takes milliseconds of the process that measures."""
    os.environ["XDG_CACHE_HOME"] = str(cache)
    seen = Watched()
    ended = threading.Event()
    await seen.worker.start()
    sampler = threading.Thread(target=_sample, args=(seen, ended))
    if memory:
        sampler.start()
    try:
        seen.begun = time.monotonic()
        await seen.worker.open([root], IndexOptions(vectors=vectors))
        yield seen
    finally:
        ended.set()
        if memory:
            sampler.join()
        await seen.worker.close()


def _sample(seen: Watched, ended: threading.Event) -> None:
    while not ended.wait(0.1):
        try:
            worker = psutil.Process(seen.worker.pid)
            own = worker.memory_info().rss
            below = sum(child.memory_info().rss for child in worker.children(recursive=True))
        except psutil.Error:
            continue
        seen.memory["worker"] = max(seen.memory["worker"], own >> 20)
        seen.memory["tree"] = max(seen.memory["tree"], (own + below) >> 20)


def on_disk(directory: Path) -> dict[str, int]:
    """Bytes of an index's folder by what they hold."""
    parts: dict[str, int] = {}
    for path in directory.rglob("*"):
        if path.is_file():
            part = path.relative_to(directory).parts[0].partition("-")[0]
            parts[part] = parts.get(part, 0) + path.stat().st_size
    return parts


def plain(status: Any) -> dict[str, Any]:
    """The counts of an index."""
    names = ("state", "files", "symbols", "references", "chunks", "vectors", "skipped", "problem")
    return {name: getattr(status, name) for name in names}
