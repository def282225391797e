"""What counts beside a query's words: the open files, what changes with them, and what was changed lately."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import pytest

from devflow.retrieval.build import build
from devflow.retrieval.graph.open_graph import CodeGraph
from devflow.retrieval.index import Index
from devflow.retrieval.nearness import FACTS, Changed, Nearness
from devflow.retrieval.search import SearchOptions
from devflow.retrieval.walk import IndexOptions
from support.patience import HANGS
from support.repository import git

QUERY = "read the settings of a connection"
SAME = (
    'def read_settings(connection):\n    """Read the settings of a connection."""\n    return connection.{}\n'
)


async def indexed(root: Path) -> Index:
    await build(root, IndexOptions(vectors=False))
    return await Index.open([root])


def two_alike(root: Path) -> None:
    for name in ("ape", "bee"):
        (root / f"{name}.py").write_text(SAME.format(name))
        (root / f"uses_{name}.py").write_text(f"import {name}\n\n\nprint({name})\n")
    for path in root.iterdir():
        os.utime(path, (1_700_000_000, 1_700_000_000))


def others_since(root: Path, *, repository: bool) -> None:
    """Twenty other files, changed after those that are there."""
    if repository:
        git(root, "init", "-q")
        git(root, "add", "-A")
        git(root, "commit", "-qm", "Begin", at=1)
    for number in range(20):
        path = root / f"other_{number}.py"
        path.write_text(f"other = {number}\n")
        os.utime(path, (1_700_000_100, 1_700_000_100))
    if repository:
        git(root, "add", "-A")
        git(root, "commit", "-qm", "Others", at=2)


def order(hits: object) -> list[str]:
    return [hit.path.stem for hit in hits if hit.path.stem in ("ape", "bee")]  # type: ignore[attr-defined]


async def test_of_two_that_answer_alike_the_one_that_an_open_file_imports_comes_first(tmp_path: Path) -> None:
    two_alike(tmp_path)
    index = await indexed(tmp_path)
    try:
        for name, other in (("ape", "bee"), ("bee", "ape")):
            hits = await index.search(QUERY, near=[tmp_path / f"uses_{name}.py"])
            assert order(hits) == [name, other]
        unmoved = await index.search(QUERY, options=SearchOptions(facts=FACTS - {"imports"}))
        assert unmoved == await index.search(QUERY)
    finally:
        await index.close()


async def test_what_answers_far_better_comes_first_wherever_it_is(tmp_path: Path) -> None:
    two_alike(tmp_path)
    (tmp_path / "ape.py").write_text("def close(door):\n    return door.connection\n")
    index = await indexed(tmp_path)
    try:
        hits = await index.search(QUERY, near=[tmp_path / "uses_ape.py"])
        assert order(hits)[0] == "bee"
    finally:
        await index.close()


async def test_of_two_that_answer_alike_the_one_that_changes_with_an_open_file_comes_first(
    tmp_path: Path,
) -> None:
    git(tmp_path, "init", "-q")
    two_alike(tmp_path)
    (tmp_path / "page.html").write_text("<p>")
    for at in range(3):
        (tmp_path / "page.html").write_text(f"<p>{at}")
        (tmp_path / "bee.py").write_text(SAME.format("bee") + "#" * at)
        git(tmp_path, "add", "-A", ".")
        git(tmp_path, "commit", "-qm", "Both", at=at)
    (tmp_path / "ape.py").write_text(SAME.format("ape") + "##")
    git(tmp_path, "commit", "-qam", "The other one", at=9)
    index = await indexed(tmp_path)
    try:
        assert order(await index.search(QUERY)) == ["ape", "bee"]
        assert order(await index.search(QUERY, near=[tmp_path / "page.html"])) == ["bee", "ape"]
    finally:
        await index.close()


@pytest.mark.parametrize("last", ["ape", "bee"])
@pytest.mark.parametrize("repository", [True, False])
async def test_of_two_that_answer_alike_the_one_changed_last_comes_first(
    tmp_path: Path, last: str, repository: bool
) -> None:
    two_alike(tmp_path)
    others_since(tmp_path, repository=repository)
    (tmp_path / f"{last}.py").write_text(SAME.format(last) + "#")
    os.utime(tmp_path / f"{last}.py", (1_700_000_900, 1_700_000_900))
    if repository:
        git(tmp_path, "commit", "-qam", "Later", at=3)
    index = await indexed(tmp_path)
    try:
        assert order(await index.search(QUERY))[0] == last
    finally:
        await index.close()


async def test_files_that_were_unpacked_at_once_are_in_no_order(tmp_path: Path) -> None:
    two_alike(tmp_path)
    for at, name in enumerate(("ape", "uses_ape", "bee", "uses_bee")):
        os.utime(tmp_path / f"{name}.py", (1_700_000_000 + at, 1_700_000_000 + at))
    index = await indexed(tmp_path)
    try:
        without = SearchOptions(facts=FACTS - {"lately"})
        assert order(await index.search(QUERY)) == order(await index.search(QUERY, options=without))
    finally:
        await index.close()


async def test_a_new_commit_counts_in_the_next_search(tmp_path: Path) -> None:
    two_alike(tmp_path)
    others_since(tmp_path, repository=True)
    index = await indexed(tmp_path)
    try:
        assert order(await index.search(QUERY)) == ["ape", "bee"]
        (tmp_path / "bee.py").write_text(SAME.format("bee") + "#")
        git(tmp_path, "commit", "-qam", "Later", at=3)
        await build(tmp_path, IndexOptions(vectors=False))
        assert order(await index.search(QUERY)) == ["bee", "ape"]
    finally:
        await index.close()


async def test_a_search_does_not_wait_for_the_imports_to_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_alike(tmp_path)
    index = await indexed(tmp_path)
    may_read = threading.Event()
    ask = CodeGraph.ask

    async def later(self: CodeGraph, *given: object) -> object:
        await asyncio.to_thread(may_read.wait)
        return await ask(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(CodeGraph, "ask", later)
    try:
        near = [tmp_path / "uses_bee.py"]
        plain = await index.search(QUERY, deadline=HANGS)
        assert await index.search(QUERY, deadline=HANGS, near=near) == plain
        may_read.set()
        async with asyncio.timeout(HANGS):
            while order(await index.search(QUERY, deadline=HANGS, near=near)) != ["bee", "ape"]:
                pass
    finally:
        may_read.set()
        await index.close()


def test_what_is_not_known_adds_nothing() -> None:
    assert Nearness().added(["a.py", "b.py"], FACTS) == [0.0, 0.0]
    there = Nearness(Path("/"), ("a.py",), {}, Changed({"b.py": 0}, {"b.py": frozenset([1])}))
    assert there.added(["a.py", "b.py"], FACTS) == [0.0, 1.0]
    assert there.added(["a.py", "b.py"], frozenset()) == [0.0, 0.0]


def test_an_open_file_is_no_nearer_than_the_nearest_other_one() -> None:
    ranks = {Path("/a.py"): 0.9, Path("/b.py"): 0.1, Path("/c.py"): 0.01}
    a, b, c, other = Nearness(Path("/"), ("a.py",), ranks).added(["a.py", "b.py", "c.py", "d.py"], FACTS)
    assert a == b > c > other == 0
