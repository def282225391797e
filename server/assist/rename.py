"""Rename a symbol over the workspace, or say in one sentence why not.

Python is renamed by scopes, imports and classes (`analysis.refactor`), the other languages by their
syntax and the index. A wrong rename is worse than none: every range is checked against the present text,
and what cannot be told apart for sure is refused. Strings and comments are never touched.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from devflow.analysis.binders import BLOCKS
from devflow.analysis.document import Document
from devflow.analysis.facts import Location, SymbolKind
from devflow.analysis.languages import language_of
from devflow.analysis.refactor.local_rename import rename_local
from devflow.analysis.refactor.refused import Refused
from devflow.analysis.refactor.rename import Renaming
from devflow.analysis.refactor.rename import check_name as check_python_name
from devflow.analysis.refactor.rename import rename as rename_python
from devflow.analysis.scope import in_quotes, visible_names
from devflow.analysis.text import Edit
from devflow.server.assist.base import Codebase
from devflow.server.assist.certain_names import is_name_in_string
from devflow.server.assist.found import Found, same_family, within_roots
from devflow.server.assist.keywords import builtin_names, is_keyword_at, keywords
from devflow.server.assist.navigate import references
from devflow.server.assist.project import names_in, refactored
from devflow.server.assist.rename_checks import check_callers, checked
from devflow.server.assist.resolve import resolve
from devflow.server.assist.static_names import names_of
from devflow.server.assist.waiting import within

INDEX_SECONDS = 2.0
_SELVES = frozenset({"self", "cls", "this", "super"})


RenameRefused = Refused
"""The rename is not done; the message is a sentence for the user."""


async def prepare_rename(doc: Document, at: int, code: Codebase) -> tuple[int, int] | None:
    """The range of the name at `at` when it can be a name to rename, else None. Cheap: whether the
    rename is possible is told by `rename`."""
    start, end = doc.text.word_at(at)
    name = doc.text.source[start:end]
    if not name or name[0].isdigit() or doc.tree is None:
        return None
    if is_keyword_at(doc, start, end) or name in _SELVES:
        return None
    if in_quotes(doc, at) and not await is_name_in_string(doc, at, code):
        return None
    return start, end


async def rename(doc: Document, at: int, new_name: str, code: Codebase) -> Renaming:
    """The edits, by file, that give the symbol at `at` the name `new_name`. Raises RenameRefused."""
    place = await prepare_rename(doc, at, code)
    if place is None:
        raise RenameRefused("There is no name to rename here.")
    if doc.path is None:
        raise RenameRefused("Save the document first: only symbols in files can be renamed.")
    start, end = place
    old = doc.text.source[start:end]
    if doc.language == "python":
        check_python_name(new_name)
    else:
        _check_name(new_name, doc.language)
    if new_name == old:
        return Renaming({}, {})
    if doc.language == "python":
        if await asyncio.to_thread(_is_fixture, doc, start, old, code):
            raise RenameRefused(
                f"{old} is a fixture of pytest: tests ask for it by the name of a parameter, also in other "
                "files, and a rename does not follow those. Rename it by hand."
            )
        return await refactored(
            doc, code, start, lambda project, path: rename_python(project, path, start, new_name)
        )
    tree = doc.tree
    if tree is not None and doc.language in BLOCKS:
        local = await asyncio.to_thread(rename_local, tree, start, old, new_name)
        if local is not None:
            await check_callers(doc, tree, start, old, code)
            return Renaming({doc.path: local}, {})
    if tree is not None:
        visible = await asyncio.to_thread(visible_names, tree, end)
        if any(each.name == new_name for each in visible):
            raise RenameRefused(f"{new_name} already means something else here; choose another name.")
    places = await _by_index(doc, at, old, code)
    edits = await _edits(places, old, new_name, doc, code)
    if doc.language in BLOCKS:
        edits = await checked(doc, start, old, new_name, edits, code)
    return Renaming(edits, {})


def _is_fixture(doc: Document, start: int, name: str, code: Codebase) -> bool:
    if doc.tree is None or doc.path is None:
        return False
    names = names_in(doc, code)
    here = names.at(start)
    if here is not None and any(each.how == "parametrized" for each in names.of(name, names.home(here))):
        return False  # what the mark gives is not asked of a fixture
    bound = names.first_binding(name, names.home(here)) if here is not None else None
    place = bound.start if bound is not None else start
    return names_of(code).is_fixture(doc.path, doc.tree, place, name)


async def _by_index(doc: Document, at: int, old: str, code: Codebase) -> list[Location]:
    targets = await resolve(doc, at, code)
    if doc.language in ("c", "cpp"):
        targets = _one_function(targets)
    if old in builtin_names(doc.language) and not targets:
        raise RenameRefused(f"{old} is built in and cannot be renamed.")
    if not targets:
        raise RenameRefused(f"No definition of {old} is known in this workspace, so it is not renamed.")
    targets = [
        each for each in targets if each.location is None or _same_language(each.location.path, doc.language)
    ] or targets
    if len(targets) > 1:
        raise RenameRefused(_ambiguous(old, len(targets)))
    [target] = targets
    if not await _is_unique(target, old, doc.language, code):
        raise RenameRefused(_ambiguous(old, 2))
    if target.location is None or not _inside(target.location.path, doc, code):
        raise RenameRefused(f"{old} is defined outside this workspace, so it is not renamed.")
    places = await references(doc, at, code, include_declaration=True)
    if doc.language == "c" and code.index is not None:
        known = await within(code.index.symbols_named(old), INDEX_SECONDS) or []
        places += [
            Location(each.path, each.symbol.name_start, each.symbol.name_end)
            for each in known
            if _same_language(each.path, doc.language)
        ]
    return places


async def _is_unique(target: Found, old: str, language: str, code: Codebase) -> bool:
    """Whether the index knows no other definition of the name. A local needs no index; anything else
    does, for without one nothing is known of other files."""
    local = target.source == "document" and target.symbol.start == target.symbol.name_start
    if code.index is None:
        if local:
            return True
        raise RenameRefused(
            f"The workspace is not indexed yet, so the uses of {old} are not known; try again."
        )
    known = await within(code.index.symbols_named(old), INDEX_SECONDS)
    if known is None:
        raise RenameRefused(f"The index did not answer in time, so {old} is left as it is; try again.")
    if local:
        return True
    mine = [each for each in known if _same_language(each.path, language)]
    places = {(each.path, each.symbol.name_start) for each in mine}
    if language == "c" and len(places) > 1:  # it has no overloads: a prototype and the definition are one
        symbols = [each.symbol for each in mine]
        return all(
            each.kind is SymbolKind.FUNCTION and not each.container and "static" not in each.signature.split()
            for each in symbols
        )
    return len(places) <= 1


def _same_language(path: Path, language: str) -> bool:
    """Whether a definition in `path` can be meant where the target is: those of other languages cannot."""
    known = language_of(path)
    return known is not None and same_family(known.name, language)


def _one_function(targets: list[Found]) -> list[Found]:
    """A C function's prototypes and definition as one target."""
    functions = all(each.symbol.kind is SymbolKind.FUNCTION and not each.symbol.container for each in targets)
    return targets[:1] if functions else targets


def _ambiguous(old: str, count: int) -> str:
    return (
        f"{count if count > 2 else 'Several'} definitions are called {old}; without types their uses cannot "
        "be told apart, so it is not renamed."
    )


async def _edits(
    places: list[Location], old: str, new: str, doc: Document, code: Codebase
) -> dict[Path, list[Edit]]:
    """One edit for each place, after checking that it lies in the workspace and still holds the name."""
    edits: dict[Path, list[Edit]] = {}
    for path in sorted({place.path for place in places}):
        if not _inside(path, doc, code):
            raise RenameRefused(
                f"{old} is used in {path.name}, outside this workspace, so it is not renamed."
            )
        text = doc.text if path == doc.path else await within(code.texts.text_of(path), INDEX_SECONDS)
        if text is None:
            raise RenameRefused(f"{path.name} cannot be read, so {old} is left as it is.")
        starts = sorted({(place.start, place.end) for place in places if place.path == path})
        for start, end in starts:
            if text.source[start:end] != old:
                raise RenameRefused(
                    f"{path.name} has changed since it was read, so {old} is left as it is; try again."
                )
        edits[path] = [Edit(start, end, new) for start, end in starts]
    if not edits:
        raise RenameRefused(f"No use of {old} was found, so nothing is renamed.")
    return edits


def _check_name(name: str, language: str) -> None:
    form = r"[^\W\d][\w]*[?!]?" if language == "ruby" else r"[^\W\d$]?[\w$]*"
    if not name or name[0].isdigit() or re.fullmatch(form, name) is None:
        shown = name if len(name) <= 40 else name[:40] + "…"
        raise RenameRefused(f"{shown!r} is not a valid name here.")
    if name in keywords(language):
        raise RenameRefused(f"{name} is a reserved word here.")


def _inside(path: Path, doc: Document, code: Codebase) -> bool:
    """In the workspace, and not in an environment installed inside it."""
    if path == doc.path:
        return True
    if {"site-packages", "node_modules", "typeshed"} & set(path.parts):
        return False
    return within_roots(path, code.roots)
