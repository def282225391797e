"""The documents of a session: those the editor has open, and the files on the disk behind them."""

from __future__ import annotations

import logging
import math
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lsprotocol import types

from devflow.analysis.changes import History
from devflow.analysis.document import Document
from devflow.analysis.languages import language_named, language_of
from devflow.analysis.text import Encoding, Text
from devflow.server import convert
from devflow.server.documents import OpenDocument
from devflow.server.files import FileTexts

log = logging.getLogger(__name__)

_MOST_SEEN = 8


class OpenDocuments:
    """By URI. Everyone outside is given frozen snapshots."""

    def __init__(self) -> None:
        self._open: dict[str, OpenDocument] = {}
        self._edited: dict[str, None] = {}
        """Those the user has edited, the last one last."""
        self._files = FileTexts()
        self._seen: OrderedDict[str, Document | None] = OrderedDict()
        """Files the user has looked at or worked in, the last one last; those closed since, as they were."""

    def __iter__(self) -> Iterator[str]:
        return iter(self._open)

    def __contains__(self, uri: object) -> bool:
        return uri in self._open

    def indexed(self) -> Iterator[tuple[Path, OpenDocument]]:
        """The open documents that are files and are not set aside."""
        for document in self._open.values():
            if document.path is not None and not document.set_aside:
                yield document.path, document

    def open(self, item: types.TextDocumentItem) -> OpenDocument:
        """The editor owns this document from now on."""
        path = convert.path_of(item.uri)
        language = language_named(item.language_id) or (language_of(path) if path else None)
        document = OpenDocument(item.uri, path, language.name if language else "", item.version, item.text)
        self._open[item.uri] = document
        self._seen[item.uri] = None
        self.look_at(item.uri)
        return document

    def open_cell(self, item: types.TextDocumentItem) -> OpenDocument:
        """A cell of a notebook: a document that is no file, whatever its URI looks like."""
        language = language_named(item.language_id)
        document = OpenDocument(item.uri, None, language.name if language else "", item.version, item.text)
        self._open[item.uri] = document
        return document

    def change(
        self, named: types.VersionedTextDocumentIdentifier, changes: Sequence[Any], encoding: Encoding
    ) -> OpenDocument | None:
        """Apply the editor's changes; None for a document that is not open."""
        document = self._open.get(named.uri)
        if document is None:
            log.warning("a change of %s, which is not open, was ignored", named.uri)
            return None
        document.change(named.version, changes, encoding)
        self.look_at(named.uri)
        self._edited.pop(named.uri, None)
        self._edited[named.uri] = None
        return document

    def look_at(self, uri: str) -> None:
        """The user is at work in this document: it was opened, edited, or something was asked at a place of
        it. A notebook counts as a whole, its cells do not."""
        if uri in self._seen:
            self._seen.move_to_end(uri)
        while len(self._seen) > _MOST_SEEN:
            self._seen.popitem(last=False)

    def seen(self) -> list[Document]:
        """The documents the user was at work in lately, the last one last; trees may be missing."""
        documents = (self.current(uri) if uri in self._open else kept for uri, kept in self._seen.items())
        return [document for document in documents if document is not None]

    def close(self, uri: str) -> OpenDocument | None:
        """The disk holds the truth about this document again; what was open under `uri`."""
        if uri in self._seen:
            self._seen[uri] = self.current(uri)  # what was read a minute ago still is what it is about
        self._edited.pop(uri, None)
        return self._open.pop(uri, None)

    def edited_besides(self, uri: str, most: int) -> list[str]:
        """The open documents other than `uri` that were edited, the last one first."""
        return [each for each in reversed(self._edited) if each != uri][:most]

    def path_of(self, uri: str) -> Path | None:
        """The file of an open document."""
        document = self._open.get(uri)
        return document.path if document is not None else None

    def text_now(self, uri: str) -> Text | None:
        """The text of an open document."""
        document = self._open.get(uri)
        return document.text if document is not None and not document.set_aside else None

    def history(self, uri: str) -> History | None:
        """What the editor changed lately in an open document."""
        document = self._open.get(uri)
        return document.history if document is not None and not document.set_aside else None

    def unchanged_for(self, uri: str) -> float:
        """Seconds since the editor last changed an open document; endless if it never did."""
        document = self._open.get(uri)
        return math.inf if document is None else time.monotonic() - document.changed_at

    def current(self, uri: str) -> Document | None:
        """The open document as it is now, None when it is not open or set aside; its tree may be None."""
        document = self._open.get(uri)
        return None if document is None or document.set_aside else document.snapshot()

    async def snapshot(self, uri: str) -> Document | None:
        """The document at the moment of the call, with its tree. A file that is not open is read from
        the disk; None when there is nothing to work on."""
        document = self._open.get(uri)
        if document is not None:
            return None if document.set_aside else await document.parsed()
        path = convert.path_of(uri)
        text = await self._files.text_of(path) if path is not None else None
        if path is None or text is None:
            return None
        language = language_of(path)
        closed = OpenDocument(uri, path, language.name if language else "", 0, text.source)
        return await closed.parsed()

    async def text_of(self, path: Path) -> Text | None:
        """The open version where there is one, else the disk; None when it cannot be read."""
        document = self._of(path)
        if document is not None and not document.set_aside:
            return document.text
        return await self._files.text_of(path)

    def is_utf8(self, path: Path) -> bool:
        """Whether the file, whose text was asked for before, is open or encoded so."""
        return self.version_of(path) is not None or self._files.is_utf8(path)

    def is_stale(self, doc: Document) -> bool:
        """Whether the editor's document has moved on from `doc`."""
        document = self._open.get(doc.uri)
        return document is not None and not document.is_current(doc)

    def version_of(self, path: Path) -> int | None:
        """The version of an open document, as versioned edits name it."""
        document = self._open.get(convert.uri_of(path))
        return document.version if document is not None else None

    def uri_of(self, path: Path) -> str:
        """The URI of a file: the editor's own spelling where it is open."""
        document = self._of(path)
        return document.uri if document is not None else convert.uri_of(path)

    def _of(self, path: Path) -> OpenDocument | None:
        return self._open.get(convert.uri_of(path)) or next(
            (document for document in self._open.values() if document.path == path), None
        )
