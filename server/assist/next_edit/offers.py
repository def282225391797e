"""What has been offered and was not wanted: it is not offered again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
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
        self._passed_over: OrderedDict[Hashable, set[int]] = OrderedDict()
        self._rejected: OrderedDict[Hashable, None] = OrderedDict()
        self._keys: OrderedDict[str, Hashable] = OrderedDict()

    def wanted(self, doc: Document, edit: NextEdit) -> bool:
        """Whether it may be offered in this version of the document."""
        key = _key(doc, edit)
        seen = self._passed_over.get(key, set())
        return key not in self._rejected and len(seen - {doc.version}) < SHOWN_AT_MOST

    def offered(self, suggestion: str, doc: Document, edit: NextEdit) -> None:
        """It was offered under this id."""
        key = _key(doc, edit)
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


def _key(doc: Document, each: NextEdit) -> Hashable:
    text, edit = each.text or doc.text, each.edit
    line = text.line(text.line_at(edit.start)).strip()
    return (each.path or doc.path or doc.uri, line, text.source[edit.start : edit.end], edit.new)


def _bound(kept: OrderedDict[Any, Any]) -> None:
    while len(kept) > _MOST:
        kept.popitem(last=False)
