"""The processes and models behind a session: brought up, set up again when settings change, closed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devflow.server.assist.waiting import allowed
from devflow.server.documents import OpenDocument
from devflow.server.open_documents import OpenDocuments
from devflow.server.services import Host, IndexService, PythonService, Services
from devflow.server.settings import Settings

if TYPE_CHECKING:
    from devflow.models.base import ModelsConfig
    from devflow.models.router import Router

log = logging.getLogger(__name__)

STARTING_SECONDS = 1.5
"""Longest a request waits for a session that is still starting."""
ASKING_SECONDS = 10.0
"""Longest that what asks a model, and so takes seconds, waits for it."""


class Behind:
    """What a session has behind it; a part that is not up is None."""

    def __init__(
        self,
        services: Services,
        documents: OpenDocuments,
        host: Host,
        run: Callable[[Coroutine[Any, Any, Any], str], asyncio.Task[Any]],
    ) -> None:
        self.index: IndexService | None = None
        self.python: PythonService | None = None
        self.models: Router | None = None
        self.starting = True
        self._answering: asyncio.Event | None = None
        """Set when a request need not wait any longer; None before the start."""
        self._searchable: asyncio.Event | None = None
        """Set before that, when the index of an earlier session can be read."""
        self._askable: asyncio.Event | None = None
        """Set after that, when the models are put together."""
        self._roots: tuple[Path, ...] = ()
        """The folders it works for."""
        self._models_of: ModelsConfig | None = None
        """What `models` were made of."""
        self._services = services
        self._documents = documents
        self._host = host
        self._run = run

    async def start(self, roots: Sequence[Path], settings: Settings, *, watch: bool) -> None:
        """Bring everything up. `watch`: the index follows the disk, the editor does not tell of it."""
        self._roots = tuple(roots)
        # The engine first: its process starts on another core while this one imports the rest.
        await asyncio.to_thread(self._services.prepare)

        async def start_index() -> None:
            await asyncio.to_thread(self._services.prepare_index)
            await self._start_index(roots, settings, watch)

        await asyncio.gather(self._start_python(roots, settings), start_index())
        _set(self._answering, self._searchable)
        await asyncio.to_thread(self._services.prepare_models)
        await self._start_models(roots, settings)
        self.starting = False

    def begin(self) -> None:
        """From now on requests wait for the start, but not long."""
        self._answering, self._searchable, self._askable = asyncio.Event(), asyncio.Event(), asyncio.Event()

    def begun(self) -> None:
        """The start is over, well or not."""
        _set(self._answering, self._searchable, self._askable)

    async def settled(self, seconds: float = STARTING_SECONDS) -> None:
        """Wait, but not long, while the server starts: who jumps to a definition in the first second of a
        session wants the answer, not nothing at once."""
        await _waited(self._answering, seconds)

    async def searchable(self, seconds: float) -> None:
        """Wait as `settled`, but for the index to read only: a search asks neither worker."""
        await _waited(self._searchable, seconds)

    async def askable(self, seconds: float) -> None:
        """Wait as `settled`, but for the models, which come last: what asks one can wait, and is not to be
        told that there is none."""
        await _waited(self._askable, seconds)

    async def reconfigure(
        self, before: Settings, after: Settings, roots: Sequence[Path], *, watch: bool
    ) -> None:
        """Set up again what the settings say otherwise now, or what works for other folders."""
        moved = tuple(roots) != self._roots
        self._roots = tuple(roots)
        if _models_in(roots, after) != self._models_of:
            old, self.models = self.models, None
            await self._start_models(roots, after)
            if old is not None:
                await old.close()
        if after.python != before.python and self.python is not None:
            old_engines, self.python = self.python, None
            await asyncio.gather(old_engines.close(), self._start_python(roots, after))
        elif moved and self.python is not None:
            self.python.set_roots(roots)
        embedder_may_differ = after.retrieval != before.retrieval or (
            after.models != before.models and any("embed" in model.tasks for model in after.models.models)
        )
        if moved or after.index != before.index or embedder_may_differ:
            if self.index is None:
                await self._start_index(roots, after, watch)
            else:
                await self.index.open(roots, after)

    async def close(self) -> None:
        """Stop the workers."""
        parts = [part.close() for part in (self.index, self.python, self.models) if part is not None]
        self.index = self.python = self.models = None
        for failure in await asyncio.gather(*parts, return_exceptions=True):
            if isinstance(failure, Exception):
                log.warning("a worker did not close: %s", failure)

    # -- documents -------------------------------------------------------------------------------------

    def opened(self, document: OpenDocument) -> None:
        """A document was opened: what it imports may be loaded."""
        if self.python is not None and document.path is not None and _is_python(document):
            self.python.opened(document.path, document.text.source)

    def changed(self, document: OpenDocument) -> None:
        """A document was opened or edited."""
        if self.index is not None and document.path is not None and not document.set_aside:
            self.index.document(document.path, document.text.source)
        if self.python is not None and document.path is not None and _is_python(document):
            self.python.changed(document.path, document.text.source)

    def released(self, document: OpenDocument) -> None:
        """A document was closed."""
        if self.index is not None and document.path is not None:
            self.index.release(document.path)
        if self.python is not None and document.path is not None:
            self.python.closed(document.path)

    def files_changed(self, paths: Sequence[Path]) -> None:
        """Files may have changed on the disk."""
        if self.index is not None and paths:
            self.index.update(paths)
        if self.python is not None and paths:
            self.python.files_changed(paths)

    # -- the parts -------------------------------------------------------------------------------------

    async def _start_models(self, roots: Sequence[Path], settings: Settings) -> None:
        make, config = self._services.models, _models_in(roots, settings)
        if make is None:
            return

        def made() -> Router:
            models = make(config, self._host.tell)
            models.statuses()
            return models

        # In a thread: the modules of the engines are imported, and their libraries and files looked for.
        models = self.models = await asyncio.to_thread(made)
        self._models_of = config
        self._run(models.warm(), "loading the models")

    async def _start_python(self, roots: Sequence[Path], settings: Settings) -> None:
        if self._services.python is None:
            return
        # Known before it is up: whoever closes the session closes it too.
        python = self.python = self._services.python(roots, settings.python)
        try:
            await python.start()
        except Exception as error:
            log.exception("the python worker did not start")
            self._host.tell(f"The Python engine did not start ({error}); DevFlow answers without it.")
            self.python = None
            await python.close()
            return
        for _, document in self._documents.indexed():
            self.opened(document)

    async def _start_index(self, roots: Sequence[Path], settings: Settings, watch: bool) -> None:
        if self._services.index is None or not settings.index.enabled or self.index is not None:
            return
        index = self.index = self._services.index(self._host, watch)
        for root in roots:  # from the start: the worker needs a moment before it can say how far it is
            self._host.progress(root.name, 0, 1)
        try:
            await index.read(roots)
            if self._searchable is not None:
                self._searchable.set()
            await index.start()
            for path, document in self._documents.indexed():
                index.document(path, document.text.source)
            await index.open(roots, settings)
        except Exception as error:
            log.exception("the index did not start")
            self._host.tell(f"The index did not start ({error}); DevFlow answers from the open documents.")
            self.index = None
            for root in roots:
                self._host.progress(root.name, 1, 1)
            await index.close()


def _set(*events: asyncio.Event | None) -> None:
    for event in events:
        if event is not None:
            event.set()


async def _waited(event: asyncio.Event | None, seconds: float) -> None:
    if event is not None and not event.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), allowed(seconds))


def _models_in(roots: Sequence[Path], settings: Settings) -> ModelsConfig:
    """What the models are made of: their calls are written down, and limited, under the first folder."""
    return settings.models.within(str(next(iter(roots), "")))


def _is_python(document: OpenDocument) -> bool:
    return document.language == "python" and not document.set_aside
