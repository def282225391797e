"""What became of suggestions is told by the item's command, by Copilot's notifications and by edits."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from devflow.models.base import FillRequest
from devflow.models.fake import FakeModel
from devflow.models.feedback import Feedback, Outcomes
from devflow.models.router import Router, Routing
from devflow.models.routing.rules import Assigned
from devflow.server import suggestions
from devflow.server.assist.inline.ghost import mood_of
from devflow.server.services import Services
from support.editor import Editor, ErrorAnswer, editor
from support.feedback import keeping, outcomes
from support.patience import HANGS
from support.services import Scripted

pytestmark = pytest.mark.usefixtures("nothing_blocks")

URI = "file:///nowhere/a.py"
SOURCE = "def total(rows):\n    return \n"
GHOST = "sum(row.price for row in rows)"
CURSOR = {"line": 1, "character": 11}


def services(folder: Path, *pieces: str) -> Services:
    return keeping(folder, FakeModel(*pieces or (GHOST,)))


async def shown(
    client: Editor, uri: str = URI, settings: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, Any]:
    """The ghost text of a document that is opened for it."""
    await client.initialize(initializationOptions=dict(settings))
    await client.wait_for("workspace/configuration")
    await client.until(lambda: client.server.session.models)
    client.open(uri, SOURCE)
    [item] = await items(client, uri)
    assert item["insertText"] == GHOST
    return dict(item)


async def items(client: Editor, uri: str = URI) -> list[dict[str, Any]]:
    asked = {"textDocument": {"uri": uri}, "position": CURSOR, "context": {"triggerKind": 2}}
    answer = await client.request("textDocument/inlineCompletion", asked)
    return list(answer["items"])


def insert(text: str, character: int = 11, line: int = 1) -> dict[str, Any]:
    at = {"line": line, "character": character}
    return {"range": {"start": at, "end": at}, "text": text}


async def run_command(client: Editor, item: dict[str, Any]) -> None:
    command = item["command"]
    await client.request(
        "workspace/executeCommand", {"command": command["command"], "arguments": command["arguments"]}
    )


async def test_accepting_by_the_items_command_counts_once_with_the_edit_that_came_before(
    tmp_path: Path,
) -> None:
    async with editor(services(tmp_path)) as client:
        item = await shown(client)
        client.change(URI, 2, insert(GHOST))
        await run_command(client, item)
        await run_command(client, item)
    assert await outcomes(tmp_path) == Outcomes(shown=1, accepted=1, whole=1)


async def test_a_suggestion_of_the_model_that_an_experiment_gave_the_file_is_kept_with_its_name(
    tmp_path: Path,
) -> None:
    one, two = (FakeModel(GHOST, name=name) for name in ("one", "two"))
    files = {f"{number}.py": ("one", "two", "")[number % 3] for number in range(6)}
    routing = Routing(assigned=lambda task, language, unit: Assigned("e" if files[unit] else "", files[unit]))
    router = Router([one, two], [], routing=routing)
    kept = replace(keeping(tmp_path, one), models=lambda _, tell: router)
    async with editor(kept) as client:
        await client.initialize()
        await client.wait_for("workspace/configuration")
        await client.until(lambda: client.server.session.models)
        for name in files:
            client.open(f"file:///nowhere/{name}", SOURCE)
            assert await items(client, f"file:///nowhere/{name}")

    def read() -> dict[str, int]:
        store = Feedback(tmp_path / "feedback.sqlite3")
        found = {model: each.shown for (model, _), each in store.by_model(experiment="e").items()}
        found["all"] = store.outcomes().shown
        store.close()
        return found

    assert await asyncio.to_thread(read) == {"one": 2, "two": 2, "all": 6}


async def test_the_command_alone_says_that_all_was_accepted(tmp_path: Path) -> None:
    async with editor(services(tmp_path)) as client:
        await run_command(client, await shown(client))
    assert await outcomes(tmp_path) == Outcomes(shown=1, accepted=1, whole=1)


async def test_a_word_is_taken_by_an_edit_alone(tmp_path: Path) -> None:
    async with editor(services(tmp_path)) as client:
        await shown(client)
        client.change(URI, 2, insert("sum(row"))
        await client.settle()
    assert await outcomes(tmp_path) == Outcomes(shown=1, accepted=1)


async def test_something_else_typed_in_its_place_rejects_it(tmp_path: Path) -> None:
    async with editor(services(tmp_path)) as client:
        await shown(client)
        client.change(URI, 2, insert("x"))
        await client.settle()
    assert await outcomes(tmp_path) == Outcomes(shown=1, rejected=1)


async def test_gone_with_its_line_it_is_not_rejected_and_may_come_again(tmp_path: Path) -> None:
    async with editor(services(tmp_path)) as client:
        item = await shown(client)
        line = {"start": {"line": 1, "character": 0}, "end": {"line": 1, "character": 11}}
        client.change(URI, 2, {"range": line, "text": ""})
        client.change(URI, 3, insert("    return ", 0))
        [again] = await items(client)
        assert again["insertText"] == item["insertText"]
    assert await outcomes(tmp_path) == Outcomes(shown=2)


async def test_typing_as_suggested_decides_nothing(tmp_path: Path) -> None:
    async with editor(services(tmp_path)) as client:
        await shown(client)
        for number, key in enumerate("sum"):
            client.change(URI, 2 + number, insert(key, 11 + number))
        await client.settle()
    assert await outcomes(tmp_path) == Outcomes(shown=1)


async def test_a_client_that_says_what_it_shows_is_believed(tmp_path: Path) -> None:
    async with editor(services(tmp_path)) as client:
        item = await shown(client)
        client.notify("textDocument/didShowCompletion", {"item": item})
        client.open("file:///nowhere/b.py", SOURCE)
        asked = {"position": CURSOR, "context": {"triggerKind": 1}}
        other = {**asked, "textDocument": {"uri": "file:///nowhere/b.py"}}
        await client.request("textDocument/inlineCompletion", other)  # never shown
    assert (await outcomes(tmp_path)).shown == 1


async def test_a_part_is_told_in_utf_16_units_from_the_start(tmp_path: Path) -> None:
    async with editor(services(tmp_path)) as client:
        item = await shown(client)
        for length in (3, 7, 7):
            client.notify(
                "textDocument/didPartiallyAcceptCompletion", {"item": item, "acceptedLength": length}
            )
        await client.settle()
    assert await outcomes(tmp_path) == Outcomes(shown=1, accepted=1)


async def test_what_was_accepted_is_looked_at_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with editor(services(tmp_path)) as client:
        await shown(client)
        store = client.server.session.suggestions.feedback
        client.change(URI, 2, insert(GHOST))
        client.change(URI, 3, insert("x", 11 + len("sum(row")))
        await client.settle()
        loop = asyncio.get_running_loop()
        clock = loop.time
        monkeypatch.setattr(loop, "time", lambda: clock() + suggestions.LOOKED_AT_AFTER)
        await client.until(lambda: store._waiting and store._waiting[-1].action == "edited")
    found = await outcomes(tmp_path)
    assert (found.looked_at, found.kept_after_30s, found.distance) == (1, 0, 1)


@pytest.mark.parametrize(
    "params", [None, [], {"item": 1}, {"item": {"command": {"arguments": [3]}}, "acceptedLength": True}]
)
async def test_notifications_that_cannot_be_read_are_passed_over(tmp_path: Path, params: Any) -> None:
    async with editor(services(tmp_path)) as client:
        await shown(client)
        for method in ("didShowCompletion", "didPartiallyAcceptCompletion", "didShowInlineEdit"):
            client.notify(f"textDocument/{method}", params)
        client.notify("textDocument/reportCachedInlineEdit", params)
        await client.settle()
    assert (await outcomes(tmp_path)).accepted == 0


async def test_a_user_who_wants_no_record_gets_none(tmp_path: Path) -> None:
    async with editor(services(tmp_path)) as client:
        client.settings = {"feedback": {"record": False}}
        item = await shown(client)
        await run_command(client, item)
    assert not (tmp_path / "feedback.sqlite3").exists()


async def test_accepting_needs_an_id(tmp_path: Path) -> None:
    async with editor(services(tmp_path)) as client:
        await client.initialize()
        with pytest.raises(ErrorAnswer):
            await client.request("workspace/executeCommand", {"command": "devflow.accepted"})
        await client.request("workspace/executeCommand", {"command": "devflow.accepted", "arguments": ["?"]})


async def test_where_the_cursor_rests_a_local_model_reads_what_it_will_be_asked() -> None:
    model = FakeModel(GHOST, reads_ahead=True)
    async with editor(Scripted(model).services) as client:
        await client.initialize()
        await client.wait_for("workspace/configuration")
        await client.until(lambda: client.server.session.models)
        client.open(URI, SOURCE)
        await client.request(
            "textDocument/documentHighlight", {"textDocument": {"uri": URI}, "position": CURSOR}
        )
        await asyncio.wait_for(model.begun.wait(), HANGS)
        [request] = model.requests
        assert isinstance(request, FillRequest)
        assert request.ahead
        assert request.prefix == SOURCE[:-1]


async def test_behind_an_accepted_suggestion_a_local_model_reads_on() -> None:
    model = FakeModel(GHOST, reads_ahead=True)
    async with editor(Scripted(model).services) as client:
        item = await shown(client, settings={"inline": {"speculate": False}})
        after = SOURCE[:-1] + GHOST + "\n"
        client.change(URI, 2, {"text": after})
        await client.request(
            "workspace/executeCommand",
            {"command": "devflow.accepted", "arguments": item["command"]["arguments"]},
        )
        await client.until(lambda: len(model.requests) == 2)
        request = model.requests[1]
        assert isinstance(request, FillRequest)
        assert (request.ahead, request.prefix) == (True, after[:-1])


async def test_what_was_rejected_in_an_earlier_session_is_not_offered_there_again(tmp_path: Path) -> None:
    other = "file:///nowhere/b.py"
    async with editor(services(tmp_path)) as client:
        item = await shown(client)
        arguments = item["command"]["arguments"]
        await client.request(
            "workspace/executeCommand", {"command": "devflow.rejected", "arguments": arguments}
        )
    async with editor(services(tmp_path)) as client:
        await shown(client, other)  # elsewhere it may be what is wanted
        await client.until(lambda: mood_of(client.server.session.codebase().memory).refused)
        client.open(URI, SOURCE)
        assert await items(client) == []
        told = await client.request("workspace/executeCommand", {"command": "devflow.why"})
        assert told["silence"]["reason"] == "rejected"
        client.change(URI, 2, insert(GHOST[:3]))
        at = {"line": 1, "character": CURSOR["character"] + 3}
        asked = {"textDocument": {"uri": URI}, "position": at, "context": {"triggerKind": 2}}
        assert (await client.request("textDocument/inlineCompletion", asked))["items"] == []


async def test_what_was_rejected_long_ago_is_offered_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with editor(services(tmp_path)) as client:
        item = await shown(client)
        arguments = item["command"]["arguments"]
        await client.request(
            "workspace/executeCommand", {"command": "devflow.rejected", "arguments": arguments}
        )
    monkeypatch.setattr("devflow.server.learning.REFUSED_FOR", -1.0)
    async with editor(services(tmp_path)) as client:
        await shown(client)
