"""One editor's session: what it is told, what it knows, and what its requests are given.

The documents, the settings, the processes behind it and the words for the user are parts of their own
(`open_documents`, `configuration`, `behind`, `messages`); here they meet. It knows LSP's types but no
method: the handlers call it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from lsprotocol import types

from devflow.analysis.document import Document
from devflow.analysis.facts import Location
from devflow.analysis.paths import told_path
from devflow.analysis.text import Encoding, Text
from devflow.server import convert, logs, settings
from devflow.server.assist.base import Codebase
from devflow.server.assist.memory import Memory
from devflow.server.assist.next_edit.offers import Offers
from devflow.server.behind import ASKING_SECONDS, STARTING_SECONDS, Behind
from devflow.server.configuration import Configuration
from devflow.server.documents import OpenDocument
from devflow.server.errors import ContentModified
from devflow.server.files import LARGEST
from devflow.server.learning import Learning
from devflow.server.messages import Messages
from devflow.server.notebooks import Notebooks
from devflow.server.open_documents import OpenDocuments
from devflow.server.progress import IndexProgress
from devflow.server.roots import fit
from devflow.server.services import IndexService, PythonService, Services
from devflow.server.settings import Settings
from devflow.server.suggestions import Suggestions

if TYPE_CHECKING:
    from devflow.models.router import Router
    from devflow.server.app import DevFlowServer
    from devflow.server.findings import Pushed

log = logging.getLogger(__name__)


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
        self.left_out: list[str] = []
        """A sentence for each folder that the editor opened and nobody means as a workspace."""
        self.settings = Settings()
        self.log_level = ""
        self.log_format = ""
        """Both set on the command line, which wins over the settings."""
        self.documents = OpenDocuments()
        self.notebooks = Notebooks(self.documents)
        self.suggestions = Suggestions(self.run, self.documents.text_now)
        self.suggestions.experiment_of = self._experiment_of
        self.offers = Offers()
        self.timings: dict[str, deque[float]] = {}
        """Method → its last milliseconds."""
        self.engines: dict[str, str] = {}
        """Method → the engine that gave its last answer."""
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
        self.index_states: dict[Path, str] = {}
        """Root → the last state its indexer told; see `IndexStatus.state`."""
        self._failed: set[Path] = set()
        """Roots whose index has failed and was not ready since."""
        self.tell = (messages := Messages(client)).tell
        self.note = messages.note
        self._messages = messages
        self._services = services
        self._behind = Behind(services, self.documents, self, self.run)
        self._configuration = Configuration(client)
        self._memory = Memory()
        self._learning = Learning(self.suggestions, self.offers, self._memory, services.feedback)
        self._progress = IndexProgress(client)
        self._setting_up = asyncio.Lock()
        """Held while what is behind the session is set up: what was read last is what counts in the end."""

    # -- life ------------------------------------------------------------------------------------

    async def configure(self, params: types.InitializeParams) -> None:
        """Take what `initialize` says."""
        self.capabilities = params.capabilities
        general = params.capabilities.general
        self.encoding = choose_encoding(general.position_encodings if general else None)
        await self._work_for(roots_of(params))
        self._configuration.initialize(params.initialization_options)
        await self._resolve()

    async def start(self) -> None:
        """Bring up what answers can do without; called when the editor is ready to be asked."""
        self._behind.begin()
        try:
            async with self._setting_up:
                if await self._configuration.pull(self.capabilities):
                    await self._resolve()
                window = self.capabilities.window
                self._progress.shown = bool(window and window.work_done_progress)
                await self._learning.keep(self.settings.feedback.record)
                await self._behind.start(self.roots, self.settings, watch=not self._client_watches_files())
            self._state_changed()
        finally:
            self._behind.begun()

    async def settled(self, seconds: float = STARTING_SECONDS) -> None:
        """Wait, but not long, while the server starts."""
        await self._behind.settled(seconds)

    async def searchable(self, seconds: float) -> None:
        """Wait, but not long, for an index to search."""
        await self._behind.searchable(seconds)

    async def askable(self, seconds: float = ASKING_SECONDS) -> None:
        """Wait, but not long, for the models."""
        await self._behind.askable(seconds)

    async def close(self) -> None:
        """Stop the workers."""
        if not self._messages.silent:
            self._messages.silent = True
            self._memory.close()
            await asyncio.gather(self._behind.close(), self.suggestions.close())

    def run(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Run `work` in the background; it is cancelled when the session ends."""
        return self.client.protocol.run(work, name)

    @property
    def shows_status(self) -> bool:
        """Whether the client knows `devflow/status` and shows the answers of our commands itself."""
        experimental = self.capabilities.experimental
        return isinstance(experimental, Mapping) and bool(experimental.get("devflowStatus"))

    # -- what the assistant is given ---------------------------------------------------------------

    @property
    def index(self) -> IndexService | None:
        """The index; None while there is none."""
        return self._behind.index

    @property
    def python(self) -> PythonService | None:
        """The Python engine; None while it is not up."""
        return self._behind.python

    @property
    def models(self) -> Router | None:
        """The models; None before the start."""
        return self._behind.models

    @property
    def starting(self) -> bool:
        """Whether something behind the session is not up yet."""
        return self._behind.starting

    def codebase(self) -> Codebase:
        """The codebase as it is now; parts that are not up are None."""
        return Codebase(
            roots=self.roots,
            texts=self.documents,
            python=self.python,
            index=self.index.reader if self.index is not None else None,
            models=self.models,
            usage=self.index,
            memory=self._memory,
            types_are_fast=self.python is not None and self.python.engine != "jedi",
            seen=self.documents.seen,
        )

    async def snapshot(self, uri: str) -> Document | None:
        """The document at the moment of the call, with its tree. A file that is not open is read from
        the disk; None when there is nothing to work on."""
        return await self.documents.snapshot(uri)

    async def place(self, params: Positioned) -> tuple[Document, int] | None:
        """The document a request is about and the offset it asks at; None when there is no document."""
        self.documents.look_at(params.text_document.uri)
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
        return await self.documents.text_of(path)

    def is_stale(self, doc: Document) -> bool:
        """Whether the editor's document has moved on from `doc`."""
        return self.documents.is_stale(doc)

    def check_current(self, doc: Document) -> None:
        """Raise ContentModified when the editor's document has moved on from `doc`."""
        if self.is_stale(doc):
            raise ContentModified

    def version_of(self, path: Path) -> int | None:
        """The version of an open document, as versioned edits name it."""
        return self.documents.version_of(path)

    def uri_of(self, path: Path) -> str:
        """The URI of a file: the editor's own spelling where it is open."""
        return self.documents.uri_of(path)

    # -- documents ---------------------------------------------------------------------------------

    def open(self, item: types.TextDocumentItem) -> None:
        """The editor owns this document from now on."""
        document = self.documents.open(item)
        if not document.language:
            self.note(
                f"DevFlow has no grammar for the language {item.language_id[:40]!r}; "
                "documents in it get only what needs none."
            )
        self._changed(document)
        self._behind.opened(document)

    def change(self, named: types.VersionedTextDocumentIdentifier, changes: Sequence[Any]) -> None:
        """Apply the editor's changes."""
        history = self.documents.history(named.uri)
        mark = history.mark if history is not None else 0
        document = self.documents.change(named, changes, self.encoding)
        if document is not None:
            self.suggestions.changed(named.uri, document.history.since(mark) or ())
            self._changed(document)

    def saved(self, uri: str) -> None:
        """The editor has written the document to the disk."""
        path = self.documents.path_of(uri)
        if path is not None:
            self.files_changed([path])
            for changed in self.on_change:
                changed(uri)

    def close_document(self, uri: str) -> None:
        """The disk holds the truth about this document again."""
        document = self.documents.close(uri)
        self.suggestions.closed(uri)
        self._memory.release(uri)
        if document is not None:
            self._behind.released(document)
            for closed in self.on_close:
                closed(uri)

    def cells_changed(self, cells: Iterable[str], closed: Iterable[str] = ()) -> None:
        """Cells of one notebook are as they are now: an edit of one changes what the others mean."""
        for uri in cells:
            for changed in self.on_change:
                changed(uri)
        for uri in closed:
            for gone in self.on_close:
                gone(uri)

    def files_changed(self, paths: Iterable[Path]) -> None:
        """Files were made, changed, renamed or deleted outside the editor's documents."""
        paths = list(paths)
        if any(path.name == settings.FILE_NAME for path in paths):
            self.run(self.reload(), "read the settings")
        self._behind.files_changed(paths)

    def _changed(self, document: OpenDocument) -> None:
        if document.set_aside:
            name = document.path.name if document.path else document.uri
            self.tell(f"{name} is longer than {LARGEST:,} characters; DevFlow leaves it alone.")
        self._behind.changed(document)
        for changed in self.on_change:
            changed(document.uri)

    # -- roots and settings --------------------------------------------------------------------------

    async def change_roots(self, added: Iterable[Path], removed: Iterable[Path]) -> None:
        """Add and remove workspace folders."""
        gone = set(removed)
        async with self._setting_up:
            kept = [root for root in self.roots if root not in gone]
            await self._work_for((*kept, *added))
            await self._set_up_again()

    async def _work_for(self, folders: Iterable[Path]) -> None:
        self.roots, self.left_out = await asyncio.to_thread(fit, folders)
        for sentence in self.left_out:
            self.tell(sentence)

    async def reload(self, editor: object = None) -> None:
        """Read the settings again; `editor` is what `didChangeConfiguration` carried."""
        async with self._setting_up:
            if not await self._configuration.pull(self.capabilities) and editor is not None:
                self._configuration.set(editor)
            await self._set_up_again()
        for ready in self.on_ready:
            ready()

    async def _set_up_again(self) -> None:
        """Take in what the settings of today's folders say, and work for these folders. A folder brings
        rules of its own on what may be sent."""
        before = self.settings
        await self._resolve()
        self._end_ghost_text(before)
        await self._learning.keep(self.settings.feedback.record)
        await self._behind.reconfigure(
            before, self.settings, self.roots, watch=not self._client_watches_files()
        )

    def _end_ghost_text(self, before: Settings) -> None:
        """Stop the models that write ghost text where it is not wanted any more."""
        off = before.features.inline_completion and not self.settings.features.inline_completion
        if off or (before.inline.mode != "manual" and self.settings.inline.mode == "manual"):
            from devflow.server.assist.inline.ghost import end

            end(self._memory, self.documents, unasked=not off)

    async def _resolve(self) -> None:
        self.settings, problems = await self._configuration.resolve(self.roots)
        logging.getLogger("devflow").setLevel((self.log_level or self.settings.log_level).upper())
        logs.write_as(self.log_format or self.settings.log_format)
        for problem in problems:
            self.tell(problem)

    def _experiment_of(self, doc: Document, model: str) -> str:
        """By the name that the document has in the request to the model."""
        if self.models is None or doc.path is None:
            return ""
        return self.models.experiment_of("fill", doc.language, told_path(doc.path, self.roots), model)

    def _client_watches_files(self) -> bool:
        workspace = self.capabilities.workspace
        watched = workspace.did_change_watched_files if workspace else None
        return bool(watched and watched.dynamic_registration)

    # -- what the index tells (services.Host) ----------------------------------------------------------

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
        if state == "failed":
            self._failed.add(root)
        elif state == "ready" and root in self._failed:
            self._failed.remove(root)
            self.tell(f"The index of {root.name} works again and is up to date.", types.MessageType.Info)
        self._state_changed()

    def _state_changed(self) -> None:
        for changed in self.on_state:
            changed()

    # -- how answers went --------------------------------------------------------------------------------

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
