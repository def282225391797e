"""Anthropic's Messages API. A hole is filled by asking: there is no fill-in-the-middle endpoint."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from devflow.models.asking import as_question
from devflow.models.base import ChatRequest, FillRequest, Meter
from devflow.models.engines.provider_errors import stale, status_problem, transport_problem
from devflow.models.engines.remote import RemoteModel, Server, http_client, key_of
from devflow.models.errors import ModelError, NotConfigured, Rejected, Silent, Unreachable
from devflow.models.prompt import trimmed, trimmed_chat
from devflow.models.streams import closing, cut, unfenced

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic, AsyncStream
    from anthropic.types import RawMessageStreamEvent

DEFAULT_URL = "https://api.anthropic.com"


class AnthropicModel(RemoteModel["AsyncAnthropic"]):
    """A FillModel and ChatModel at Anthropic or a server that speaks its API."""

    library = "anthropic"
    thinkers = re.compile(r"claude-(fable|mythos|(opus|sonnet|haiku)-[5-9])")

    def _open(self) -> AsyncAnthropic:
        return _client(self._server)

    async def _fill(self, request: FillRequest, meter: Meter | None = None) -> AsyncIterator[str]:
        pieces = unfenced(self._chat(as_question(trimmed(request, self._room(request.max_tokens))), meter))
        async with closing(pieces):
            async for piece in pieces:
                yield piece

    async def _chat(self, request: ChatRequest, meter: Meter | None = None) -> AsyncIterator[str]:
        pieces = self._formed(request, lambda formed: self._asked(request, meter, formed=formed))
        async with closing(pieces):
            async for piece in pieces:
                yield piece

    async def _asked(self, request: ChatRequest, meter: Meter | None, *, formed: bool) -> AsyncIterator[str]:
        client = await self._ready()
        request = trimmed_chat(request, self._room(request.max_tokens))
        system = "\n\n".join(turn.content for turn in request.messages if turn.role == "system")
        body: dict[str, Any] = {
            "model": self._server.model,
            "max_tokens": request.max_tokens,
            "messages": [
                {"role": turn.role, "content": turn.content}
                for turn in request.messages
                if turn.role != "system"
            ],
        }
        if system:
            body["system"] = system
        # The API refuses stop strings of white space only; `cut` sees to those.
        if stops := [stop for stop in request.stop if stop.strip()]:
            body["stop_sequences"] = stops
        if formed:  # a tool that must be called is held to its schema
            about = "Give the answer."
            body["tools"] = [
                {"name": "answer", "description": about, "input_schema": json.loads(request.schema)}
            ]
            body["tool_choice"] = {"type": "tool", "name": "answer"}
        pieces = cut(self._pieces(client, body, meter), request.stop)
        async with closing(pieces):
            async for piece in pieces:
                yield piece

    async def _pieces(
        self, client: AsyncAnthropic, body: dict[str, Any], meter: Meter | None
    ) -> AsyncIterator[str]:
        finished, spoke, reason = False, False, ""
        try:
            stream = await _opened(client, body)
            try:
                async for event in stream:
                    # The SDK checks no shape: what an event should have may be missing.
                    kind = getattr(event, "type", "")
                    if kind == "content_block_delta" and (text := _text_of(getattr(event, "delta", None))):
                        spoke = True
                        yield text
                    elif kind in ("message_start", "message_delta"):
                        _count(event, meter)
                        reason = str(getattr(getattr(event, "delta", None), "stop_reason", "") or reason)
                    elif kind == "message_stop":
                        finished = True
            finally:
                await stream.close()
        except Exception as error:
            problem = problem_of(self._server, error)
            if problem is None:
                raise
            raise problem from error
        if not finished:
            raise Unreachable(f"{self._server.place} ended its answer in the middle; try again.")
        if reason == "max_tokens" and not spoke:
            raise self._unsaid(body["max_tokens"])
        if reason == "refusal" and not spoke:
            raise Rejected(f"{self._server.place} declined to answer.")


def _text_of(delta: object) -> str:
    """What a delta adds to the answer: text, or JSON of the tool that was asked for."""
    match getattr(delta, "type", ""):
        case "text_delta":
            return str(getattr(delta, "text", "") or "")
        case "input_json_delta":
            return str(getattr(delta, "partial_json", "") or "")
    return ""


def _count(event: object, meter: Meter | None) -> None:
    """What an event says of the tokens used."""
    usage = getattr(getattr(event, "message", event), "usage", None)
    if meter is None or usage is None:
        return
    cached = _whole(getattr(usage, "cache_read_input_tokens", None))
    made = _whole(getattr(usage, "cache_creation_input_tokens", None))
    if isinstance(read := getattr(usage, "input_tokens", None), int):
        meter.read, meter.cached = read + cached + made, cached
    if isinstance(written := getattr(usage, "output_tokens", None), int):
        meter.written = written


def _whole(said: object) -> int:
    return said if isinstance(said, int) else 0


async def _opened(client: AsyncAnthropic, body: dict[str, Any]) -> AsyncStream[RawMessageStreamEvent]:
    from anthropic import APIConnectionError

    stream: AsyncStream[RawMessageStreamEvent]
    try:
        stream = await client.messages.create(**body, stream=True)
    except APIConnectionError as error:
        if not stale(error.__cause__):
            raise
        stream = await client.messages.create(**body, stream=True)
    return stream


def problem_of(server: Server, error: Exception) -> ModelError | None:
    """The one place where what the SDK raises becomes ours; None: not the SDK's, a bug."""
    import anthropic

    match error:
        case anthropic.APITimeoutError():
            return Silent(f"{server.place} did not answer in time; try again, or raise models.timeout_s.")
        case anthropic.APIConnectionError():
            inner = (
                transport_problem(server, error.__cause__) if isinstance(error.__cause__, Exception) else None
            )
            return inner or Unreachable(
                f"{server.place} cannot be reached; is the server running and the address right?"
            )
        case anthropic.APIStatusError():
            status = error.status_code
            if status < 300:  # an error event inside a stream, which carries the stream's own
                status = 400 if error.type == "invalid_request_error" else 500
            message = error.api_message or error.message
            return status_problem(
                server, status, str(error.type or ""), message, error.response.headers.get("retry-after")
            )
        case anthropic.APIError():
            return Unreachable(
                f"{server.place} sent an answer that cannot be read; is it really Anthropic's API?"
            )
        case anthropic.AnthropicError():
            return NotConfigured(f"{server.place} cannot be used as configured ({type(error).__name__}).")
    return transport_problem(server, error)


def _client(server: Server) -> AsyncAnthropic:
    """Imports the SDK (1.9 s) and makes a client. Given a key, it reads none from the environment."""
    import anthropic

    timeout = anthropic.Timeout(server.timeout, connect=min(10.0, server.timeout))
    return anthropic.AsyncAnthropic(
        api_key=key_of(server) or "none",
        base_url=server.base_url,
        timeout=timeout,
        max_retries=0,
        http_client=http_client(server, timeout),
    )
