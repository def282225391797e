"""What a name stands for by tree, text and index alone: scope, imports, the receiver's class, and where
those end, the symbols of that name ranked by what speaks for each of them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath

from devflow.analysis.document import Document
from devflow.analysis.facts import Import, Location, Symbol, SymbolKind
from devflow.analysis.languages import SCRIPTS
from devflow.analysis.literals import literal_type
from devflow.analysis.scope import VisibleName, bindings, in_quotes, visible_names, word_before
from devflow.analysis.tokens import subtokens
from devflow.server.assist.base import Codebase
from devflow.server.assist.declared_names import declared_names
from devflow.server.assist.found import INDEX_SECONDS, Found, located, same_family
from devflow.server.assist.memory import PerVersion
from devflow.server.assist.outline import recent_imports, recent_symbols
from devflow.server.assist.project import names_in
from devflow.server.assist.receivers import bases_of, classes_of, last_name
from devflow.server.assist.static_names import library_members, members_of_namesakes
from devflow.server.assist.waiting import within

_NO_DOUBT = 90
_SURE_MEMBER = 60
"""From this score on the receiver or an import speaks for a member; below it is a guess."""
_MOST = 10
_MOST_OWNERS = 12
_WORDS = PerVersion[frozenset[str]]("words")


async def resolve(doc: Document, at: int, code: Codebase) -> list[Found]:
    """What the name at `at` may be by tree and index alone: all those that fit best, at most ten."""
    tree = doc.tree
    start, end = doc.text.word_at(at)
    name = doc.text.source[start:end]
    if tree is None or not name or in_quotes(doc, at):
        return []
    word = word_before(doc.text, end, doc.language)
    receiver = (word.receiver or "") if word.after_dot else literal_type(tree, start) or None
    here = await asyncio.to_thread(recent_symbols, doc, code.memory)
    for symbol in here:  # the cursor is on a definition
        if symbol.name_start == start and symbol.name == name:
            it = [_here(doc, symbol, 100)]
            if receiver is None or doc.language not in SCRIPTS:
                return it
            # `row.isOpen = () => …` sets what the type of `row` declares.
            return await _told_or(it, doc, start, end, receiver, code)
    brought = await asyncio.to_thread(recent_imports, doc, code.memory)
    source_module = _module_for(name, receiver, brought)
    if receiver is None and source_module is None:
        visible = await asyncio.to_thread(visible_names, tree, end)
        if (here_made := await asyncio.to_thread(_made_at, doc, start, name)) is not None:
            return [_here(doc, here_made, 100)]
        if bound := next((each for each in visible if each.name == name), None):
            known = next((each for each in here if each.name_start == bound.start), None)
            return [_here(doc, known or _bound(bound), 100)]
        if (local := await asyncio.to_thread(_python_local, doc, start, name, code)) is not None:
            return [_here(doc, local, 100)]
        # The cursor may be on a parameter, or where a variable is first set.
        made = await asyncio.to_thread(bindings, tree)
        if own := next((each for each in made if (each.start, each.name) == (start, name)), None):
            return [_here(doc, _bound(VisibleName(name, own.kind, start, 0)), 100)]
    classes = classes_of(doc, start, receiver, here) if receiver else []
    classes += [base for each in here if each.name in classes for base in bases_of(each)]
    candidates = [_here(doc, each, 0) for each in here if each.name == name]
    candidates += await _indexed(name, doc, code)
    if told := await declared_names(doc, start, end, receiver or "", candidates, code):
        return await _best(told, code)
    if told is not None and receiver is not None:
        return []  # a member of what is none of the workspace
    module_of_receiver = receiver is not None and source_module is not None
    scored = [
        replace(each, score=value)
        for each in candidates
        if (value := _fit(each, receiver, classes, source_module, module_of_receiver, doc)) > 0
    ]
    if receiver is not None and all(each.score < _SURE_MEMBER for each in scored):
        return await guesses(name, receiver, scored, doc, start, code)
    if not scored and receiver is None and source_module is not None:
        return [_here(doc, _imported(name, source_module), 20)]
    return await _best(scored, code)


async def _told_or(
    made: list[Found], doc: Document, start: int, end: int, receiver: str, code: Codebase
) -> list[Found]:
    told = await declared_names(doc, start, end, receiver, made, code)
    return await _best(told, code) if told else made


def without_doubt(found: Sequence[Found]) -> Found | None:
    """The one answer of tree and index, when it is as good as the type engine's."""
    return found[0] if len(found) == 1 and found[0].score >= _NO_DOUBT else None


async def guesses(
    name: str, receiver: str, members: Sequence[Found], doc: Document, at: int, code: Codebase
) -> list[Found]:
    """Members called `name` that a receiver of unknown class may have, likeliest first, each knowing
    among how many places it was chosen.

    Evidence: the owner's name resembles the receiver's, the file names the owner, what else is read
    from this receiver is defined by the owner, and how near its file is. The last resort is an
    assignment to such an attribute from outside its class.
    """
    namesakes = await members_of_namesakes(doc, receiver, name, code)
    found = namesakes + [each for each in members if each.symbol.container]
    if doc.language == "python" and not namesakes:
        found += await library_members(doc, name, code)
    found = list({each.location: each for each in reversed(found)}.values())
    if not found:
        found = _assigned_here(doc, receiver, name, at)
    if not found:
        return []
    beside = await _read_from(receiver, name, doc, code)
    owners = list(dict.fromkeys(_owner(each) for each in found if each.source != "files"))[:_MOST_OWNERS]
    shared: dict[str, int] = {}
    if beside and len(owners) > 1 and code.index is not None:
        shared = await within(code.index.members_shared(owners, beside), INDEX_SECONDS) or {}
    written = code.memory.value(_WORDS, doc, lambda: frozenset(re.findall(r"\w+", doc.text.source)))
    named_after = {each.location for each in namesakes}
    scored = [
        replace(
            each,
            score=_evidence(each, receiver, doc, written)
            + (25 * shared.get(_owner(each), 0) // len(beside) if shared else 0)
            + (40 if each.location in named_after else 0),
            places=len(found),
        )
        for each in found
    ]
    return await _best(scored, code)


async def _best(scored: list[Found], code: Codebase) -> list[Found]:
    scored.sort(key=lambda each: -each.score)
    best = [each for each in scored if each.score == scored[0].score][:_MOST]
    return [await today(each, code) for each in best]


async def today(found: Found, code: Codebase) -> Found:
    """What the index found, where it stands in its file as it is now."""
    if found.source != "index" or found.location is None:
        return found
    return replace(found, location=await located(found.location.path, found.symbol, code))


def _owner(found: Found) -> str:
    return found.symbol.owner


def _evidence(found: Found, receiver: str, doc: Document, written: frozenset[str]) -> int:
    owner = _owner(found)
    score = 10
    theirs, ours = set(subtokens(owner)), set(subtokens(last_name(receiver)))
    if ours and theirs and (common := ours & theirs):
        score += 30 * len(common) // len(ours | theirs) + 10
    if owner in written:
        score += 12
    if found.source == "files":
        score += 8  # reached by an import of this file, or built in
    elif found.source == "document":
        score += 12
    elif found.location is not None and doc.path is not None:
        score += 5 if found.location.path.parent == doc.path.parent else 0
    if found.location is not None and "test" in found.location.path.stem:
        score -= 5
    return score


async def _read_from(receiver: str, name: str, doc: Document, code: Codebase) -> list[str]:
    """Other attributes read from the same receiver text, in this document and the workspace."""
    if not receiver:
        return []
    here = re.findall(rf"(?<![\w.]){re.escape(receiver)}\s*(?:\.|->|::)\s*(\w+)", doc.text.source)
    counted = dict.fromkeys(here, 1)
    if code.index is not None:
        counted |= await within(code.index.members_of(receiver, limit=30), INDEX_SECONDS) or {}
    return [each for each in counted if each != name][:30]


def _assigned_here(doc: Document, receiver: str, name: str, at: int) -> list[Found]:
    """Assignments of `.name` in the document, those on the same receiver first: an attribute may be set
    from outside its class."""
    source = doc.text.source
    same: list[Found] = []
    others: list[Found] = []
    for found in re.finditer(rf"([\w.]*)\s*(?:\.|->)\s*({re.escape(name)})\s*(?::[^=\n]+)?=(?!=)", source):
        line = doc.text.line(doc.text.line_at(found.start())).strip()
        symbol = Symbol(name, SymbolKind.FIELD, found.start(), found.end(), found.start(2), found.end(2))
        made = _here(doc, replace(symbol, signature=line[:400]), 0)
        (same if found[1] == receiver else others).append(made)
    chosen = same or others
    return chosen[:1] if same else chosen[:_MOST]


async def _indexed(name: str, doc: Document, code: Codebase) -> list[Found]:
    """The index's symbols of this name in other files of the document's language."""
    if code.index is None:
        return []
    named = await within(code.index.symbols_named(name), INDEX_SECONDS) or []
    return [
        Found(each.symbol, Location(each.path, each.symbol.name_start, each.symbol.name_end), 0, "index")
        for each in named
        if each.path != doc.path and same_family(each.language, doc.language)
    ]


def _fit(
    found: Found,
    receiver: str | None,
    classes: Sequence[str],
    module: Import | None,
    module_of_receiver: bool,
    doc: Document,
) -> int:
    """How well a symbol of the right name fits its use; 0: it cannot be meant."""
    symbol = found.symbol
    owner = symbol.owner
    score = 10
    if module is not None and found.location is not None:
        if module_matches(module, found.location.path, doc):
            score += 80
        if module_of_receiver and not symbol.container:
            score += 30
    if receiver is not None and not module_of_receiver:
        if not symbol.container and symbol.kind is not SymbolKind.FIELD:
            return 0  # a member is wanted
        if owner in classes:
            score += 100 - 5 * list(classes).index(owner)
        elif classes and classes[0] in ("", None):
            score -= 5
    if receiver is None:
        if symbol.container and owner and symbol.kind not in (SymbolKind.CLASS, SymbolKind.TYPE):
            return 0  # a member is not visible without its receiver
        score += 20
    if found.source == "document":
        score += 40
    elif (
        found.location is not None and doc.path is not None and found.location.path.parent == doc.path.parent
    ):
        score += 5
    if found.location is not None and "test" in found.location.path.stem:
        score -= 3
    return score


def module_matches(brought: Import, path: PurePath, doc: Document) -> bool:
    """Whether `path` is (by its name alone) the file that an import of `doc` names."""
    module = brought.module
    stem = path.with_suffix("")
    parts = [part for part in stem.parts if part != path.anchor]
    if parts and parts[-1] in ("__init__", "index", "mod", "lib"):
        parts = parts[:-1]
    if module.startswith(".") and doc.language == "python" and doc.path is not None:
        level = len(module) - len(module.lstrip("."))
        base = doc.path.parents[min(level, len(doc.path.parents)) - 1]
        wanted = [
            part for part in (*base.parts, *module.lstrip(".").split(".")) if part and part != base.anchor
        ]
        return parts in (wanted, [*wanted, brought.name])
    wanted = [
        part
        for part in re.split(r"::|[./\\]+", module)
        if part and part not in ("crate", "self", "super", "~", "@")
    ]
    if not wanted:
        return parts[-1:] == [brought.name]
    package = parts[:-1]  # Go and Java name the folder or the class's file
    tails = (parts, package) if doc.language in ("go", "java", "csharp", "rust") else (parts,)
    return any(
        tail[-len(some) :] == some
        for tail in tails
        for some in (wanted, [*wanted, brought.name])
        if some and len(tail) >= len(some)
    ) or (doc.language == "go" and package[-1:] == wanted[-1:])


def _module_for(name: str, receiver: str | None, brought: Sequence[Import]) -> Import | None:
    """The import that makes `name` (or the receiver it is read from) known."""
    wanted = name if receiver is None else re.split(r"\.|::|->", receiver)[0]
    for each in brought:
        known = each.alias or re.split(r"[./:]+", each.module.rstrip("/"))[-1]
        if wanted in (known, each.module) or (receiver is not None and receiver == each.module):
            return each
    return None


def _here(doc: Document, symbol: Symbol, score: int) -> Found:
    place = Location(doc.path, symbol.name_start, symbol.name_end) if doc.path is not None else None
    return Found(symbol, place, score, "document")


def _made_at(doc: Document, start: int, name: str) -> Symbol | None:
    """The name at `start` where a parameter of an arrow function is bound."""
    tree, end = doc.tree, start + len(name)
    if tree is None or doc.language not in SCRIPTS:
        return None
    if not re.match(r"\s*(?:=>|[,):?=])", doc.text.source[end : end + 20]):
        return None
    found = next((each for each in bindings(tree) if (each.start, each.name) == (start, name)), None)
    return _bound(VisibleName(name, found.kind, start, 0)) if found is not None else None


def _python_local(doc: Document, start: int, name: str, code: Codebase) -> Symbol | None:
    """The name at `start` where it belongs to a function or a comprehension: the place before it that binds
    it, the name itself where none does."""
    if doc.language != "python":
        return None
    names = names_in(doc, code)
    here = names.at(start)
    if here is None or names.scopes[names.home(here)].kind in ("module", "class"):
        return None
    made = [each.start for each in names.of(name, names.home(here)) if each.role == "bind"]
    before = [each for each in made if each <= start]
    if not made:
        return None
    return _bound(VisibleName(name, SymbolKind.VARIABLE, before[-1] if before else made[0], 0))


def _imported(name: str, brought: Import) -> Symbol:
    """What an import of something outside the workspace is here: the import."""
    return Symbol(name, SymbolKind.MODULE, brought.start, brought.end, brought.start, brought.end)


def _bound(name: VisibleName) -> Symbol:
    """A local name as a symbol."""
    end = name.start + len(name.name)
    return Symbol(name.name, name.kind, name.start, end, name.start, end)
