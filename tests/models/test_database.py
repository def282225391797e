"""SQLite files of the user's own: their rights, and what becomes of a damaged one."""

from __future__ import annotations

import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from devflow.models.database import opened

TABLES = "CREATE TABLE IF NOT EXISTS said (word);"
DAMAGED = b"no database " * 1_000


def words(db: sqlite3.Connection) -> list[str]:
    return [word for (word,) in db.execute("SELECT word FROM said ORDER BY word")]


def test_only_their_owner_can_read_them_and_what_lies_beside_them(tmp_path: Path) -> None:
    with closing(opened(tmp_path / "deep" / "a.sqlite", TABLES)) as db:
        db.execute("INSERT INTO said VALUES ('a')")
        db.commit()
        rights = {file.name: stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "deep").iterdir()}
    assert rights == dict.fromkeys(("a.sqlite", "a.sqlite.lock", "a.sqlite-wal", "a.sqlite-shm"), 0o600)


@pytest.mark.parametrize("keep", [True, False])
def test_the_log_of_a_damaged_one_is_not_played_into_the_new_one(tmp_path: Path, keep: bool) -> None:
    path = tmp_path / "a.sqlite"
    db = opened(path, TABLES)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # or all of it could be made again from the log
    db.execute("INSERT INTO said VALUES ('old')")
    db.commit()
    log = Path(f"{path}-wal").read_bytes()
    db.close()
    path.write_bytes(DAMAGED)
    Path(f"{path}-wal").write_bytes(log)
    with closing(opened(path, TABLES, keep_damaged=keep, anew="INSERT INTO said VALUES ('anew');")) as db:
        assert words(db) == ["anew"]
    kept = [each for each in tmp_path.iterdir() if "damaged" in each.name]
    assert bool(kept) is keep


def test_of_many_that_find_it_damaged_one_begins_it_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    path.write_bytes(DAMAGED)

    def written(number: int) -> None:
        with closing(opened(path, TABLES, keep_damaged=True, anew="INSERT INTO said VALUES ('anew');")) as db:
            db.execute("INSERT INTO said VALUES (?)", (str(number),))
            db.commit()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(written, range(8)))
    with closing(opened(path, TABLES)) as db:
        assert words(db) == [*map(str, range(8)), "anew"]
    assert [each.name for each in tmp_path.iterdir() if "damaged" in each.name] == ["a.sqlite.damaged"]


def test_a_busy_one_is_not_taken_for_a_damaged_one(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    with closing(opened(path, TABLES)) as db:
        db.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError):
            opened(path, TABLES, timeout=0.01)
    assert path.exists()
