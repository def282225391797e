"""Whether what was read of a store into memory is still what the store holds."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiosqlite


class Freshness:
    """Of one thing that is read whole."""

    def __init__(self, rest: float = 2.0, quick: float = 0.01) -> None:
        """What takes longer than `quick` seconds to read is read again after `rest` seconds at the earliest,
        or at once in a store that was made again."""
        self._rest = rest
        self._quick = quick
        self._stamp: tuple[object, ...] = ()
        self._read_at = self._took = 0.0

    @asynccontextmanager
    async def reading(self, db: aiosqlite.Connection) -> AsyncIterator[bool]:
        """Whether to read it now; it counts as read when the block ends well."""
        rows = await db.execute_fetchall(
            "SELECT value FROM meta WHERE key IN ('generation', 'uid') ORDER BY key"
        )
        stamp = tuple(row[0] for row in rows)
        now = time.monotonic()
        resting = self._took > self._quick and now - self._read_at < self._rest
        if stamp == self._stamp or (resting and stamp[1:] == self._stamp[1:]):
            yield False
            return
        yield True
        self._stamp, self._read_at, self._took = stamp, now, time.monotonic() - now
