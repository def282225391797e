"""Notebooks: what one cell says counts in the others, and every place is a place in a cell."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types

from devflow.retrieval.build import build
from devflow.retrieval.index import Index
from devflow.server import settings
from devflow.server.notebooks import Notebooks, plain_python
from devflow.server.open_documents import OpenDocuments
from support.editor import CAPABILITIES, Editor, editor
from support.services import Scripted

CLIENT = {**CAPABILITIES, "notebookDocument": {"synchronization": {}}}


def cell(number: int) -> str:
    return f"vscode-notebook-cell:/n.ipynb#c{number}"


@asynccontextmanager
async def notebook(root: Path, *sources: str) -> AsyncIterator[tuple[Editor, str]]:
    uri = (root / "n.ipynb").as_uri()
    await build(root, settings.Index(vectors=False))
    scripted = Scripted()
    async with editor(scripted.services) as client:
        answer = await client.initialize(root, CLIENT)
        await client.until(lambda: scripted.indexes and scripted.indexes[0].calls)
        scripted.index.reader = index = await Index.open([root])
        assert answer["capabilities"]["notebookDocumentSync"]
        client.notify(
            "notebookDocument/didOpen",
            {
                "notebookDocument": {
                    "uri": uri,
                    "notebookType": "jupyter-notebook",
                    "version": 1,
                    "cells": [{"kind": 2, "document": cell(n)} for n in range(len(sources))],
                },
                "cellTextDocuments": [
                    {"uri": cell(n), "languageId": "python", "version": 1, "text": source}
                    for n, source in enumerate(sources)
                ],
            },
        )
        yield client, uri
    await index.close()


def at(number: int, line: int, character: int) -> dict[str, Any]:
    return {
        "textDocument": {"uri": cell(number)},
        "position": {"line": line, "character": character},
    }


async def diagnostics(client: Editor, number: int) -> list[tuple[str, int, int]]:
    answer = await client.request("textDocument/diagnostic", {"textDocument": {"uri": cell(number)}})
    return [
        (each["message"], each["range"]["start"]["line"], each["range"]["start"]["character"])
        for each in answer["items"]
    ]


async def test_names_of_earlier_cells_are_offered(tmp_path: Path) -> None:
    async with notebook(tmp_path, "import os\nlongitude = 1\n", "x = 1\nlon") as (client, _):
        answer = await client.request("textDocument/completion", at(1, 1, 3))
    assert "longitude" in [item["label"] for item in answer["items"]]
    edited = answer.get("itemDefaults", {}).get("editRange") or answer["items"][0]["textEdit"]["range"]
    assert edited == {"start": {"line": 1, "character": 0}, "end": {"line": 1, "character": 3}}


async def test_a_definition_in_another_cell_is_a_place_in_that_cell(tmp_path: Path) -> None:
    async with notebook(tmp_path, "x = 1\n", "\ndef area(w): ...", "area(1)") as (client, _):
        [found] = await client.request("textDocument/definition", at(2, 0, 2))
        hover = await client.request("textDocument/hover", at(2, 0, 2))
        used = await client.request(
            "textDocument/references", {**at(2, 0, 2), "context": {"includeDeclaration": True}}
        )
    assert found.get("targetUri", found.get("uri")) == cell(1)
    assert found.get("targetSelectionRange", found.get("range"))["start"] == {"line": 1, "character": 4}
    assert hover["range"]["start"] == {"line": 0, "character": 0}
    assert {(each["uri"], each["range"]["start"]["line"]) for each in used} == {(cell(1), 1), (cell(2), 0)}


async def test_a_rename_edits_every_cell(tmp_path: Path) -> None:
    async with notebook(tmp_path, "def area(w): ...", "a = area(1)\nb = area(2)") as (client, _):
        edit = await client.request("textDocument/rename", {**at(1, 0, 5), "newName": "size"})
    edited = {
        each["textDocument"]["uri"]: [edit["range"]["start"]["line"] for edit in each["edits"]]
        for each in edit["documentChanges"]
    }
    assert edited == {cell(0): [0], cell(1): [0, 1]}


async def test_a_rename_of_what_a_module_makes_edits_the_cells_too(tmp_path: Path) -> None:
    module = tmp_path / "shapes.py"
    module.write_text("def area(w): ...\n")
    uri = module.as_uri()
    async with notebook(tmp_path, "from shapes import area", "a = area(1)") as (client, _):
        client.open(uri, module.read_text())
        there = {"textDocument": {"uri": uri}, "position": {"line": 0, "character": 5}}
        for place in (at(1, 0, 5), there):
            edit = await client.request("textDocument/rename", {**place, "newName": "size"})
            edited = {each["textDocument"]["uri"]: len(each["edits"]) for each in edit["documentChanges"]}
            assert edited == {uri: 1, cell(0): 1, cell(1): 1}


async def test_findings_are_those_of_the_cell(tmp_path: Path) -> None:
    sources = (
        "import os\nvalue = 1",
        "print(value, nothing)",
        "%matplotlib inline\n!ls\nawait f(",
        "x = os?",
    )
    async with notebook(tmp_path, *sources) as (client, _):
        assert await diagnostics(client, 0) == []
        assert await diagnostics(client, 1) == [("`nothing` is not defined.", 0, 13)]
        [(message, line, _column)] = await diagnostics(client, 2)
        assert (message, line) == ("'(' was never closed.", 2)


async def test_cells_that_come_go_and_change_count_at_once(tmp_path: Path) -> None:
    async with notebook(tmp_path, "one = 1", "print(one, two)") as (client, uri):
        assert len(await diagnostics(client, 1)) == 1

        def change(cells: dict[str, Any]) -> None:
            named = {"uri": uri, "version": 2}
            client.notify(
                "notebookDocument/didChange", {"notebookDocument": named, "change": {"cells": cells}}
            )

        item = {"uri": cell(7), "languageId": "python", "version": 1, "text": "two = 2"}
        inserted = {"start": 0, "deleteCount": 0, "cells": [{"kind": 2, "document": cell(7)}]}
        change({"structure": {"array": inserted, "didOpen": [item]}})
        assert await diagnostics(client, 1) == []
        edit = {"document": {"uri": cell(7), "version": 2}, "changes": [{"text": "three = 2"}]}
        change({"textContent": [edit]})
        assert len(await diagnostics(client, 1)) == 1
        removed = {"start": 0, "deleteCount": 2}
        change({"structure": {"array": removed, "didClose": [{"uri": cell(7)}, {"uri": cell(0)}]}})
        assert len(await diagnostics(client, 1)) == 2
        closed = {"notebookDocument": {"uri": uri}, "cellTextDocuments": [{"uri": cell(1)}]}
        client.notify("notebookDocument/didClose", closed)
        assert await client.request("textDocument/hover", at(1, 0, 2)) is None
        assert list(client.server.session.documents) == []


async def test_a_change_of_a_notebook_that_is_not_open_is_ignored(tmp_path: Path) -> None:
    async with notebook(tmp_path, "x = 1") as (client, _):
        cells = {"textContent": [{"document": {"uri": "x:y", "version": 2}, "changes": [{"text": "z"}]}]}
        client.notify(
            "notebookDocument/didChange",
            {"notebookDocument": {"uri": "file:///other", "version": 2}, "change": {"cells": cells}},
        )
        assert await diagnostics(client, 0) == []


@pytest.mark.parametrize(
    ("source", "plain"),
    [
        ("%time x\ny", "#time x\ny"),
        ("  !ls", "# !ls"),
        ("%%bash\nls -l\n\nx", "#%bash\n#s -l\n\n#"),
        ("x = (a\n  % b)", "x = (a\n  % b)"),
        ("a != b\nobj?", "a != b\n#bj?"),
        ("s = 'what?'", "s = 'what?'"),
    ],
)
def test_what_only_ipython_reads_is_a_comment(source: str, plain: str) -> None:
    assert plain_python(source) == plain


@given(st.text(alphabet="a%!?#\n\r '(\U0001f600", max_size=60))
def test_a_plain_cell_is_as_long_as_the_cell(source: str) -> None:
    assert len(plain_python(source)) == len(source)


_SOURCES = st.text(alphabet="ab=1\n\r(\U0001f600 ", max_size=30)
_EDITS = st.lists(
    st.tuples(st.sampled_from(["insert", "remove", "edit"]), st.integers(0, 5), _SOURCES), max_size=12
)


@given(st.lists(_SOURCES, max_size=4), _EDITS)
def test_after_any_edits_the_whole_is_the_cells_in_order(
    sources: list[str], edits: list[tuple[str, int, str]]
) -> None:
    documents = OpenDocuments()
    notebooks = Notebooks(documents)
    uri = "file:///n.ipynb"
    order = [cell(n) for n in range(len(sources))]

    def item(name: str, text: str) -> types.TextDocumentItem:
        return types.TextDocumentItem(name, "python", 1, text)

    def code(name: str) -> types.NotebookCell:
        return types.NotebookCell(types.NotebookCellKind.Code, name)

    notebooks.open(
        uri, [code(each) for each in order], [item(*pair) for pair in zip(order, sources, strict=True)]
    )
    texts = dict(zip(order, sources, strict=True))
    for number, (what, place, text) in enumerate(edits, 100):
        at = min(place, max(len(order) - 1, 0))
        if what == "insert":
            order.insert(at, cell(number))
            texts[cell(number)] = text
            array = types.NotebookCellArrayChange(at, 0, [code(cell(number))])
            structure = types.NotebookDocumentCellChangeStructure(array, [item(cell(number), text)])
            change = types.NotebookDocumentCellChanges(structure)
        elif not order:
            continue
        elif what == "remove":
            gone = order.pop(at)
            array = types.NotebookCellArrayChange(at, 1)
            closed = [types.TextDocumentIdentifier(gone)]
            structure = types.NotebookDocumentCellChangeStructure(array, None, closed)
            change = types.NotebookDocumentCellChanges(structure)
        else:
            texts[order[at]] = text
            named = types.VersionedTextDocumentIdentifier(number, order[at])
            whole = types.TextDocumentContentChangeWholeDocument(text)
            content = types.NotebookDocumentCellContentChanges(named, [whole])
            change = types.NotebookDocumentCellChanges(text_content=[content])
        notebooks.change(uri, change, "utf-16")
    joined = documents.current(uri)
    assert joined is not None
    assert joined.text.source == "".join(plain_python(texts[each]) + "\n" for each in order)
    for each in order:
        own, place = documents.current(each), notebooks.place_of(each)
        assert own is not None
        assert place is not None
        for line in range(own.text.line_count):
            assert len(joined.text.line(place[1] + line)) >= len(own.text.line(line))
        moved = types.Location(uri, types.Range(types.Position(place[1], 0), types.Position(place[1], 0)))
        assert notebooks.answered_in_cells(moved, None).uri == each
