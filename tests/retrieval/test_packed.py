"""Uses and texts come out of the store as they went in."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from devflow.analysis.extract import extract
from devflow.analysis.facts import Reference, ReferenceKind
from devflow.analysis.text import Text
from devflow.retrieval.packed import packed_text, packed_uses, register
from devflow.retrieval.prepare import prepare
from devflow.retrieval.store import close_writer, open_writer
from devflow.retrieval.walk import Source
from devflow.retrieval.write import delete_files, put_files

SOURCE = """\
import os

class Store:
    def load(self, path):
        self.client.get(path).json()
        return os.path.join(path, "ä", self.name)
"""


def unpacked(uses: list[Reference], text: Text) -> list[tuple[object, ...]]:
    """Through the very functions that the store's views call, in the order of the text."""
    packed = packed_uses(uses, text)
    with contextlib.closing(sqlite3.connect(":memory:")) as db:
        register(db)
        rows = [
            (name, *row)
            for name, places in packed.places
            for row in db.execute(
                "SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5 "
                "FROM json_each(devflow_uses(?, ?, ?))",
                (name, places, packed.around),
            )
        ]
    return sorted(rows, key=lambda row: row[1])


def rows(uses: list[Reference], text: Text) -> list[tuple[object, ...]]:
    return [
        (use.name, use.start, use.end, str(use.kind), text.line_at(use.start), use.receiver, use.container)
        for use in uses
    ]


@pytest.mark.parametrize("times", [1, 600], ids=["short", "longer than 64 KiB"])
def test_uses_come_out_as_they_went_in(times: int) -> None:
    text = Text(SOURCE * times)
    uses = list(extract(text, "python").references)
    assert len(uses) > 5 * times
    assert unpacked(uses, text) == rows(uses, text)


def test_names_on_receivers_and_behind_dots_are_counted() -> None:
    text = Text("a.b.c()\na.b.c\nx().c\nc\n")
    packed = packed_uses(extract(text, "python").references, text)
    assert packed.members == {("a", "b"): 2, ("a.b", "c"): 2}
    assert packed.attributes == {"b": 2, "c": 3}
    assert packed.count == 9


def test_a_file_of_more_containers_than_fit_loses_their_names_only() -> None:
    text = Text("f\n" * 20_000)
    uses = [Reference("f", ReferenceKind.NAME, 2 * n, 2 * n + 1, "", f"c{n}") for n in range(20_000)]
    found = unpacked(uses, text)
    assert [row[1] for row in found] == [use.start for use in uses]
    assert found[5][-1] == "c5"
    assert found[-1][-1] == ""


def test_a_piece_of_a_text_is_cut_in_code_points() -> None:
    with contextlib.closing(sqlite3.connect(":memory:")) as db:
        register(db)
        [(piece,)] = db.execute("SELECT devflow_piece(?, 1, 4)", (packed_text("ä€𝄞xy"),))
    assert piece == "€𝄞x"


CODE = """\
import os
import numpy as np
from json import loads
from json import dumps as written

class Überschrift:
    class Inner:
        def size(self): return len(loads(self.text))
"""


async def test_what_is_not_stored_twice_is_told_as_it_was_and_goes_with_its_file(tmp_path: Path) -> None:
    db, _ = await open_writer(tmp_path / "store")
    try:
        source = Source(CODE, b"digest")
        await put_files(db, [prepare("a.py", source, 9, 9), prepare("b.py", source, 9, 9)])

        async def found(sql: str) -> list[tuple[Any, ...]]:
            return [tuple(row) for row in await db.execute_fetchall(sql)]

        assert await found("SELECT module, name, alias FROM imports WHERE file = 1 ORDER BY start") == [
            ("os", "", ""),
            ("numpy", "", "np"),
            ("json", "loads", "loads"),
            ("json", "dumps", "written"),
        ]
        assert [
            CODE[start:end] for start, end in await found('SELECT start, "end" FROM imports LIMIT 1')
        ] == ["os"]
        assert await found(
            "SELECT name, lower, owner, container FROM symbols WHERE file = 2 ORDER BY start"
        ) == [
            ("Überschrift", "überschrift", "", ""),
            ("Inner", "inner", "Überschrift", "Überschrift"),
            ("size", "size", "Inner", "Überschrift.Inner"),
        ]
        every = sorted(await found("SELECT * FROM refs WHERE file = 1"))
        assert every
        assert sorted(await found("SELECT * FROM refs_in WHERE file = 1")) == every
        await put_files(db, [prepare("a.py", Source("x = 1\n", b"other"), 9, 9)])
        await delete_files(db, ["b.py"])
        assert await found("SELECT name FROM uses UNION ALL SELECT name FROM imports") == []
        assert await found("SELECT name FROM symbols") == [("x",)]
    finally:
        await close_writer(db)
