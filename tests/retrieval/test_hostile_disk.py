"""What a disk can do to an index: it is told in clear words, nothing is lost, and nothing else suffers."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import aiosqlite
import pytest
from index.content import content

from devflow.retrieval import indexer, write
from devflow.retrieval.build import build
from devflow.retrieval.graph.open_graph import CodeGraph
from devflow.retrieval.index import Index, index_directory
from devflow.retrieval.indexer import Events, RootIndexer
from devflow.retrieval.local import local_vectors
from devflow.retrieval.prepare import PreparedFile
from devflow.retrieval.status import read_status
from devflow.retrieval.store import DATABASE, Reader, make_directory
from devflow.retrieval.walk import Found, IndexOptions, Skip, walk
from support.patience import HANGS

TEXT_ONLY = IndexOptions(vectors=False)


def put(root: Path, count: int = 30) -> None:
    root.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        body = "".join(f"def f{number}_{n}(a, b):\n    return a.x{n}(b, g{number})\n\n" for n in range(40))
        (root / f"m{number}.py").write_text(body, "utf-8")


async def fresh(
    root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, list[tuple[object, ...]]]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    await build(root, TEXT_ONLY)
    return content(index_directory(root))


async def test_a_store_with_rubbish_in_the_middle_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "ws"
    put(root)
    await build(root, TEXT_ONLY)
    database = index_directory(root) / DATABASE
    with database.open("r+b") as file:
        file.seek(8 * 4096)
        file.write(b"\xa5" * (database.stat().st_size - 12 * 4096))
    put(root, 29)
    (root / "m3.py").write_text("def other(): ...\n")
    (root / "m4.py").unlink()
    status = await build(root, TEXT_ONLY)
    status = await build(root, TEXT_ONLY) if status.state != "ready" else status
    assert status.state == "ready"
    assert content(index_directory(root)) == await fresh(root, tmp_path / "fresh", monkeypatch)


FULL = """
import asyncio, resource, signal, sys
from collections.abc import AsyncIterator
from pathlib import Path
from devflow.retrieval.build import build
from devflow.retrieval.walk import IndexOptions
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
status = asyncio.run(build(Path(sys.argv[1]), IndexOptions(vectors=False)))
print(status.state, status.problem)
"""


def test_a_disk_without_room_is_told_and_loses_nothing(tmp_path: Path) -> None:
    root = tmp_path / "ws"
    put(root)
    said = subprocess.run(
        [sys.executable, "-c", FULL, str(root), "200000"],
        capture_output=True,
        text=True,
        check=True,
        timeout=HANGS,
    )
    assert said.stdout.startswith("failed ")
    assert "not up to date" in said.stdout or "cannot be written" in said.stdout
    assert len(said.stdout.strip().splitlines()) == 1
    status = asyncio.run(build(root, TEXT_ONLY))
    assert (status.state, status.files, status.problem) == ("ready", 30, "")
    assert status.last_error == ""  # it had no room to note it either
    content(index_directory(root))


async def test_a_disk_that_has_room_again_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, 3)
    full, tries, states, problems = True, 0, [], []
    stored = write.put_files

    async def put_files(db: aiosqlite.Connection, files: Sequence[PreparedFile]) -> int:
        nonlocal tries
        tries += 1
        if full:
            raise sqlite3.OperationalError("database or disk is full")
        return await stored(db, files)

    monkeypatch.setattr(write, "put_files", put_files)
    monkeypatch.setattr(indexer, "FIRST_RETRY", 0.001)
    monkeypatch.setattr(indexer, "LAST_RETRY", 0.001)
    work = RootIndexer(tmp_path, TEXT_ONLY, Events(state=states.append, problem=problems.append), usage=False)
    running = asyncio.create_task(work.run())
    try:
        async with asyncio.timeout(HANGS):
            while tries < 4:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
            full = False
            while states[-1] != "ready":  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        status = await work.status()
        assert (status.state, status.files, status.problem) == ("ready", 3, "")
        assert [problem.partition(":")[0] for problem in problems] == ["The disk is full"]
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def test_a_full_disk_is_tried_less_and_less_often() -> None:
    assert [indexer.retry_after(failures) for failures in range(7)] == [5, 10, 20, 40, 80, 120, 120]
    assert indexer.retry_after(10_000) == 120


async def test_a_rebuild_that_is_asked_for_does_not_wait_for_the_next_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, 1)
    monkeypatch.setattr(indexer, "FIRST_RETRY", 10 * HANGS)
    monkeypatch.setattr(indexer, "LAST_RETRY", 10 * HANGS)
    failures = [OSError(errno.ENOSPC, "No space left on device")]
    opened = indexer.open_writer

    async def open_writer(directory: Path) -> tuple[aiosqlite.Connection, str]:
        if failures:
            raise failures.pop()
        return await opened(directory)

    monkeypatch.setattr(indexer, "open_writer", open_writer)
    states: list[str] = []
    work = RootIndexer(tmp_path, TEXT_ONLY, Events(state=states.append), usage=False)
    running = asyncio.create_task(work.run())
    try:
        async with asyncio.timeout(HANGS):
            await work.settled()
            assert states == ["failed"]
            work.rebuild()
            await work.settled()
        assert states[-1] == "ready"
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_store_that_had_no_room_for_its_tables_is_as_none(tmp_path: Path) -> None:
    directory = index_directory(tmp_path)
    make_directory(directory)
    with contextlib.closing(sqlite3.connect(directory / DATABASE)) as db:
        db.execute("PRAGMA journal_mode = WAL")  # written before the tables are
    index, graph = await Index.open([tmp_path]), CodeGraph([(tmp_path, directory)])
    try:
        assert await index.search("anything") == []
        assert await graph.find("anything") == []
        async with local_vectors(tmp_path) as (vectors, problem):
            assert vectors is None
            assert "no vectors" in problem
        put(tmp_path, 1)
        await build(tmp_path, TEXT_ONLY)
        assert await index.search("f0_1") != []
        assert await graph.find("f0_1") != []
    finally:
        await index.close()
        await graph.close()


async def test_a_store_that_another_process_replaces_meanwhile_is_not_called_damaged(tmp_path: Path) -> None:
    class Replaced(Reader):
        thrown_away = False

        @contextlib.asynccontextmanager
        async def snapshot(self) -> AsyncIterator[aiosqlite.Connection | None]:
            if not self.thrown_away:
                self.thrown_away = True
                raise sqlite3.OperationalError("disk I/O error")
            async with super().snapshot() as db:
                yield db

    put(tmp_path, 1)
    await build(tmp_path, TEXT_ONLY)
    directory = index_directory(tmp_path)
    reader = Replaced(directory)
    try:
        status = await read_status(reader, tmp_path, directory)
    finally:
        await reader.close()
    assert (status.state, status.problem) == ("ready", "")


async def test_a_damaged_store_is_not_called_empty(tmp_path: Path) -> None:
    directory = index_directory(tmp_path)
    make_directory(directory)
    (directory / DATABASE).write_bytes(os.urandom(8_192))
    reader = Reader(directory)
    try:
        status = await read_status(reader, tmp_path, directory)
    finally:
        await reader.close()
    assert status.state == "failed"
    assert "devflow index --rebuild" in status.problem


async def test_a_clock_that_went_backwards_hides_no_change(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("def one(): ...\n")
    os.utime(path, (2_000_000_000, 2_000_000_000))
    await build(tmp_path, TEXT_ONLY)
    path.write_text("def two(): ...\n")
    os.utime(path, (1_000_000_000, 1_000_000_000))
    await build(tmp_path, TEXT_ONLY)
    index = await Index.open([tmp_path])
    try:
        assert await index.symbols_named("two")
        assert not await index.symbols_named("one")
    finally:
        await index.close()


def test_links_that_lead_in_circles_are_not_followed(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "up").symlink_to(tmp_path)
    (inner / "self").symlink_to(inner / "self")
    (inner / "m.py").write_text("x = 1\n")
    items = list(walk(tmp_path))
    assert [item.relative for item in items if isinstance(item, Found)] == ["a/b/m.py"]
    assert sorted(item.reason for item in items if isinstance(item, Skip)) == ["symbolic link"] * 2


def test_a_folder_that_may_not_be_read_costs_itself_only() -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        root.chmod(0o755)
        (root / "m.py").write_text("x = 1\n")
        (root / "shut").mkdir()
        (root / "shut" / "n.py").write_text("y = 1\n")
        (root / "shut").chmod(0)
        superuser = os.geteuid() == 0
        if superuser:
            os.seteuid(65534)  # to the superuser every folder is open
        try:
            items = list(walk(root))
        finally:
            if superuser:
                os.seteuid(0)
            (root / "shut").chmod(0o700)
    assert [(type(item).__name__, item.path.name) for item in items] == [("Found", "m.py"), ("Skip", "shut")]
    assert isinstance(items[1], Skip)
    assert items[1].reason == "unreadable"


def test_a_file_of_a_gigabyte_is_left_out_unread(tmp_path: Path) -> None:
    with (tmp_path / "huge.py").open("wb") as file:
        file.truncate(1 << 30)
    [item] = walk(tmp_path)
    assert isinstance(item, Skip)
    assert item.reason == "too large"
