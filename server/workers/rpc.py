"""JSON-RPC between the server and its workers, over the worker's stdin and stdout.

`Worker` is the server's end: it starts the process, restarts it with back-off when it dies, and answers
what was pending with `WorkerGone`. `serve` is the worker's end. Both stand on pygls's protocol class,
so framing, ids and `$/cancelRequest` are those of LSP. Params and results are plain JSON values.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import os
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from lsprotocol import types
from lsprotocol.converters import get_converter
from pygls.exceptions import JsonRpcException, JsonRpcMethodNotFound, JsonRpcRequestCancelled
from pygls.io_ import StdoutWriter, run_async
from pygls.protocol import (
    JsonRPCNotification,
    JsonRPCProtocol,
    JsonRPCRequestMessage,
    JsonRPCResponseMessage,
)

Handler = Callable[[dict[str, Any]], Awaitable[Any]]
Callback = Callable[[dict[str, Any]], None]

log = logging.getLogger(__name__)

FIRST_DELAY, LONGEST_DELAY = 0.1, 30.0
STABLE_AFTER = 60.0
"""A process that lived this long (seconds) is restarted without delay again."""
_FAULT = -32000


class WorkerError(Exception):
    """The worker answered with an error; `kind` is the class name of the exception there."""

    def __init__(self, message: str, kind: str = "") -> None:
        super().__init__(message)
        self.kind = kind


class WorkerGone(Exception):
    """The worker's process ended, or could not be started; it is being restarted."""


class Worker:
    """One child process, `python -m module`, and the requests to it."""

    def __init__(
        self,
        name: str,
        module: str,
        arguments: Sequence[str] = (),
        *,
        notifications: Mapping[str, Callback] | None = None,
        on_restart: Callable[[], Awaitable[None]] | None = None,
        on_gone: Callable[[], None] | None = None,
    ) -> None:
        self.name = name
        # -P: the working folder is the workspace, and none of its modules may be imported.
        self._command = (sys.executable, "-P", "-m", module, *arguments)
        self._notifications = dict(notifications or {})
        self._on_restart = on_restart
        self._on_gone = on_gone
        self._process: asyncio.subprocess.Process | None = None
        self._protocol: _Protocol | None = None
        self._watch: asyncio.Task[None] | None = None
        self._up = asyncio.Event()
        self._closed = False

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
        self._watch = asyncio.create_task(self._keep_running(connection), name=f"{self.name} worker")

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
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        self._disconnect()

    async def _spawn(self) -> asyncio.Task[None]:
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=2**20,
            )
        except OSError as error:
            raise WorkerGone(f"The {self.name} worker could not be started: {error}.") from error
        assert process.stdin is not None
        assert process.stdout is not None
        protocol = _Protocol({name: _as_handler(call) for name, call in self._notifications.items()})
        protocol.set_writer(process.stdin)
        self._process, self._protocol = process, protocol
        self._up.set()
        return asyncio.create_task(
            run_async(
                stop_event=threading.Event(),
                reader=process.stdout,
                protocol=protocol,
                logger=log,
                error_handler=lambda error, source: None,
            ),
            name=f"{self.name} worker's answers",
        )

    async def _keep_running(self, connection: asyncio.Task[None]) -> None:
        delay = 0.0
        try:
            while True:
                started = time.monotonic()
                await asyncio.gather(connection, return_exceptions=True)
                process = self._process
                if process is not None:
                    await process.wait()
                self._disconnect()
                if self._closed:
                    return
                log.warning(
                    "the %s worker ended with code %s; restarting it",
                    self.name,
                    process.returncode if process is not None else "?",
                )
                if self._on_gone is not None:
                    self._on_gone()
                stable = time.monotonic() - started > STABLE_AFTER
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

    Whatever a library prints goes to stderr: file descriptor 1 is moved away first.
    """
    loop = asyncio.get_running_loop()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    reader = asyncio.StreamReader(limit=2**20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    handlers: dict[str, Handler] = {}
    protocol = _Protocol(handlers)
    protocol.set_writer(StdoutWriter(answers))
    handlers.update({name: _answering(call) for name, call in methods(Server(protocol)).items()})
    try:
        await run_async(
            stop_event=threading.Event(),
            reader=reader,
            protocol=protocol,
            logger=log,
            error_handler=lambda error, source: None,
        )
    except (BrokenPipeError, ConnectionResetError, asyncio.IncompleteReadError):
        pass  # the server is gone, and so is our reason to be
    finally:
        if on_exit is not None:
            await on_exit()


def main(run: Callable[[], Awaitable[None]]) -> None:
    """Run a worker's coroutine and leave at once: native libraries may crash on an orderly exit, and
    a thread that still computes must not keep the process alive."""
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("pygls").setLevel(logging.CRITICAL)  # it logs bodies
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


class _Protocol(JsonRPCProtocol):
    """pygls's protocol with plain JSON params, our own handler table and safe cancellation."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        super().__init__(_Reporter(), get_converter())  # type: ignore[arg-type]  # only the reporter is used
        self._handlers = handlers
        self._asked: dict[str | int, asyncio.Future[Any]] = {}
        self._next_id = 0

    async def ask(self, method: str, params: dict[str, Any]) -> Any:
        self._next_id += 1
        number = self._next_id
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        self._send_data(JsonRPCRequestMessage(id=number, method=method, jsonrpc="2.0", params=params))
        try:
            return await answer
        except asyncio.CancelledError:
            self._send_data(JsonRPCNotification("$/cancelRequest", "2.0", {"id": number}))
            raise
        finally:
            self._asked.pop(number, None)

    def abandon(self, reason: Exception) -> None:
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(reason)
        self._asked.clear()

    def structure_message(self, data: dict[str, Any]) -> Any:
        if data.get("jsonrpc") != "2.0":
            return data
        if "error" in data:
            error = data["error"]
            return types.ResponseErrorMessage(
                id=data["id"],
                error=types.ResponseError(error["code"], error["message"], error.get("data")),
            )
        if "id" in data and "method" in data:
            return JsonRPCRequestMessage(data["id"], data["method"], "2.0", data.get("params") or {})
        if "id" in data:
            return JsonRPCResponseMessage(data["id"], "2.0", data.get("result"))
        params = data.get("params") or {}
        if data["method"] == "$/cancelRequest":
            params = types.CancelParams(id=params["id"])
        return JsonRPCNotification(data["method"], "2.0", params)

    def _get_handler(self, feature_name: str) -> Handler:
        try:
            return self._handlers[feature_name]
        except KeyError:
            raise JsonRpcMethodNotFound.of(feature_name) from None

    def _handle_response(
        self, msg_id: str | int, result: Any = None, error: types.ResponseError | None = None
    ) -> None:
        answer = self._asked.get(msg_id)
        if answer is None or answer.done():
            return  # cancelled meanwhile
        if error is None:
            answer.set_result(result)
        elif error.code == JsonRpcRequestCancelled.CODE:
            answer.cancel()
        else:
            kind = error.data if isinstance(error.data, str) else ""
            answer.set_exception(WorkerError(error.message, kind))


class _Reporter:
    """Stands where pygls wants its server object."""

    def _report_server_error(self, error: Exception, source: object) -> None:
        log.debug("%s", type(error).__name__)


def _answering(handler: Handler) -> Handler:
    @functools.wraps(handler)
    async def answer(params: dict[str, Any]) -> Any:
        try:
            return await handler(params)
        except WorkerError as error:
            raise JsonRpcException(str(error), _FAULT, error.kind) from error
        except Exception as error:
            log.exception("a request failed")
            raise JsonRpcException(
                f"{type(error).__name__}: {error}", _FAULT, type(error).__name__
            ) from error

    return answer


def _as_handler(callback: Callback) -> Handler:
    async def handle(params: dict[str, Any]) -> None:
        callback(params)

    return handle
