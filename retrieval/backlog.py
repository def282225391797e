"""What a walk found and nobody has read yet: parsed in a thread or, when it is much, in processes."""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Container, Iterable, Sequence

from devflow.retrieval.batch import MOST_NAMED, Prepared, Walked, prepare_files
from devflow.retrieval.parsers import WORTH_IT, Parsers
from devflow.retrieval.walk import Found, IndexSettings

STEP = 0.15
"""Seconds of parsing between two looks at what is more urgent."""
_GATHERED = 0.5
"""Seconds of what parsers give that are written at once: a transaction writes pages of every index."""


class Backlog:
    """The files that are still to be read, in the order of the walk. Use from one task."""

    def __init__(
        self, settings: IndexSettings, in_thread: Callable[..., Awaitable[Prepared]], *, background: bool
    ) -> None:
        self.done = self.total = 0
        self.skipped: Counter[str] = Counter()
        self.left_out: dict[str, list[str]] = {}
        self.overtaken: set[str] = set()
        """Told as changed since the walk: what is read of them may be the old text."""
        self._settings = settings
        self._in_thread = in_thread
        self._background = background
        self._queue: deque[Found] = deque()
        self._digests: dict[str, bytes] = {}
        self._parsers: Parsers | None = None

    @property
    def is_large(self) -> bool:
        """Whether processes are worth starting for it."""
        return len(self._queue) >= WORTH_IT

    @property
    def paths(self) -> Iterable[str]:
        """What is still to be read."""
        return (found.relative for found in self._queue)

    @property
    def working(self) -> bool:
        """Whether there is something to come."""
        return bool(self._queue) or (self._parsers is not None and self._parsers.busy)

    @property
    def idle(self) -> bool:
        """Whether processes run that have nothing to do any more."""
        return self._parsers is not None and not self.working

    def plan(
        self,
        walked: Walked,
        stored: Iterable[Sequence[object]],
        documents: Container[str],
        looked: float = math.inf,
    ) -> tuple[list[str], bool]:
        """Take what differs from the store's `(path, size, mtime, digest)`, and what was touched in any way
        since the last walk began, at `looked` (epoch): a time that was set back hides a change. Returns the
        paths that are gone, and whether the store was empty."""
        known: dict[str, tuple[object, object]] = {}
        self._digests = {}
        for path, size, mtime, digest in stored:
            assert isinstance(path, str)
            assert isinstance(digest, bytes)
            known[path] = (size, mtime)
            self._digests[path] = digest
        self.skipped, self.left_out = walked.skipped, walked.left_out
        there = {found.relative for found in walked.found}
        self._queue = deque(
            found
            for found in walked.found
            if (known.get(found.relative) != (found.size, found.mtime_ns) or found.ctime_ns > looked * 1e9)
            and found.relative not in documents
        )
        self.done, self.total = 0, len(self._queue)
        return [path for path in known if path not in there and path not in documents], not known

    def leave_out(self, skips: Iterable[tuple[str, str]]) -> None:
        """Note `(path, reason)` of what was read and is not indexed."""
        for path, reason in skips:
            self.skipped[reason] += 1
            named = self.left_out.setdefault(reason, [])
            if len(named) < MOST_NAMED:
                named.append(path)

    async def next(self, urgent: Callable[[], bool]) -> Prepared:
        """Read and parse some; returns early when something is `urgent`."""
        if self._parsers is None and self.is_large:
            self._parsers = Parsers(self._settings, background=self._background)
        if self._parsers is None:
            done = await self._in_thread(prepare_files, self._queue, self._settings, self._digests, STEP)
        else:
            done = await self._parsers.next(self._queue, self._digests)
            end = time.monotonic() + _GATHERED
            while time.monotonic() < end and not urgent() and self.working:
                done.add(await self._parsers.next(self._queue, self._digests))
        self.done += len(done.files) + len(done.unchanged) + len(done.skips)
        # A file told as changed while it was being parsed is read again for that; this is the old text.
        return done.without(self.overtaken)

    def clear(self) -> None:
        """Forget what is to be read."""
        self._queue.clear()

    async def stop(self) -> None:
        """End the processes; what they have in hand is dropped."""
        parsers, self._parsers = self._parsers, None
        if parsers is not None:
            await parsers.close()
