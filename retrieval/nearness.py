"""What is known of files besides what they say: how near imports bring them to open ones, how often they
change with those, and how lately they were changed.

It is added to the learned score, which is of the query's words: between two that answer alike, what the user
is at work in decides. What is not known adds nothing, and nobody waits for it.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from devflow.retrieval.history import EVERY_CHANGE, MOST_CHANGES, WIDEST
from devflow.retrieval.store import Reader

log = logging.getLogger(__name__)

_MOST_NEAR = 4
"""Open files that count, the first ones."""
FACTS = frozenset(("imports", "together", "lately"))
_IMPORTS, _TOGETHER, _LATELY = 1.0, 4.0, 1.0
"""What each adds to the learned score at most; chosen on the older half of a history, see decision 43."""
_DECADES = 3
"""Powers of ten below the nearest file at which a file is not near any more."""
_FEW = 10
"""Files changed later that halve what a late change counts for."""
_AT_ONCE = 60 * 10**9
"""Nanoseconds within which files that nothing tells apart were changed together: unpacked, or checked out."""
_NOT_YET = 2**63
_REST = 60.0
"""Seconds after which the files' times are read again at the earliest: each pause in typing changes one."""

_STAMP = (
    "SELECT (SELECT value FROM meta WHERE key = 'uid'), "
    "(SELECT hash FROM commits ORDER BY time DESC LIMIT 1), "
    "(SELECT value FROM meta WHERE key = 'generation')"
)
_MTIMES = "SELECT path, mtime FROM files"


@dataclass(frozen=True, slots=True)
class Changed:
    """When the files of one root were changed: by its history, without one by what their folders say."""

    after: Mapping[str, int] = field(default_factory=dict)
    """Path below the root → how many files were changed later."""
    commits: Mapping[str, frozenset[int]] = field(default_factory=dict)
    """Path below the root → the commits that changed it and few others."""

    def together(self, path: str, others: Sequence[str]) -> float:
        """How much of the changes of `path` and of the best of `others` is common, 0 to 1: the cosine, as if
        each had been changed once more by itself, because one commit is little evidence."""
        own = self.commits.get(path, frozenset())
        best = 0.0
        for other in others:
            their = self.commits.get(other, frozenset())
            if other != path and (common := len(own & their)):
                best = max(best, common / math.sqrt((len(own) + 1) * (len(their) + 1)))
        return best

    def lately(self, path: str) -> float:
        """1 for what was changed last, toward 0 the more files were changed later."""
        after = self.after.get(path)
        return 0.0 if after is None else _FEW / (_FEW + after)


@dataclass(frozen=True, slots=True)
class Nearness:
    """Of the files of one root to the open ones."""

    root: Path = Path()
    near: tuple[str, ...] = ()
    """The open files below the root."""
    central: Mapping[Path, float] = field(default_factory=dict)
    """Personalised PageRank from all open files."""
    changed: Changed = Changed()

    def added(self, paths: Sequence[str], facts: frozenset[str]) -> list[float]:
        """What is added to the learned score of a chunk of each of `paths`, which are below the root."""
        seeds = {self.root / path for path in self.near}
        # The file itself is as near as its nearest neighbour: it is open already.
        nearest = max((value for path, value in self.central.items() if path not in seeds), default=0.0)
        known: dict[str, float] = {}
        for path in paths:
            if path not in known:
                value = 0.0
                if nearest and "imports" in facts:
                    value += _IMPORTS * _closeness(self.central.get(self.root / path, 0.0), nearest)
                if self.near and "together" in facts:
                    value += _TOGETHER * self.changed.together(path, self.near)
                if "lately" in facts:
                    value += _LATELY * self.changed.lately(path)
                known[path] = value
        return [known[path] for path in paths]


def counting(near: Sequence[Path]) -> tuple[Path, ...]:
    """The open files that count, each once."""
    return tuple(dict.fromkeys(near))[:_MOST_NEAR]


def _closeness(rank: float, nearest: float) -> float:
    """PageRank falls by powers of ten from neighbour to neighbour."""
    if rank <= 0:
        return 0.0
    return max(0.0, 1 + math.log10(min(rank, nearest) / nearest) / _DECADES)


class Changes:
    """`Changed` of one store, in memory, read again when there are new commits."""

    def __init__(self) -> None:
        self._stamp: tuple[object, object] = (None, None)
        self._read_at = -math.inf
        self._changed = Changed()
        self._reading: asyncio.Task[None] | None = None

    async def now(self, store: Reader) -> Changed:
        """As of the last commit. Who stops waiting lets it be read to its end, for the next one."""
        if self._reading is None:
            self._reading = asyncio.create_task(self._read(store))
            self._reading.add_done_callback(self._done)
        await asyncio.wait({self._reading})
        return self._changed

    async def close(self) -> None:
        """End the reading, if there is one."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self, store: Reader) -> None:
        told = await store.rows(_STAMP, ())
        if not told:
            return
        uid, commit, generation = told[0]
        stamp = (uid, commit or generation)
        resting = commit is None and uid == self._stamp[0] and time.monotonic() - self._read_at < _REST
        if stamp == self._stamp or resting:
            return
        commits = await store.rows(EVERY_CHANGE, (MOST_CHANGES,))
        files = [] if commits else await store.rows(_MTIMES, ())
        self._changed = await asyncio.to_thread(_changed, commits, files)
        self._stamp = stamp
        self._read_at = time.monotonic()

    def _done(self, reading: asyncio.Task[None]) -> None:
        self._reading = None
        if not reading.cancelled() and (error := reading.exception()) is not None:
            log.warning("the history in the index could not be read: %s", error)


def _changed(commits: Sequence[Sequence[object]], files: Sequence[Sequence[object]]) -> Changed:
    """Of rows `(path, commit, time)`, or `(path, time)`."""
    last: dict[str, int] = {}
    of: dict[str, set[int]] = {}
    numbers: dict[object, int] = {}
    sizes = Counter(commit for _, commit, _ in commits)
    for path, commit, at in commits:
        name = str(path)
        last[name] = max(last.get(name, 0), int(str(at)))
        if sizes[commit] <= WIDEST:
            of.setdefault(name, set()).add(numbers.setdefault(commit, len(numbers)))
    for path, at in files:
        # A document that is not saved yet has no time: it is being changed.
        last[str(path)] = (int(str(at)) or _NOT_YET) // _AT_ONCE
    times = sorted(-at for at in last.values())
    # What changed at once shares its places: an unpacked archive has no file that was changed lately.
    after = {path: (bisect_left(times, -at) + bisect_right(times, -at) - 1) // 2 for path, at in last.items()}
    return Changed(after, {path: frozenset(each) for path, each in of.items()})
