"""Random edits and requests with hostile content, through the protocol, at a server process."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import random
import signal
import statistics
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from devflow.server.routes import REQUESTS
from devflow.server.transport import Frames, framed
from support.checker import Checker
from support.editor import CAPABILITIES
from support.patience import HANGS

_AT_ONCE = 12
"""Requests in flight; an editor has fewer."""
_MOST_OPEN = 12
"""Documents: what is open is memory well used, and would hide what is not."""
_INTERNAL_ERROR = -32603
_PIECES = (
    *("x", ".", "(", ")", "\n", "\r\n", "\r", "    ", "\t", '"""', "'", "{", "}", "=", ",", ":", "@", "#"),
    *("\\\n", "async ", "lambda: (yield)", "f'{x!r:>{y}}'", "match x:\n    case {", "import os, sys\nos."),
    *("def f(self, *args, **kw):\n    return self.", "class A(B, metaclass=C):\n"),
    *("é", "名前", "𝒳", "👩\u200d👩\u200d👧", "\u202e", "\u2028", "\ufeff", "\x00", "\x1b[31m", "\ud800"),
    *("e\u0301" * 50, "(" * 400, "[" * 400 + "]" * 400, "a." * 300, "if x:\n" * 80, "9" * 5_000),
    *("<|fim_prefix|>", "${1:x}", "</code>", "../../etc/passwd", "A" * 20_000, "#" + "-" * 12_000),
)
_ODD_VALUES = (None, -1, 2**31, 2**53, "", "\x00", [], {}, True, 1.5, "file:///nowhere.py", {"line": -1})
_BROKEN_FRAMES = (
    b"Content-Length: 5\r\n\r\nhello", b"Content-Length: 2\r\n\r\n[]", b"Content-Length: 4\r\n\r\nnull",
    b"Content-Length: -3\r\n\r\n", b"Content-Length: x\r\n\r\n", b"\r\n\r\n", b'Content-Length: 3\r\n\r\n{"a',
    b"Content-Length: 4\r\n\r\n\xff\xfe\xfd\xfc",
)  # fmt: skip


@dataclass(slots=True)
class Outcome:
    """What came of it. `faults` are broken promises: a reply too few or too many, LSP that is none, an error
    inside DevFlow, an exit that was none."""

    steps: int = 0
    requests: int = 0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)
    error_codes: Counter[int] = field(default_factory=Counter)
    rss_mib: list[float] = field(default_factory=list)
    """The server's own process, at even distances."""

    def growth(self) -> float:
        """MiB by which the last quarter is above the second."""
        quarter = max(1, len(self.rss_mib) // 4)
        if len(self.rss_mib) < 4:
            return 0.0
        second, last = self.rss_mib[quarter : 2 * quarter], self.rss_mib[-quarter:]
        return round(statistics.median(last) - statistics.median(second), 1)


async def fuzz(
    command: Sequence[str], root: Path, steps: int, seed: int, samples: int = 40, within: float = HANGS
) -> Outcome:
    """`steps` random steps at the server `command` starts, over the files below `root`. The same seed does
    the same, as far as the server's answers come in the same order. Each request is answered `within` so many
    seconds."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=root,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=1 << 24,
    )
    talk = _Talk(process, random.Random(seed), root, within)
    begun = time.monotonic()
    try:
        await talk.begin()
        for step in range(steps):
            await talk.step()
            if step % max(1, steps // samples) == 0:
                talk.outcome.rss_mib.append(psutil.Process(process.pid).memory_info().rss / 2**20)
        await talk.end()
    except (ConnectionError, TimeoutError) as error:
        await talk.died(error)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await talk.stop()
    talk.outcome.seconds = time.monotonic() - begun
    return talk.outcome


class _Talk:
    def __init__(
        self, process: asyncio.subprocess.Process, draw: random.Random, root: Path, within: float
    ) -> None:
        self.outcome = Outcome()
        self._within = within
        self._process = process
        self._draw = draw
        self._root = root
        self._checker = Checker()
        self._ids = itertools.count(1)
        self._waiting: dict[int, str] = {}
        self._results: list[Any] = []
        """Of what was answered lately, to be handed back to `resolve` and the like."""
        self._fewer = asyncio.Event()
        self._versions: dict[str, int] = {}
        self._texts = [path.read_text("utf-8")[:6_000] for path in sorted(root.rglob("*.py"))]
        self._uris = [path.as_uri() for path in sorted(root.rglob("*.*")) if path.is_file()]
        self._uris += [(root / "unsaved ünï.py").as_uri(), "untitled:Untitled-1", (root / "new.ts").as_uri()]
        self._reading = asyncio.create_task(self._read())
        self._errors = asyncio.create_task(self._read_errors())
        self._log = ""

    async def begin(self) -> None:
        """Initialise, as an editor that can do everything."""
        params = {"processId": os.getpid(), "rootUri": self._root.as_uri(), "capabilities": CAPABILITIES}
        self._request("initialize", params)
        await self._at_most(0)
        self._notify("initialized", {})

    async def step(self) -> None:
        """One random thing."""
        self.outcome.steps += 1
        what = self._draw.random()
        if not self._versions or what < 0.05:
            self._open()
        elif what < 0.45:
            self._edit()
        elif what < 0.49:
            self._close()
        elif what < 0.87:
            self._ask()
        elif what < 0.93 and self._waiting:
            self._notify("$/cancelRequest", {"id": self._draw.choice(list(self._waiting))})
        elif what < 0.98:
            self._something_else()
        else:
            self._write(self._draw.choice(_BROKEN_FRAMES))
            self._checker.sent(None)
        await self._at_most(_AT_ONCE)
        assert self._process.stdin is not None
        await self._process.stdin.drain()

    async def end(self) -> None:
        """Wait for every answer, shut down, and look at what was left behind."""
        await self._at_most(0)
        self._request("shutdown", None)
        await self._at_most(0)
        self._notify("exit", None)
        async with asyncio.timeout(HANGS):
            code = await self._process.wait()
        await asyncio.gather(self._reading, self._errors)
        faults = self.outcome.faults
        faults += self._checker.faults()
        if code != 0:
            faults.append(f"the server ended with {code}")
        if "Traceback" in self._log:
            faults.append(self._log[self._log.index("Traceback") :][:3_000])

    async def died(self, error: Exception) -> None:
        """The conversation came to an end of its own."""
        with contextlib.suppress(TimeoutError, ProcessLookupError):
            if isinstance(error, TimeoutError):
                self._process.send_signal(signal.SIGABRT)  # with -X faulthandler: where it hangs
            async with asyncio.timeout(HANGS):
                await self._process.wait()
        if self._reading.done():
            await self._reading  # what the server said could not be read: raises that
        faults = self.outcome.faults
        faults.append(f"{error!r} at step {self.outcome.steps}, exit code {self._process.returncode}")
        faults.append(self._log[-6_000:])

    async def stop(self) -> None:
        """Nothing runs any longer."""
        for task in (self._reading, self._errors):
            task.cancel()
        await asyncio.gather(self._reading, self._errors, return_exceptions=True)

    # -- what an editor may do --------------------------------------------------------------------------

    def _open(self) -> None:
        uri = self._draw.choice(self._uris)
        if uri in self._versions:
            return
        if len(self._versions) >= _MOST_OPEN:
            self._close()
        self._versions[uri] = 1
        language = {"ts": "typescript", "go": "go", "rs": "rust"}.get(uri.rpartition(".")[2], "python")
        text = self._draw.choice(self._texts)
        document = {"uri": uri, "languageId": language, "version": 1, "text": text}
        self._notify("textDocument/didOpen", {"textDocument": document})

    def _close(self) -> None:
        uri = self._draw.choice(list(self._versions))
        del self._versions[uri]
        self._notify("textDocument/didClose", {"textDocument": {"uri": uri}})

    def _edit(self) -> None:
        uri = self._draw.choice(list(self._versions))
        self._versions[uri] += 1
        if self._draw.random() < 0.04:  # and what was typed so far is gone
            changes: list[dict[str, Any]] = [{"text": self._draw.choice(self._texts)}]
        else:
            changes = []
            for _ in range(self._draw.choice((1, 1, 1, 2, 5))):
                text = "" if self._draw.random() < 0.3 else self._draw.choice(_PIECES)
                changes.append({"range": self._range(), "text": text})
        document = {"uri": uri, "version": self._versions[uri]}
        self._notify("textDocument/didChange", {"textDocument": document, "contentChanges": changes})

    def _ask(self) -> None:
        method = self._draw.choice(REQUESTS).method
        params: dict[str, Any] = {
            "textDocument": {"uri": self._draw.choice(list(self._versions))},
            "position": self._position(),
            "range": self._range(),
            "positions": [self._position() for _ in range(3)],
            "context": {"triggerKind": 1, "includeDeclaration": True, "diagnostics": []},
            "newName": self._draw.choice(("renamed", "", "class", "a b", "名")),
            "query": self._draw.choice(("", "a", "get_", "\x00", "x" * 3_000)),
            "previousResultId": self._draw.choice(("", "1", "none")),
            "files": [{"oldUri": self._draw.choice(self._uris), "newUri": self._draw.choice(self._uris)}],
            "command": self._draw.choice(("devflow.status", "devflow.search", "devflow.explain", "rm -rf")),
            "arguments": [self._draw.choice(("query", "", None, {}, {"uri": self._draw.choice(self._uris)}))],
        }
        if method.startswith(("callHierarchy", "typeHierarchy")) or method.endswith("/resolve"):
            # Handed back as it was, or changed by who has no business to.
            known = [each for each in self._results if isinstance(each, dict)]
            given = dict(self._draw.choice(known)) if known else {"label": "x", "data": None}
            if self._draw.random() < 0.3:
                given["data"] = self._draw.choice(_ODD_VALUES)
            params = given if method.endswith("/resolve") else {"item": given}
        if self._draw.random() < 0.1:
            params[self._draw.choice(list(params))] = self._draw.choice(_ODD_VALUES)
        if self._draw.random() < 0.05:
            params.pop(self._draw.choice(list(params)))
        self._request(method, params)

    def _something_else(self) -> None:
        uri = self._draw.choice(self._uris)
        method, params = self._draw.choice(
            (
                ("textDocument/didSave", {"textDocument": {"uri": uri}}),
                ("workspace/didChangeWatchedFiles", {"changes": [{"uri": uri, "type": 2}]}),
                ("workspace/didChangeConfiguration", {"settings": {"devflow": self._odd()}}),
                ("workspace/didRenameFiles", {"files": [{"oldUri": uri, "newUri": uri + "x"}]}),
                ("textDocument/didChange", {"textDocument": {"uri": "file:///not/open.py", "version": 1}}),
                ("textDocument/didOpen", {"textDocument": self._odd()}),
                ("textDocument/didClose", {"textDocument": {"uri": "file:///not/open.py"}}),
                ("$/cancelRequest", {"id": self._odd()}),
                ("$/unknown", {"value": self._odd()}),
                ("made/up", self._odd()),
            )
        )
        if self._draw.random() < 0.2:
            self._request(f"made/{method}", params)
        else:
            self._notify(method, params)

    def _odd(self) -> Any:
        return self._draw.choice(_ODD_VALUES)

    def _position(self) -> dict[str, int]:
        if self._draw.random() < 0.02:
            return {"line": 2**31 - 1, "character": 2**31 - 1}
        return {
            "line": self._draw.randrange(160),
            "character": self._draw.choice((0, 4, 8, 12, 17, 23, 40, 99)),
        }

    def _range(self) -> dict[str, Any]:
        start = self._position()
        if self._draw.random() < 0.5:
            return {"start": start, "end": start}
        end = {"line": start["line"] + self._draw.randrange(2), "character": self._draw.randrange(60)}
        return {"start": start, "end": end}

    # -- messages ---------------------------------------------------------------------------------------

    def _request(self, method: str, params: Any) -> None:
        number = next(self._ids)
        self.outcome.requests += 1
        self._waiting[number] = method
        self._send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})

    def _notify(self, method: str, params: Any) -> None:
        self._send({"jsonrpc": "2.0", "method": method, "params": params})

    def _send(self, message: dict[str, Any]) -> None:
        if message.get("params", 0) is None:
            del message["params"]
        self._checker.sent(message)
        self._write(framed(json.dumps(message).encode()))

    def _write(self, data: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(data)

    async def _at_most(self, count: int) -> None:
        """Wait until no more than `count` requests are unanswered."""
        try:
            async with asyncio.timeout(self._within):
                while len(self._waiting) > count:
                    self._fewer.clear()
                    await self._fewer.wait()
        except TimeoutError:
            self.outcome.faults.append(f"no answer in {self._within:g} s to {list(self._waiting.values())}")
            raise

    async def _read(self) -> None:
        assert self._process.stdout is not None
        frames = Frames()
        while data := await self._process.stdout.read(1 << 16):
            for body in frames.feed(data):
                self._take(json.loads(body or b"null"))
        self._waiting.clear()  # the server has ended: nobody need wait
        self._fewer.set()

    async def _read_errors(self) -> None:
        assert self._process.stderr is not None
        while data := await self._process.stderr.read(1 << 16):
            self._log = (self._log + data.decode("utf-8", "replace"))[-200_000:]

    def _take(self, message: dict[str, Any]) -> None:
        self._checker.received(message)
        if "method" in message:
            if "id" in message:
                items = (message.get("params") or {}).get("items", [])
                result = [None for _ in items] if message["method"] == "workspace/configuration" else None
                self._send_reply(message["id"], result)
            return
        method = self._waiting.pop(message.get("id", 0), "")
        self._fewer.set()
        error = message.get("error")
        if error:
            self.outcome.error_codes[error["code"]] += 1
            if error["code"] == _INTERNAL_ERROR:
                self.outcome.faults.append(f"{method}: {error['message']}")
        elif isinstance(message.get("result"), list):
            self._results = (self._results + message["result"][:3])[-60:]

    def _send_reply(self, number: Any, result: Any) -> None:
        message = {"jsonrpc": "2.0", "id": number, "result": result}
        self._checker.sent(message)
        self._write(framed(json.dumps(message).encode()))
