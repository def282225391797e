"""The SQLite store of one workspace root: where it lies, its schema, and how it is opened.

One writer (the index worker or `devflow index`), any number of readers. The store is derived and
disposable: its schema version is in its path, and a damaged one is thrown away and made again.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import os
import re
import sqlite3
import stat
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any
from weakref import WeakSet

import aiosqlite
import platformdirs

from devflow.retrieval.packed import functions

log = logging.getLogger(__name__)

SCHEMA = "v5"
"""Raise it with any change of the tables or of `words.words`, whose output the full-text table was given."""
DATABASE = "index.sqlite3"
_KEPT_IN: ContextVar[Path | None] = ContextVar("kept_in", default=None)
_GIVEN_BACK, _INTERRUPTED_EVERY = 2.0, 0.05
HAS_TABLES = "SELECT 1 FROM sqlite_master WHERE name = 'meta'"
"""Finds nothing in a store that is not made yet, for want of time or of room: it is as if it were not
there."""

PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA cache_size = -32000",
    "PRAGMA temp_store = MEMORY",
    # The indexes by name are written all over: the more a checkpoint gathers, the fewer pages twice.
    "PRAGMA wal_autocheckpoint = 8000",
    "PRAGMA journal_size_limit = 4194304",
)
_TABLES = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE files(
    id INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT NOT NULL UNIQUE, language TEXT NOT NULL,
    digest BLOB NOT NULL, size INTEGER NOT NULL, mtime INTEGER NOT NULL,
    uses INTEGER NOT NULL DEFAULT 0, generation INTEGER NOT NULL DEFAULT 0);
CREATE TABLE symbols(
    id INTEGER PRIMARY KEY, file INTEGER NOT NULL, name TEXT NOT NULL, folded TEXT,
    initials TEXT NOT NULL, kind TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL,
    name_start INTEGER NOT NULL, name_end INTEGER NOT NULL, container TEXT NOT NULL,
    signature TEXT NOT NULL, doc TEXT NOT NULL, line INTEGER NOT NULL,
    lower TEXT AS (coalesce(folded, lower(name))),
    owner TEXT AS (substr(container, 1 + length(rtrim(container, replace(container, '.', ''))))));
CREATE INDEX symbols_of_file ON symbols(file, start);
CREATE INDEX symbols_by_name ON symbols(lower);
CREATE INDEX symbols_by_initials ON symbols(initials) WHERE initials <> '';
CREATE INDEX symbols_by_owner ON symbols(owner) WHERE owner <> '';
CREATE TABLE uses(
    name TEXT NOT NULL, file INTEGER NOT NULL, places BLOB NOT NULL, PRIMARY KEY(name, file)) WITHOUT ROWID;
CREATE TABLE around_uses(file INTEGER PRIMARY KEY, words BLOB NOT NULL, names BLOB NOT NULL);
CREATE VIEW refs(file, start, "end", kind, line, name, receiver, container) AS
    SELECT u.file, json_extract(p.value, '$[0]'), json_extract(p.value, '$[1]'),
    json_extract(p.value, '$[2]'), json_extract(p.value, '$[3]'), u.name,
    json_extract(p.value, '$[4]'), json_extract(p.value, '$[5]')
    FROM uses u JOIN around_uses a ON a.file = u.file
    JOIN json_each(devflow_uses(u.name, u.places, a.words)) p;
CREATE VIEW refs_in(file, start, "end", kind, line, name, receiver, container) AS
    SELECT a.file, json_extract(p.value, '$[0]'), json_extract(p.value, '$[1]'),
    json_extract(p.value, '$[2]'), json_extract(p.value, '$[3]'), u.name,
    json_extract(p.value, '$[4]'), json_extract(p.value, '$[5]')
    FROM around_uses a CROSS JOIN json_each(devflow_names(a.names)) n
    CROSS JOIN uses u ON u.name = n.value AND u.file = a.file
    CROSS JOIN json_each(devflow_uses(u.name, u.places, a.words)) p;
CREATE TABLE attributes(name TEXT PRIMARY KEY, times INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE members(
    receiver TEXT NOT NULL, name TEXT NOT NULL, times INTEGER NOT NULL,
    PRIMARY KEY(receiver, name)) WITHOUT ROWID;
CREATE TABLE modules(id INTEGER PRIMARY KEY, module TEXT NOT NULL UNIQUE);
CREATE TABLE imported(
    file INTEGER NOT NULL, place INTEGER NOT NULL, module INTEGER NOT NULL, name TEXT NOT NULL, alias TEXT,
    start INTEGER NOT NULL, length INTEGER NOT NULL, PRIMARY KEY(file, place)) WITHOUT ROWID;
CREATE VIEW imports AS
    SELECT i.file, m.module, i.name, coalesce(i.alias, i.name) AS alias, i.start, i.start + i.length AS "end"
    FROM imported i CROSS JOIN modules m ON m.id = i.module;
CREATE TABLE texts(file INTEGER PRIMARY KEY, text BLOB NOT NULL);
CREATE TABLE pieces(
    id INTEGER PRIMARY KEY AUTOINCREMENT, file INTEGER NOT NULL, start INTEGER NOT NULL,
    "end" INTEGER NOT NULL, first_line INTEGER NOT NULL, last_line INTEGER NOT NULL, symbol TEXT NOT NULL,
    kind TEXT NOT NULL, digest BLOB NOT NULL, embedded INTEGER NOT NULL DEFAULT 0);
CREATE INDEX pieces_of_file ON pieces(file, start);
CREATE INDEX pieces_to_embed ON pieces(id) WHERE embedded = 0;
CREATE VIEW chunks AS
    SELECT p.*, devflow_piece(t.text, p.start, p."end") AS text
    FROM pieces p LEFT JOIN texts t ON t.file = p.file;
CREATE TABLE dead_vectors(id INTEGER PRIMARY KEY);
CREATE VIRTUAL TABLE fts USING fts5(
    text, symbol, path, content='', tokenize="porter unicode61 remove_diacritics 2 tokenchars '_'");
CREATE VIRTUAL TABLE fts_terms USING fts5vocab(fts, row);
CREATE TABLE commits(hash TEXT PRIMARY KEY, time INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX commits_by_time ON commits(time);
CREATE TABLE commit_files(path TEXT NOT NULL, hash TEXT NOT NULL, PRIMARY KEY(path, hash)) WITHOUT ROWID;
CREATE INDEX files_of_commit ON commit_files(hash);
INSERT INTO meta VALUES('generation', '0'), ('state', 'empty'), ('problem', ''), ('skipped', '{}'),
    ('embedder', ''), ('closed', '1'), ('uid', lower(hex(randomblob(8))));
"""


class StoreUnusable(Exception):
    """The store cannot be written or made; the message is a sentence for the user."""


def index_directory(root: Path) -> Path:
    """Where the index of `root` lies; nothing is created. The name is for people, the digest decides."""
    real = os.path.realpath(root)
    digest = hashlib.sha256(os.fsencode(real)).hexdigest()[:16]
    name = re.sub(r"[^\w.-]", "_", Path(real).name)[:40] or "root"
    kept_in = _KEPT_IN.get() or platformdirs.user_cache_path("devflow") / "index"
    return kept_in / SCHEMA / f"{name}-{digest}"


@contextlib.contextmanager
def indexes_in(folder: Path) -> Iterator[None]:
    """Within the block indexes are in `folder`, apart from the user's own and their budget."""
    token = _KEPT_IN.set(folder)
    try:
        yield
    finally:
        _KEPT_IN.reset(token)


def make_directory(directory: Path) -> None:
    """Create the index's folder for its owner only. Raises StoreUnusable."""
    try:
        for folder in (*reversed(directory.parents), directory):
            # `parents=True` would give the folders above the usual rights, and they list the projects' names.
            folder.mkdir(mode=0o700, exist_ok=True)
        if not is_ours(directory):
            raise StoreUnusable(
                f"The index in {directory} belongs to another user and is left alone: set XDG_CACHE_HOME to "
                "a folder of your own."
            )
        directory.chmod(0o700)
    except OSError as error:
        raise StoreUnusable(sentence_for(directory, error)) from error


def is_ours(path: Path) -> bool:
    """Whether a file or folder is there and belongs to who runs this process: what another user put in its
    place is neither read nor written, whatever its permissions say. Windows keeps caches apart by itself."""
    return _ours(path) is not None


def _ours(path: Path | str) -> os.stat_result | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found if not hasattr(os, "getuid") or found.st_uid == os.getuid() else None


def inode_of(database: Path) -> int:
    """Which file a store is now, to notice one that was made again; 0 when there is none of ours. Asked at
    every question: two calls of the system and no more."""
    name = str(database)
    found = _ours(name) if _ours(os.path.dirname(name)) is not None else None  # noqa: PTH120 - a Path each time
    if found is None or not stat.S_ISLNK(found.st_mode):
        return found.st_ino if found is not None else 0
    try:
        return database.stat().st_ino
    except OSError:
        return 0


async def open_writer(directory: Path) -> tuple[aiosqlite.Connection, str]:
    """Open the store for writing, making it when it is absent; the caller holds the writer's lock.

    Returns the connection and "" or a sentence about a damaged store that was made again.
    Raises StoreUnusable when nothing can be written there.
    """
    make_directory(directory)
    database = directory / DATABASE
    try:
        try:
            return await _open_checked(database), ""
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            log.warning("the index in %s is damaged (%s)", directory, error)
            remove(directory)
            return (
                await _open_checked(database),
                f"The index in {directory} was damaged ({error}) and is made again.",
            )
    except (sqlite3.Error, OSError) as error:
        raise StoreUnusable(sentence_for(directory, error)) from error


def remove(directory: Path) -> None:
    """Delete the database; readers notice and open the new one."""
    for ending in ("", "-wal", "-shm", "-journal"):
        path = directory / (DATABASE + ending)
        if path.is_dir():
            raise OSError(f"{path} is a folder")
        path.unlink(missing_ok=True)


def is_damage(error: BaseException) -> bool:
    """Whether the error says that the database itself is broken or of another make (not a full disk,
    not a lock)."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None and code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return True
    text = str(error)
    return "no such table" in text or "no such column" in text or "malformed" in text


def sentence_for(directory: Path, error: BaseException) -> str:
    """What a failed write means for the user."""
    text = getattr(error, "strerror", None) or str(error)
    if "full" in text or "No space" in text:
        return f"The disk is full: the index in {directory} is not up to date. Free some space and go on."
    return (
        f"The index cannot be written to {directory} ({text}): search and names from other files are "
        "missing or old. Make the folder writable or set XDG_CACHE_HOME to one that is."
    )


async def _open_checked(database: Path) -> aiosqlite.Connection:
    fresh = await asyncio.to_thread(_create, database)
    connection = await aiosqlite.connect(database, isolation_level=None)
    try:
        if fresh:
            await connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        for pragma in PRAGMAS:
            await connection.execute(pragma)
        await _register(connection)
        if fresh:
            await connection.executescript(f"BEGIN IMMEDIATE; {_TABLES} COMMIT;")
        [closed] = await connection.execute_fetchall("SELECT value FROM meta WHERE key = 'closed'")
        if closed[0] != "1":  # the last writer was killed
            [verdict] = await connection.execute_fetchall("PRAGMA quick_check(1)")
            if verdict[0] != "ok":
                raise sqlite3.DatabaseError(f"malformed: {verdict[0]}")
        await connection.execute("UPDATE meta SET value = '0' WHERE key = 'closed'")
        await connection.execute("SELECT embedded FROM pieces LIMIT 1")
    except BaseException:
        await connection.close()
        raise
    return connection


def _create(database: Path) -> bool:
    """Make the file for its owner only; whether there is nothing in it."""
    handle = os.open(database, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        return os.fstat(handle).st_size == 0
    finally:
        os.close(handle)


async def close_writer(connection: aiosqlite.Connection) -> None:
    """Close after an orderly end, so that the next opening need not check the database."""
    try:
        await connection.execute("UPDATE meta SET value = '1' WHERE key = 'closed'")
        await connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        log.info("the index was still read when it was closed, the next opening checks it: %s", error)
    finally:
        await connection.close()


class Reader:
    """Read-only connections to one store. Each `snapshot` sees one generation, whatever the writer does
    meanwhile; a store that is not there yet, or is replaced, is found again by itself."""

    def __init__(self, directory: Path, connections: int = 3) -> None:
        self._database = directory / DATABASE
        self._free: list[tuple[int, aiosqlite.Connection]] = []
        self._connections = connections
        self._limit = asyncio.Semaphore(connections)
        self._mending: set[asyncio.Task[None]] = set()
        self._threads: WeakSet[threading.Thread] = WeakSet()
        self._closed = False

    @contextlib.asynccontextmanager
    async def snapshot(self) -> AsyncIterator[aiosqlite.Connection | None]:
        """A connection inside a read transaction; None when there is no store."""
        async with self._connection() as connection:
            if connection is None:
                yield None
                return
            await connection.execute("BEGIN")
            yield connection
            await connection.execute("ROLLBACK")

    async def rows(self, sql: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        """What one statement finds; [] when there is no store. A statement sees one generation by itself: a
        transaction around it would be two more hops to the connection's thread."""
        async with self._connection() as connection:
            return [] if connection is None else list(await connection.execute_fetchall(sql, values))  # type: ignore[arg-type]

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[aiosqlite.Connection | None]:
        async with self._limit:
            opened = await self._take()
            if opened is None:
                yield None
                return
            sound = False
            try:
                yield opened[1]
                sound = True
            finally:
                if sound and not self._closed:
                    self._free.append(opened)
                else:
                    mending = asyncio.create_task(self._mend(opened))
                    self._mending.add(mending)
                    mending.add_done_callback(self._mending.discard)
                    await asyncio.shield(mending)

    async def _mend(self, opened: tuple[int, aiosqlite.Connection]) -> None:
        """Stop what was cancelled or failed in the middle. Most questions of an editor are: a connection
        that must be opened for the next one costs more than that question."""
        connection = opened[1]
        try:
            behind = asyncio.ensure_future(connection.execute_fetchall("SELECT 1"))
            while not behind.done():  # what had not begun when it was cancelled is not interrupted by then
                await connection.interrupt()
                await asyncio.wait([behind], timeout=_INTERRUPTED_EVERY)
            await behind
            if connection.in_transaction:
                await connection.execute("ROLLBACK")
        except (sqlite3.Error, ValueError):
            await _drop(connection)
        except BaseException:
            connection.stop()  # its thread must end, or the process never does
            raise
        else:
            if self._closed:
                await _drop(connection)
            else:
                self._free.append(opened)

    async def close(self) -> None:
        """Close the connections that are free, and those in use when they are given back; that is waited for
        `_GIVEN_BACK` seconds. Their threads answer to the event loop, which may be gone after this."""
        self._closed = True
        while self._free:
            _, connection = self._free.pop()
            await connection.close()
        taken = 0
        try:
            async with asyncio.timeout(_GIVEN_BACK):
                for _ in range(self._connections):
                    await self._limit.acquire()
                    taken += 1
                while self._mending:
                    await asyncio.wait(self._mending)
                for thread in [*self._threads]:
                    await asyncio.to_thread(thread.join, _GIVEN_BACK)
        except TimeoutError:
            log.info("%s is still read while it is closed", self._database)
        finally:
            for _ in range(taken):  # who comes now is told that there is no store
                self._limit.release()

    async def _take(self) -> tuple[int, aiosqlite.Connection] | None:
        inode = inode_of(self._database)
        while self._free:
            opened = self._free.pop()
            if opened[0] == inode:
                return opened
            await opened[1].close()
        if inode == 0 or self._closed:
            return None
        opening = aiosqlite.connect(f"{self._database.as_uri()}?mode=ro", uri=True, isolation_level=None)
        # A reader that nobody closed must not keep the process from ending; it has nothing to lose.
        opening._thread.daemon = True  # the library has no other way to say it
        self._threads.add(opening._thread)
        try:
            connection = await opening
            await _register(connection)
            if await _is_unmade(connection):
                opening.stop()
                return None
        except BaseException as error:
            opening.stop()  # nobody will have it: its thread must not answer to a loop that is gone
            if isinstance(error, sqlite3.Error):
                return None
            raise
        return inode, connection


async def _register(connection: aiosqlite.Connection) -> None:
    for name, arguments, function in functions():
        await connection.create_function(name, arguments, function, deterministic=True)  # type: ignore[arg-type]


async def _is_unmade(connection: aiosqlite.Connection) -> bool:
    try:
        return not await connection.execute_fetchall(HAS_TABLES)
    except sqlite3.Error:
        return False  # damaged: whoever asks is told


async def _drop(connection: aiosqlite.Connection) -> None:
    try:
        with contextlib.suppress(sqlite3.Error, ValueError):
            await connection.interrupt()
        await connection.close()
    except BaseException:
        connection.stop()  # its thread must end, or the process never does
        raise
