"""OpenAI and every server that speaks its API (vLLM, TabbyAPI, llama.cpp, Ollama, Mistral, DeepSeek …).

A hole is sent in one of five ways, `Server.fill`:
`infill`   llama.cpp's `/infill`, which knows the marks of the model it runs, and keeps what it has read
`fim`      the family's own control tokens as the prompt of `/completions`
`suffix`   `/completions` with `prompt` and `suffix`
`mistral`  Mistral's `/fim/completions`
`chat`     as a question to a chat model; also where `/completions` turns out not to exist
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from devflow.models.asking import as_question
from devflow.models.base import ChatRequest, FillRequest, Meter
from devflow.models.control_tokens import respelt
from devflow.models.engines.provider_errors import Unreadable, stale, status_problem, transport_problem
from devflow.models.engines.remote import RemoteModel, Server, http_client, key_of
from devflow.models.errors import ModelError, NotConfigured, Rejected, Silent, Unreachable
from devflow.models.families import Profile
from devflow.models.outbound import Outbound, host_of
from devflow.models.profiles import fill_prompt, profile_of
from devflow.models.prompt import neutralised, trimmed, trimmed_chat
from devflow.models.streams import closing, cut, spoken, unfenced

if TYPE_CHECKING:
    import httpx2
    import openai
    from openai import AsyncOpenAI
    from openai._streaming import ServerSentEvent

DEFAULT_URL = "https://api.openai.com/v1"
WAYS = ("infill", "fim", "suffix", "mistral", "chat")


class OpenAIModel(RemoteModel["AsyncOpenAI"]):
    """A FillModel and ChatModel at an OpenAI-compatible server."""

    library = "openai"
    thinkers = re.compile(r"o\d|gpt-5")

    def __init__(self, server: Server, outbound: Outbound, profile: Profile | None = None) -> None:
        """`profile`: the family, where it is not to be told from the server's words."""
        super().__init__(server, outbound)
        self._profile = profile or profile_of(server.family, server.model)
        self._way = server.fill or _usual_way(server, self._profile)

    @property
    def _fills_by_asking(self) -> bool:
        return self._way == "chat"

    def _problem(self) -> ModelError | None:
        server = self._server
        if server.fill and server.fill not in WAYS:
            return NotConfigured(
                f"{self.name}: options.fill is one of {', '.join(WAYS)}, not {server.fill!r}."
            )
        return super()._problem()

    def _open(self) -> AsyncOpenAI:
        return client_of(self._server)

    @property
    def reads_ahead(self) -> bool:
        """Whether `prime` is of use: llama.cpp keeps what it has read."""
        return self._way == "infill"

    async def prime(self, request: FillRequest) -> None:
        """Let llama.cpp read the request, and answer nothing, so that the next one like it begins at once;
        other servers are sent nothing. It goes the way of every fill. Raises ModelError."""
        if self.reads_ahead:
            async for _ in self.fill(replace(request, ahead=True)):
                pass

    async def _fill(self, request: FillRequest, meter: Meter | None = None) -> AsyncIterator[str]:
        request, spelling = respelt(request, self._profile)
        async with closing(pieces := spelling.restore(self._filled(request, meter))):
            async for piece in pieces:
                yield piece

    async def _filled(self, request: FillRequest, meter: Meter | None) -> AsyncIterator[str]:
        if self._way != "chat":
            client = await self._ready()
            pieces = self._stream(client, *self._hole(request), meter)
            async with closing(pieces):
                try:
                    first = await anext(pieces, None)
                except _NoSuchPlace:
                    self._way = "chat"
                else:
                    if first is not None:
                        yield first
                        async for piece in pieces:
                            yield piece
                    return
        if request.ahead:
            return
        asked = unfenced(self._said(as_question(trimmed(request, self._room(request.max_tokens))), meter))
        async with closing(asked):
            async for piece in asked:
                yield piece

    def _hole(self, request: FillRequest) -> tuple[str, dict[str, Any], tuple[str, ...]]:
        """Path, body and stop strings of the request for a hole."""
        request = trimmed(request, self._room(request.max_tokens))
        if self._way == "infill":
            return self._infill(request)
        body: dict[str, Any] = {
            "model": self._server.model,
            "max_tokens": request.max_tokens,
            "temperature": 0,
            "stream": True,
        }
        prompt = fill_prompt(self._profile, request)
        if self._way == "fim":
            body["prompt"], stop = prompt.text(), prompt.stop
        else:
            body["prompt"], body["suffix"] = request.above() + request.prefix, request.suffix
            stop = request.stop
        if stop:
            body["stop"] = list(stop[:4])  # the API takes four; the rest is cut here
        return ("/fim/completions" if self._way == "mistral" else "/completions"), body, stop

    def _infill(self, request: FillRequest) -> tuple[str, dict[str, Any], tuple[str, ...]]:
        """The same for llama.cpp, which writes other files before the hole in the form its model knows.
        `cache_prompt` keeps what was read in the slot for the next request."""
        control = self._profile.control
        notes = request.above([each for each in request.context if not each.path])
        body: dict[str, Any] = {
            "input_prefix": neutralised(notes + request.prefix, control),
            "input_suffix": neutralised(request.suffix, control),
            "input_extra": [
                {"filename": neutralised(each.path, control), "text": neutralised(f"{each.text}\n", control)}
                for each in request.context
                if each.path
            ],
            "prompt": "",
            "n_predict": 0 if request.ahead else request.max_tokens,
            "temperature": 0,
            "stream": True,
            "cache_prompt": True,
            "stop": list(request.stop),
        }
        if self._server.slot:
            body["id_slot"] = int(self._server.slot)
        root = self._server.base_url.rstrip("/").removesuffix("/v1")
        return f"{root}/infill", body, (*request.stop, *self._profile.stop)

    async def _chat(self, request: ChatRequest, meter: Meter | None = None) -> AsyncIterator[str]:
        request, spelling = respelt(request, self._profile)
        async with closing(pieces := spelling.restore(self._said(request, meter))):
            async for piece in pieces:
                yield piece

    async def _said(self, request: ChatRequest, meter: Meter | None) -> AsyncIterator[str]:
        pieces = self._formed(request, lambda formed: self._asked(request, meter, formed=formed))
        async with closing(pieces):
            async for piece in pieces:
                yield piece

    async def _asked(self, request: ChatRequest, meter: Meter | None, *, formed: bool) -> AsyncIterator[str]:
        client = await self._ready()
        request = trimmed_chat(request, self._room(request.max_tokens))
        body: dict[str, Any] = {
            "model": self._server.model,
            "messages": [{"role": turn.role, "content": turn.content} for turn in request.messages],
            "stream": True,
        }
        own = _is_openai_s(self._server)
        body["max_completion_tokens" if own or self._thinks else "max_tokens"] = request.max_tokens
        if not self._thinks:  # those refuse both
            body["temperature"] = request.temperature
            if request.stop and not self._thoughts:  # a server would stop in the thoughts
                body["stop"] = list(request.stop[:4])
        if formed:
            form = {"name": "answer", "schema": json.loads(request.schema), "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        if own or self._server.counts:
            body["stream_options"] = {"include_usage": True}
        said = spoken(
            self._pieces(client, "/chat/completions", body, meter), lambda: self._unsaid(request.max_tokens)
        )
        async with closing(pieces := cut(said, request.stop)):
            try:
                async for piece in pieces:
                    yield piece
            except _NoSuchPlace as error:
                raise error.rejected from None

    async def _stream(
        self, client: AsyncOpenAI, path: str, body: dict[str, Any], stop: tuple[str, ...], meter: Meter | None
    ) -> AsyncIterator[str]:
        pieces = cut(self._pieces(client, path, body, meter), stop)
        async with closing(pieces):
            async for piece in pieces:
                yield piece

    async def _pieces(
        self, client: AsyncOpenAI, path: str, body: dict[str, Any], meter: Meter | None
    ) -> AsyncIterator[str]:
        reason: str | None = None
        events = 0
        spoke = False
        try:
            stream = await _opened(client, path, body)
            try:
                async for event in stream:
                    events += 1
                    text, ended = _text_of(event)
                    _count(event, meter)
                    reason = ended or reason
                    if text:
                        spoke = True
                        yield text
            finally:
                await stream.close()
        except Exception as error:
            problem = problem_of(self._server, error)
            if problem is None:
                raise
            if isinstance(problem, Rejected) and getattr(error, "status_code", 0) in (404, 405, 501):
                raise _NoSuchPlace(problem) from error
            raise problem from error
        if not events and not stream.done:  # a page of a gateway, or an answer in one piece
            raise Unreachable(
                f"{self._server.place} sent no stream of an answer; is it really an OpenAI API that streams?"
            )
        if reason in _GAVE_UP or (reason is None and not stream.done):
            raise Unreachable(f"{self._server.place} ended its answer in the middle; try again.")
        if reason == "length" and not spoke and "messages" in body:
            raise self._unsaid(body.get("max_completion_tokens") or body["max_tokens"])
        if reason == "content_filter" and not spoke:
            raise Rejected(f"{self._server.place} held its answer back (content_filter).")


def problem_of(server: Server, error: Exception) -> ModelError | None:
    """The one place where what the SDK raises becomes ours; None: not the SDK's, a bug."""
    import openai

    match error:
        case ModelError():
            return error
        case openai.APITimeoutError():
            return Silent(f"{server.place} did not answer in time; try again, or raise models.timeout_s.")
        case openai.APIConnectionError():
            inner = (
                transport_problem(server, error.__cause__) if isinstance(error.__cause__, Exception) else None
            )
            return inner or Unreachable(
                f"{server.place} cannot be reached; is the server running and the address right?"
            )
        case openai.APIStatusError():
            return status_problem(
                server,
                error.status_code,
                str(error.type or error.code or ""),
                _said(error),
                error.response.headers.get("retry-after"),
            )
        case openai.APIResponseValidationError():
            return Unreachable(
                f"{server.place} sent an answer that cannot be read; is it really an OpenAI API?"
            )
        case openai.APIError():  # an error event inside a stream has no status of its own
            return status_problem(
                server, _status_in_stream(error), str(error.type or error.code or ""), _said(error), None
            )
        case openai.LengthFinishReasonError() | openai.ContentFilterFinishReasonError():
            return Rejected(f"{server.place} ended the answer early: {type(error).__name__}.")
        case openai.OpenAIError():
            return NotConfigured(f"{server.place} cannot be used as configured ({type(error).__name__}).")
    return transport_problem(server, error)


_GAVE_UP = frozenset({"abort", "error"})
"""Reasons to end by which servers say that the answer is not whole; any other, known or not, is an end."""


class _Events(Protocol):
    """A stream of events that remembers whether the server closed it in order, and passes over those that
    hold no data, as the format wants it."""

    done: bool
    """Whether `[DONE]` came, which is all that many servers say at the end."""

    def __aiter__(self) -> AsyncIterator[object]: ...
    async def close(self) -> None: ...


async def _opened(client: AsyncOpenAI, path: str, body: dict[str, Any]) -> _Events:
    from openai import APIConnectionError

    stream: _Events
    kind = _events()
    try:
        stream = await client.post(path, body=body, cast_to=object, stream=True, stream_cls=kind)
    except APIConnectionError as error:
        if not stale(error.__cause__):
            raise
        stream = await client.post(path, body=body, cast_to=object, stream=True, stream_cls=kind)
    return stream


@cache
def _events() -> Any:
    """The SDK's stream with what `_Events` adds; the SDK itself reads `[DONE]` and tells nobody."""
    from openai import AsyncStream

    class Events(AsyncStream[object]):
        done = False

        async def _iter_events(self) -> AsyncIterator[ServerSentEvent]:
            async for event in super()._iter_events():
                self.done = self.done or event.data.startswith("[DONE]")
                if event.data.strip():  # a keep-alive behind an `id`, or a `retry` alone
                    yield event

    return Events


def _said(error: openai.APIError) -> str:
    """The provider's own words; the SDK's message repeats status and body round them."""
    body = error.body
    if isinstance(body, str) and body:
        return body
    words = body.get("message") or body.get("detail") if isinstance(body, dict) else None
    return words if isinstance(words, str) else error.message


_STATUS_OF = {
    "invalid_api_key": 401,
    "authentication_error": 401,
    "insufficient_quota": 402,
    "permission_error": 403,
    "model_not_found": 404,
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "context_length_exceeded": 400,
    "exceed_context_size_error": 400,
    "invalid_request_error": 400,
}


def _status_in_stream(error: openai.APIError) -> int:
    """The status that the same error has before a stream: its code where that is one (llama.cpp, OpenRouter),
    else by what the provider calls it; 500 where that says nothing."""
    code = str(error.code or "")
    if code.isdecimal() and 400 <= int(code) < 600:
        return int(code)
    return _STATUS_OF.get(code) or _STATUS_OF.get(str(error.type or ""), 500)


class _NoSuchPlace(ModelError):
    """The server has no such path, or no such model behind it."""

    def __init__(self, rejected: ModelError) -> None:
        super().__init__(str(rejected))
        self.rejected = rejected


def client_of(server: Server) -> AsyncOpenAI:
    """Imports the SDK (0.8 s) and makes a client whose every value is ours, not the environment's."""
    import openai

    timeout = openai.Timeout(server.timeout, connect=min(10.0, server.timeout))
    key = key_of(server)
    azure = bool(server.api_version)
    http = http_client(server, timeout)
    if azure:
        http.event_hooks = {"request": [_without_bearer]}
    client = openai.AsyncOpenAI(
        api_key=key or "none",
        default_headers={"api-key": key} if azure else None,
        default_query={"api-version": server.api_version} if azure else None,
        base_url=server.base_url,
        timeout=timeout,
        max_retries=0,
        http_client=http,
    )
    client.organization = client.project = None  # the SDK read them from the environment
    return client


async def _without_bearer(request: httpx2.Request) -> None:
    """Azure takes the SDK's header for a token of its own, and a key is none."""
    request.headers.pop("Authorization", None)


def _is_openai_s(server: Server) -> bool:
    """Whether it is OpenAI's API of today, at OpenAI or at Azure, whose older addresses know less."""
    host = host_of(server.base_url)
    azure = host.endswith((".openai.azure.com", ".services.ai.azure.com", ".cognitiveservices.azure.com"))
    return host == host_of(DEFAULT_URL) or (azure and not server.api_version)


def _usual_way(server: Server, profile: Profile) -> str:
    host = host_of(server.base_url)
    if host.endswith("mistral.ai"):
        return "mistral"
    if host == "api.deepseek.com" or ("instruct" in server.model and profile.name == "gpt"):
        return "suffix"
    return "chat" if profile.fim is None else "fim"


def _text_of(event: object) -> tuple[str, str | None]:
    """The text of one event of any of the three streams, and why the answer ends with it, if it does."""
    if not isinstance(event, dict):
        raise Unreadable("an event that is not an object")
    if isinstance(event.get("content"), str) and "stop" in event:  # llama.cpp's own
        return event["content"], "stop" if event["stop"] is True else None
    choices = event.get("choices")
    if not isinstance(choices, list) or not choices:
        return "", None  # usage, or a keep-alive
    choice = choices[0]
    if not isinstance(choice, dict):
        raise Unreadable("a choice that is not an object")
    delta = choice.get("delta")
    text = delta.get("content") if isinstance(delta, dict) else choice.get("text")
    if isinstance(text, list):  # Mistral may send parts
        text = "".join(str(part.get("text", "")) for part in text if isinstance(part, dict))
    reason = choice.get("finish_reason")
    return text if isinstance(text, str) else "", str(reason) if reason else None


def _count(event: object, meter: Meter | None) -> None:
    """What an event says of the tokens used."""
    if not isinstance(event, dict) or meter is None:
        return
    usage = event.get("usage")
    if isinstance(usage, dict):
        meter.read = _number(usage.get("prompt_tokens"), meter.read)
        meter.written = _number(usage.get("completion_tokens"), meter.written)
        details = usage.get("prompt_tokens_details")
        if isinstance(details, dict):
            meter.cached = _number(details.get("cached_tokens"), None) or 0
    elif event.get("stop") is True:
        meter.read = _number(event.get("tokens_evaluated"), meter.read)
        meter.written = _number(event.get("tokens_predicted"), meter.written)
        meter.cached = _number(event.get("tokens_cached"), None) or 0


def _number(said: object, otherwise: int | None) -> int | None:
    known = isinstance(said, int) and not isinstance(said, bool) and said >= 0
    return said if known and isinstance(said, int) else otherwise
