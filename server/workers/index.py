"""The index worker: `python -m devflow.server.workers.index` keeps the stores, and `IndexWorker` is the
server's end of it. It is the one process that writes an index and that opens its Chroma directory.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devflow.retrieval.base import IndexStatus, VectorOptions
from devflow.server.workers.rpc import Handler, Server, Worker, WorkerError, WorkerGone, main, serve

if TYPE_CHECKING:
    from devflow.retrieval.indexer import RootIndexer
    from devflow.retrieval.walk import IndexSettings

log = logging.getLogger(__name__)

TYPING_PAUSE, TYPING_LASTS = 0.5, 5.0
"""Seconds without an edit after which the newest texts are sent, and seconds after which they are sent while
typing goes on: 5,000 lines take the worker a tenth of a second."""
_NEAREST_TIMEOUT = 2.0
_LOOK_AGAIN = 2.0
"""Seconds between two looks at whether the watched folders are still those that are watched."""


class IndexWorker:
    """The server's end. It is `retrieval.base.VectorSearch`, and survives the death of its process: the
    roots are opened again and the open documents' texts sent again."""

    def __init__(
        self,
        *,
        on_progress: Callable[[Path, int, int], None] | None = None,
        on_generation: Callable[[Path, int], None] | None = None,
        on_state: Callable[[Path, str], None] | None = None,
        on_problem: Callable[[str], None] | None = None,
        on_usage: Callable[[Path, str, Path], None] | None = None,
    ) -> None:
        def told(call: Callable[..., None] | None, *keys: str) -> Callable[[dict[str, Any]], None]:
            return lambda params: call(*(_value(key, params[key]) for key in keys)) if call else None

        self._on_problem = on_problem
        self._worker = Worker(
            "index",
            "devflow.server.workers.index",
            notifications={
                "progress": told(on_progress, "root", "done", "total"),
                "generation": told(on_generation, "root", "generation"),
                "state": told(on_state, "root", "state"),
                "problem": told(on_problem, "problem"),
                "usage": told(on_usage, "root", "language", "directory"),
            },
            on_restart=self._set_up_again,
            on_gone=self._gone,
        )
        self._open: dict[str, Any] | None = None
        self._opened = False
        """The process knows the roots; documents told before would be dropped."""
        self._documents: dict[Path, str] = {}
        self._unsent: set[Path] = set()
        self._sender: asyncio.TimerHandle | None = None
        self._unsent_since = 0.0

    @property
    def pid(self) -> int | None:
        """The worker's process id while it runs."""
        return self._worker.pid

    async def start(self) -> None:
        """Start the process. A worker that cannot start is a problem told, not an error."""
        try:
            await self._worker.start()
        except WorkerGone as error:
            if self._on_problem is not None:
                self._on_problem(f"The codebase is not indexed: {error}")

    async def open(
        self,
        roots: Sequence[Path],
        settings: IndexSettings,
        *,
        watch: bool = False,
        vectors: VectorOptions = VectorOptions(),  # noqa: B008  # frozen
    ) -> None:
        """Index these roots from now on, and no others; called again when roots or settings change.
        `watch`: follow the disk ourselves, for a client that does not tell of watched files."""
        self._open = {
            "roots": [str(root) for root in roots],
            "exclude": list(settings.exclude),
            "max_file_bytes": settings.max_file_bytes,
            "max_line_length": settings.max_line_length,
            "vectors": settings.vectors,
            "max_disk_mib": settings.max_disk_mib,
            "vector_options": asdict(vectors),
            "watch": watch,
        }
        self._opened = False
        with contextlib.suppress(WorkerGone):  # the restarted process is told by `_set_up_again`
            await self._worker.request("open", self._open)
            self._opened = True
            # A change of roots forgets the documents.
            self._unsent |= self._documents.keys()
            self._send_documents()

    def update(self, paths: Sequence[Path]) -> None:
        """Files or folders made, changed or deleted on disk."""
        if paths:
            self._worker.notify("update", {"paths": [str(path) for path in paths]})

    def document(self, path: Path, text: str) -> None:
        """The text of an open document; it is sent when typing pauses for `TYPING_PAUSE`."""
        self._documents[path] = text
        self._unsent.add(path)
        loop = asyncio.get_running_loop()
        if self._sender is None:
            self._unsent_since = loop.time()
        else:
            self._sender.cancel()
        due = min(loop.time() + TYPING_PAUSE, self._unsent_since + TYPING_LASTS)
        self._sender = loop.call_at(due, self._send_documents)

    def release(self, path: Path) -> None:
        """The document was closed: the file counts again."""
        self._documents.pop(path, None)
        self._unsent.discard(path)
        self._worker.notify("release", {"path": str(path)})

    def rebuild(self) -> None:
        """Throw the stores away and make them again."""
        self._worker.notify("rebuild")

    async def status(self, timeout: float = 2.0) -> list[IndexStatus]:
        """One per root; [] while the worker is down."""
        answer = await self._ask("status", {}, timeout)
        return [
            IndexStatus(**{**item, "root": Path(item["root"]), "directory": Path(item["directory"])})
            for item in answer or []
        ]

    async def nearest(self, root: Path, query: str, limit: int) -> list[tuple[int, float]]:
        """See `VectorSearch`."""
        answer = await self._ask(
            "nearest", {"root": str(root), "query": query, "limit": limit}, _NEAREST_TIMEOUT
        )
        return [(id_, similarity) for id_, similarity in answer or []]

    async def settled(self, timeout: float | None = None) -> None:
        """Wait until there is nothing left to do. Raises WorkerGone, TimeoutError."""
        await self._worker.request("settled", {}, timeout)

    async def close(self) -> None:
        """End the process. The stores stay whole whenever it ends."""
        if self._sender is not None:
            self._sender.cancel()
        await self._worker.close()

    async def _ask(self, method: str, params: dict[str, Any], timeout: float) -> Any:
        try:
            return await self._worker.request(method, params, timeout)
        except (WorkerGone, WorkerError, TimeoutError) as error:
            log.warning("the index worker did not answer %s: %s", method, str(error) or "too slow")
            return None

    async def _set_up_again(self) -> None:
        if self._open is not None:
            await self._worker.request("open", self._open)
            self._opened = True
            self._unsent |= self._documents.keys()
            self._send_documents()

    def _send_documents(self) -> None:
        if self._sender is not None:
            self._sender.cancel()
            self._sender = None
        if not self._opened:
            return
        unsent, self._unsent = self._unsent, set()
        for path in unsent:
            if path in self._documents:
                self._worker.notify("document", {"path": str(path), "text": self._documents[path]})

    def _gone(self) -> None:
        self._opened = False
        if self._on_problem is not None:
            self._on_problem(
                "The index worker stopped and is being restarted; nothing you wrote is affected."
            )


class _Roots:
    """The worker's state: one indexer per root, each in its own task."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._indexers: dict[str, tuple[RootIndexer, asyncio.Task[None]]] = {}
        self._watching: asyncio.Task[None] | None = None

    def methods(self) -> Mapping[str, Handler]:
        return {
            "open": self.open,
            "update": self.update,
            "document": self.document,
            "release": self.release,
            "rebuild": self.rebuild,
            "status": self.status,
            "nearest": self.nearest,
            "settled": self.settled,
        }

    async def open(self, params: dict[str, Any]) -> None:
        from devflow.retrieval.indexer import Events, RootIndexer
        from devflow.retrieval.turns import Turns
        from devflow.retrieval.walk import IndexOptions

        await self.close()
        options = IndexOptions(
            exclude=tuple(params["exclude"]),
            max_file_bytes=params["max_file_bytes"],
            max_line_length=params["max_line_length"],
            vectors=params["vectors"],
            max_disk_mib=params["max_disk_mib"],
        )
        vectors = replace(VectorOptions(**params["vector_options"]), roots=tuple(params["roots"]))
        turns = Turns()
        for root in params["roots"]:
            events = self._events(root, Events)
            indexer = RootIndexer(Path(root), options, events, vectors=vectors, turns=turns)
            task = asyncio.create_task(indexer.run(), name=f"index of {root}")
            task.add_done_callback(self._ended)
            self._indexers[root] = (indexer, task)
        if params["watch"]:
            self._watching = asyncio.create_task(self._watch([Path(root) for root in params["roots"]]))
            self._watching.add_done_callback(self._ended)

    async def update(self, params: dict[str, Any]) -> None:
        paths = [Path(path) for path in params["paths"]]
        for indexer, _ in self._indexers.values():
            indexer.update(paths)

    async def document(self, params: dict[str, Any]) -> None:
        for indexer, _ in self._indexers.values():
            indexer.document(Path(params["path"]), params["text"])

    async def release(self, params: dict[str, Any]) -> None:
        for indexer, _ in self._indexers.values():
            indexer.release(Path(params["path"]))

    async def rebuild(self, params: dict[str, Any]) -> None:
        for indexer, _ in self._indexers.values():
            indexer.rebuild()

    async def status(self, params: dict[str, Any]) -> list[dict[str, Any]]:
        statuses = [await indexer.status() for indexer, _ in self._indexers.values()]
        return [
            {**asdict(status), "root": str(status.root), "directory": str(status.directory)}
            for status in statuses
        ]

    async def nearest(self, params: dict[str, Any]) -> list[tuple[int, float]]:
        entry = self._indexers.get(params["root"])
        return await entry[0].nearest(params["query"], params["limit"]) if entry else []

    async def settled(self, params: dict[str, Any]) -> None:
        """Answered when there is nothing left to do."""
        for indexer, _ in list(self._indexers.values()):
            await indexer.settled()

    async def close(self) -> None:
        tasks = [task for _, task in self._indexers.values()]
        if self._watching is not None:
            tasks.append(self._watching)
        self._indexers, self._watching = {}, None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _events(self, root: str, make: Callable[..., Any]) -> Any:
        def tell(method: str, **params: object) -> None:
            self._server.notify(method, {"root": root, **params})

        return make(
            progress=lambda done, total: tell("progress", done=done, total=total),
            generation=lambda generation: tell("generation", generation=generation),
            state=lambda state: tell("state", state=state),
            problem=lambda problem: tell("problem", problem=problem),
            usage=lambda language, directory: tell("usage", language=language, directory=str(directory)),
        )

    async def _watch(self, roots: list[Path]) -> None:
        while True:
            seen = await asyncio.to_thread(_folders, roots)
            try:
                await self._follow(seen)
            except (OSError, RuntimeError) as error:
                if await asyncio.to_thread(_folders, roots) == seen:
                    self._server.notify(
                        "problem",
                        {
                            "problem": f"Changes on disk cannot be followed ({error}): files changed outside "
                            "the editor are indexed when it starts again."
                        },
                    )
                    return
            now = await asyncio.to_thread(_folders, roots)
            await self.update({"paths": [root for root in roots if now[root] != seen[root]]})

    async def _follow(self, folders: Mapping[Path, tuple[int, int] | None]) -> None:
        """Tell of changes below the folders that are there, until one is made, moved away or made again: what
        was deleted is not watched any more, whatever comes to stand at its place."""
        from watchfiles import awatch

        there = [folder for folder, identity in folders.items() if identity is not None]
        if not there:
            await asyncio.sleep(_LOOK_AGAIN)
            return
        batches = awatch(
            *there,
            watch_filter=_worth_a_look,
            step=50,
            debounce=200,
            ignore_permission_denied=True,
            rust_timeout=round(_LOOK_AGAIN * 1000),
            yield_on_timeout=True,
        )
        async with contextlib.aclosing(batches):
            async for changes in batches:
                await self.update({"paths": [path for _, path in changes]})
                if await asyncio.to_thread(_folders, list(folders)) != folders:
                    return

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s ended", task.get_name(), exc_info=error)
            self._server.notify(
                "problem", {"problem": f"Indexing stopped because of an error in DevFlow ({error!r})."}
            )


def _folders(roots: Sequence[Path]) -> dict[Path, tuple[int, int] | None]:
    """Which folder stands at each root: device and number; None where there is none."""
    found: dict[Path, tuple[int, int] | None] = {}
    for root in roots:
        try:
            status = root.stat()
        except OSError:
            found[root] = None
        else:
            found[root] = (status.st_dev, status.st_ino) if stat.S_ISDIR(status.st_mode) else None
    return found


def _worth_a_look(change: object, path: str) -> bool:
    return not any(f"{os.sep}{name}{os.sep}" in path for name in (".git", "node_modules", "__pycache__"))


def _value(key: str, value: Any) -> Any:
    return Path(value) if key in ("root", "directory") else value


async def _run() -> None:
    roots: list[_Roots] = []

    def methods(server: Server) -> Mapping[str, Handler]:
        roots.append(_Roots(server))
        return roots[0].methods()

    async def close() -> None:
        for one in roots:
            await one.close()

    os.umask(0o077)
    await serve(methods, on_exit=close)


if __name__ == "__main__":
    main(_run)
