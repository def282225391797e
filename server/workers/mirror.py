"""Our documents mirrored into a language server: what it must be told so that its texts are ours.

A mirror is brought up to date from the text itself, right before a question is asked about it. What is
told is the difference to what was told before, so the two cannot come apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from devflow.analysis.text import Edit, Encoding, Text, common_ends

MOST_GUESTS = 8
"""Files that are asked about without being open in the editor and stay open in the mirror."""
_LONE = re.compile("[\ud800-\udfff]")

Message = tuple[str, dict[str, Any]]
"""Method and parameters of a notification."""


class Mirror:
    """What a language server has been told of our documents."""

    def __init__(self, encoding: Encoding = "utf-16") -> None:
        self.encoding: Encoding = encoding
        self._told: dict[Path, tuple[Text, str, int]] = {}
        """Path → text told (and the source it was made from), version."""
        self._guests: dict[Path, None] = {}

    def text(self, path: Path) -> Text | None:
        """What was told last of `path`; None when it is not open there."""
        told = self._told.get(path)
        return told[0] if told is not None else None

    def version(self, path: Path) -> int:
        """How often `path` was told, 0 when it is not open there: another number is another text."""
        told = self._told.get(path)
        return told[2] if told is not None else 0

    def show(self, path: Path, source: str, *, guest: bool = False) -> Iterator[Message]:
        """What to send so that `path` holds `source`. A guest is closed when others take its place."""
        told = self._told.get(path)
        if not guest:
            self._guests.pop(path, None)
        elif told is None or path in self._guests:
            self._guests.pop(path, None)
            self._guests[path] = None
        if told is not None and (told[1] is source or told[1] == source):
            return
        text = Text(_LONE.sub("\ufffd", source)) if not source.isascii() else Text(source)
        version = told[2] + 1 if told is not None else 1
        self._told[path] = (text, source, version)
        if told is None:
            opened = {"uri": path.as_uri(), "languageId": "python", "version": version, "text": text.source}
            yield "textDocument/didOpen", {"textDocument": opened}
        else:
            change = self.change(told[0], text)
            named = {"uri": path.as_uri(), "version": version}
            yield "textDocument/didChange", {"textDocument": named, "contentChanges": [change]}
        while len(self._guests) > MOST_GUESTS:
            yield from self.close(next(iter(self._guests)))

    def close(self, path: Path) -> Iterator[Message]:
        """What to send so that the disk holds the truth about `path` again."""
        self._guests.pop(path, None)
        if self._told.pop(path, None) is not None:
            yield "textDocument/didClose", {"textDocument": {"uri": path.as_uri()}}

    def change(self, old: Text, new: Text) -> dict[str, Any]:
        """The one content change that makes `new` of `old`, in the server's units."""
        edit = difference(old.source, new.source)
        return {"range": self.range(old, edit.start, edit.end), "text": edit.new}

    def position(self, text: Text, at: int) -> dict[str, int]:
        """An offset in the server's units."""
        line, character = text.position(at, self.encoding)
        return {"line": line, "character": character}

    def range(self, text: Text, start: int, end: int) -> dict[str, Any]:
        """A range in the server's units."""
        return {"start": self.position(text, start), "end": self.position(text, end)}


def difference(old: str, new: str) -> Edit:
    """The smallest single edit from `old` to `new` that neither begins nor ends between CR and LF, where
    no client of LSP can point."""
    start, end = common_ends(old, new)
    while start and old[start - 1] == "\r":
        start -= 1
    while end and old[len(old) - end] == "\n":
        end -= 1
    return Edit(start, len(old) - end, new[start : len(new) - end])
