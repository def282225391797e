"""A symbol a name may stand for, and where it stands now."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from devflow.analysis.facts import Location, Symbol
from devflow.analysis.languages import family
from devflow.server.assist.base import Codebase
from devflow.server.assist.waiting import within

INDEX_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Found:
    """A symbol a name may stand for, where it is now."""

    symbol: Symbol
    location: Location | None
    score: int
    source: str
    """`document`, `files` (read for this question) or `index`."""
    places: int = 0
    """Where it is a guess by the name: how many places are called so; 0 where it is none."""


async def located(path: Path, symbol: Symbol, code: Codebase) -> Location:
    """Where the symbol's name stands in the file as it is now: the nearest place to where it was
    when it was indexed."""
    text = await within(code.texts.text_of(path), INDEX_SECONDS)
    start = symbol.name_start
    if text is None or text.source[start : symbol.name_end] == symbol.name:
        return Location(path, start, symbol.name_end)
    starts = [found.start() for found in re.finditer(rf"\b{re.escape(symbol.name)}\b", text.source)]
    start = min(starts, key=lambda place: abs(place - start), default=min(start, len(text)))
    return Location(path, start, min(start + len(symbol.name), len(text)))


def same_family(one: str, other: str) -> bool:
    """Whether code of one language can use names of the other."""
    return family(one) == family(other)


def within_roots(path: Path, roots: Sequence[Path]) -> bool:
    """Whether `path` lies in the workspace."""
    return any(path.is_relative_to(root) for root in roots)


def moved(symbol: Symbol, place: Location) -> Symbol:
    """The symbol with its name at `place`."""
    by = place.start - symbol.name_start
    if not by:
        return symbol
    start, end = max(0, symbol.start + by), max(symbol.end + by, place.end)
    return replace(symbol, start=min(start, place.start), end=end, name_start=place.start, name_end=place.end)
