"""Where else in its document the name under the cursor stands, and whether it is written or read there."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from devflow.analysis.document import Document
from devflow.analysis.python_scopes import IN_STRINGS, Occurrence, PythonNames
from devflow.analysis.refactor.local_rename import local_places
from devflow.analysis.references import receiver_before, sigils_of
from devflow.analysis.scope import in_quotes, visible_names
from devflow.analysis.syntax.parse import SyntaxTree
from devflow.analysis.tokens import lex
from devflow.server.assist import certain_names
from devflow.server.assist.base import Codebase
from devflow.server.assist.certain_names import is_another, is_name_in_string
from devflow.server.assist.keywords import is_keyword_at
from devflow.server.assist.module_uses import uses_in
from devflow.server.assist.outline import symbols_of
from devflow.server.assist.project import names_in
from devflow.server.assist.receivers import enclosing_classes
from devflow.server.assist.waiting import within

_MOST = 2_000
_MOST_SCOPED = 200
"""Places whose scope is looked up one by one; beyond them a name counts by its spelling."""
_WRITTEN = re.compile(r"\s*(?:[-+*/%&|^]|<<|>>|\*\*|//|\?\?|&&|\|\|)?=(?![=>])|\s*:=|\s*(?:\+\+|--)|\s+=\s")
_SELVES = ("self", "cls")
_TYPES_SECONDS = 0.1
"""How long the type engine is waited for; the cursor mostly moves on."""


@dataclass(frozen=True, slots=True)
class Highlight:
    """One place of the name."""

    start: int
    end: int
    kind: Literal["read", "write"]


async def highlights(doc: Document, at: int, code: Codebase) -> list[Highlight]:
    """All places of the name at `at` in the document, in the order of the text; [] where there is none."""
    start, end = doc.text.word_at(at)
    name = doc.text.source[start:end]
    tree = doc.tree
    if tree is None or not name or name[0].isdigit() or is_keyword_at(doc, start, end):
        return []
    if in_quotes(doc, at) and not await is_name_in_string(doc, at, code):
        return await _certain(doc, start, code) if doc.language == "python" else []  # a key of a TypedDict
    if doc.language == "python":
        found = await asyncio.to_thread(_in_python, doc, tree, start, name, code)
        found += await _certain(doc, start, code)
        found += await _by_types(doc, [start, *(each.start for each in found)], name, code)
    else:
        found = await asyncio.to_thread(_by_scope, doc, tree, start, name, code)
    return sorted(set(found), key=lambda each: each.start)[:_MOST]


async def _certain(doc: Document, start: int, code: Codebase) -> list[Highlight]:
    """What is set or looked at by name: `replace(p, x=1)`, `case P(x=1)`, `__slots__`; other receivers."""
    names = await asyncio.to_thread(names_in, doc, code)
    bound = _bound(names)
    places = await within(certain_names.uses(doc, start, code, here=True), _TYPES_SECONDS) or []
    renamed = {each.start for each in names.imports if each.has_alias}  # the import itself gives another name
    return [
        Highlight(each.start, each.end, "write" if each.start in bound else "read")
        for each in places
        if each.start not in renamed or each.start == start
    ]


def _bound(names: PythonNames) -> set[int]:
    bound = {each.start for each in names.members if each.bound}
    return bound | {each.start for each in names.occurrences if not _is_read(each)}


def _is_read(each: Occurrence) -> bool:
    return each.role == "read" or each.how in IN_STRINGS - {"field"}


async def _by_types(doc: Document, known: Sequence[int], name: str, code: Codebase) -> list[Highlight]:
    """What text alone cannot tell: a member behind other receivers, the keywords that pass a parameter."""
    if code.python is None or not code.types_are_fast:
        return []
    start, names = known[0], await asyncio.to_thread(names_in, doc, code)
    here = names.at(start)
    if here is not None:
        home = names.home(here)
        first = names.first_binding(name, home)
        if names.scopes[home].kind != "class" and (first is None or first.how != "parameter"):
            return []
    source = doc.text.source
    places = await within(code.python.highlights(doc.path, source, start), _TYPES_SECONDS) or []
    own = next((each for each in known if names.at(each) is not None), start)
    places = [each for each in places if not is_another(names, own, each.start)]
    bound = _bound(names)
    return [
        Highlight(each.start, each.end, "write" if each.start in bound else "read")
        for each in places
        if source[each.start : each.end] == name
    ]


def _in_python(doc: Document, tree: SyntaxTree, start: int, name: str, code: Codebase) -> list[Highlight]:
    names = names_in(doc, code)
    result: list[Highlight] = []
    if (here := names.at(start)) is not None:
        home = names.home(here)
        for each in names.of(name, home):
            result.append(Highlight(each.start, each.end, "read" if _is_read(each) else "write"))
        if names.scopes[home].kind == "class":
            result += _through_self(names, tree, name, names.scopes[home].start, names.scopes[home].end)
        return result
    member = next((each for each in names.members if each.start == start), None)
    if member is not None:
        owner = tree.slice(member.owner)
        if owner in _SELVES:
            around = enclosing_classes(start, symbols_of(doc, code.memory))
            if around:
                result += _through_self(names, tree, name, around[0].start, around[0].end)
                for each in names.occurrences:
                    if each.name == name and names.scopes[names.home(each)].start == around[0].start:
                        result.append(Highlight(each.start, each.end, "write"))
        for other in names.members:
            if other.name == name and tree.slice(other.owner) == owner and owner not in _SELVES:
                result.append(Highlight(other.start, other.end, "write" if other.bound else "read"))
        return result
    if any(each.start == start for each in names.keywords):
        return [Highlight(each.start, each.end, "read") for each in names.keywords if each.name == name]
    named = uses_in(doc.path, tree, start, code) if doc.path is not None else ()
    return [Highlight(each.start, each.end, "read") for each in named]


def _through_self(
    names: PythonNames, tree: SyntaxTree, name: str, start: int, end: int
) -> Iterator[Highlight]:
    for each in names.members:
        if each.name == name and start <= each.start < end and tree.slice(each.owner) in _SELVES:
            yield Highlight(each.start, each.end, "write" if each.bound else "read")


def _by_scope(doc: Document, tree: SyntaxTree, start: int, name: str, code: Codebase) -> list[Highlight]:
    """Languages other than Python: places with the same binding, or behind a dot with the same receiver."""
    source, sigils = doc.text.source, sigils_of(doc.language)
    local = local_places(tree, start, name)
    if local is not None:
        return [
            Highlight(
                each.start,
                each.end,
                "write"
                if each.role in ("bind", "short_bind") or _WRITTEN.match(source, each.end)
                else "read",
            )
            for each in local
        ]
    starts = [token.start for token in lex(source, doc.language) if token.text == name]
    if start not in starts:
        starts = [found.start() for found in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", source)]
    made = {symbol.name_start: symbol for symbol in symbols_of(doc, code.memory) if symbol.name == name}

    def home(at: int) -> object:
        if at in made:
            return ("member", made[at].container) if made[at].container else ("bound", at)
        if source[:at].rstrip().endswith((".", "->", "::")):
            receiver = receiver_before(source, at, sigils)
            around = enclosing_classes(at, tuple(symbols_of(doc, code.memory)))
            if receiver in ("this", "self", "Self") and around:
                return ("member", around[0].qualified_name)
            return ("behind", receiver)
        if len(starts) > _MOST_SCOPED:
            return ("bound", -1)
        bound = next((each for each in visible_names(tree, at) if each.name == name), None)
        own = next((each for each in visible_names(tree, at + len(name) + 1) if each.start == at), None)
        found = own or bound
        return ("bound", found.start if found else -1)

    wanted = home(start)
    bound = wanted[1] if isinstance(wanted, tuple) and wanted[0] == "bound" else -1
    return [
        Highlight(
            at,
            at + len(name),
            "write" if at in made or at == bound or _WRITTEN.match(source, at + len(name)) else "read",
        )
        for at in starts
        if home(at) == wanted
    ]
