from __future__ import annotations

import asyncio
import contextlib
import socket
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import aiosqlite
import numpy as np
import pytest

from devflow.retrieval.base import VectorOptions
from devflow.retrieval.build import build
from devflow.retrieval.embedders.hashed import HashedEmbedder
from devflow.retrieval.embedders.static import StaticEmbedder
from devflow.retrieval.indexer import RootIndexer
from devflow.retrieval.store import open_writer
from devflow.retrieval.turns import Turn, Turns
from devflow.retrieval.vector_process import VectorProcess
from devflow.retrieval.vector_sync import VectorStore, VectorSync
from devflow.retrieval.vectors import VectorsUnavailable, open_vectors
from devflow.retrieval.walk import IndexOptions
from devflow.retrieval.words import indexed, parts, query_words, words
from support.patience import HANGS
from support.processes import children

PROCESS = "devflow.retrieval.vector_process"
TEXTS = ["def parse_ignore_file(path)", "class ColourPicker", "read_ignore_rules from a file path"]


def test_the_same_text_has_the_same_vector_in_every_process() -> None:
    [vector] = HashedEmbedder().embed([TEXTS[0]])
    # Pinned: stored vectors must stay comparable; a change of these needs a new embedder name.
    assert np.flatnonzero(vector)[:6].tolist() == PINNED
    assert (HashedEmbedder().embed(TEXTS)[0] == vector).all()


PINNED = [3, 5, 15, 19, 24, 29]


def test_vectors_have_length_one_and_similar_texts_are_near() -> None:
    vectors = HashedEmbedder().embed(TEXTS)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0)
    assert vectors[0] @ vectors[2] > vectors[0] @ vectors[1] + 0.1


def test_a_text_without_a_word_is_all_zeros() -> None:
    assert not HashedEmbedder().embed(["", "+-*/"]).any()


HASHED = VectorOptions(embedder="devflow-hashed")
OPENERS = [
    lambda directory, store: open_vectors(directory, store, HashedEmbedder()),
    lambda directory, store: VectorProcess(directory, store, HASHED),
]


@pytest.fixture(params=OPENERS, ids=["in this process", "in a process of their own"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], VectorStore]:
    return lambda store: request.param(tmp_path / "chroma", store)


def test_room_that_chroma_no_longer_needs_is_given_back_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devflow.retrieval.vectors._SYNC", 100)
    vectors = open_vectors(tmp_path / "chroma", "s", HashedEmbedder())
    try:
        for at in range(0, 1_000, 100):
            vectors.add(range(at, at + 100), [f"def number_{n}(): return {n}" for n in range(at, at + 100)])
    finally:
        vectors.close()
    [database] = (tmp_path / "chroma").glob("*/chroma.sqlite3")
    with contextlib.closing(sqlite3.connect(database)) as db:
        [(free,)], [(pages,)] = (
            db.execute(f"PRAGMA {count}").fetchall() for count in ("freelist_count", "page_count")
        )
    assert free * 10 <= pages
    again = open_vectors(tmp_path / "chroma", "s", HashedEmbedder())
    try:
        assert again.count() == 1_000
        assert again.nearest("number_7", 3)[0][0] == 7
    finally:
        again.close()


def test_a_workspace_and_the_environment_cannot_send_vectors_to_a_server(
    opened: Callable[[str], VectorStore], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        port = str(listening.getsockname()[1])
        named = {
            "API_IMPL": "chromadb.api.fastapi.FastAPI",
            "SERVER_HOST": "127.0.0.1",
            "SERVER_HTTP_PORT": port,
        }
        (workspace / ".env").write_text("".join(f"CHROMA_{name}={value}\n" for name, value in named.items()))
        monkeypatch.chdir(workspace)
        for name, value in named.items():
            monkeypatch.setenv(f"CHROMA_{name}", value)
        vectors = opened("s")
        vectors.add([1], TEXTS[:1])
        assert [id_ for id_, _ in vectors.nearest(TEXTS[0], 1)] == [1]
        vectors.close()
        with pytest.raises(BlockingIOError):
            listening.accept()


def test_vectors_are_kept_replaced_and_deleted(opened: Callable[[str], VectorStore]) -> None:
    vectors = opened("s")
    vectors.add([1, 2, 3], TEXTS)
    vectors.add([2], [TEXTS[0]])
    vectors.delete([3, 99])
    assert vectors.count() == 2
    assert {id_ for id_, similarity in vectors.nearest(TEXTS[0], 5) if similarity > 0.99} == {1, 2}
    assert vectors.nearest("+-", 5) == []
    vectors.close()
    again = opened("s")
    assert again.count() == 2
    again.close()


def test_a_second_owner_is_refused_at_once(opened: Callable[[str], VectorStore]) -> None:
    vectors = opened("s")
    with pytest.raises(VectorsUnavailable, match="in use by another process"):
        opened("s")
    vectors.close()


def test_another_store_starts_afresh(opened: Callable[[str], VectorStore]) -> None:
    vectors = opened("s")
    vectors.add([1], TEXTS[:1])
    vectors.close()
    other = opened("t")
    assert other.count() == 0
    other.close()


class Lengths:
    """An embedder of one's own."""

    name = "lengths"
    dimensions = 2

    def embed(self, texts: Sequence[str], paths: Sequence[str] = ()) -> list[list[float]]:
        return [[1.0, 0.0] if len(text) < 25 else [0.0, 1.0] for text in texts]


def test_any_embedder_will_do_and_another_one_starts_afresh(tmp_path: Path) -> None:
    vectors = open_vectors(tmp_path / "chroma", "s", Lengths())
    vectors.add([1, 2, 3], TEXTS)
    assert vectors.nearest("short", 1) == [(2, 1.0)]
    vectors.close()
    hashed = open_vectors(tmp_path / "chroma", "s", HashedEmbedder())
    assert hashed.count() == 0
    hashed.close()


def lengths(choice: str) -> Lengths:
    assert choice == "lengths"
    return Lengths()


def test_the_old_vectors_answer_until_the_new_ones_are_complete(tmp_path: Path) -> None:
    old = open_vectors(tmp_path / "chroma", "s", Lengths(), choice="lengths")
    old.add([1, 2], TEXTS[:2])
    old.finish()
    old.close()
    vectors = open_vectors(tmp_path / "chroma", "s", StaticEmbedder(), load=lengths)
    assert (vectors.count(), vectors.serving) == (0, "lengths")
    vectors.add([2], [TEXTS[1]])
    assert vectors.nearest("a short one", 5) == [(2, 1.0), (1, 0.0)]
    vectors.add([3], ["written meanwhile"])
    assert [id_ for id_, similarity in vectors.nearest("a short one", 5) if similarity == 1.0] == [2, 3]
    vectors.delete([2])
    assert [id_ for id_, _ in vectors.nearest("a short one", 5)] == [3, 1]
    vectors.add([1], [TEXTS[0]])
    vectors.finish()
    assert vectors.serving == StaticEmbedder().name
    assert vectors.nearest("file that is ignored", 1)[0][0] == 1
    vectors.close()
    again = open_vectors(tmp_path / "chroma", "s", StaticEmbedder(), load=lengths)
    assert (again.count(), again.serving) == (2, StaticEmbedder().name)
    again.close()


def test_old_vectors_whose_embedder_is_gone_are_deleted(tmp_path: Path) -> None:
    old = open_vectors(tmp_path / "chroma", "s", Lengths(), choice="/gone")
    old.add([1], TEXTS[:1])
    old.finish()
    old.close()
    vectors = open_vectors(tmp_path / "chroma", "s", HashedEmbedder(), load=lengths)
    assert vectors.nearest("file", 1) == []
    vectors.close()


def test_an_embedder_that_is_not_there_is_told_and_replaced(tmp_path: Path) -> None:
    vectors = VectorProcess(tmp_path / "chroma", "s", VectorOptions(embedder="/no/such/model"))
    assert "'/no/such/model'" in vectors.problem
    assert vectors.embedder == StaticEmbedder().name
    vectors.close()


def test_damaged_vectors_start_afresh(tmp_path: Path, opened: Callable[[str], VectorStore]) -> None:
    vectors = opened("s")
    vectors.close()
    [database] = (tmp_path / "chroma").glob("*/chroma.sqlite3")
    database.write_bytes(b"garbage" * 1000)
    again = opened("s")
    assert again.count() == 0
    again.close()


def test_a_process_that_was_killed_is_a_sentence(tmp_path: Path) -> None:
    vectors = VectorProcess(tmp_path / "chroma", "s", HASHED)
    [child] = children(PROCESS)
    child.kill()
    child.wait()
    with pytest.raises(VectorsUnavailable, match="has ended"):
        vectors.nearest("file", 1)
    vectors.close()


async def test_vectors_are_opened_for_a_question_and_closed_when_nobody_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db, _ = await open_writer(tmp_path)
    woken = asyncio.Event()
    sync = VectorSync(tmp_path / "chroma", woken.set)
    sync.typed()
    assert not await sync.step(db)
    assert not sync.opening
    asked = asyncio.create_task(sync.nearest("file", 3))
    await woken.wait()
    woken.clear()
    assert not await sync.step(db)
    assert sync.opening
    await woken.wait()
    assert await sync.step(db)
    assert not sync.opening
    assert await asked == []
    assert len(children(PROCESS)) == 1
    monkeypatch.setattr("devflow.retrieval.vector_sync._IDLE", 0.0)
    assert not await sync.step(db)
    assert children(PROCESS) == []
    await db.close()


class Slow:
    """Vectors that take as long to open as somebody says."""

    embedder, problem = "slow", ""

    def __init__(self) -> None:
        self.may_open = threading.Event()
        self.closed = False

    def open(self, directory: Path, store: str, options: VectorOptions) -> VectorStore:
        assert self.may_open.wait(HANGS)
        return self

    def add(self, ids: Sequence[int], texts: Sequence[str], paths: Sequence[str] = ()) -> None: ...
    def delete(self, ids: Sequence[int]) -> None: ...
    def nearest(self, query: str, limit: int) -> list[tuple[int, float]]:
        return []

    def count(self) -> int:
        return 0

    def finish(self) -> None: ...
    def close(self) -> None:
        self.closed = True


async def test_nothing_waits_for_vectors_being_opened_and_closing_closes_them(
    tmp_path: Path,
) -> None:
    db, _ = await open_writer(tmp_path)
    woken, slow = asyncio.Event(), Slow()
    sync = VectorSync(tmp_path / "chroma", woken.set, slow.open)
    assert await sync.nearest("file", 3, wait=False) == []
    for _ in range(3):
        assert not await sync.step(db)
    assert sync.opening
    closing = asyncio.create_task(sync.close())
    await asyncio.sleep(0)
    slow.may_open.set()
    await closing
    assert slow.closed
    assert not sync.opening
    await db.close()


class Hung(Slow):
    """Vectors that answer and write when somebody says so."""

    def __init__(self) -> None:
        super().__init__()
        self.may_open.set()
        self.may_answer = threading.Event()
        self.asked = 0

    def add(self, ids: Sequence[int], texts: Sequence[str], paths: Sequence[str] = ()) -> None:
        assert self.may_answer.wait(HANGS)

    def nearest(self, query: str, limit: int) -> list[tuple[int, float]]:
        self.asked += 1
        assert self.may_answer.wait(HANGS)
        return [(1, 1.0)]


async def until_open(sync: VectorSync, db: aiosqlite.Connection) -> None:
    await sync.nearest("file", 3, wait=False)
    while sync._vectors is None:
        await sync.step(db)
        await asyncio.sleep(0.01)


async def test_a_question_without_an_answer_is_waited_for_once_and_by_one_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devflow.retrieval.vector_sync._ANSWERS_WITHIN", 0.05)
    db, _ = await open_writer(tmp_path)
    hung = Hung()
    sync = VectorSync(tmp_path / "chroma", opener=hung.open)
    await until_open(sync, db)
    for _ in range(20):  # more than there are threads
        assert await sync.nearest("file", 3) == []
    assert hung.asked == 1
    assert sync.problem.startswith("The vectors do not answer;")
    hung.may_answer.set()
    async with asyncio.timeout(HANGS):
        while await sync.nearest("file", 3) != [(1, 1.0)]:  # noqa: ASYNC110  # its thread tells nobody
            await asyncio.sleep(0.01)
    assert sync.problem == ""
    await sync.close()
    await db.close()


async def test_a_question_that_was_given_up_is_not_in_the_way_of_the_next(tmp_path: Path) -> None:
    db, _ = await open_writer(tmp_path)
    hung = Hung()
    sync = VectorSync(tmp_path / "chroma", opener=hung.open)
    await until_open(sync, db)
    asked = asyncio.create_task(sync.nearest("file", 3))
    while not hung.asked:  # noqa: ASYNC110  # the same
        await asyncio.sleep(0.01)
    asked.cancel()
    again = asyncio.create_task(sync.nearest("file", 3))
    await asyncio.gather(asked, return_exceptions=True)
    hung.may_answer.set()
    assert await again == [(1, 1.0)]
    await sync.close()
    await db.close()


async def test_a_write_that_hangs_keeps_no_step_waiting_and_is_noted_when_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devflow.retrieval.vector_sync._ANSWERS_WITHIN", 0.05)
    monkeypatch.setattr("devflow.retrieval.vector_sync._TYPING", 0.0)
    (tmp_path / "ws").mkdir()
    (tmp_path / "ws/a.py").write_text("def one(): ...\n")
    status = await build(tmp_path / "ws", IndexOptions(vectors=False))
    db, _ = await open_writer(status.directory)
    hung = Hung()
    sync = VectorSync(tmp_path / "chroma", opener=hung.open)
    await until_open(sync, db)
    for _ in range(3):
        assert not await sync.step(db)
    assert sync.busy
    assert sync.problem.startswith("The vectors do not answer;")
    hung.may_answer.set()
    async with asyncio.timeout(HANGS):
        while not await sync.step(db):  # noqa: ASYNC110  # the same
            await asyncio.sleep(0.01)
    assert (sync.busy, sync.problem) == (False, "")
    assert list(await db.execute_fetchall("SELECT count(*) FROM chunks WHERE embedded = 0")) == [(0,)]
    await sync.close()
    await db.close()


async def test_of_many_folders_one_has_its_vectors_written_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devflow.retrieval.vector_sync._TYPING", 0.0)
    opened: list[Slow] = []

    def open_(directory: Path, store: str, options: VectorOptions) -> Slow:
        opened.append(Slow())
        return opened[-1]

    turn, roots = Turn(), []
    for name in ("one", "two", "three"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.py").write_text("def one(): ...\n")
        status = await build(tmp_path / name, IndexOptions(vectors=False))
        db, _ = await open_writer(status.directory)
        roots.append((VectorSync(tmp_path / name / "chroma", opener=open_, turn=turn), db))
    for sync, db in roots:
        assert not await sync.step(db)
    assert all(sync.busy for sync, _ in roots)
    left = "SELECT count(*) FROM chunks WHERE embedded = 0"
    async with asyncio.timeout(HANGS):
        while any([await db.execute_fetchall(left) != [(0,)] for _, db in roots]):
            for sync, db in roots:
                await sync.step(db)
                assert sum(not each.closed for each in opened) <= 1
            await asyncio.sleep(0.01)
    for sync, db in roots:
        await sync.close()
        await db.close()
    assert len(opened) == 3


async def test_vectors_nobody_asks_are_closed_while_another_root_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.py").write_text("def one(): ...\n")
    status = await build(tmp_path, IndexOptions(vectors=False))
    db, _ = await open_writer(status.directory)
    turn, slow = Turn(), Slow()
    slow.may_open.set()
    assert turn.take("another root")
    sync = VectorSync(tmp_path / "chroma", opener=slow.open, turn=turn)
    await until_open(sync, db)
    assert not await sync.step(db)
    assert not slow.closed
    monkeypatch.setattr("devflow.retrieval.vector_sync._IDLE", -1.0)
    assert not await sync.step(db)
    assert slow.closed
    assert sync.busy, "its chunks still wait for their turn"
    await db.close()


async def test_the_turn_is_given_back_although_something_else_cannot_be_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = Turns()
    work = RootIndexer(tmp_path, IndexOptions(), usage=False, turns=turns)

    async def stop() -> None:
        raise RuntimeError("git is stuck")

    monkeypatch.setattr(work._history, "stop", stop)
    running = asyncio.create_task(work.run())
    async with asyncio.timeout(HANGS):
        await work.settled()
    assert turns.vectors.take(work._vectors)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert turns.vectors.take("another root")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("getHTTPResponse_v2", ["get", "http", "response", "v", "2"]),
        ("snake_case", ["snake", "case"]),
        ("XMLHttpRequest", ["xml", "http", "request"]),
        ("größe_naïve", ["größe", "naïve"]),
        ("__init__", ["init"]),
    ],
)
def test_parts_of_a_name(name: str, expected: list[str]) -> None:
    assert parts(name) == expected


def test_an_identifier_is_a_word_and_its_parts() -> None:
    assert words("openFile(path)") == ["openfile", "open", "file", "path"]


@pytest.mark.parametrize(
    "text",
    [
        "self.openFile(path)\tHTTPServer2\x1c__init__\x00_ __ x" + "y" * 70,
        "größe = Straße.öffneDatei()  # naïve café ٣ 名前",
        " \r\n\x0b\x0c\x85 ",
        "",
    ],
)
def test_the_full_text_table_takes_the_words_of_a_text(text: str) -> None:
    assert indexed(text) == indexed(text) == " ".join(words(text))


def test_a_question_loses_its_stop_words() -> None:
    assert query_words("where is the file opened") == ["file", "opened"]
    assert query_words("where is it") == ["where", "is", "it"]
