"""The index worker as the server runs it: a real process, a real store."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import shutil
import signal
import textwrap
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from index.content import content

from devflow.analysis.usage.store import load
from devflow.retrieval.index import Index
from devflow.retrieval.store import index_directory
from devflow.retrieval.usage_files import usage_directory
from devflow.retrieval.walk import IndexOptions
from devflow.server.workers import index as index_worker
from devflow.server.workers.index import IndexWorker
from support.patience import HANGS, quickest

TEXT_ONLY = IndexOptions(vectors=False)


class Told:
    """What the worker told."""

    def __init__(self) -> None:
        self.states: list[str] = []
        self.problems: list[str] = []
        self.changed = asyncio.Event()

    def state(self, root: Path, state: str) -> None:
        self.states.append(state)
        self.changed.set()

    def problem(self, problem: str) -> None:
        self.problems.append(problem)
        self.changed.set()

    def generation(self, root: Path, generation: int) -> None:
        self.changed.set()

    async def until(self, holds: Callable[[], Awaitable[bool]], seconds: float = HANGS) -> float:
        """Wait until `holds`, looking again after each thing told; returns the seconds it took."""
        started = time.monotonic()
        async with asyncio.timeout(seconds):
            while True:
                self.changed.clear()
                if await holds():
                    return time.monotonic() - started
                await self.changed.wait()


@asynccontextmanager
async def working(
    root: Path, options: IndexOptions = TEXT_ONLY, *, watch: bool = False
) -> AsyncIterator[tuple[IndexWorker, Index, Told]]:
    """A worker that has indexed `root`, and a reader beside it."""
    told = Told()
    worker = IndexWorker(on_state=told.state, on_problem=told.problem, on_generation=told.generation)
    index = await Index.open([root], worker)
    try:
        await worker.start()
        await worker.open([root], options, watch=watch)
        await told.until(lambda: _is(told.states[-1:] in (["ready"], ["elsewhere"], ["failed"])))
        yield worker, index, told
    finally:
        await index.close()
        await worker.close()


async def _is(value: bool) -> bool:
    return value


async def names(index: Index, path: Path) -> list[str]:
    return [found.symbol.name for found in await index.symbols_in(path)]


def put(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), "utf-8")


async def test_an_edit_that_is_not_saved_is_in_the_index_within_a_second(tmp_path: Path) -> None:
    put(tmp_path, {"a.py": "def old(): ...\n"})
    async with working(tmp_path) as (worker, index, told):
        edits = itertools.count()

        async def edited() -> float:
            name = f"typed_{next(edits)}"
            worker.document(tmp_path / "a.py", f"def {name}(): ...\n")

            async def seen() -> bool:
                return await names(index, tmp_path / "a.py") == [name]

            return await told.until(seen)

        assert await quickest(edited, 1.0) <= 1


async def test_what_is_typed_is_sent_when_typing_pauses_or_goes_on_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_worker, "TYPING_PAUSE", HANGS)
    monkeypatch.setattr(index_worker, "TYPING_LASTS", 2 * HANGS)
    sent: list[str] = []
    worker = IndexWorker()
    monkeypatch.setattr(worker._worker, "notify", lambda method, params: sent.append(params["text"]))
    worker._opened = True
    worker.document(tmp_path / "a.py", "v")
    assert worker._sender is not None
    first = worker._sender.when()
    for typed in ("va", "val", "valu"):
        worker.document(tmp_path / "a.py", typed)
    await asyncio.sleep(0)
    assert worker._sender.when() > first
    assert sent == []
    monkeypatch.setattr(index_worker, "TYPING_LASTS", 0.0)
    worker.document(tmp_path / "a.py", "value")
    due = worker._sender
    while due is worker._sender:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0)
    assert sent == ["value"]


async def test_closing_a_document_brings_the_files_own_text_back(tmp_path: Path) -> None:
    put(tmp_path, {"a.py": "def old(): ...\n"})
    path = tmp_path / "a.py"
    async with working(tmp_path) as (worker, index, told):
        worker.document(path, "def typed(): ...\n")

        async def typed() -> bool:
            return await names(index, path) == ["typed"]

        async def old() -> bool:
            return await names(index, path) == ["old"]

        await told.until(typed)
        worker.release(path)
        await told.until(old)


async def test_saves_renames_and_deletes_are_followed_within_a_second(tmp_path: Path) -> None:
    put(tmp_path, {"a.py": "def one(): ...\n"})
    async with working(tmp_path) as (worker, index, told):
        rounds = itertools.count()

        async def all_of_them() -> float:
            folder = tmp_path / f"round_{next(rounds)}"
            a, b, c = tmp_path / "a.py", folder / "b.py", folder / "sub" / "c.py"
            put(folder, {"b.py": "def two(): ...\n"})
            worker.update([b])

            async def begun() -> bool:
                return await names(index, b) == ["two"]

            await told.until(begun)
            put(tmp_path, {"a.py": "def saved(): ...\n"})
            c.parent.mkdir()
            b.rename(c)
            worker.update([a, b, c])

            async def followed() -> bool:
                return (await names(index, a), await names(index, b), await names(index, c)) == (
                    ["saved"],
                    [],
                    ["two"],
                )

            took = await told.until(followed)
            a.unlink()
            worker.update([a])

            async def deleted() -> bool:
                return await names(index, a) == []

            return max(took, await told.until(deleted))

        assert await quickest(all_of_them, 1.0) <= 1


async def test_a_renamed_folder_is_followed(tmp_path: Path) -> None:
    put(tmp_path, {"old/a.py": "def one(): ...\n", "old/b.py": "def two(): ...\n"})
    async with working(tmp_path) as (worker, index, told):
        (tmp_path / "old").rename(tmp_path / "new")
        worker.update([tmp_path / "old", tmp_path / "new"])

        async def moved() -> bool:
            return [found.path for found in await index.symbols_named("two")] == [tmp_path / "new/b.py"]

        await told.until(moved)


async def test_its_own_watcher_follows_changes_from_outside(tmp_path: Path) -> None:
    put(tmp_path, {"a.py": "def old(): ...\n"})
    async with working(tmp_path, watch=True) as (_, index, told):

        async def written() -> None:
            # The watcher needs a moment to stand; what is missed before is what a restart would find.
            for number in itertools.count():
                put(tmp_path, {"a.py": f"def outside(): ...\n# {number}\n"})
                await asyncio.sleep(0.5)

        async def seen() -> bool:
            return await names(index, tmp_path / "a.py") == ["outside"]

        writing = asyncio.create_task(written())
        await told.until(seen)
        writing.cancel()


async def test_its_own_watcher_finds_a_workspace_that_is_made_again(tmp_path: Path) -> None:
    root = tmp_path / "project"
    put(root, {"a.py": "def old(): ...\n"})
    async with working(root, watch=True) as (_, index, told):
        shutil.rmtree(root)

        async def gone() -> bool:
            return not await index.symbols_named("old")

        await told.until(gone)
        put(root, {"b.py": "def cloned(): ...\n"})

        async def found() -> bool:
            return await names(index, root / "b.py") == ["cloned"]

        await told.until(found)


async def test_a_new_ignore_file_takes_files_out(tmp_path: Path) -> None:
    put(tmp_path, {"a.py": "def kept(): ...\n", "out/b.py": "def gone(): ...\n"})
    async with working(tmp_path) as (worker, index, told):
        put(tmp_path, {".gitignore": "out/\n"})
        worker.update([tmp_path / ".gitignore"])

        async def out() -> bool:
            return not await index.symbols_named("gone")

        await told.until(out)
        assert await index.symbols_named("kept")


async def test_a_killed_worker_comes_back_with_the_open_documents(tmp_path: Path) -> None:
    put(tmp_path, {"a.py": "def old(): ...\n"})
    path = tmp_path / "a.py"
    async with working(tmp_path) as (worker, index, told):
        worker.document(path, "def typed(): ...\n")

        async def typed() -> bool:
            return await names(index, path) == ["typed"]

        await told.until(typed)
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGKILL)
        worker.document(path, "def typed_later(): ...\n")

        async def later() -> bool:
            return await names(index, path) == ["typed_later"]

        await told.until(later)
        assert any("restarted" in problem for problem in told.problems)


async def test_kills_in_the_middle_leave_what_a_fresh_index_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(2)
    root = tmp_path / "ws"
    for number in range(240):  # enough for parsers
        body = "\n".join(f"def f{number}_{n}(a, b):\n    return a.x{n} + g{n}(b)\n" for n in range(12))
        put(root, {f"p{number % 7}/m{number}.py": body})
    for _ in range(10):
        under_way = asyncio.Event()
        enough = chance.randint(1, 40)

        def progress(
            root: Path, done: int, total: int, enough: int = enough, under_way: asyncio.Event = under_way
        ) -> None:
            if done >= min(enough, total):
                under_way.set()

        worker = IndexWorker(on_progress=progress)
        await worker.start()
        await worker.open([root], TEXT_ONLY)
        await under_way.wait()
        await asyncio.sleep(chance.uniform(0, 0.1))  # not a wait: a moment of its own within a batch
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGKILL)
        await worker.close()
        put(root, {"p1/m1.py": f"def changed_{chance.random()}".replace(".", "_") + "(): ...\n"})
    async with working(root):
        pass
    killed = content(index_directory(root))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "fresh"))
    async with working(root):
        pass
    assert killed == content(index_directory(root))


async def test_one_worker_keeps_several_workspaces_apart(tmp_path: Path) -> None:
    put(tmp_path, {"one/a.py": "def here(): ...\n", "two/a.py": "def there(): ...\n"})
    one, two = tmp_path / "one", tmp_path / "two"
    worker = IndexWorker()
    indexes = [await Index.open([one]), await Index.open([two])]
    try:
        await worker.start()
        await worker.open([one, two], TEXT_ONLY)
        await worker.settled(HANGS)
        assert [await names(indexes[0], one / "a.py"), await names(indexes[1], two / "a.py")] == [
            ["here"],
            ["there"],
        ]
        assert not await indexes[0].symbols_named("there")
        put(tmp_path, {"two/a.py": "def moved(): ...\n"})
        worker.update([two / "a.py"])
        await worker.settled(HANGS)
        assert await indexes[1].symbols_named("moved")
        assert await indexes[0].symbols_named("here")
    finally:
        for index in indexes:
            await index.close()
        await worker.close()


async def test_a_second_worker_on_the_same_root_reads_what_the_first_writes(tmp_path: Path) -> None:
    put(tmp_path, {"a.py": "def one(): ...\n"})
    async with working(tmp_path), working(tmp_path) as (second, index, told):
        assert told.states == ["elsewhere"]
        assert await names(index, tmp_path / "a.py") == ["one"]
        [status] = await second.status()
        assert status.state == "elsewhere"
        assert "Another DevFlow process" in status.problem
        assert status.files == 1


async def test_a_rebuild_asked_of_the_second_worker_is_said_not_to_happen(tmp_path: Path) -> None:
    put(tmp_path, {"a.py": "def one(): ...\n"})
    async with working(tmp_path), working(tmp_path) as (second, index, told):
        second.rebuild()
        await told.until(lambda: _is(any("the index was not rebuilt" in each for each in told.problems)))
        assert await names(index, tmp_path / "a.py") == ["one"]


async def test_a_second_worker_has_its_vectors_from_the_first(tmp_path: Path) -> None:
    put(tmp_path, {"a.py": "def parse_ignore_file(lines): ...\n", "b.py": "class Colour: ...\n"})
    async with working(tmp_path, IndexOptions()) as (first, _, _):
        await first.settled(HANGS)
        async with asyncio.timeout(HANGS):
            while not await first.nearest(tmp_path, "open them", 1):
                pass  # they are just being opened
        async with working(tmp_path, IndexOptions()) as (second, index, told):
            assert told.states == ["elsewhere"]
            assert await second.nearest(tmp_path, "parse ignore lines", 5) == await first.nearest(
                tmp_path, "parse ignore lines", 5
            )
            [hit, *_] = await index.search("parse ignore lines")
            assert "vectors" in hit.sources


async def test_the_second_worker_takes_over_when_the_first_ends(tmp_path: Path) -> None:
    put(tmp_path, {"a.py": "def one(): ...\n"})
    async with working(tmp_path) as (first, _, _), working(tmp_path) as (_, _, told):
        await first.close()
        await told.until(lambda: _is(told.states[-1] == "ready"))


async def test_a_cache_that_cannot_be_written_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, {"ws/a.py": "def one(): ...\n", "file": ""})
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    async with working(tmp_path / "ws") as (worker, index, told):
        assert await index.search("one") == []
        [status] = await worker.status()
        assert status.state == "failed"
        assert [status.problem] == told.problems
        assert "cannot be written" in status.problem


async def test_a_deleted_root_is_empty_and_no_error(tmp_path: Path) -> None:
    async with working(tmp_path / "gone") as (worker, _, told):
        [status] = await worker.status()
        assert (status.state, status.files) == ("ready", 0)
        assert told.problems == []


async def test_vectors_are_answered_by_the_worker(tmp_path: Path) -> None:
    put(tmp_path, {"a.py": "def parse_ignore_file(lines): ...\n", "b.py": "class Colour: ...\n"})
    async with working(tmp_path, IndexOptions()) as (worker, index, _):
        await worker._worker.request("settled", {})
        async with asyncio.timeout(HANGS):
            while not (found := await worker.nearest(tmp_path, "parse ignore lines", 5)):
                pass  # they are just being opened
        assert found[0][1] > 0.3
        [hit, *_] = await index.search("parse ignore lines")
        assert hit.path == tmp_path / "a.py"
        assert "vectors" in hit.sources


async def test_usage_models_are_made_and_told(tmp_path: Path) -> None:
    put(tmp_path, {"a.py": "client.connect(host, port)\n" * 5})
    made: list[tuple[str, Path]] = []
    worker = IndexWorker(on_usage=lambda root, language, directory: made.append((language, directory)))
    await worker.start()
    await worker.open([tmp_path], TEXT_ONLY)
    await worker._worker.request("settled", {}, timeout=HANGS)
    await worker.close()
    [(language, directory)] = made
    assert language == "python"
    assert usage_directory(index_directory(tmp_path), "python") == directory
    assert load(directory).next_tokens(["client", "."]).tokens[0][0] == "connect"


async def test_a_rebuild_goes_on_with_the_open_documents(tmp_path: Path) -> None:
    put(tmp_path, {"a.py": "def old(): ...\n"})
    path = tmp_path / "a.py"
    async with working(tmp_path) as (worker, index, told):
        worker.document(path, "def typed(): ...\n")

        async def typed() -> bool:
            return await names(index, path) == ["typed"]

        await told.until(typed)
        told.states.clear()
        worker.rebuild()
        await told.until(lambda: _is(told.states[-1:] == ["ready"]))
        await told.until(typed)
