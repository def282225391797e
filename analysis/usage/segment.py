"""The tokens of some files with the suffix array over them: immutable, mapped from a folder."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from devflow.analysis.usage.narrow import LIMIT, Narrow
from devflow.analysis.usage.vocabulary import BORDER, OTHER, Vocabulary

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Integers = npt.NDArray[np.int32]
    Flags = npt.NDArray[np.uint8]

_FEW = 16
_AT_ONCE = 1 << 18
"""Tokens that are looked at together while a segment is made: what is between is of this size."""
_BLOCK = 16
_LEADS = ((0, 1, 0), (192, 2, 192), (192 + 56 * 256, 3, 248), (192 + 56 * 256 + 7 * 65_536, 5, 255))
"""From which number on a token takes how many bytes, and the lowest of their first ones."""
_EXACT = 1024
"""Up to so many matches those in files that no longer count are told apart one by one; above by a sample."""


@dataclass(frozen=True, slots=True)
class Numbered:
    """One file's tokens: `numbers` int32 [n] and `spaces` uint8 [n]: 1 where white space stands before."""

    path: str
    digest: str
    numbers: Integers
    spaces: Flags


@dataclass(frozen=True, slots=True)
class Entry:
    """A file in a segment, without its tokens."""

    path: str
    digest: str
    size: int
    """Tokens."""


class Segment:
    """Of the reversed text with a `BORDER` behind each file: `written` [n], each token's number, times two,
    and one more where white space stands before it; `suffixes` [n], where each suffix begins, in order.
    `dead` are the places in `files` of those that count no longer, `name` is the folder it lies in, ""
    while it lies nowhere."""

    def __init__(
        self,
        files: Sequence[Entry],
        written: Narrow,
        suffixes: Narrow,
        dead: frozenset[int] = frozenset(),
        name: str = "",
    ) -> None:
        import numpy as np

        self.name = name
        self.files = tuple(files)
        self.written, self.suffixes = written, suffixes
        self._written_at, self._suffix_at = written.one(), suffixes.one()
        self._every = range(len(suffixes))
        self.ends = np.cumsum([each.size + 1 for each in files], dtype=np.int64)
        self._places = {each.path: at for at, each in enumerate(self.files)}
        self._forget(dead)

    def __len__(self) -> int:
        return len(self.written)

    def tokens(self, places: Any) -> Integers:
        """The numbers of the tokens at `places` (a slice or an array)."""
        found = self.written[places]
        found >>= 1
        return found

    def spaces(self, places: Any) -> Flags:
        """Whether white space stands before the tokens at `places`: 0 or 1."""
        found: Flags = self.written.low[places].astype("u1")
        found &= 1
        return found

    @property
    def alive(self) -> int:
        """Tokens of the files that count."""
        return len(self) - self._gone

    @staticmethod
    def build(files: Iterable[Numbered]) -> Segment:
        """Of `files`, one of which at a time is held, if they are made as they are asked for."""
        gathered = Gathered()
        for file in files:
            gathered.add(file)
        return gathered.segment()

    def without(self, dead: frozenset[int]) -> Segment:
        """The same with the files at `dead` counted no longer."""
        if dead == self.dead:
            return self
        other = copy(self)
        other._forget(dead)
        return other

    def _forget(self, dead: frozenset[int]) -> None:
        import numpy as np

        self.dead = dead
        at = np.array(sorted(dead, reverse=True), np.int64)
        sizes = np.array([self.files[each].size + 1 for each in at.tolist()], np.int64)
        starts = len(self) - self.ends[at]
        # Where what is dead begins and stops, by turns: a position behind an odd number of these is dead.
        self._borders = np.stack((starts, starts + sizes), axis=1).reshape(-1).astype(np.int32)
        self._border_at = self._borders.tolist()
        self._gone = int(sizes.sum())

    def place_of(self, path: str) -> int | None:
        """Where the file of that path is among `files`, whether it counts or not."""
        return self._places.get(path)

    def numbered(self, at: int) -> Numbered:
        """The file at `at` of `files`, as it was given."""
        entry = self.files[at]
        end = len(self) - (int(self.ends[at - 1]) if at else 0)
        start = end - entry.size
        within = slice(start, end)
        return Numbered(entry.path, entry.digest, self.tokens(within)[::-1], self.spaces(within)[::-1])

    def narrowed(self, depth: int, number: int, low: int, high: int) -> tuple[int, int]:
        """Of the suffixes `low:high`, which have the same first `depth` tokens, those that go on with
        `number`, as a range."""
        if low == high:
            return low, high
        written_at, suffix_at, size = self._written_at, self._suffix_at, len(self)

        def key(place: int) -> int:
            position = suffix_at(place) + depth
            return written_at(position) >> 1 if position < size else -1

        first, last = key(low), key(high - 1)
        if first == last:
            return (low, high) if first == number else (low, low)
        if not first <= number <= last:
            return low, low
        if first != number:
            low = bisect_left(self._every, number, low, high, key=key)
        if last != number:
            high = bisect_right(self._every, number, low, high, key=key)
        return low, high

    def counted(self, low: int, high: int) -> int:
        """How many of the suffixes `low:high` are of files that count; of many an estimate."""
        import numpy as np

        if not self.dead or low == high:
            return high - low
        if high - low <= _FEW:
            return sum(bisect_right(self._border_at, self._suffix_at(at)) & 1 == 0 for at in range(low, high))
        if high - low > _EXACT and high - low > 4 * self._gone:
            return round((high - low) * (1 - self._gone / len(self)))
        step = max(1, (high - low) // _EXACT)
        positions = self.suffixes[low:high:step]
        alive = int(np.count_nonzero(self._counts(positions)))
        return alive if step == 1 else round(alive / len(positions) * (high - low))

    def positions(self, low: int, high: int, step: int) -> Any:
        """Every `step`-th of the suffixes `low:high` that count, as positions in `tokens`."""
        positions = self.suffixes[low:high:step]
        return positions[self._counts(positions)] if self.dead else positions

    def _counts(self, positions: Any) -> Any:
        import numpy as np

        return np.searchsorted(self._borders, positions, side="right") & 1 == 0


class Gathered:
    """The files of a segment to be, one behind the other: in one piece, because what many small arrays take
    is not given back for sorting."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._numbers, self._flags = array("i"), bytearray()

    def __bool__(self) -> bool:
        return bool(self._entries)

    def add(self, file: Numbered) -> None:
        """Put `file` behind the others."""
        self._entries.append(Entry(file.path, file.digest, len(file.numbers)))
        self._numbers.frombytes(file.numbers.tobytes())
        self._numbers.append(BORDER)
        self._flags += file.spaces.tobytes()
        self._flags.append(0)

    def segment(self) -> Segment:
        """Sort the suffixes: 0.3 µs and, for the time being, 15 bytes per token. Afterwards there are no
        files here. Words beyond those that can be written become `OTHER`."""
        import numpy as np

        entries, self._entries = self._entries, []
        tokens = np.ascontiguousarray(np.frombuffer(self._numbers, dtype=np.int32)[::-1])
        spaces = np.ascontiguousarray(np.frombuffer(self._flags, dtype=np.uint8)[::-1])
        self._numbers, self._flags = array("i"), bytearray()
        tokens[tokens >= LIMIT // 2] = OTHER
        suffixes = Narrow.of(sorted_suffixes(tokens))
        tokens <<= 1
        tokens |= spaces
        return Segment(entries, Narrow.of(tokens), suffixes)


@dataclass(frozen=True, slots=True)
class InSegment:
    """The suffixes `low:high` of `source`, which begin alike; `count` of them are of files that count."""

    source: Segment
    low: int
    high: int
    count: int

    @staticmethod
    def all(source: Segment) -> InSegment:
        """Every suffix of `source`."""
        return InSegment(source, 0, len(source), source.alive)

    def narrowed(self, depth: int, number: int) -> InSegment:
        """Those that go on with `number` behind their first `depth` tokens."""
        low, high = self.source.narrowed(depth, number, self.low, self.high)
        if (low, high) == (self.low, self.high):
            return self
        return InSegment(self.source, low, high, self.source.counted(low, high))

    def positions(self, step: int) -> Any:
        """Every `step`-th of them, if it counts."""
        return self.source.positions(self.low, self.high, step)


def sorted_suffixes(tokens: Integers) -> Integers:
    """The suffix array of `tokens`: divsufsort over bytes that sort as they do, leaving out what does not
    begin with a token. Takes, for the time being, five bytes for each byte of `_spelled`, of which a token
    of source code has about one and a half."""
    import numpy as np
    import pydivsufsort

    if not len(tokens):
        return np.zeros(0, np.int32)
    content, begins = _spelled(tokens)
    order = pydivsufsort.divsufsort(content)
    del content
    # The token that a byte begins: those before its block, and those before it in its block.
    inside = np.cumsum(begins.view(np.uint8).reshape(-1, _BLOCK), axis=1, dtype=np.uint8)
    before = np.cumsum(inside[:, -1], dtype=np.int32) - inside[:, -1].astype(np.int32)
    inside -= 1
    within = inside.reshape(-1)
    done = 0
    for at in range(0, len(order), _AT_ONCE):
        some = order[at : at + _AT_ONCE]
        some = some[begins[some]]
        # In place: never more is written than was read.
        order[done : done + len(some)] = before[some // _BLOCK] + within[some]
        done += len(some)
    del begins, within, inside, before
    found: Integers = order[:done].astype(np.int32)
    return found


def _spelled(tokens: Integers) -> tuple[Flags, Any]:
    """`tokens` as bytes that compare as they do, each by itself: none is the beginning of another (as in
    UTF-8). The first words of a vocabulary are the frequent ones, and take one byte or two. Besides, which
    bytes begin a token, in whole blocks."""
    import numpy as np

    sizes = np.ones(len(tokens), np.uint8)
    for limit, length, _ in _LEADS[1:]:
        sizes[tokens >= limit] = length
    content = np.empty(int(sizes.sum(dtype=np.int64)), np.uint8)
    begins = np.zeros(-(-len(content) // _BLOCK) * _BLOCK, np.bool_)
    done = 0
    for at in range(0, len(tokens), _AT_ONCE):
        some, size = tokens[at : at + _AT_ONCE], sizes[at : at + _AT_ONCE]
        starts = np.cumsum(size, dtype=np.int64)
        starts += done
        starts -= size
        begins[starts] = True
        for limit, length, lead in _LEADS:
            chosen = size == length
            numbers, places = some[chosen] - limit, starts[chosen]
            content[places] = lead + (numbers >> 8 * (length - 1))
            for byte in range(1, length):
                content[places + byte] = (numbers >> 8 * (length - 1 - byte)) & 0xFF
        done += int(size.sum(dtype=np.int64))
    return content, begins


def merged(segments: Sequence[Segment]) -> Segment:
    """One segment of all the files of `segments` that still count."""
    return Segment.build(
        segment.numbered(at)
        for segment in segments
        for at in range(len(segment.files))
        if at not in segment.dead
    )


def compacted(segment: Segment, vocabulary: Vocabulary) -> tuple[Segment, Vocabulary]:
    """The same with only the words that occur in it, numbered anew in the order they had."""
    import numpy as np

    from devflow.analysis.usage.vocabulary import FIRST, Words

    # In pieces: an index is widened to eight bytes.
    occurs = np.zeros(len(vocabulary), np.bool_)
    for at in range(0, len(segment), _AT_ONCE):
        occurs[segment.tokens(slice(at, at + _AT_ONCE))] = True
    used = np.flatnonzero(occurs)
    used = used[used > OTHER]
    renumbered = np.zeros(len(vocabulary), np.int32)
    renumbered[OTHER] = OTHER
    renumbered[used] = np.arange(FIRST, FIRST + len(used))
    words = Words.of(FIRST, (vocabulary.text(number) for number in used.tolist()))
    written = np.empty(len(segment), np.int32)
    for at in range(0, len(segment), _AT_ONCE):
        some = slice(at, at + _AT_ONCE)
        written[some] = renumbered[segment.tokens(some)] << 1 | segment.spaces(some)
    # Numbers keep their order, and so do the suffixes.
    return Segment(segment.files, Narrow.of(written), segment.suffixes), Vocabulary([words])
