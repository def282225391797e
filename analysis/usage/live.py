"""The tokens of open documents as they are now: brought up to date by what an edit changed, searched
by looking at every token, so nothing has to be sorted."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from devflow.analysis.text import common_ends
from devflow.analysis.tokens import scan_from
from devflow.analysis.usage.vocabulary import BORDER, Numbering

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class LiveFile:
    """One document's `source` with its tokens: `numbers` int32 [n], `spaces` uint8 [n], and `ends` int64
    [n], the offsets where each ends."""

    source: str
    numbers: npt.NDArray[np.int32]
    spaces: npt.NDArray[np.uint8]
    ends: npt.NDArray[np.int64]


def lexed(source: str, language: str, numbering: Numbering, before: LiveFile | None = None) -> LiveFile:
    """The tokens of `source`. Of `before`, an earlier version of it, what stands on the lines in front of
    the change and behind it is taken over."""
    import numpy as np

    kept = stop = resume = 0
    start = 0
    if before is not None:
        if before.source == source:
            return before
        same, behind = common_ends(before.source, source)
        # The line above may end in a way that what follows decides: begin before it.
        line = source.rfind("\n", 0, max(0, source.rfind("\n", 0, same)))
        kept = int(np.searchsorted(before.ends, max(0, line), side="right"))
        start = int(before.ends[kept - 1]) if kept else 0
        stop = len(source) - behind
        resume = len(before.source) - len(source)
    numbers, spaces, ends = array("i"), bytearray(), array("q")
    tail = len(before.ends) if before is not None else 0
    for text, space, _, end in scan_from(source, language, start):
        if text == "\n" and not kept and not numbers:
            continue
        numbers.append(numbering[text])
        spaces.append(space)
        ends.append(end)
        if before is not None and end > stop:
            at = int(np.searchsorted(before.ends, end + resume))
            if at < len(before.ends) and before.ends[at] == end + resume:
                tail = at + 1
                break
    fresh = (np.array(numbers, np.int32), np.frombuffer(bytes(spaces), np.uint8), np.array(ends, np.int64))
    if before is None:
        return LiveFile(source, *fresh)
    return LiveFile(
        source,
        np.concatenate((before.numbers[:kept], fresh[0], before.numbers[tail:])),
        np.concatenate((before.spaces[:kept], fresh[1], before.spaces[tail:])),
        np.concatenate((before.ends[:kept], fresh[2], before.ends[tail:] - resume)),
    )


@dataclass(frozen=True, slots=True)
class Live:
    """Documents one after the other, reversed as in a segment: `numbers` int32 [n], `flags` uint8 [n], 1
    where white space stands before."""

    paths: frozenset[str]
    numbers: Any
    flags: Any

    def __len__(self) -> int:
        return len(self.numbers)

    def tokens(self, places: Any) -> Any:
        """As a segment's."""
        return self.numbers[places]

    def spaces(self, places: Any) -> Any:
        """As a segment's."""
        return self.flags[places]

    @staticmethod
    def of(files: Mapping[str, LiveFile]) -> Live:
        """Put the documents of `files`, which are named by their paths, together."""
        import numpy as np

        numbers: list[Any] = []
        spaces: list[Any] = []
        for file in files.values():
            numbers += (file.numbers, np.array([BORDER], np.int32))
            spaces += (file.spaces, np.zeros(1, np.uint8))
        if not numbers:
            return Live(frozenset(files), np.zeros(0, np.int32), np.zeros(0, np.uint8))
        return Live(
            frozenset(files),
            np.ascontiguousarray(np.concatenate(numbers)[::-1]),
            np.ascontiguousarray(np.concatenate(spaces)[::-1]),
        )


@dataclass(frozen=True, slots=True)
class InLive:
    """Where the tokens looked for begin in `source`."""

    source: Live
    at: Any = None
    """Positions; None for all."""

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.source if self.at is None else self.at)

    def narrowed(self, depth: int, number: int) -> InLive:
        """Those that go on with `number` behind their first `depth` tokens."""
        import numpy as np

        tokens = self.source.numbers
        if self.at is None:
            return InLive(self.source, np.flatnonzero(tokens == number))
        inside = self.at[self.at + depth < len(tokens)]
        return InLive(self.source, inside[tokens[inside + depth] == number])

    def positions(self, step: int) -> Any:
        """Every `step`-th of them."""
        import numpy as np

        return (np.arange(len(self.source)) if self.at is None else self.at)[::step]
