"""Definition and references.

What a name is, `look_up` tells. For its uses the document's own scopes answer, the type engine where there is
one, and tree and index: those that can mean the same by scope, imports and the receiver's class.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from devflow.analysis.binders import WHOLE_BLOCK
from devflow.analysis.document import Document
from devflow.analysis.facts import Location, Reference, SymbolKind
from devflow.analysis.languages import language_of
from devflow.analysis.occurrences import occurrences, stands_at_most
from devflow.analysis.refactor.local_rename import MOST, is_property, local_places
from devflow.analysis.references import references as references_in
from devflow.analysis.scope import in_quotes
from devflow.analysis.symbols import FUNCTION_LIKE
from devflow.analysis.text import Text
from devflow.retrieval.base import IndexedReference
from devflow.retrieval.graph.uses_told import ToldUses, told_uses
from devflow.retrieval.graph.values import VALUED
from devflow.server.assist import certain_names
from devflow.server.assist.base import Codebase
from devflow.server.assist.certain_names import is_another, is_name_in_string
from devflow.server.assist.found import INDEX_SECONDS, Found, same_family, within_roots
from devflow.server.assist.look_up import look_up
from devflow.server.assist.module_uses import module_uses
from devflow.server.assist.other_files import parsed, readable
from devflow.server.assist.outline import symbols_of
from devflow.server.assist.project import names_in
from devflow.server.assist.receivers import last_name
from devflow.server.assist.resolve import resolve
from devflow.server.assist.waiting import due, within

ENGINE_SECONDS = 1.5
TOLD_SECONDS = 1.0
"""How long the types that are written are followed from the uses of a name."""
REFERENCES_SECONDS = 5.0
_BARE_MEMBERS = frozenset({"java", "csharp", "cpp", "ruby"})
"""Languages whose methods call each other without a receiver."""
_MOST_USES, _MOST_GUESSED = 2_000, 500
"""Uses of a name that are looked at: where types are written, and elsewhere."""
_MOST_FILES = 200
_SELVES = ("self", "cls")
EXAMINED_SECONDS = 0.5
"""How long guesses are held against what a fast engine knows; what is left then is left out."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where a name is made, likeliest first, and who said so: `jedi`, `document`, `files` or `index`."""

    locations: tuple[Location, ...] = ()
    engine: str = ""


async def definition(doc: Document, at: int, code: Codebase) -> Places:
    """Where the name at `at` is made; several places when it cannot be told apart."""
    known = await look_up(doc, at, code)
    places = [each.location for each in known.definitions if each.location is not None]
    return Places(tuple(dict.fromkeys(places)), known.engine if places else "")


async def uses_by_index(doc: Document, at: int, code: Codebase) -> list[Location]:
    """Uses of the name at `at` by tree and index alone, its definition left out, by file and place."""
    start, end = doc.text.word_at(at)
    targets, places = await _by_index(doc, at, doc.text.source[start:end], code)
    declared = {each.location for each in targets}
    return sorted(set(places) - declared, key=lambda place: (str(place.path), place.start))


async def _by_index(doc: Document, at: int, name: str, code: Codebase) -> tuple[list[Found], list[Location]]:
    """What the name stands for, and its uses in the document and the files that can reach it."""
    targets = await resolve(doc, at, code)
    places = await asyncio.to_thread(_in_document, doc, at, name, targets, code)
    if targets and not _is_local(doc, targets[0], code):
        places += await _from_index(doc, name, targets, code)
        told = await _told(name, targets, doc, code)
        places = [each for each in places if (each.path, each.start) not in told.others]
        places += await _as_they_stand(told.theirs, name, doc, code)
    return targets, places


async def _told(name: str, targets: Sequence[Found], doc: Document, code: Codebase) -> ToldUses:
    """Where the types that are written say that a use is one of `targets`, or is not."""
    if code.index is None or doc.language not in VALUED:
        return ToldUses()
    wanted = [
        (each.location.path, each.location.start, each.symbol.qualified_name)
        for each in targets
        if each.location is not None
    ]
    asked = code.index.graph.ask(told_uses, name, doc.language, wanted, TOLD_SECONDS)
    return await within(asked, 2 * TOLD_SECONDS) or ToldUses()


async def _as_they_stand(
    told: Iterable[tuple[Path, int]], name: str, doc: Document, code: Codebase
) -> list[Location]:
    """The places where the files, as they are now, still have the name."""
    files: dict[Path, list[int]] = {}
    for path, start in told:
        files.setdefault(path, []).append(start)
    found: list[Location] = []
    for path, starts in list(files.items())[:_MOST_FILES]:
        text = doc.text if path == doc.path else await readable(path, code)
        for start in starts if text is not None else ():
            if text is not None and text.source[start : start + len(name)] == name:
                found.append(Location(path, start, start + len(name)))
    return found


async def references(doc: Document, at: int, code: Codebase, include_declaration: bool) -> list[Location]:
    """Uses of the name at `at` over the workspace, each once, by file and place."""
    start, end = doc.text.word_at(at)
    name = doc.text.source[start:end]
    if not name:
        return []
    if in_quotes(doc, at):
        if not await is_name_in_string(doc, at, code):
            keys = await certain_names.uses(doc, start, code)  # of a TypedDict
            return sorted(keys, key=lambda place: (str(place.path), place.start))
        # Where it is bound, as an import or a class, is a place that everybody understands.
        names = names_in(doc, code)
        here = names.at(start)
        bound = names.first_binding(name, names.home(here)) if here is not None else None
        start = at = bound.start if bound is not None else start
    if (module := await module_uses(doc, at, code)) is not None:
        return sorted(set(module), key=lambda place: (str(place.path), place.start))
    own, reach = await asyncio.to_thread(_own_uses, doc, start, name, code)
    typed = code.python if doc.language == "python" else None
    if reach == "function":
        return own if include_declaration else own[1:]
    certain: list[Location] = []
    if typed is None or (reach == "parameter" and not code.types_are_fast):
        certain = await certain_names.uses(doc, start, code)
    if reach == "parameter" and not code.types_are_fast:
        both = sorted({*own, *certain}, key=lambda place: (str(place.path), place.start))
        return both if include_declaration else [each for each in both if each != own[0]]
    declared: list[Location] = []
    places: list[Location] = []
    if typed is not None:
        source = doc.text.source
        used, known, certain = await asyncio.gather(
            within(typed.references(doc.path, source, at), REFERENCES_SECONDS),
            within(typed.define(doc.path, source, at), ENGINE_SECONDS),
            certain_names.uses(doc, start, code),
        )
        made = [each.location for each in known or () if each.location is not None]
        places = await asyncio.to_thread(_same, used or [], certain, doc, start, code)
        declared = await asyncio.to_thread(_same, made, certain, doc, start, code)
    if reach != "parameter":  # of a parameter the engine knows the calls that pass it by name
        targets, more = await _by_index(doc, at, name, code)
        if not declared:
            declared = [each.location for each in targets if each.location is not None]
        places += await _not_others(set(more) - {*places, *own, *certain}, places, declared, code)
    places += own
    places += certain
    inside = [place for place in places if within_roots(place.path, code.roots) or place.path == doc.path]
    inside = [*inside, *declared] if include_declaration else [p for p in inside if p not in declared]
    return sorted(set(inside), key=lambda place: (str(place.path), place.start))


def _same(
    places: list[Location], certain: Sequence[Location], doc: Document, start: int, code: Codebase
) -> list[Location]:
    """Without those that Python's scopes say are another name, as in the `size = size` of a class."""
    if doc.tree is None:
        return places
    names = names_in(doc, code)
    here = [start, *(each.start for each in certain if each.path == doc.path)]
    start = next((each for each in here if names.at(each) is not None), start)
    return [each for each in places if each.path != doc.path or not is_another(names, start, each.start)]


async def _not_others(
    guessed: Iterable[Location], known: Sequence[Location], declared: Sequence[Location], code: Codebase
) -> list[Location]:
    """Of the places guessed by the name those that a fast engine, which knows some uses, does not know to be
    something else's."""
    guesses = sorted(guessed, key=lambda place: (str(place.path), place.start))
    python = code.python
    if python is None or not code.types_are_fast or not known:
        return guesses
    until = due(EXAMINED_SECONDS)
    made = {(each.path, each.start) for each in declared}
    left: list[Location] = []
    for guess in guesses:
        text = await code.texts.text_of(guess.path)
        if text is None or time.monotonic() > until:
            continue
        told = await within(python.define(guess.path, text.source, guess.start), ENGINE_SECONDS)
        at = {(each.location.path, each.location.start) for each in told or () if each.location is not None}
        if not at or at & made:
            left.append(guess)
    return left


def _own_uses(
    doc: Document, start: int, name: str, code: Codebase
) -> tuple[list[Location], Literal["", "function", "parameter"]]:
    """All places in the document of the name at `start`, by its language's scopes, and how far it reaches:
    where it is a function's, these are all there are, but for the keywords that pass a parameter."""
    if doc.tree is None or doc.path is None:
        return [], ""
    if doc.language != "python":
        local = local_places(doc.tree, start, name)
        places = [Location(doc.path, each.start, each.end) for each in local or ()]
        inside = local is not None and not any(each.role == "bind" and is_property(each) for each in local)
        return places, "function" if inside else ""
    names = names_in(doc, code)
    here = names.at(start)
    if here is None or not names.is_bound(name, names.home(here)):
        return [], ""
    home = names.home(here)
    places = [Location(doc.path, each.start, each.end) for each in names.of(name, home)]
    if names.scopes[home].kind in ("module", "class"):
        return places, ""
    first_place = names.first_binding(name, home)
    passed = first_place is not None and first_place.how == "parameter" and name not in _SELVES
    return places, "parameter" if passed and names.scopes[home].kind == "function" else "function"


def _is_local(doc: Document, found: Found, code: Codebase) -> bool:
    """Whether nothing outside the document can use it: it is bound inside a function."""
    if found.source != "document":
        return False
    symbol = found.symbol
    known = symbols_of(doc, code.memory)
    if any(each.name_start == symbol.name_start for each in known):
        return False
    return any(each.kind in FUNCTION_LIKE and each.start <= symbol.start < each.end for each in known)


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
        around = [each for each in here if each.kind in FUNCTION_LIKE and each.start <= spot < each.end]
        inner = min(around, key=lambda each: each.end - each.start)
        uses = [each for each in uses if inner.start <= each.start < inner.end and not each.receiver]
    else:
        bare = doc.language in _BARE_MEMBERS
        uses = [each for each in uses if _may_be(each.receiver, targets) or (bare and not each.receiver)]
    return [Location(path, each.start, each.end) for each in uses]


async def _from_index(doc: Document, name: str, targets: Sequence[Found], code: Codebase) -> list[Location]:
    """Uses in other files: those that can reach the definition, checked against the files' present text."""
    index = code.index
    if index is None:
        return []
    most = _MOST_USES if doc.language in VALUED else _MOST_GUESSED
    found = await within(index.references_to(name, most), INDEX_SECONDS) or []
    found = [each for each in found if each.path != doc.path and _is_kin(each.path, doc.language)]
    others = [each for each in found if _may_be(each.receiver, targets)]
    if any(target.symbol.container for target in targets):
        named = await within(index.symbols_named(name), INDEX_SECONDS) or []
        owners = {each.symbol.container for each in named if each.symbol.container}
        if len(owners) > 1:  # the same method name on several classes: only where the receiver tells
            classes = {target.symbol.owner for target in targets}
            others = [each for each in others if _receiver_names(each, classes)]
    places: list[Location] = []
    files: dict[Path, list[IndexedReference]] = {}
    for each in others:
        files.setdefault(each.path, []).append(each)
    for path, uses in list(files.items())[:_MOST_FILES]:
        text = await readable(path, code)
        if text is None:
            continue
        defines = any(target.location is not None and target.location.path == path for target in targets)
        plain = any(not use.receiver for use in uses)
        imported = not plain or defines or _imports_name(text.source, name) or doc.language != "python"
        if plain and not defines and doc.language in WHOLE_BLOCK:
            own = await asyncio.to_thread(_made_there, text, path, name)
            uses = [use for use in uses if use.start not in own]
        for use in uses:
            if text.source[use.start : use.end] == name and (use.receiver or imported):
                places.append(Location(path, use.start, use.end))
    return places


def _made_there(text: Text, path: Path, name: str) -> frozenset[int]:
    """Where the file means something of its own by the name: a local, or what its module does not export."""
    tree = parsed(text, path)
    if tree is None or tree.language not in WHOLE_BLOCK or not stands_at_most(tree, name, MOST):
        return frozenset()
    return frozenset(each.start for each in occurrences(tree, name) if each.region is not None)


def _imports_name(source: str, name: str) -> bool:
    return bool(
        re.search(
            rf"^\s*from\s[^\n]*\bimport\b(?:[^\n]*|\s*\([^)]*)\b{re.escape(name)}\b", source, re.MULTILINE
        )
        or re.search(r"^\s*from\s[^\n]*\bimport\s*\*", source, re.MULTILINE)
    )


def _is_kin(path: Path, language: str) -> bool:
    """Whether a file's code can use names of `language`."""
    written = language_of(path)
    return written is None or same_family(written.name, language)


def _may_be(receiver: str, targets: Sequence[Found]) -> bool:
    """A member is used behind a dot; a top-level name alone or behind its module's name."""
    if any(target.symbol.container for target in targets):
        return bool(receiver) or any(target.symbol.kind is SymbolKind.CLASS for target in targets)
    if not receiver:
        return True
    last = last_name(receiver)
    stems = {target.location.path.stem for target in targets if target.location is not None}
    folders = {target.location.path.parent.name for target in targets if target.location is not None}
    return last in stems | folders


def _receiver_names(use: IndexedReference, classes: set[str]) -> bool:
    last = last_name(use.receiver)
    if last in ("self", "cls", "this"):
        return bool(classes & set(use.container.split(".")))
    plain = last.replace("_", "").lower()
    return any(plain == each.lower() or (len(plain) > 3 and plain in each.lower()) for each in classes)
