"""Whose turn it is: ghost text is never made to wait by conversations.

`Slots` limits how many requests a server is sent at a time and keeps one place for fills; `Turns` lets one
generation at a time into an engine that holds one context, and tells a conversation to step aside for a fill.
Both belong to one event loop.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager


class Slots:
    """`most` requests at a time, of which at most `most - 1` are conversations (one, where `most` is one:
    then a fill waits for the one that is being answered, and goes before all that wait)."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._fills = self._chats = 0
        self._waiting_fills: deque[asyncio.Future[None]] = deque()
        self._waiting_chats: deque[asyncio.Future[None]] = deque()
        self._spare: asyncio.Future[None] | None = None

    @property
    def fills_wait(self) -> bool:
        """Whether a fill waits. May be read from any thread."""
        return bool(self._waiting_fills)

    @asynccontextmanager
    async def place(self, *, fill: bool) -> AsyncIterator[None]:
        """Wait for a place and hold it."""
        if self._spare is not None:
            self._spare.cancel()
        if not self._free(fill=fill) or (self._waiting_fills if fill else self._waiting_chats):
            await self._turn(self._waiting_fills if fill else self._waiting_chats)
        else:
            self._take(fill=fill)
        try:
            yield
        finally:
            self._leave(fill=fill)

    async def spare(self, work: Callable[[], Awaitable[None]]) -> bool:
        """Do what nobody waits for, where no place is taken. It takes none itself, and is cancelled as soon
        as somebody asks for one. Whether it was done to its end. Raises what it raises."""
        if self._fills or self._chats or self._spare is not None:
            return False
        self._spare = doing = asyncio.ensure_future(work())
        doing.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            await asyncio.wait([doing])
        finally:
            doing.cancel()
            self._spare = None
        if doing.cancelled():
            return False
        doing.result()
        return True

    async def _turn(self, queue: deque[asyncio.Future[None]]) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # the place was given as the request was cancelled
                self._leave(fill=queue is self._waiting_fills)
            else:
                queue.remove(turn)
            raise

    def _free(self, *, fill: bool) -> bool:
        if self._fills + self._chats >= self._most:
            return False
        return fill or self._chats < max(1, self._most - 1)

    def _take(self, *, fill: bool) -> None:
        self._fills += fill
        self._chats += not fill

    def _leave(self, *, fill: bool) -> None:
        self._fills -= fill
        self._chats -= not fill
        for queue, of_fills in ((self._waiting_fills, True), (self._waiting_chats, False)):
            while queue and self._free(fill=of_fills):
                turn = queue.popleft()
                if not turn.done():
                    self._take(fill=of_fills)
                    turn.set_result(None)


class Turns:
    """One at a time, fills first. Who holds the turn for a conversation looks at `wanted` now and then, and
    where a fill waits, leaves and takes the turn again."""

    def __init__(self) -> None:
        self._slots = Slots(1)

    @property
    def wanted(self) -> bool:
        """Whether a fill waits. May be read from any thread."""
        return self._slots.fills_wait

    def take(self, *, fill: bool) -> AbstractAsyncContextManager[None]:
        """Wait for the turn and hold it."""
        return self._slots.place(fill=fill)
