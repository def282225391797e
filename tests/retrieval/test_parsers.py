from __future__ import annotations

import asyncio
import sys
from collections import deque
from pathlib import Path
from typing import Any

import pytest

from devflow.retrieval.batch import Prepared
from devflow.retrieval.build import build
from devflow.retrieval.index import Index
from devflow.retrieval.parsers import WORTH_IT, Parsers
from devflow.retrieval.walk import Found, IndexOptions, walk
from support.patience import HANGS
from support.processes import children


def put(root: Path, count: int) -> deque[Found]:
    for number in range(count):
        (root / f"m{number}.py").write_text(f"def f{number}(): ...\n")
    return deque(item for item in walk(root) if isinstance(item, Found))


async def parsed(parsers: Parsers, queue: deque[Found]) -> Prepared:
    result = Prepared([], [], [])
    while queue or parsers.busy:
        result.add(await parsers.next(queue, {}))
    return result


async def test_all_files_come_back_from_several_processes(tmp_path: Path) -> None:
    parsers = Parsers(IndexOptions(), count=2)
    done = await parsed(parsers, put(tmp_path, 150))
    await parsers.close()
    assert sorted(file.path for file in done.files) == sorted(f"m{n}.py" for n in range(150))


_KILLED_BY_M2 = """
import os, signal
from devflow.retrieval import parsers

def prepare_files(batch, *rest, really=parsers.prepare_files):
    if any(found.relative == "m2.py" for found in batch):
        os.kill(os.getpid(), signal.SIGKILL)
    return really(batch, *rest)

parsers.prepare_files = prepare_files
parsers.main()
"""


async def test_a_file_that_kills_its_parser_costs_itself_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = asyncio.create_subprocess_exec

    async def killed_by_m2(*_: Any, **options: Any) -> asyncio.subprocess.Process:
        return await start(sys.executable, "-P", "-c", _KILLED_BY_M2, **options)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", killed_by_m2)
    parsers = Parsers(IndexOptions(), count=1)
    done = await parsed(parsers, put(tmp_path, 5))
    await parsers.close()
    assert sorted(file.path for file in done.files) == ["m0.py", "m1.py", "m3.py", "m4.py"]
    assert done.skips == [("m2.py", "failed")]


async def test_a_parser_that_has_read_much_is_replaced_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = put(tmp_path, 150)
    monkeypatch.setattr("devflow.retrieval.parsers._RETIRES_AFTER", sum(found.size for found in queue) // 4)
    started: list[int] = []
    start = asyncio.create_subprocess_exec

    async def noted(*arguments: Any, **options: Any) -> asyncio.subprocess.Process:
        process = await start(*arguments, **options)
        started.append(process.pid)
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", noted)
    parsers = Parsers(IndexOptions(), count=1)
    done = await parsed(parsers, queue)
    assert [child.pid for child in children("devflow.retrieval.parsers")] == started[-1:]
    await parsers.close()
    assert len(started) > 1
    assert sorted(file.path for file in done.files) == sorted(f"m{n}.py" for n in range(150))


async def test_parsers_go_on_while_nobody_asks_but_not_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devflow.retrieval.parsers._BATCH_FILES", 10)
    monkeypatch.setattr("devflow.retrieval.parsers._AHEAD", 3)
    queue = put(tmp_path, 150)
    parsers = Parsers(IndexOptions(), count=1)
    first = await parsers.next(queue, {})
    taken = 150 - len(first.files) - 3 * 10
    async with asyncio.timeout(HANGS):
        while len(queue) > taken or parsers._busy:  # noqa: ASYNC110  # what it waits for tells nobody
            await asyncio.sleep(0.01)
    assert len(queue) == taken
    assert len((await parsers.next(queue, {})).files) == 30
    await parsers.close()


async def test_a_large_walk_uses_them_and_ends_them(tmp_path: Path) -> None:
    put(tmp_path, WORTH_IT + 10)
    steps: list[tuple[int, int]] = []
    status = await build(
        tmp_path, IndexOptions(vectors=False), lambda done, total: steps.append((done, total))
    )
    assert status.files == WORTH_IT + 10
    assert steps[-1] == (status.files, status.files)
    assert not children("devflow.retrieval.parsers")
    index = await Index.open([tmp_path])
    assert await index.symbols_named("f7")
    await index.close()
