"""Our JSON-RPC on top of pygls's: exactly one reply to every request id, whatever the client sends.

What pygls 2.1.1 does otherwise, and is replaced here: requests whose params do not validate and
requests after `shutdown` get no reply; its own document copies; nested objects with a `jsonrpc` key
taken for messages; a late answer to a cancelled request of ours raises; bodies in the log.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import logging
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import Future
from contextvars import Context
from typing import TYPE_CHECKING, Any, TypeVar

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.protocol import LanguageServerProtocol

from devflow.server.errors import RequestFailed
from devflow.server.logs import about

if TYPE_CHECKING:
    from cattrs import Converter
    from pygls.lsp.server import LanguageServer

log = logging.getLogger(__name__)

_FIELD = re.compile(
    r"^(?P<why>required field missing|invalid value|[a-z ]*).* @ \$\.(?P<field>[a-z_.\[\]\d]+)$"
)
"""In what cattrs says of a field; the key of a mapping, which may be a path, has quotes and is not told."""
_MOST_NAMED = 3

_T = TypeVar("_T")
MsgId = str | int
Handler = Callable[[Any], Awaitable[Any] | None]
"""Takes the params. A notification's handler may be an ordinary function: then it runs before the
next message is read, which the document handlers rely on."""


class Protocol(LanguageServerProtocol):
    """One connection's messages. Everything here runs on the event loop."""

    def __init__(self, server: LanguageServer, converter: Converter) -> None:
        super().__init__(server, converter)
        self.handlers: Mapping[str, Handler] = {}
        self.state = "new"
        """`new` until `initialize` is answered, then `running`, `shutdown` from that request on."""
        self.exited: Callable[[], None] = lambda: None
        self._send: Callable[[bytes], None] = lambda body: None
        self._answering: dict[MsgId, asyncio.Task[Any]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self.load: Callable[[str], object] = lambda method: None
        """Imports what a method's handler needs."""
        self._ready: set[str] = set()

    def connect(self, send: Callable[[bytes], None]) -> None:
        """Send what there is to send through `send`, one body a call."""
        self._send = send

    def read(self, body: bytes | None) -> Any:
        """A message body decoded, for `handle`; None for what is not JSON and for a broken frame."""
        try:
            return json.loads(body) if body is not None else None
        except (ValueError, RecursionError):
            return None

    async def made_ready(self, message: Any) -> None:
        """Before the first message of a method is handled: import its handler and generate the code that
        reads its parameters, in a thread. No other message may be handled meanwhile: a request is about
        the documents as they were when it came."""
        method = message.get("method") if isinstance(message, dict) else None
        if isinstance(method, str) and method in self.handlers and method not in self._ready:
            self._ready.add(method)
            await asyncio.to_thread(self._rehearse, method, message.get("params"))

    def _rehearse(self, method: str, params: Any) -> None:
        self.load(method)
        with contextlib.suppress(Exception):  # told when it is handled
            self._structured(method, params)

    def handle(self, message: Any) -> None:
        """Take one decoded message. Never raises for what the client sent."""
        if message is None:
            self._fail(None, types.ErrorCodes.ParseError, "The message is not valid JSON.")
            return
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
            self._fail(
                _usable_id(message), types.ErrorCodes.InvalidRequest, "This is not a JSON-RPC 2.0 message."
            )
            return
        method = message.get("method")
        if method is None and "id" in message:
            self._take_response(message)
        elif not isinstance(method, str):
            self._fail(_usable_id(message), types.ErrorCodes.InvalidRequest, "The message names no method.")
        elif "id" in message:
            self._take_request(message, method)
        else:
            self._take_notification(message, method)

    # -- what comes in ---------------------------------------------------------------------------

    def _take_request(self, message: dict[str, Any], method: str) -> None:
        msg_id = _usable_id(message)
        if msg_id is None:
            self._fail(None, types.ErrorCodes.InvalidRequest, "A request's id is a number or a string.")
            return
        token = about.set((msg_id, method))  # for the task and the callback too, which copy it
        try:
            self._begin(message, method, msg_id)
        finally:
            about.reset(token)

    def _begin(self, message: dict[str, Any], method: str, msg_id: MsgId) -> None:
        try:
            if msg_id in self._answering:
                raise RequestFailed(
                    f"The id {msg_id!r} is still being answered.", types.ErrorCodes.InvalidRequest
                )
            self._check_state(method)
            handler = self.handlers.get(method)
            if handler is None:
                raise RequestFailed(f"DevFlow does not know {method!r}.", types.ErrorCodes.MethodNotFound)
            params = self._params(method, message.get("params"))
        except RequestFailed as error:
            self._fail(msg_id, error.code, error.message)
            return
        if method == types.SHUTDOWN:
            self.state = "shutdown"
        elif method == types.INITIALIZE:
            self.state = "initializing"
        task = asyncio.get_running_loop().create_task(_called(handler, params), name=f"{method} {msg_id}")
        self._answering[msg_id] = task
        # A reply from the callback, not from the task: a task that is cancelled before its first step
        # never runs, and its request would stay unanswered.
        task.add_done_callback(lambda done: self._answer(msg_id, method, done))

    def _take_notification(self, message: dict[str, Any], method: str) -> None:
        if method == types.EXIT:
            self.exited()
            return
        if self.state != "running":
            return
        try:
            params = self._params(method, message.get("params"))
        except RequestFailed as error:
            log.warning("%s", error.message)
            return
        if method == types.CANCEL_REQUEST:
            # As it came: a list or an object, which the types let through, names no request.
            msg_id = _usable_id(message.get("params"))
            task = self._answering.get(msg_id) if msg_id is not None else None
            if task is not None:
                task.cancel()
            return
        handler = self.handlers.get(method)
        if handler is None:
            if not method.startswith("$/"):
                log.info("ignored the unknown notification %s", method[:80])
            return
        try:
            result = handler(params)
        except Exception:
            log.exception("%s failed", method)
            return
        if inspect.iscoroutine(result):
            self.run(result, method)

    def _take_response(self, message: dict[str, Any]) -> None:
        msg_id = _usable_id(message)
        future = self._request_futures.pop(msg_id, None) if msg_id is not None else None
        result_type = self._result_types.pop(msg_id, None) if msg_id is not None else None
        if future is None or not future.set_running_or_notify_cancel():
            return  # not ours, or nobody waits any longer
        error = message.get("error")
        try:
            if error is not None:
                raise RequestFailed(str(error.get("message", "")), int(error.get("code", 0)))
            if result_type is None:
                future.set_result(message.get("result"))
            else:
                reply = self._converter.structure({"result": None, **message}, result_type)
                future.set_result(reply.result)
        except RequestFailed as failure:
            future.set_exception(failure)
        except Exception:  # noqa: BLE001 - whatever the converter makes of a broken answer
            log.warning("the client's answer to %s cannot be read", msg_id)
            future.set_exception(RequestFailed("The editor's answer cannot be read."))

    def _check_state(self, method: str) -> None:
        if self.state == "shutdown":
            raise RequestFailed("The server is shutting down.", types.ErrorCodes.InvalidRequest)
        if method == types.SHUTDOWN:
            return
        if method == types.INITIALIZE and self.state != "new":
            raise RequestFailed("The server is initialized already.", types.ErrorCodes.InvalidRequest)
        if method != types.INITIALIZE and self.state != "running":
            raise RequestFailed("The server is not initialized yet.", types.ErrorCodes.ServerNotInitialized)

    def _structured(self, method: str, params: Any) -> Any:
        if (params_type := _params_type(method)) is None:
            return params
        params = {} if params is None else params
        if method == types.INITIALIZE and isinstance(params, dict):
            # Both may be null; some clients leave them out instead.
            params = {"processId": None, "rootUri": None, **params}
        return self._converter.structure(params, params_type)

    def _params(self, method: str, params: Any) -> Any:
        try:
            return self._structured(method, params)
        except Exception as error:  # noqa: BLE001
            # cattrs and lsprotocol's hooks raise all kinds here; the messages may quote the document.
            log.debug("cannot read the parameters of %s: %s", method, type(error).__name__)
            wrong = _wrong_fields({} if params is None else params, _params_type(method))
            raise RequestFailed(
                f"The parameters of {method!r} are not what LSP 3.18 says{f': {wrong}' if wrong else ''}.",
                types.ErrorCodes.InvalidParams,
            ) from None

    # -- what goes out ---------------------------------------------------------------------------

    def _answer(self, msg_id: MsgId, method: str, task: asyncio.Task[Any]) -> None:
        del self._answering[msg_id]
        if method == types.INITIALIZE and self.state == "initializing":
            failed = task.cancelled() or task.exception() is not None
            self.state = "new" if failed else "running"
        try:
            result = task.result()
            if not isinstance(result, dict):  # those that may be long are JSON already
                result = self._converter.unstructure(result)
            self._write({"jsonrpc": "2.0", "id": msg_id, "result": result})
        except asyncio.CancelledError:
            self._fail(msg_id, types.LSPErrorCodes.RequestCancelled, "The request was cancelled.")
        except RequestFailed as error:
            self._fail(msg_id, error.code, error.message)
        except JsonRpcException as error:
            self._fail(msg_id, error.code, error.message)
        except Exception:
            log.exception("%s failed", method)
            self._fail(msg_id, types.ErrorCodes.InternalError, f"DevFlow failed on {method}: a bug.")

    def _fail(self, msg_id: MsgId | None, code: int, message: str) -> None:
        self._write({"jsonrpc": "2.0", "id": msg_id, "error": {"code": int(code), "message": message}})

    def _write(self, message: dict[str, Any]) -> None:
        # ASCII-only JSON: lone surrogates, which a client can send us, cannot be encoded otherwise.
        self._send(json.dumps(message, separators=(",", ":")).encode("ascii"))

    def notify(self, method: str, params: Any | None = None) -> None:
        """Send a notification."""
        message = {"jsonrpc": "2.0", "method": method}
        if params is not None:
            message["params"] = self._converter.unstructure(params)
        self._write(message)

    def _send_data(self, data: Any) -> None:
        # pygls's `send_request` ends here.
        message = self._converter.unstructure(data)
        if message.get("params", 0) is None:
            del message["params"]
        self._write(message)

    def as_json(self, value: Any) -> Any:
        """One of LSP's values as it goes into a message."""
        return self._converter.unstructure(value)

    def from_json(self, value: Any, kind: type[_T]) -> _T | None:
        """JSON as one of LSP's values, None when it is not one."""
        try:
            return self._converter.structure(value, kind)
        except Exception:  # noqa: BLE001 - whatever the converter makes of it
            return None

    # -- tasks -----------------------------------------------------------------------------------

    def run(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Run `work` beside the requests, and for none of them; a failure goes into the log."""
        task = asyncio.get_running_loop().create_task(work, name=name, context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s failed", task.get_name(), exc_info=error)

    async def cancel_all(self) -> None:
        """Cancel every request but the one that asks for it, and all other work, and wait for both."""
        here = asyncio.current_task()
        tasks = [task for task in (*self._answering.values(), *self._tasks) if task is not here]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=0.3)
        waiting: list[Future[Any]] = list(self._request_futures.values())
        self._request_futures.clear()
        for future in waiting:
            future.cancel()

    def _register_builtin_features(self) -> None:
        """None of pygls's: documents, workspace and commands are the session's."""


async def _called(handler: Handler, params: Any) -> Any:
    result = handler(params)
    return await result if inspect.isawaitable(result) else result


def _usable_id(message: Any) -> MsgId | None:
    msg_id = message.get("id") if isinstance(message, dict) else None
    return msg_id if isinstance(msg_id, str | int) and not isinstance(msg_id, bool) else None


def _params_type(method: str) -> Any:
    return types.METHOD_TO_TYPES.get(method, (None, None, None, None))[2]


def _wrong_fields(params: Any, params_type: Any) -> str:
    """Which fields cannot be read and why; never what is in them. 20 ms, for a client in the making."""
    import cattrs
    from lsprotocol.converters import get_converter

    try:
        get_converter(cattrs.Converter()).structure(params, params_type)
    except Exception as error:  # noqa: BLE001 - as above
        found = [_FIELD.search(each) for each in cattrs.transform_error(error)]
        named = [f"{_camel_case(each['field'])} ({each['why']})" for each in found if each]
        return ", ".join(named[:_MOST_NAMED])
    return ""


def _camel_case(field: str) -> str:
    return re.sub(r"_(\w)", lambda letter: letter[1].upper(), field)
