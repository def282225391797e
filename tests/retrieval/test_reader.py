"""Readers of a store, and what is left of them."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from devflow.retrieval.build import build
from devflow.retrieval.store import Reader, index_directory
from devflow.retrieval.walk import IndexOptions

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"


def answering() -> set[threading.Thread]:
    """The threads of connections, each of which answers to the loop that asked it."""
    return {each for each in threading.enumerate() if "_connection_worker_thread" in each.name}


@pytest.fixture
async def reader(tmp_path: Path) -> Reader:
    (tmp_path / "a.py").write_text("x = 1\n")
    await build(tmp_path, IndexOptions(vectors=False))
    return Reader(index_directory(tmp_path))


@pytest.mark.parametrize("turns", [0, 1, 10, 100, 1_000, 10_000])
async def test_a_closed_reader_leaves_no_thread_of_a_question_that_was_cancelled(
    reader: Reader, turns: int
) -> None:
    """About to begin, while its connection is opened, in the middle of it."""
    before = answering()
    asked = [asyncio.create_task(reader.rows(ENDLESS, ())) for _ in range(4)]
    for _ in range(turns):
        await asyncio.sleep(0)
    for each in asked:
        each.cancel()
    await reader.close()
    await asyncio.gather(*asked, return_exceptions=True)
    assert answering() <= before


async def test_who_asks_a_closed_reader_is_told_that_there_is_no_store(reader: Reader) -> None:
    await reader.close()
    assert [await reader.rows("SELECT 1", ()) for _ in range(4)] == [[]] * 4
