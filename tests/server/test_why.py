from __future__ import annotations

from typing import Any

from devflow.models.fake import FakeModel
from support.editor import Editor, editor
from support.services import Scripted

URI = "file:///w/shapes.py"
GHOST = {"context": {"triggerKind": 1}}


async def told(client: Editor, line: int, character: int) -> dict[str, Any]:
    """`devflow.why` after a request at a place."""
    place = {"textDocument": {"uri": URI}, "position": {"line": line, "character": character}}
    await client.request("textDocument/inlineCompletion", {**place, **GHOST})
    answer: dict[str, Any] = await client.request(
        "workspace/executeCommand", {"command": "devflow.why", "arguments": []}
    )
    return answer


async def test_why_tells_what_a_suggestion_was_made_of() -> None:
    async with editor(Scripted(FakeModel("tal)")).services) as client:
        await client.initialize()
        client.open(URI, "total = 1\nprint(to\n")
        await client.until(lambda: client.server.session.models)
        answer = await told(client, 1, 8)
    assert answer["silence"] is None
    assert answer["suggestion"]["tokens"] > 0
    assert 0 < answer["suggestion"]["chance"] < 1
    assert {"trigger", "model", "clean", "names"} <= answer["suggestion"]["stages"].keys()
    assert "Milliseconds" in answer["markdown"] or "probability" in answer["markdown"]
    assert "print" not in answer["markdown"]


async def test_why_tells_the_reason_of_a_silence() -> None:
    async with editor(Scripted(FakeModel("tal)")).services) as client:
        await client.initialize()
        client.open(URI, "total = 1\n# the total of \n")
        await client.until(lambda: client.server.session.models)
        answer = await told(client, 1, 15)
    assert answer["suggestion"] is None
    assert answer["silence"]["reason"] == "comment"
    assert "inside a comment" in answer["markdown"]


async def test_snoozed_ghost_text_keeps_quiet_until_it_is_asked_for() -> None:
    async with editor(Scripted(FakeModel("tal)")).services) as client:
        await client.initialize()
        client.open(URI, "total = 1\nprint(to\n")
        await client.until(lambda: client.server.session.models)
        place = {"textDocument": {"uri": URI}, "position": {"line": 1, "character": 8}}
        unasked = {**place, "context": {"triggerKind": 2}}
        snooze = {"command": "devflow.snooze", "arguments": [5]}
        await client.request("workspace/executeCommand", snooze)
        assert await client.request("textDocument/inlineCompletion", unasked) is None
        assert await client.request("textDocument/inlineCompletion", {**place, **GHOST}) is not None
        await client.request("workspace/executeCommand", {**snooze, "arguments": [0]})
        assert await client.request("textDocument/inlineCompletion", unasked) is not None
