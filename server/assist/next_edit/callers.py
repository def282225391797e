"""The calls all over the workspace of a function whose parameters were changed, or a data class's fields.

Which calls run it, the code graph says; of those it is sure of only the ones count that fitted the parameters
as they were and do not fit them as they are. So what is done is not offered again, and what was never meant
for these parameters (a decorator puts in one, the first is passed by hand) is left alone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from devflow.analysis.calls import CallSite, calls
from devflow.analysis.document import Document
from devflow.analysis.syntax.parse import SyntaxTree
from devflow.analysis.text import Edit
from devflow.retrieval.graph.importers import CallingFile, calling_files
from devflow.server.assist.next_edit.base import NextEdit, keeps_syntax
from devflow.server.assist.next_edit.signatures import Changed, edit_of, fits, title_of
from devflow.server.assist.other_files import tree_of
from devflow.server.assist.waiting import due, within

if TYPE_CHECKING:
    from devflow.server.assist.base import Codebase

SECONDS = 1.0
"""What is waited for the graph and the files; what was not reached by then is left out."""
_MOST_FILES, _MOST_CALLS = 20, 40


async def calls_elsewhere(
    doc: Document, changed: Sequence[Changed], here: Path | None, code: Codebase
) -> list[NextEdit]:
    """The edits that the calls of what was changed in `doc` need, those in the file `here` first, and the
    places of calls where it is not clear what to pass."""
    if doc.path is None or code.index is None:
        return []
    end = due(SECONDS)
    for each in changed:
        added = each.added
        if each.removed is None and (added is None or added.optional or added.starred):
            continue
        name = each.symbol.qualified_name
        callers = await within(code.index.graph.ask(calling_files, doc.path, name), SECONDS)
        found: list[NextEdit] = []
        for caller in sorted(callers or (), key=lambda caller: (caller.path != here, caller.path))[
            :_MOST_FILES
        ]:
            tree = await tree_of(caller.path, code)
            if tree is not None:
                found += await asyncio.to_thread(_needed, caller, tree, each, _is_bound(doc, each))
            if time.monotonic() > end or len(found) >= _MOST_CALLS:
                break
        if found:
            return found[:_MOST_CALLS]
    return []


def _needed(caller: CallingFile, tree: SyntaxTree, changed: Changed, bound: str) -> list[NextEdit]:
    """What the calls in a file need as it is now, which `tree` is of."""
    text = tree.text
    places = caller.now(text.source)
    doc = Document("", caller.path, tree.language, 0, text, tree)
    rule = "field" if changed.opening == changed.closing == changed.symbol.name_end else "signature"
    found: list[NextEdit] = []
    for site in calls(tree):
        if site.name_start not in places or (bound and (site.receiver or "").rpartition(".")[2] == bound):
            continue
        if not fits(site, changed.before) or fits(site, changed.now):
            continue
        edit = edit_of(tree, site, changed)
        if edit is None or not keeps_syntax(doc, edit):
            at = _behind_arguments(site)
            edit = Edit(at, at, "")
        found.append(NextEdit(edit, rule, title_of(changed), caller.path, text))
    return found


def _is_bound(doc: Document, changed: Changed) -> str:
    """The class through whose name a method is called with its object as an argument; "" where none is."""
    written = doc.text.source[changed.opening : changed.closing].lstrip()
    return changed.symbol.container.rpartition(".")[2] if written.startswith("self") else ""


def _behind_arguments(site: CallSite) -> int:
    return site.arguments[-1].end if site.arguments else site.end - 1
