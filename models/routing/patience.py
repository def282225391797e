"""A limit on waiting for somebody else, by a clock that stands while this process is busy itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

_BEATS = 5
_LATE = 0.5
"""The share of a beat after which it is late, and counts for `_COUNTS` of one: not for nothing, so that there
is an end on a machine that never gets to anything in time."""
_COUNTS = 0.25


_limit: ContextVar[asyncio.Timeout | None] = ContextVar("limit", default=None)
"""Of the waiting that is under way."""


def gave_up() -> bool:
    """Whether a `patient` round the caller has come to its end: it is cancelled for that, and by nobody."""
    limit = _limit.get()
    return limit is not None and limit.expired()


@asynccontextmanager
async def patient(seconds: float | None) -> AsyncIterator[None]:
    """As `asyncio.timeout`, but what counts is time in which the event loop was free to read what came, in
    fifths of `seconds`: when the loop was kept, by us or by a machine with much else to do, a piece may have
    arrived long ago. None: no limit. Raises TimeoutError."""
    if seconds is None:
        yield
        return
    loop = asyncio.get_running_loop()
    beat = seconds / _BEATS
    timer: asyncio.TimerHandle | None = None

    def struck(due: float, left: float) -> None:
        nonlocal timer
        left -= 1 if loop.time() - due <= beat * _LATE else _COUNTS
        if left > 0:
            due = loop.time() + beat
            timer = loop.call_at(due, struck, due, left)
        else:
            limit.reschedule(loop.time())

    async with asyncio.timeout(None) as limit:
        due = loop.time() + beat
        timer = loop.call_at(due, struck, due, _BEATS)
        outer = _limit.set(limit)
        try:
            yield
        finally:
            _limit.reset(outer)
            if timer is not None:
                timer.cancel()
