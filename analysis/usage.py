"""What the workspace usually writes next: an n-gram model of unbounded length over its tokens.

The tokens of all files stand in one array, reversed, with its suffix array beside it ("infini-gram",
Liu et al., 2024). A context read backwards is then a prefix, so each further token of context narrows
one range of the suffix array. Nothing is counted ahead; a query touches a few hundred array entries.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devflow.analysis.tokens import NEWLINE, Token

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Integers = npt.NDArray[np.int32]
    Flags = npt.NDArray[np.uint8]

_BORDER = 0
"""Between files. No context holds it, so no match crosses it, and it is never predicted."""
_OTHER = 1
"""Tokens not worth keeping (docstrings, long literals): they break a match."""
_LONGEST_TOKEN = 80
_DEPTH = 64
_SAMPLE = 2048
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


class UsageModel:
    """The model. Immutable; build it anew when the workspace has changed."""

    def __init__(self, tokens: Integers, suffixes: Integers, spaces: Flags, vocabulary: list[str]) -> None:
        self._tokens, self._suffixes, self._spaces = tokens, suffixes, spaces
        self._vocabulary = vocabulary
        self._ids = {text: number for number, text in enumerate(vocabulary) if number > _OTHER}
        self._newline = self._ids.get(NEWLINE, -1)
        # Reading one element through a memory view is several times faster than through numpy.
        self._token_at = tokens.data.cast("B").cast("i")
        self._suffix_at = suffixes.data.cast("B").cast("i")

    def __len__(self) -> int:
        """Tokens in the model, file borders included."""
        return len(self._tokens)

    @staticmethod
    def build(files: Iterable[Sequence[Token]]) -> UsageModel:
        """A model of the token sequences of `files`. About 1.5 µs and 9 bytes per token."""
        import numpy as np
        import pydivsufsort

        ids: dict[str, int] = {"": _BORDER, "\0": _OTHER}
        numbers, flags = array("i"), bytearray()
        for tokens in files:
            for text, space, _, _ in tokens:
                if len(text) > _LONGEST_TOKEN or (len(text) > 1 and "\n" in text):
                    numbers.append(_OTHER)
                else:
                    numbers.append(ids.setdefault(text, len(ids)))
                flags.append(space)
            numbers.append(_BORDER)
            flags.append(0)
        if not numbers:
            numbers.append(_BORDER)
            flags.append(0)
        reverse = np.ascontiguousarray(np.frombuffer(numbers, dtype=np.int32)[::-1])
        spaces = np.ascontiguousarray(np.frombuffer(flags, dtype=np.uint8)[::-1])
        suffixes = pydivsufsort.divsufsort(reverse.copy()).astype(np.int32, copy=False)
        return UsageModel(reverse, suffixes, spaces, list(ids))

    def save(self, directory: Path) -> None:
        """Write the model into `directory`; readers see the old or the new one, never half of it.

        Each save is a folder of its own that the file `current` names. Raises OSError.
        """
        import numpy as np

        name = f"usage-{secrets.token_hex(8)}"
        target = directory / name
        target.mkdir(parents=True)
        try:
            for part, values in (
                ("tokens", self._tokens),
                ("suffixes", self._suffixes),
                ("spaces", self._spaces),
            ):
                with (target / f"{part}.npy").open("wb") as file:
                    np.save(file, values, allow_pickle=False)
                    _flush(file)
            with (target / "vocabulary.json").open("w", encoding="utf-8") as file:
                json.dump(self._vocabulary, file)
                _flush(file)
            pointer = directory / f"{name}.new"
            with pointer.open("w", encoding="utf-8") as file:
                file.write(name)
                _flush(file)
            pointer.replace(directory / "current")
        except BaseException:
            shutil.rmtree(target, ignore_errors=True)
            raise
        for old in directory.glob("usage-*"):
            if old.name != name and old.is_dir():
                shutil.rmtree(old, ignore_errors=True)  # whoever has it mapped keeps it

    @staticmethod
    def load(directory: Path) -> UsageModel:
        """The model saved last in `directory`, memory-mapped.

        Raises FileNotFoundError when there is none, ValueError when it is damaged.
        """
        for attempt in (1, 2):
            name = (directory / "current").read_text(encoding="utf-8").strip()
            if Path(name).name != name or not name.startswith("usage-"):
                raise ValueError(f"the usage model in {str(directory)!r} is damaged; delete it to rebuild it")
            try:
                return _loaded(directory / name)
            except FileNotFoundError:
                if attempt == 2:  # the first time, a new save may have replaced it meanwhile
                    raise
        raise AssertionError("unreachable")

    def next_tokens(self, context: Sequence[str], limit: int = 20) -> Distribution:
        """What follows `context` (its last tokens count) in the workspace.

        The longest suffix of the context that occurs is mixed with up to three shorter ones, each
        occurring at least twice as often as the one before, by Witten-Bell interpolation:
        P(w) = (c(w) + T·P'(w)) / (C + T), with C occurrences, T different followers and P' the next
        shorter suffix. Of more than 2,048 occurrences an even sample is counted.
        """
        import numpy as np

        levels = self._levels(context)
        counted = self._counted(levels)
        if not counted:
            return Distribution((), levels[0][0] if levels else 0, 0)
        usual = [level.numbers[np.argsort(-level.counts, kind="stable")[:limit]] for level in counted]
        numbers = np.unique(np.concatenate(usual))
        shares = _mixed(counted, numbers)
        order = np.argsort(-shares, kind="stable")[:limit]
        return Distribution(
            tuple(
                (self._vocabulary[number], share)
                for number, share in zip(numbers[order].tolist(), shares[order].tolist(), strict=True)
            ),
            levels[0][0],
            levels[0][2] - levels[0][1],
        )

    def probabilities(self, context: Sequence[str], names: Iterable[str]) -> dict[str, float]:
        """P(name follows `context`) for each of `names`, as in `next_tokens`; 0.0 for the unseen."""
        import numpy as np

        wanted = list(names)
        counted = self._counted(self._levels(context))
        if not wanted or not counted:
            return dict.fromkeys(wanted, 0.0)
        numbers = np.array([self._ids.get(name, -1) for name in wanted], dtype=np.int32)
        return dict(zip(wanted, _mixed(counted, numbers).tolist(), strict=True))

    def continuation(
        self, context: Sequence[str], max_tokens: int = 24, prefix: str = ""
    ) -> Continuation | None:
        """The most usual rest of the line behind `context`, None when there is no opinion.

        Its first token begins with `prefix`, the part of a word that is already typed; `text` leaves
        that part out. It follows the occurrences of the longest match, token by token, each time
        with the majority, and ends with the line, at `max_tokens`, or where no follower has a third.
        """
        import numpy as np

        tokens, taken, spaced = self._tokens, list[str](), list[bool]()
        confidence = 1.0
        match_length = 0
        at: Any = None
        for length, low, high in self._levels(context, every=True):
            followers = self._positions(low, high) - 1
            first = self._majority(followers, prefix)
            if first is not None:
                match_length = length
                at = followers
                break
        if at is None:
            return None
        complete = False
        allowed: str | None = prefix
        while len(taken) < max_tokens:
            found = self._majority(at, allowed)
            if found is None:
                break
            number, count, total = found
            if number == self._newline:
                complete = True
                confidence = min(confidence, _trust(count, total, match_length + len(taken)))
                break
            if number <= _OTHER or (taken and count < _STOP * total):
                break
            confidence = min(confidence, _trust(count, total, match_length + len(taken)))
            at = at[tokens[at] == number]
            taken.append(self._vocabulary[number])
            spaced.append(bool(np.mean(self._spaces[at]) > 0.5))
            at = at - 1
            allowed = ""
        if not taken:
            return None
        text = "".join((" " if space else "") + token for token, space in zip(taken, spaced, strict=True))
        if prefix:
            text = text.removeprefix(" ")[len(prefix) :]
        if not text:
            return None
        return Continuation(text, confidence, match_length, tuple(taken), complete)

    def _levels(self, context: Sequence[str], *, every: bool = False) -> list[tuple[int, int, int]]:
        """`(length, low, high)`: the suffix-array range of each suffix of `context` that occurs,
        longest first; without `every` only those that `next_tokens` mixes."""
        token_at, suffix_at, size = self._token_at, self._suffix_at, len(self._tokens)
        low, high = 0, size
        levels: list[tuple[int, int, int]] = []
        for depth, text in enumerate(reversed(context[-_DEPTH:])):
            number = self._ids.get(text)
            if number is None:
                break

            def key(position: int, depth: int = depth) -> int:
                return token_at[position + depth] if position + depth < size else -1

            low = bisect_left(suffix_at, number, low, high, key=key)
            high = bisect_right(suffix_at, number, low, high, key=key)
            if low == high:
                break
            levels.append((depth + 1, low, high))
        levels.reverse()
        if every or not levels:
            return levels
        chosen = [levels[0]]
        for level in levels[1:]:
            if len(chosen) < _LEVELS and level[2] - level[1] >= 2 * (chosen[-1][2] - chosen[-1][1]):
                chosen.append(level)
        return chosen

    def _positions(self, low: int, high: int) -> Any:
        """Where a range's matches begin in the reversed tokens; an even sample of large ranges."""
        step = max(1, (high - low) // _SAMPLE)
        return self._suffixes[low:high:step]

    def _counted(self, levels: Sequence[tuple[int, int, int]]) -> list[_Level]:
        """The followers of each level, counted, shortest match first."""
        import numpy as np

        counted: list[_Level] = []
        for _, low, high in reversed(levels):
            followers = self._tokens[self._positions(low, high) - 1]
            numbers, counts = np.unique(followers[followers > _OTHER], return_counts=True)
            if len(numbers):
                counted.append(_Level(numbers, counts))
        return counted

    def _majority(self, at: Any, prefix: str | None) -> tuple[int, int, int] | None:
        """`(token id, its count, all)` of the most usual token at the positions `at`."""
        import numpy as np

        if not len(at):
            return None
        numbers, counts = np.unique(self._tokens[at], return_counts=True)
        total = int(counts.sum())
        if prefix:
            words = [self._vocabulary[number] for number in numbers.tolist()]
            keep = np.array([word.startswith(prefix) and word != prefix for word in words])
            if not keep.any():
                return None
            numbers, counts = numbers[keep], counts[keep]
            total = int(counts.sum())
        best = int(np.argmax(counts))
        number = int(numbers[best])
        return (number, int(counts[best]), total) if number != _BORDER or len(numbers) == 1 else None


@dataclass(frozen=True, slots=True)
class _Level:
    """What follows one suffix of the context: token ids in order, and how often each."""

    numbers: Any
    counts: Any


def _mixed(levels: Sequence[_Level], numbers: Any) -> Any:
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


def _loaded(folder: Path) -> UsageModel:
    import numpy as np

    damaged = f"the usage model in {str(folder)!r} is damaged; delete it to rebuild it"
    try:
        tokens, suffixes, spaces = (
            np.load(folder / f"{part}.npy", mmap_mode="r", allow_pickle=False)
            for part in ("tokens", "suffixes", "spaces")
        )
        vocabulary = json.loads((folder / "vocabulary.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise
    except (OSError, ValueError, EOFError) as problem:
        raise ValueError(damaged) from problem
    sound = (
        tokens.ndim == suffixes.ndim == spaces.ndim == 1
        and 0 < len(tokens) == len(suffixes) == len(spaces)
        and (tokens.dtype, suffixes.dtype, spaces.dtype) == (np.int32, np.int32, np.uint8)
        and isinstance(vocabulary, list)
        and all(isinstance(text, str) for text in vocabulary)
        and 0 <= int(tokens.min()) <= int(tokens.max()) < len(vocabulary)
        and int(tokens[0]) == _BORDER
        and 0 <= int(suffixes.min()) <= int(suffixes.max()) < len(tokens)
    )
    if not sound:
        raise ValueError(damaged)
    return UsageModel(tokens, suffixes, spaces, vocabulary)


def _flush(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())
