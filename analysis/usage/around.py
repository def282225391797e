"""One open document as the usage model sees it: its tokens around the cursor, kept up to date by edits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

from devflow.analysis.tokens import NEWLINE
from devflow.analysis.usage.live import Live, LiveFile, lexed
from devflow.analysis.usage.model import UsageModel
from devflow.analysis.usage.vocabulary import BORDER, Numbering, Vocabulary

_CONTEXT = 32


@dataclass(frozen=True, slots=True)
class Around:
    """What stands around a place in a document."""

    model: UsageModel
    """Of the document without the place's line."""
    context: tuple[str, ...]
    """The last tokens before the place."""
    line: tuple[str, ...]
    """Those of its line."""
    numbers: Any
    """int32 [tokens of the document]."""
    spaces: Any
    """uint8 [tokens of the document]: whether white space stands before."""
    newlines: Any
    """Where in `numbers` lines end, int [lines]."""
    at_line: int
    """Which of those lines is the place's."""
    words: Any
    """bool [vocabulary]: which words occur in the document."""

    def knows(self, name: str) -> bool:
        """Whether `name` is a token of the document."""
        number = self.model.vocabulary.number(name)
        return number is not None and number < len(self.words) and bool(self.words[number])

    def distance(self, line: Sequence[str]) -> int | None:
        """How many lines away the nearest line of exactly these tokens is: below > 0, above < 0."""
        import numpy as np

        numbers = [self.model.vocabulary.number(text) for text in line]
        if None in numbers:
            return None
        starts = np.concatenate(([0], self.newlines[:-1] + 1))
        same = np.flatnonzero(self.newlines - starts == len(numbers))
        same = same[same != self.at_line]
        found = self.numbers[starts[same][:, None] + np.arange(len(numbers))] == np.array(numbers, np.int32)
        same = same[found.all(axis=1)]
        if not len(same):
            return None
        away = same - self.at_line
        return int(away[np.argmin(np.abs(away))])


class OpenTokens:
    """The tokens of one document, brought up to date at each question. Threads may share it."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._vocabulary = Vocabulary()
        self._numbering = Numbering(self._vocabulary)
        self._newline = self._numbering[NEWLINE]
        self._file: LiveFile | None = None
        self._lock = Lock()

    def around(self, source: str, at: int) -> Around:
        """The tokens of `source`, the document's text now, seen from `at`, which is not within a token."""
        import numpy as np

        with self._lock:
            self._file = file = lexed(source, self._language, self._numbering, self._file)
        here = int(np.searchsorted(file.ends, at, side="right"))
        newlines = np.flatnonzero(file.numbers == self._newline)
        at_line = int(np.searchsorted(newlines, here))
        begin = int(newlines[at_line - 1]) + 1 if at_line else 0
        end = int(newlines[at_line]) + 1 if at_line < len(newlines) else len(file.numbers)
        # Reversed: what stands behind the cursor's line, then what stands before it.
        border = np.array([BORDER], np.int32)
        gap = np.zeros(1, np.uint8)
        tokens = np.concatenate((border, file.numbers[end:][::-1], border, file.numbers[:begin][::-1]))
        spaces = np.concatenate((gap, file.spaces[end:][::-1], gap, file.spaces[:begin][::-1]))
        counts = np.bincount(file.numbers, minlength=1)
        text = self._vocabulary.text
        return Around(
            UsageModel(self._vocabulary, (), Live(frozenset(), tokens, spaces)),
            tuple(text(number) for number in file.numbers[max(0, here - _CONTEXT) : here].tolist()),
            tuple(text(number) for number in file.numbers[begin:here].tolist()),
            file.numbers,
            file.spaces,
            newlines,
            at_line,
            counts > 0,
        )
