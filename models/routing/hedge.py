"""A second request when the first one's first word is late, and whose word comes first is heard.

"The Tail at Scale" (Dean and Barroso, CACM 2013): a few late answers decide the slowest percents, and asking
again once an answer is later than nearly all takes them away at the price of a few more requests. `Budget`
keeps it at a few: where everything is slow, asking twice would only make it worse.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from devflow.models.streams import closing

LOOK_AGAIN = 0.25
"""Seconds: what is late may be learned from other answers meanwhile."""


class Budget:
    """One request more for ten requests, and not more than ten in a burst."""

    SHARE = 0.1
    MOST = 10.0

    def __init__(self) -> None:
        self._left = 1.0

    def earn(self) -> None:
        """A request was sent."""
        self._left = min(self._left + self.SHARE, self.MOST)

    def spend(self) -> bool:
        """Whether one more may be sent; it counts as sent."""
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


class Opened:
    """A stream whose first piece has come; None: it ended without one."""

    __slots__ = ("first", "pieces")

    def __init__(self, pieces: AsyncIterator[str], first: str | None) -> None:
        self.pieces = pieces
        self.first = first


async def opened(pieces: AsyncIterator[str]) -> Opened:
    """Wait for the first piece. Raises what the stream raises, with the stream closed."""
    try:
        return Opened(pieces, await anext(pieces, None))
    except BaseException:
        async with closing(pieces):
            pass
        raise


async def hedged(
    first: Callable[[], Awaitable[Opened]],
    second: Callable[[], Awaitable[Opened] | None],
    after: Callable[[], float | None],
) -> Opened:
    """The answer that begins first: of `first`, or of `second`, which is asked after `after()` seconds of
    silence (and again while it says None: nobody just now). `after` may not know yet (None): it is asked
    again. The other one is closed. Raises what `first` raises when neither begins."""
    tasks = [asyncio.ensure_future(first())]
    heard: asyncio.Future[Opened] | None = None
    try:
        if not await _in_time(tasks[0], after):
            while (more := second()) is None and not tasks[0].done():
                await asyncio.wait(tasks, timeout=LOOK_AGAIN)
            if more is not None:
                tasks.append(asyncio.ensure_future(more))
        waiting = set(tasks)
        while waiting:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if task.exception() is None:
                    heard = task
                    return task.result()
        return tasks[0].result()
    finally:
        for task in tasks:
            if task is not heard:
                await _dropped(task)


async def _in_time(task: asyncio.Future[Opened], after: Callable[[], float | None]) -> bool:
    """Whether it ended before it was late."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    while not task.done():
        limit = after()
        left = LOOK_AGAIN if limit is None else limit - (loop.time() - started)
        if left <= 0:
            return False
        await asyncio.wait([task], timeout=min(left, LOOK_AGAIN))
    return True


async def _dropped(task: asyncio.Future[Opened]) -> None:
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled() and task.exception() is None:
        async with closing(task.result().pieces):
            pass
