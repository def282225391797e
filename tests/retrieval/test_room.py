"""The room that indexes take is given back, and kept within a budget."""

from __future__ import annotations

import os
from pathlib import Path

from filelock import FileLock

from devflow.retrieval.room import LOCK, keep_within, make_room, size, tidy
from devflow.retrieval.store import close_writer, open_writer


def index(root: Path, name: str, age: int, kib: int = 100) -> Path:
    folder = root / name
    folder.mkdir(parents=True)
    (folder / "index.sqlite3").write_bytes(bytes(kib * 1024))
    (folder / LOCK).touch()
    os.utime(folder / LOCK, (10**9 - age, 10**9 - age))
    return folder


def test_nothing_goes_within_the_budget(tmp_path: Path) -> None:
    live = index(tmp_path, "v2/live", 0)
    index(tmp_path, "v2/other", 5)
    assert keep_within(10**6, live).removed == ()


def test_old_schemas_go_first_then_what_was_written_longest_ago(tmp_path: Path) -> None:
    live = index(tmp_path, "v2/live", 99)
    new, old, former = (
        index(tmp_path, name, age) for name, age in (("v2/new", 1), ("v2/old", 9), ("v1/former", 0))
    )
    assert keep_within(250 * 1024, live).removed == ("former", "old")
    assert live.exists()
    assert new.exists()
    assert not old.exists()
    assert not former.exists()


def test_what_former_schemas_kept_of_a_workspace_goes_when_it_is_indexed_anew(tmp_path: Path) -> None:
    live = index(tmp_path, "v11/live", 0)
    former, oldest, newer, other, held = (
        index(tmp_path, name, 5) for name in ("v9/live", "v10/live", "v12/live", "v9/other", "v8/live")
    )
    with FileLock(held / LOCK):
        assert make_room(1_000, live) == ""
    assert [folder.exists() for folder in (live, former, oldest, newer, other, held)] == [
        True, False, False, True, True, True,
    ]  # fmt: skip
    assert not oldest.parent.exists()
    assert other.parent.exists()


def test_the_live_index_and_a_locked_one_stay_whatever_the_budget(tmp_path: Path) -> None:
    live, held = index(tmp_path, "v2/live", 9), index(tmp_path, "v2/held", 9)
    with FileLock(held / LOCK):
        freed = keep_within(0, live)
    assert freed.removed == ()
    assert freed.over >= size(live) + size(held) - 10
    assert held.exists()


def test_an_index_whose_vectors_are_open_stays(tmp_path: Path) -> None:
    live, held = index(tmp_path, "v2/live", 9), index(tmp_path, "v2/held", 9)
    with FileLock(held / "chroma.lock"):
        assert keep_within(0, live).removed == ()


async def test_what_was_deleted_gives_its_pages_back(tmp_path: Path) -> None:
    db, _ = await open_writer(tmp_path / "store")
    try:
        await db.execute("BEGIN")
        await db.executemany(
            "INSERT INTO texts(file, text) VALUES (?, ?)", [(n, bytes(100_000)) for n in range(100)]
        )
        await db.execute("COMMIT")
        await db.execute("DELETE FROM texts")
        before = int((await db.execute_fetchall("PRAGMA page_count"))[0][0])
        while await tidy(db):
            continue
        assert int((await db.execute_fetchall("PRAGMA page_count"))[0][0]) < before // 5
    finally:
        await close_writer(db)
