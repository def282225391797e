"""The border to the worker processes, with a real process behind it."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from devflow.server.workers.rpc import Worker, WorkerError, WorkerGone
from support.patience import HANGS, quickest

TESTS = Path(__file__).parents[1]


@pytest.fixture
async def heard() -> list[int]:
    return []


@pytest.fixture
async def worker(heard: list[int], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Worker]:
    monkeypatch.setenv("PYTHONPATH", f"{TESTS}{os.pathsep}{TESTS.parent / 'src'}")
    worker = Worker(
        "echo", "support.echo_worker", notifications={"number": lambda params: heard.append(params["value"])}
    )
    await worker.start()
    yield worker
    await worker.close()


async def test_params_and_results_are_plain_values(worker: Worker) -> None:
    value: dict[str, Any] = {"text": "é😋\n", "list": [1, None, {"jsonrpc": "2.1"}]}
    assert await worker.request("echo", value) == value


async def test_notifications_come_before_the_answer_that_follows_them(
    worker: Worker, heard: list[int]
) -> None:
    assert await worker.request("count", {"to": 3}) == 3
    assert heard == [0, 1, 2]


async def test_an_exception_in_the_worker_is_an_error_with_its_message(worker: Worker) -> None:
    with pytest.raises(WorkerError, match="no such thing") as caught:
        await worker.request("fail", {"message": "no such thing"})
    assert caught.value.kind == "ValueError"


async def test_what_a_library_prints_does_not_break_the_protocol(worker: Worker) -> None:
    assert await worker.request("noise") == "heard"


async def test_cancelling_the_waiting_task_cancels_the_work(worker: Worker) -> None:
    await worker.request("echo")
    waiting = asyncio.create_task(worker.request("wait", {"name": "long"}))
    await worker.request("echo")
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await worker.request("was_cancelled") == ["long"]


async def test_a_deadline_cancels_the_work_too(worker: Worker) -> None:
    await worker.request("echo")
    with pytest.raises(TimeoutError):
        await worker.request("wait", {"name": "late"}, timeout=0.05)
    assert await worker.request("was_cancelled") == ["late"]


async def test_a_worker_that_dies_is_restarted_and_what_it_did_is_answered(worker: Worker) -> None:
    await worker.request("echo")
    waiting = asyncio.create_task(worker.request("wait", {"name": "lost"}))
    await worker.request("echo")
    first = worker.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    with pytest.raises(WorkerGone):
        await waiting
    assert await worker.request("echo", {"a": 1}, timeout=HANGS) == {"a": 1}
    assert worker.pid != first


async def test_a_worker_that_dies_while_it_is_set_up_again_is_restarted_once_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    setups: asyncio.Queue[int | None] = asyncio.Queue()
    hang = True

    async def set_up() -> None:
        setups.put_nowait(worker.pid)
        await worker.request("wait" if hang else "echo", {"name": "set up"})

    worker = Worker("echo", "support.echo_worker", on_restart=set_up)
    monkeypatch.setenv("PYTHONPATH", f"{TESTS}{os.pathsep}{TESTS.parent / 'src'}")
    await worker.start()
    try:
        await worker.request("echo")
        seen = {worker.pid}
        for kill in range(3):
            hang = kill < 2
            pid = worker.pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            seen.add(await asyncio.wait_for(setups.get(), HANGS))
        assert await worker.request("echo", {"a": 1}, timeout=HANGS) == {"a": 1}
        assert len(seen) == 4
    finally:
        await worker.close()


async def test_a_worker_that_ends_itself_costs_only_the_request(worker: Worker) -> None:
    with pytest.raises(WorkerGone):
        await worker.request("die")
    assert await worker.request("echo", {"a": 1}, timeout=HANGS) == {"a": 1}


async def test_closing_ends_the_process_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", f"{TESTS}{os.pathsep}{TESTS.parent / 'src'}")

    async def closing() -> float:
        worker = Worker("echo", "support.echo_worker")
        await worker.start()
        await worker.request("echo")
        pid = worker.pid
        assert pid is not None
        started = time.monotonic()
        await worker.close()
        took = time.monotonic() - started
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
        with pytest.raises(WorkerGone):
            await worker.request("echo")
        return took

    assert await quickest(closing, 1.0) <= 1


async def test_a_workspace_s_modules_are_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('executed')")
    monkeypatch.setenv("PYTHONPATH", f"{TESTS}{os.pathsep}{TESTS.parent / 'src'}")
    monkeypatch.chdir(tmp_path)
    worker = Worker("echo", "support.echo_worker")
    await worker.start()
    try:
        assert await worker.request("echo", {"value": 1}) == {"value": 1}
    finally:
        await worker.close()
