"""Cancelling an answer, and killing the process that gives it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Literal

from devflow.models.base import ChatRequest, FillRequest, Message, ModelSpec
from devflow.models.engines.anthropic import AnthropicModel
from devflow.models.engines.openai import OpenAIModel
from devflow.models.engines.remote import Server
from devflow.models.errors import ModelError
from devflow.models.outbound import Outbound
from devflow.server.workers.model import WorkerModel
from support import tiny_gguf
from support.loopback_api import Answer, serve

from .rows import Row, at_most, natives, percentile

_HOLE = FillRequest("def f(x):\n    return ", "\n", max_tokens=40)
_LONG = FillRequest("x = ", "\n", max_tokens=1000)
_QUESTION = ChatRequest((Message("user", "Who?"),), max_tokens=500)


async def measure(*, quick: bool) -> list[Row]:
    """Milliseconds from the cancel to the last token, and seconds from a kill to the next answer."""
    rounds = 10 if quick else 60
    with tempfile.TemporaryDirectory() as folder:
        path = tiny_gguf.write(Path(folder) / "codellama.gguf", width=256, layers=6)
        rows = [
            row for engine in natives() for row in await _native(engine, path, rounds, 3 if quick else 10)
        ]
    for name, kind in (("openai", OpenAIModel), ("anthropic", AnthropicModel)):
        times = await _cancelled_remote(kind, rounds)
        rows.append(at_most(f"{name}: cancel to the connection being closed, p95", _p95(times), 50, "ms"))
    return rows


async def _native(
    engine: Literal["ctransformers", "llama"], path: Path, rounds: int, kills: int
) -> list[Row]:
    model = WorkerModel(ModelSpec("tiny", engine, str(path), context=2048, options={"threads": "1"}))
    started = time.perf_counter()
    await model.warm()
    load = time.perf_counter() - started
    alone = percentile([await _next(model) for _ in range(rounds)], 0.5)
    cancelled = [max(0.0, await _cancelled_native(model) - alone) for _ in range(rounds)]
    reading = [max(0.0, await _cancelled_reading(model) - alone) for _ in range(rounds)]
    killed, told = [], set()
    for _ in range(kills):
        seconds, sentence = await _killed(model)
        killed.append(seconds)
        told.add(sentence)
    await model.close()
    return [
        at_most(f"{engine}: cancel to the engine being free for the next, p95", _p95(cancelled), 50, "ms"),
        at_most(f"{engine}: the same while a long prompt is read, p95", _p95(reading), 50, "ms"),
        at_most(
            f"{engine}: worker killed in the middle to the next answer's first piece, worst",
            max(killed),
            1 + load,
            "s",
            f"1 s and the {load:.2f} s of a load; told: “{'” “'.join(sorted(told))}”",
        ),
    ]


def _p95(seconds: list[float]) -> float:
    return 1000 * percentile(seconds, 0.95)


async def _listen(pieces: AsyncIterator[str], heard: asyncio.Event) -> None:
    async for _ in pieces:
        heard.set()


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _cancelled_native(model: WorkerModel) -> float:
    heard = asyncio.Event()
    task = asyncio.create_task(_listen(model.fill(_LONG), heard))
    await heard.wait()
    started = time.perf_counter()
    await _cancel(task)
    await _next(model)
    return time.perf_counter() - started


async def _next(model: WorkerModel) -> float:
    """Seconds of the shortest answer: it begins when the engine has left the one before."""
    started = time.perf_counter()
    async for _ in model.fill(FillRequest("x = ", "\n", max_tokens=1)):
        pass
    return time.perf_counter() - started


async def _cancelled_reading(model: WorkerModel) -> float:
    request = FillRequest(f"# {time.perf_counter_ns()}\n" + "x = compute(y)\n" * 110, "\n", max_tokens=1)
    task = asyncio.create_task(_listen(model.fill(request), asyncio.Event()))
    await asyncio.sleep(0.1)
    started = time.perf_counter()
    await _cancel(task)
    await _next(model)
    return time.perf_counter() - started


async def _killed(model: WorkerModel) -> tuple[float, str]:
    sentence = ""
    started = time.perf_counter()
    pid = model.pid
    assert pid is not None
    try:
        async for _ in model.fill(_LONG):
            os.kill(pid, signal.SIGKILL)
            started = time.perf_counter()
    except ModelError as error:
        sentence = str(error)
    await anext(model.fill(_HOLE))
    return time.perf_counter() - started, sentence


async def _cancelled_remote(
    kind: Callable[[Server, Outbound], OpenAIModel | AnthropicModel], rounds: int
) -> list[float]:
    times = []
    async with serve(Answer(stall_after=1)) as api:
        address = api.openai if kind is OpenAIModel else api.anthropic
        model = kind(Server("main", "m", address, "k"), Outbound())
        for _ in range(rounds):
            heard = asyncio.Event()
            api.gone.clear()
            task = asyncio.create_task(_listen(model.chat(_QUESTION), heard))
            await heard.wait()
            started = time.perf_counter()
            await _cancel(task)
            await api.gone.wait()
            times.append(time.perf_counter() - started)
        await model.close()
    return times
