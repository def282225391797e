"""A server on loopback that speaks OpenAI's and Anthropic's wire formats, faults included.

Plain sockets on purpose: the faults are in how bytes arrive. `script` says what the next answers do; the
last one repeats.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. With `status` other than 200, `error` is its body; else `pieces` are streamed."""

    pieces: tuple[str, ...] = ("Hello", ", ", "world")
    status: int = 200
    error: str = "no reason"
    kind: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    stall_after: int = -1
    """Send this many pieces, then nothing until the client goes."""
    cut_after: int = -1
    """Send this many pieces, then drop the connection."""
    error_after: int = -1
    """Send this many pieces, then an error event."""
    garbage_after: int = -1
    """Send this many pieces, then an event that is not JSON."""
    end_after: int = -1
    """Send this many pieces, then end the body as if all were well."""
    chunk_bytes: int = 0
    """Send the stream in TCP chunks of this many bytes, through the middle of characters too."""
    raw: bytes = b""
    """Send exactly this instead of HTTP."""
    drop: bool = False
    """Close the connection without a word."""
    wait: float = 0.0
    """Seconds before the first byte."""
    pause: float = 0.0
    """Seconds before each piece."""
    reason: str = "stop"
    """Why the answer ended, in OpenAI's words."""


@dataclass
class Api:
    """The server's script and what it was asked."""

    port: int = 0
    script: list[Answer] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    """Each with `path`, `headers` and `body`."""
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a client leaves a stalled answer."""
    missing: tuple[str, ...] = ()
    """Paths answered 404."""
    choose: Callable[[dict[str, Any]], Answer] | None = None
    """Gives the answer to a body in place of the script."""
    key: str = ""
    """The key that is good; "" takes every key."""

    @property
    def openai(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def anthropic(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def plan(self, *answers: Answer) -> None:
        self.script[:] = answers


@asynccontextmanager
async def serve(*script: Answer) -> AsyncIterator[Api]:
    """Serve on a free loopback port."""
    api = Api(script=list(script) or [Answer()])
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            while await _exchange(api, reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    api.port = server.sockets[0].getsockname()[1]
    try:
        yield api
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


async def _exchange(api: Api, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """One request and its answer; whether the connection stays open."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    lines = head.split("\r\n")
    path = lines[0].split(" ")[1]
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines[1:] if line)
    }
    body = json.loads(await reader.readexactly(int(headers.get("content-length", "0"))) or b"{}")
    api.requests.append({"path": path, "headers": headers, "body": body})
    if api.choose is not None:
        answer = api.choose(body)
    else:
        answer = api.script.pop(0) if len(api.script) > 1 else api.script[0]
    if path in api.missing:
        answer = Answer(status=404, error="Not Found")
    if api.key and api.key not in headers.get("authorization", "") + headers.get("x-api-key", ""):
        answer = Answer(status=401, kind="authentication_error", error="Invalid key")
    if answer.wait:
        await asyncio.sleep(answer.wait)
    if answer.drop:
        return False
    if answer.raw:
        writer.write(answer.raw)
        await writer.drain()
        return False
    if answer.status != 200:
        _refuse(writer, answer, anthropic=path.endswith("/messages"))
        return True
    await _stream(api, reader, writer, answer, path)
    return False


def _refuse(writer: asyncio.StreamWriter, answer: Answer, *, anthropic: bool) -> None:
    error = {"type": answer.kind or "invalid_request_error", "message": answer.error}
    body = json.dumps({"type": "error", "error": error} if anthropic else {"error": error}).encode()
    extra = "".join(f"{name}: {value}\r\n" for name, value in answer.headers)
    writer.write(
        f"HTTP/1.1 {answer.status} X\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n{extra}\r\n".encode()
        + body
    )


async def _stream(
    api: Api, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Answer, path: str
) -> None:
    writer.write(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n"
        b"connection: close\r\n\r\n"
    )
    wire: _Anthropic | _Llama | _OpenAI
    if path.endswith("/messages"):
        wire = _Anthropic(reason=answer.reason)
    elif path.endswith("/infill"):
        wire = _Llama()
    else:
        wire = _OpenAI(completion=path.endswith("/v1/completions"), reason=answer.reason)
    await _send(writer, wire.start(), answer.chunk_bytes)
    for number, piece in enumerate((*answer.pieces, None)):
        if number == answer.stall_after:
            await reader.read()  # ends when the client closes the connection
            api.gone.set()
            return
        if number == answer.cut_after:
            writer.transport.abort()
            return
        if number == answer.error_after:
            await _send(writer, wire.error(), answer.chunk_bytes)
            break
        if number == answer.garbage_after:
            await _send(writer, b"event: content_block_delta\ndata: {not json\n\n", answer.chunk_bytes)
            break
        if number == answer.end_after:
            break
        if piece is None:
            await _send(writer, wire.end(), answer.chunk_bytes)
        else:
            if answer.pause:
                await asyncio.sleep(answer.pause)
            await _send(writer, wire.piece(piece), answer.chunk_bytes)
    writer.write(b"0\r\n\r\n")
    await writer.drain()


async def _send(writer: asyncio.StreamWriter, data: bytes, size: int) -> None:
    for at in range(0, len(data), size or len(data) or 1):
        part = data[at : at + (size or len(data))]
        writer.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
        await writer.drain()
        if size:
            await asyncio.sleep(0)


def _event(data: object, name: str = "") -> bytes:
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


class _OpenAI:
    def __init__(self, *, completion: bool, reason: str = "stop") -> None:
        self._completion = completion
        self._reason = reason

    def _choice(self, text: str, reason: str | None) -> bytes:
        said: dict[str, Any] = {"text": text} if self._completion else {"delta": {"content": text}}
        choice = {"index": 0, "finish_reason": reason, **said}
        kind = "text_completion" if self._completion else "chat.completion.chunk"
        return _event({"id": "1", "object": kind, "created": 1, "model": "m", "choices": [choice]})

    def start(self) -> bytes:
        return b": keep-alive\n\n" + (b"" if self._completion else self._choice("", None))

    def piece(self, text: str) -> bytes:
        return self._choice(text, None)

    def end(self) -> bytes:
        counted = {
            "prompt_tokens": 11, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 7}
        }  # fmt: skip
        usage = _event(
            {"id": "1", "object": "x", "created": 1, "model": "m", "choices": [], "usage": counted}
        )
        return self._choice("", self._reason) + usage + b"data: [DONE]\n\n"

    def error(self) -> bytes:
        return _event({"error": {"type": "server_error", "message": "The engine is out of memory"}})


class _Llama:
    """What llama.cpp's own paths stream."""

    def start(self) -> bytes:
        return b""

    def piece(self, text: str) -> bytes:
        return _event({"index": 0, "content": text, "tokens": [], "stop": False})

    def end(self) -> bytes:
        counted = {"tokens_predicted": 3, "tokens_evaluated": 11, "tokens_cached": 7}
        return _event({"index": 0, "content": "", "stop": True, **counted})

    def error(self) -> bytes:
        return _event({"error": {"code": 500, "type": "server_error", "message": "out of memory"}})


class _Anthropic:
    def __init__(self, reason: str = "stop") -> None:
        self._reason = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}.get(
            reason, reason
        )

    def start(self) -> bytes:
        message = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "m",
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": 1, "output_tokens": 1},
        }
        return (
            _event({"type": "message_start", "message": message}, "message_start")
            + _event(
                {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
                "content_block_start",
            )
            + _event({"type": "ping"}, "ping")
        )

    def piece(self, text: str) -> bytes:
        delta = {"type": "text_delta", "text": text}
        return _event({"type": "content_block_delta", "index": 0, "delta": delta}, "content_block_delta")

    def end(self) -> bytes:
        delta = {"stop_reason": self._reason, "stop_sequence": None}
        return (
            _event({"type": "content_block_stop", "index": 0}, "content_block_stop")
            + _event(
                {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 3}}, "message_delta"
            )
            + _event({"type": "message_stop"}, "message_stop")
        )

    def error(self) -> bytes:
        error = {"type": "overloaded_error", "message": "Overloaded"}
        return _event({"type": "error", "error": error}, "error")


def openai_shapes() -> Sequence[bytes]:
    """Bodies that are valid JSON events but not the API's."""
    return (_event([1, 2]), _event({"choices": [7]}), _event("text"), _event(None))
