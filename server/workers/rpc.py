"""JSON-RPC between the server and its workers, over the worker's stdin and stdout.

`Worker` is the server's end: it starts the process, restarts it with back-off when it dies, and answers
what was pending with `WorkerGone`. `serve` is the worker's end. Framing, ids and `$/cancelRequest` are
those of LSP; params and results are plain JSON values. Neither pygls nor lsprotocol is imported here: a
worker starts 0.4 s sooner and is 20 MiB smaller without them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass
from typing import Any

from devflow.server import logs
from devflow.server.transport import Frames, framed, taken_stdio

Handler = Callable[[dict[str, Any]], Awaitable[Any]]
Callback = Callable[[dict[str, Any]], None]

log = logging.getLogger(__name__)

FIRST_DELAY, LONGEST_DELAY = 0.1, 30.0
STABLE_AFTER = 60.0
"""A process that lived this long (seconds) is restarted without delay again."""
_LARGE_BODY = 200_000
_FAULT, _NO_METHOD, _CANCELLED = -32000, -32601, -32800


class WorkerError(Exception):
    """The worker answered with an error; `kind` is the class name of the exception there."""

    def __init__(self, message: str, kind: str = "") -> None:
        super().__init__(message)
        self.kind = kind


class WorkerGone(Exception):
    """The worker's process ended, or could not be started; it is being restarted."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program that is not ours and speaks JSON-RPC as we do; it leads a process group of its own, which
    ends with it, and what it prints as errors is not ours to show."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    """All it sees of the environment."""


class Worker:
    """One child process, `python -m module` or another `program`, and the requests to it. `requests` are
    what it may ask of us."""

    def __init__(
        self,
        name: str,
        module: str,
        arguments: Sequence[str] = (),
        *,
        program: Program | None = None,
        notifications: Mapping[str, Callback] | None = None,
        requests: Mapping[str, Handler] | None = None,
        on_restart: Callable[[], Awaitable[None]] | None = None,
        on_gone: Callable[[], None] | None = None,
    ) -> None:
        self.name = name
        # -P: the working folder is the workspace, and none of its modules may be imported.
        self._command = program.command if program else (sys.executable, "-P", "-m", module, *arguments)
        self._program = program
        self._handlers: dict[str, Handler] = {
            **{name: _as_handler(call) for name, call in (notifications or {}).items()},
            **(requests or {}),
        }
        self._on_restart = on_restart
        self._on_gone = on_gone
        self._process: asyncio.subprocess.Process | None = None
        self._protocol: _Protocol | None = None
        self._watch: asyncio.Task[None] | None = None
        self._up = asyncio.Event()
        self._closed = False
        self._works = False

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def start(self) -> None:
        """Start the process and keep it running until `close`. Raises WorkerGone when it cannot start."""
        if self._watch is not None or self._closed:
            return
        connection = await self._spawn()
        self._watch = asyncio.create_task(
            self._keep_running(connection), name=f"{self.name} worker", context=Context()
        )

    async def request(
        self, method: str, params: dict[str, Any] | None = None, timeout: float | None = None
    ) -> Any:
        """Ask and wait. Cancelling the waiting task cancels the work in the worker.

        Raises WorkerError (it answered with an error), WorkerGone (it died meanwhile, or is not up),
        TimeoutError after `timeout` seconds, restart included.
        """
        async with asyncio.timeout(timeout):
            if not self._up.is_set():
                if self._closed or self._watch is None:
                    raise WorkerGone(f"The {self.name} worker is not running.")
                await self._up.wait()
            protocol = self._protocol
            if protocol is None:
                raise WorkerGone(f"The {self.name} worker is not running.")
            return await protocol.ask(method, params or {})

    def notify(self, method: str, params: dict[str, Any] | None = None) -> None:
        """Tell; dropped while the worker is down (`on_restart` sends what a new process must know)."""
        if self._protocol is not None and self._up.is_set():
            self._protocol.notify(method, params or {})

    def works(self) -> None:
        """What the process was started for works: should it die later, it is started again at once."""
        self._works = True

    async def close(self) -> None:
        """End the process: politely by closing its stdin, after half a second by SIGKILL."""
        self._closed = True
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            if process.stdin is not None:
                process.stdin.close()
            try:
                await asyncio.wait_for(process.wait(), 0.5)
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        self._end_group(process)
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        self._disconnect()

    def _end_group(self, process: asyncio.subprocess.Process | None) -> None:
        """What a program has started ends with it."""
        if process is not None and self._program is not None and hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)

    async def _spawn(self) -> asyncio.Task[None]:
        own: dict[str, Any] = {}
        if self._program is not None:
            own = {
                "env": dict(self._program.environment),
                "stderr": asyncio.subprocess.DEVNULL,
                "start_new_session": True,
            }
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=2**20,
                **own,
            )
        except OSError as error:
            raise WorkerGone(f"The {self.name} worker could not be started: {error}.") from error
        assert process.stdin is not None
        assert process.stdout is not None
        protocol = _Protocol(self._handlers, ours=self._program is None)
        protocol.connect(process.stdin.write)
        self._process, self._protocol = process, protocol
        self._up.set()
        connection = asyncio.create_task(
            protocol.read(process.stdout), name=f"{self.name} worker's answers", context=Context()
        )
        # At once, not when `_keep_running` gets to it: it may itself wait for an answer, in `on_restart`.
        connection.add_done_callback(lambda ended: self._lost())
        return connection

    async def _keep_running(self, connection: asyncio.Task[None]) -> None:
        delay = 0.0
        try:
            while True:
                started = time.monotonic()
                await asyncio.gather(connection, return_exceptions=True)
                process = self._process
                if process is not None:
                    await process.wait()
                    self._end_group(process)
                self._disconnect()
                if self._closed:
                    return
                log.warning(
                    "the %s worker ended with code %s; restarting it",
                    self.name,
                    process.returncode if process is not None else "?",
                )
                stable = self._works or time.monotonic() - started > STABLE_AFTER
                self._works = False
                delay = 0.0 if stable else min(max(FIRST_DELAY, delay * 2), LONGEST_DELAY)
                await asyncio.sleep(delay)
                try:
                    connection = await self._spawn()
                except WorkerGone as error:
                    log.warning("%s", error)
                    continue
                if self._on_restart is not None:
                    try:
                        await self._on_restart()
                    except (WorkerError, WorkerGone) as error:
                        log.warning("the %s worker could not be set up again: %s", self.name, error)
        finally:
            connection.cancel()
            await asyncio.gather(connection, return_exceptions=True)

    def _lost(self) -> None:
        if self._on_gone is not None and not self._closed:
            self._on_gone()
        self._disconnect()

    def _disconnect(self) -> None:
        self._up.clear()
        protocol, self._protocol = self._protocol, None
        if protocol is not None:
            protocol.abandon(WorkerGone(f"The {self.name} worker stopped; it is being restarted."))


class Server:
    """What a worker's handlers use to talk back."""

    def __init__(self, protocol: _Protocol) -> None:
        self._protocol = protocol

    def notify(self, method: str, params: dict[str, Any]) -> None:
        """Send a notification; call it on the event loop (`loop.call_soon_threadsafe` from threads)."""
        self._protocol.notify(method, params)


async def serve(
    methods: Callable[[Server], Mapping[str, Handler]],
    on_exit: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Answer requests on stdin until it closes. `methods` is given the way to talk back and returns
    the handlers. A handler's exception is answered as an error with its message and class name.

    Whatever a library prints goes to stderr (`taken_stdio`).
    """
    loop = asyncio.get_running_loop()
    incoming, outgoing = taken_stdio()
    answers = os.fdopen(outgoing, "wb")
    reader = asyncio.StreamReader(limit=2**20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(incoming, "rb"))
    handlers: dict[str, Handler] = {}
    protocol = _Protocol(handlers)

    def write(data: bytes) -> None:
        answers.write(data)
        answers.flush()

    protocol.connect(write)
    handlers.update(methods(Server(protocol)))
    try:
        await protocol.read(reader)
    except (BrokenPipeError, ConnectionResetError, asyncio.IncompleteReadError):
        pass  # the server is gone, and so is our reason to be
    finally:
        if on_exit is not None:
            await on_exit()


def main(run: Callable[[], Awaitable[None]]) -> None:
    """Run a worker's coroutine and leave at once: native libraries may crash on an orderly exit, and
    a thread that still computes must not keep the process alive."""
    logs.begin()
    status = 1
    try:
        asyncio.run(_awaited(run))
        status = 0
    except KeyboardInterrupt:
        status = 130
    except Exception:
        logging.getLogger("devflow").exception("the worker failed")
    finally:
        sys.stderr.flush()
        os._exit(status)


async def _awaited(run: Callable[[], Awaitable[None]]) -> None:
    await run()


class _Protocol:
    """One end of the pipe: what it asks, what it is asked, what it is told."""

    def __init__(self, handlers: Mapping[str, Handler], *, ours: bool = True) -> None:
        """`ours`: the other end is told which of the editor's requests a question is asked for."""
        self._handlers = handlers
        self._ours = ours
        self._write: Callable[[bytes], None] = lambda data: None
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._next_id = 0
        self._answering: dict[int, asyncio.Task[None]] = {}
        self._told: set[asyncio.Task[Any]] = set()

    def connect(self, write: Callable[[bytes], None]) -> None:
        """Send what there is to send through `write`."""
        self._write = write

    async def read(self, reader: asyncio.StreamReader) -> None:
        """Take messages until the other end closes; what is still being answered is cancelled then."""
        frames = Frames()
        try:
            while data := await reader.read(1 << 16):
                for body in frames.feed(data):
                    try:
                        # Half a megabyte takes 5 ms to parse: the loop must not wait for it.
                        if body is not None and len(body) > _LARGE_BODY:
                            read = await asyncio.to_thread(json.loads, body)
                        else:
                            read = json.loads(body or b"")
                        self._take(read)
                    except (ValueError, KeyError, TypeError, AttributeError) as error:
                        log.warning("a message of a worker made no sense: %s", type(error).__name__)
        finally:
            for task in (*self._answering.values(), *self._told):
                task.cancel()

    async def ask(self, method: str, params: dict[str, Any]) -> Any:
        self._next_id += 1
        number = self._next_id
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        asked_for = logs.about.get() if self._ours else None
        told = {"about": asked_for} if asked_for is not None else {}
        self._send({"id": number, "method": method, "params": params, **told})
        try:
            return await answer
        except asyncio.CancelledError:
            self.notify("$/cancelRequest", {"id": number})
            raise
        finally:
            self._asked.pop(number, None)

    def notify(self, method: str, params: dict[str, Any]) -> None:
        self._send({"method": method, "params": params})

    def abandon(self, reason: Exception) -> None:
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(reason)
        self._asked.clear()

    def _send(self, message: dict[str, Any]) -> None:
        # ASCII only: a lone surrogate in a document cannot be written otherwise.
        self._write(framed(json.dumps({"jsonrpc": "2.0", **message}, separators=(",", ":")).encode("ascii")))

    def _take(self, message: dict[str, Any]) -> None:
        method, number, params = message.get("method"), message.get("id"), message.get("params") or {}
        if method is None:
            self._take_answer(message)
        elif number is not None:
            token = logs.about.set(logs.request_in(message) if self._ours else None)
            task = asyncio.create_task(self._answer(number, method, params), name=method)
            logs.about.reset(token)
            self._answering[number] = task
            task.add_done_callback(lambda done: self._answering.pop(number, None))
        elif method == "$/cancelRequest":
            running = self._answering.get(params["id"])
            if running is not None:
                running.cancel()
        elif method in self._handlers:
            told = asyncio.create_task(_called(self._handlers[method], params), name=method)
            self._told.add(told)
            told.add_done_callback(self._told.discard)

    async def _answer(self, number: int, method: str, params: dict[str, Any]) -> None:
        try:
            handler = self._handlers.get(method)
            if handler is None:
                self._fail(number, _NO_METHOD, f"There is no method {method!r}.")
            else:
                self._send({"id": number, "result": await handler(params)})
        except asyncio.CancelledError:
            self._fail(number, _CANCELLED, "The request was cancelled.")
        except WorkerError as error:
            self._fail(number, _FAULT, str(error), error.kind)
        except Exception as error:
            log.exception("a request failed")
            self._fail(number, _FAULT, f"{type(error).__name__}: {error}", type(error).__name__)

    def _fail(self, number: int, code: int, message: str, kind: str = "") -> None:
        self._send({"id": number, "error": {"code": code, "message": message, "data": kind}})

    def _take_answer(self, message: dict[str, Any]) -> None:
        answer = self._asked.get(message["id"])
        if answer is None or answer.done():
            return  # cancelled meanwhile
        error = message.get("error")
        if error is None:
            answer.set_result(message.get("result"))
        else:
            # A cancelled question is not awaited any more: `_CANCELLED` here is the other end's own idea.
            answer.set_exception(WorkerError(error["message"], error.get("data") or ""))


async def _called(handler: Handler, params: dict[str, Any]) -> None:
    try:
        await handler(params)
    except Exception:
        log.exception("a notification failed")


def _as_handler(callback: Callback) -> Handler:
    async def handle(params: dict[str, Any]) -> None:
        callback(params)

    return handle
