"""The server of one connection: its table of handlers and its life, and what it is composed of."""

from __future__ import annotations

import asyncio
import functools
import importlib
import inspect
import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cattrs
from lsprotocol import types
from lsprotocol.converters import get_converter
from pygls.lsp.server import LanguageServer

import devflow
from devflow.models.base import ModelsConfig
from devflow.server.errors import guarded
from devflow.server.findings import Pushed
from devflow.server.parent import until_gone
from devflow.server.protocol import Handler, Protocol
from devflow.server.routes import NOTIFICATIONS, REQUESTS, Route, capabilities
from devflow.server.services import Host, IndexService, PythonService, Services
from devflow.server.session import Session
from devflow.server.settings import Python as PythonSettings
from devflow.server.status import StatusLine

if TYPE_CHECKING:
    from devflow.models.feedback import Feedback
    from devflow.models.router import Router

log = logging.getLogger(__name__)

Incoming = asyncio.Queue[tuple[bytes | None, bool]]
"""Message bodies (None for a broken frame), and whether that was the end of input."""
CLOSE_WITHIN = 0.7
"""Seconds the workers have to end by themselves."""


class DevFlowServer(LanguageServer):
    """One connection: its protocol and its session."""

    protocol: Protocol  # pyright: ignore[reportIncompatibleVariableOverride]  # made by protocol_cls below

    def __init__(self, services: Services) -> None:
        super().__init__(
            "devflow",
            devflow.__version__,
            protocol_cls=Protocol,
            # Half the code to generate at the start; which field was wrong is looked for when one is.
            converter_factory=lambda: get_converter(cattrs.Converter(detailed_validation=False)),
        )
        self.session = Session(self, services)
        self.session.pushed = Pushed(self.session)
        self._status = StatusLine(self.session)
        self.exit_code: int | None = None
        self._left = asyncio.Event()
        self._parent: asyncio.Task[None] | None = None
        self.protocol.handlers = self._table()
        routes = {route.method: route for route in (*NOTIFICATIONS, *REQUESTS)}
        self.protocol.load = lambda method: routes[method].load() if method in routes else None
        self.protocol.exited = lambda: self.leave(0 if self.protocol.state == "shutdown" else 1)

    def leave(self, code: int) -> None:
        """End the conversation; the first reason given decides the exit code."""
        if self.exit_code is None:
            self.exit_code = code
            self._left.set()

    async def converse(self, incoming: Incoming) -> int:
        """Take messages until the client says `exit` or is gone; the workers are down when this
        returns. Returns the exit code."""
        left = asyncio.create_task(self._left.wait())
        try:
            while not self._left.is_set():
                taken = asyncio.create_task(incoming.get())
                await asyncio.wait((taken, left), return_when=asyncio.FIRST_COMPLETED)
                if not taken.done():
                    taken.cancel()
                    break
                body, ended = taken.result()
                if ended:
                    self.leave(0 if self.protocol.state == "shutdown" else 1)
                    break
                message = self.protocol.read(body)
                await self.protocol.made_ready(message)
                self.protocol.handle(message)
                # The request's task takes its first step now: it reads the document before the next
                # message, perhaps an edit, is looked at.
                await asyncio.sleep(0)
        finally:
            left.cancel()
            await self.stop()
        return self.exit_code or 0

    async def stop(self) -> None:
        """Cancel what runs and stop the workers, within CLOSE_WITHIN."""
        if self._parent is not None:
            self._parent.cancel()
        await self.protocol.cancel_all()
        try:
            async with asyncio.timeout(CLOSE_WITHIN):
                await self.session.close()
        except TimeoutError:
            log.warning("the workers did not end in time; they are killed")

    def report_server_error(self, error: Exception, source: Any) -> None:
        """pygls's own reports: into the log, not onto the user's screen."""
        log.error("%s", type(error).__name__)

    # -- the table, bound to the session -------------------------------------------------------------

    def _table(self) -> dict[str, Handler]:
        table: dict[str, Handler] = {
            types.INITIALIZE: self._initialize,
            types.INITIALIZED: self._initialized,
            types.SHUTDOWN: self._shutdown,
            types.SET_TRACE: lambda params: None,
            types.CANCEL_REQUEST: lambda params: None,
            types.WINDOW_WORK_DONE_PROGRESS_CANCEL: self._cancel_progress,
        }
        for route in NOTIFICATIONS:
            table[route.method] = functools.partial(self._told, route)
        for route in REQUESTS:
            table[route.method] = self._guard(route)
        return table

    def _told(self, route: Route, params: Any) -> Awaitable[Any] | None:
        return route.load()(self.session, params)

    def _guard(self, route: Route) -> Callable[[Any], Awaitable[Any]]:
        session = self.session

        async def answer(params: Any) -> Any:
            if route.feature and not getattr(session.settings.features, route.feature):
                return route.empty
            line = None
            if route.of_whole:
                params, line = session.notebooks.asked_of_whole(params)
            work = route.load()(session, params)
            assert inspect.isawaitable(work)
            answered = await guarded(
                route.method, work, empty=route.empty, tell=session.tell, timed=session.timed
            )
            return session.notebooks.answered_in_cells(answered, line) if route.of_whole else answered

        return answer

    async def _initialize(self, params: types.InitializeParams) -> Any:
        session = self.session
        await session.configure(params)
        if params.process_id is not None:
            self.watch(params.process_id)

        def said() -> Any:
            announced = capabilities(params.capabilities, session.settings.features, session.encoding)
            return self.protocol.as_json(
                types.InitializeResult(announced, types.ServerInfo("DevFlow", devflow.__version__))
            )

        # In a thread: the first conversion of each of these classes generates code, 10 ms in all.
        return await asyncio.to_thread(said)

    async def _initialized(self, params: types.InitializedParams) -> None:
        self._register()
        await self.session.start()
        await asyncio.to_thread(_load_handlers)

    def _cancel_progress(self, params: types.WorkDoneProgressCancelParams) -> None:
        task = self.session.cancellable.get(params.token)
        if task is not None:
            task.cancel()

    async def _shutdown(self, params: None) -> None:
        await self.stop()

    def _register(self) -> None:
        """Ask for what can only be asked for dynamically."""
        workspace = self.session.capabilities.workspace
        registrations = []
        watched = workspace.did_change_watched_files if workspace else None
        if watched and watched.dynamic_registration:
            options = types.DidChangeWatchedFilesRegistrationOptions([types.FileSystemWatcher("**/*")])
            registrations.append(
                types.Registration("devflow-files", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
            )
        configured = workspace.did_change_configuration if workspace else None
        if configured and configured.dynamic_registration:
            registrations.append(
                types.Registration(
                    "devflow-settings",
                    types.WORKSPACE_DID_CHANGE_CONFIGURATION,
                    types.DidChangeConfigurationRegistrationOptions(section="devflow"),
                )
            )
        if registrations:
            self.session.run(
                self.client_register_capability_async(types.RegistrationParams(registrations)),
                "register capabilities",
            )

    def watch(self, pid: int) -> None:
        """Leave when the process `pid` is gone."""
        if self._parent is not None:
            self._parent.cancel()
        self._parent = asyncio.create_task(until_gone(pid, lambda: self.leave(0)))


def _load_handlers() -> None:
    """What the first answer did not need, before it is asked for."""
    for route in REQUESTS:
        route.load()
    importlib.import_module("devflow.server.handlers.execute_command").load()


def create_server(
    services: Services | None = None, log_level: str | None = None, log_format: str | None = None
) -> DevFlowServer:
    """A server for one connection; call it on a running event loop."""
    server = DevFlowServer(real_services() if services is None else services)
    server.session.log_level = log_level or ""
    server.session.log_format = log_format or ""
    return server


def real_services() -> Services:
    """The workers and models of this machine. What they need is imported after `initialize` is answered."""

    def prepare() -> None:
        importlib.import_module("devflow.server.workers.engines")

    def prepare_index() -> None:
        for name in ("indexing", "vectors"):
            importlib.import_module(f"devflow.server.{name}")

    def prepare_models() -> None:
        importlib.import_module("devflow.server.models")

    def python(roots: Sequence[Path], config: PythonSettings) -> PythonService:
        from devflow.server.workers.engines import chosen

        return chosen(roots, config.engine, os.environ)

    def index(host: Host, watch: bool) -> IndexService:
        from devflow.analysis.toolchains import follow
        from devflow.server.indexing import WorkspaceIndex
        from devflow.server.vectors import vector_options

        follow(os.environ)
        return WorkspaceIndex(
            host, watch=watch, vectors=lambda settings: vector_options(settings, os.environ)
        )

    def models(config: ModelsConfig, tell: Callable[[str], None]) -> Router:
        from devflow.server.learned import draws_of
        from devflow.server.models import build_router

        return build_router(config, os.environ, draws_of() if config.learn else None, tell)

    def feedback() -> Feedback:
        from devflow.models.feedback import Feedback, feedback_file

        return Feedback(feedback_file())

    return Services(prepare, prepare_index, prepare_models, python, index, models, feedback)
