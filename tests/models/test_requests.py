"""The text of requests."""

from __future__ import annotations

import pytest

from devflow.models.base import ChatRequest, EmbedRequest, Excerpt, FillRequest, Message, sendable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x", "x"),
        ("é \U0001f600", "é \U0001f600"),
        ("a\ud800b", "a\ufffdb"),
        ("\udc00\ud800", "\ufffd\ufffd"),
        ("\ud83d-\ude00", "\ufffd-\ufffd"),
    ],
)
def test_text_that_is_sent_is_utf_8_and_as_long_as_it_was(text: str, expected: str) -> None:
    assert sendable(text) == expected


def test_every_request_is_made_of_text_that_can_be_sent() -> None:
    lone = "\ud800"
    requests = (
        FillRequest(lone, lone, "python", lone, (Excerpt(lone, lone),), (lone,), 8, (lone,), repository=lone),
        ChatRequest((Message("user", lone),), stop=(lone,), paths=(lone,), question=lone),
        EmbedRequest((lone,), (lone,)),
    )
    for request in requests:
        assert "\\ud800" not in repr(request)
        assert "\ufffd" in repr(request)
