"""What only OpenAI's API and those like it have: ways to send a hole, and shapes of events."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from devflow.models.base import ChatRequest, Excerpt, FillRequest, Health, Message, Meter
from devflow.models.engines.anthropic import AnthropicModel
from devflow.models.engines.openai import OpenAIModel, client_of
from devflow.models.engines.remote import Server
from devflow.models.errors import KeyRefused, ModelError, RateLimited, Rejected, Unreachable
from devflow.models.outbound import Outbound
from support.loopback_api import Answer, Api

KEY = "sk-test-" + "0123456789abcdefghijklmnop"
QUESTION = ChatRequest((Message("system", "Be brief."), Message("user", "Who?")), max_tokens=50)


def made(api: Api, model: str = "m-1", **options: Any) -> OpenAIModel:
    return OpenAIModel(Server("main", model, api.openai, KEY, **options), Outbound())


async def text(pieces: AsyncIterator[str]) -> str:
    return "".join([piece async for piece in pieces])


async def test_a_hole_goes_out_in_the_family_s_marks(api: Api) -> None:
    model = made(api, model="qwen2.5-coder")
    assert await text(model.fill(FillRequest("a = ", "\nb", max_tokens=9, stop=("\n",)))) == "Hello, world"
    [sent] = api.requests
    assert sent["path"] == "/v1/completions"
    assert sent["body"]["prompt"] == "<|fim_prefix|>a = <|fim_suffix|>\nb<|fim_middle|>"
    assert sent["body"]["stop"][0] == "\n"
    assert len(sent["body"]["stop"]) <= 4
    await model.close()


@pytest.mark.parametrize(("way", "path"), [("suffix", "/v1/completions"), ("mistral", "/v1/fim/completions")])
async def test_a_hole_goes_out_as_prompt_and_suffix(api: Api, way: str, path: str) -> None:
    model = made(api, fill=way)
    assert await text(model.fill(FillRequest("a = ", "\nb", context=(Excerpt("# c"),)))) == "Hello, world"
    [sent] = api.requests
    assert sent["path"] == path
    assert sent["body"]["prompt"] == "# c\na = "
    assert sent["body"]["suffix"] == "\nb"
    await model.close()


async def test_a_server_without_completions_is_asked_instead(api: Api) -> None:
    api.missing = ("/v1/completions",)
    model = made(api, model="qwen2.5-coder")
    for _ in range(2):
        assert await text(model.fill(FillRequest("a = ", "\nb"))) == "Hello, world"
    paths = [request["path"] for request in api.requests]
    assert paths == ["/v1/completions", "/v1/chat/completions", "/v1/chat/completions"]
    await model.close()


@pytest.mark.parametrize("way", ["fim", "suffix", "infill", "chat"])
async def test_control_tokens_in_the_user_s_code_reach_no_server_and_come_back_whole(
    api: Api, way: str
) -> None:
    model = made(api, model="codellama-7b", fill=way)
    code = "bos, eos = '<s>', '</s>'\nturn = '[INST]'\n"
    api.plan(Answer(pieces=("eos = '< /", "s>'")))
    assert await text(model.fill(FillRequest(code, code))) == "eos = '</s>'"
    api.plan(Answer(pieces=("turn = '[ IN", "ST]'")))
    assert await text(model.chat(ChatRequest((Message("user", code),)))) == "turn = '[INST]'"
    for request in api.requests:
        sent = json.dumps({**request["body"], "stop": []})
        assert not [token for token in ("<s>", "</s>", "[INST]") if token in sent]
    await model.close()


async def test_a_reasoning_model_gets_no_temperature(api: Api) -> None:
    model = made(api, model="o3-mini")
    await text(model.chat(QUESTION))
    assert not {"temperature", "stop"} & set(api.requests[0]["body"])
    await model.close()


def raw(events: str) -> Answer:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
    return Answer(raw=head + events.encode())


@pytest.mark.parametrize("data", ["[1, 2]", '{"choices": [7]}', '"text"', "null", '{"choices": 1}'])
async def test_events_of_another_shape_are_one_sentence(api: Api, data: str) -> None:
    api.plan(raw(f"data: {data}\n\n"))
    model = made(api)
    with pytest.raises(Unreachable):
        await text(model.chat(QUESTION))
    await model.close()


async def test_events_without_data_are_no_events(api: Api) -> None:
    piece = 'data: {"choices": [{"delta": {"content": "ok"}}]}\n\n'
    api.plan(raw(f"retry: 5\n\nid: 3\n{piece}: keep-alive\n\nevent: ping\ndata:\n\n{piece}data: [DONE]\n\n"))
    model = made(api)
    assert await text(model.chat(QUESTION)) == "okok"
    await model.close()


@pytest.mark.parametrize(
    ("error", "kind", "sentence"),
    [
        ({"type": "invalid_request_error", "code": "invalid_api_key"}, KeyRefused, "wants an API key"),
        ({"code": 401}, KeyRefused, "wants an API key"),
        ({"code": "401"}, KeyRefused, "wants an API key"),
        ({"type": "invalid_request_error", "code": None}, Rejected, r"status 400\): It said why"),
        ({"type": "requests", "code": "rate_limit_exceeded"}, RateLimited, "asks to slow down"),
        ({"type": "insufficient_quota", "code": "insufficient_quota"}, Rejected, "asks for payment"),
        ({"code": 502}, Unreachable, r"status 502\): It said why"),
        ({"code": 200, "type": "new"}, Unreachable, r"status 500\): It said why"),
        ("It said why", Unreachable, r"status 500\): It said why"),
    ],
)
async def test_an_error_in_the_middle_of_a_stream_is_known_by_its_code(
    api: Api, error: object, kind: type[ModelError], sentence: str
) -> None:
    if isinstance(error, dict):
        error = {"message": "It said why", **error}
    api.plan(raw(f"data: {json.dumps({'error': error})}\n\n"))
    model = made(api)
    with pytest.raises(kind, match=sentence) as caught:
        await text(model.chat(QUESTION))
    assert type(caught.value) is kind
    await model.close()


async def test_a_hole_goes_to_llama_cpp_in_parts_with_what_was_read_kept(api: Api) -> None:
    model = made(api, model="qwen2.5-coder", fill="infill", slot="1")
    context = (Excerpt("one = 1", "b.py"), Excerpt("<|fim_middle|>two", "c.py"), Excerpt("# - three"))
    request = FillRequest("a<|fim_suffix|> = ", "\nb", context=context, max_tokens=9, stop=("\n",))
    meter = Meter()
    assert await text(model._fill(request, meter)) == "Hello, world"
    [sent] = api.requests
    assert sent["path"] == "/infill"
    body = sent["body"]
    assert body["input_prefix"] == "# - three\na< |fim_suffix|> = ", "marks in the source are no marks"
    assert body["input_suffix"] == "\nb"
    assert body["input_extra"] == [
        {"filename": "b.py", "text": "one = 1\n"},
        {"filename": "c.py", "text": "< |fim_middle|>two\n"},
    ]
    assert (body["n_predict"], body["cache_prompt"], body["id_slot"]) == (9, True, 1)
    assert (meter.read, meter.cached, meter.written) == (11, 7, 3)
    await model.close()


async def test_reading_ahead_asks_for_no_token_and_only_llama_cpp_is_asked(api: Api) -> None:
    model, other = made(api, fill="infill"), made(api, model="qwen2.5-coder")
    assert isinstance(model, OpenAIModel)
    assert isinstance(other, OpenAIModel)
    request = FillRequest("x = compute(y)\n" * 2_000, "b")
    await model.prime(request)
    await other.prime(request)
    [sent] = api.requests
    assert sent["body"]["n_predict"] == 0
    await text(model.fill(request))
    ahead, asked = (each["body"] for each in api.requests)
    assert {**ahead, "n_predict": 64} == asked, "what is too long is cut in the same place"
    await model.close()
    await other.close()


async def test_azure_s_older_addresses_get_their_version_and_header(api: Api) -> None:
    model = made(api, api_version="2024-10-21")
    assert await text(model.chat(QUESTION)) == "Hello, world"
    [sent] = api.requests
    assert sent["path"] == "/v1/chat/completions?api-version=2024-10-21"
    assert sent["headers"]["api-key"] == KEY
    assert "authorization" not in sent["headers"], "Azure would take it for a token"
    await model.close()


@pytest.mark.parametrize(
    ("base_url", "said"),
    [
        (
            "https://n.openai.azure.com/openai/deployments/d/chat/completions?api-version=1",
            "end it before /chat",
        ),
        ("https://n.openai.azure.com/openai/deployments/d", "give options = { api_version"),
        ("https://n.openai.azure.com/openai/deployments/d?api-version=1", "give options = { api_version"),
        ("https://openrouter.ai/api/v1/chat/completions", "end it before /chat/completions."),
        ("https://gateway.example.com/v1?team=a", "must end before any '?'; see"),
    ],
)
def test_the_address_of_one_call_is_told_from_where_calls_begin(base_url: str, said: str) -> None:
    server = Server("cloud", "gpt-x", base_url, KEY)
    status = OpenAIModel(server, Outbound(False)).status()
    assert status.health is Health.UNAVAILABLE
    assert said in status.detail


def test_an_anthropic_address_ends_before_what_the_sdk_adds() -> None:
    status = AnthropicModel(
        Server("c", "claude-x", "https://api.anthropic.com/v1", KEY), Outbound(False)
    ).status()
    assert status.detail == "The base_url of c must end before /v1, which Anthropic's SDK adds."


@pytest.mark.parametrize(
    ("base_url", "model", "version", "field"),
    [
        ("https://api.openai.com/v1", "gpt-4.1", "", "max_completion_tokens"),
        ("https://n.openai.azure.com/openai/v1", "ours", "", "max_completion_tokens"),
        ("https://n.openai.azure.com/openai/deployments/ours", "ours", "2024-02-01", "max_tokens"),
        ("https://openrouter.ai/api/v1", "openai/gpt-5-mini", "", "max_completion_tokens"),
        ("https://openrouter.ai/api/v1", "qwen/qwen3-coder", "", "max_tokens"),
    ],
)
async def test_the_length_of_an_answer_is_asked_for_in_the_word_that_is_known_there(
    base_url: str, model: str, version: str, field: str, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server("cloud", model, base_url, KEY, api_version=version)
    engine = OpenAIModel(server, Outbound(False))
    here = replace(server, base_url=api.openai)
    monkeypatch.setattr(engine, "_open", lambda: client_of(here))
    assert await text(engine.chat(QUESTION)) == "Hello, world"
    body = api.requests[-1]["body"]
    assert {"max_tokens", "max_completion_tokens"} & set(body) == {field}
    assert ("temperature" in body) == ("gpt-5" not in model)
    await engine.close()
