"""The code graph as the server and the commands hold it: questions run one after the other in a thread of
their own, each on one generation of the stores."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import sqlite3
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from devflow.retrieval.graph.base import Definition
from devflow.retrieval.graph.centrality import Imports, centrality, import_links
from devflow.retrieval.graph.links import Graph
from devflow.retrieval.graph.named import definitions_named
from devflow.retrieval.graph.stored import Stored
from devflow.retrieval.packed import register
from devflow.retrieval.store import DATABASE, HAS_TABLES, inode_of

log = logging.getLogger(__name__)

_FRESH, _TIMES = 60.0, 200
"""Seconds for which imports that were read serve who does not wait; longer where reading took long: so many
times as long."""
_MOST_SEEDS = 8
"""Answers that are kept: who searches has the same files open as before."""

T = TypeVar("T")
P = ParamSpec("P")


class CodeGraph:
    """Asks the graph of some roots. A root whose store is missing or damaged has no definitions."""

    def __init__(self, directories: Sequence[tuple[Path, Path]]) -> None:
        """`directories`: each root with the folder its store is in."""
        self._directories = tuple(directories)
        self._thread: ThreadPoolExecutor | None = None
        self._opened: tuple[int, ...] = ()
        self._connections: list[sqlite3.Connection] = []
        self._graph: Graph | None = None
        self._imports: tuple[tuple[int, ...], Imports] | None = None
        self._reading: asyncio.Task[None] | None = None
        self._read_at = -math.inf
        self._fresh = _FRESH
        self._near: OrderedDict[tuple[Path, ...], dict[Path, float]] = OrderedDict()

    async def ask(
        self, question: Callable[Concatenate[Graph, P], T], *arguments: P.args, **named: P.kwargs
    ) -> T:
        """`question(graph, …)` on one generation of the stores. Raises sqlite3.Error when a store breaks
        under it. Cancelling stops the question between two uses."""

        stop = threading.Event()

        def run() -> T:
            graph = self._now()
            graph.stopped = stop.is_set
            try:
                graph.begin()
                return question(graph, *arguments, **named)
            except sqlite3.DatabaseError:
                self._forget()
                raise
            finally:
                with contextlib.suppress(sqlite3.Error):
                    graph.end()

        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "graph")
        asked = self._thread.submit(run)
        try:
            return await asyncio.wrap_future(asked)
        except asyncio.CancelledError:
            stop.set()
            raise

    async def find(self, name: str) -> list[Definition]:
        """The definitions that a name means, as a user writes it: `area`, `Shape.area`,
        `shapes/base.py:Shape.area`, `shapes.base.Shape`, `shapes/base.py:12`."""
        return await self.ask(definitions_named, name)

    async def centrality(self, seeds: Iterable[Path], *, wait: bool = True) -> dict[Path, float]:
        """Files by their nearness to `seeds` over imports, as of now. Without `wait` it takes milliseconds:
        as of a minute ago at most while files are saved (where there are a million lines, four), and nothing
        before the imports were first read. The answer is to be read only."""
        if wait:
            await self._read_imports()
        elif self._reading is None and time.monotonic() - self._read_at > self._fresh:
            self._reading = asyncio.create_task(self._read_imports())
            self._reading.add_done_callback(self._imports_read)
        known, asked = self._imports, tuple(seeds)
        if known is None:
            return {}
        found = self._near.get(asked)
        if found is None:
            found = await asyncio.to_thread(centrality, known[1], asked)
            if self._imports is known:
                self._near[asked] = found
                if len(self._near) > _MOST_SEEDS:
                    self._near.popitem(last=False)
        return found

    async def _read_imports(self) -> None:
        def read(graph: Graph) -> tuple[tuple[int, ...], Imports] | None:
            generations = graph.stored.generations
            if self._imports is not None and self._imports[0] == generations:
                return None
            return generations, import_links(graph.stored, graph.modules)

        started = time.monotonic()
        now = await self.ask(read)
        self._read_at = time.monotonic()
        self._fresh = max(_FRESH, _TIMES * (self._read_at - started))
        if now is not None:
            self._imports = now
            self._near.clear()

    def _imports_read(self, reading: asyncio.Task[None]) -> None:
        self._reading = None
        if not reading.cancelled() and (error := reading.exception()) is not None:
            self._read_at = time.monotonic()
            log.warning("the imports could not be read: %s", error)

    async def close(self) -> None:
        """Close the stores, after the question that runs."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        if self._thread is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._forget)
            self._thread.shutdown(wait=False)
            self._thread = None

    def _now(self) -> Graph:
        """The graph on the stores that are there now: a store made again is another file."""
        files = [directory / DATABASE for _, directory in self._directories]
        inodes = [inode_of(file) for file in files]
        if self._graph is None or tuple(inodes) != self._opened:
            self._forget()
            roots: list[Path] = []
            for at, ((root, _), file) in enumerate(zip(self._directories, files, strict=True)):
                connection = _opened(file) if inodes[at] else None
                if connection is None:
                    inodes[at] = 0  # looked for again at the next question
                    continue
                self._connections.append(connection)
                roots.append(root)
            self._graph = Graph(Stored(roots, self._connections))
            self._opened = tuple(inodes)
        return self._graph

    def _forget(self) -> None:
        for connection in self._connections:
            connection.close()
        self._connections = []
        self._graph = None
        self._imports = None


def _opened(database: Path) -> sqlite3.Connection | None:
    """A store to read; None for one that is not made yet. One that is damaged tells who asks."""
    connection = sqlite3.connect(
        f"{database.as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
    )
    register(connection)
    with contextlib.suppress(sqlite3.Error):
        if connection.execute(HAS_TABLES).fetchone() is None:
            connection.close()
            return None
    return connection
