"""`textDocument/copilotInlineEdit` as Copilot's clients speak it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from devflow.models.feedback import Feedback
from devflow.retrieval.build import build
from devflow.retrieval.index import Index
from devflow.server import settings
from devflow.server.assist.inline.ghost import mood_of
from devflow.server.services import Services
from support.editor import Editor, ErrorAnswer, editor
from support.services import Scripted

URI = "file:///nowhere/a.py"
SOURCE = "def load(path):\n    return path\n\n\nload('a')\nload('b')\n"
METHOD = "textDocument/copilotInlineEdit"


def renaming(new: str = "read") -> dict[str, Any]:
    return {
        "range": {"start": {"line": 0, "character": 4}, "end": {"line": 0, "character": 8}},
        "text": new,
    }


async def ask(client: Editor, line: int = 0, character: int = 8, uri: str = URI) -> dict[str, Any]:
    """What comes next, with the cursor there."""
    params = {
        "textDocument": {"uri": uri, "version": 2},
        "position": {"line": line, "character": character},
        "context": {"triggerKind": 2},
    }
    return dict(await client.request(METHOD, params))


async def opened(client: Editor, source: str = SOURCE) -> None:
    await client.initialize()
    client.open(URI, source)
    client.change(URI, 2, renaming())


async def make(client: Editor, edit: dict[str, Any], version: int) -> None:
    """What a client does when the user accepts: the edit, then its command."""
    client.change(edit["textDocument"]["uri"], version, {"range": edit["range"], "text": edit["text"]})
    command = edit["command"]
    await client.request(
        "workspace/executeCommand", {"command": command["command"], "arguments": command["arguments"]}
    )


async def test_the_uses_of_a_renamed_function_are_offered_one_after_the_other(tmp_path: Path) -> None:
    store = Feedback(tmp_path / "feedback.sqlite3")
    async with editor(Services(feedback=lambda: store)) as client:
        await opened(client)
        first = await ask(client)
        [edit] = first["edits"]
        assert edit["textDocument"] == {"uri": URI, "version": 2}
        assert edit["text"] == "read"
        assert edit["range"]["start"] == {"line": 4, "character": 0}
        assert [jump["range"]["start"]["line"] for jump in first["jumps"]] == [5]
        client.notify("textDocument/didShowInlineEdit", {"item": {"command": edit["command"]}})
        await make(client, edit, 3)
        [second] = (await ask(client, 4, 4))["edits"]
        assert second["range"]["start"] == {"line": 5, "character": 0}
        await make(client, second, 4)
        assert await ask(client, 5, 4) == {"edits": []}
    again = Feedback(store.path)
    counted = again.by_model("next-edit")["rename", "python"]
    again.close()
    assert (counted.shown, counted.accepted, counted.whole) == (2, 2, 2)


async def test_an_edit_that_was_sent_away_is_not_offered_again() -> None:
    async with editor() as client:
        await opened(client, SOURCE.replace("load('b')\n", ""))
        [edit] = (await ask(client))["edits"]
        arguments = edit["command"]["arguments"]
        await client.request(
            "workspace/executeCommand", {"command": "devflow.rejected", "arguments": arguments}
        )
        assert await ask(client) == {"edits": []}
        client.change(URI, 3, {"range": renaming()["range"], "text": "read"})
        assert await ask(client) == {"edits": []}


async def test_an_edit_sent_away_in_an_earlier_session_is_not_offered_again(tmp_path: Path) -> None:
    def services() -> Services:
        return Services(feedback=lambda: Feedback(tmp_path / "feedback.sqlite3"))

    async with editor(services()) as client:
        await opened(client)
        [edit] = (await ask(client))["edits"]
        arguments = edit["command"]["arguments"]
        await client.request(
            "workspace/executeCommand", {"command": "devflow.rejected", "arguments": arguments}
        )
    async with editor(services()) as client:
        await opened(client)
        await client.until(lambda: mood_of(client.server.session.codebase().memory).refused)
        [other] = (await ask(client))["edits"]  # the same made of another line may be wanted
    assert edit["range"]["start"]["line"] == 4
    assert other["range"]["start"]["line"] == 5


async def test_an_edit_typed_over_is_not_offered_again() -> None:
    async with editor() as client:
        await opened(client, SOURCE.replace("load('b')\n", ""))
        [edit] = (await ask(client))["edits"]
        client.change(URI, 3, {"range": edit["range"], "text": "other"})
        client.change(
            URI,
            4,
            {
                "range": {
                    "start": edit["range"]["start"],
                    "end": {"line": 4, "character": 5},
                },
                "text": "load",
            },
        )
        assert await ask(client) == {"edits": []}


async def test_an_offered_edit_moves_with_what_is_typed_above_it() -> None:
    async with editor() as client:
        await opened(client)
        at = {"line": 2, "character": 0}
        client.change(URI, 3, {"range": {"start": at, "end": at}, "text": "\n"})
        [edit] = (await ask(client, 3, 0))["edits"]
        assert edit["range"]["start"] == {"line": 5, "character": 0}


async def test_without_edits_nothing_comes_next() -> None:
    async with editor() as client:
        await client.initialize()
        client.open(URI, SOURCE)
        assert await ask(client) == {"edits": []}
        assert await ask(client, uri="file:///nowhere/closed.py") == {"edits": []}


async def test_an_edit_meanwhile_makes_the_answer_stale() -> None:
    async with editor() as client:
        await opened(client)
        asked = client.ask(METHOD, {"textDocument": {"uri": URI}, "position": {"line": 0, "character": 8}})
        client.change(URI, 3, renaming("rea"))
        with pytest.raises(ErrorAnswer) as error:
            await asked
        assert error.value.code == -32801


@pytest.mark.parametrize("params", [None, [], {}, {"textDocument": {"uri": 1}, "position": None}])
async def test_parameters_that_say_nothing_are_an_error(params: Any) -> None:
    async with editor() as client:
        await client.initialize()
        with pytest.raises(ErrorAnswer) as error:
            await client.request(METHOD, params)
        assert error.value.code == -32602


@asynccontextmanager
async def workspace(root: Path, **files: str) -> AsyncIterator[Editor]:
    """An editor on an indexed folder of Python files, of which it has opened the first."""
    for name, text in files.items():
        (root / f"{name}.py").write_text(text)
    await build(root, settings.Index(vectors=False))
    index = await Index.open([root])
    scripted = Scripted()
    async with editor(scripted.services) as client:
        await client.initialize(root)
        await client.until(lambda: scripted.indexes and scripted.indexes[0].calls)
        scripted.index.reader = index
        name, text = next(iter(files.items()))
        client.open((root / f"{name}.py").as_uri(), text)
        yield client
    await index.close()


def places(answer: dict[str, Any]) -> list[tuple[str, int, str]]:
    return [
        (Path(jump["uri"]).name, jump["range"]["start"]["line"], jump["text"])
        for jump in answer.get("jumps", [])
    ]


ROWS = "def load(path):\n    return path\n"
USE = "from rows import load\n\nload('a')\n\n\ndef run(strict):\n    load('b')\n"
STRICT = {
    "range": {"start": {"line": 0, "character": 13}, "end": {"line": 0, "character": 13}},
    "text": ", strict",
}


async def test_when_the_file_is_done_it_is_told_where_in_the_workspace_it_goes_on(tmp_path: Path) -> None:
    async with workspace(tmp_path, rows=ROWS, use="from rows import load\n\nload('a')\n") as client:
        uri = (tmp_path / "rows.py").as_uri()
        client.change(uri, 2, renaming())
        answer = await ask(client, uri=uri)
    assert answer["edits"] == []
    assert places(answer) == [("use.py", 0, "read"), ("use.py", 2, "read")]


async def test_who_follows_a_jump_is_told_the_edit_there_and_then_the_next_place(tmp_path: Path) -> None:
    async with workspace(tmp_path, rows=ROWS, use=USE) as client:
        rows, use = (tmp_path / "rows.py").as_uri(), (tmp_path / "use.py").as_uri()
        client.change(rows, 2, STRICT)
        answer = await ask(client, 0, 21, rows)
        assert answer["edits"] == []
        assert places(answer) == [("use.py", 2, ""), ("use.py", 6, ", strict")]
        assert answer["jumps"][0]["command"]["command"] == "devflow.accepted"
        client.open(use, USE)
        there = await ask(client, 6, 4, use)
        [edit] = there["edits"]
        assert (edit["range"]["start"]["line"], edit["text"]) == (6, ", strict")
        await make(client, edit, 2)
        after = await ask(client, 6, 20, use)
    assert after["edits"] == []
    assert places(after) == [("use.py", 2, "")]


async def test_a_jump_that_was_sent_away_is_not_offered_again(tmp_path: Path) -> None:
    async with workspace(tmp_path, rows=ROWS, use=USE) as client:
        uri = (tmp_path / "rows.py").as_uri()
        client.change(uri, 2, STRICT)
        [first, second] = (await ask(client, 0, 21, uri))["jumps"]
        assert "command" not in second
        rejected = {"command": "devflow.rejected", "arguments": first["command"]["arguments"]}
        await client.request("workspace/executeCommand", rejected)
        assert places(await ask(client, 0, 21, uri)) == [("use.py", 6, ", strict")]
