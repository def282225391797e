"""Exactly one reply to every request id, whatever is sent."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from support.editor import Editor, ErrorAnswer, editor
from support.patience import HANGS

URI = "file:///nowhere/a.py"


async def code_of(client: Editor, method: str, params: Any = None) -> int:
    with pytest.raises(ErrorAnswer) as error:
        await client.request(method, params)
    return error.value.code


async def test_the_handshake() -> None:
    async with editor() as client:
        result = await client.initialize()
        assert result["serverInfo"]["name"] == "DevFlow"
        assert await client.leave() == 0


async def test_requests_before_initialize_are_refused() -> None:
    async with editor() as client:
        assert await code_of(client, "textDocument/documentSymbol", {"textDocument": {"uri": URI}}) == -32002


async def test_a_second_initialize_is_refused() -> None:
    async with editor() as client:
        await client.initialize()
        assert await code_of(client, "initialize", {"capabilities": {}, "processId": None}) == -32600


async def test_an_unknown_method_is_refused() -> None:
    async with editor() as client:
        await client.initialize()
        assert await code_of(client, "textDocument/nope", {}) == -32601


@pytest.mark.parametrize(
    "params", [None, {}, {"textDocument": {}}, {"textDocument": 5}, [], "x", {"textDocument": None}]
)
async def test_parameters_that_do_not_fit_are_refused(params: Any) -> None:
    async with editor() as client:
        await client.initialize()
        assert await code_of(client, "textDocument/documentSymbol", params) == -32602


async def test_the_field_that_does_not_fit_is_named_and_what_is_in_it_is_not() -> None:
    async with editor() as client:
        await client.initialize()
        place = {"textDocument": {"uri": URI}, "position": {"line": "secret", "character": 0}}
        with pytest.raises(ErrorAnswer) as error:
            await client.request("textDocument/hover", place)
        assert "position.line (invalid value" in str(error.value)
        assert "secret" not in str(error.value)
        with pytest.raises(ErrorAnswer) as error:
            await client.request("textDocument/hover", {"position": {"line": 0, "character": 0}})
        assert "textDocument (required field missing)" in str(error.value)


async def test_requests_after_shutdown_are_refused() -> None:
    async with editor() as client:
        await client.initialize()
        await client.request("shutdown")
        assert await code_of(client, "textDocument/documentSymbol", {"textDocument": {"uri": URI}}) == -32600
        assert await code_of(client, "shutdown") == -32600


async def test_a_failed_initialize_may_be_tried_again() -> None:
    async with editor() as client:
        assert await code_of(client, "initialize", {}) == -32602
        await client.initialize()


@pytest.mark.parametrize(
    "message",
    [
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b"null",
        b"[]",
        b'"text"',
        b'{"jsonrpc": "1.0"}',
        b'{"jsonrpc": "2.0", "method": 5}',
    ],
)
async def test_what_is_no_message_gets_an_error_and_the_next_one_is_answered(message: bytes) -> None:
    async with editor() as client:
        await client.initialize()
        client.send(message)
        await client.request("shutdown")


@pytest.mark.parametrize("msg_id", ["text", 0, -5, 2**40])
async def test_every_kind_of_id_is_answered(msg_id: Any) -> None:
    async with editor() as client:
        await client.initialize()
        with pytest.raises(ErrorAnswer):
            await asyncio.wait_for(client.ask("devflow/none", msg_id=msg_id), HANGS)


async def test_a_cancel_of_an_unknown_request_is_ignored() -> None:
    async with editor() as client:
        await client.initialize()
        client.notify("$/cancelRequest", {"id": 99})
        client.notify("$/cancelRequest", {})
        client.notify("$/cancelRequest", {"id": [1]})
        client.notify("$/cancelRequest", {"id": {"a": 1}})
        client.notify("$/somethingOptional", {})
        await client.settle()


async def test_an_answer_nobody_asked_for_is_ignored() -> None:
    async with editor() as client:
        await client.initialize()
        client.send({"jsonrpc": "2.0", "id": "unknown", "result": {}})
        client.send({"jsonrpc": "2.0", "id": "unknown", "error": {"code": 1, "message": "x"}})
        await client.settle()


async def test_a_nested_object_that_looks_like_a_message_is_data() -> None:
    async with editor() as client:
        params = {"jsonrpc": "2.0", "id": 1, "method": "exit"}
        await client.initialize(initializationOptions={"devflow": params})
        await client.settle()
        assert client.server.exit_code is None


async def test_the_end_of_input_ends_the_server() -> None:
    async with editor() as client:
        await client.initialize()
        assert await client.hang_up() == 1


async def test_exit_without_shutdown_is_a_failure() -> None:
    async with editor() as client:
        await client.initialize()
        client.notify("exit")
        assert await client.ended() == 1


async def test_exit_after_shutdown_is_none() -> None:
    async with editor() as client:
        assert await client.leave() == 0


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["utf-8", "utf-16"], "utf-8"),
        (["utf-32", "utf-8", "utf-16"], "utf-32"),
        (["utf-7", "utf-16"], "utf-16"),
        (None, "utf-16"),
    ],
)
async def test_the_clients_first_known_encoding_is_taken(offered: list[str] | None, chosen: str) -> None:
    async with editor() as client:
        general = {"positionEncodings": offered} if offered else {}
        result = await client.initialize(capabilities={"general": general})
        assert result["capabilities"]["positionEncoding"] == chosen
