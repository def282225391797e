"""The code graph as the server and the commands hold it: questions run one after the other in a thread of
their own, each on one generation of the stores."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import threading
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
from devflow.retrieval.store import DATABASE, inode_of

log = logging.getLogger(__name__)

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
        `shapes/base.py:Shape.area`, `shapes.base.Shape`."""
        return await self.ask(definitions_named, name)

    async def centrality(self, seeds: Iterable[Path]) -> dict[Path, float]:
        """Files by their nearness to `seeds` over imports; the arrays are kept until a store changes."""

        def near(graph: Graph, some: tuple[Path, ...]) -> dict[Path, float]:
            generations = graph.stored.generations
            if self._imports is None or self._imports[0] != generations:
                self._imports = generations, import_links(graph.stored, graph.modules)
            return centrality(self._imports[1], some)

        return await self.ask(near, tuple(seeds))

    async def close(self) -> None:
        """Close the stores, after the question that runs."""
        if self._thread is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._forget)
            self._thread.shutdown(wait=False)
            self._thread = None

    def _now(self) -> Graph:
        """The graph on the stores that are there now: a store made again is another file."""
        files = [directory / DATABASE for _, directory in self._directories]
        inodes = tuple(inode_of(file) for file in files)
        if self._graph is None or inodes != self._opened:
            self._forget()
            roots: list[Path] = []
            for (root, _), file, inode in zip(self._directories, files, inodes, strict=True):
                if not inode:
                    continue
                connection = sqlite3.connect(
                    f"{file.as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
                )
                register(connection)
                self._connections.append(connection)
                roots.append(root)
            self._graph = Graph(Stored(roots, self._connections))
            self._opened = inodes
        return self._graph

    def _forget(self) -> None:
        for connection in self._connections:
            connection.close()
        self._connections = []
        self._graph = None
        self._imports = None
