"""Completions: the right name first, at once, with no model.

Candidates come from everything that knows names (the scope, the document's own tokens, the index, the
usage model, and for Python the type engine); each source only adds evidence, and `rank` alone decides
the order. What has not answered at the deadline is left out: a late answer of the type engine is kept
for the next keystroke of the same word.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devflow.analysis.document import Document
from devflow.analysis.facts import SymbolKind
from devflow.analysis.scope import word_before
from devflow.analysis.text import Edit
from devflow.analysis.types.base import Candidate, Parameter
from devflow.retrieval.base import IndexedSymbol
from devflow.server.assist.base import Codebase
from devflow.server.assist.candidates import (
    Place,
    Wanted,
    keyword_arguments,
    members,
    names,
    place_of,
    tail_of,
)
from devflow.server.assist.imports import import_edit, module_files
from devflow.server.assist.rank import Evidence, ranked
from devflow.server.assist.signature_help import callees, parameters_of
from devflow.server.assist.waiting import answer, until, within
from devflow.server.settings import Completion

_SURE = 0.6
"""From this probability on the first item is preselected."""
_RANKING_SECONDS = 0.01
"""Kept back from the deadline for ranking and sending, so that the list arrives by then."""
_RESOLVE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Item:
    """One completion. `edit` replaces the word being typed, `additional` adds what it needs (an import)."""

    label: str
    kind: SymbolKind
    detail: str
    edit: Edit
    additional: tuple[Edit, ...] = ()
    documentation: str = ""
    preselect: bool = False
    source: str = ""
    """Who named it: `jedi`, `document`, `index`, `usage`, `keyword`, `builtin` or `signature`."""


@dataclass(frozen=True, slots=True)
class Completions:
    """Items best first. `incomplete`: ask again at the next keystroke, more may be known then."""

    items: tuple[Item, ...]
    incomplete: bool = False
    engine: str = ""
    """The sources of the items, joined by `+`."""


async def complete(doc: Document, at: int, code: Codebase, config: Completion) -> Completions:
    """What can stand at offset `at` of `doc`, at the latest about `config.deadline_ms` after the call."""
    deadline = time.monotonic() + config.deadline_ms / 1000
    word = word_before(doc.text, at, doc.language)
    place = place_of(doc, word)
    if place is Place.NOTHING:
        return Completions(())
    engine = _ask_engine(doc, word.start, at, code)
    wanted = await asyncio.to_thread(Wanted.at, doc, at, word, place, code)
    found, late = await _gather(wanted, code, deadline)
    typed: list[Candidate] = []
    if engine is not None:
        await until(deadline - _RANKING_SECONDS, engine)
        late = late or not engine.done()
        typed = answer(engine) or []
    best = await asyncio.to_thread(_ranked, wanted, found, typed)
    shown = best[: config.max_items]
    items = tuple(
        _item(each, wanted, preselect=number == 0 and chance >= _SURE)
        for number, (each, chance) in enumerate(shown)
    )
    sources = "+".join(sorted({item.source for item in items}))
    return Completions(items, late or len(best) > len(shown), sources)


async def document_item(doc: Document, at: int, label: str, code: Codebase) -> str:
    """Signature and documentation of the completion called `label` at `at`, Markdown; "" when unknown."""
    word = word_before(doc.text, at, doc.language)
    if code.python is not None and doc.language == "python":
        source = doc.text.source[: word.start] + doc.text.source[at:]
        asked = code.python.document(doc.path, source, word.start, label)
        if text := await within(asked, _RESOLVE_SECONDS):
            return text
    if code.index is None:
        return ""
    for each in await within(code.index.symbols_named(label, 5), _RESOLVE_SECONDS) or []:
        if each.symbol.signature and each.language == doc.language:
            described = f"\n\n{each.symbol.doc}" if each.symbol.doc else ""
            return f"```{each.language}\n{each.symbol.signature}\n```{described}"
    return ""


def _ask_engine(doc: Document, start: int, at: int, code: Codebase) -> asyncio.Task[list[Candidate]] | None:
    """The type engine's answer for the word that begins at `start`, whatever of it is typed: the same
    task for each of its keystrokes."""
    python = code.python
    if python is None or doc.language != "python":
        return None
    before = doc.text.source[:start]
    source = before + doc.text.source[at:]
    return code.memory.task(
        ("complete", doc.uri, start, hash(before)), lambda: python.complete(doc.path, source, start)
    )


@dataclass(slots=True)
class _Found:
    """What was answered in time."""

    members: dict[str, int] = field(default_factory=dict)
    tail: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    methods: list[IndexedSymbol] = field(default_factory=list)
    workspace: list[IndexedSymbol] = field(default_factory=list)
    parameters: list[Parameter] = field(default_factory=list)


async def _gather(wanted: Wanted, code: Codebase, deadline: float) -> tuple[_Found, bool]:
    """Ask everything at once; True when something was not in time."""
    questions: dict[str, Coroutine[Any, Any, Any]] = {}
    index = code.index
    if wanted.place is Place.MEMBER and index is not None:
        if wanted.receiver:
            questions["members"] = index.members_of(wanted.receiver)
        if tail := tail_of(wanted.receiver):
            questions["tail"] = _on_tail(index, tail)
        if wanted.classes:
            questions["methods"] = _methods(index, wanted.classes)
        elif files := module_files(wanted.doc, wanted.receiver, code.roots):
            questions["methods"] = _of_module(index, files)
        questions["counts"] = index.attribute_counts(wanted.seen_members())
    elif wanted.place is Place.NAME:
        if index is not None and len(wanted.prefix) >= 2:
            questions["workspace"] = index.symbols_matching(wanted.prefix, 60)
        if wanted.call is not None and wanted.doc.language == "python":
            questions["parameters"] = _parameters(wanted, code)
    jobs = {name: asyncio.ensure_future(question) for name, question in questions.items()}
    try:
        if jobs:
            await asyncio.wait(jobs.values(), timeout=max(0.0, deadline - time.monotonic()))
    finally:
        late = [job for job in jobs.values() if not job.done()]
        for job in late:
            job.cancel()
    found = _Found()
    for name, job in jobs.items():
        if result := answer(job):
            setattr(found, name, result)
    return found, bool(late)


async def _on_tail(index: Any, tail: str) -> dict[str, int]:
    """Members seen on the receiver's last name, as a variable of its own and as an attribute."""
    alone, own = await index.members_of(tail), await index.members_of(f"self.{tail}")
    return {name: alone.get(name, 0) + own.get(name, 0) for name in (*alone, *own)}


async def _methods(index: Any, classes: Sequence[str]) -> list[IndexedSymbol]:
    answers = [await index.methods_of(name) for name in classes[:4]]
    return [symbol for each in answers for symbol in each]


async def _of_module(index: Any, files: Sequence[Path]) -> list[IndexedSymbol]:
    """What the first of `files` that the index knows defines at its top level."""
    for file in files:
        if found := await index.symbols_in(file):
            return [each for each in found if not each.symbol.container]
    return []


async def _parameters(wanted: Wanted, code: Codebase) -> list[Parameter]:
    """Parameters of the call the cursor is in: from the sources, else from the type engine."""
    call = wanted.call
    if call is None:
        return []
    for symbol in await callees(wanted.doc, wanted.start, call, code):
        if parameters := parameters_of(symbol.signature, symbol.name):
            return parameters
    if code.python is not None:
        signatures = await code.python.signatures(wanted.doc.path, wanted.doc.text.source, wanted.cursor)
        return list(signatures[0].parameters) if signatures else []
    return []


def _ranked(wanted: Wanted, found: _Found, typed: Sequence[Candidate]) -> list[tuple[Evidence, float]]:
    if wanted.place is Place.MEMBER:
        gathered = members(wanted, found.members, found.tail, found.counts, found.methods, typed)
    else:
        gathered = [
            *keyword_arguments(wanted, found.parameters),
            *names(wanted, found.workspace, typed),
        ]
    return ranked(gathered, wanted.prefix)


def _item(evidence: Evidence, wanted: Wanted, *, preselect: bool) -> Item:
    additional: tuple[Edit, ...] = ()
    detail = evidence.detail
    if evidence.module:
        additional = (import_edit(wanted.doc, evidence.module, evidence.name),)
        detail = f"from {evidence.module} import {evidence.name}"
    new = evidence.insert or evidence.name
    return Item(
        label=new,
        kind=evidence.kind,
        detail=detail,
        edit=Edit(wanted.start, wanted.cursor, new),
        additional=additional,
        documentation=evidence.documentation,
        preselect=preselect,
        source=evidence.source,
    )
