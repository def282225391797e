"""Semantic tokens in process: a client that applies deltas sees what a full answer would say."""

from __future__ import annotations

import pytest

from support.editor import editor

pytestmark = pytest.mark.usefixtures("nothing_blocks")

URI = "file:///nowhere/a.py"
NAMED = {"textDocument": {"uri": URI}}


async def test_a_delta_applied_to_the_last_answer_is_the_new_one() -> None:
    async with editor() as client:
        await client.initialize()
        client.open(URI, "def area(width):\n    return width\n")
        first = await client.request("textDocument/semanticTokens/full", NAMED)
        client.change(URI, 2, {"text": "def area(width):\n    size = 2\n    return width * size\n"})
        changed = await client.request(
            "textDocument/semanticTokens/full/delta", {**NAMED, "previousResultId": first["resultId"]}
        )
        data = list(first["data"])
        for edit in changed["edits"]:
            data[edit["start"] : edit["start"] + edit["deleteCount"]] = edit.get("data") or []
        whole = await client.request("textDocument/semanticTokens/full", NAMED)
        assert data == whole["data"] != first["data"]


async def test_an_answer_that_is_not_kept_any_more_is_given_whole() -> None:
    async with editor() as client:
        await client.initialize()
        client.open(URI, "x = 1\n")
        answer = await client.request(
            "textDocument/semanticTokens/full/delta", {**NAMED, "previousResultId": "?"}
        )
        assert answer["data"][:3] == [0, 0, 1]


async def test_a_range_gives_the_names_of_its_lines() -> None:
    async with editor() as client:
        await client.initialize()
        client.open(URI, "a = 1\nb = 2\nc = 3\n")
        second = {"start": {"line": 1, "character": 0}, "end": {"line": 1, "character": 5}}
        answer = await client.request("textDocument/semanticTokens/range", {**NAMED, "range": second})
        assert answer["data"][:3] == [1, 0, 1]
        assert len(answer["data"]) == 5


async def test_places_are_in_the_negotiated_encoding() -> None:
    async with editor() as client:
        await client.initialize()
        client.open(URI, 'x = "😀", y\ny = x\n')
        answer = await client.request("textDocument/semanticTokens/full", NAMED)
        assert answer["data"][5:8] == [0, 10, 1]
