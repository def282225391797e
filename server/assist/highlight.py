"""Where else in its document the name under the cursor stands, and whether it is written or read there."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from devflow.analysis.document import Document
from devflow.analysis.python_names import python_names
from devflow.analysis.python_scopes import MODULE, PythonNames
from devflow.analysis.refactor.local_rename import local_places
from devflow.analysis.references import receiver_before, sigils_of
from devflow.analysis.scope import in_quotes, visible_names
from devflow.analysis.syntax.parse import SyntaxTree
from devflow.analysis.tokens import lex
from devflow.server.assist.base import Codebase
from devflow.server.assist.keywords import is_keyword_at
from devflow.server.assist.memory import PerVersion
from devflow.server.assist.module_uses import uses_in
from devflow.server.assist.outline import symbols_of
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
    if in_quotes(doc, at) and not await is_annotation(doc, at, code):
        return []
    if doc.language == "python":
        found = await asyncio.to_thread(_in_python, doc, tree, start, name, code)
        found += await _by_types(doc, start, name, code)
    else:
        found = await asyncio.to_thread(_by_scope, doc, tree, start, name, code)
    return sorted(set(found), key=lambda each: each.start)[:_MOST]


async def _by_types(doc: Document, start: int, name: str, code: Codebase) -> list[Highlight]:
    """What text alone cannot tell: a member behind other receivers, the keywords that pass a parameter."""
    if code.python is None or not code.types_are_fast:
        return []
    names = await asyncio.to_thread(names_in, doc, code)
    here = names.at(start)
    if here is not None:
        home = names.home(here)
        first = names.first_binding(name, home)
        if names.scopes[home].kind != "class" and (first is None or first.how != "parameter"):
            return []
    source = doc.text.source
    places = await within(code.python.highlights(doc.path, source, start), _TYPES_SECONDS) or []
    bound = {each.start for each in names.members if each.bound}
    bound |= {each.start for each in names.occurrences if each.role != "read"}
    return [
        Highlight(each.start, each.end, "write" if each.start in bound else "read")
        for each in places
        if source[each.start : each.end] == name
    ]


_NAMES = PerVersion[PythonNames]("names and scopes")


def names_in(doc: Document, code: Codebase) -> PythonNames:
    """The names of a Python document and their scopes, worked out once per version."""
    tree = doc.tree
    assert tree is not None
    return code.memory.value(_NAMES, doc, lambda: python_names(tree))


async def is_annotation(doc: Document, at: int, code: Codebase) -> bool:
    """Whether the word at `at`, in quotes, is a name of an annotation of Python."""
    if doc.language != "python" or doc.tree is None:
        return False
    names = await asyncio.to_thread(names_in, doc, code)
    here = names.at(doc.text.word_at(at)[0])
    return here is not None and here.how == "quoted"


def _in_python(doc: Document, tree: SyntaxTree, start: int, name: str, code: Codebase) -> list[Highlight]:
    names = names_in(doc, code)
    result: list[Highlight] = []
    if (here := names.at(start)) is not None:
        home = names.home(here)
        for each in names.of(name, home):
            result.append(Highlight(each.start, each.end, "read" if each.role == "read" else "write"))
        if names.scopes[home].kind == "class":
            result += _through_self(names, tree, name, names.scopes[home].start, names.scopes[home].end)
        if home == MODULE:
            result += [Highlight(first, last, "read") for each, first, last in names.exported if each == name]
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
