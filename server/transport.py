"""Bytes in and out: framing, stdio, TCP and WebSocket. Knows nothing of what the messages mean."""

from __future__ import annotations

import asyncio
import logging
import os
import queue
import re
import threading
from collections.abc import Callable

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
