"""An editor in the test's own process: speaks to a server object through bytes, as over a pipe."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from devflow.server.app import DevFlowServer, create_server
from devflow.server.services import Services
from support.checker import Checker
from support.patience import HANGS

CAPABILITIES: dict[str, Any] = {
    "general": {"positionEncodings": ["utf-16"]},
    "window": {"workDoneProgress": True, "showDocument": {"support": True}},
    "workspace": {
        "configuration": True,
        "applyEdit": True,
        "workspaceFolders": True,
        "workspaceEdit": {"documentChanges": True, "resourceOperations": ["create"]},
        "didChangeWatchedFiles": {"dynamicRegistration": True},
        "didChangeConfiguration": {"dynamicRegistration": True},
    },
    "textDocument": {
        "completion": {
            "completionItem": {"documentationFormat": ["markdown"], "preselectSupport": True},
            "completionList": {"itemDefaults": ["editRange", "data"]},
        },
        "hover": {"contentFormat": ["markdown", "plaintext"]},
        "definition": {"linkSupport": True},
        "documentSymbol": {"hierarchicalDocumentSymbolSupport": True},
        "codeAction": {
            "codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["", "quickfix", "refactor"]}},
            "resolveSupport": {"properties": ["edit"]},
            "dataSupport": True,
        },
        "publishDiagnostics": {"relatedInformation": True},
        "diagnostic": {},
        "inlineCompletion": {},
        "inlayHint": {},
        "semanticTokens": {
            "requests": {"full": {"delta": True}, "range": True},
            "tokenTypes": ["function", "class", "variable"],
            "tokenModifiers": [],
            "formats": ["relative"],
        },
    },
}
"""A client that can do everything."""


class ErrorAnswer(Exception):
    """The server answered with an error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class Editor:
    """The client's end. Answers what the server asks; `answers` overrides that per method."""

    def __init__(self, server: DevFlowServer) -> None:
        self.server = server
        self.checker = Checker()
        self.answers: dict[str, Callable[[Any], Any]] = {
            "workspace/configuration": lambda params: [self.settings for _ in params["items"]],
            "workspace/applyEdit": lambda params: {"applied": True},
            "window/showDocument": lambda params: {"success": True},
        }
        self.settings: Mapping[str, Any] | None = None
        self.received: list[dict[str, Any]] = []
        """Notifications and requests of the server."""
        self._ids = itertools.count(1)
        self._waiting: dict[Any, asyncio.Future[Any]] = {}
        self._arrived = asyncio.Event()
        self._incoming: asyncio.Queue[tuple[bytes | None, bool]] = asyncio.Queue()
        self._talk: asyncio.Task[int] | None = None

    def connect(self) -> None:
        """Begin the conversation."""
        self.server.protocol.connect(self._take)
        self._talk = asyncio.create_task(self.server.converse(self._incoming))

    def send(self, message: Any) -> None:
        """Send any JSON value, or bytes that are none."""
        if isinstance(message, bytes):
            self.checker.sent(None)
            self._incoming.put_nowait((message, False))
        else:
            self.checker.sent(message)
            self._incoming.put_nowait((json.dumps(message).encode(), False))

    def notify(self, method: str, params: Any = None) -> None:
        """Send a notification."""
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def ask(self, method: str, params: Any = None, msg_id: Any = None) -> asyncio.Future[Any]:
        """Send a request; the future has its result, or ErrorAnswer. `future.get_name()` is no thing:
        cancel it with `cancel`."""
        msg_id = next(self._ids) if msg_id is None else msg_id
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[msg_id] = future
        message = {"jsonrpc": "2.0", "id": msg_id, "method": method}
        self.send(message if params is None else {**message, "params": params})
        return future

    async def request(self, method: str, params: Any = None) -> Any:
        """Ask and wait ten seconds at most."""
        return await asyncio.wait_for(self.ask(method, params), HANGS)

    async def wait_for(self, method: str, fits: Callable[[Any], bool] = lambda params: True) -> Any:
        """The params of the first notification or request `method` that `fits`, sent or still to come."""
        async with asyncio.timeout(HANGS):
            while True:
                for message in self.received:
                    if message["method"] == method and fits(message.get("params")):
                        return message.get("params")
                self._arrived.clear()
                await self._arrived.wait()

    async def until(self, true: Callable[[], object]) -> None:
        """Wait until something in the server is `true`; for what no message tells."""
        async with asyncio.timeout(HANGS):
            while not true():  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    def shown(self) -> list[str]:
        """The sentences shown to the user."""
        return [m["params"]["message"] for m in self.received if m["method"] == "window/showMessage"]

    async def initialize(
        self, root: Path | None = None, capabilities: Mapping[str, Any] = CAPABILITIES, **more: Any
    ) -> dict[str, Any]:
        """The handshake."""
        folders = [{"uri": root.as_uri(), "name": root.name}] if root else None
        result: dict[str, Any] = await self.request(
            "initialize",
            {
                "processId": None,
                "rootUri": root.as_uri() if root else None,
                "workspaceFolders": folders,
                "capabilities": capabilities,
                **more,
            },
        )
        self.notify("initialized", {})
        return result

    def open(self, uri: str, text: str, language: str = "python", version: int = 1) -> None:
        """Open a document."""
        item = {"uri": uri, "languageId": language, "version": version, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})

    def change(self, uri: str, version: int, *changes: dict[str, Any]) -> None:
        """Change a document."""
        self.notify(
            "textDocument/didChange",
            {"textDocument": {"uri": uri, "version": version}, "contentChanges": list(changes)},
        )

    async def settle(self) -> None:
        """Wait until the server has taken everything sent so far."""
        with_reply = self.ask("devflow/nothing")
        try:
            await asyncio.wait_for(with_reply, HANGS)
        except ErrorAnswer:
            pass

    async def leave(self) -> int:
        """Shut down and exit; the exit code."""
        if self.server.protocol.state != "shutdown":
            await self.request("shutdown")
        self.notify("exit")
        return await self.ended()

    async def hang_up(self) -> int:
        """Close the pipe without a word; the exit code."""
        self._incoming.put_nowait((None, True))
        return await self.ended()

    async def ended(self) -> int:
        """Wait until the server has left."""
        assert self._talk is not None
        return await asyncio.wait_for(self._talk, HANGS)

    def _take(self, body: bytes) -> None:
        message = json.loads(body)
        self.checker.received(message)
        if "method" in message:
            self.received.append(message)
            self._arrived.set()
            if "id" in message:
                answer = self.answers.get(message["method"], lambda params: None)(message.get("params"))
                self.send({"jsonrpc": "2.0", "id": message["id"], "result": answer})
            return
        future = self._waiting.pop(message["id"], None)
        if future is None or future.done():
            return
        if "error" in message:
            future.set_exception(ErrorAnswer(message["error"]["code"], message["error"]["message"]))
        else:
            future.set_result(message["result"])


@asynccontextmanager
async def editor(services: Services | None = None) -> AsyncIterator[Editor]:
    """An editor connected to a server of its own; the conversation must have been valid."""
    client = Editor(create_server(services or Services()))
    client.connect()
    try:
        yield client
    finally:
        if client.server.exit_code is None:
            await client.leave()
        else:
            await client.ended()
    assert client.checker.faults() == []
