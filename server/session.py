"""One editor's session: documents, roots, settings and the workers behind them.

The session owns the documents; everyone else is given frozen snapshots. It knows LSP's types but no
method: the handlers call it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from lsprotocol import types

from devflow.analysis.document import Document
from devflow.analysis.facts import Location
from devflow.analysis.languages import language_named, language_of
from devflow.analysis.text import Encoding, Text
from devflow.models.base import ModelsConfig
from devflow.server import convert, settings
from devflow.server.assist.base import Codebase, Memory
from devflow.server.documents import LARGEST, OpenDocument
from devflow.server.errors import ContentModified, RequestFailed
from devflow.server.files import FileTexts
from devflow.server.progress import IndexProgress
from devflow.server.services import IndexService, PythonService, Services
from devflow.server.settings import Settings

if TYPE_CHECKING:
    from devflow.models.router import Router
    from devflow.server.app import DevFlowServer
    from devflow.server.findings import Pushed

log = logging.getLogger(__name__)

TELL_AGAIN = 600.0
"""Seconds before the same sentence is shown to the user again."""
STARTING_SECONDS = 1.5
"""Longest a request waits for a session that is still starting."""


class Positioned(Protocol):
    """The parameters of a request about a place in a document."""

    text_document: types.TextDocumentIdentifier
    position: types.Position


class Session:
    """What one connection knows."""

    def __init__(self, client: DevFlowServer, services: Services) -> None:
        self.client = client
        self.capabilities = types.ClientCapabilities()
        self.encoding: Encoding = "utf-16"
        self.roots: tuple[Path, ...] = ()
        self.settings = Settings()
        self.log_level = ""
        """Set on the command line, which wins over the settings."""
        self.documents: dict[str, OpenDocument] = {}
        self.timings: dict[str, deque[float]] = {}
        """Method → its last milliseconds."""
        self.engines: dict[str, str] = {}
        """Method → the engine that gave its last answer."""
        self.index: IndexService | None = None
        self.python: PythonService | None = None
        self.models: Router | None = None
        self.on_change: list[Callable[[str], None]] = []
        """Called with the URI of a document that was opened, changed or saved."""
        self.on_close: list[Callable[[str], None]] = []
        """Called with the URI of a document that was closed."""
        self.on_state: list[Callable[[], None]] = []
        """Called when the state of an index or a worker changes."""
        self.on_ready: list[Callable[[], None]] = []
        """Called when an index has become ready: answers are better than before."""
        self.pushed: Pushed
        self.cancellable: dict[types.ProgressToken, asyncio.Task[Any]] = {}
        """Progress token → the task to cancel when the user cancels that progress."""
        self.starting = True
        self._started: asyncio.Event | None = None
        self.index_states: dict[Path, str] = {}
        """Root → the last state its indexer told; see `IndexStatus.state`."""
        self._services = services
        self._initialization: Mapping[str, Any] = {}
        self._configuration: Mapping[str, Any] = {}
        self._files = FileTexts()
        self._memory = Memory()
        self._told: dict[str, float] = {}
        self._progress = IndexProgress(client)
        self._closing = False

    # -- life ------------------------------------------------------------------------------------

    async def configure(self, params: types.InitializeParams) -> None:
        """Take what `initialize` says."""
        self.capabilities = params.capabilities
        general = params.capabilities.general
        self.encoding = choose_encoding(general.position_encodings if general else None)
        self.roots = roots_of(params)
        self._initialization = _section(params.initialization_options)
        await self._resolve()

    async def start(self) -> None:
        """Bring up what answers can do without; called when the editor is ready to be asked."""
        self._started = asyncio.Event()
        try:
            await self._start()
        finally:
            self._started.set()

    async def settled(self) -> None:
        """Wait, but not long, while the server starts: who jumps to a definition in the first second of a
        session wants the answer, not nothing at once."""
        if self._started is not None and not self._started.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._started.wait(), STARTING_SECONDS)

    async def _start(self) -> None:
        await self._pull_configuration()
        window = self.capabilities.window
        self._progress.shown = bool(window and window.work_done_progress)
        await self._resolve()
        await asyncio.to_thread(self._services.prepare)
        self._start_models()
        await asyncio.gather(self._start_python(), self._start_index())
        self.starting = False
        self._state_changed()

    async def close(self) -> None:
        """Stop the workers."""
        if self._closing:
            return
        self._closing = True
        self._memory.close()
        parts = [part.close() for part in (self.index, self.python, self.models) if part is not None]
        self.index = self.python = self.models = None
        for failure in await asyncio.gather(*parts, return_exceptions=True):
            if isinstance(failure, Exception):
                log.warning("a worker did not close: %s", failure)

    def run(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Run `work` in the background; it is cancelled when the session ends."""
        return self.client.protocol.run(work, name)

    @property
    def shows_status(self) -> bool:
        """Whether the client knows `devflow/status` and shows the answers of our commands itself."""
        experimental = self.capabilities.experimental
        return isinstance(experimental, Mapping) and bool(experimental.get("devflowStatus"))

    # -- what the assistant is given ---------------------------------------------------------------

    def codebase(self) -> Codebase:
        """The codebase as it is now; parts that are not up are None."""
        return Codebase(
            roots=self.roots,
            texts=self,
            python=self.python,
            index=self.index.reader if self.index is not None else None,
            models=self.models,
            usage=self.index,
            memory=self._memory,
        )

    def document(self, uri: str) -> Document | None:
        """The open document as it is now, None when it is not open or set aside; its tree may be None."""
        document = self.documents.get(uri)
        return None if document is None or document.set_aside else document.snapshot()

    async def snapshot(self, uri: str) -> Document | None:
        """The document at the moment of the call, with its tree. A file that is not open is read from
        the disk; None when there is nothing to work on."""
        document = self.documents.get(uri)
        if document is not None:
            return None if document.set_aside else await document.parsed()
        path = convert.path_of(uri)
        text = await self._files.text_of(path) if path is not None else None
        if path is None or text is None:
            return None
        language = language_of(path)
        closed = OpenDocument(uri, path, language.name if language else "", 0, text.source)
        return await closed.parsed()

    async def place(self, params: Positioned) -> tuple[Document, int] | None:
        """The document a request is about and the offset it asks at; None when there is no document."""
        doc = await self.snapshot(params.text_document.uri)
        return None if doc is None else (doc, convert.offset(doc.text, params.position, self.encoding))

    async def locations(self, found: Sequence[Location]) -> list[types.Location]:
        """Our locations as the editor's. Files that cannot be read any more are left out."""
        texts = {path: await self.text_of(path) for path in dict.fromkeys(each.path for each in found)}
        return [
            types.Location(
                self.uri_of(each.path), convert.range_of(text, each.start, each.end, self.encoding)
            )
            for each in found
            if (text := texts[each.path]) is not None
        ]

    async def text_of(self, path: Path) -> Text | None:
        """The open version where there is one, else the disk; None when it cannot be read."""
        document = self.documents.get(convert.uri_of(path)) or next(
            (document for document in self.documents.values() if document.path == path), None
        )
        if document is not None and not document.set_aside:
            return document.text
        return await self._files.text_of(path)

    def is_stale(self, doc: Document) -> bool:
        """Whether the editor's document has moved on from `doc`."""
        document = self.documents.get(doc.uri)
        return document is not None and not document.is_current(doc)

    def check_current(self, doc: Document) -> None:
        """Raise ContentModified when the editor's document has moved on from `doc`."""
        if self.is_stale(doc):
            raise ContentModified

    def version_of(self, path: Path) -> int | None:
        """The version of an open document, as versioned edits name it."""
        document = self.documents.get(convert.uri_of(path))
        return document.version if document is not None else None

    def uri_of(self, path: Path) -> str:
        """The URI of a file: the editor's own spelling where it is open."""
        for document in self.documents.values():
            if document.path == path:
                return document.uri
        return convert.uri_of(path)

    # -- documents ---------------------------------------------------------------------------------

    def open(self, item: types.TextDocumentItem) -> None:
        """The editor owns this document from now on."""
        path = convert.path_of(item.uri)
        language = language_named(item.language_id) or (language_of(path) if path else None)
        document = OpenDocument(item.uri, path, language.name if language else "", item.version, item.text)
        self.documents[item.uri] = document
        if language is None:
            self.note(
                f"DevFlow has no grammar for the language {item.language_id[:40]!r}; "
                "documents in it get only what needs none."
            )
        self._tell_set_aside(document)
        self._changed(document)
        self._prepare(document)

    def change(self, named: types.VersionedTextDocumentIdentifier, changes: Sequence[Any]) -> None:
        """Apply the editor's changes."""
        document = self.documents.get(named.uri)
        if document is None:
            log.warning("a change of %s, which is not open, was ignored", named.uri)
            return
        document.change(named.version, changes, self.encoding)
        self._tell_set_aside(document)
        self._changed(document)

    def saved(self, uri: str) -> None:
        """The editor has written the document to the disk."""
        document = self.documents.get(uri)
        if document is None or document.path is None:
            return
        if document.path.name == settings.FILE_NAME:
            self.run(self.reload(), "read the settings")
        if self.index is not None:
            self.index.update([document.path])
        if self.python is not None:
            self.python.files_changed([document.path])
        for changed in self.on_change:
            changed(uri)

    def close_document(self, uri: str) -> None:
        """The disk holds the truth about this document again."""
        document = self.documents.pop(uri, None)
        if document is None:
            return
        if self.index is not None and document.path is not None:
            self.index.release(document.path)
        if self.python is not None and document.path is not None:
            self.python.closed(document.path)
        for closed in self.on_close:
            closed(uri)

    def files_changed(self, paths: Iterable[Path]) -> None:
        """Files were made, changed, renamed or deleted outside the editor's documents."""
        paths = list(paths)
        if any(path.name == settings.FILE_NAME for path in paths):
            self.run(self.reload(), "read the settings")
        if self.index is not None and paths:
            self.index.update(paths)
        if self.python is not None and paths:
            self.python.files_changed(paths)

    def _changed(self, document: OpenDocument) -> None:
        if self.index is not None and document.path is not None and not document.set_aside:
            self.index.document(document.path, document.text.source)
        if self._is_python(document) and self.python is not None and document.path is not None:
            self.python.changed(document.path, document.text.source)
        for changed in self.on_change:
            changed(document.uri)

    def _tell_set_aside(self, document: OpenDocument) -> None:
        if document.set_aside:
            name = document.path.name if document.path else document.uri
            self.tell(f"{name} is longer than {LARGEST:,} characters; DevFlow leaves it alone.")

    # -- roots and settings --------------------------------------------------------------------------

    async def change_roots(self, added: Iterable[Path], removed: Iterable[Path]) -> None:
        """Add and remove workspace folders."""
        gone = set(removed)
        kept = [root for root in self.roots if root not in gone]
        self.roots = tuple(dict.fromkeys((*kept, *added)))
        await self._resolve()
        if self.index is not None:
            await self.index.open(self.roots, self.settings.index)
        if self.python is not None:
            self.python.set_roots(self.roots)

    async def reload(self, editor: object = None) -> None:
        """Read the settings again; `editor` is what `didChangeConfiguration` carried."""
        if not await self._pull_configuration() and editor is not None:
            self._configuration = _section(editor)
        before = self.settings
        await self._resolve()
        if self.settings.models != before.models:
            old, self.models = self.models, None
            self._start_models()
            if old is not None:
                await old.close()
        if self.settings.python != before.python and self.python is not None:
            old_python, self.python = self.python, None
            await asyncio.gather(old_python.close(), self._start_python())
        if self.settings.index != before.index:
            if self.index is None:
                await self._start_index()
            else:
                await self.index.open(self.roots, self.settings.index)
        for ready in self.on_ready:
            ready()

    async def _resolve(self) -> None:
        self.settings, problems = await asyncio.to_thread(
            settings.load, self.roots, (self._initialization, self._configuration)
        )
        logging.getLogger("devflow").setLevel((self.log_level or self.settings.log_level).upper())
        for problem in problems:
            self.tell(problem)

    async def _pull_configuration(self) -> bool:
        workspace = self.capabilities.workspace
        if not (workspace and workspace.configuration):
            return False
        asked = types.ConfigurationParams([types.ConfigurationItem(section="devflow")])
        try:
            async with asyncio.timeout(5):
                answer = await self.client.workspace_configuration_async(asked)
        except (RequestFailed, TimeoutError) as error:
            log.warning("the editor did not answer workspace/configuration: %s", error)
            return False
        self._configuration = _section(answer[0] if answer else None)
        return True

    # -- workers ---------------------------------------------------------------------------------------

    def _start_models(self) -> None:
        config: ModelsConfig = self.settings.models
        if self._services.models is not None:
            self.models = self._services.models(config)
            self.run(self.models.warm(), "loading the models")

    async def _start_python(self) -> None:
        if self._services.python is None:
            return
        # Known before it is up: whoever closes the session closes it too.
        python = self.python = self._services.python(self.roots, self.settings.python)
        try:
            await python.start()
        except Exception as error:
            log.exception("the python worker did not start")
            self.tell(f"The Python engine did not start ({error}); DevFlow answers without it.")
            self.python = None
            await python.close()
            return
        for document in self.documents.values():
            self._prepare(document)

    def _prepare(self, document: OpenDocument) -> None:
        if self.python is not None and document.path is not None and self._is_python(document):
            self.python.opened(document.path, document.text.source)

    @staticmethod
    def _is_python(document: OpenDocument) -> bool:
        return document.language == "python" and not document.set_aside

    async def _start_index(self) -> None:
        if self._services.index is None or not self.settings.index.enabled or self.index is not None:
            return
        index = self.index = self._services.index(self, not self._client_watches_files())
        for root in self.roots:  # from the start: the worker needs a moment before it can say how far it is
            self._progress.report(root.name, 0, 1)
        try:
            await index.start()
            for document in self.documents.values():
                if document.path is not None and not document.set_aside:
                    index.document(document.path, document.text.source)
            await index.open(self.roots, self.settings.index)
        except Exception as error:
            log.exception("the index did not start")
            self.tell(f"The index did not start ({error}); DevFlow answers from the open documents.")
            self.index = None
            for root in self.roots:
                self._progress.report(root.name, 1, 1)
            await index.close()

    def _client_watches_files(self) -> bool:
        workspace = self.capabilities.workspace
        watched = workspace.did_change_watched_files if workspace else None
        return bool(watched and watched.dynamic_registration)

    def progress(self, name: str, done: int, total: int) -> None:
        """`done` of `total` files of the folder `name` are indexed (called by the index service)."""
        self._progress.report(name, done, total)

    def index_state(self, root: Path, state: str) -> None:
        """The index of `root` is in `state` now (called by the index service)."""
        if state == "ready" and self.index_states.get(root) != "ready":
            for ready in self.on_ready:
                ready()
        if state not in ("empty", "indexing"):
            self._progress.report(root.name, 1, 1)
        self.index_states[root] = state
        self._state_changed()

    def _state_changed(self) -> None:
        for changed in self.on_state:
            changed()

    # -- the user ------------------------------------------------------------------------------------------

    def tell(self, sentence: str, kind: types.MessageType = types.MessageType.Warning) -> None:
        """Show one sentence; the same one again only after ten minutes."""
        now = time.monotonic()
        if self._closing or now - self._told.get(sentence, -TELL_AGAIN) < TELL_AGAIN:
            return
        self._told[sentence] = now
        self.client.window_show_message(types.ShowMessageParams(kind, sentence))

    def note(self, sentence: str) -> None:
        """Put one sentence into the editor's log, once."""
        if sentence not in self._told and not self._closing:
            self._told[sentence] = time.monotonic()
            self.client.window_log_message(types.LogMessageParams(types.MessageType.Info, sentence))

    def timed(self, method: str, milliseconds: float) -> None:
        """Keep how long an answer took."""
        self.timings.setdefault(method, deque(maxlen=500)).append(milliseconds)
        log.debug("%s %.1f ms", method, milliseconds)

    def answered(self, method: str, engine: str) -> None:
        """Keep who gave the last answer, for the status."""
        self.engines[method] = engine


def choose_encoding(offered: Sequence[str] | None) -> Encoding:
    """The client's first choice among those we know; UTF-16 where it says nothing."""
    for name in offered or ():
        match str(getattr(name, "value", name)):
            case "utf-8":
                return "utf-8"
            case "utf-16":
                return "utf-16"
            case "utf-32":
                return "utf-32"
    return "utf-16"


def roots_of(params: types.InitializeParams) -> tuple[Path, ...]:
    """The workspace folders; older clients name one root."""
    uris = [folder.uri for folder in params.workspace_folders or ()]
    if not uris and params.root_uri:
        uris = [params.root_uri]
    roots = [path for uri in uris if (path := convert.path_of(uri)) is not None]
    if not roots and not uris and params.root_path:
        roots = [Path(params.root_path)]
    return tuple(dict.fromkeys(root for root in roots if root.is_absolute()))


def _section(value: object) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        inner = value.get("devflow")
        return inner if isinstance(inner, Mapping) and len(value) == 1 else value
    return {}
