"""The server's process: what it listens on, its signals and logs, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from typing import Literal, NoReturn

from devflow.server import logs, pauses
from devflow.server.app import DevFlowServer, Incoming, create_server
from devflow.server.parent import until_gone
from devflow.server.services import Services
from devflow.server.transport import Pipes, Send, check_address, listening_tcp, listening_ws, taken_stdio

log = logging.getLogger(__name__)


def run_stdio(
    *,
    log_level: str | None = None,
    log_format: str | None = None,
    parent: int | None = None,
    services: Services | None = None,
) -> NoReturn:
    """Serve the editor that started this process on stdin and stdout, then leave the process.
    `parent` is the editor's process, where it is known before `initialize` names it."""
    _prepare(log_level, log_format)
    pipes = Pipes(*taken_stdio())

    async def main() -> None:
        server = create_server(services, log_level, log_format)
        pauses.collect_later()
        if parent is not None:
            server.watch(parent)
        received: Incoming = asyncio.Queue()
        server.protocol.connect(pipes.send)
        _leave_on_signals(server.leave)
        pipes.start(lambda body, ended: received.put_nowait((body, ended)))
        code = 1
        try:
            code = await server.converse(received)
        except Exception:
            log.exception("the conversation was broken off")
        finally:
            _leave(code, lambda: pipes.drain(0.2))

    asyncio.run(main())
    raise AssertionError("main leaves the process")


def run_listening(
    transport: Literal["tcp", "ws"],
    host: str,
    port: int,
    *,
    allow_remote: bool = False,
    log_level: str | None = None,
    log_format: str | None = None,
    parent: int | None = None,
    services: Services | None = None,
) -> NoReturn:
    """Serve every client that connects, each with a session of its own, until SIGTERM.

    Raises ValueError for an address other machines can reach, unless `allow_remote`.
    """
    check_address(host, allow_remote=allow_remote)
    _prepare(log_level, log_format)
    listening = {"tcp": listening_tcp, "ws": listening_ws}[transport]

    async def connected(bodies: AsyncIterator[bytes | None], send: Send) -> None:
        await _converse_over(create_server(services, log_level, log_format), bodies, send)

    async def main() -> None:
        stop = asyncio.Event()
        pauses.collect_later()
        _leave_on_signals(lambda code: stop.set())
        watching = asyncio.create_task(until_gone(parent, stop.set)) if parent is not None else None
        code = 1
        try:
            async with listening(host, port, connected) as address:
                print(f"DevFlow listens on {address[0]}:{address[1]}", file=sys.stderr, flush=True)
                await stop.wait()
            code = 0
        except OSError as error:
            print(f"DevFlow cannot listen: {error}.", file=sys.stderr)
        finally:
            del watching
            _leave(code, lambda: None)

    asyncio.run(main())
    raise AssertionError("main leaves the process")


async def _converse_over(server: DevFlowServer, bodies: AsyncIterator[bytes | None], send: Send) -> None:
    """Hold the whole conversation with the client behind `bodies` and `send`."""
    received: Incoming = asyncio.Queue()
    server.protocol.connect(send)

    async def read() -> None:
        async for body in bodies:
            received.put_nowait((body, False))
        received.put_nowait((None, True))

    reading = asyncio.create_task(read())
    try:
        await server.converse(received)
    finally:
        reading.cancel()


def _prepare(log_level: str | None, log_format: str | None) -> None:
    """Logs go to stderr and hold no document text; the interpreter's own pauses are short."""
    pauses.shorten()
    logs.begin(log_format or "")
    logging.getLogger("pygls").setLevel(logging.WARNING)  # at INFO it logs what it sends
    logging.getLogger("devflow").setLevel((log_level or "warning").upper())


def _leave_on_signals(leave: Callable[[int], None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, leave, 128 + number)


def _leave(code: int, flush: Callable[[], None]) -> NoReturn:
    """Leave the process now: no child is left behind, no thread that still computes is waited for."""
    import psutil

    try:
        for child in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):
                child.kill()
        flush()
        logging.shutdown()
        sys.stderr.flush()
    finally:
        os._exit(code)
