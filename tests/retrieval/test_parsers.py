from __future__ import annotations

import asyncio
import os
import signal
from collections import deque
from pathlib import Path
from typing import Any

import psutil
import pytest

from devflow.retrieval.batch import Prepared
from devflow.retrieval.index import Index, build
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


async def test_a_file_that_kills_its_parser_costs_itself_only(tmp_path: Path) -> None:
    queue = put(tmp_path, 5)
    # A stream without end: the parser is killed while it reads, each time it tries.
    (tmp_path / "m2.py").unlink()
    os.mkfifo(tmp_path / "m2.py")
    parsers = Parsers(IndexOptions(), count=1)
    reading = asyncio.create_task(parsed(parsers, queue))
    for _ in range(2):
        # The writer's end opens only when the parser has opened its own.
        handle = await asyncio.to_thread(os.open, tmp_path / "m2.py", os.O_WRONLY)
        [child] = children("devflow.retrieval.parsers")
        child.send_signal(signal.SIGKILL)
        os.close(handle)
        while _runs(child):  # noqa: ASYNC110  # until then it holds its end of the pipe
            await asyncio.sleep(0)
    done = await reading
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


def _runs(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
