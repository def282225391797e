"""Completion as clients of different abilities get it."""

from __future__ import annotations

from typing import Any

import pytest
from lsprotocol import types
from lsprotocol.converters import get_converter

from support.editor import editor

pytestmark = pytest.mark.usefixtures("nothing_blocks")

URI = "file:///nowhere/a.py"
SOURCE = 'def area(width, height):\n    """The area."""\n    return width * height\n\n\nprint(area(2, 3))\n'


def at(line: int, character: int, uri: str = URI) -> dict[str, Any]:
    return {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}


async def test_completion_shares_the_range_with_clients_that_know_how() -> None:
    async with editor() as client:
        await client.initialize()
        client.open(URI, SOURCE + "ar")
        listed = await client.request("textDocument/completion", at(6, 2))
        assert listed["itemDefaults"]["editRange"]["start"] == {"line": 6, "character": 0}
        first = listed["items"][0]
        assert (first["label"], first["sortText"]) == ("area", "0000")
        assert "textEdit" not in first


async def test_completion_gives_each_item_its_edit_where_the_client_needs_it() -> None:
    async with editor() as client:
        await client.initialize(capabilities={})
        client.open(URI, SOURCE + "ar")
        listed = await client.request("textDocument/completion", at(6, 2))
        [area] = [item for item in listed["items"] if item["label"] == "area"]
        assert area["textEdit"]["newText"] == "area"
        assert area["data"] == {"uri": URI, "line": 6, "character": 2}
        assert (await client.request("completionItem/resolve", area))["label"] == "area"


def completing(**item: Any) -> dict[str, Any]:
    """The capabilities of a client that takes all of this in completion items."""
    return {"textDocument": {"completion": {"completionItem": item}}}


async def completed(source: str, line: int, character: int, uri: str = URI, **item: Any) -> dict[str, Any]:
    """The items at a place by label, as a client with these abilities gets them."""
    async with editor() as client:
        await client.initialize(capabilities=completing(**item))
        client.open(uri, source)
        listed = await client.request("textDocument/completion", at(line, character, uri))
        return {each["label"]: each for each in listed["items"]}


async def test_a_completed_function_gets_its_parentheses_with_the_cursor_inside() -> None:
    area = (await completed(SOURCE + "ar", 6, 2, snippetSupport=True))["area"]
    assert (area["textEdit"]["newText"], area["insertTextFormat"]) == ("area($0)", 2)


async def test_a_function_without_parameters_leaves_the_cursor_behind_its_parentheses() -> None:
    run = (await completed("def run(): ...\nru", 1, 2, snippetSupport=True))["run"]
    assert run["textEdit"]["newText"] == "run()"


async def test_a_client_without_snippets_gets_the_plain_name() -> None:
    area = (await completed(SOURCE + "ar", 6, 2))["area"]
    assert area["textEdit"]["newText"] == "area"
    assert "insertTextFormat" not in area


async def test_parentheses_can_be_switched_off() -> None:
    async with editor() as client:
        off = {"completion": {"parentheses": False}}
        await client.initialize(capabilities=completing(snippetSupport=True), initializationOptions=off)
        client.open(URI, SOURCE + "ar")
        listed = await client.request("textDocument/completion", at(6, 2))
        [area] = [item for item in listed["items"] if item["label"] == "area"]
        assert area["textEdit"]["newText"] == "area"


async def test_parameters_stand_beside_the_label_where_the_client_shows_them() -> None:
    area = (await completed(SOURCE + "ar", 6, 2, labelDetailsSupport=True))["area"]
    assert area["labelDetails"] == {"detail": "(width, height)"}


async def test_a_completion_list_is_as_the_specification_says() -> None:
    async with editor() as client:
        await client.initialize()
        client.open(URI, SOURCE + "ar")
        listed = await client.request("textDocument/completion", at(6, 2))
    converter = get_converter()
    assert converter.unstructure(converter.structure(listed, types.CompletionList)) == listed
