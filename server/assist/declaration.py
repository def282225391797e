"""Where a name is declared in its own file or header, and where its type is defined."""

from __future__ import annotations

import asyncio
import re

from devflow.analysis.document import Document
from devflow.analysis.facts import Location
from devflow.analysis.scope import in_quotes, word_before
from devflow.server.assist.base import Codebase
from devflow.server.assist.found import INDEX_SECONDS, located, same_family
from devflow.server.assist.navigate import Places, definition
from devflow.server.assist.outline import symbols_of
from devflow.server.assist.project import names_in
from devflow.server.assist.receivers import CLASS_KINDS, classes_of
from devflow.server.assist.static_names import static_type
from devflow.server.assist.waiting import within

_HEADERS = frozenset({".h", ".hh", ".hpp", ".hxx", ".pyi"})


async def declaration(doc: Document, at: int, code: Codebase) -> Places:
    """Where the name at `at` comes into its file (an import, a parameter, the first assignment), in C and
    C++ the header that declares it; else its definition."""
    start, end = doc.text.word_at(at)
    if start == end or in_quotes(doc, at):
        return await definition(doc, at, code)
    name = doc.text.source[start:end]
    if doc.language == "python" and doc.tree is not None and doc.path is not None:
        bound = await asyncio.to_thread(_first_binding, doc, start, code)
        if bound is not None:
            return Places((Location(doc.path, bound, bound + len(name)),), "document")
    if doc.language in ("c", "cpp") and code.index is not None:
        declared = [
            await located(each.path, each.symbol, code)
            for each in await within(code.index.symbols_named(name), INDEX_SECONDS) or []
            if each.path.suffix in _HEADERS and same_family(each.language, doc.language)
        ]
        if declared:
            return Places(tuple(declared), "index")
    return await definition(doc, at, code)


async def type_definition(doc: Document, at: int, code: Codebase) -> Places:
    """Where the class of what the name at `at` holds is defined."""
    start, end = doc.text.word_at(at)
    name = doc.text.source[start:end]
    if start == end or in_quotes(doc, at):
        return Places()
    static = await static_type(doc, at, code)
    if static is not None and static.location is not None:
        return Places((static.location,), static.source)
    here = await asyncio.to_thread(symbols_of, doc, code.memory)
    word = word_before(doc.text, end, doc.language)
    receiver = f"{word.receiver}.{name}" if word.receiver else name
    classes = await asyncio.to_thread(classes_of, doc, end, receiver, here)
    declared = re.search(
        rf"(?:\b([A-Z]\w*)[\s*&]+{re.escape(name)}\b)|(?:\b{re.escape(name)}\s*:?\s*[*&]*([A-Z]\w*))",
        doc.text.source,
    )
    wanted = classes[0] if classes else (declared[1] or declared[2]) if declared else ""
    own = [each for each in here if each.name == wanted and each.kind in CLASS_KINDS]
    if own and doc.path is not None:
        return Places((Location(doc.path, own[0].name_start, own[0].name_end),), "document")
    if code.index is not None and wanted:
        found = [
            await located(each.path, each.symbol, code)
            for each in await within(code.index.symbols_named(wanted, 20), INDEX_SECONDS) or []
            if each.symbol.kind in CLASS_KINDS and same_family(each.language, doc.language)
        ]
        return Places(tuple(found), "index" if found else "")
    return Places()


def _first_binding(doc: Document, start: int, code: Codebase) -> int | None:
    names = names_in(doc, code)
    here = names.at(start)
    if here is None:
        return None
    places = names.of(here.name, names.home(here))
    return next((each.start for each in places if each.role == "bind"), None)
