"""Identical requests at the same time are one request, and all who asked hear the one answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Hashable
from contextlib import aclosing
from typing import Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """The requests that are being answered. Of one event loop."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, _Flight[T]] = {}

    async def join(self, key: Hashable, start: Callable[[], AsyncGenerator[T]]) -> AsyncGenerator[T]:
        """The pieces of `start()`, or of the request of the same `key` that is on its way, from its first
        piece on. The request is closed when the last who listens goes. Raises what it raises."""
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight(start())
            flight.task.add_done_callback(lambda _: self._forget(key, flight))
        flight.listeners += 1
        try:
            heard = 0
            while True:
                while heard < len(flight.pieces):
                    heard += 1
                    yield flight.pieces[heard - 1]
                if flight.task.done():
                    break
                await flight.more.wait()
            flight.task.result()
        finally:
            flight.listeners -= 1
            if not flight.listeners:
                self._forget(key, flight)
                flight.task.cancel()
                await asyncio.wait([flight.task])

    def _forget(self, key: Hashable, flight: _Flight[T]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
        if flight.task.done() and not flight.task.cancelled():
            flight.task.exception()  # read, whether or not anybody still listens

    def __len__(self) -> int:
        return len(self._flights)


class _Flight(Generic[T]):
    def __init__(self, pieces: AsyncGenerator[T]) -> None:
        self.pieces: list[T] = []
        self.more = asyncio.Event()
        self.listeners = 0
        self.task = asyncio.create_task(self._read(pieces))

    async def _read(self, pieces: AsyncGenerator[T]) -> None:
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    self.pieces.append(piece)
                    self._tell()
        finally:
            self._tell()

    def _tell(self) -> None:
        self.more.set()
        self.more = asyncio.Event()
