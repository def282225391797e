"""The state of an index, read from its store."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from devflow.retrieval.base import IndexStatus
from devflow.retrieval.store import Reader

log = logging.getLogger(__name__)

_REPLACED = 0.1
"""Seconds in which a store that was thrown away is there again."""


async def read_status(reader: Reader, root: Path, directory: Path) -> IndexStatus:
    """State and counts; `empty` without a store, `failed` with a sentence when it cannot be read."""
    try:
        try:
            read = await _read(reader)
        except sqlite3.Error:  # another process may be throwing it away, to make it again
            await asyncio.sleep(_REPLACED)
            read = await _read(reader)
    except sqlite3.Error as error:
        log.warning("the index in %s cannot be read: %s", directory, error)
        return IndexStatus(
            root=root,
            directory=directory,
            state="failed",
            problem=f"The index in {directory} cannot be read ({error}); use `devflow index --rebuild`.",
        )
    if read is None:
        return IndexStatus(root=root, directory=directory, state="empty")
    meta, counts = read
    files, symbols, references, chunks, vectors = counts
    return IndexStatus(
        root=root,
        directory=directory,
        state=meta.get("state", "empty"),
        generation=int(meta.get("generation", 0)),
        files=files,
        symbols=symbols,
        references=references,
        chunks=chunks,
        vectors=vectors,
        skipped=json.loads(meta.get("skipped", "{}")),
        left_out=json.loads(meta.get("left_out", "{}")),
        problem=meta.get("problem", ""),
        embedder=meta.get("embedder", ""),
        found=int(meta.get("found", 0)),
        walked=float(meta.get("walked", 0)),
        seconds=float(meta.get("seconds", 0)),
        last_error=meta.get("last_error", ""),
    )


async def _read(reader: Reader) -> tuple[dict[str, str], Sequence[int]] | None:
    async with reader.snapshot() as db:
        if db is None:
            return None
        meta = {row[0]: row[1] for row in await db.execute_fetchall("SELECT key, value FROM meta")}
        [counts] = await db.execute_fetchall(
            "SELECT (SELECT count(*) FROM files), (SELECT count(*) FROM symbols), "
            "(SELECT coalesce(sum(uses), 0) FROM files), (SELECT count(*) FROM pieces), "
            "(SELECT count(*) FROM pieces) - (SELECT count(*) FROM pieces WHERE embedded = 0)"
        )
        return meta, tuple(counts)
