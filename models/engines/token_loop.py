"""The token loop of engines that hold one context: what they have read already is not read again, and they
can be left between any two tokens."""

from __future__ import annotations

import codecs
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from devflow.models.streams import StopCut


class Library(Protocol):
    """What the loop needs of a library."""

    def keep(self, tokens: Sequence[int]) -> int:
        """Forget everything but what `tokens` begins with; how many of them that is, never all."""
        ...

    def read(self, tokens: Sequence[int]) -> None:
        """Read these after what it has read. Raises ModelError."""
        ...

    def sample(self, temperature: float) -> int:
        """The next token."""
        ...

    def is_end(self, token: int) -> bool:
        """Whether it ends an answer."""
        ...

    def bytes_of(self, token: int) -> bytes:
        """Its text in UTF-8, perhaps only a part of a character."""
        ...


class Pace:
    """How many prompt tokens are read at a time: as many as take `seconds`, for nothing can be stopped while
    they are read. Reading more at a time is faster, but not by much: 8 at a time are read at .8 of the speed
    of 256, 16 at .9, and 4 at .65 (ctransformers on a CPU). So 8 are read together as long as they take no
    more than `LONGEST`, and never less than 4."""

    LEAST, ENOUGH, MOST = 4, 8, 512
    LONGEST = 0.04
    """Seconds."""

    def __init__(self, fixed: int = 0, seconds: float = 0.015) -> None:
        self.size = fixed or 16
        self._fixed = bool(fixed)
        self._seconds = seconds

    def took(self, tokens: int, seconds: float) -> None:
        """So many tokens took so long."""
        if not self._fixed and tokens >= self.size:
            speed = tokens / max(seconds, 1e-6)
            fitting = max(int(speed * self._seconds), min(self.ENOUGH, int(speed * self.LONGEST)))
            self.size = max(self.LEAST, min(self.MOST, fitting, self.size * 2))


class TokenLoop:
    """Generations of one library, one after the other or in turns."""

    def __init__(self, library: Library, pace: Pace) -> None:
        self._library = library
        self._pace = pace
        self._reading: object = None
        """The generation whose tokens the library read last."""

    def generate(
        self,
        prompt: Sequence[int],
        stop: Sequence[str],
        max_tokens: int,
        temperature: float,
        cancelled: Callable[[], bool],
    ) -> Iterator[str]:
        """The pieces of the answer, an empty one wherever there is nothing to say yet."""
        library, this = self._library, object()
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        cutter = StopCut(stop)
        tokens = list(prompt)
        end, read = len(tokens) + max_tokens, 0
        while True:
            if cancelled():
                return
            if self._reading is not this:  # the first time, and after another generation
                self._reading, read = this, library.keep(tokens)
            if read < len(tokens):
                read += self._read(tokens[read : read + self._pace.size])
                if read < len(tokens):
                    yield ""
                    continue
            if len(tokens) >= end:
                break
            token = library.sample(temperature)
            if library.is_end(token):
                break
            tokens.append(token)
            yield cutter.feed(decoder.decode(library.bytes_of(token)))
            if cutter.stopped:
                return
            if len(tokens) >= end:
                break
        if out := cutter.feed(decoder.decode(b"", final=True)) + cutter.rest():
            yield out

    def _read(self, tokens: Sequence[int]) -> int:
        started = time.perf_counter()
        self._library.read(tokens)
        self._pace.took(len(tokens), time.perf_counter() - started)
        return len(tokens)
