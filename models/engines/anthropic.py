"""Anthropic's Messages API. A hole is filled by asking: there is no fill-in-the-middle endpoint."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from devflow.models.asking import as_question
from devflow.models.base import ChatRequest, FillRequest, Health, ModelStatus
from devflow.models.engines.remote import Server, http_client, stale, status_problem, transport_problem
from devflow.models.errors import ModelError, NotConfigured, NotInstalled, Unreachable
from devflow.models.outbound import Outbound, host_of
from devflow.models.prompt import trimmed, trimmed_chat
from devflow.models.streams import closing, cut, unfenced

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic, AsyncStream
    from anthropic.types import RawMessageStreamEvent

DEFAULT_URL = "https://api.anthropic.com"
CHARACTERS_PER_TOKEN = 3


class AnthropicModel:
    """A FillModel and ChatModel at Anthropic or a server that speaks its API."""

    def __init__(self, server: Server, outbound: Outbound) -> None:
        self.name = server.name
        self.remote = server.remote
        self._server = server
        self._outbound = outbound
        self._client: AsyncAnthropic | None = None
        self._opening = asyncio.Lock()

    def __repr__(self) -> str:
        return f"AnthropicModel({self._server!r})"

    def status(self) -> ModelStatus:
        """Whether it can be asked, without asking it."""
        problem = self._problem()
        health = Health.UNAVAILABLE if problem else Health.READY
        where = host_of(self._server.base_url)
        return ModelStatus(
            self.name, "anthropic", health, str(problem or f"{self._server.model} at {where}."), self.remote
        )

    def fill(self, request: FillRequest) -> AsyncIterator[str]:
        """Stream what belongs in the hole. Raises ModelError."""
        server = self._server
        return self._outbound.fill(
            self.name, server.base_url, request, self._fill, forwards=server.forwards, ready=self._ready
        )

    def chat(self, request: ChatRequest) -> AsyncIterator[str]:
        """Stream the answer. Raises ModelError."""
        server = self._server
        return self._outbound.chat(
            self.name, server.base_url, request, self._chat, forwards=server.forwards, ready=self._ready
        )

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def _problem(self) -> ModelError | None:
        server = self._server
        if importlib.util.find_spec("anthropic") is None:
            return NotInstalled(
                f"{self.name} needs the Anthropic library: pip install 'devflow-lsp[anthropic]'."
            )
        if not server.model:
            return NotConfigured(f"{self.name} names no model; set `model` for it.")
        if not server.api_key and self.remote:
            return NotConfigured(
                f"{self.name} has no API key; set the environment variable {server.api_key_env}."
                if server.api_key_env
                else f"{self.name} has no API key; name the variable that holds it in api_key_env."
            )
        if not self._outbound.allows(server.base_url, forwards=server.forwards):
            return NotConfigured(f"{self.name} is not on this machine and models.local_only is on.")
        return None

    async def _ready(self) -> AsyncAnthropic:
        if (problem := self._problem()) is not None:
            raise problem
        async with self._opening:
            if self._client is None:
                self._client = await asyncio.to_thread(_client, self._server)
            return self._client

    async def _fill(self, request: FillRequest) -> AsyncIterator[str]:
        pieces = unfenced(self._chat(as_question(trimmed(request, self._room(request.max_tokens)))))
        async with closing(pieces):
            async for piece in pieces:
                yield piece

    async def _chat(self, request: ChatRequest) -> AsyncIterator[str]:
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
        pieces = cut(self._pieces(client, body), request.stop)
        async with closing(pieces):
            async for piece in pieces:
                yield piece

    async def _pieces(self, client: AsyncAnthropic, body: dict[str, Any]) -> AsyncIterator[str]:
        finished = False
        try:
            stream = await _opened(client, body)
            try:
                async for event in stream:
                    if event.type == "content_block_delta" and event.delta.type == "text_delta":
                        if event.delta.text:
                            yield event.delta.text
                    elif event.type == "message_stop":
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

    def _room(self, max_tokens: int) -> int:
        return max(self._server.context - max_tokens - 64, 64) * CHARACTERS_PER_TOKEN


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
            return Unreachable(
                f"{server.place} did not answer in time; try again, or raise models.timeout_s."
            )
        case anthropic.APIConnectionError():
            inner = (
                transport_problem(server, error.__cause__) if isinstance(error.__cause__, Exception) else None
            )
            return inner or Unreachable(
                f"{server.place} cannot be reached; is the server running and the address right?"
            )
        case anthropic.APIStatusError():
            # An error event inside a stream carries the status 200 of the stream.
            status = error.status_code if error.status_code >= 300 else 500
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
        api_key=server.api_key or "none",
        base_url=server.base_url,
        timeout=timeout,
        max_retries=0,
        http_client=http_client(server, timeout),
    )
