"""The real SDKs against a server on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
import ssl
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Literal

import httpx2
import pytest

from devflow.models.base import ChatRequest, Excerpt, FillRequest, Health, Message, Meter
from devflow.models.engines import anthropic as anthropic_engine
from devflow.models.engines import openai as openai_engine
from devflow.models.engines.anthropic import AnthropicModel
from devflow.models.engines.openai import OpenAIModel
from devflow.models.engines.remote import Server, transport_problem
from devflow.models.errors import (
    KeyRefused,
    ModelError,
    NotConfigured,
    RateLimited,
    Rejected,
    Unreachable,
    Unsendable,
)
from devflow.models.outbound import Outbound
from support.loopback_api import Answer, Api, serve
from support.patience import HANGS, quickest

KEY = "sk-test-" + "0123456789abcdefghijklmnop"
QUESTION = ChatRequest((Message("system", "Be brief."), Message("user", "Who?")), max_tokens=50)
Engine = OpenAIModel | AnthropicModel
Kind = Literal["openai", "anthropic"]
TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with serve() as api:
        yield api


@pytest.fixture(params=["openai", "anthropic"])
def kind(request: pytest.FixtureRequest) -> Kind:
    kind: Kind = request.param
    return kind


@pytest.fixture
async def model(kind: Kind, api: Api) -> AsyncIterator[Engine]:
    model = made(kind, api)
    yield model
    await model.close()


def made(kind: Kind, api: Api, *, guard: Outbound | None = None, **options: Any) -> Engine:
    values: dict[str, Any] = {
        "name": "main",
        "model": "m-1",
        "base_url": api.openai if kind == "openai" else api.anthropic,
        "api_key": KEY,
        "api_key_env": "TEST_KEY",
        "timeout": 20.0,
        **options,
    }
    guard = guard or Outbound(timeout=values["timeout"])
    return (OpenAIModel if kind == "openai" else AnthropicModel)(Server(**values), guard)


async def listen(model: Engine, heard: asyncio.Event) -> None:
    async for _ in model.chat(QUESTION):
        heard.set()


async def text(pieces: AsyncIterator[str]) -> str:
    return "".join([piece async for piece in pieces])


async def test_an_answer_is_streamed_piece_by_piece(model: Engine, api: Api) -> None:
    assert [piece async for piece in model.chat(QUESTION)] == ["Hello", ", ", "world"]
    assert model.status().health is Health.READY
    assert not model.remote


async def test_getting_ready_sends_nothing(model: Engine, api: Api) -> None:
    await model.warm()
    assert api.requests == []
    assert await text(model.chat(QUESTION)) == "Hello, world"
    assert len(api.requests) == 1


async def test_the_conversation_is_sent_as_the_api_wants_it(model: Engine, kind: Kind, api: Api) -> None:
    await text(model.chat(QUESTION))
    [sent] = api.requests
    body = sent["body"]
    assert body["model"] == "m-1"
    assert body["max_tokens"] == 50
    assert body["stream"] is True
    if kind == "openai":
        assert sent["path"] == "/v1/chat/completions"
        assert [turn["role"] for turn in body["messages"]] == ["system", "user"]
    else:
        assert sent["path"] == "/v1/messages"
        assert body["system"] == "Be brief."
        assert [turn["role"] for turn in body["messages"]] == ["user"]
    assert sent["headers"]["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("answer", "error", "sentence"),
    [
        (
            Answer(status=401, kind="authentication_error"),
            KeyRefused,
            "refused the API key; put a valid one into TEST_KEY and restart the editor",
        ),
        (
            Answer(status=403, error="No."),
            KeyRefused,
            "does not allow this key to use m-1: No. Give it a key that may",
        ),
        (
            Answer(status=404, error="model not found"),
            Rejected,
            "does not know the model 'm-1' or the address",
        ),
        (
            Answer(status=400, error="context too long"),
            Rejected,
            r"refused the request \(status 400\): context too",
        ),
        (Answer(status=413), Rejected, "finds the request too long"),
        (
            Answer(status=429, headers=(("retry-after", "7"),)),
            RateLimited,
            "asks to slow down; try again in 7 s",
        ),
        (
            Answer(status=429, headers=(("retry-after", "soon"),)),
            RateLimited,
            "asks to slow down; try again later",
        ),
        (Answer(status=500, error="oops"), Unreachable, r"has a problem of its own \(status 500\): oops\."),
        (Answer(status=529, error="busy"), Unreachable, r"status 529"),
        (
            Answer(status=307, headers=(("location", "http://example.com/"),)),
            Unreachable,
            "redirects elsewhere",
        ),
        (Answer(cut_after=0), Unreachable, "main"),
        (Answer(cut_after=2), Unreachable, "cut the connection in the middle of an answer"),
        (Answer(end_after=2), Unreachable, "ended its answer in the middle"),
        (Answer(error_after=2), Unreachable, "has a problem of its own"),
        (Answer(garbage_after=1), Unreachable, "sent an answer that cannot be read"),
        (Answer(raw=b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), Unreachable, "main"),
        (Answer(raw=b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"), Unreachable, "main"),
        (Answer(raw=b"\x00\xff" * 50), Unreachable, "main"),
    ],
    ids=lambda value: str(
        value.__name__ if isinstance(value, type) else "" if isinstance(value, Answer) else value
    ),
)
async def test_a_fault_is_one_sentence(
    model: Engine, api: Api, answer: Answer, error: type[ModelError], sentence: str
) -> None:
    api.plan(answer)
    with pytest.raises(error, match=sentence) as caught:
        await text(model.chat(QUESTION))
    assert type(caught.value) is error
    assert "main (127.0.0.1)" in str(caught.value)
    assert str(caught.value)[-1] in ".?"
    assert "\n" not in str(caught.value)
    assert KEY not in str(caught.value)
    assert len(api.requests) == 1, "retrying is the router's"


async def test_a_request_that_is_refused_in_the_middle_of_a_stream_is_not_asked_again(
    kind: Kind, api: Api
) -> None:
    error = {"type": "error", "error": {"type": "invalid_request_error", "message": "too odd"}}
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
    api.plan(Answer(raw=head + f"event: error\ndata: {json.dumps(error)}\n\n".encode()))
    model = made(kind, api)
    with pytest.raises(Rejected, match="too odd"):
        await text(model.chat(QUESTION))
    await model.close()


@pytest.mark.parametrize("problem", [TypeError("ours"), KeyError("ours")])
async def test_a_bug_of_our_own_is_no_fault_of_the_provider(
    model: Engine, api: Api, monkeypatch: pytest.MonkeyPatch, problem: Exception
) -> None:
    def broken(event: object, meter: object) -> None:
        raise problem

    for engine in ("openai", "anthropic"):
        monkeypatch.setattr(f"devflow.models.engines.{engine}._count", broken)
    with pytest.raises(type(problem), match="ours"):
        await text(model.chat(QUESTION))


async def test_a_provider_that_repeats_the_request_in_its_error_is_not_quoted(
    model: Engine, api: Api
) -> None:
    code = "def transfer(account, amount_in_cents):"
    api.plan(Answer(status=422, error=f"1 validation error: input={{'content': '{code}'}}"))
    with pytest.raises(Rejected) as caught:
        await text(model.chat(ChatRequest((Message("user", f"Explain\n{code}\n    pass"),))))
    assert str(caught.value) == (
        "main (127.0.0.1) refused the request (status 422): its words repeat the request and are left out."
    )


async def test_a_connection_the_server_had_closed_is_opened_again_once(model: Engine, api: Api) -> None:
    api.plan(Answer(drop=True), Answer())
    assert await text(model.chat(QUESTION)) == "Hello, world"
    api.plan(Answer(drop=True))
    api.requests.clear()
    with pytest.raises(Unreachable):
        await text(model.chat(QUESTION))
    assert len(api.requests) == 2


async def test_the_provider_s_wait_is_passed_on(model: Engine, api: Api) -> None:
    api.plan(Answer(status=429, headers=(("retry-after", "12"),)))
    with pytest.raises(RateLimited) as caught:
        await text(model.chat(QUESTION))
    assert caught.value.retry_after == 12


async def test_nobody_listening_is_one_sentence(kind: Kind, api: Api) -> None:
    model = made(kind, Api(port=9))  # the discard port: nothing listens
    with pytest.raises(
        Unreachable, match=r"main \(127.0.0.1\) cannot be reached at 127.0.0.1:\d+; is the server running"
    ):
        await text(model.chat(QUESTION))
    await model.close()


async def test_a_stalled_answer_is_given_up_after_the_timeout(kind: Kind, api: Api) -> None:
    api.plan(Answer(stall_after=1))
    model = made(kind, api, timeout=0.5)
    said: list[str] = []

    async def listen() -> None:
        async for piece in model.chat(QUESTION):
            said.append(piece)

    with pytest.raises(Unreachable, match=r"main.*(sent nothing for 0.5 s|did not answer in time)"):
        await listen()
    assert said == ["Hello"]
    await asyncio.wait_for(api.gone.wait(), HANGS)
    await model.close()


@pytest.mark.parametrize(
    ("cause", "proxy", "sentence"),
    [
        (
            ssl.SSLError(1, "wrong version number"),
            "",
            "does not speak TLS at 127.0.0.1:8443; should its base_url",
        ),
        (socket.gaierror(-2, "unknown"), "", "has no address on this network; is its base_url right"),
        (ConnectionRefusedError(), "", "cannot be reached at 127.0.0.1:8443; is the server running"),
        (
            ConnectionRefusedError(),
            "http://u:p@proxy.example:3128",
            "through the proxy proxy.example; is that",
        ),
    ],
)
def test_what_kept_a_connection_from_being_made_is_told(cause: Exception, proxy: str, sentence: str) -> None:
    server = Server("main", "m-1", "https://127.0.0.1:8443/v1", proxy=proxy)
    error = httpx2.ConnectError("All connection attempts failed")
    error.__cause__ = httpx2.TransportError("again")
    error.__cause__.__context__ = cause
    problem = transport_problem(server, error)
    assert isinstance(problem, Unreachable)
    assert sentence in str(problem)


def test_a_certificate_that_is_not_trusted_is_told_with_its_reason() -> None:
    cause = ssl.SSLCertVerificationError(1, "certificate verify failed")
    cause.verify_message = "self-signed certificate"
    error = httpx2.ConnectError("failed")
    error.__cause__ = cause
    problem = transport_problem(Server("main", "m-1", "https://127.0.0.1:8443/v1"), error)
    assert (
        str(problem)
        == "main (127.0.0.1) shows a certificate that is not trusted here: self-signed certificate."
    )


def test_a_certificate_that_is_not_trusted_is_told_behind_a_proxy_too() -> None:
    error = httpx2.ConnectError("failed")
    error.__cause__ = cause = ssl.SSLCertVerificationError(1, "certificate verify failed")
    cause.verify_message = "self-signed certificate in certificate chain"
    server = Server("main", "m-1", "https://api.example/v1", proxy="http://proxy.example:3128")
    said = str(transport_problem(server, error))
    assert "a certificate that is not trusted here: self-signed certificate in certificate chain." in said
    assert "through the proxy proxy.example" in said


async def test_cancelling_closes_the_connection_within_50_ms(model: Engine, api: Api) -> None:
    api.plan(Answer(stall_after=1))

    async def stopping() -> float:
        heard = asyncio.Event()
        api.gone.clear()
        listening = asyncio.create_task(listen(model, heard))
        await asyncio.wait_for(heard.wait(), HANGS)
        started = time.perf_counter()
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening
        elapsed = time.perf_counter() - started
        await asyncio.wait_for(api.gone.wait(), HANGS)
        return elapsed

    assert await quickest(stopping, 0.05) <= 0.05


async def test_leaving_the_stream_early_closes_the_connection(model: Engine, api: Api) -> None:
    api.plan(Answer(stall_after=1))
    pieces = model.chat(QUESTION)
    assert await anext(pieces) == "Hello"
    await pieces.aclose()  # type: ignore[attr-defined]  # streams are async generators
    await asyncio.wait_for(api.gone.wait(), HANGS)


@pytest.mark.parametrize("size", [1, 3, 7])
async def test_characters_split_over_tcp_chunks_arrive_whole(model: Engine, api: Api, size: int) -> None:
    api.plan(Answer(pieces=("héllo ", "😋", "日本語\n"), chunk_bytes=size))
    assert await text(model.chat(QUESTION)) == "héllo 😋日本語\n"


async def test_a_stop_string_ends_the_answer_wherever_it_falls(model: Engine, api: Api) -> None:
    api.plan(
        Answer(
            pieces=(
                "one E",
                "ND two",
            )
        )
    )
    request = ChatRequest(QUESTION.messages, stop=("END", "\n"))
    assert await text(model.chat(request)) == "one "


async def test_a_hole_is_filled_by_asking_where_there_is_only_chat(kind: Kind, api: Api) -> None:
    api.plan(Answer(pieces=("```python\n", "x + 1", "\n```")))
    model = made(kind, api, model="gpt-x" if kind == "openai" else "claude-x")
    assert await text(model.fill(FillRequest("def f(x):\n    return ", "\n", path="a.py"))) == "x + 1"
    [sent] = api.requests
    assert "def f(x):\n    return <CURSOR>" in sent["body"]["messages"][-1]["content"]
    await model.close()


async def test_secrets_do_not_reach_a_provider_and_come_back(kind: Kind, api: Api) -> None:
    model = made(kind, api, guard=Outbound(local_only=False), forwards=True)
    api.plan(Answer(pieces=("key = DEVFLOW_", "SECRET_1", "_!")))
    request = ChatRequest((Message("user", f"key = '{TOKEN}'"),))
    assert await text(model.chat(request)) == f"key = {TOKEN}!"
    assert TOKEN not in str(api.requests)
    assert "DEVFLOW_SECRET_1_" in str(api.requests)
    await model.close()


async def test_under_local_only_a_server_that_forwards_is_not_called(kind: Kind, api: Api) -> None:
    model = made(kind, api, forwards=True)
    assert model.status().health is Health.UNAVAILABLE
    with pytest.raises(ModelError, match=r"models\.local_only is on"):
        await text(model.chat(QUESTION))
    with pytest.raises(ModelError, match=r"models\.local_only is on"):
        await text(model.fill(FillRequest("a", "b")))
    assert api.requests == []


async def test_a_proxy_in_the_environment_is_not_used(
    kind: Kind, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    model = made(kind, api)
    assert await text(model.chat(QUESTION)) == "Hello, world"
    await model.close()


async def test_keys_and_addresses_of_the_environment_are_not_used(
    kind: Kind, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"
    ):  # fmt: skip
        monkeypatch.setenv(name, "from-the-environment")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://example.com")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://example.com")
    model = made(kind, api, api_key="")
    assert await text(model.chat(QUESTION)) == "Hello, world"
    assert "from-the-environment" not in str(api.requests)
    await model.close()


async def test_the_key_shows_nowhere(model: Engine, api: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    api.plan(Answer(), Answer(status=400, error=f"The key {KEY} is odd"))
    await text(model.chat(QUESTION))
    with pytest.raises(Rejected) as caught:
        await text(model.chat(QUESTION))
    assert KEY not in caplog.text
    assert "Who?" not in caplog.text
    assert KEY not in repr(model)
    assert KEY not in str(caught.value)


async def test_without_a_key_a_provider_is_unavailable_and_says_which_variable(kind: Kind, api: Api) -> None:
    model = made(kind, api, base_url="https://api.example.com", api_key="", guard=Outbound(local_only=False))
    assert model.remote
    assert model.status().health is Health.UNAVAILABLE
    assert (
        model.status().detail
        == "main has no API key; set the environment variable TEST_KEY and restart the editor."
    )
    with pytest.raises(NotConfigured):
        await text(model.chat(QUESTION))


# OpenAI only


# Both again


async def test_the_tokens_used_are_those_the_provider_counted(kind: Kind, api: Api) -> None:
    model = made(kind, api, counts=True)
    meter = Meter()
    assert await text(model._chat(QUESTION, meter)) == "Hello, world"
    expected = (11, 7, 3) if kind == "openai" else (1, 0, 3)
    assert (meter.read, meter.cached, meter.written) == expected
    await model.close()


async def test_an_answer_that_must_fit_a_schema_is_asked_for_in_the_api_s_way(kind: Kind, api: Api) -> None:
    model = made(kind, api)
    schema = '{"type": "object", "properties": {"a": {"type": "string"}}}'
    await text(model.chat(replace(QUESTION, schema=schema)))
    body = api.requests[0]["body"]
    if kind == "openai":
        assert body["response_format"]["json_schema"]["schema"]["properties"] == {"a": {"type": "string"}}
    else:
        assert body["tool_choice"] == {"type": "tool", "name": "answer"}
        assert body["tools"][0]["input_schema"]["type"] == "object"
    await model.close()


async def test_a_server_that_knows_no_schemas_is_asked_without_one_from_then_on(kind: Kind, api: Api) -> None:
    wanted, form = replace(QUESTION, schema='{"type": "object"}'), FORMS[kind]
    api.plan(Answer(status=400, error="Extra inputs are not permitted"), Answer())
    model = made(kind, api)
    assert await text(model.chat(wanted)) == "Hello, world"
    assert await text(model.chat(wanted)) == "Hello, world"
    assert [form in each["body"] for each in api.requests] == [True, False, False]
    await model.close()


async def test_a_request_that_is_refused_without_its_schema_too_says_nothing_of_schemas(
    kind: Kind, api: Api
) -> None:
    wanted, form = replace(QUESTION, schema='{"type": "object"}'), FORMS[kind]
    api.plan(*[Answer(status=400, error="no such thing")] * 2, Answer())
    model = made(kind, api)
    with pytest.raises(Rejected, match="no such thing"):
        await text(model.chat(wanted))
    assert await text(model.chat(wanted)) == "Hello, world"
    assert [form in each["body"] for each in api.requests] == [True, False, True]
    await model.close()


FORMS = {"openai": "response_format", "anthropic": "tools"}
THINKERS = {"openai": "openai/gpt-5-mini", "anthropic": "claude-fable-5-1"}


async def test_a_model_that_thinks_has_room_for_it_beside_its_answer(kind: Kind, api: Api) -> None:
    model = made(kind, api, model=THINKERS[kind])
    await text(model.chat(replace(QUESTION, max_tokens=50)))
    await text(model.fill(FillRequest("a = ", "\n", max_tokens=9)))
    most = "max_completion_tokens" if kind == "openai" else "max_tokens"
    assert [each["body"][most] for each in api.requests] == [50 + 4_096, 9 + 4_096]
    await model.close()


@pytest.mark.parametrize("pieces", [(), ("<thi", "nk>Well, ", "wait")])
async def test_a_model_that_thinks_until_its_end_says_what_to_do(
    kind: Kind, api: Api, pieces: tuple[str, ...]
) -> None:
    if pieces and kind == "anthropic":
        return  # its thoughts come apart from its words
    api.plan(Answer(pieces=pieces, reason="length"))
    model = made(kind, api, thinking="30")
    with pytest.raises(Rejected, match=r"thought for all of the 80 tokens .* raise options\.thinking"):
        await text(model.chat(replace(QUESTION, max_tokens=50)))
    await model.close()


async def test_an_answer_that_is_held_back_is_told(kind: Kind, api: Api) -> None:
    api.plan(Answer(pieces=(), reason="content_filter"))
    model = made(kind, api)
    with pytest.raises(Rejected, match=r"held its answer back|declined to answer"):
        await text(model.chat(QUESTION))
    await model.close()


async def test_a_key_in_the_key_store_is_read_when_it_is_needed(
    kind: Kind, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []

    def get_password(service: str, user: str) -> str | None:
        asked.append((service, user))
        return KEY if user == "me" else None

    key_store(monkeypatch, get_password)
    model = made(kind, api, api_key="", key_store="devflow/main/me")
    assert model.status().health is Health.READY
    assert asked == []
    await text(model.chat(QUESTION))
    assert asked == [("devflow/main", "me")]
    assert KEY in str(api.requests[0]["headers"])
    await model.close()
    model = made(kind, api, api_key="", key_store="devflow/other")
    with pytest.raises(NotConfigured, match="holds no key 'devflow/other' for main; `keyring set devflow"):
        await text(model.chat(QUESTION))
    await model.close()


async def test_a_key_store_that_waits_for_its_user_is_asked_once_and_holds_one_thread(
    kind: Kind, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    unlocked = threading.Event()

    def get_password(service: str, user: str) -> str:
        asked.append(user)
        unlocked.wait(HANGS)
        return KEY

    key_store(monkeypatch, get_password)
    model = made(kind, api, api_key="", key_store="devflow/me")
    try:
        for _ in range(40):  # more than there are threads
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await text(model.chat(QUESTION))
    finally:
        unlocked.set()
    assert await text(model.chat(QUESTION))
    assert asked == ["me"]
    await model.close()


async def test_a_key_store_that_fails_in_a_way_of_its_own_is_a_sentence(
    kind: Kind, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def get_password(service: str, user: str) -> str:
        raise RuntimeError("the bus is gone")

    key_store(monkeypatch, get_password)
    model = made(kind, api, api_key="", key_store="devflow/me")
    with pytest.raises(NotConfigured, match=r"could not be read for main \(RuntimeError\)"):
        await text(model.chat(QUESTION))
    await model.close()


def key_store(monkeypatch: pytest.MonkeyPatch, get_password: Callable[[str, str], str | None]) -> None:
    """A stand-in for the library that reads the operating system's."""
    keyring = ModuleType("keyring")
    keyring.get_password = get_password  # type: ignore[attr-defined]  # a stand-in
    keyring.__spec__ = ModuleSpec("keyring", None)
    monkeypatch.setitem(sys.modules, "keyring", keyring)


# What the SDKs can raise


def exceptions_of(module: Any, root: type[Exception]) -> set[type[Exception]]:
    return {
        value
        for value in (*vars(module).values(), *vars(module._exceptions).values())
        if isinstance(value, type) and issubclass(value, root)
    }


def raised(kind: type[Exception], httpx2: Any) -> Exception:
    """An instance, made without the constructor's many shapes."""
    request = httpx2.Request("POST", "http://127.0.0.1/v1")
    error = kind.__new__(kind)
    Exception.__init__(error, "words")
    status = getattr(kind, "status_code", 500)
    values = {
        "message": "words", "request": request, "body": None, "type": None, "code": None, "api_message": None,
        "response": httpx2.Response(status if isinstance(status, int) else 500, request=request),
        "status_code": status if isinstance(status, int) else 500,
    }  # fmt: skip
    for name, value in values.items():
        setattr(error, name, value)
    return error


def test_every_exception_of_the_sdks_becomes_a_sentence() -> None:
    import anthropic
    import httpx2
    import openai

    server = Server("main", "m-1", "http://127.0.0.1/v1", KEY, "TEST_KEY")
    for module, root, problem_of in (
        (openai, openai.OpenAIError, openai_engine.problem_of),
        (anthropic, anthropic.AnthropicError, anthropic_engine.problem_of),
    ):
        found = exceptions_of(module, root)
        assert len(found) > 10
        for kind in found:
            problem = problem_of(server, raised(kind, httpx2))
            assert isinstance(problem, ModelError), kind
            assert "main" in str(problem), kind
        for kind in exceptions_of_client(httpx2):
            assert isinstance(problem_of(server, raised(kind, httpx2)), Unreachable), kind
        assert problem_of(server, RuntimeError("a bug")) is None


async def test_a_lone_surrogate_goes_out_as_a_replacement_of_its_length(model: Engine, api: Api) -> None:
    request = ChatRequest((Message("user", 'x = "\ud800" # é'),), stop=("\udfff",), paths=("a\udce9.py",))
    assert await text(model.chat(request)) == "Hello, world"
    [sent] = api.requests
    assert 'x = "\ufffd" # é' in str(sent["body"]["messages"])
    hole = FillRequest('x = "\ud800', '\ude00"\n', context=(Excerpt("# \udc00", "\udc00"),))
    assert await text(model.fill(hole)) != ""


def test_a_key_that_no_header_can_hold_is_not_the_server_s_failure() -> None:
    server = Server("main", "m-1", "http://127.0.0.1/v1", KEY, "TEST_KEY")
    with pytest.raises(UnicodeEncodeError) as told:
        "naïve".encode("ascii")
    for problem_of in (openai_engine.problem_of, anthropic_engine.problem_of):
        problem = problem_of(server, told.value)
        assert isinstance(problem, Unsendable)
        assert "main" in str(problem)


def exceptions_of_client(httpx2: Any) -> set[type[Exception]]:
    roots = (httpx2.HTTPError, httpx2.StreamError)
    return {value for value in vars(httpx2).values() if isinstance(value, type) and issubclass(value, roots)}
