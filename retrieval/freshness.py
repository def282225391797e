"""Whether what was read of a store into memory is still what the store holds."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiosqlite

_QUICK = 0.01
_REST = 2.0
"""Seconds: what takes longer than _QUICK to read is read again after _REST at the earliest."""


class Freshness:
    """Of one thing that is read whole."""

    def __init__(self) -> None:
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
        resting = self._took > _QUICK and now - self._read_at < _REST
        if stamp == self._stamp or (resting and stamp[1:] == self._stamp[1:]):
            yield False
            return
        yield True
        self._stamp, self._read_at, self._took = stamp, now, time.monotonic() - now
