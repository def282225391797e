"""The index as a session uses it: the worker that writes, the reader, and the usage models with the open
documents in them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from devflow.analysis.usage import UsageModel
from devflow.analysis.usage.store import load
from devflow.retrieval.base import IndexStatus, VectorOptions
from devflow.retrieval.index import Index
from devflow.retrieval.store import index_directory
from devflow.retrieval.usage_files import usage_directory
from devflow.server.services import Host
from devflow.server.settings import Settings
from devflow.server.usage import OpenDocuments, Usage
from devflow.server.workers.index import IndexWorker

log = logging.getLogger(__name__)


class WorkspaceIndex:
    """Implements `services.IndexService`."""

    def __init__(
        self,
        host: Host,
        *,
        watch: bool,
        vectors: Callable[[Settings], VectorOptions] = lambda settings: VectorOptions(),
    ) -> None:
        self.reader: Index | None = None
        self._watch = watch
        self._vectors = vectors
        self._loop = asyncio.get_running_loop()
        self._roots: tuple[Path, ...] = ()
        self._usage: dict[str, Usage | None] = {}
        """Language → its model; None while one is looked for, or when there is none."""
        self._documents = OpenDocuments()
        self._tasks: set[asyncio.Task[None]] = set()
        self._opened = False
        self._worker = IndexWorker(
            on_progress=lambda root, done, total: host.progress(root.name, done, total),
            on_state=lambda root, state: host.index_state(root, state),
            on_problem=host.tell,
            on_usage=lambda root, language, directory: self._load(language, root, directory),
        )

    async def start(self) -> None:
        """Start the worker."""
        await self._worker.start()

    async def read(self, roots: Sequence[Path]) -> None:
        """What an earlier session indexed can be read before the worker is up."""
        if self.reader is None or tuple(roots) != self._roots:
            old, self.reader = self.reader, await Index.open(roots, self._worker)
            self._roots = tuple(roots)
            self._usage.clear()
            if old is not None:
                await old.close()

    async def open(self, roots: Sequence[Path], settings: Settings) -> None:
        """Index exactly these roots from now on."""
        await self.read(roots)
        await self._worker.open(roots, settings.index, watch=self._watch, vectors=self._vectors(settings))
        self._opened = True

    def update(self, paths: Sequence[Path]) -> None:
        """Files that may have changed on disk."""
        self._worker.update(paths)

    def document(self, path: Path, text: str) -> None:
        """The editor's unsaved text of `path`; the worker is told when typing pauses."""
        self._documents.put(path, text)
        self._worker.document(path, text)

    def release(self, path: Path) -> None:
        """The disk holds the truth about `path` again."""
        self._documents.drop(path)
        self._worker.release(path)

    def usage_of(self, language: str, besides: Path | None = None) -> UsageModel | None:
        """The usage model with the open documents as they are now in place of their files and without
        the file `besides`; None while there is none. The first question for a language has it loaded.
        For threads: what was typed since the last question is lexed here."""
        if language not in self._usage:
            self._usage[language] = None
            self._loop.call_soon_threadsafe(self._load, language, None, None)
        usage = self._usage.get(language)  # the loop may have forgotten all of them since
        return usage.model(self._documents, besides) if usage is not None else None

    async def statuses(self) -> list[IndexStatus]:
        """One per root; while the worker starts, as the store says."""
        if self._opened:
            return await self._worker.status()
        return await self.reader.status() if self.reader is not None else []

    async def reindex(self) -> None:
        """Throw the stores away and make them again."""
        self._worker.rebuild()

    async def close(self) -> None:
        """Stop the worker and close the stores."""
        for task in self._tasks:
            task.cancel()
        await self._worker.close()
        if self.reader is not None:
            await self.reader.close()

    def _load(self, language: str, root: Path | None, directory: Path | None) -> None:
        task = self._loop.create_task(self._loaded(language, root, directory), name=f"usage of {language}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _loaded(self, language: str, root: Path | None, directory: Path | None) -> None:
        roots = self._roots
        try:
            if root is None or directory is None:
                for root in roots:
                    directory = await asyncio.to_thread(usage_directory, index_directory(root), language)
                    if directory is not None:
                        break
            if root is None or directory is None:
                return
            old = self._usage.get(language)
            before = old.stored if old is not None and old.root == root else None
            model = await asyncio.to_thread(load, directory, before)
            if roots == self._roots:
                self._usage[language] = Usage(root, language, model)
        except (OSError, ValueError) as error:
            log.warning("the usage model of %s cannot be read: %s", language, error)
