"""What the type engine offers where a word stands: asked once for all that is shown there.

The list of completions asks it at each letter of a word, and the check of ghost text for the name that
begins there.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from devflow.server.assist.memory import PerDocument

if TYPE_CHECKING:
    from devflow.analysis.document import Document
    from devflow.analysis.types.base import Candidate
    from devflow.server.assist.base import Codebase

_OFFERED = PerDocument["list[Candidate]"]("what the type engine offers")
_ANSWERED = PerDocument[float]("when it answered")
_GOOD_FOR = 5.0
"""Seconds for which an answer is used: other files change what it would be."""


def names_offered(
    doc: Document, start: int, end: int, code: Codebase
) -> asyncio.Task[list[Candidate]] | None:
    """The names that can stand at `start` of `doc` in place of the word up to `end`: the same task while
    nothing but that word changes, but for an answer that is old. Who gives up waiting lets it go on. None
    where there is no type engine."""
    python = code.python
    if python is None or doc.language != "python":
        return None
    source = doc.text.source[:start] + doc.text.source[end:]
    # What stands behind counts too: ghost text may have made it up.
    place = (start, hash(source))
    answered = _ANSWERED.key(doc.uri, *place)

    async def ask() -> list[Candidate]:
        found = await python.complete(doc.path, source, start)
        code.memory.keep(answered, time.monotonic())
        return found

    key = _OFFERED.key(doc.uri, *place)
    task = code.memory.task(key, ask)
    if task.done() and time.monotonic() - (code.memory.last(answered) or 0.0) > _GOOD_FOR:
        task = code.memory.again(key, ask)
    return task
