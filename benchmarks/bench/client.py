"""A client of any language server that speaks over stdio. Synchronous: one question, one answer, one time."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from .positions import utf16
from .processes import cpu_seconds

CAPABILITIES: dict[str, Any] = {
    "general": {"positionEncodings": ["utf-16"]},
    "window": {"workDoneProgress": True},
    "workspace": {
        "configuration": True,
        "workspaceFolders": True,
        "didChangeConfiguration": {"dynamicRegistration": True},
        "didChangeWatchedFiles": {"dynamicRegistration": True},
    },
    "textDocument": {
        "synchronization": {"didSave": True},
        "completion": {
            "completionItem": {
                "documentationFormat": ["markdown", "plaintext"],
                "labelDetailsSupport": True,
                "resolveSupport": {"properties": ["documentation", "detail", "additionalTextEdits"]},
            },
            "contextSupport": True,
        },
        "hover": {"contentFormat": ["markdown", "plaintext"]},
        "definition": {"linkSupport": True},
        "documentSymbol": {"hierarchicalDocumentSymbolSupport": True},
        "inlineCompletion": {},
        "publishDiagnostics": {},
    },
}


class NoAnswer(Exception):
    """The server answered with an error, not in time, or not at all."""


class Client:
    """Starts a server in `root`, initialises it, and ends it at the end of the `with` block.

    Raises `OSError` if the command cannot be started and `NoAnswer` if it does not initialise.
    """

    def __init__(
        self,
        command: Sequence[str],
        root: Path,
        *,
        environment: Mapping[str, str] | None = None,
        options: Any = None,
        settings: Mapping[str, Any] | None = None,
        stderr: Path | None = None,
        timeout: float = 30.0,
    ) -> None:
        self._settings = settings or {}
        self._timeout = timeout
        self._waiting: dict[int, queue.Queue[dict[str, Any]]] = {}
        self._progress: dict[Any, str] = {}
        self._last_progress = time.monotonic()
        self._lock = threading.Lock()
        self._number = 0
        self._texts: dict[Path, str] = {}
        self._versions: dict[Path, int] = {}
        self._closed = threading.Event()
        self.begun = time.perf_counter()
        with (stderr or Path(os.devnull)).open("ab") as errors:
            self.process = subprocess.Popen(
                list(command),
                cwd=root,
                env=_installed(os.environ if environment is None else environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            answer, _ = self.request(
                "initialize",
                {
                    "processId": os.getpid(),
                    "rootUri": root.as_uri(),
                    "rootPath": str(root),
                    "workspaceFolders": [{"uri": root.as_uri(), "name": root.name}],
                    "capabilities": CAPABILITIES,
                    "initializationOptions": options or {},
                },
                timeout=60,
            )
        except NoAnswer:
            self.process.kill()
            self._end()
            raise
        self.capabilities: dict[str, Any] = answer["capabilities"]
        self.initialize_ms = (time.perf_counter() - self.begun) * 1e3
        self.notify("initialized", {})
        if settings is not None:
            self.notify("workspace/didChangeConfiguration", {"settings": dict(settings)})

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.request("shutdown", None, timeout=10)
            self.notify("exit", None)
            self.process.wait(10)
        except (NoAnswer, OSError, subprocess.TimeoutExpired):
            self.process.kill()
        self._end()

    def request(self, method: str, params: Any, timeout: float | None = None) -> tuple[Any, float]:
        """The result, and the milliseconds from sending to reading it. Raises `NoAnswer`."""
        self._number += 1
        number = self._number
        waiting = self._waiting[number] = queue.Queue()
        begun = time.perf_counter()
        self._send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        if self._closed.is_set():
            raise NoAnswer(f"{method}: the server has ended")
        try:
            message = waiting.get(timeout=timeout or self._timeout)
        except queue.Empty:
            self._waiting.pop(number, None)
            raise NoAnswer(f"{method}: nothing in {timeout or self._timeout:g} s") from None
        spent = (time.perf_counter() - begun) * 1e3
        if "error" in message:
            raise NoAnswer(f"{method}: {message['error'].get('message')}")
        return message.get("result"), spent

    def notify(self, method: str, params: Any) -> None:
        self._send({"jsonrpc": "2.0", "method": method, "params": params})

    def open(self, path: Path, text: str, language: str = "python") -> None:
        """Open a document; one that is open already gets the new text in one change."""
        if path in self._texts:
            self._texts[path] = text
            self._change(path, [{"text": text}])
            return
        self._texts[path], self._versions[path] = text, 1
        document = {"uri": path.as_uri(), "languageId": language, "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})

    def replace(self, path: Path, start: int, end: int, new: str) -> None:
        """Replace the code points `start` to `end` of an open document, as typing does."""
        text = self._texts[path]
        area = {"start": utf16(text, start), "end": utf16(text, end)}
        self._texts[path] = text[:start] + new + text[end:]
        self._change(path, [{"range": area, "text": new}])

    def ask(self, method: str, path: Path, at: int, **more: Any) -> tuple[Any, float]:
        """A request of `textDocument/` about an offset of an open document, as `request`."""
        params = {
            "textDocument": {"uri": path.as_uri()},
            "position": utf16(self._texts[path], at),
            **more,
        }
        return self.request(f"textDocument/{method}", params)

    def settle(self, most: float = 90.0, quiet: float = 1.5) -> float:
        """Wait until no progress is under way and the server's processes rest: its own seconds waited.

        At rest is: less than a tenth of one core over `quiet` seconds. Gives up after `most` seconds.
        """
        begun = time.monotonic()
        calm_since, spent = begun, cpu_seconds(self.process.pid)
        while (now := time.monotonic()) - begun < most:
            if now - calm_since >= quiet:
                used = cpu_seconds(self.process.pid)
                busy = any(kind != "end" for kind in self._progress.values())
                if used - spent < 0.1 * quiet and not busy:
                    break
                calm_since, spent = now, used
            time.sleep(0.1)
        return time.monotonic() - begun

    def _change(self, path: Path, changes: list[dict[str, Any]]) -> None:
        self._versions[path] += 1
        document = {"uri": path.as_uri(), "version": self._versions[path]}
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": changes})

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps(message).encode()
        assert self.process.stdin is not None
        try:
            with self._lock:
                self.process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
                self.process.stdin.flush()
        except (BrokenPipeError, ValueError) as error:
            raise NoAnswer("the server has ended") from error

    def _read(self) -> None:
        assert self.process.stdout is not None
        while (message := _message(self.process.stdout)) is not None:
            method = message.get("method")
            if method is None:
                waiting = self._waiting.pop(message.get("id", 0), None)
                if waiting is not None:
                    waiting.put(message)
            elif "id" in message:
                try:
                    self._send({"jsonrpc": "2.0", "id": message["id"], "result": self._answer(message)})
                except NoAnswer:
                    break
            elif method == "$/progress":
                self._progress[message["params"]["token"]] = message["params"]["value"].get("kind", "end")
        self._closed.set()
        for waiting in list(self._waiting.values()):
            waiting.put({"error": {"message": "the server has ended"}})

    def _answer(self, message: dict[str, Any]) -> Any:
        """What an editor says to a server's own request."""
        if message["method"] == "workspace/configuration":
            return [_section(self._settings, item.get("section")) for item in message["params"]["items"]]
        if message["method"] == "workspace/applyEdit":
            return {"applied": False}
        return None

    def _end(self) -> None:
        self.process.wait()
        self._reader.join(5)
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except BrokenPipeError:
                    continue


def _installed(environment: Mapping[str, str]) -> dict[str, str]:
    """Where Python keeps what it has compiled, as with a package that was installed: compiling our modules at
    every start holds the interpreter for 20 ms each."""
    return {name: value for name, value in environment.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _message(stream: IO[bytes]) -> dict[str, Any] | None:
    """The next message, None at the end."""
    length = 0
    while line := stream.readline():
        if not line.strip():
            if length:
                break
            continue
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            length = int(value)
    body = stream.read(length) if length else b""
    return json.loads(body) if length and len(body) == length else None


def _section(settings: Mapping[str, Any], name: str | None) -> Any:
    value: Any = settings
    for part in (name or "").split("."):
        if part:
            value = value.get(part) if isinstance(value, Mapping) else None
    return value
