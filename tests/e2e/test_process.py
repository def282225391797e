"""The server as a process: it leaves when it should, and takes its workers along."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from devflow.server.transport import Frames, framed
from support.checker import Checker
from support.patience import HANGS, quickest

SERVER = [sys.executable, "-m", "devflow.server.cli"]


class Raw:
    """A server process and every byte it writes to stdout."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.checker = Checker()
        self.stdout = b""
        self._frames = Frames()
        self._messages: list[dict[str, Any]] = []

    def send(self, message: dict[str, Any]) -> None:
        self.checker.sent(message)
        assert self.process.stdin is not None
        self.process.stdin.write(framed(json.dumps(message).encode()))

    async def answer(self, msg_id: int) -> dict[str, Any]:
        assert self.process.stdout is not None
        async with asyncio.timeout(HANGS):
            while True:
                for message in self._messages:
                    if message.get("id") == msg_id and "method" not in message:
                        return message
                data = await self.process.stdout.read(65536)
                assert data, "the server has closed its stdout"
                self._take(data)

    async def initialize(self, root: Path, pid: int | None = None) -> None:
        self.send(
            {
                "jsonrpc": "2.0",
                "id": 1,
                "method": "initialize",
                "params": {"processId": pid, "rootUri": root.as_uri(), "capabilities": {}},
            }
        )
        assert "result" in await self.answer(1)
        self.send({"jsonrpc": "2.0", "method": "initialized", "params": {}})

    async def workers(self, count: int = 2) -> list[psutil.Process]:
        """The worker processes once there are `count`."""
        me = psutil.Process(self.process.pid)
        async with asyncio.timeout(HANGS):
            while len(children := me.children(recursive=True)) < count:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.05)
        return children

    async def ended(self) -> None:
        """Wait until the process has ended."""
        assert self.process.stdout is not None
        async with asyncio.timeout(HANGS):
            self._take(await self.process.stdout.read())
            await self.process.wait()

    def _take(self, data: bytes) -> None:
        self.stdout += data
        for body in self._frames.feed(data):
            message = json.loads(body or b"null")
            self.checker.received(message)
            self._messages.append(message)


@asynccontextmanager
async def started() -> AsyncIterator[Raw]:
    """A server process, which is gone afterwards."""
    process = await asyncio.create_subprocess_exec(
        *SERVER, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 24
    )
    server = Raw(process)
    yield server
    if process.returncode is None:
        process.kill()
    await process.wait()
    assert server.checker.faults() == []


@pytest.fixture
async def raw() -> AsyncIterator[Raw]:
    async with started() as server:
        yield server


async def gone(processes: list[psutil.Process]) -> None:
    """All of them end."""
    end = time.monotonic() + HANGS
    while left := [each for each in processes if each.is_running() and each.status() != "zombie"]:
        assert time.monotonic() < end, left
        await asyncio.to_thread(psutil.wait_procs, left, 0.5)


async def test_shutdown_and_exit_take_less_than_a_second_and_leave_no_process(workspace: Path) -> None:
    async def leaving() -> float:
        async with started() as raw:
            await raw.initialize(workspace, os.getpid())
            workers = await raw.workers()
            begun = time.monotonic()
            raw.send({"jsonrpc": "2.0", "id": 2, "method": "shutdown"})
            assert (await raw.answer(2))["result"] is None
            raw.send({"jsonrpc": "2.0", "method": "exit"})
            await raw.ended()
            took = time.monotonic() - begun
            assert raw.process.returncode == 0
            await gone(workers)
            return took

    # One second is the promise on a machine that has nothing else to do.
    assert await quickest(leaving, 2.0) <= 2


async def test_stdout_carries_frames_and_nothing_else(raw: Raw, workspace: Path) -> None:
    await raw.initialize(workspace)
    raw.send({"jsonrpc": "2.0", "id": 2, "method": "shutdown"})
    await raw.answer(2)
    raw.send({"jsonrpc": "2.0", "method": "exit"})
    await raw.ended()
    rest = raw.stdout
    while rest:
        header, _, rest = rest.partition(b"\r\n\r\n")
        assert header.startswith(b"Content-Length: ")
        rest = rest[int(header.split(b": ")[1]) :]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_ends_server_and_workers(raw: Raw, workspace: Path, number: signal.Signals) -> None:
    await raw.initialize(workspace, os.getpid())
    workers = await raw.workers()
    raw.process.send_signal(number)
    await raw.ended()
    assert raw.process.returncode == 128 + number
    await gone(workers)


async def test_the_end_of_input_ends_server_and_workers(raw: Raw, workspace: Path) -> None:
    await raw.initialize(workspace, os.getpid())
    workers = await raw.workers()
    assert raw.process.stdin is not None
    raw.process.stdin.close()
    await raw.ended()
    await gone(workers)


async def test_when_the_server_is_killed_its_workers_end(raw: Raw, workspace: Path) -> None:
    await raw.initialize(workspace, os.getpid())
    workers = await raw.workers()
    raw.process.kill()
    await raw.ended()
    await gone(workers)


async def test_the_server_leaves_when_the_editor_is_killed(raw: Raw, workspace: Path) -> None:
    # Its stdin stays open: only the process id tells.
    editor = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE
    )
    await raw.initialize(workspace, editor.pid)
    workers = await raw.workers()
    editor.kill()
    await editor.wait()
    await raw.ended()
    await gone(workers)


async def test_an_editor_that_cannot_be_seen_is_not_waited_for(raw: Raw, workspace: Path) -> None:
    await raw.initialize(workspace, 2**22 + 1)  # above the largest process id
    raw.send({"jsonrpc": "2.0", "id": 2, "method": "devflow/none"})
    assert (await raw.answer(2))["error"]["code"] == -32601


async def test_garbage_between_frames_is_survived(raw: Raw, workspace: Path) -> None:
    assert raw.process.stdin is not None
    raw.process.stdin.write(b"hello\r\n\r\n" + framed(b"{nonsense"))
    raw.checker.sent(None)
    raw.checker.sent(None)
    await raw.initialize(workspace)


async def test_a_client_that_does_not_read_does_not_stop_the_server(raw: Raw, workspace: Path) -> None:
    await raw.initialize(workspace)
    for number in range(2, 2002):
        raw.send({"jsonrpc": "2.0", "id": number, "method": "devflow/none" + "x" * 200})
        assert raw.process.stdin is not None
        await asyncio.wait_for(raw.process.stdin.drain(), HANGS)
    assert "error" in await raw.answer(2001)


@pytest.mark.parametrize("transport", ["--tcp", "--ws"])
async def test_other_transports_serve_one_client_after_the_other(transport: str, workspace: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *SERVER, transport, "127.0.0.1:0", stderr=asyncio.subprocess.PIPE
    )
    try:
        assert process.stderr is not None
        line = (await asyncio.wait_for(process.stderr.readline(), HANGS)).decode()
        port = int(line.rpartition(":")[2])
        for _ in range(2):
            answer = await _initialized(transport, port, workspace)
            assert answer["result"]["serverInfo"]["name"] == "DevFlow"
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), HANGS)


async def _initialized(transport: str, port: int, root: Path) -> dict[str, Any]:
    message = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {"processId": None, "rootUri": root.as_uri(), "capabilities": {}},
    }
    if transport == "--ws":
        from websockets.asyncio.client import connect

        async with connect(f"ws://127.0.0.1:{port}") as socket:
            await socket.send(json.dumps(message))
            answer: dict[str, Any] = json.loads(await socket.recv())
            return answer
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(framed(json.dumps(message).encode()))
    frames = Frames()
    bodies: list[bytes | None] = []
    while not bodies:
        bodies = frames.feed(await reader.read(65536))
    writer.close()
    await writer.wait_closed()
    answer = json.loads(bodies[0] or b"null")
    assert isinstance(answer, dict)
    return answer


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [(["--tcp", "0.0.0.0:0"], "other machines"), (["--ws", "0.0.0.0:0"], "other machines")],
)
def test_other_machines_are_kept_out_unless_allowed(
    arguments: list[str], sentence: str, capfd: pytest.CaptureFixture[str]
) -> None:
    from devflow.server.cli import serve

    with pytest.raises(SystemExit):
        serve(arguments)
    assert sentence in capfd.readouterr().err


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::", "192.168.1.5", "example.org"])
def test_an_address_others_can_reach_needs_permission(host: str) -> None:
    from devflow.server.transport import check_address

    with pytest.raises(ValueError, match=r"machines|network"):
        check_address(host, allow_remote=False)
