"""Renames, moved files and refactorings through the protocol."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from devflow.retrieval.index import Index
from support.editor import CAPABILITIES, Editor, ErrorAnswer, editor
from support.services import Scripted

pytestmark = pytest.mark.usefixtures("nothing_blocks")


def capable(**workspace_edit: Any) -> dict[str, Any]:
    """A client that can do everything, and `workspace_edit` besides."""
    action = {
        **CAPABILITIES["textDocument"]["codeAction"],
        "disabledSupport": True,
        "isPreferredSupport": True,
    }
    return {
        **CAPABILITIES,
        "workspace": {
            **CAPABILITIES["workspace"],
            "workspaceEdit": {**CAPABILITIES["workspace"]["workspaceEdit"], **workspace_edit},
        },
        "textDocument": {**CAPABILITIES["textDocument"], "codeAction": action},
    }


async def indexed(client: Editor, root: Path) -> None:
    """Give the server an index of `root`, which it closes with the scripted one."""
    indexing = await asyncio.create_subprocess_exec(sys.executable, "-m", "devflow", "index", str(root))
    assert await indexing.wait() == 0
    await client.until(lambda: client.server.session.index is not None)
    index = client.server.session.index
    assert index is not None
    reader, closed = await Index.open([root], None), index.close

    async def close() -> None:
        await reader.close()
        await closed()

    index.reader, index.close = reader, close  # type: ignore[misc, method-assign]


def at(uri: str, line: int, character: int, **more: Any) -> dict[str, Any]:
    return {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}, **more}


async def test_a_file_in_an_older_encoding_is_told_of_and_edited_where_it_is_open(tmp_path: Path) -> None:
    old = "package p;\nclass Old {\n  // Grüße\n  static int count(int a) { return a; }\n}\n"
    (tmp_path / "Old.java").write_bytes(old.encode("cp1252"))
    (tmp_path / "Use.java").write_text("package p;\nclass Use {\n  int x() { return Old.count(3); }\n}\n")
    uri, other = (tmp_path / "Use.java").as_uri(), (tmp_path / "Old.java").as_uri()
    async with editor(Scripted().services) as client:
        await client.initialize(tmp_path, capabilities=capable())
        await indexed(client, tmp_path)
        client.open(uri, (tmp_path / "Use.java").read_text(), language="java")
        [place] = await client.request("textDocument/definition", at(uri, 2, 24))
        assert place["targetUri"] == other
        with pytest.raises(ErrorAnswer, match=r"Old\.java is not UTF-8: open it"):
            await client.request("textDocument/rename", at(uri, 2, 19, newName="Total"))
        client.open(other, old, language="java")
        made = await client.request("textDocument/rename", at(uri, 2, 19, newName="Total"))
        assert {each["textDocument"]["uri"] for each in made["documentChanges"]} == {uri, other}


async def test_a_rename_names_the_versions_of_open_documents(tmp_path: Path) -> None:
    (tmp_path / "b.py").write_text("from a import area\narea(1)\n")
    (tmp_path / "a.py").write_text("def area(w): ...\n")
    uri, other = (tmp_path / "a.py").as_uri(), (tmp_path / "b.py").as_uri()
    async with editor(Scripted().services) as client:
        await client.initialize(tmp_path, capabilities=capable())
        await indexed(client, tmp_path)
        client.open(uri, "# moved down\ndef area(w): ...\n", version=7)
        made = await client.request("textDocument/rename", at(uri, 1, 6, newName="size"))
        changes = {
            change["textDocument"]["uri"]: (change["textDocument"]["version"], change["edits"])
            for change in made["documentChanges"]
        }
        assert changes[uri][0] == 7
        assert changes[uri][1][0]["range"]["start"] == {"line": 1, "character": 4}
        assert changes[other][0] is None
        assert len(changes[other][1]) == 2


async def test_uses_that_nobody_can_verify_need_confirmation(tmp_path: Path) -> None:
    source = "class A:\n    def area(self): ...\ndef f(x):\n    x.area()\n"
    (tmp_path / "a.py").write_text(source)
    uri = (tmp_path / "a.py").as_uri()
    async with editor(Scripted().services) as client:
        await client.initialize(tmp_path, capabilities=capable(changeAnnotationSupport={}))
        await indexed(client, tmp_path)
        client.open(uri, source)
        made = await client.request("textDocument/rename", at(uri, 1, 8, newName="size"))
        [change] = made["documentChanges"]
        assert [edit.get("annotationId") for edit in change["edits"]] == [None, "doubtful"]
        assert made["changeAnnotations"]["doubtful"]["needsConfirmation"] is True


async def test_a_refused_rename_is_one_sentence() -> None:
    async with editor() as client:
        await client.initialize()
        client.open("file:///nowhere/a.py", "x = 1\ny = 2\n")
        with pytest.raises(ErrorAnswer, match="y already means something else") as error:
            await client.request("textDocument/rename", at("file:///nowhere/a.py", 0, 0, newName="y"))
        assert error.value.code == -32803


async def test_imports_follow_a_renamed_file(tmp_path: Path) -> None:
    (tmp_path / "old.py").write_text("x = 1\n")
    (tmp_path / "b.py").write_text("import old\nold.x\n")
    async with editor(Scripted().services) as client:
        result = await client.initialize(tmp_path, capabilities=capable())
        assert result["capabilities"]["workspace"]["fileOperations"]["willRename"]
        await indexed(client, tmp_path)
        files = [{"oldUri": (tmp_path / "old.py").as_uri(), "newUri": (tmp_path / "new.py").as_uri()}]
        made = await client.request("workspace/willRenameFiles", {"files": files})
        [change] = made["documentChanges"]
        assert change["textDocument"]["uri"] == (tmp_path / "b.py").as_uri()
        assert [edit["newText"] for edit in change["edits"]] == ["new", "new"]


async def test_kinds_are_announced_and_respected() -> None:
    uri = "file:///nowhere/a.py"
    async with editor() as client:
        result = await client.initialize(capabilities=capable())
        kinds = result["capabilities"]["codeActionProvider"]["codeActionKinds"]
        assert {"quickfix", "refactor.extract", "refactor.inline", "source.organizeImports"} <= set(kinds)
        client.open(uri, "import sys\nimport os\nprint(sys, os)\n")
        whole = {"start": {"line": 2, "character": 0}, "end": {"line": 2, "character": 14}}
        params = {"textDocument": {"uri": uri}, "range": whole, "context": {"diagnostics": []}}
        for only in ("source.organizeImports", "refactor.extract", "quickfix"):
            params["context"] = {"diagnostics": [], "only": [only]}
            found = await client.request("textDocument/codeAction", params)
            assert all(action["kind"].startswith(only) for action in found)
            assert bool(found) == (only != "quickfix")
        params["context"] = {"diagnostics": [], "only": ["source.organizeImports"]}
        [organise] = await client.request("textDocument/codeAction", params)
        resolved = await client.request("codeAction/resolve", organise)
        [change] = resolved["edit"]["documentChanges"]
        assert [edit["newText"] for edit in change["edits"]] == ["import os\nimport sys"]


async def test_why_an_action_is_disabled_is_told_to_clients_that_show_it() -> None:
    uri = "file:///nowhere/a.py"
    span = {"start": {"line": 1, "character": 4}, "end": {"line": 1, "character": 11}}
    params = {"textDocument": {"uri": uri}, "range": span, "context": {"diagnostics": []}}
    for capabilities, shown in ((capable(), True), (CAPABILITIES, False)):
        async with editor() as client:
            await client.initialize(capabilities=capabilities)
            client.open(uri, "def f():\n    yield 1\n")
            found = await client.request("textDocument/codeAction", params)
            reasons = [action["disabled"]["reason"] for action in found if "disabled" in action]
            assert ("The selection contains yield." in reasons) == shown
            assert ("Extract function" in {action["title"] for action in found}) == shown
