"""The real SDKs against a server on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from devflow.models.base import ChatRequest, Excerpt, FillRequest, Health, Message, Meter
from devflow.models.errors import (
    KeyRefused,
    ModelError,
    NotConfigured,
    RateLimited,
    Rejected,
    Unreachable,
)
from devflow.models.outbound import Outbound
from support.loopback_api import Answer, Api
from support.patience import HANGS, quickest
from support.remote_models import KEY, QUESTION, Engine, Kind, made, text

TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"


@pytest.fixture
async def model(kind: Kind, api: Api) -> AsyncIterator[Engine]:
    model = made(kind, api)
    yield model
    await model.close()


async def listen(model: Engine, heard: asyncio.Event) -> None:
    async for _ in model.chat(QUESTION):
        heard.set()


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


async def test_a_hole_is_filled_with_what_follows_the_thoughts_up_to_its_stop(api: Api) -> None:
    api.plan(Answer(pieces=("<think>\n", "One?\n", "</think>", "\n", "\n", "x + 1", "\ny = 2")))
    model = made("openai", api, thinking="30", fill="chat")
    assert await text(model.fill(FillRequest("a = ", "\n", max_tokens=9, stop=("\n",)))) == "x + 1"
    [sent] = api.requests
    assert "stop" not in sent["body"], "the server would stop in the thoughts"
    await model.close()


async def test_an_answer_that_is_held_back_is_told(kind: Kind, api: Api) -> None:
    api.plan(Answer(pieces=(), reason="content_filter"))
    model = made(kind, api)
    with pytest.raises(Rejected, match=r"held its answer back|declined to answer"):
        await text(model.chat(QUESTION))
    await model.close()


async def test_a_lone_surrogate_goes_out_as_a_replacement_of_its_length(model: Engine, api: Api) -> None:
    request = ChatRequest((Message("user", 'x = "\ud800" # é'),), stop=("\udfff",), paths=("a\udce9.py",))
    assert await text(model.chat(request)) == "Hello, world"
    [sent] = api.requests
    assert 'x = "\ufffd" # é' in str(sent["body"]["messages"])
    hole = FillRequest('x = "\ud800', '\ude00"\n', context=(Excerpt("# \udc00", "\udc00"),))
    assert await text(model.fill(hole)) != ""
