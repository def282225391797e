"""What has been offered and was not wanted: it is not offered again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from devflow.analysis.document import Document
from devflow.server.assist.next_edit.base import NextEdit

SHOWN_AT_MOST = 3
"""Versions of a document in which an edit may be seen and passed over; then it counts as rejected."""
_MOST = 500


class Offers:
    """One session's. An edit is known again by what it changes and the line it stands in, wherever that
    line has moved."""

    def __init__(self) -> None:
        self.refused: Callable[[str], bool] = lambda place: False
        """Whether what is known as a place (`place_of`) was refused in an earlier session."""
        self._passed_over: OrderedDict[str, set[int]] = OrderedDict()
        self._rejected: OrderedDict[str, None] = OrderedDict()
        self._keys: OrderedDict[str, str] = OrderedDict()

    def wanted(self, doc: Document, edit: NextEdit) -> bool:
        """Whether it may be offered in this version of the document."""
        key = place_of(doc, edit)
        seen = self._passed_over.get(key, set())
        if key in self._rejected or len(seen - {doc.version}) >= SHOWN_AT_MOST:
            return False
        return not self.refused(key)

    def offered(self, suggestion: str, doc: Document, edit: NextEdit) -> None:
        """It was offered under this id."""
        key = place_of(doc, edit)
        self._keys[suggestion] = key
        self._passed_over.setdefault(key, set()).add(doc.version)
        _bound(self._keys)
        _bound(self._passed_over)

    def accepted(self, suggestion: str) -> None:
        """The user took it: the same edit may be wanted in the next line that reads so."""
        key = self._keys.get(suggestion)
        if key is not None:
            self._passed_over.pop(key, None)

    def rejected(self, suggestion: str) -> None:
        """The user did not want it."""
        key = self._keys.get(suggestion)
        if key is not None:
            self._rejected[key] = None
            _bound(self._rejected)


def place_of(doc: Document, each: NextEdit) -> str:
    """What an edit is known by, in this session and later ones: its file, the line it stands in and what it
    makes of it."""
    text, edit = each.text or doc.text, each.edit
    line = text.line(text.line_at(edit.start)).strip()
    where = each.path or doc.path or doc.uri
    return "\n".join(
        ("next edit", str(where), line, repr(text.source[edit.start : edit.end]), repr(edit.new))
    )


def _bound(kept: OrderedDict[Any, Any]) -> None:
    while len(kept) > _MOST:
        kept.popitem(last=False)
