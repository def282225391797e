"""A name was written that nothing defines and that one import is clearly meant for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from devflow.analysis.document import Document
from devflow.server.assist.add_import import likeliest, undefined_in
from devflow.server.assist.next_edit.base import Cause, NextEdit
from devflow.server.assist.refactorings import names_of

if TYPE_CHECKING:
    from devflow.server.assist.base import Codebase

_MOST_NAMES = 4
_CAUSES = 4


async def missing_imports(doc: Document, at: int, causes: Sequence[Cause], code: Codebase) -> list[NextEdit]:
    """The imports of names written in the last edits. A name that the cursor touches may not be whole yet,
    and one that an edit took the import of away is meant to be without it."""
    if doc.language != "python" or doc.tree is None:
        return []
    written = {token for cause in causes[:_CAUSES] for token in cause.new if token.isidentifier()}
    start, end = doc.text.word_at(at)
    here = doc.text.source[start:end]
    gone = {token for cause in causes if "import" in (*cause.left, *cause.old) for token in cause.old}
    wanted = written - gone
    if not wanted - {here}:
        return []
    names = await asyncio.to_thread(names_of, doc, code)
    undefined = undefined_in(names) if names is not None else []
    found: list[NextEdit] = []
    for name in [each for each in undefined if each in wanted and each != here][:_MOST_NAMES]:
        best = await likeliest(doc, name, code)
        if best is not None:
            found.append(NextEdit(best.edit(doc), "import", best.title))
    return found
