"""What the classes a receiver may be of offer, their bases in other files included.

By names only: two classes of one name are one. Each round is two questions to the index at once, for all
classes of one generation.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from devflow.analysis.facts import Symbol
from devflow.retrieval.base import IndexedSymbol
from devflow.server.assist.found import same_family
from devflow.server.assist.receivers import CLASS_KINDS, bases_of

if TYPE_CHECKING:
    from devflow.retrieval.index import Index

_GENERATIONS = 4
_MOST_CLASSES = 24
_NOTED = re.compile(r"(?:->|:)\s*([^=]+?)\s*(?:=|:?$)")
_MADE = re.compile(r"=\s*(?:await\s+|new\s+|&)?(?:[\w.]+\.)?([A-Z]\w*)\s*[({]")
_CLASS_NAME = re.compile(r"\b([A-Z]\w*)\b(?!\.)")
_WRAPPERS = frozenset({"Optional", "Union", "Any", "None", "Type", "ClassVar", "Final", "Self", "Annotated"})


async def inherited_members(
    index: Index, classes: Sequence[str], language: str
) -> list[tuple[IndexedSymbol, int]]:
    """Members of `classes` and of their bases: each with the number of steps up to the class it is from."""
    found: list[tuple[IndexedSymbol, int]] = []
    asked: set[str] = set()
    here = list(dict.fromkeys(classes))
    for depth in range(_GENERATIONS + 1):
        if not here or len(asked) > _MOST_CLASSES:
            break
        asked.update(here)
        members, heads = await asyncio.gather(index.members_in(here), index.symbols_of(here))
        found += [(each, depth) for each in members if same_family(each.language, language)]
        above: list[str] = []
        for each in heads:
            if each.symbol.kind in CLASS_KINDS and same_family(each.language, language):
                above += bases_of(each.symbol)
        here = [name for name in dict.fromkeys(above) if name not in asked]
    return found


async def classes_by_name(index: Index, names: Iterable[str], language: str) -> list[str]:
    """Classes that attributes, properties and functions called one of `names` give, and the classes
    that `names` are the plain spelling of (`request` → `Request`); the certain ones first."""
    wanted = [name for name in dict.fromkeys(names) if name]
    if not wanted:
        return []
    spelled = {camel(name) for name in wanted}
    noted: list[str] = []
    alike: list[str] = []
    for each in await index.symbols_of([*wanted, *spelled]):
        symbol = each.symbol
        if not same_family(each.language, language):
            continue
        if symbol.kind in CLASS_KINDS:
            if symbol.name in spelled:
                alike.append(symbol.name)
        else:
            noted += told_by(symbol)
    return list(dict.fromkeys((*noted, *alike)))[:6]


def told_by(symbol: Symbol) -> list[str]:
    """The classes that the head of a function, property or field says it gives."""
    head = symbol.signature
    if made := _MADE.search(head.partition(")")[2] if head.startswith("def ") else head):
        return [made[1]]
    if head.startswith(("def ", "async def ")):
        head = head.rpartition("->")[2] if "->" in head else ""
        return _named(head)
    noted = _NOTED.search(head)
    return _named(noted[1]) if noted else []


def camel(name: str) -> str:
    """`http_client` → `HttpClient`."""
    return "".join(part[:1].upper() + part[1:] for part in name.strip("_").split("_"))


def _named(annotation: str) -> list[str]:
    return [name for name in _CLASS_NAME.findall(annotation) if name not in _WRAPPERS][:2]
