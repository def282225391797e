"""What the workspace usually writes next: an n-gram model of unbounded length over its tokens.

The tokens of files stand reversed in arrays with their suffix arrays beside them ("infini-gram", Liu et
al., 2024). A context read backwards is then a prefix, so each further token of context narrows one
range of a suffix array. Nothing is counted ahead; a query touches a few hundred array entries. The
model is of several segments (as in a log-structured merge tree) and of the open documents: counts of
the same context add up, so how the files are spread over them changes no answer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from devflow.analysis.tokens import NEWLINE, Token
from devflow.analysis.usage.live import InLive, Live
from devflow.analysis.usage.segment import InSegment, Numbered, Segment
from devflow.analysis.usage.vocabulary import OTHER, Numbering, Vocabulary

_DEPTH = 32
_SAMPLE = 1024
_LEVELS = 4


@dataclass(frozen=True, slots=True)
class Distribution:
    """What may come next, best first; the probabilities add up to less than one (the rest: unseen)."""

    tokens: tuple[tuple[str, float], ...]
    match_length: int
    """Tokens of context that were found somewhere in the workspace."""
    count: int
    """How often."""


class UsageModel:
    """The model. Immutable; what changed since is another model that shares its segments."""

    def __init__(
        self, vocabulary: Vocabulary, segments: Sequence[Segment] = (), live: Live | None = None
    ) -> None:
        self.vocabulary = vocabulary
        self.segments = tuple(segments)
        self.live = live
        self.newline = vocabulary.number(NEWLINE)

    def __len__(self) -> int:
        """Tokens in the model, file borders and what does not count any more included."""
        return sum(map(len, self.segments)) + (len(self.live) if self.live is not None else 0)

    @staticmethod
    def build(files: Iterable[Sequence[Token]]) -> UsageModel:
        """A model of the token sequences of `files`, in memory only, in one segment."""
        import numpy as np

        vocabulary = Vocabulary()
        numbering = Numbering(vocabulary)
        numbered = (
            Numbered(
                str(at),
                "",
                np.array([numbering[token.text] for token in tokens], np.int32),
                np.array([token.space for token in tokens], np.uint8),
            )
            for at, tokens in enumerate(files)
        )
        segment = Segment.build(numbered)
        return UsageModel(vocabulary, (segment,) if len(segment) else ())

    def now(self, live: Live | None, besides: Collection[str] = ()) -> UsageModel:
        """The same with the documents of `live` in place of the files of the same paths, and without
        the files `besides`. `live` is numbered by this model's `vocabulary`."""
        gone = {*besides, *(live.paths if live is not None else ())}
        if not gone:
            return self
        segments = [
            segment.without(
                segment.dead | {at for path in gone if (at := segment.place_of(path)) is not None}
            )
            for segment in self.segments
        ]
        return UsageModel(self.vocabulary, segments, live)

    def next_tokens(self, context: Sequence[str], limit: int = 20) -> Distribution:
        """What follows `context` (its last tokens count) in the workspace: see `Following`."""
        return self.following(context).most_likely(limit)

    def following(self, context: Sequence[str]) -> Following:
        """What follows `context` in the workspace, for several questions about it."""
        levels = _mixable(self.levels(context))
        return Following(self.vocabulary, levels[0] if levels else None, tuple(self._counted(levels)))

    def levels(self, context: Sequence[str]) -> list[Level]:
        """Where each suffix of `context` that occurs stands, longest first."""
        matches: list[InSegment | InLive] = [InSegment.all(each) for each in self.segments]
        if self.live is not None and len(self.live):
            matches.append(InLive(self.live))
        levels: list[Level] = []
        for depth, text in enumerate(reversed(context[-_DEPTH:])):
            number = self.vocabulary.number(text)
            if number is None:
                break
            matches = [found for each in matches if (found := each.narrowed(depth, number)).count]
            if not matches:
                break
            levels.append(Level(depth + 1, sum(each.count for each in matches), tuple(matches)))
        levels.reverse()
        return levels

    def _counted(self, levels: Sequence[Level]) -> list[_Followers]:
        """The followers of each level, counted, shortest match first."""
        import numpy as np

        counted: list[_Followers] = []
        for level in reversed(levels):
            followers = np.concatenate(
                [each.source.tokens(each.positions(level.step) - 1) for each in level.matches]
            )
            numbers, counts = np.unique(followers[followers > OTHER], return_counts=True)
            if len(numbers):
                counted.append(_Followers(numbers, counts))
        return counted


@dataclass(frozen=True, slots=True)
class Following:
    """What stands behind a context in the workspace.

    The longest suffix of the context that occurs is mixed with up to three shorter ones, each occurring
    at least twice as often as the one before, by Witten-Bell interpolation:
    P(w) = (c(w) + T·P'(w)) / (C + T), with C occurrences, T different followers and P' the next shorter
    suffix. Of more than 1,024 occurrences an even sample is counted.
    """

    _vocabulary: Vocabulary
    _longest: Level | None
    _counted: tuple[_Followers, ...]

    def most_likely(self, limit: int = 20) -> Distribution:
        """The `limit` likeliest tokens."""
        import numpy as np

        length, count = (self._longest.length, self._longest.count) if self._longest else (0, 0)
        if not self._counted:
            return Distribution((), length, count)
        usual = [level.numbers[np.argsort(-level.counts, kind="stable")[:limit]] for level in self._counted]
        numbers = np.unique(np.concatenate(usual))
        shares = _mixed(self._counted, numbers)
        order = np.argsort(-shares, kind="stable")[:limit]
        text = self._vocabulary.text
        likely = zip(numbers[order].tolist(), shares[order].tolist(), strict=True)
        return Distribution(tuple((text(number), share) for number, share in likely), length, count)

    def probabilities(self, names: Iterable[str]) -> dict[str, float]:
        """P(name) for each of `names`; 0.0 for the unseen."""
        import numpy as np

        wanted = list(names)
        if not wanted or not self._counted:
            return dict.fromkeys(wanted, 0.0)
        known = map(self._vocabulary.number, wanted)
        numbers = np.array([-1 if number is None else number for number in known], dtype=np.int32)
        return dict(zip(wanted, _mixed(self._counted, numbers).tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class Level:
    """Where the last `length` tokens of a context stand, `count` times in all."""

    length: int
    count: int
    matches: tuple[InSegment | InLive, ...]

    @property
    def step(self) -> int:
        """Every how many-th place is looked at: an even sample, the same for all parts."""
        return max(1, self.count // _SAMPLE)


def _mixable(levels: Sequence[Level]) -> list[Level]:
    """The longest of `levels` and up to three shorter ones, each twice as frequent as the one before."""
    chosen: list[Level] = []
    for level in levels:
        if len(chosen) < _LEVELS and (not chosen or level.count >= 2 * chosen[-1].count):
            chosen.append(level)
    return chosen


@dataclass(frozen=True, slots=True)
class _Followers:
    """What follows one suffix of the context: token ids in order, and how often each."""

    numbers: Any
    counts: Any


def _mixed(levels: Sequence[_Followers], numbers: Any) -> Any:
    """P of each of `numbers`, by Witten-Bell interpolation of `levels` (shortest match first)."""
    import numpy as np

    shares = np.zeros(len(numbers))
    for level in levels:
        at = np.minimum(np.searchsorted(level.numbers, numbers), len(level.numbers) - 1)
        counts = np.where(level.numbers[at] == numbers, level.counts[at], 0)
        different = len(level.numbers)
        shares = (counts + different * shares) / (level.counts.sum() + different)
    return shares
