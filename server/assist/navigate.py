"""Definition and references.

For Python the type engine is asked first; for everything else, and when it is late, dead or knows
nothing, the tree of the document and the index answer: scope, imports, the receiver's class and the
place of a symbol's file decide which of the symbols of that name is meant.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from devflow.analysis.document import Document
from devflow.analysis.facts import Import, Location, Reference, Symbol, SymbolKind
from devflow.analysis.imports import imports
from devflow.analysis.references import references as references_in
from devflow.analysis.scope import VisibleName, visible_names, word_before
from devflow.analysis.types.base import Definition
from devflow.retrieval.base import IndexedReference, IndexedSymbol
from devflow.server.assist.base import Codebase
from devflow.server.assist.candidates import in_quotes
from devflow.server.assist.outline import symbols_of
from devflow.server.assist.receivers import bases_of, classes_of
from devflow.server.assist.waiting import answer, until, within

ENGINE_SECONDS = 1.5
"""Longest wait for the type engine."""
PATIENCE_SECONDS = 0.03
"""After this long an answer of tree and index that leaves no doubt is as good."""
_NO_DOUBT = 90
REFERENCES_SECONDS = 5.0
INDEX_SECONDS = 0.5
_FUNCTIONS = frozenset({SymbolKind.FUNCTION, SymbolKind.METHOD, SymbolKind.CONSTRUCTOR, SymbolKind.PROPERTY})
_MOST_FILES = 200


@dataclass(frozen=True, slots=True)
class Found:
    """A symbol a name may stand for, where it is now."""

    symbol: Symbol
    location: Location | None
    score: int
    source: str
    """`document` or `index`."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where a name is made, likeliest first, and who said so: `jedi`, `document` or `index`."""

    locations: tuple[Location, ...] = ()
    engine: str = ""


async def definition(doc: Document, at: int, code: Codebase) -> Places:
    """Where the name at `at` is made; several places when it cannot be told apart."""
    start, end = doc.text.word_at(at)
    if start == end or in_quotes(doc, at):
        return Places()
    engine = ask_definition(doc, at, code)
    begun = time.monotonic()
    if engine is not None:
        await until(begun + PATIENCE_SECONDS, engine)
        if not engine.done():
            found = await resolve(doc, at, code)
            if (sure := without_doubt(found)) is not None and sure.location is not None:
                return Places((sure.location,), sure.source)
            await until(begun + ENGINE_SECONDS, engine)
        if places := [each.location for each in answer(engine) or () if each.location is not None]:
            return Places(tuple(dict.fromkeys(places)), "jedi")
    known = [each for each in await resolve(doc, at, code) if each.location is not None]
    locations = tuple(each.location for each in known if each.location is not None)
    return Places(locations, known[0].source if known else "")


def without_doubt(found: Sequence[Found]) -> Found | None:
    """The one answer of tree and index, when it is as good as the type engine's."""
    return found[0] if len(found) == 1 and found[0].score >= _NO_DOUBT else None


def ask_definition(doc: Document, at: int, code: Codebase) -> asyncio.Task[list[Definition]] | None:
    """The type engine's definitions of the name at `at`, asked once for a text: hover and definition
    follow each other. None where there is no engine."""
    python = code.python
    if python is None or doc.language != "python":
        return None
    source = doc.text.source
    key = ("define", doc.uri, hash(source), doc.text.word_at(at))
    return code.memory.task(key, lambda: python.define(doc.path, source, at))


async def references(doc: Document, at: int, code: Codebase, include_declaration: bool) -> list[Location]:
    """Uses of the name at `at` over the workspace, each once, by file and place."""
    start, end = doc.text.word_at(at)
    name = doc.text.source[start:end]
    if not name or in_quotes(doc, at):
        return []
    declared: list[Location] = []
    places: list[Location] = []
    typed = code.python if doc.language == "python" else None
    if typed is not None:
        source = doc.text.source
        answers = await asyncio.gather(
            within(typed.references(doc.path, source, at), REFERENCES_SECONDS),
            within(typed.define(doc.path, source, at), ENGINE_SECONDS),
        )
        places = list(answers[0] or ())
        declared = [each.location for each in answers[1] or () if each.location is not None]
    targets = await resolve(doc, at, code)
    if not declared:
        declared = [each.location for each in targets if each.location is not None]
    places += await asyncio.to_thread(_in_document, doc, at, name, targets, code)
    if targets and not _is_local(doc, targets[0], code):
        places += await _from_index(doc, name, targets, code)
    inside = [place for place in places if _within_roots(place.path, code.roots) or place.path == doc.path]
    inside = [*inside, *declared] if include_declaration else [p for p in inside if p not in declared]
    return sorted(set(inside), key=lambda place: (str(place.path), place.start))


async def resolve(doc: Document, at: int, code: Codebase) -> list[Found]:
    """What the name at `at` may be by tree and index alone: all those that fit best, at most ten."""
    tree = doc.tree
    start, end = doc.text.word_at(at)
    name = doc.text.source[start:end]
    if tree is None or not name or in_quotes(doc, at):
        return []
    word = word_before(doc.text, end, doc.language)
    receiver = (word.receiver or "") if word.after_dot else None
    here = await asyncio.to_thread(symbols_of, doc, code.memory)
    for symbol in here:  # the cursor is on a definition
        if symbol.name_start == start and symbol.name == name:
            return [_here(doc, symbol, 100)]
    brought = await asyncio.to_thread(code.memory.value, "imports", doc, lambda: imports(tree))
    source_module = _module_for(name, receiver, brought)
    if receiver is None and source_module is None:
        visible = await asyncio.to_thread(visible_names, tree, end)
        if bound := next((each for each in visible if each.name == name), None):
            known = next((each for each in here if each.name_start == bound.start), None)
            return [_here(doc, known or _bound(bound), 100)]
    classes = classes_of(doc, start, receiver, here) if receiver else []
    classes += [base for each in here if each.name in classes for base in bases_of(each)]
    candidates = [_here(doc, each, 0) for each in here if each.name == name]
    if code.index is not None:
        named = await within(code.index.symbols_named(name), INDEX_SECONDS) or []
        for each in named:
            if each.path != doc.path and _same_family(each.language, doc.language):
                candidates.append(Found(each.symbol, await _located(each, code), 0, "index"))
    module_of_receiver = receiver is not None and source_module is not None
    scored = [
        Found(each.symbol, each.location, value, each.source)
        for each in candidates
        if (value := _fit(each, receiver, classes, source_module, module_of_receiver, doc)) > 0
    ]
    scored.sort(key=lambda each: -each.score)
    return [each for each in scored if each.score == scored[0].score][:10]


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
    owner = symbol.container.rsplit(".", 1)[-1]
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


def _bound(name: VisibleName) -> Symbol:
    """A local name as a symbol."""
    end = name.start + len(name.name)
    return Symbol(name.name, name.kind, name.start, end, name.start, end)


def _is_local(doc: Document, found: Found, code: Codebase) -> bool:
    """Whether nothing outside the document can use it: it is bound inside a function."""
    if found.source != "document":
        return False
    symbol = found.symbol
    known = symbols_of(doc, code.memory)
    if any(each.name_start == symbol.name_start for each in known):
        return False
    return any(each.kind in _FUNCTIONS and each.start <= symbol.start < each.end for each in known)


def _in_document(
    doc: Document, at: int, name: str, targets: Sequence[Found], code: Codebase
) -> list[Location]:
    """Uses in the document itself, by its tree."""
    tree, path = doc.tree, doc.path
    if tree is None or path is None or not targets:
        return []
    uses: Iterable[Reference] = [each for each in references_in(tree) if each.name == name]
    if _is_local(doc, targets[0], code):
        here = symbols_of(doc, code.memory)
        spot = targets[0].symbol.start
        around = [each for each in here if each.kind in _FUNCTIONS and each.start <= spot < each.end]
        inner = min(around, key=lambda each: each.end - each.start)
        uses = [each for each in uses if inner.start <= each.start < inner.end and not each.receiver]
    else:
        uses = [each for each in uses if _may_be(each.receiver, targets)]
    return [Location(path, each.start, each.end) for each in uses]


async def _from_index(doc: Document, name: str, targets: Sequence[Found], code: Codebase) -> list[Location]:
    """Uses in other files: those that can reach the definition, checked against the files' present text."""
    index = code.index
    if index is None:
        return []
    found = await within(index.references_to(name), INDEX_SECONDS) or []
    others = [each for each in found if each.path != doc.path and _may_be(each.receiver, targets)]
    if any(target.symbol.container for target in targets):
        named = await within(index.symbols_named(name), INDEX_SECONDS) or []
        owners = {each.symbol.container for each in named if each.symbol.container}
        if len(owners) > 1:  # the same method name on several classes: only where the receiver tells
            classes = {target.symbol.container.rsplit(".", 1)[-1] for target in targets}
            others = [each for each in others if _receiver_names(each, classes)]
    places: list[Location] = []
    files: dict[Path, list[IndexedReference]] = {}
    for each in others:
        files.setdefault(each.path, []).append(each)
    for path, uses in list(files.items())[:_MOST_FILES]:
        text = await code.texts.text_of(path)
        if text is None:
            continue
        defines = any(target.location is not None and target.location.path == path for target in targets)
        plain = any(not use.receiver for use in uses)
        imported = not plain or defines or _imports_name(text.source, name) or doc.language != "python"
        for use in uses:
            if text.source[use.start : use.end] == name and (use.receiver or imported):
                places.append(Location(path, use.start, use.end))
    return places


def _imports_name(source: str, name: str) -> bool:
    return bool(
        re.search(
            rf"^\s*from\s[^\n]*\bimport\b(?:[^\n]*|\s*\([^)]*)\b{re.escape(name)}\b", source, re.MULTILINE
        )
        or re.search(r"^\s*from\s[^\n]*\bimport\s*\*", source, re.MULTILINE)
    )


def _may_be(receiver: str, targets: Sequence[Found]) -> bool:
    """A member is used behind a dot; a top-level name alone or behind its module's name."""
    if any(target.symbol.container for target in targets):
        return bool(receiver) or any(target.symbol.kind is SymbolKind.CLASS for target in targets)
    if not receiver:
        return True
    last = re.split(r"\.|::|->", receiver)[-1]
    stems = {target.location.path.stem for target in targets if target.location is not None}
    folders = {target.location.path.parent.name for target in targets if target.location is not None}
    return last in stems | folders


def _receiver_names(use: IndexedReference, classes: set[str]) -> bool:
    last = re.split(r"\.|::|->", use.receiver)[-1]
    if last in ("self", "cls", "this"):
        return bool(classes & set(use.container.split(".")))
    plain = last.replace("_", "").lower()
    return any(plain == each.lower() or (len(plain) > 3 and plain in each.lower()) for each in classes)


async def _located(each: IndexedSymbol, code: Codebase) -> Location:
    """Where the symbol's name stands in the file as it is now: the nearest place to where it was
    when it was indexed."""
    symbol = each.symbol
    text = await within(code.texts.text_of(each.path), INDEX_SECONDS)
    start = symbol.name_start
    if text is None or text.source[start : symbol.name_end] == symbol.name:
        return Location(each.path, start, symbol.name_end)
    starts = [found.start() for found in re.finditer(rf"\b{re.escape(symbol.name)}\b", text.source)]
    start = min(starts, key=lambda place: abs(place - start), default=min(start, len(text)))
    return Location(each.path, start, min(start + len(symbol.name), len(text)))


def _same_family(one: str, other: str) -> bool:
    return one == other or any(
        {one, other} <= family for family in ({"typescript", "tsx", "javascript"}, {"c", "cpp"})
    )


def _within_roots(path: Path, roots: Sequence[Path]) -> bool:
    return any(path.is_relative_to(root) for root in roots)
