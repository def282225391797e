"""llama.cpp's own server with a GGUF model made on the spot: `/infill`, its slot cache, reading ahead.

Needs the program `llama-server` on PATH, or named by DEVFLOW_LLAMA_SERVER.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import socket
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from devflow.models.base import FillRequest, Meter
from devflow.models.engines.openai import OpenAIModel
from devflow.models.engines.remote import Server
from devflow.models.outbound import Outbound
from support import tiny_gguf

from .rows import Row, at_most, percentile

_LINE = "    total_{n} = compute(first_{n}, second_{n})\n"
_WHAT = "llama.cpp's server, /infill"


async def measure(*, quick: bool) -> list[Row]:
    """Times to the first piece: of a new prompt, with an edited line, and of one that was read ahead."""
    program = os.environ.get("DEVFLOW_LLAMA_SERVER") or shutil.which("llama-server")
    if not program:
        return [Row(_WHAT, "", "", None, "no program llama-server on PATH")]
    rounds = 5 if quick else 15
    with tempfile.TemporaryDirectory() as folder:
        path = tiny_gguf.write(Path(folder) / "codellama.gguf", width=256, layers=6)
        async with _serving(program, path) as address:
            server = Server("llama", "codellama", address, fill="infill", context=2048, slot="0")
            model = OpenAIModel(server, Outbound())
            new, edited, ahead, stop = [], [], [], []
            read: list[int] = []
            for number in range(rounds):
                lines = [_LINE.format(n=f"{number}_{line}") for line in range(20)]
                new.append(await _first(model, _request(lines), []))
                lines[-1] = lines[-1].replace("compute", "add")
                edited.append(await _first(model, _request(lines), read))
                await model.prime(_request([*lines, _LINE.format(n="next")]))
                ahead.append(await _first(model, _request([*lines, _LINE.format(n="next")]), []))
                stop.append(await _cancelled(model, _request(lines)))
            await model.close()
    first = statistics.median(new)
    return [
        Row(
            f"{_WHAT}: first piece, after an edit, and after reading ahead",
            f"{1000 * first:.0f}, {1000 * statistics.median(edited):.0f}, "
            f"{1000 * statistics.median(ahead):.0f} ms",
            "quicker than a new prompt",
            statistics.median(ahead) < first and statistics.median(edited) < first,
            f"median of {rounds}; after an edit {statistics.median(read):.0f} tokens came from its cache",
        ),
        at_most(
            f"{_WHAT}: cancel to the connection being closed, p95", 1000 * percentile(stop, 0.95), 50, "ms"
        ),
    ]


def _request(lines: list[str]) -> FillRequest:
    suffix = "".join(_LINE.format(n=f"after_{line}") for line in range(4))
    return FillRequest("".join(lines) + "    result = ", "\n" + suffix, max_tokens=8)


async def _first(model: OpenAIModel, request: FillRequest, cached: list[int]) -> float:
    started = time.perf_counter()
    seconds = 0.0
    meter = Meter()
    async for _ in model._fill(request, meter):
        seconds = seconds or time.perf_counter() - started
    cached.append(meter.cached)
    return seconds or time.perf_counter() - started


async def _cancelled(model: OpenAIModel, request: FillRequest) -> float:
    from dataclasses import replace

    pieces = model.fill(replace(request, max_tokens=500))
    await anext(pieces)
    started = time.perf_counter()
    await pieces.aclose()  # type: ignore[attr-defined]  # streams are async generators
    return time.perf_counter() - started


@asynccontextmanager
async def _serving(program: str, path: Path) -> AsyncIterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        *shlex.split(program),
        *("-m", str(path), "--host", "127.0.0.1", "--port", str(port), "-c", "2048", "-np", "1", "-t", "1"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        for _ in range(600):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            except OSError:
                await asyncio.sleep(0.1)
        await asyncio.sleep(1)  # it listens before its model is loaded
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        await process.wait()
