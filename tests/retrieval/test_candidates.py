"""Full text and paths, asked of stores of a few rows."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

import aiosqlite
import pytest

from devflow.retrieval.candidates import by_text, files_mentioned
from devflow.retrieval.paths import Paths
from devflow.retrieval.query import analysed
from devflow.retrieval.store import _TABLES


@asynccontextmanager
async def store(**texts: str) -> AsyncIterator[aiosqlite.Connection]:
    async with aiosqlite.connect(":memory:", isolation_level=None) as db:
        await db.executescript(_TABLES)
        for text in texts.values():
            await db.execute("INSERT INTO fts(text, symbol, path) VALUES (?, '', '')", (text,))
        yield db


async def listed(db: aiosqlite.Connection, *paths: str) -> None:
    for path in paths:
        await db.execute(
            "INSERT INTO files(path, language, digest, size, mtime) VALUES (?, '', '', 0, 0)", (path,)
        )


async def test_of_two_frequent_words_what_has_both_is_found_in_the_order_of_either() -> None:
    many = {f"t{n}": ("entity " if n % 3 else "helper ") + "other " * 30 for n in range(300)}
    many |= {f"both{n}": "entity helper " + "other " * (n % 9) for n in range(120)}
    query = analysed("helper entity")
    async with store(**many) as db:
        frequent = await by_text(db, query, ["helper", "entity"], {"helper": 9_000, "entiti": 9_000})
        rare = await by_text(db, query, ["helper", "entity"], {"helper": 9, "entiti": 9})
    assert frequent.ids == rare.ids
    assert frequent.scores == rare.scores


async def test_frequent_words_that_never_stand_together_are_found_apart() -> None:
    many = {f"t{n}": "entity" if n % 3 else "helper" for n in range(30)}
    async with store(**many) as db:
        found = await by_text(
            db, analysed("helper entity"), ["helper", "entity"], {"helper": 9_000, "entiti": 9_000}
        )
    assert len(found.ids) == 10  # of the rarer word: those of the other say too little
    assert set(found.ids) == {n + 1 for n in range(30) if not n % 3}


async def test_a_path_is_mentioned_by_its_end_and_by_the_dotted_name_of_a_module() -> None:
    async with store() as db:
        await listed(db, "a/shop/cart.py", "shop/cart.py", "shop/other_cart.py", "shop/tax/__init__.py")
        paths = Paths()
        assert await files_mentioned(db, paths, analysed("shop/cart.py")) == {1: pytest.approx(2 / 3), 2: 1.0}
        assert await files_mentioned(db, paths, analysed("in shop.tax there is")) == {4: 1.0}
        assert await files_mentioned(db, paths, analysed("no/such.py")) == {}


async def test_a_file_that_is_new_is_mentioned_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(monotonic=lambda: 100.0)  # what was read slowly would rest
    monkeypatch.setattr("devflow.retrieval.freshness.time", clock)
    async with store() as db:
        paths = Paths()
        await paths.update(db)
        await listed(db, "shop/cart.py")
        await db.execute("UPDATE meta SET value = '1' WHERE key = 'generation'")
        assert await files_mentioned(db, paths, analysed("shop/cart.py")) == {1: 1.0}


@pytest.mark.skipif(sys.platform == "win32", reason="no such names there")
async def test_a_path_with_a_line_break_is_one_path() -> None:
    async with store() as db:
        await listed(db, f"a{os.linesep}b.py", "b.py")
        assert await files_mentioned(db, Paths(), analysed("see b.py")) == {2: 1.0}
