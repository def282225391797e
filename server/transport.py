"""Bytes in and out: framing, stdio, TCP and WebSocket. Knows nothing of what the messages mean."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import os
import queue
import re
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

Send = Callable[[bytes], None]
"""Queues one message body for the other end."""
Connected = Callable[[AsyncIterator[bytes | None], Send], Awaitable[None]]
"""Given what comes in, body by body (None for a broken frame), and a way to answer: one conversation."""

log = logging.getLogger(__name__)

_LENGTH = re.compile(rb"content-length:\s*(\d+)\s*\r?\n", re.IGNORECASE)
_HEADER_END = re.compile(rb"\r?\n\r?\n")
_LONGEST_HEADER = 8192
LONGEST_BODY = 1 << 29
"""Bytes; a larger Content-Length is taken for garbage."""


class Frames:
    """Cuts a byte stream into message bodies. Garbage between frames is skipped and reported once."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._missing = -1
        """Length of the body being read, -1 while in a header."""

    def feed(self, data: bytes) -> list[bytes | None]:
        """The bodies completed by `data`, in order; None stands for a header that made no sense."""
        self._buffer += data
        bodies: list[bytes | None] = []
        while True:
            if self._missing >= 0:
                if len(self._buffer) < self._missing:
                    return bodies
                bodies.append(bytes(self._buffer[: self._missing]))
                del self._buffer[: self._missing]
                self._missing = -1
            end = _HEADER_END.search(self._buffer, 0, _LONGEST_HEADER)
            if end is None:
                if len(self._buffer) >= _LONGEST_HEADER:
                    # Not a header. A frame may still begin in the last bytes.
                    del self._buffer[: -len(b"content-length: 1234567890\r\n\r\n")]
                    bodies.append(None)
                    continue
                return bodies
            lengths = _LENGTH.findall(self._buffer, 0, end.end())
            del self._buffer[: end.end()]
            if lengths and int(lengths[-1]) <= LONGEST_BODY:
                self._missing = int(lengths[-1])
            else:
                bodies.append(None)


def framed(body: bytes) -> bytes:
    """One message as it goes over a pipe or socket."""
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


def taken_stdio() -> tuple[int, int]:
    """Descriptors of this process's stdin and stdout for the protocol alone: from now on what a library
    prints goes to stderr, and what a child process reads is empty."""
    incoming, outgoing = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    return incoming, outgoing


def check_address(host: str, *, allow_remote: bool) -> None:
    """Raise ValueError, a sentence for the user, unless `host` is a loopback address or `allow_remote`."""
    if not host:
        raise ValueError("Name an address to listen on, such as 127.0.0.1; none means every network.")
    try:
        local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    if not local and not allow_remote:
        raise ValueError(
            f"{host!r} can be reached from other machines, whoever connects can read your code, and there "
            "is no authentication; use 127.0.0.1, or --allow-remote if that is meant."
        )


@contextlib.asynccontextmanager
async def listening_tcp(host: str, port: int, connected: Connected) -> AsyncIterator[tuple[Any, ...]]:
    """Hold a conversation with every client that connects; yields the address. Raises OSError."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def bodies() -> AsyncIterator[bytes | None]:
            frames = Frames()
            with contextlib.suppress(OSError):
                while data := await reader.read(1 << 16):
                    for body in frames.feed(data):
                        yield body

        try:
            await connected(bodies(), lambda body: writer.write(framed(body)))
        finally:
            writer.close()

    listener = await asyncio.start_server(talk, host, port)
    async with listener:
        yield listener.sockets[0].getsockname()


@contextlib.asynccontextmanager
async def listening_ws(host: str, port: int, connected: Connected) -> AsyncIterator[tuple[Any, ...]]:
    """The same over WebSocket, one JSON message a frame."""
    from websockets.asyncio.server import ServerConnection, serve
    from websockets.exceptions import ConnectionClosed

    async def talk(socket: ServerConnection) -> None:
        outgoing: asyncio.Queue[bytes] = asyncio.Queue()

        async def bodies() -> AsyncIterator[bytes | None]:
            with contextlib.suppress(ConnectionClosed):
                async for data in socket:
                    yield data.encode() if isinstance(data, str) else data

        async def write() -> None:
            with contextlib.suppress(ConnectionClosed):
                while True:
                    await socket.send((await outgoing.get()).decode("ascii"))

        writing = asyncio.create_task(write())
        try:
            await connected(bodies(), outgoing.put_nowait)
        finally:
            writing.cancel()

    # Browsers send an Origin; editors do not. A web page must not reach into the user's code.
    async with serve(talk, host, port, origins=[None], max_size=LONGEST_BODY) as listener:
        yield next(iter(listener.sockets)).getsockname()


class Pipes:
    """stdin and stdout as a message stream, each with a thread of its own: a client that does not
    read must not stop us from reading, and neither may block the event loop."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        self._read_fd = read_fd
        self._write_fd = write_fd
        self._outgoing: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write, name="lsp-out", daemon=True)

    def start(self, received: Callable[[bytes | None, bool], None]) -> None:
        """Call `received(body, ended)` on the running loop for each body; `(None, False)` for a
        broken header, `(None, True)` at the end of input."""
        loop = asyncio.get_running_loop()

        def deliver(body: bytes | None, ended: bool) -> None:
            try:
                loop.call_soon_threadsafe(received, body, ended)
            except RuntimeError:  # the loop is gone: the server has left
                pass

        threading.Thread(target=self._read, args=(deliver,), name="lsp-in", daemon=True).start()
        self._writer.start()

    def send(self, body: bytes) -> None:
        """Queue one message."""
        self._outgoing.put(framed(body))

    def drain(self, seconds: float) -> None:
        """Wait until what was sent is written, at most `seconds`. Blocks: call it when all is over."""
        self._outgoing.put(None)
        self._writer.join(seconds)

    def _read(self, deliver: Callable[[bytes | None, bool], None]) -> None:
        frames = Frames()
        while True:
            try:
                # os.read, not sys.stdin: a thread inside a buffered reader aborts the interpreter's exit.
                data = os.read(self._read_fd, 1 << 16)
            except OSError as error:
                log.warning("reading stdin failed: %s", error)
                data = b""
            if not data:
                deliver(None, True)
                return
            for body in frames.feed(data):
                deliver(body, False)

    def _write(self) -> None:
        while (data := self._outgoing.get()) is not None:
            view = memoryview(data)
            while view:
                try:
                    view = view[os.write(self._write_fd, view) :]
                except OSError as error:
                    log.warning("writing to the client failed: %s", error)
                    return
