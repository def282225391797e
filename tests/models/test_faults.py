"""Bad providers: many clients, faults of every kind, and bytes that no API sends."""

from __future__ import annotations

import asyncio

import pytest

from devflow.models.base import ChatRequest, FillRequest, Message
from devflow.models.engines.anthropic import AnthropicModel
from devflow.models.engines.openai import OpenAIModel
from devflow.models.engines.remote import Server
from devflow.models.errors import ModelError, Rejected, Unreachable
from devflow.models.outbound import Outbound
from devflow.models.router import Router
from devflow.models.routing import attempts
from support import faulty
from support.loopback_api import Answer, Api
from support.patience import HANGS

QUESTION = ChatRequest((Message("user", "Who?"),), max_tokens=50)


def both(api: Api, key: str = "k") -> list[OpenAIModel | AnthropicModel]:
    return [
        OpenAIModel(Server("main", "m", api.openai, key, "TEST_KEY"), Outbound()),
        AnthropicModel(Server("main", "m", api.anthropic, key, "TEST_KEY"), Outbound()),
    ]


async def text(model: OpenAIModel | AnthropicModel | Router, request: ChatRequest = QUESTION) -> str:
    return "".join([piece async for piece in model.chat(request)])


async def test_a_hundred_clients_each_get_their_answer_once_though_a_tenth_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A hundred clients in one process on a busy machine make gaps of their own.
    for name, gap in (("_SHORTEST_GAP", 5.0), ("_LONGEST_GAP", 10.0)):
        monkeypatch.setattr(attempts, name, gap)
    got = await faulty.run(
        clients=100, requests=160, share=0.12, wait=0.05, whole=lambda number: number % 4 != 0
    )
    assert got.faults > 9
    assert got.wrong == []
    assert got.failed == []
    assert len(got.seconds) == 160
    assert got.asked <= 160 + 3 * got.faults + 30, "a fault costs a request or two more, not a flood"


async def test_a_key_that_is_revoked_in_the_middle_is_told_and_the_others_answer(api: Api) -> None:
    api.plan(Answer())
    api.key = "good"
    for model in both(api, "good"):
        assert await text(model) == "Hello, world"
        api.key = "another"
        with pytest.raises(Rejected, match=r"refused the API key; put a valid one into TEST_KEY"):
            await text(model)
        api.key = "good"
        await model.close()


async def test_a_key_revoked_while_an_answer_is_streamed_lets_it_end(api: Api) -> None:
    api.key = "good"
    [model, other] = both(api, "good")
    pieces = model.chat(QUESTION)
    assert await anext(pieces) == "Hello"
    api.key = "another"
    assert [piece async for piece in pieces] == [", ", "world"]
    with pytest.raises(Rejected):
        await text(model)
    await model.close()
    await other.close()


@pytest.mark.parametrize("reason", ["length", "content_filter", "tool_calls", "eos", "wönder", "\u0000"])
async def test_an_unknown_reason_to_end_is_an_end(api: Api, reason: str) -> None:
    api.plan(Answer(reason=reason))
    [model, other] = both(api)
    assert await text(model) == "Hello, world"
    await model.close()
    await other.close()


async def test_a_stream_that_only_says_done_is_whole(api: Api) -> None:
    """As many compatible servers end theirs, without a reason."""
    api.plan(Answer(raw=HEAD + GOOD + GOOD + b"data: [DONE]\n\n"))
    [model, other] = both(api)
    assert await text(model) == "okok"
    await model.close()
    await other.close()


@pytest.mark.parametrize(
    "body", [b"<html>Log in</html>", b'{"choices": [{"message": {"content": "Hi"}}]}', b""]
)
async def test_what_is_no_stream_at_all_is_told_so(api: Api, body: bytes) -> None:
    api.plan(Answer(raw=HEAD + body))
    [model, other] = both(api)
    with pytest.raises(Unreachable, match="sent no stream of an answer; is it really an OpenAI API"):
        await text(model)
    await model.close()
    await other.close()


@pytest.mark.parametrize("reason", ["error", "abort"])
async def test_a_server_that_gives_its_answer_up_has_not_answered(api: Api, reason: str) -> None:
    api.plan(Answer(reason=reason))
    [model, other] = both(api)
    with pytest.raises(Unreachable, match="ended its answer in the middle"):
        await text(model)
    await model.close()
    await other.close()


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
GOOD = b'data: {"choices": [{"delta": {"content": "ok"}, "finish_reason": null}]}\n\n'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"data:\n\n",
        b"data: {\n\n",
        b"data: {}\ndata: {}\n\n",
        b"event: \xff\xfe\ndata: \xff\n\n",
        b"data: " + b"x" * 100_000,
        GOOD + b"data: {\xc3\n\n",
        GOOD + b"id: 1\nretry: soon\n: comment\n\nda",
        GOOD + b'data: {"choices": {"delta": 1}}\n\n',
        GOOD + b'data: {"choices": [{"delta": {"content": {"a": 1}}}]}\n\n',
        b'data: {"choices": [{"delta": {"content": "' + b"\xf0\x9f\x98" + b'"}}]}\n\n',
        b'data: {"usage": {"prompt_tokens": -1, "completion_tokens": "x"}}\n\n',
        b"\r\r\r\n\n\n\x00\x00",
    ],
    ids=range(13),
)
async def test_a_stream_that_is_no_stream_ends_in_one_sentence(api: Api, body: bytes) -> None:
    for model in both(api):
        api.plan(Answer(raw=HEAD + body))
        with pytest.raises(ModelError) as caught:
            await asyncio.wait_for(text(model), HANGS)
        assert isinstance(caught.value, Unreachable)
        assert "\n" not in str(caught.value)
        await model.close()


async def test_a_provider_that_asks_for_patience_by_a_date_is_understood(api: Api) -> None:
    from email.utils import formatdate
    from time import time

    for model in both(api):
        for header, least, most in (
            (formatdate(time() + 90, usegmt=True), 80, 91),
            (formatdate(time() - 90, usegmt=True), 0, 0),
            ("soon", None, None),
            ("-3", None, None),
            ("1e300", None, None),
            ("nan", None, None),
        ):
            api.plan(Answer(status=429, headers=(("retry-after", header),)))
            with pytest.raises(ModelError) as caught:
                await text(model)
            found = getattr(caught.value, "retry_after", None)
            assert (found is None) is (least is None)
            assert found is None or (least is not None and most is not None and least <= found <= most)
        await model.close()


async def test_a_model_that_cannot_fill_by_infill_is_asked_as_a_chat_model(api: Api) -> None:
    api.missing = ("/infill",)
    model = OpenAIModel(Server("main", "m", api.openai, fill="infill"), Outbound())
    pieces = [piece async for piece in model.fill(FillRequest("a = ", "\nb"))]
    assert pieces == ["Hello", ", ", "world"]
    assert [request["path"] for request in api.requests] == ["/infill", "/v1/chat/completions"]
    await model.close()
