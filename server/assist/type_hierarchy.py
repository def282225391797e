"""What a class extends and what extends it, and who implements a method or an interface."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

from devflow.analysis.document import Document
from devflow.analysis.facts import Location, Symbol, SymbolKind
from devflow.analysis.symbols import FUNCTION_LIKE
from devflow.server.assist.base import Codebase
from devflow.server.assist.call_hierarchy import Item, named
from devflow.server.assist.found import INDEX_SECONDS, Found, located, moved, same_family
from devflow.server.assist.outline import defined_at, symbols_of
from devflow.server.assist.receivers import CLASS_KINDS, bases_of
from devflow.server.assist.waiting import within

_DEEPEST = 4
_MOST = 100
_MOST_METHODS = 12


async def prepared_types(doc: Document, at: int, code: Codebase) -> list[Item]:
    """The class, interface or the like whose definition or use is at `at`."""
    return [
        Item(each.location.path, moved(each.symbol, each.location))
        for each in await named(doc, at, code)
        if each.location is not None and each.symbol.kind in CLASS_KINDS
    ]


async def supertypes(doc: Document, at: int, code: Codebase) -> list[Item]:
    """What the class whose name is at `at` extends or implements, in the order it is written."""
    here = await asyncio.to_thread(symbols_of, doc, code.memory)
    own = defined_at(here, at)
    if own is None:
        return []
    result: list[Item] = []
    source = doc.text.source
    behind = own.name_end
    for base in bases_of(own):
        found = re.compile(rf"\b{re.escape(base)}\b").search(source, behind, min(own.end, behind + 2_000))
        if found is None:
            continue
        behind = found.end()
        result += (await prepared_types(doc, found.start(), code))[:1]
    for trait in await asyncio.to_thread(_implemented, doc, own) if doc.language == "rust" else []:
        result += (await prepared_types(doc, trait, code))[:1]
    return list({(item.path, item.symbol.name_start): item for item in result}.values())


async def subtypes(doc: Document, at: int, code: Codebase) -> list[Item]:
    """What extends or implements the class whose name is at `at`, one level down."""
    here = await asyncio.to_thread(symbols_of, doc, code.memory)
    own = defined_at(here, at)
    return await _extending(own, here, doc, code) if own is not None else []


async def implementation(doc: Document, at: int, code: Codebase) -> list[Location]:
    """The classes that implement the type at `at`, or the definitions that override the method at `at`;
    the definition itself where there are none."""
    found = [each for each in await named(doc, at, code) if each.location is not None]
    if not found or found[0].location is None:
        return []
    target = found[0]
    here = await asyncio.to_thread(symbols_of, doc, code.memory)
    if target.symbol.kind in CLASS_KINDS:
        below = await _below(target.symbol, here, doc, code)
        places = [Location(each.path, each.symbol.name_start, each.symbol.name_end) for each in below]
    elif target.symbol.kind in FUNCTION_LIKE and target.symbol.container:
        places = await _overriding(target, here, doc, code)
    else:
        places = []
    return list(dict.fromkeys(places)) or [each.location for each in found if each.location is not None]


async def _overriding(target: Found, here: Sequence[Symbol], doc: Document, code: Codebase) -> list[Location]:
    name, owner = target.symbol.name, target.symbol.owner
    kind = next(
        (each.kind for each in here if each.name == owner and each.kind in CLASS_KINDS), SymbolKind.CLASS
    )
    holder = next((each for each in here if each.name == owner and each.kind in CLASS_KINDS), None)
    below = await _below(holder or Symbol(owner, kind, 0, 0, 0, 0), here, doc, code)
    classes = {each.symbol.name for each in below}
    places = [
        Location(doc.path, each.name_start, each.name_end)
        for each in here
        if doc.path is not None and each.name == name and each.owner in classes
    ]
    if code.index is not None:
        for indexed in await within(code.index.symbols_named(name, 500), INDEX_SECONDS) or []:
            inside = indexed.symbol.owner
            if inside in classes and indexed.path != doc.path:
                places.append(await located(indexed.path, indexed.symbol, code))
    return places


async def _below(own: Symbol, here: Sequence[Symbol], doc: Document, code: Codebase) -> list[Item]:
    """Everything that extends a class, directly or not."""
    result: dict[tuple[object, int], Item] = {}
    level, seen = [own], {own.name}
    for _ in range(_DEEPEST):
        following: list[Symbol] = []
        for each in level:
            for item in await _extending(each, here, doc, code):
                result.setdefault((item.path, item.symbol.name_start), item)
                if item.symbol.name not in seen:
                    seen.add(item.symbol.name)
                    following.append(item.symbol)
        if not following or len(result) >= _MOST:
            break
        level = following
    return list(result.values())[:_MOST]


async def _extending(own: Symbol, here: Sequence[Symbol], doc: Document, code: Codebase) -> list[Item]:
    """The classes whose heads name `own` among their bases."""
    name = own.name
    items = [
        Item(doc.path, each)
        for each in here
        if doc.path is not None and each.kind in CLASS_KINDS and name in bases_of(each)
    ]
    if doc.language == "rust":
        items += await _implementing_trait(name, here, doc, code)
    if doc.language == "go" and own.kind is SymbolKind.INTERFACE:
        items += await _with_its_methods(own, here, doc, code)
    if code.index is not None:
        for each in await within(code.index.classes_naming(name), INDEX_SECONDS) or []:
            fits = same_family(each.language, doc.language) and name in bases_of(each.symbol)
            if fits and each.path != doc.path:
                place = await located(each.path, each.symbol, code)
                items.append(Item(each.path, moved(each.symbol, place)))
    return items[:_MOST]


async def _implementing_trait(
    trait: str, here: Sequence[Symbol], doc: Document, code: Codebase
) -> list[Item]:
    """Rust says it apart from both: `impl Trait for Type`."""
    head = re.compile(rf"\bimpl\b[^{{;]*?\b{re.escape(trait)}\b(?:<[^{{;]*?>)?\s+for\s+(?:\w+::)*(\w+)")
    names = [found[1] for found in head.finditer(doc.text.source)]
    paths = {doc.path}
    if code.index is not None:
        for use in await within(code.index.references_to(trait), INDEX_SECONDS) or []:
            if use.path in paths:
                continue
            paths.add(use.path)
            text = await within(code.texts.text_of(use.path), INDEX_SECONDS)
            names += [found[1] for found in head.finditer(text.source)] if text is not None else []
    return await _types_named(names, here, doc, code)


def _implemented(doc: Document, own: Symbol) -> list[int]:
    """Where the traits stand that the document implements for a type."""
    head = re.compile(
        rf"\bimpl\b(?:<[^{{;]*?>)?\s+(?:\w+::)*(\w+)(?:<[^{{;]*?>)?\s+for\s+(?:\w+::)*{re.escape(own.name)}\b"
    )
    return [found.start(1) for found in head.finditer(doc.text.source)]


async def _with_its_methods(
    interface: Symbol, here: Sequence[Symbol], doc: Document, code: Codebase
) -> list[Item]:
    """Go's interfaces are implemented by whatever has their methods."""
    methods = {each.name for each in here if each.owner == interface.name and each.kind in FUNCTION_LIKE}
    if code.index is not None and not methods:
        found = await within(code.index.methods_of(interface.name), INDEX_SECONDS) or []
        methods = {each.symbol.name for each in found if each.symbol.kind in FUNCTION_LIKE}
    wanted = sorted(methods)[:_MOST_METHODS]
    if not wanted:
        return []
    owners: dict[str, set[str]] = {}
    for each in here:
        if each.name in methods and each.container:
            owners.setdefault(each.owner, set()).add(each.name)
    if code.index is not None:
        for owner in await within(code.index.owners_of_all(wanted), INDEX_SECONDS) or []:
            owners[owner] = set(wanted)
    names = [owner for owner, has in owners.items() if has >= set(wanted) and owner != interface.name]
    return await _types_named(names, here, doc, code)


async def _types_named(
    names: Sequence[str], here: Sequence[Symbol], doc: Document, code: Codebase
) -> list[Item]:
    items: list[Item] = []
    for name in dict.fromkeys(names):
        own = [each for each in here if each.name == name and each.kind in CLASS_KINDS]
        if own and doc.path is not None:
            items.append(Item(doc.path, own[0]))
        elif code.index is not None:
            for each in await within(code.index.symbols_named(name), INDEX_SECONDS) or []:
                if each.symbol.kind in CLASS_KINDS and each.language == doc.language:
                    place = await located(each.path, each.symbol, code)
                    items.append(Item(each.path, moved(each.symbol, place)))
                    break
    return items
