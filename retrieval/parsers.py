"""Processes that read and parse files for a walk over many of them.

They keep the index worker's own interpreter free for answers, use more than one core, and take a crash
of native code upon themselves: a file that kills its parser is left out, the others are indexed. Each
ends when its stdin closes, so none outlives a worker that was killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import pickle
import struct
import sys
from collections import deque
from collections.abc import Mapping, Sequence

from devflow.retrieval.batch import Prepared, lower_priority, prepare_files
from devflow.retrieval.walk import Found, IndexSettings

log = logging.getLogger(__name__)

WORTH_IT = 200
"""Files in the queue from which starting processes pays."""
_BATCH_BYTES = 120_000
"""Of source per batch: about a tenth of a second, and as long as a more urgent edit may wait."""
_BATCH_FILES = 64
_AHEAD = 4
"""Batches a process may be ahead of who writes them: half a second of its work, as long as a write takes."""
_RETIRES_AFTER = 24_000_000
"""Bytes of source after which a parser is replaced by a new one, for a third of a second of work: what its
caches and its heap hold grows from 50 to 250 MiB over ten million lines, and there are several."""
_COLLECT = 100
"""Batches between two looks for cycles in a parser."""
_LENGTH = struct.Struct("!Q")


class Parsers:
    """A few parser processes working off a queue. Use from one task."""

    def __init__(self, settings: IndexSettings, count: int | None = None, *, background: bool = True) -> None:
        self._settings = settings
        self._idle = [_Parser(background) for _ in range(count or max(1, min(4, os.cpu_count() or 2)))]
        self._busy: dict[asyncio.Task[Prepared], _Parser] = {}
        self._ahead = _AHEAD * len(self._idle)
        self._ready: list[asyncio.Task[Prepared]] = []
        self._arrived = asyncio.Event()
        self._queue: deque[Found] = deque()
        self._digests: Mapping[str, bytes] = {}

    @property
    def busy(self) -> bool:
        """Whether something taken from the queue is still to come."""
        return bool(self._busy or self._ready)

    async def next(self, queue: deque[Found], digests: Mapping[str, bytes]) -> Prepared:
        """What is done, waited for if need be. The processes go on from the front of `queue` while that is
        written, so far as `_AHEAD` lets them."""
        self._queue, self._digests = queue, digests
        self._feed()
        while not self._ready and self._busy:
            self._arrived.clear()
            await self._arrived.wait()
        ready, self._ready = self._ready, []
        self._feed()
        result = Prepared([], [], [])
        for task in ready:
            result.add(task.result())
        return result

    async def close(self) -> None:
        """End the processes; what they had in hand is dropped."""
        busy, self._busy, self._ready, self._queue = self._busy, {}, [], deque()
        for task in busy:
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)
        for parser in (*self._idle, *busy.values()):
            await parser.stop()

    def _feed(self) -> None:
        while self._queue and self._idle and len(self._ready) < self._ahead:
            parser = self._idle.pop()
            batch = _take(self._queue)
            known = {f.relative: self._digests[f.relative] for f in batch if f.relative in self._digests}
            task = asyncio.create_task(self._parse(parser, batch, known))
            self._busy[task] = parser
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Prepared]) -> None:
        parser = self._busy.pop(task, None)
        if parser is None:
            return  # closed
        self._idle.append(parser)
        self._ready.append(task)
        self._arrived.set()
        self._feed()

    async def _parse(self, parser: _Parser, batch: Sequence[Found], digests: dict[str, bytes]) -> Prepared:
        try:
            return await parser.parse(batch, self._settings, digests)
        except _Died:
            pass
        result = Prepared([], [], [])
        for found in batch:
            try:
                result.add(await parser.parse([found], self._settings, digests))
            except _Died:
                log.warning("a parser died of %s", found.path)
                result.skips.append((found.relative, "failed"))
        return result


def _take(queue: deque[Found]) -> list[Found]:
    batch: list[Found] = []
    size = 0
    while queue and len(batch) < _BATCH_FILES and (not batch or size + queue[0].size <= _BATCH_BYTES):
        batch.append(queue.popleft())
        size += batch[-1].size
    return batch


class _Died(Exception):
    """The parser's process ended before it answered."""


class _Parser:
    """One process; started when there is something to do."""

    def __init__(self, background: bool) -> None:
        self._arguments = ("--background",) if background else ()
        self._process: asyncio.subprocess.Process | None = None
        self._given = 0
        """Bytes of source that the process was given."""

    async def parse(
        self, batch: Sequence[Found], settings: IndexSettings, digests: dict[str, bytes]
    ) -> Prepared:
        """Raises _Died; the next call starts a new process."""
        if self._given > _RETIRES_AFTER:
            await self.stop()
        if self._process is None:
            try:
                self._process = await asyncio.create_subprocess_exec(
                    # -P: the working folder may be the workspace, and none of its modules may be imported.
                    *(sys.executable, "-P", "-m", "devflow.retrieval.parsers", *self._arguments),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                )
            except OSError as error:
                raise _Died from error
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        self._given += sum(found.size for found in batch)
        options = (settings.exclude, settings.max_file_bytes, settings.max_line_length)
        try:
            job = pickle.dumps((list(batch), options, digests), pickle.HIGHEST_PROTOCOL)
            stdin.write(_LENGTH.pack(len(job)) + job)
            await stdin.drain()
            [length] = _LENGTH.unpack(await stdout.readexactly(_LENGTH.size))
            answer = await stdout.readexactly(length)
        except (OSError, asyncio.IncompleteReadError) as error:
            await self.stop()
            raise _Died from error
        # Our own child wrote it; nothing else can reach that pipe.
        return await asyncio.to_thread(pickle.loads, answer)

    async def stop(self) -> None:
        process, self._process = self._process, None
        self._given = 0
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def main() -> None:
    """Answer jobs on stdin until it closes."""
    from devflow.retrieval.walk import IndexOptions

    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    if "--background" in sys.argv:
        lower_priority()
    gc.disable()  # trees are freed by counting: looking for cycles takes a tenth of the time
    jobs = sys.stdin.buffer
    done = 0
    while len(head := jobs.read(_LENGTH.size)) == _LENGTH.size:
        batch, (exclude, max_file_bytes, max_line_length), digests = pickle.loads(
            jobs.read(_LENGTH.unpack(head)[0])
        )
        settings = IndexOptions(exclude, max_file_bytes, max_line_length)
        answer = pickle.dumps(prepare_files(deque(batch), settings, digests), pickle.HIGHEST_PROTOCOL)
        answers.write(_LENGTH.pack(len(answer)) + answer)
        answers.flush()
        done += 1
        if done % _COLLECT == 0:
            gc.collect()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        main()
    os._exit(0)
