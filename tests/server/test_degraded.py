"""Every method answers with no model, no index, no type engine and no network; and says nothing of the
document in the log."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from devflow.models.errors import Unreachable
from devflow.models.fake import FakeModel
from devflow.server.routes import REQUESTS
from support.editor import Editor, ErrorAnswer, editor
from support.questions import SECRET, SOURCE, params
from support.services import Scripted


async def asked(client: Editor, method: str, uri: str) -> Any:
    """The answer to `method`. An action is resolved as it was offered."""
    if method != "codeAction/resolve":
        return await client.request(method, params(method, uri))
    offered = await asked(client, "textDocument/codeAction", uri)
    [action] = [each for each in offered if "data" in each and "edit" not in each][:1]
    return (await client.request(method, action)).get("edit")


SILENT = {"textDocument/codeLens"} | {
    "textDocument/inlineCompletion",
    "textDocument/inlayHint",
    "workspace/willRenameFiles",
}
"""What has nothing to say without a model and without repeated code, or without an index, or is off."""
METHODS = [route.method for route in REQUESTS]


@pytest.mark.parametrize("method", METHODS)
async def test_a_server_with_nothing_behind_it_answers(method: str, tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    async with editor() as client:
        await client.initialize(tmp_path)
        client.open(uri, SOURCE)
        assert await asked(client, method, uri) is not None or method in SILENT


async def test_the_status_says_what_is_missing(tmp_path: Path) -> None:
    async with editor() as client:
        await client.initialize(tmp_path)
        await client.until(lambda: not client.server.session.starting)
        status = await client.request("workspace/executeCommand", {"command": "devflow.status"})
    assert status["state"] == "limited"
    assert "no index" in status["text"]
    assert not status["python"]
    assert status["models"] == []


async def test_no_document_text_is_logged_at_debug(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    uri = (tmp_path / "a.py").as_uri()
    failures = [Unreachable("The model is not there.")] * 2
    model = FakeModel(f"return {SECRET}", failures=failures)
    caplog.set_level(logging.DEBUG)
    async with editor(Scripted(model).services) as client:
        client.settings = {"logLevel": "debug"}
        await client.initialize(tmp_path)
        client.open(uri, SOURCE)
        await client.until(lambda: not client.server.session.starting)
        for method in METHODS:
            try:
                await asked(client, method, uri)
            except ErrorAnswer:
                pass  # its words, too, are in the log or not
        client.notify("textDocument/hover", {"nonsense": SECRET})
        client.send({"jsonrpc": "2.0", "id": "broken", "method": "textDocument/hover", "params": SECRET})
        client.send(f"{{{SECRET}".encode())
        client.change(uri, 2, {"text": SOURCE * 2})
        await client.settle()
        await asyncio.sleep(0)
    assert any(
        record.levelno == logging.DEBUG and "textDocument/hover" in record.getMessage()
        for record in caplog.records
    )
    assert SECRET not in caplog.text
