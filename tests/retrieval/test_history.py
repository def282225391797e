"""What git tells of a root, in repositories made on the spot."""

from __future__ import annotations

from pathlib import Path

import pytest

from devflow.retrieval.build import build
from devflow.retrieval.history import EVERY_CHANGE, MOST_CHANGES, read_history
from devflow.retrieval.index import Index
from devflow.retrieval.store import Reader, index_directory
from devflow.retrieval.walk import IndexOptions
from support.repository import git


def commit(root: Path, subject: str, *names: str, at: int) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"x = {at}\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", subject, at=at)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    commit(tmp_path, "Begin", "app/a.py", "app/b.py", "docs/c.md", at=1)
    commit(tmp_path, "Both", "app/a.py", "app/b.py", at=2)
    commit(tmp_path, "Ümlaut\x1b and more", "app/a.py", at=3)
    return tmp_path


async def indexed(root: Path) -> Index:
    status = await build(root, IndexOptions(vectors=False))
    assert (status.state, status.problem) == ("ready", "")
    return await Index.open([root])


async def stored(root: Path) -> list[tuple[str, int]]:
    """Which file was changed when, as the store knows it, the newest first."""
    store = Reader(index_directory(root))
    try:
        rows = await store.rows(EVERY_CHANGE, (MOST_CHANGES,))
        return sorted(((path, time - 1_700_000_000) for path, _, time in rows), key=lambda row: -row[1])
    finally:
        await store.close()


async def test_files_that_change_together_are_told(repository: Path) -> None:
    index = await indexed(repository)
    try:
        assert await index.changed_with(repository / "app/a.py") == [(repository / "app/b.py", 2)]
    finally:
        await index.close()


async def test_every_commit_is_told_with_its_time_its_subject_and_its_files(repository: Path) -> None:
    told = await read_history(repository)
    assert told is not None
    assert [(each.time - 1_700_000_000, each.subject, each.files) for each in told] == [
        (3, "Ümlaut  and more", ("app/a.py",)),
        (2, "Both", ("app/a.py", "app/b.py")),
        (1, "Begin", ("app/a.py", "app/b.py", "docs/c.md")),
    ]


async def test_new_commits_and_a_history_made_again_are_followed(repository: Path) -> None:
    await (await indexed(repository)).close()
    commit(repository, "More", "docs/c.md", at=4)
    await (await indexed(repository)).close()
    assert (await stored(repository))[:2] == [("docs/c.md", 4), ("app/a.py", 3)]
    git(repository, "reset", "-q", "--hard", "HEAD~2")
    await (await indexed(repository)).close()
    assert {time for _, time in await stored(repository)} == {2, 1}


async def test_a_root_inside_a_repository_has_its_own_part_of_the_history(repository: Path) -> None:
    found = await read_history(repository / "app")
    assert found is not None
    assert [each.files for each in found] == [("a.py",), ("a.py", "b.py"), ("a.py", "b.py")]
    found = await read_history(repository / "docs")
    assert found is not None
    assert [each.subject for each in found] == ["Begin"]


async def test_without_a_repository_there_is_no_history(tmp_path: Path) -> None:
    assert await read_history(tmp_path) is None
    (tmp_path / "a.py").write_text("x = 1\n")
    index = await indexed(tmp_path)
    assert await index.changed_with(tmp_path / "a.py") == []
    await index.close()
    assert await stored(tmp_path) == []


async def test_a_hostile_repository_runs_nothing(repository: Path) -> None:
    witness = repository.parent / "witness"
    program = repository / "evil.sh"
    program.write_text(f"#!/bin/sh\ntouch {witness}\n")
    program.chmod(0o755)
    for name in (
        "core.fsmonitor",
        "core.pager",
        "core.sshCommand",
        "diff.external",
        "gpg.program",
        "core.editor",
    ):
        git(repository, "config", name, str(program))
    git(repository, "config", "log.showSignature", "true")
    git(repository, "config", "core.hooksPath", str(repository))
    (repository / ".gitattributes").write_text("* diff=evil filter=evil\n")
    for name in ("diff.evil.textconv", "filter.evil.smudge", "filter.evil.clean"):
        git(repository, "config", name, str(program))
    found = await read_history(repository)
    assert found is not None
    assert len(found) == 3
    assert not witness.exists()


async def test_a_broken_repository_costs_nothing_else(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_bytes(b"\xff" * 100)
    (tmp_path / "a.py").write_text("def here(): ...\n")
    index = await indexed(tmp_path)
    assert len(await index.symbols_named("here")) == 1
    await index.close()
    assert await stored(tmp_path) == []
