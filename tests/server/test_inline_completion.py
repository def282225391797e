"""Ghost text through the protocol: what the editor does while a suggestion is on its way or on the screen."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.editor import Editor, editor
from support.patience import HANGS
from support.services import HeldModel, Scripted

pytestmark = pytest.mark.usefixtures("nothing_blocks")

URI = "file:///nowhere/a.py"
SOURCE = "def total(rows):\n    return \n"
GHOST = "sum(row.price for row in rows)"
CURSOR = {"line": 1, "character": 11}
ASKED = {"textDocument": {"uri": URI}, "position": CURSOR, "context": {"triggerKind": 2}}


async def begun(client: Editor, settings: dict[str, Any] | None = None) -> None:
    """A server with its model at hand and one document open."""
    await client.initialize(initializationOptions=settings or {})
    await client.wait_for("workspace/configuration")
    await client.until(lambda: client.server.session.models)
    client.open(URI, SOURCE)


async def test_a_document_closed_while_its_ghost_text_is_made_gets_none_and_its_model_is_stopped() -> None:
    model = HeldModel(GHOST)
    async with editor(Scripted(model).services) as client:
        await begun(client)
        pending = asyncio.create_task(client.request("textDocument/inlineCompletion", ASKED))
        await asyncio.wait_for(model.begun.wait(), HANGS)
        client.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
        answer = await asyncio.wait_for(pending, HANGS)
        assert answer == {"items": []}
        await client.until(lambda: model.closed == model.opened)


async def test_a_document_closed_right_behind_the_request_gets_no_ghost_text(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text(SOURCE)
    model = HeldModel(GHOST)
    model.go.set()
    async with editor(Scripted(model).services) as client:
        await begun(client)
        client.open(file.as_uri(), SOURCE)
        asked = {**ASKED, "textDocument": {"uri": file.as_uri()}}
        pending = asyncio.create_task(client.request("textDocument/inlineCompletion", asked))
        await asyncio.sleep(0)
        client.notify("textDocument/didClose", {"textDocument": asked["textDocument"]})
        assert await asyncio.wait_for(pending, HANGS) == {"items": []}


async def test_a_document_that_is_not_open_gets_no_ghost_text(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text(SOURCE)
    model = HeldModel(GHOST)
    model.go.set()
    async with editor(Scripted(model).services) as client:
        await begun(client)
        asked = {**ASKED, "textDocument": {"uri": file.as_uri()}}
        assert await client.request("textDocument/inlineCompletion", asked) == {"items": []}
        assert not model.requests


@pytest.mark.parametrize("how", ["snoozed", "switched off", "manual"])
async def test_what_is_switched_off_while_it_is_made_is_not_shown(how: str) -> None:
    model = HeldModel(GHOST)
    async with editor(Scripted(model).services) as client:
        await begun(client)
        asked = {**ASKED, "context": {"triggerKind": 2}}
        pending = asyncio.create_task(client.request("textDocument/inlineCompletion", asked))
        await asyncio.wait_for(model.begun.wait(), HANGS)
        session = client.server.session
        if how == "snoozed":
            await client.request("workspace/executeCommand", {"command": "devflow.snooze", "arguments": [5]})
        elif how == "manual":
            session.settings = replace(
                session.settings, inline=replace(session.settings.inline, mode="manual")
            )
        else:
            off = replace(session.settings.features, inline_completion=False)
            session.settings = replace(session.settings, features=off)
        model.go.set()
        assert await asyncio.wait_for(pending, HANGS) == {"items": []}


@pytest.mark.parametrize("how", ["closed", "snoozed", "switched off", "manual"])
async def test_a_model_whose_ghost_text_is_not_wanted_any_more_is_stopped_at_once(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = HeldModel(GHOST)  # it is not let go, and no clock ends it: only who stops it does
    monkeypatch.setattr("devflow.server.assist.inline.generation.allowed", lambda seconds: None)
    slow: dict[str, Any] = {"inline": {"timeout_ms": 60_000, "speculate": False}}
    async with editor(Scripted(model).services) as client:
        await begun(client, slow)
        pending = asyncio.create_task(client.request("textDocument/inlineCompletion", ASKED))
        await asyncio.wait_for(model.begun.wait(), HANGS)
        if how == "closed":
            client.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
        elif how == "snoozed":
            await client.request("workspace/executeCommand", {"command": "devflow.snooze", "arguments": [5]})
        else:
            changed: dict[str, Any] = {"inline": {**slow["inline"], "mode": "manual"}}
            if how == "switched off":
                changed = {**slow, "features": {"inline_completion": False}}
            client.settings = changed
            client.notify("workspace/didChangeConfiguration", {"settings": changed})
        assert await asyncio.wait_for(pending, HANGS) == {"items": []}
        await client.until(lambda: model.closed == model.opened)


async def test_what_was_asked_for_by_a_key_is_not_snoozed() -> None:
    model = HeldModel(GHOST)
    async with editor(Scripted(model).services) as client:
        await begun(client)
        asked = {**ASKED, "context": {"triggerKind": 1}}
        pending = asyncio.create_task(client.request("textDocument/inlineCompletion", asked))
        await asyncio.wait_for(model.begun.wait(), HANGS)
        await client.request("workspace/executeCommand", {"command": "devflow.snooze", "arguments": [5]})
        model.go.set()
        [item] = (await asyncio.wait_for(pending, HANGS))["items"]
        assert item["insertText"] == GHOST


async def test_ghost_text_that_is_still_wanted_is_shown() -> None:
    model = HeldModel(GHOST)
    async with editor(Scripted(model).services) as client:
        await begun(client)
        pending = asyncio.create_task(client.request("textDocument/inlineCompletion", ASKED))
        await asyncio.wait_for(model.begun.wait(), HANGS)
        model.go.set()
        [item] = (await asyncio.wait_for(pending, HANGS))["items"]
        assert item["insertText"] == GHOST
