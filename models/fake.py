"""A scripted model: says what it was told to say, fails where it was told to fail, and remembers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from devflow.models.base import ChatRequest, FillRequest, Health, ModelStatus
from devflow.models.errors import ModelError
from devflow.models.streams import cut


class FakeModel:
    """`pieces` are streamed for every request, `delay` seconds before each.

    `failures` are raised one per request, before piece number `fail_after`, until they are used up.
    """

    def __init__(
        self,
        *pieces: str,
        name: str = "fake",
        delay: float = 0.0,
        failures: Sequence[ModelError] = (),
        fail_after: int = 0,
        health: Health = Health.READY,
        remote: bool = False,
        reads_ahead: bool = False,
    ) -> None:
        """`reads_ahead`: it keeps what it has read, as local models do; reading takes `delay` seconds."""
        self.name = name
        self.reads_ahead = reads_ahead
        self.remote = remote
        self.pieces = pieces
        self.delay = delay
        self.failures = list(failures)
        self.fail_after = fail_after
        self.health = health
        self.requests: list[FillRequest | ChatRequest] = []
        self.opened = 0
        self.closed = 0
        """Streams that ended, by whatever way; equal to `opened` when nothing leaks."""
        self.begun = asyncio.Event()
        """Set at the first request."""
        self.shut = False

    def status(self) -> ModelStatus:
        """The health it was given."""
        return ModelStatus(self.name, "fake", self.health, remote=self.remote)

    def fill(self, request: FillRequest) -> AsyncIterator[str]:
        """Stream the pieces up to a stop string."""
        return cut(self._stream(request), request.stop)

    def chat(self, request: ChatRequest) -> AsyncIterator[str]:
        """Stream the pieces up to a stop string."""
        return cut(self._stream(request), request.stop)

    async def prime(self, request: FillRequest) -> None:
        """Read the request."""
        async for _ in self._stream(request):
            pass

    async def close(self) -> None:
        """Remember that it was closed."""
        self.shut = True

    async def _stream(self, request: FillRequest | ChatRequest) -> AsyncIterator[str]:
        self.requests.append(request)
        self.opened += 1
        self.begun.set()
        try:
            failure = self.failures.pop(0) if self.failures else None
            for number, piece in enumerate(self.pieces):
                if failure is not None and number == self.fail_after:
                    raise failure
                await asyncio.sleep(self.delay)
                yield piece
            if failure is not None:
                raise failure
        finally:
            self.closed += 1
