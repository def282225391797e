"""Cursor-marked snippets: `<|>` is the cursor (two are a selection), `#- path` starts a file,
and a comment line of carets under a range gives it a label: `#   ^^^^ target`.

`#` may be `//` for other languages. Lines of labels are removed from the text.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass

CURSOR = "<|>"
_FILE = re.compile(r"^\s*(?:#|//)- (\S+)\s*$")
_LABEL = re.compile(r"^\s*(?:#|//)[\s^]*?(\^+)(?: (.*))?$")


@dataclass(frozen=True, slots=True)
class Label:
    """A marked range of one file."""

    path: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Case:
    """A parsed snippet. Offsets are code points into the file's text without the marks."""

    files: dict[str, str]
    cursors: tuple[tuple[str, int], ...]
    labels: tuple[Label, ...]

    @property
    def cursor(self) -> tuple[str, int]:
        """The only cursor as `(path, offset)`."""
        [cursor] = self.cursors
        return cursor

    @property
    def selection(self) -> tuple[str, int, int]:
        """The two cursors as `(path, start, end)`."""
        [(path, start), (_, end)] = self.cursors
        return path, start, end

    def text(self, path: str | None = None) -> str:
        """The text of `path`, or of the only file."""
        if path is None:
            [text] = self.files.values()
            return text
        return self.files[path]


def parse(snippet: str, path: str = "main.py") -> Case:
    """Parse a snippet; a snippet without `#- path` lines is one file called `path`."""
    files: dict[str, str] = {}
    cursors: list[tuple[str, int]] = []
    labels: list[Label] = []
    for name, lines in _split(textwrap.dedent(snippet).removeprefix("\n"), path):
        text = ""
        previous = 0
        for line in lines:
            label = _LABEL.match(line)
            if label:
                start = previous + label.start(1)
                labels.append(Label(name, start, start + len(label[1]), (label[2] or "").strip()))
                continue
            previous = len(text)
            while CURSOR in line:
                column = line.index(CURSOR)
                cursors.append((name, len(text) + column))
                line = line[:column] + line[column + len(CURSOR) :]
            text += line
        files[name] = text
    return Case(files, tuple(cursors), tuple(labels))


def _split(snippet: str, path: str) -> list[tuple[str, list[str]]]:
    parts: list[tuple[str, list[str]]] = []
    for line in re.split(r"(?<=\n)", snippet):
        if header := _FILE.match(line):
            parts.append((header[1], []))
        else:
            if not parts:
                if not line.strip() and CURSOR not in line:
                    continue
                parts.append((path, []))
            parts[-1][1].append(line)
    return parts
