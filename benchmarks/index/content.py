"""What a store holds, without the numbers its rows happen to have: two stores of the same files are equal."""

from __future__ import annotations

import contextlib
import sqlite3
from collections import Counter
from pathlib import Path

from devflow.retrieval.packed import register
from devflow.retrieval.store import DATABASE

_CHANCE = {"id", "generation", "mtime", "embedded"}
"""Columns that say when and in which order something was written."""
_PLACES = {"dead_vectors", "meta", "pieces", "uses", "around_uses", "texts", "imported", "modules", "refs_in"}
"""Tables of the writer's own book-keeping, or that a view shows unpacked."""
_HISTORY = {"commits", "commit_files"}
"""What git says of the repository, looked at every two seconds: of the moment, not of the files."""


class Broken(Exception):
    """A store contradicts itself; the message says where."""


def content(directory: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every table's rows and every word of the full text with its place, in an order of their own. Raises
    Broken when SQLite or FTS5 finds the store damaged, a row is there twice, or belongs to no file."""
    with contextlib.closing(connected(directory)) as db:
        if (verdict := db.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
            raise Broken(f"SQLite: {verdict}")
        names = [
            name
            for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')")
            if not name.startswith(("sqlite_", "fts", "trigrams")) and name not in _PLACES | _HISTORY
        ]
        found = {name: _rows(db, name) for name in names}
        found["words"] = _words(db)
    for name, rows in found.items():
        twice = [row for row, times in Counter(rows).items() if times > 1]
        if twice and name not in ("words", "imports"):
            raise Broken(f"{len(twice)} rows of {name} are there twice: {str(twice[0])[:200]}")
    return found


def difference(one: dict[str, list[tuple[object, ...]]], other: dict[str, list[tuple[object, ...]]]) -> str:
    """One sentence about what differs; "" when nothing does."""
    for name in sorted(one.keys() | other.keys()):
        left, right = Counter(one.get(name, [])), Counter(other.get(name, []))
        if left != right:
            lost, more = list((right - left).elements()), list((left - right).elements())
            return f"{name}: {len(lost)} lost {str(lost[:2])[:300]}, {len(more)} stale {str(more[:2])[:300]}"
    return ""


def connected(directory: Path) -> sqlite3.Connection:
    """The store, to be read."""
    db = sqlite3.connect(directory / DATABASE)
    register(db)
    return db


def _rows(db: sqlite3.Connection, table: str) -> list[tuple[object, ...]]:
    columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})") if row[1] not in _CHANCE]
    if "file" not in columns:
        where = " WHERE times > 0" if table == "attributes" else ""
        wanted = ", ".join(f'"{column}"' for column in columns)
        return sorted(db.execute(f"SELECT {wanted} FROM {table}{where}"), key=repr)
    wanted = ", ".join("f.path" if column == "file" else f't."{column}"' for column in columns)
    rows = db.execute(f"SELECT {wanted} FROM {table} t LEFT JOIN files f ON f.id = t.file").fetchall()
    path = columns.index("file")
    if any(row[path] is None for row in rows):
        raise Broken(f"rows of {table} belong to no file")
    return sorted(rows, key=repr)


def _words(db: sqlite3.Connection) -> list[tuple[object, ...]]:
    db.execute("CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab(main, fts, instance)")
    where = {
        id_: (path, start)
        for id_, path, start in db.execute(
            "SELECT c.id, f.path, c.start FROM chunks c JOIN files f ON f.id = c.file"
        )
    }
    found: list[tuple[object, ...]] = []
    for term, number, column, place in db.execute('SELECT term, doc, col, "offset" FROM temp.vocabulary'):
        if number not in where:
            raise Broken(f"the full text has {term!r} of a chunk that is not there")
        found.append((*where[number], term, column, place))
    return sorted(found, key=repr)
