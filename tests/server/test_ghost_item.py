"""Editors that show no ghost text are offered the same as the second item of the completion list."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from devflow.models.fake import FakeModel
from devflow.models.feedback import Outcomes
from devflow.server.handlers import completion
from support.editor import CAPABILITIES, Editor, editor
from support.feedback import keeping, outcomes
from support.services import HeldModel, Scripted

pytestmark = pytest.mark.usefixtures("nothing_blocks")

URI = "file:///nowhere/a.py"
SOURCE = "def total(rows):\n    summed = 1\n    return \n"
WITHOUT: dict[str, Any] = copy.deepcopy(CAPABILITIES)
del WITHOUT["textDocument"]["inlineCompletion"]


async def completed(
    client: Editor, source: str, character: int, capabilities: dict[str, Any]
) -> list[dict[str, Any]]:
    await client.initialize(capabilities=capabilities)
    await client.wait_for("workspace/configuration")
    await client.until(lambda: client.server.session.models)
    client.open(URI, source)
    at = {"line": 2, "character": character}
    answer = await client.request("textDocument/completion", {"textDocument": {"uri": URI}, "position": at})
    return list(answer["items"])


def inserted(text: str) -> dict[str, Any]:
    at = {"line": 2, "character": 11}
    return {"range": {"start": at, "end": at}, "text": text}


async def test_the_ghost_text_is_the_second_item_and_replaces_what_is_typed_of_the_word() -> None:
    async with editor(Scripted(FakeModel("mmed + len(rows)")).services) as client:
        items = await completed(client, SOURCE.replace("return ", "return su"), 13, WITHOUT)
    ordered = sorted(items, key=lambda item: item["sortText"])
    assert ordered[0]["label"] != "summed + len(rows)"
    assert ordered[1]["label"] == ordered[1]["filterText"] == "summed + len(rows)"
    assert ordered[1]["textEdit"]["range"] == {
        "start": {"line": 2, "character": 11},
        "end": {"line": 2, "character": 13},
    }
    assert "preselect" not in ordered[1]


async def test_editors_with_ghost_text_get_no_such_item() -> None:
    async with editor(Scripted(FakeModel("summed + len(rows)")).services) as client:
        items = await completed(client, SOURCE, 11, CAPABILITIES)
    assert "summed + len(rows)" not in [item["label"] for item in items]


@pytest.mark.parametrize(
    "options", [{"inline": {"asItem": False}}, {"features": {"inlineCompletion": False}}]
)
async def test_who_does_not_want_it_gets_no_such_item(options: dict[str, Any]) -> None:
    async with editor(Scripted(FakeModel("summed + len(rows)")).services) as client:
        client.settings = options
        items = await completed(client, SOURCE, 11, WITHOUT)
    assert "summed + len(rows)" not in [item["label"] for item in items]


async def test_a_slow_model_keeps_no_list_waiting_and_is_there_for_who_asks_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(completion, "GHOST_SECONDS", 0.0)
    model = HeldModel("summed + len(rows)")
    async with editor(Scripted(model).services) as client:
        first = await completed(client, SOURCE, 11, WITHOUT)
        assert "summed + len(rows)" not in [item["label"] for item in first]
        again = {"textDocument": {"uri": URI}, "position": {"line": 2, "character": 11}}
        model.go.set()
        model_done = client.server.session.codebase().memory
        await client.until(lambda: all(task.done() for task in model_done._tasks.values()))
        items = (await client.request("textDocument/completion", again))["items"]
    assert "summed + len(rows)" in [item["label"] for item in items]


async def test_its_command_says_that_it_was_accepted(tmp_path: Path) -> None:
    async with editor(keeping(tmp_path, FakeModel("summed + len(rows)"))) as client:
        items = await completed(client, SOURCE, 11, WITHOUT)
        [item] = [each for each in items if each["label"] == "summed + len(rows)"]
        client.change(URI, 2, inserted("summed + len(rows)"))
        await client.request(
            "workspace/executeCommand",
            {"command": item["command"]["command"], "arguments": item["command"]["arguments"]},
        )
    assert await outcomes(tmp_path, "item") == Outcomes(shown=1, accepted=1, whole=1)


async def test_where_commands_are_not_run_the_whole_text_in_its_place_says_so(tmp_path: Path) -> None:
    async with editor(keeping(tmp_path, FakeModel("summed + len(rows)"))) as client:
        await completed(client, SOURCE, 11, WITHOUT)
        client.change(URI, 2, inserted("summed + len(rows)"))
        await client.settle()
    assert await outcomes(tmp_path, "item") == Outcomes(shown=1, accepted=1, whole=1)


@pytest.mark.parametrize("typed", ["other", "\n    "])
async def test_a_list_that_is_passed_over_rejects_nothing_and_may_offer_it_again(
    tmp_path: Path, typed: str
) -> None:
    async with editor(keeping(tmp_path, FakeModel("summed + len(rows)"))) as client:
        await completed(client, SOURCE, 11, WITHOUT)
        client.change(URI, 2, inserted(typed))
        asked = {"textDocument": {"uri": URI}, "position": {"line": 2, "character": 11}}
        await client.request("textDocument/completion", asked)
        client.change(URI, 3, {"text": SOURCE})
        again = (await client.request("textDocument/completion", asked))["items"]
    assert "summed + len(rows)" in [item["label"] for item in again]
    found = await outcomes(tmp_path)
    assert (found.accepted, found.rejected) == (0, 0)


async def test_another_item_that_begins_like_it_is_not_part_of_it(tmp_path: Path) -> None:
    async with editor(keeping(tmp_path, FakeModel("summed + len(rows)"))) as client:
        await completed(client, SOURCE, 11, WITHOUT)
        client.change(URI, 2, inserted("summed"))
        await client.settle()
    assert await outcomes(tmp_path, "item") == Outcomes(shown=1)
