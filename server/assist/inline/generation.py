"""One generation: a model's stream that is read once, by whoever waits for it.

A request whose text has gone on as the stream says joins it; any other ends it. When nobody waits any
more it ends too. So a document never has more than one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from devflow.models.errors import ModelError
from devflow.models.streams import Answer, closing
from devflow.server.assist.inline.cache import suffix_head
from devflow.server.assist.inline.stream import LONGEST, within
from devflow.server.assist.waiting import allowed

_CLOSE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Written:
    """What a stream has said. `late`: it was cut off by the clock."""

    text: str
    late: bool = False
    error: ModelError | None = None
    seconds: float = 0.0
    """To the end."""
    model: str = ""
    """Whose text it is."""


class Generation:
    """Starts reading when it is made. For the event loop that made it."""

    def __init__(
        self,
        before: str,
        after: str,
        stream: Callable[[], Answer],
        is_done: Callable[[str], bool],
        seconds: float,
        max_tokens: int = 1_024,
    ) -> None:
        """`before` and `after`: the document around the place; `seconds`: it may take; `max_tokens`: it was
        asked for."""
        self._before = before
        self._head = suffix_head(after)
        self._stream = stream
        self._is_done = is_done
        self._seconds = seconds
        self._max_tokens = max_tokens
        self._waiting = 0
        self._typed = ""
        self._stopped = False
        self.text = ""
        """What has been written so far."""
        self._task = asyncio.create_task(self._read(), name="ghost text")
        self._task.add_done_callback(lambda done: done.cancelled() or done.exception())

    @property
    def is_running(self) -> bool:
        """Whether the stream is still open."""
        return not self._task.done()

    def typed_since(self, before: str, after: str) -> str | None:
        """What the user has typed since it began, if that is what it says, or may yet say; else None: also
        when it was stopped or failed, for then it has nothing to say to anybody."""
        if self._stopped or self._has_failed():
            return None
        if not before.startswith(self._before) or suffix_head(after) != self._head:
            return None
        typed = before[len(self._before) :]
        said = self.text
        if said.startswith(typed) or (said and self.is_running and typed.startswith(said)):
            return typed
        return None

    async def wait(self, typed: str = "") -> Written | None:
        """What it has written, at its end, which comes early when that is not what was `typed` since; None
        when it was ended by a newer request. When the last one who waits is cancelled, it is stopped."""
        self._waiting += 1
        self._typed = typed
        try:
            await asyncio.wait([self._task])
        finally:
            self._waiting -= 1
            if not self._waiting and self.is_running:
                await self.stop()
        return None if self._task.cancelled() else self._task.result()

    async def stop(self) -> None:
        """End it: its stream is closed when this returns, or 50 ms have passed."""
        self.cancel()
        await asyncio.wait([self._task], timeout=allowed(_CLOSE_SECONDS))

    def cancel(self) -> None:
        """End it without waiting: its stream is closed next, and who waits for it gets None."""
        self._stopped = True
        self._task.cancel()

    def _has_failed(self) -> bool:
        if self.is_running:
            return False
        return (
            self._task.cancelled()
            or self._task.exception() is not None
            or self._task.result().error is not None
        )

    def _agrees(self) -> bool:
        return self.text.startswith(self._typed) or self._typed.startswith(self.text)

    async def _read(self) -> Written:
        begun = time.monotonic()
        late = False
        error: ModelError | None = None
        stream = self._stream()
        try:
            async with asyncio.timeout(allowed(self._seconds)), closing(stream):
                async for piece in stream:
                    said = (self.text + piece)[:LONGEST]
                    self.text = within(said, self._max_tokens)
                    if self.text != said or self._is_done(said) or not self._agrees():
                        break
        except TimeoutError:
            late = True
        except ModelError as failure:
            error = failure
        return Written(self.text, late, error, time.monotonic() - begun, stream.model)
