"""SQLite files of the user's own: readable for their owner alone, begun anew when they are damaged.

Imported where a file is opened, not before: `sqlite3` costs start-up.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from pathlib import Path

from filelock import FileLock

log = logging.getLogger(__name__)

_BESIDE = ("", "-wal", "-shm")
"""The files of one database: SQLite would play the log of a damaged one into what takes its place."""


def opened(
    path: Path, tables: str, *, timeout: float = 5.0, keep_damaged: bool = False, anew: str = ""
) -> sqlite3.Connection:
    """The database at `path`, for any thread; `tables` is a script that makes what is not there.

    A file that is no database is put aside as `NAME.damaged` when it is to be kept, else deleted, and a new
    one made, in which the script `anew` is run with `tables`; of several processes one does this. Raises
    sqlite3.OperationalError when it is busy or there is no room, OSError when it cannot be made."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # One process at a time: SQLite does not wait for a lock where the kind of journal is changed.
    with FileLock(f"{path}.lock", timeout=timeout, mode=0o600):
        try:
            return _connected(path, tables, timeout)
        except sqlite3.OperationalError:
            raise  # not the file's fault
        except sqlite3.DatabaseError as error:
            _remove(path, error, keep=keep_damaged)
        return _connected(path, tables + anew, timeout)


def with_column(db: sqlite3.Connection, table: str, name: str) -> None:
    """Add a column of texts, "" in the rows there are, to a table that an earlier version has made without
    it. Raises sqlite3.Error."""
    if all(column != name for _, column, *_ in db.execute(f"PRAGMA table_info({table})")):
        with contextlib.suppress(sqlite3.OperationalError):  # another process was quicker
            db.execute(f"ALTER TABLE {table} ADD COLUMN {name} TEXT NOT NULL DEFAULT ''")


def _connected(path: Path, script: str, timeout: float) -> sqlite3.Connection:
    # Made here, with its rights, before SQLite would make it with the umask's; what SQLite puts beside it
    # gets the same.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    path.chmod(0o600)
    db = sqlite3.connect(path, timeout=timeout, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA secure_delete = ON")
        db.executescript(f"BEGIN IMMEDIATE;\n{script}\nCOMMIT;")
    except sqlite3.Error:
        db.close()
        raise
    return db


def _remove(path: Path, error: sqlite3.Error, *, keep: bool) -> None:
    aside = _free(path.with_name(f"{path.name}.damaged")) if keep else None
    told = f"it is kept as {aside}" if aside is not None else "it is deleted"
    log.warning("%s is damaged (%s); %s, and a new one begun", path, error, told)
    for beside in _BESIDE:
        old = path.with_name(path.name + beside)
        with contextlib.suppress(FileNotFoundError):
            if aside is None:
                old.unlink()
            else:
                old.replace(aside.with_name(aside.name + beside))


def _free(path: Path) -> Path:
    """`path`, or the first of `path`2, `path`3 … that is not taken."""
    found, number = path, 1
    while found.exists():
        number += 1
        found = path.with_name(f"{path.name}{number}")
    return found
