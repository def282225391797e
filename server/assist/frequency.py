"""How often names stand behind a dot in the workspace: asked of the index once in a while."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from devflow.server.assist.features import words_of
from devflow.server.assist.memory import Memory, PerSession
from devflow.server.assist.rank import match_quality
from devflow.server.assist.waiting import answer

if TYPE_CHECKING:
    from devflow.retrieval.index import Index

_REFRESHED = 20.0
"""Seconds after which the index is asked again."""
_MOST = 3000


@dataclass(frozen=True, slots=True)
class Frequent:
    """The members seen most often, with how often, the most frequent first."""

    counts: Mapping[str, int] = field(default_factory=dict)
    _names: tuple[str, ...] = ()
    _with_word: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """For each sub-word the places in `_names` of those that have it."""

    @staticmethod
    def of(counts: Mapping[str, int]) -> Frequent:
        """Of `counts`, which are in order."""
        names = tuple(counts)
        places: dict[str, list[int]] = {}
        for at, name in enumerate(names):
            for word in words_of(name):
                places.setdefault(word, []).append(at)
        return Frequent(counts, names, {word: tuple(some) for word, some in places.items()})

    def fitting(self, typed: str, words: AbstractSet[str]) -> Iterator[str]:
        """Those that fit what is typed, first the ones that share one of the sub-words `words`."""
        sharing = sorted({at for word in words for at in self._with_word.get(word, ())})
        others = set(sharing)
        for at in sharing:
            if match_quality(typed, self._names[at]):
                yield self._names[at]
        for at, name in enumerate(self._names):
            if at not in others and match_quality(typed, name):
                yield name


_FREQUENT = PerSession[tuple[float, Frequent]]("frequent members, and when they were read")
_READING = PerSession[Frequent]("reading of the frequent members")
_COUNTS = PerSession[dict[str, int]]("how often attributes are seen")


def read_frequent(index: Index, memory: Memory) -> asyncio.Task[Frequent] | None:
    """The reading of the workspace's frequent members; None while what was read last is new enough."""
    at, kept = _last(memory)
    if kept.counts and time.monotonic() - at < _REFRESHED:
        return None

    async def read() -> Frequent:
        counts = await index.frequent_members(_MOST)
        return await asyncio.to_thread(Frequent.of, counts)

    task = memory.task(_READING.key(int(time.monotonic() / _REFRESHED)), read)
    return task if not kept.counts or task.done() else None


def frequent_members(memory: Memory, reading: asyncio.Task[Frequent] | None) -> Frequent:
    """What was read last, now if `reading` is done."""
    if reading is not None and (read := answer(reading)) and read.counts:
        memory.keep(_FREQUENT.key(), (time.monotonic(), read))
    return _last(memory)[1]


def _last(memory: Memory) -> tuple[float, Frequent]:
    return memory.kept(_FREQUENT.key(), lambda: (0.0, Frequent()))


async def attribute_counts(index: Index, names: Sequence[str], memory: Memory) -> dict[str, int]:
    """How often each of `names` is seen behind a dot; 0 for the unseen."""
    known = memory.kept(_COUNTS.key(int(time.monotonic() / _REFRESHED)), dict)
    unknown = [name for name in names if name not in known]
    if unknown:
        counted = await index.attribute_counts(unknown)
        known.update({name: counted.get(name, 0) for name in unknown})
    return {name: known[name] for name in names}
