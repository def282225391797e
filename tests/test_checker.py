"""The checker of the end-to-end tests must itself find what is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from support.checker import Checker

POSITION = {"line": 0, "character": 1}
RANGE = {"start": {"line": 0, "character": 0}, "end": POSITION}


def conversation(*replies: dict[str, Any], method: str = "textDocument/hover") -> list[str]:
    """The faults of a conversation in which the client asks `method` as request 2."""
    checker = Checker()
    checker.sent({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": {}}})
    checker.received({"jsonrpc": "2.0", "id": 1, "result": {"capabilities": {}}})
    checker.sent({"jsonrpc": "2.0", "id": 2, "method": method, "params": {}})
    for reply in replies:
        checker.received({"jsonrpc": "2.0", **reply})
    return checker.faults()


@pytest.mark.parametrize(
    ("method", "result"),
    [
        ("textDocument/hover", None),
        ("textDocument/hover", {"contents": {"kind": "markdown", "value": "x"}, "range": RANGE}),
        ("textDocument/completion", {"isIncomplete": False, "items": [{"label": "a", "kind": 5}]}),
        ("textDocument/completion", []),
        ("textDocument/inlineCompletion", {"items": [{"insertText": "a", "range": RANGE}]}),
        ("textDocument/definition", [{"uri": "file:///a", "range": RANGE}]),
        (
            "textDocument/definition",
            [{"targetUri": "file:///a", "targetRange": RANGE, "targetSelectionRange": RANGE}],
        ),
        ("textDocument/diagnostic", {"kind": "full", "items": []}),
        ("textDocument/rename", {"changes": {"file:///a": [{"range": RANGE, "newText": ""}]}}),
        ("workspace/executeCommand", {"anything": [1, None, {"a": "b"}]}),
        ("shutdown", None),
    ],
)
def test_a_valid_answer_is_no_fault(method: str, result: Any) -> None:
    assert conversation({"id": 2, "result": result}, method=method) == []


@pytest.mark.parametrize(
    ("method", "reply"),
    [
        ("textDocument/hover", {"id": 2, "result": {"contents": "x", "colour": "red"}}),
        ("textDocument/hover", {"id": 2, "result": {"contents": "x", "range": None}}),
        ("textDocument/hover", {"id": 2, "result": {"range": RANGE}}),
        ("textDocument/hover", {"id": 2, "result": None, "error": {"code": 1, "message": "x"}}),
        ("textDocument/hover", {"id": 2, "error": {"code": "1", "message": "x"}}),
        ("textDocument/hover", {"id": 2, "error": {"code": 1}}),
        ("textDocument/hover", {"id": 2, "error": {"code": 1, "message": "x", "why": ""}}),
        ("textDocument/hover", {"id": 3, "result": None}),
        ("textDocument/hover", {"id": None, "result": None}),
        ("textDocument/completion", {"id": 2, "result": {"items": []}}),
        ("textDocument/completion", {"id": 2, "result": {"isIncomplete": "no", "items": []}}),
        ("textDocument/completion", {"id": 2, "result": [{"label": 1}]}),
        ("textDocument/definition", {"id": 2, "result": [{"uri": "file:///a"}]}),
        (
            "textDocument/definition",
            {
                "id": 2,
                "result": [
                    {"uri": "file:///a", "range": {"start": POSITION, "end": {"line": 0, "character": 0}}}
                ],
            },
        ),
        (
            "textDocument/definition",
            {
                "id": 2,
                "result": [
                    {"uri": "file:///a", "range": {"start": {"line": "0", "character": 0}, "end": POSITION}}
                ],
            },
        ),
        (
            "textDocument/definition",
            {
                "id": 2,
                "result": [
                    {"uri": "file:///a", "range": {"start": {"line": -1, "character": 0}, "end": POSITION}}
                ],
            },
        ),
    ],
)
def test_an_invalid_answer_is_a_fault(method: str, reply: dict[str, Any]) -> None:
    assert conversation(reply, method=method)


def test_a_request_without_a_reply_is_a_fault() -> None:
    assert conversation() == ["request 2 (textDocument/hover) got 0 replies"]


def test_a_second_reply_is_a_fault() -> None:
    reply = {"id": 2, "result": None}
    assert conversation(reply, reply) == ["request 2 (textDocument/hover) got 2 replies"]


@pytest.mark.parametrize(
    "message",
    [
        {"method": "window/showMessage", "params": {"type": 9, "message": "x"}},
        {"method": "window/showMessage", "params": {"message": "x"}},
        {"method": "window/showToast", "params": {}},
        {"method": "$/progress", "params": {"token": "t", "value": {"kind": "end"}}},
        {"id": "s", "method": "workspace/applyEdit", "params": {"edit": {}}},
        {"id": "s", "method": "window/workDoneProgress/create", "params": {"token": "t"}},
        {
            "id": "s",
            "method": "client/registerCapability",
            "params": {"registrations": [{"id": "1", "method": "workspace/didChangeWatchedFiles"}]},
        },
        {"params": {}},
    ],
)
def test_what_the_server_may_not_send_is_a_fault(message: dict[str, Any]) -> None:
    assert conversation({"id": 2, "result": None}, message)


def test_only_messages_to_the_user_may_come_before_initialize_is_answered() -> None:
    checker = Checker()
    checker.received({"jsonrpc": "2.0", "method": "window/logMessage", "params": {"type": 3, "message": "x"}})
    assert checker.faults() == []
    checker.received(
        {
            "jsonrpc": "2.0",
            "method": "textDocument/publishDiagnostics",
            "params": {"uri": "file:///a", "diagnostics": []},
        }
    )
    assert checker.faults()
