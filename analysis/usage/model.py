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
from devflow.analysis.usage.vocabulary import BORDER, OTHER, Numbering, Vocabulary

_DEPTH = 32
_SAMPLE = 1024
_LEVELS = 4
_STOP = 0.34
"""A continuation ends before a token that fewer than this share of its occurrences go on with."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """What may come next, best first; the probabilities add up to less than one (the rest: unseen)."""

    tokens: tuple[tuple[str, float], ...]
    match_length: int
    """Tokens of context that were found somewhere in the workspace."""
    count: int
    """How often."""


@dataclass(frozen=True, slots=True)
class Continuation:
    """The rest of a line as the workspace has it elsewhere."""

    text: str
    """It begins with a space where the code elsewhere has one: drop it when the cursor stands behind one."""
    confidence: float
    """An estimate of the share of such continuations that are exactly what is written next, 0 to 1."""
    match_length: int
    tokens: tuple[str, ...] = ()
    complete: bool = False
    """Whether it reaches the end of the line, rather than stopping where opinions differ."""
    count: int = 0
    """How many occurrences of the longest match go on with its first token."""
    share: float = 0.0
    """The least share, over its tokens, of the occurrences left that went on with it."""


class UsageModel:
    """The model. Immutable; what changed since is another model that shares its segments."""

    def __init__(
        self, vocabulary: Vocabulary, segments: Sequence[Segment] = (), live: Live | None = None
    ) -> None:
        self.vocabulary = vocabulary
        self.segments = tuple(segments)
        self.live = live
        self._newline = vocabulary.number(NEWLINE)

    def __len__(self) -> int:
        """Tokens in the model, file borders and what does not count any more included."""
        return sum(map(len, self.segments)) + (len(self.live.tokens) if self.live is not None else 0)

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
        """What follows `context` (its last tokens count) in the workspace.

        The longest suffix of the context that occurs is mixed with up to three shorter ones, each
        occurring at least twice as often as the one before, by Witten-Bell interpolation:
        P(w) = (c(w) + T·P'(w)) / (C + T), with C occurrences, T different followers and P' the next
        shorter suffix. Of more than 1,024 occurrences an even sample is counted.
        """
        import numpy as np

        levels = self._levels(context)
        counted = self._counted(levels)
        if not counted:
            return Distribution((), levels[0].length, levels[0].count) if levels else Distribution((), 0, 0)
        usual = [level.numbers[np.argsort(-level.counts, kind="stable")[:limit]] for level in counted]
        numbers = np.unique(np.concatenate(usual))
        shares = _mixed(counted, numbers)
        order = np.argsort(-shares, kind="stable")[:limit]
        return Distribution(
            tuple(
                (self.vocabulary.text(number), share)
                for number, share in zip(numbers[order].tolist(), shares[order].tolist(), strict=True)
            ),
            levels[0].length,
            levels[0].count,
        )

    def probabilities(self, context: Sequence[str], names: Iterable[str]) -> dict[str, float]:
        """P(name follows `context`) for each of `names`, as in `next_tokens`; 0.0 for the unseen."""
        import numpy as np

        wanted = list(names)
        counted = self._counted(self._levels(context))
        if not wanted or not counted:
            return dict.fromkeys(wanted, 0.0)
        known = map(self.vocabulary.number, wanted)
        numbers = np.array([-1 if number is None else number for number in known], dtype=np.int32)
        return dict(zip(wanted, _mixed(counted, numbers).tolist(), strict=True))

    def continuation(
        self, context: Sequence[str], max_tokens: int = 24, prefix: str = ""
    ) -> Continuation | None:
        """The most usual rest of the line behind `context`, None when there is no opinion.

        Its first token begins with `prefix`, the part of a word that is already typed; `text` leaves
        that part out. It follows the occurrences of the longest match, token by token, each time
        with the majority, and ends with the line, at `max_tokens`, or where no follower has a third.
        """
        taken, spaced = list[str](), list[bool]()
        confidence = least = 1.0
        match_length = support = 0
        at: list[_Places] = []
        for level in self._levels(context, every=True):
            followers = [_Places(each.source, each.positions(level.step) - 1) for each in level.matches]
            if self._majority(followers, prefix) is not None:
                match_length = level.length
                at = followers
                break
        complete = False
        allowed = prefix
        while at and len(taken) < max_tokens:
            found = self._majority(at, allowed)
            if found is None:
                break
            number, count, total = found
            if number <= OTHER or (taken and number != self._newline and count < _STOP * total):
                break
            confidence = min(confidence, _trust(count, total, match_length + len(taken)))
            least = min(least, count / total)
            if number == self._newline:
                complete = True
                break
            support = support or count
            at = [places.followed_by(number) for places in at]
            taken.append(self.vocabulary.text(number))
            spaced.append(_mostly_spaced(at))
            at = [_Places(places.source, places.at - 1) for places in at if len(places.at)]
            allowed = ""
        if not taken:
            return None
        text = "".join((" " if space else "") + token for token, space in zip(taken, spaced, strict=True))
        if prefix:
            text = text.removeprefix(" ")[len(prefix) :]
        if not text:
            return None
        return Continuation(text, confidence, match_length, tuple(taken), complete, support, least)

    def _levels(self, context: Sequence[str], *, every: bool = False) -> list[_Level]:
        """Where each suffix of `context` that occurs stands, longest first; without `every` only those
        that `next_tokens` mixes."""
        matches: list[InSegment | InLive] = [InSegment.all(each) for each in self.segments]
        if self.live is not None and len(self.live.tokens):
            matches.append(InLive(self.live))
        levels: list[_Level] = []
        for depth, text in enumerate(reversed(context[-_DEPTH:])):
            number = self.vocabulary.number(text)
            if number is None:
                break
            matches = [found for each in matches if (found := each.narrowed(depth, number)).count]
            if not matches:
                break
            levels.append(_Level(depth + 1, sum(each.count for each in matches), tuple(matches)))
        levels.reverse()
        if every or not levels:
            return levels
        chosen = [levels[0]]
        for level in levels[1:]:
            if len(chosen) < _LEVELS and level.count >= 2 * chosen[-1].count:
                chosen.append(level)
        return chosen

    def _counted(self, levels: Sequence[_Level]) -> list[_Followers]:
        """The followers of each level, counted, shortest match first."""
        import numpy as np

        counted: list[_Followers] = []
        for level in reversed(levels):
            followers = np.concatenate(
                [each.source.tokens[each.positions(level.step) - 1] for each in level.matches]
            )
            numbers, counts = np.unique(followers[followers > OTHER], return_counts=True)
            if len(numbers):
                counted.append(_Followers(numbers, counts))
        return counted

    def _majority(self, at: Sequence[_Places], prefix: str) -> tuple[int, int, int] | None:
        """`(token number, its count, all)` of the most usual token at the positions `at`."""
        import numpy as np

        if not at:
            return None
        numbers, counts = np.unique(
            np.concatenate([places.source.tokens[places.at] for places in at]), return_counts=True
        )
        if prefix:
            words = ["" if number <= OTHER else self.vocabulary.text(number) for number in numbers.tolist()]
            keep = np.array([word.startswith(prefix) and word != prefix for word in words], bool)
            numbers, counts = numbers[keep], counts[keep]
        if not len(numbers):
            return None
        best = int(np.argmax(counts))
        number = int(numbers[best])
        total = int(counts.sum())
        return (number, int(counts[best]), total) if number != BORDER or len(numbers) == 1 else None


@dataclass(frozen=True, slots=True)
class _Level:
    """Where the last `length` tokens of a context stand, `count` times in all."""

    length: int
    count: int
    matches: tuple[InSegment | InLive, ...]

    @property
    def step(self) -> int:
        """Every how many-th place is looked at: an even sample, the same for all parts."""
        return max(1, self.count // _SAMPLE)


@dataclass(frozen=True, slots=True)
class _Places:
    """Positions in the reversed tokens of a part of the model."""

    source: Segment | Live
    at: Any

    def followed_by(self, number: int) -> _Places:
        return _Places(self.source, self.at[self.source.tokens[self.at] == number])


def _mostly_spaced(at: Sequence[_Places]) -> bool:
    spaced = sum(int(places.source.spaces[places.at].sum()) for places in at)
    return 2 * spaced > sum(len(places.at) for places in at)


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


def _trust(count: int, total: int, length: int) -> float:
    """How far to believe a majority of `count` in `total` after a match of `length` tokens.

    One occurrence proves little unless much of the context is the same. The power was fitted on
    held-out files of Django 5.2, where it makes the mean of a band of confidences about the share
    of continuations that were right.
    """
    return float((count / (total + 3.0 / max(length, 1))) ** 2.5)
