"""Immutable document text and its coordinates.

Below the server a position is a code-point offset into one `Text`. Lines end at LF, CRLF or CR and
nowhere else (LSP 3.18, "Text Documents"): form feed or U+2028 do not end a line, as they do for
`str.splitlines`.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any, Literal

Encoding = Literal["utf-8", "utf-16", "utf-32"]

_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the code points `start:end` by `new`."""

    start: int
    end: int
    new: str


class Text:
    """The text of one version of one document.

    Every offset is in code points, `0 <= offset <= len(text)`. Conversions clamp: a client that asks
    for a place past the end of a line gets the end of that line, as LSP demands.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self._ascii = source.isascii()

    def __len__(self) -> int:
        return len(self.source)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Text) and other.source == self.source

    def __hash__(self) -> int:
        return hash(self.source)

    def __repr__(self) -> str:
        # No content: a Text in a traceback must not put the user's code into the log.
        return f"Text({len(self.source)} code points, {self.line_count} lines)"

    @cached_property
    def _starts(self) -> list[int]:
        if "\r" in self.source:
            return [0, *(end.end() for end in _LINE_END.finditer(self.source))]
        lines = self.source.split("\n")  # four times as fast
        del lines[-1]
        return [0, *accumulate(map((1).__add__, map(len, lines)))]

    @property
    def line_ending(self) -> str:
        """What new lines of it end with."""
        return "\r\n" if "\r\n" in self.source else "\n"

    @property
    def line_count(self) -> int:
        """Lines, counting the (possibly empty) one after the last line end."""
        return len(self._starts)

    def line_at(self, offset: int) -> int:
        """The 0-based line that holds `offset`."""
        return max(bisect_right(self._starts, offset), 1) - 1

    def line_start(self, line: int) -> int:
        """Offset of the first code point of `line`; past the last line, the end of the text."""
        if line < 0:
            return 0
        return self._starts[line] if line < len(self._starts) else len(self.source)

    def line_end(self, line: int) -> int:
        """Offset just behind the last code point of `line`, before its line end."""
        if line + 1 >= len(self._starts):
            return len(self.source)
        end = self._starts[line + 1]
        if self.source[end - 2 : end] == "\r\n":
            return end - 2
        return end - 1

    def line(self, line: int) -> str:
        """The text of `line` without its line end."""
        return self.source[self.line_start(line) : self.line_end(line)]

    def line_before(self, offset: int) -> str:
        """What stands before `offset` on its line."""
        return self.source[self.line_start(self.line_at(offset)) : offset]

    def position(self, offset: int, encoding: Encoding = "utf-16") -> tuple[int, int]:
        """`(line, character)` of `offset`, characters counted in units of `encoding`."""
        offset = self._clamp(offset)
        line = bisect_right(self._starts, offset) - 1
        start = self._starts[line]
        # Between CR and LF there is no position of its own: it is the end of the line.
        offset = min(offset, self.line_end(line))
        if self._ascii or encoding == "utf-32":
            return line, offset - start
        return line, _units(self.source[start:offset], encoding)

    def offset(self, line: int, character: int, encoding: Encoding = "utf-16") -> int:
        """Offset of `(line, character)`; a position inside a surrogate pair or a multi-byte
        sequence is rounded down to the code point that holds it."""
        if line < 0:
            return 0
        if line >= len(self._starts):
            return len(self.source)
        start, end = self._starts[line], self.line_end(line)
        character = max(character, 0)
        if self._ascii or encoding == "utf-32":
            return min(start + character, end)
        content = self.source[start:end]
        if content.isascii():
            return min(start + character, end)
        width = 0
        for index, char in enumerate(content):
            width += _units(char, encoding)
            if width > character:
                return start + index
        return end

    def byte_offset(self, offset: int) -> int:
        """UTF-8 bytes before `offset` (lone surrogates count as the three bytes they encode to)."""
        offset = self._clamp(offset)
        return offset if self._ascii else _units(self.source[:offset], "utf-8")

    @cached_property
    def encoded(self) -> bytes:
        """UTF-8; lone surrogates (which JSON can carry) become `?`-like placeholders of equal width."""
        return encode(self.source)

    @property
    def is_ascii(self) -> bool:
        """Whether code points, bytes and every client unit are the same."""
        return self._ascii

    def replaced(self, edits: Iterable[Edit]) -> Text:
        """The text after `edits`, all given in this text's offsets and not overlapping.

        Raises ValueError when two edits overlap or one lies outside the text.
        """
        parts: list[str] = []
        at = 0
        ordered = sorted(edits, key=lambda e: (e.start, e.end))
        for edit in ordered:
            if edit.start < at or edit.end < edit.start or edit.end > len(self.source):
                raise ValueError(f"edit {edit.start}:{edit.end} overlaps or is outside the text")
            parts += (self.source[at : edit.start], edit.new)
            at = edit.end
        parts.append(self.source[at:])
        after = Text("".join(parts))
        if len(ordered) == 1 and "_starts" in vars(self):
            # A keystroke in a long document: finding all its lines again would be most of the work.
            after._starts = _starts_after(self._starts, ordered[0], after.source)
        return after

    def word_at(self, offset: int) -> tuple[int, int]:
        """The identifier that touches `offset` as `(start, end)`; empty where there is none."""
        start = end = self._clamp(offset)
        source = self.source
        while start > 0 and (source[start - 1].isalnum() or source[start - 1] == "_"):
            start -= 1
        while end < len(source) and (source[end].isalnum() or source[end] == "_"):
            end += 1
        return start, end

    def _clamp(self, offset: int) -> int:
        return min(max(offset, 0), len(self.source))


def _starts_after(starts: list[int], edit: Edit, source: str) -> list[int]:
    """The line starts of `source`, which a text with these `starts` became by `edit`."""
    moved = len(edit.new) - (edit.end - edit.start)
    # From the line of the character before the edit, which may end it together with what is new, to the
    # second one behind it, before which nothing can have changed.
    first = bisect_right(starts, max(edit.start - 1, 0))
    behind = bisect_left(starts, edit.end + 2)
    fresh: list[int] = []
    for end in _LINE_END.finditer(source, starts[first - 1]):
        if end.end() >= edit.end + 2 + moved:
            break
        fresh.append(end.end())
    return starts[:first] + fresh + [start + moved for start in starts[behind:]]


def line_bounds(source: str, start: int, end: int) -> tuple[int, int]:
    """From where to where the lines reach that hold `start:end`, without the last line end. For a source
    that nothing else asks for its lines; they end with LF here, as tree-sitter's do."""
    last = source.find("\n", end)
    return source.rfind("\n", 0, start) + 1, last if last >= 0 else len(source)


def encode(source: str) -> bytes:
    """UTF-8 in which a lone surrogate, legal in JSON but not in UTF-8, is U+FFFD (three bytes too)."""
    try:
        return source.encode("utf-8")
    except UnicodeEncodeError:
        return re.sub("[\ud800-\udfff]", "\ufffd", source).encode("utf-8")


def _units(piece: str, encoding: Encoding) -> int:
    if encoding == "utf-32":
        return len(piece)
    if piece.isascii():
        return len(piece)
    if encoding == "utf-16":
        return len(piece) + sum(char > "\uffff" for char in piece)
    return len(encode(piece))


def common_ends(old: Sequence[Any], new: Sequence[Any]) -> tuple[int, int]:
    """How many items two texts or lists both begin with, and how many they both end with behind those. By
    halves: comparing slices is a hundred times as fast as comparing items."""
    first = _longest(min(len(old), len(new)), lambda low, high: old[low:high] == new[low:high])
    last = _longest(
        min(len(old), len(new)) - first,
        lambda low, high: old[len(old) - high : len(old) - low] == new[len(new) - high : len(new) - low],
    )
    return first, last


def _longest(most: int, same: Callable[[int, int], bool]) -> int:
    """The largest `n` up to `most` with everything from 0 to `n` the same."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if same(low, middle):
            low = middle
        else:
            high = middle - 1
    return low
