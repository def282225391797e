"""Writing prepared files into the store, one transaction a batch, so that readers see whole generations."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

import aiosqlite

from devflow.retrieval.prepare import ImportRow, PreparedChunk, PreparedFile, path_words, symbol_words
from devflow.retrieval.words import indexed

_OF_FILE = ("symbols", "around_uses", "imported")


async def put_files(db: aiosqlite.Connection, files: Sequence[PreparedFile]) -> int:
    """Insert or replace the files; returns the new generation. Chunks whose text did not change keep
    their ids, and so their vectors."""
    files = list({file.path: file for file in files}.values())
    async with transaction(db):
        known = await _ids(db, [file.path for file in files])
        members, attributes = await _counted(db, known.values())
        await db.executemany(
            "INSERT INTO files(path, language, digest, size, mtime, uses) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT(path) DO UPDATE SET language = excluded.language, digest = excluded.digest, "
            "size = excluded.size, mtime = excluded.mtime, uses = excluded.uses",
            [(f.path, f.language, f.digest, f.size, f.mtime_ns, f.uses.count) for f in files],
        )
        if known:
            await _forget(db, known.values())
        ids = await _ids(db, [file.path for file in files])
        await db.executemany(
            'INSERT INTO symbols(file, name, folded, initials, kind, start, "end", name_start, name_end, '
            "container, signature, doc, line) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(ids[file.path], *row) for file in files for row in file.symbols],
        )
        # In the order of the table: pages are written once.
        await db.executemany(
            "INSERT INTO uses(name, file, places) VALUES (?, ?, ?)",
            sorted((name, ids[file.path], places) for file in files for name, places in file.uses.places),
        )
        await db.executemany(
            "INSERT INTO around_uses(file, words, names) VALUES (?, ?, ?)",
            [(ids[file.path], file.uses.around, file.uses.names) for file in files],
        )
        await _insert_imports(db, [(ids[file.path], file.imports) for file in files])
        for file in files:
            members.update(file.uses.members)
            attributes.update(file.uses.attributes)
        await _count(db, members, attributes)
        new: list[tuple[int, str, PreparedChunk]] = []
        for file in files:
            chunks = file.chunks
            if file.path in known:
                chunks = await _keep_same_chunks(db, known[file.path], file)
            new += ((ids[file.path], file.path, chunk) for chunk in chunks)
        await _insert_chunks(db, new)
        await db.executemany(
            "INSERT OR REPLACE INTO texts(file, text) VALUES (?, ?)",
            [(ids[file.path], file.text) for file in files],
        )
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
    async with transaction(db):
        await _count(db, *await _counted(db, known.values()))
        for path, id_ in known.items():
            rows = await db.execute_fetchall("SELECT id, text, symbol FROM chunks WHERE file = ?", (id_,))
            await _delete_chunks(db, path, rows)
            await _forget(db, [id_])
            await db.execute("DELETE FROM texts WHERE file = ?", (id_,))
            await db.execute("DELETE FROM files WHERE id = ?", (id_,))
        return await _next_generation(db)


async def touch_files(db: aiosqlite.Connection, stamps: Iterable[tuple[int, int, str]]) -> None:
    """Note `(size, mtime_ns, path)` of files whose content did not change."""
    async with transaction(db):
        await db.executemany("UPDATE files SET size = ?, mtime = ? WHERE path = ?", list(stamps))


async def files_below(db: aiosqlite.Connection, folder: str) -> list[str]:
    """Known files under the folder (relative, without a slash at the end)."""
    rows = await db.execute_fetchall(
        "SELECT path FROM files WHERE path > ? AND path < ?", (folder + "/", folder + "0")
    )
    return [row[0] for row in rows]  # "0" is the character after "/"


async def put_meta(db: aiosqlite.Connection, values: Mapping[str, object]) -> None:
    """Write entries of the `meta` table; dicts as JSON."""
    async with transaction(db):
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
    async with transaction(db):
        await db.executemany("UPDATE pieces SET embedded = 1 WHERE id = ?", [(id_,) for id_ in chunk_ids])


async def forget_dead_vectors(db: aiosqlite.Connection, chunk_ids: Sequence[int]) -> None:
    """Note that these ids are no longer in Chroma."""
    async with transaction(db):
        await db.executemany("DELETE FROM dead_vectors WHERE id = ?", [(id_,) for id_ in chunk_ids])


async def embed_all_again(db: aiosqlite.Connection) -> None:
    """Chroma was lost: every chunk needs its vector again."""
    async with transaction(db):
        await db.execute("UPDATE pieces SET embedded = 0 WHERE embedded <> 0")
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
        'UPDATE pieces SET start = ?, "end" = ?, first_line = ?, last_line = ?, kind = ? WHERE id = ?', moved
    )
    await _delete_chunks(db, file.path, [row for rows in old.values() for row in rows])
    return new


async def _forget(db: aiosqlite.Connection, files: Iterable[int]) -> None:
    """Delete all rows of these files but their chunks."""
    ids = [(id_,) for id_ in files]
    await db.executemany(
        "DELETE FROM uses WHERE file = ?1 AND name IN "
        "(SELECT n.value FROM around_uses a, json_each(devflow_names(a.names)) n WHERE a.file = ?1)",
        ids,
    )
    for table in _OF_FILE:
        await db.executemany(f"DELETE FROM {table} WHERE file = ?", ids)


async def _insert_imports(
    db: aiosqlite.Connection, imports: Sequence[tuple[int, Sequence[ImportRow]]]
) -> None:
    """A module's name once given a number keeps it, though nothing may import it any more."""
    modules = json.dumps(sorted({row[0] for _, rows in imports for row in rows}))
    await db.execute("INSERT OR IGNORE INTO modules(module) SELECT value FROM json_each(?)", (modules,))
    rows = await db.execute_fetchall(
        "SELECT m.module, m.id FROM json_each(?) j JOIN modules m ON m.module = j.value", (modules,)
    )
    numbers: dict[str, int] = {row[0]: row[1] for row in rows}
    await db.executemany(
        "INSERT INTO imported(file, place, module, name, alias, start, length) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (file, place, numbers[module], name, None if alias == name else alias, start, end - start)
            for file, made in imports
            for place, (module, name, alias, start, end) in enumerate(made)
        ],
    )


async def _insert_chunks(db: aiosqlite.Connection, chunks: list[tuple[int, str, PreparedChunk]]) -> None:
    if not chunks:
        return
    [(last,)] = await db.execute_fetchall(
        "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'pieces'), 0)"
    )
    numbered = list(enumerate(chunks, last + 1))
    await db.executemany(
        'INSERT INTO pieces(id, file, start, "end", first_line, last_line, symbol, kind, digest) '
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (id_, file, c.start, c.end, c.first_line, c.last_line, c.symbol, c.kind, c.digest)
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
        [(id_, indexed(text), symbol_words(symbol), in_path) for id_, text, symbol in doomed],
    )
    await db.executemany("DELETE FROM pieces WHERE id = ?", [(id_,) for id_, _, _ in doomed])
    await db.executemany(
        "INSERT OR IGNORE INTO dead_vectors(id) VALUES (?)", [(id_,) for id_, _, _ in doomed]
    )


async def _counted(
    db: aiosqlite.Connection, files: Iterable[int]
) -> tuple[Counter[tuple[str, str]], Counter[str]]:
    """What the files add to `members` and `attributes`, negative."""
    members: Counter[tuple[str, str]] = Counter()
    attributes: Counter[str] = Counter()
    for file in files:
        rows = await db.execute_fetchall(
            "SELECT receiver, name, count(*) FROM refs_in WHERE file = ? "
            "AND (kind = 'attribute' OR receiver <> '') GROUP BY receiver, name",
            (file,),
        )
        for receiver, name, times in rows:
            attributes[name] -= times
            if receiver:
                members[receiver, name] -= times
    return members, attributes


async def _count(
    db: aiosqlite.Connection, members: Counter[tuple[str, str]], attributes: Counter[str]
) -> None:
    """Keep both tables the exact sum over all files, so that a count is one look-up."""
    on_receivers = sorted((*key, times) for key, times in members.items() if times)
    behind_dots = sorted((name, times) for name, times in attributes.items() if times)
    await db.executemany(
        "INSERT INTO members(receiver, name, times) VALUES (?, ?, ?) "
        "ON CONFLICT(receiver, name) DO UPDATE SET times = times + excluded.times",
        on_receivers,
    )
    await db.executemany(
        "INSERT INTO attributes(name, times) VALUES (?, ?) "
        "ON CONFLICT(name) DO UPDATE SET times = times + excluded.times",
        behind_dots,
    )
    await db.executemany(
        "DELETE FROM members WHERE receiver = ? AND name = ? AND times <= 0",
        [row[:2] for row in on_receivers if row[2] < 0],
    )
    await db.executemany(
        "DELETE FROM attributes WHERE name = ? AND times <= 0", [row[:1] for row in behind_dots if row[1] < 0]
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
async def transaction(db: aiosqlite.Connection) -> AsyncIterator[None]:
    await db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            await db.execute("ROLLBACK")
        raise
    await db.execute("COMMIT")
