"""What a start of the server imports."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from devflow.server.transport import Frames, framed
from support.patience import HANGS

NOT_AT_THE_START = {
    # SDKs, engines and stores, each for who has set it up, or in a process of its own
    *("openai", "anthropic", "httpx", "httpx2", "requests", "urllib3", "keyring", "opentelemetry"),
    *("ctransformers", "llama_cpp", "exllamav2", "torch", "tokenizers", "onnxruntime", "chromadb", "gguf"),
    *("jedi", "parso", "pydivsufsort", "detect_secrets", "multiprocessing", "unittest", "pydoc"),
    # what only looks at text that leaves the machine
    *("devflow.models.guard.redact", "devflow.models.guard.pii", "devflow.models.guard.secret_formats"),
    *("devflow.models.engines.openai", "devflow.models.engines.anthropic", "devflow.retrieval.indexer"),
    *("devflow.retrieval.evaluation", "devflow.server.commands.doctor"),
}
LAST = "devflow.models.router"
"""Of what every start imports, among the last."""


async def test_a_start_imports_nothing_that_only_some_need(workspace: Path) -> None:
    """Every import is seen, in whatever thread and order: Python tells of them when asked to."""
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-X", "importtime", "-m", "devflow.server.cli"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    assert server.stderr is not None
    imported: set[str] = set()
    started = asyncio.Event()
    errors = server.stderr

    async def listen() -> None:
        async for line in errors:
            if line.startswith(b"import time:"):
                imported.add(line.rpartition(b"|")[2].strip().decode())
                if LAST in imported:
                    started.set()

    listening = asyncio.create_task(listen())
    answers, input_, output = Frames(), server.stdin, server.stdout

    def send(**message: Any) -> None:
        input_.write(framed(json.dumps({"jsonrpc": "2.0", **message}).encode()))

    async def answered(request: str) -> None:
        while data := await output.read(1 << 16):
            if any(json.loads(body or b"{}").get("id") == request for body in answers.feed(data)):
                return
        raise AssertionError("the server has ended")

    uri = (workspace / "main.py").as_uri()
    document = {"uri": uri, "languageId": "python", "version": 1, "text": (workspace / "main.py").read_text()}
    async with asyncio.timeout(HANGS):
        about: dict[str, Any] = {"processId": None, "rootUri": workspace.as_uri(), "capabilities": {}}
        send(id="begin", method="initialize", params=about)
        await answered("begin")
        send(method="initialized", params={})
        send(method="textDocument/didOpen", params={"textDocument": document})
        at = {"line": 3, "character": 3}
        send(
            id="first",
            method="textDocument/completion",
            params={"textDocument": {"uri": uri}, "position": at},
        )
        await answered("first")
        await started.wait()
        send(id="last", method="shutdown")
        await answered("last")
        send(method="exit")
        assert await server.wait() == 0
        await listening
    assert LAST in imported
    assert not imported & NOT_AT_THE_START
