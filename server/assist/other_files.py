"""Files of the workspace besides the document a question is about: read, and parsed in a thread."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from devflow.analysis.languages import language_of
from devflow.analysis.syntax.parse import SyntaxTree, parse

if TYPE_CHECKING:
    from devflow.analysis.text import Text
    from devflow.server.assist.base import Codebase

LARGEST = 2_000_000
"""Code points; nobody waits for what is larger, and the index has it only if it was set so. Python of that
size takes a quarter of a second to parse, in a thread; who has a deadline asks for a file at a time."""


async def readable(path: Path, code: Codebase) -> Text | None:
    """The open version where there is one, else the disk; None when it cannot be read or is too large."""
    text = await code.texts.text_of(path)
    return text if text is not None and len(text) <= LARGEST else None


async def tree_of(path: Path, code: Codebase, having: str = "") -> SyntaxTree | None:
    """The file's tree as it is now; None where there is none, and where `having` is not in the text."""
    text = await readable(path, code) if language_of(path) is not None else None
    if text is None or having not in text.source:
        return None
    return await asyncio.to_thread(parsed, text, path)


def parsed(text: Text, path: Path) -> SyntaxTree | None:
    """The tree of a file's text; None where its language has none. CPU-bound."""
    language = language_of(path)
    return parse(text, language.name) if language is not None else None
