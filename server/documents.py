"""One open document: text, version and tree, changed in place by the editor's edits.

Everything here runs on the event loop; only the parsing of large documents is given to a thread.
"""

from __future__ import annotations

import asyncio
import logging
import math
import re
import time
from collections.abc import Sequence
from pathlib import Path

from lsprotocol import types

from devflow.analysis.changes import Change, History, change_between
from devflow.analysis.document import Document
from devflow.analysis.syntax.parse import SyntaxTree, parse
from devflow.analysis.text import Edit, Encoding, Text
from devflow.server import convert
from devflow.server.errors import ContentModified
from devflow.server.files import LARGEST

log = logging.getLogger(__name__)

LONGEST_LINE = 100_000
"""Code points; a document with a longer line gets no tree (minified code, data)."""
LARGEST_COMPARED = 500_000
"""Code points; of a larger text that is sent whole it is not told what changed."""
PARSED_ON_LOOP = 10_000
"""Code points that tree-sitter parses in under 5 ms, whatever they are: where an edit breaks the code, an
incremental parse can cost more than one from scratch. Longer ones go to a thread, which does not keep the
loop waiting: the parser runs without the interpreter's lock."""


class OpenDocument:
    """The editor's document `uri`."""

    def __init__(self, uri: str, path: Path | None, language: str, version: int, source: str) -> None:
        self.uri = uri
        self.path = path
        self.language = language
        self.version = version
        self.set_aside = False
        self.text = Text("")
        self._tree: SyntaxTree | None = None
        self._tree_text: Text | None = None
        self._pending: list[Edit] | None = None
        """The edits between `_tree_text` and `text`; None when the tree must be made from scratch."""
        self._parsing: tuple[Text, asyncio.Task[SyntaxTree | None]] | None = None
        self._parsable = True
        self.changed_at = -math.inf
        """When the editor last changed it, by the monotonic clock."""
        self.history = History()
        """What the editor changed lately."""
        self._replace(source)

    def change(
        self,
        version: int,
        changes: Sequence[types.TextDocumentContentChangeEvent],
        encoding: Encoding,
    ) -> None:
        """Apply the editor's changes in order."""
        if version <= self.version:
            log.warning("version %s of %s came after version %s", version, self.uri, self.version)
        self.version = version
        self.changed_at = time.monotonic()
        for change in changes:
            if isinstance(change, types.TextDocumentContentChangeWholeDocument):
                self._remember_whole(change.text)
                self._replace(change.text)
            elif not self.set_aside:
                self._edit(convert.edit_of(self.text, change.range, change.text, encoding))

    def snapshot(self) -> Document:
        """What the document is now, with its tree if that is up to date."""
        tree = self._tree if self._tree_text is self.text else None
        return Document(self.uri, self.path, self.language, self.version, self.text, tree)

    async def parsed(self) -> Document:
        """What the document is at the moment of the call, with its tree. The text is taken before the
        first `await`. Raises ContentModified when it is edited while a large text is being parsed."""
        if not self.language or not self._parsable or self._tree_text is self.text:
            return self.snapshot()
        if len(self.text) <= PARSED_ON_LOOP:
            self._parse_now()
            return self.snapshot()
        version, text = self.version, self.text
        while self._parsing is not None and self._parsing[0] is not text:
            running = self._parsing[1]
            await asyncio.wait([running])
            if self.text is not text:
                raise ContentModified
        if self._tree_text is not text:
            if self._parsing is None:
                self._parsing = (text, self._parse_aside(text))
            # Shielded: cancelling one request must not take the tree from the next.
            tree = await asyncio.shield(self._parsing[1])
        else:
            tree = self._tree
        return Document(self.uri, self.path, self.language, version, text, tree)

    def is_current(self, doc: Document) -> bool:
        """Whether `doc` still is what the editor shows."""
        return doc.text is self.text

    def _parse_now(self) -> None:
        text = self.text
        self._keep(text, _tree_of(self._tree, self._pending, text, self.language))

    def _parse_aside(self, text: Text) -> asyncio.Task[SyntaxTree | None]:
        """Parse in a thread. What is parsed is noted here and now, before another edit can come."""
        base = self._tree
        edits = None if self._pending is None else list(self._pending)
        done = 0 if edits is None else len(edits)
        # Edits made while the thread parses are collected from here on.
        pending = self._pending = [] if self._pending is None else self._pending

        async def parsing() -> SyntaxTree | None:
            try:
                tree = await asyncio.to_thread(_tree_of, base, edits, text, self.language)
            finally:
                self._parsing = None
            if self.text is text:
                self._keep(text, tree)
            elif pending is self._pending and tree is not None:
                # Edited meanwhile: the new tree and the edits made since are the base of the next.
                self._tree, self._tree_text = tree, text
                self._pending = pending[done:]
            return tree

        return asyncio.get_running_loop().create_task(parsing())

    def _keep(self, text: Text, tree: SyntaxTree | None) -> None:
        self._tree, self._tree_text = tree, text
        self._pending = [] if tree is not None else None

    def _remember_whole(self, source: str) -> None:
        if max(len(source), len(self.text)) > LARGEST_COMPARED:
            self.history.forget()
        elif (change := change_between(self.text.source, source)) is not None:
            self.history.add(change)

    def _edit(self, edit: Edit) -> None:
        self.history.add(Change(edit.start, self.text.source[edit.start : edit.end], edit.new))
        self.text = self.text.replaced([edit])
        if self._pending is not None:
            self._pending.append(edit)
        if len(edit.new) > LONGEST_LINE:
            self._look_at_size()

    def _replace(self, source: str) -> None:
        self._pending = None
        self._tree = None
        self.text = Text(source)
        self._look_at_size()

    def _look_at_size(self) -> None:
        self.set_aside = len(self.text) > LARGEST
        if self.set_aside:
            self.text = Text("")
            self._parsable = False
            return
        self._parsable = not has_long_line(self.text.source)
        if not self._parsable:
            self._tree = self._pending = None


def has_long_line(source: str) -> bool:
    """Whether a line is longer than LONGEST_LINE."""
    if len(source) <= LONGEST_LINE or max(map(len, source.split("\n"))) <= LONGEST_LINE:
        return False
    return max(map(len, re.split(r"[\r\n]", source))) > LONGEST_LINE


def _tree_of(
    base: SyntaxTree | None, edits: Sequence[Edit] | None, text: Text, language: str
) -> SyntaxTree | None:
    if base is None or edits is None:
        return parse(text, language)
    return base.edited(edits, text) if edits else base
