"""A document's tokens around a place, brought up to date at each question."""

from __future__ import annotations

from devflow.analysis.document import Document
from devflow.analysis.usage.around import Around, OpenTokens
from devflow.server.assist.base import Codebase
from devflow.server.assist.memory import PerDocument

_TOKENS = PerDocument[OpenTokens]("tokens")


def tokens_around(doc: Document, at: int, code: Codebase) -> Around:
    """The tokens of `doc` seen from `at`, which is not within a token. May be called in threads."""
    tokens = code.memory.kept(_TOKENS.key(doc.uri, doc.language), lambda: OpenTokens(doc.language))
    return tokens.around(doc.text.source, at)
