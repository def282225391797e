"""What completion asks of the index: all at once, whatever is late left out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from devflow.analysis.expressions import python_before
from devflow.analysis.named_strings import has_class_maker
from devflow.analysis.python_fields import COPYING
from devflow.analysis.types.base import Parameter
from devflow.retrieval.base import IndexedSymbol
from devflow.retrieval.graph.dialects import DIALECTS
from devflow.retrieval.graph.named import members_at
from devflow.server.assist.base import Codebase
from devflow.server.assist.candidates import Found, tail_of
from devflow.server.assist.frequency import Frequent, attribute_counts, frequent_members, read_frequent
from devflow.server.assist.imports import files_of_module, module_of, modules_under
from devflow.server.assist.lineage import classes_by_name, inherited_members
from devflow.server.assist.signature_help import (
    callees,
    certain_signatures,
    parameters_of,
    typed_signatures,
)
from devflow.server.assist.static_names import library_modules, members_of, public_names, static_keywords
from devflow.server.assist.waiting import answer, until
from devflow.server.assist.wanted import Place, Wanted

if TYPE_CHECKING:
    from devflow.retrieval.index import Index

_EXPECTED = 40
"""Names the usage model expects that are looked up as symbols of other files."""


async def gather(wanted: Wanted, code: Codebase, deadline: float) -> tuple[Found, bool]:
    """The index's answers as far as they come before `deadline`; True when something was not in time."""
    questions: dict[str, Coroutine[Any, Any, Any]] = {}
    index = code.index
    if index is not None:
        if wanted.place is Place.MEMBER:
            _about_members(questions, wanted, code, index)
        elif wanted.place is Place.NAME:
            questions["workspace"] = _symbols(wanted, index)
        elif wanted.place is Place.IMPORT:
            questions["workspace"] = _of_imported_module(index, wanted)
    python = wanted.doc.language == "python"
    if _is_for_text(wanted, code) and (text := receiver_text(wanted)):
        questions["told_by_text"] = members_of(wanted.doc, wanted.start, text, code)
    if wanted.place is Place.IMPORT and python:
        questions["keywords"] = _modules(wanted, code)
        if imported := _imported_from(wanted):
            questions["offered"] = public_names(wanted.doc, imported, code)
    if wanted.place is Place.NAME and wanted.call is not None and python:
        questions["parameters"] = _parameters(wanted, code, deadline)
    jobs: dict[str, asyncio.Future[Any]] = {
        name: asyncio.ensure_future(question) for name, question in questions.items()
    }
    frequent: asyncio.Task[Frequent] | None = None
    if wanted.place is Place.MEMBER and index is not None:
        frequent = read_frequent(index, code.memory)
    waited = [*jobs.values(), *([frequent] if frequent is not None else [])]
    try:
        if waited:
            await asyncio.wait(waited, timeout=max(0.0, deadline - time.monotonic()))
    finally:
        late = [job for job in jobs.values() if not job.done()]
        for job in late:
            job.cancel()
    found = Found()
    for name, job in jobs.items():
        if result := answer(job):
            setattr(found, name, result)
    found.frequent = frequent_members(code.memory, frequent)
    found.methods += found.module
    found.whole = bool(found.module)
    return found, bool(late)


def _is_for_text(wanted: Wanted, code: Codebase) -> bool:
    """Whether the text is asked what the receiver has: a fast type engine is there in time and knows as much,
    but not the whole of modules and of classes that are made by calls."""
    if wanted.place is not Place.MEMBER or wanted.doc.language != "python":
        return False
    if not code.types_are_fast:
        return True
    return bool(module_of(wanted.receiver, wanted.imports)) or has_class_maker(wanted.doc.text.source)


def receiver_text(wanted: Wanted) -> str:
    """The expression in front of the dot, "" where it cannot be told."""
    if wanted.receiver or wanted.quoted:
        return wanted.receiver
    source = wanted.doc.text.source
    dot = source.rfind(".", 0, wanted.start)
    return python_before(source, dot) if dot >= 0 else ""


def _about_members(
    questions: dict[str, Coroutine[Any, Any, Any]], wanted: Wanted, code: Codebase, index: Index
) -> None:
    doc = wanted.doc
    if wanted.receiver:
        questions["members"] = index.members_of(wanted.receiver)
    if tail := tail_of(wanted.receiver):
        # As a variable of its own and as an attribute.
        questions["tail"] = index.members_of(tail, f"self.{tail}")
    if doc.language == "python" and (module := module_of(wanted.receiver, wanted.imports)):
        questions["module"] = _of_module(index, wanted, module)
    if doc.path is not None and doc.language in DIALECTS:
        questions["told"] = index.graph.ask(members_at, doc.path, wanted.start, wanted.receiver)
    if wanted.classes:
        questions["methods"] = inherited_members(index, wanted.classes, doc.language)
    if wanted.hints.names and not wanted.hints.builtin:
        questions["alike"] = _alike(index, wanted)
    questions["counts"] = attribute_counts(index, wanted.expected, code.memory)


async def _alike(index: Index, wanted: Wanted) -> list[tuple[IndexedSymbol, int]]:
    classes = await classes_by_name(index, wanted.hints.names, wanted.doc.language)
    classes = [name for name in classes if name not in wanted.classes]
    return await inherited_members(index, classes, wanted.doc.language) if classes else []


async def _of_module(index: Index, wanted: Wanted, module: str) -> list[tuple[IndexedSymbol, int]]:
    return [(each, 0) for each in await _top_level(index, wanted, module)]


async def _top_level(index: Index, wanted: Wanted, module: str) -> list[IndexedSymbol]:
    """What the first file of `module` that the index knows defines at its top level."""
    for file in await asyncio.to_thread(files_of_module, wanted.doc, module, wanted.roots):
        if found := await index.symbols_in(file):
            return [each for each in found if not each.symbol.container]
    return []


async def _symbols(wanted: Wanted, index: Index) -> list[IndexedSymbol]:
    """Symbols of other files: those that fit what is typed, those that the usage model expects."""
    expected = [
        name
        for name in list(wanted.proposed)[:_EXPECTED]
        if name.isidentifier() and name.startswith(wanted.prefix)
    ]
    questions = [index.symbols_of(expected, 100)] if expected else []
    if len(wanted.prefix) >= 2:
        questions.append(index.symbols_matching(wanted.prefix, 60))
    return [each for found in await asyncio.gather(*questions) for each in found]


async def _of_imported_module(index: Index, wanted: Wanted) -> list[IndexedSymbol]:
    """What the module of `from module import |` defines."""
    module = _imported_from(wanted)
    return await _top_level(index, wanted, module) if module else []


async def _modules(wanted: Wanted, code: Codebase) -> list[str]:
    line = wanted.doc.text.line_before(wanted.start)
    module = _imported_from(wanted)
    if not module:
        words = line.split()
        module = words[-1] if words and words[-1] not in ("from", "import") and line.endswith(".") else ""
    module = module.rstrip(".") or module

    def look() -> list[str]:
        known = modules_under(wanted.doc, module, code.roots)
        return known if module.startswith(".") else sorted({*known, *library_modules(module, code)})

    return await asyncio.to_thread(look)


def _imported_from(wanted: Wanted) -> str:
    """`module` of `from module import …|`; "" elsewhere."""
    words = wanted.doc.text.line_before(wanted.start).split()
    return words[1] if len(words) >= 3 and words[0] == "from" and words[2].startswith("import") else ""


async def _parameters(wanted: Wanted, code: Codebase, deadline: float) -> list[Parameter]:
    """Parameters of the call the cursor is in, from the sources."""
    call = wanted.call
    if call is None:
        return []
    if call.name == "partial" and call.arguments and not call.arguments[0].keyword:
        end = call.arguments[0].end
        start, _ = wanted.doc.text.word_at(end)
        function = wanted.doc.text.source[start:end]
        given = replace(call, name=function, name_start=start, arguments=call.arguments[1:])
        signatures = await certain_signatures(wanted.doc, given, code)
        known = signatures[0].parameters if signatures else ()
        return [replace(each, kind="keyword-only") for each in known]
    if call.name in COPYING and (fields := await static_keywords(wanted.doc, call, code)):
        return fields
    if certain := await certain_signatures(wanted.doc, call, code):
        return list(certain[0].parameters)  # and no function of that name elsewhere
    if fields := await static_keywords(wanted.doc, call, code):
        return fields
    now = time.monotonic()
    doubtful = bool(call.receiver) or not call.plain  # methods of other classes have that name too
    if doubtful and (told := await _typed_parameters(wanted, code, now + (deadline - now) / 2)):
        return told
    for symbol in await callees(wanted.doc, wanted.start, call, code):
        if parameters := parameters_of(symbol.signature, symbol.name):
            return parameters
    return await _typed_parameters(wanted, code, deadline)


async def _typed_parameters(wanted: Wanted, code: Codebase, deadline: float) -> list[Parameter]:
    """Those that the type engine tells by then."""
    typed = typed_signatures(wanted.doc, wanted.cursor, code)
    if typed is None:
        return []
    await until(deadline, typed)
    told = answer(typed)
    return list(told[0].parameters) if told else []
