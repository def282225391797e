"""Writing prepared files into the store, one transaction a batch, so that readers see whole generations."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

import aiosqlite

from devflow.retrieval.prepare import PreparedChunk, PreparedFile, path_words, symbol_words
from devflow.retrieval.words import words

_IS_ATTRIBUTE = "(kind = 'attribute' OR receiver <> '')"


async def put_files(db: aiosqlite.Connection, files: Sequence[PreparedFile]) -> int:
    """Insert or replace the files; returns the new generation. Chunks whose text did not change keep
    their ids, and so their vectors."""
    files = list({file.path: file for file in files}.values())
    async with _transaction(db):
        known = await _ids(db, [file.path for file in files])
        await _count_attributes(db, known.values(), -1)
        await db.executemany(
            "INSERT INTO files(path, language, digest, size, mtime) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT(path) DO UPDATE SET language = excluded.language, digest = excluded.digest, "
            "size = excluded.size, mtime = excluded.mtime",
            [(file.path, file.language, file.digest, file.size, file.mtime_ns) for file in files],
        )
        for table in ("symbols", "refs", "imports"):
            await db.executemany(f"DELETE FROM {table} WHERE file = ?", [(id_,) for id_ in known.values()])
        ids = await _ids(db, [file.path for file in files])
        await db.executemany(
            'INSERT INTO symbols(file, name, lower, initials, kind, start, "end", name_start, name_end, '
            "container, owner, signature, doc, line) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(ids[file.path], *row) for file in files for row in file.symbols],
        )
        await db.executemany(
            'INSERT OR REPLACE INTO refs(file, start, "end", kind, line, name, receiver, container) '
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [(ids[file.path], *row) for file in files for row in file.references],
        )
        await db.executemany(
            'INSERT OR REPLACE INTO imports(file, module, name, alias, start, "end") '
            "VALUES (?, ?, ?, ?, ?, ?)",
            [(ids[file.path], *row) for file in files for row in file.imports],
        )
        await _count_attributes(db, ids.values(), 1)
        new: list[tuple[int, str, PreparedChunk]] = []
        for file in files:
            chunks = file.chunks
            if file.path in known:
                chunks = await _keep_same_chunks(db, known[file.path], file)
            new += ((ids[file.path], file.path, chunk) for chunk in chunks)
        await _insert_chunks(db, new)
        generation = await _next_generation(db)
        await db.executemany(
            "UPDATE files SET generation = ? WHERE id = ?", [(generation, id_) for id_ in ids.values()]
        )
        return generation


async def delete_files(db: aiosqlite.Connection, paths: Sequence[str]) -> int | None:
    """Forget the files; returns the new generation, or None when none of them was known."""
    known = await _ids(db, paths)
    if not known:
        return None
    async with _transaction(db):
        await _count_attributes(db, known.values(), -1)
        for path, id_ in known.items():
            rows = await db.execute_fetchall("SELECT id, text, symbol FROM chunks WHERE file = ?", (id_,))
            await _delete_chunks(db, path, rows)
            for table in ("symbols", "refs", "imports"):
                await db.execute(f"DELETE FROM {table} WHERE file = ?", (id_,))
            await db.execute("DELETE FROM files WHERE id = ?", (id_,))
        return await _next_generation(db)


async def touch_files(db: aiosqlite.Connection, stamps: Iterable[tuple[int, int, str]]) -> None:
    """Note `(size, mtime_ns, path)` of files whose content did not change."""
    async with _transaction(db):
        await db.executemany("UPDATE files SET size = ?, mtime = ? WHERE path = ?", list(stamps))


async def files_below(db: aiosqlite.Connection, folder: str) -> list[str]:
    """Known files under the folder (relative, without a slash at the end)."""
    rows = await db.execute_fetchall(
        "SELECT path FROM files WHERE path > ? AND path < ?", (folder + "/", folder + "0")
    )
    return [row[0] for row in rows]  # "0" is the character after "/"


async def put_meta(db: aiosqlite.Connection, values: Mapping[str, object]) -> None:
    """Write entries of the `meta` table; dicts as JSON."""
    async with _transaction(db):
        await db.executemany(
            "INSERT INTO meta(key, value) VALUES (?, ?) "
            "ON CONFLICT(key) DO UPDATE SET value = excluded.value",
            [
                (key, json.dumps(value) if isinstance(value, dict) else str(value))
                for key, value in values.items()
            ],
        )


async def mark_embedded(db: aiosqlite.Connection, chunk_ids: Sequence[int]) -> None:
    """Note that the chunks' vectors are in Chroma."""
    async with _transaction(db):
        await db.executemany("UPDATE chunks SET embedded = 1 WHERE id = ?", [(id_,) for id_ in chunk_ids])


async def forget_dead_vectors(db: aiosqlite.Connection, chunk_ids: Sequence[int]) -> None:
    """Note that these ids are no longer in Chroma."""
    async with _transaction(db):
        await db.executemany("DELETE FROM dead_vectors WHERE id = ?", [(id_,) for id_ in chunk_ids])


async def embed_all_again(db: aiosqlite.Connection) -> None:
    """Chroma was lost: every chunk needs its vector again."""
    async with _transaction(db):
        await db.execute("UPDATE chunks SET embedded = 0 WHERE embedded <> 0")
        await db.execute("DELETE FROM dead_vectors")


async def _keep_same_chunks(
    db: aiosqlite.Connection, file_id: int, file: PreparedFile
) -> list[PreparedChunk]:
    """Move the file's chunks that are still there, delete those that are not; returns what is new."""
    old: dict[bytes, list[tuple[int, str, str]]] = {}
    for id_, digest, text, symbol in await db.execute_fetchall(
        "SELECT id, digest, text, symbol FROM chunks WHERE file = ? ORDER BY id DESC", (file_id,)
    ):
        old.setdefault(digest, []).append((id_, text, symbol))
    new: list[PreparedChunk] = []
    moved: list[tuple[int, int, int, int, str, int]] = []
    for chunk in file.chunks:
        same = old.get(chunk.digest)
        if same:
            id_, _, _ = same.pop()
            moved.append((chunk.start, chunk.end, chunk.first_line, chunk.last_line, chunk.kind, id_))
        else:
            new.append(chunk)
    await db.executemany(
        'UPDATE chunks SET start = ?, "end" = ?, first_line = ?, last_line = ?, kind = ? WHERE id = ?', moved
    )
    await _delete_chunks(db, file.path, [row for rows in old.values() for row in rows])
    return new


async def _insert_chunks(db: aiosqlite.Connection, chunks: list[tuple[int, str, PreparedChunk]]) -> None:
    if not chunks:
        return
    [(last,)] = await db.execute_fetchall(
        "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'chunks'), 0)"
    )
    numbered = list(enumerate(chunks, last + 1))
    await db.executemany(
        'INSERT INTO chunks(id, file, start, "end", first_line, last_line, symbol, kind, digest, text) '
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (id_, file, c.start, c.end, c.first_line, c.last_line, c.symbol, c.kind, c.digest, c.text)
            for id_, (file, _, c) in numbered
        ],
    )
    await db.executemany(
        "INSERT INTO fts(rowid, text, symbol, path) VALUES (?, ?, ?, ?)",
        [(id_, c.words, symbol_words(c.symbol), path_words(path)) for id_, (_, path, c) in numbered],
    )


async def _delete_chunks(
    db: aiosqlite.Connection, path: str, rows: Iterable[Sequence[object] | sqlite3.Row]
) -> None:
    """`rows` are `(id, text, symbol)`. A contentless FTS5 table forgets a row only when it is told the
    very words it was given."""
    doomed = [(row[0], str(row[1]), str(row[2])) for row in rows]
    if not doomed:
        return
    in_path = path_words(path)
    await db.executemany(
        "INSERT INTO fts(fts, rowid, text, symbol, path) VALUES ('delete', ?, ?, ?, ?)",
        [(id_, " ".join(words(text)), symbol_words(symbol), in_path) for id_, text, symbol in doomed],
    )
    await db.executemany("DELETE FROM chunks WHERE id = ?", [(id_,) for id_, _, _ in doomed])
    await db.executemany(
        "INSERT OR IGNORE INTO dead_vectors(id) VALUES (?)", [(id_,) for id_, _, _ in doomed]
    )


async def _count_attributes(db: aiosqlite.Connection, files: Iterable[int], sign: int) -> None:
    """Keep `attributes` the exact sum over all files, so that a count is one look-up."""
    for file in files:
        await db.execute(
            f"INSERT INTO attributes(name, times) SELECT name, {sign} * count(*) FROM refs "
            f"WHERE file = ? AND {_IS_ATTRIBUTE} GROUP BY name "
            "ON CONFLICT(name) DO UPDATE SET times = times + excluded.times",
            (file,),
        )


async def _ids(db: aiosqlite.Connection, paths: Sequence[str]) -> dict[str, int]:
    rows = await db.execute_fetchall(
        "SELECT path, id FROM files WHERE path IN (SELECT value FROM json_each(?))",
        (json.dumps(list(paths)),),
    )
    return {row[0]: row[1] for row in rows}


async def _next_generation(db: aiosqlite.Connection) -> int:
    await db.execute("UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE key = 'generation'")
    [(value,)] = await db.execute_fetchall("SELECT value FROM meta WHERE key = 'generation'")
    return int(value)


@contextlib.asynccontextmanager
async def _transaction(db: aiosqlite.Connection) -> AsyncIterator[None]:
    await db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            await db.execute("ROLLBACK")
        raise
    await db.execute("COMMIT")
