"""A frozen snapshot of one document: the only form in which documents leave the session."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from devflow.analysis.text import Text

if TYPE_CHECKING:
    from devflow.analysis.syntax.parse import SyntaxTree


@dataclass(frozen=True, slots=True)
class Document:
    """One version of one document. It may cross an `await`; whoever answers later compares `version`."""

    uri: str
    path: Path | None
    """None for documents that are not files (`untitled:`)."""
    language: str
    """A name from `analysis.languages`, `""` when it is none of ours."""
    version: int
    text: Text
    tree: SyntaxTree | None = None
    """None when the language has no grammar or the document is over the size limit."""
