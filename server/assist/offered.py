"""What the type engine offers where a word stands: asked once for all that is shown there.

The list of completions asks it at each letter of a word, and the check of ghost text for the name that
begins there.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from devflow.server.assist.memory import PerDocument

if TYPE_CHECKING:
    from devflow.analysis.document import Document
    from devflow.analysis.types.base import Candidate
    from devflow.server.assist.base import Codebase

_OFFERED = PerDocument["list[Candidate]"]("what the type engine offers")


def names_offered(
    doc: Document, start: int, end: int, code: Codebase
) -> asyncio.Task[list[Candidate]] | None:
    """The names that can stand at `start` of `doc` in place of the word up to `end`: the same task while the
    text before it stays the same, whatever is typed behind. Who gives up waiting lets it go on. None where
    there is no type engine."""
    python = code.python
    if python is None or doc.language != "python":
        return None
    before = doc.text.source[:start]
    source = before + doc.text.source[end:]
    return code.memory.task(
        _OFFERED.key(doc.uri, start, hash(before)), lambda: python.complete(doc.path, source, start)
    )
