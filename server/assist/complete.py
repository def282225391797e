"""Completions: the right name first, at once, with no model.

Candidates come from everything that knows names (the scope, the document's own tokens, the index, the
usage model, and for Python the type engine); each source only adds evidence, and `rank` alone decides
the order. What has not answered at the deadline is left out: a late answer of the type engine is kept
for the next keystroke of the same word.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from devflow.analysis.calls import call_at
from devflow.analysis.document import Document
from devflow.analysis.facts import SymbolKind
from devflow.analysis.scope import Word, in_quotes, word_before
from devflow.analysis.text import Edit
from devflow.analysis.types.base import Candidate
from devflow.server.assist.base import Codebase
from devflow.server.assist.candidates import Found, keyword_arguments, members, names
from devflow.server.assist.features import CALLABLE, Evidence
from devflow.server.assist.gather import gather
from devflow.server.assist.imports import ImportBlock, workspace_packages
from devflow.server.assist.in_string import Entry, entries, fixtures_asked_for, inside
from devflow.server.assist.memory import PerDocument
from devflow.server.assist.rank import ranked
from devflow.server.assist.signature_help import parameters_of
from devflow.server.assist.waiting import answer, due, until, within
from devflow.server.assist.wanted import Place, Wanted, place_of
from devflow.server.settings import Completion

_SURE = 0.6
"""From this probability on the first item is preselected."""
_RANKING_SECONDS = 0.01
"""Kept back from the deadline for ranking and sending, so that the list arrives by then."""
_ENOUGH = 0.75
"""The share of probability in the first five from which on nobody waits for the type engine."""
_RESOLVE_SECONDS = 0.5
_QUOTES = ("'", '"', "`")
_OF_ENGINE = PerDocument[list[Candidate]]("the type engine's candidates")
_WITH_MEMBERS = frozenset(
    {SymbolKind.MODULE, SymbolKind.VARIABLE, SymbolKind.PARAMETER, SymbolKind.PROPERTY, SymbolKind.FIELD}
)


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
    parameters: str = ""
    """Of a callable, `(width, height=1)`; "" when they are not known."""
    module: str = ""
    """The module that `additional` imports it from."""
    call: str = ""
    """What can be added to call it here: `()`, or `(|)` with `|` for the cursor; "" where none is likely."""
    commit: tuple[str, ...] = ()
    """Signs that accept it when they are typed, before they are inserted themselves."""


@dataclass(frozen=True, slots=True)
class Completions:
    """Items best first. `incomplete`: ask again at the next keystroke, more may be known then."""

    items: tuple[Item, ...]
    incomplete: bool = False
    engine: str = ""
    """The sources of the items, joined by `+`."""


async def complete(doc: Document, at: int, code: Codebase, config: Completion, sign: str = "") -> Completions:
    """What can stand at offset `at` of `doc`, at the latest about `config.deadline_ms` after the call.
    `sign`: the one whose typing asked, so that nobody may look at the list; "" where the user did."""
    seconds = config.deadline_ms / 1000 - _RANKING_SECONDS
    deadline = due(config.deadline_ms / 1000)
    word = word_before(doc.text, at, doc.language)
    quoted = in_quotes(doc, word.start)
    if quoted and (string := inside(doc, at)) is not None:
        found_inside = await within(asyncio.to_thread(entries, doc, at, string, code), seconds)
        if found_inside is None:
            return Completions((), True)
        if found_inside:
            return Completions(tuple(_entry(each, at) for each in found_inside))
    place = place_of(doc, word, quoted)
    if sign and (quoted or sign in _QUOTES):
        return Completions(())  # the end of a sentence or of a string: Enter there would take a name
    if place is Place.NOTHING:
        # The files that make them are read once, in a thread that goes on when this gives up.
        fixtures = await within(asyncio.to_thread(fixtures_asked_for, doc, at, code), seconds)
        return Completions(tuple(_entry(each, at) for each in fixtures or ()), fixtures is None)
    engine = None if quoted else _ask_engine(doc, word.start, at, code)
    wanted = await asyncio.to_thread(Wanted.at, doc, at, word, place, quoted, code)
    found, late = await gather(wanted, code, deadline - _RANKING_SECONDS)
    if wanted.quoted and not await asyncio.to_thread(known_in_prose, wanted, found):
        return Completions(())
    typed = (answer(engine) or []) if engine is not None else []
    best, items = await asyncio.to_thread(_listed, wanted, found, typed, config.max_items)
    if engine is not None and not engine.done():
        if not enough(wanted, best):
            await until(deadline - _RANKING_SECONDS, engine)
            if typed := answer(engine) or []:
                best, items = await asyncio.to_thread(_listed, wanted, found, typed, config.max_items)
        late = late or not engine.done()
    sources = "+".join(sorted({item.source for item in items}))
    return Completions(items, late or len(best) > len(items), sources)


async def prepare(doc: Document, code: Codebase) -> None:
    """Do what the first completion in `doc` would have to do, so that it is as quick as the next: lex it,
    find its symbols and imports, load the usage model and the ranker."""
    word = Word(0, "", None, after_dot=True)
    wanted = await asyncio.to_thread(Wanted.at, doc, 0, word, Place.MEMBER, False, code)
    await asyncio.to_thread(_listed, wanted, Found(), (), 1)


def known_in_prose(wanted: Wanted, found: Found) -> bool:
    """Whether the receiver, written in a string or a comment, is a name of the code. May read folders: not
    for the event loop."""
    first = wanted.receiver.partition(".")[0]
    return bool(
        found.members
        or found.methods
        or wanted.live.members(wanted.receiver)
        or any(first in (name.name, name.name.lower()) for name in wanted.visible)
        or any(first == symbol.name for symbol in wanted.symbols)
        or first in workspace_packages(wanted.roots)
    )


def enough(wanted: Wanted, best: Sequence[tuple[Evidence, float]]) -> bool:
    """Whether the list is good enough to go out before the type engine has answered.

    Where plain names are wanted the engine knows little that the tree does not; behind a dot its word
    counts unless the class is known or what stands on top is likely enough.
    """
    if wanted.quoted or (wanted.place is Place.NAME and best):
        return True
    if wanted.place is not Place.MEMBER or not best:
        return False
    return any(each.own for each, _ in best[:5]) or sum(chance for _, chance in best[:5]) >= _ENOUGH


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
        _OF_ENGINE.key(doc.uri, start, hash(before)), lambda: python.complete(doc.path, source, start)
    )


def _listed(
    wanted: Wanted, found: Found, typed: Sequence[Candidate], most: int
) -> tuple[list[tuple[Evidence, float]], tuple[Item, ...]]:
    """All candidates, best first, and the first `most` as items."""
    best = _ranked(wanted, found, typed)
    return best, _items(wanted, best[:most])


def _ranked(wanted: Wanted, found: Found, typed: Sequence[Candidate]) -> list[tuple[Evidence, float]]:
    if wanted.place is Place.MEMBER:
        gathered = members(wanted, found, typed)
        known = any(each.own for each in gathered)
        return ranked(
            gathered, wanted.prefix, wanted.shared(typed=bool(typed or found.told.members), known=known)
        )
    arguments = keyword_arguments(wanted, found.parameters, typed)
    given = {each.name for each in arguments}
    # A word that is the argument's name elsewhere is no name here.
    plain = [each for each in names(wanted, found, typed) if each.place != "word" or each.name not in given]
    gathered = [*arguments, *plain]
    return ranked(gathered, wanted.prefix, wanted.shared())


def _items(wanted: Wanted, best: Sequence[tuple[Evidence, float]]) -> tuple[Item, ...]:
    called = is_call_likely(wanted)
    # Read only where something must be imported: behind a dot nothing is.
    imports = ImportBlock.read(wanted.doc) if any(each.module for each, _ in best) else None
    return tuple(
        _item(each, wanted, imports, preselect=number == 0 and chance >= _SURE, called=called)
        for number, (each, chance) in enumerate(best)
    )


def _entry(entry: Entry, at: int) -> Item:
    return Item(entry.text, entry.kind, "", Edit(entry.start, at, entry.text), source="document")


def _item(
    evidence: Evidence, wanted: Wanted, imports: ImportBlock | None, *, preselect: bool, called: bool
) -> Item:
    additional: tuple[Edit, ...] = ()
    detail = evidence.detail
    if evidence.module and imports is not None:
        additional = (imports.edit(evidence.module, evidence.name),)
        detail = f"from {evidence.module} import {evidence.name}"
    new = evidence.insert or evidence.name
    parameters = parameters_shown(evidence)
    call = ""
    if called and parameters and evidence.kind in (SymbolKind.FUNCTION, SymbolKind.METHOD):
        call = "()" if parameters == "()" else "(|)"
    return Item(
        label=new,
        kind=evidence.kind,
        detail=detail,
        edit=Edit(wanted.start, wanted.cursor, new),
        additional=additional,
        documentation=evidence.documentation,
        preselect=preselect,
        source=evidence.source,
        parameters=parameters,
        module=evidence.module,
        call=call,
        commit=_commit(evidence, wanted) if preselect else (),
    )


def parameters_shown(evidence: Evidence) -> str:
    """The parameters of a callable in brackets, without `self`; "" when they are not known."""
    head = evidence.detail
    if evidence.kind not in CALLABLE or not head or head.startswith("get "):  # a getter of JavaScript
        return ""
    parameters = parameters_of(evidence.name + head if head.startswith("(") else head, evidence.name)
    return "" if parameters is None else f"({', '.join(each.label for each in parameters)})"


def is_call_likely(wanted: Wanted) -> bool:
    """Whether a function named at this place is nearly always called: not where one is handed over
    (an argument, a decorator), where the brackets stand already, nor in front of an operator."""
    tree = wanted.doc.tree
    if tree is None or wanted.quoted or wanted.place not in (Place.MEMBER, Place.NAME):
        return False
    before = wanted.doc.text.line_before(wanted.start).lstrip()
    return (
        wanted.line.next in ("", ":", ";", ")")
        and not before.startswith(("@", "del "))
        and (wanted.call if wanted.place is Place.NAME else call_at(tree, wanted.start)) is None
    )


def _commit(evidence: Evidence, wanted: Wanted) -> tuple[str, ...]:
    """Only what can follow this kind of name, and only once it is begun: who opens a bracket where nothing
    is typed wants a bracket."""
    if wanted.place is Place.NAME and not wanted.prefix:
        return ()
    if evidence.kind in (SymbolKind.FUNCTION, SymbolKind.METHOD, SymbolKind.CONSTRUCTOR):
        return ("(",)
    if evidence.kind is SymbolKind.CLASS:
        return ("(", ".")
    return (".",) if evidence.kind in _WITH_MEMBERS and not evidence.insert else ()
