"""The texts of tokens and their numbers: append-only, in parts that are mapped, not copied."""

from __future__ import annotations

import zlib
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

BORDER = 0
"""Between files. No context holds it, so no match crosses it, and it is never predicted."""
OTHER = 1
"""Tokens not worth keeping (docstrings, long literals): they break a match."""
FIRST = 2
"""The number of the first word."""
_LONGEST = 80
_KEPT = 100_000


def worth_keeping(text: str) -> bool:
    """Whether a token's text is one that may be predicted, rather than `OTHER`."""
    return len(text) <= _LONGEST and (len(text) == 1 or "\n" not in text)


class Words:
    """The words numbered `first`, `first` + 1, …: immutable; found by their CRC-32, sorted.

    Arrays: `text` uint8 [bytes of all words in UTF-8], `ends` int64 [words], `hashes` uint32 [words]
    ascending, `order` int32 [words]: which word each hash is of.
    """

    def __init__(self, first: int, arrays: Sequence[npt.NDArray[Any]]) -> None:
        self.first = first
        self.arrays = tuple(arrays)
        text, ends, hashes, order = arrays
        self._text = text.data
        self._ends: Any = ends.data.cast("B").cast("q") if len(ends) else ()
        self._hashes: Any = hashes.data.cast("B").cast("I") if len(hashes) else ()
        self._order: Any = order.data.cast("B").cast("i") if len(order) else ()

    def __len__(self) -> int:
        return len(self._ends)

    @staticmethod
    def of(first: int, texts: Iterable[str]) -> Words:
        """Number `texts`, which must differ from each other, from `first` on."""
        import numpy as np

        encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
        hashes = np.array([zlib.crc32(text) for text in encoded], dtype=np.uint32)
        order = np.argsort(hashes, kind="stable").astype(np.int32)
        ends = np.cumsum([len(text) for text in encoded], dtype=np.int64)
        return Words(first, (np.frombuffer(b"".join(encoded), np.uint8), ends, hashes[order], order))

    def text(self, number: int) -> str:
        """The text of the word `number`."""
        at = number - self.first
        start = self._ends[at - 1] if at else 0
        return _decoded(bytes(self._text[start : self._ends[at]]))

    def texts(self) -> list[str]:
        """All of them, in order."""
        whole, start, found = bytes(self._text), 0, list[str]()
        for end in self._ends:
            found.append(_decoded(whole[start:end]))
            start = end
        return found

    def number(self, text: str, encoded: bytes, hashed: int) -> int | None:
        """The number of `text`, given in UTF-8 and by its hash too; None when it is not here."""
        at = bisect_left(self._hashes, hashed)
        while at < len(self) and self._hashes[at] == hashed:
            number: int = self.first + self._order[at]
            if self.text(number) == text:
                return number
            at += 1
        return None


class Vocabulary:
    """Several `Words` one after the other, and behind them words that exist in memory only.

    Threads may ask and add at the same time: a number once given stays.
    """

    def __init__(self, parts: Sequence[Words] = ()) -> None:
        self.parts = tuple(parts)
        self._fixed = parts[-1].first + len(parts[-1]) if parts else FIRST
        self._added: list[str] = []
        self._numbers: dict[str, int] = {}
        self._texts: dict[int, str] = {}

    def __len__(self) -> int:
        return self._fixed + len(self._added)

    def number(self, text: str) -> int | None:
        """The number of `text`; None when it is unknown."""
        found = self._numbers.get(text)
        if found is not None:
            return found
        encoded = text.encode("utf-8", "surrogatepass")
        hashed = zlib.crc32(encoded)
        for part in self.parts:
            found = part.number(text, encoded, hashed)
            if found is not None:
                if len(self._numbers) < _KEPT + len(self._added):
                    self._numbers[text] = found
                return found
        return None

    def text(self, number: int) -> str:
        """The text of the word `number`; "" of `BORDER` and `OTHER`."""
        if number < FIRST:
            return ""
        if number >= self._fixed:
            return self._added[number - self._fixed]
        found = self._texts.get(number)
        if found is None:
            part = next(each for each in reversed(self.parts) if each.first <= number)
            found = part.text(number)
            if len(self._texts) < _KEPT:
                self._texts[number] = found
        return found

    def numbered(self, text: str) -> int:
        """The number of `text`, given to it now when it had none; `OTHER` when it is not worth keeping.

        One thread at a time may call this.
        """
        if not worth_keeping(text):
            return OTHER
        found = self.number(text)
        if found is None:
            found = len(self)
            self._added.append(text)
            self._numbers[text] = found
        return found

    def added(self) -> Words:
        """The words that exist in memory only, as a part that could follow the others."""
        return Words.of(self._fixed, self._added)


class Numbering(dict[str, int]):
    """`Vocabulary.numbered` as a dict, so that `map(numbering.__getitem__, texts)` runs in C."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        super().__init__()
        self._vocabulary = vocabulary

    def __missing__(self, text: str) -> int:
        number = self._vocabulary.numbered(text)
        if number != OTHER:
            self[text] = number
        return number


def _decoded(encoded: bytes) -> str:
    try:
        return encoded.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:  # a file somebody else has written
        return encoded.decode("utf-8", "replace")


def mapped(folder: Path, first: int, load: Any) -> Words:
    """The words written into `folder`; raises ValueError when they cannot be."""
    import numpy as np

    arrays = [load(folder, name) for name in ARRAYS]
    text, ends, hashes, order = arrays
    sound = (
        [each.dtype for each in arrays] == [np.uint8, np.int64, np.uint32, np.int32]
        and len(ends) == len(hashes) == len(order)
        and int(ends[-1] if len(ends) else 0) == len(text)
        and (not len(ends) or (int(ends[0]) >= 0 and bool(np.all(np.diff(ends) >= 0))))
        and (not len(order) or 0 <= int(order.min()) <= int(order.max()) < len(order))
    )
    if not sound:
        raise ValueError("words")
    return Words(first, arrays)


ARRAYS = ("text", "ends", "hashes", "order")


def bracket_steps(vocabulary: Vocabulary) -> npt.NDArray[np.int8]:
    """How much deeper each word goes into brackets, by its number: 1 for one that opens, -1 for one that
    closes, else 0."""
    import numpy as np

    steps = np.zeros(len(vocabulary), np.int8)
    for texts, step in (("([{", 1), (")]}", -1)):
        steps[[number for text in texts if (number := vocabulary.number(text)) is not None]] = step
    return steps
