"""What an action is about: the selection, or the definition around the cursor."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devflow.analysis.document import Document
from devflow.analysis.facts import Symbol
from devflow.analysis.symbols import CLASS_LIKE, FUNCTION_LIKE, FUNCTIONS
from devflow.models.guard.egress import rule_paths
from devflow.server.assist.outline import symbols_of

if TYPE_CHECKING:
    from devflow.server.assist.base import Codebase
    from devflow.server.assist.memory import Memory

_DEFINITIONS = FUNCTION_LIKE | CLASS_LIKE


@dataclass(frozen=True, slots=True)
class Target:
    """A range of a document; `symbol` when it is a definition, None for selected lines."""

    start: int
    end: int
    symbol: Symbol | None

    @property
    def title(self) -> str:
        """How menus and prompts call it."""
        if self.symbol is None:
            return "the selection"
        return f"{self.symbol.name}()" if self.symbol.kind in FUNCTIONS else self.symbol.name


def target_at(doc: Document, start: int, end: int, memory: Memory) -> Target | None:
    """The selection when it covers more than a name, else the smallest definition around `start`.

    CPU-bound the first time for a version of `doc`. None where there is nothing.
    """
    around = definition_at(doc, start, end, memory)
    chosen = doc.text.source[start:end].strip()
    if chosen and (around is None or (start, end) != (around.name_start, around.name_end)):
        covered = around is not None and start <= around.start and end >= around.end
        if not covered and ("\n" in chosen or not chosen.replace("_", "").isalnum()):
            return Target(start, end, None)
    if around is None:
        return Target(start, end, None) if chosen else None
    return Target(around.start, around.end, around)


def definition_at(doc: Document, start: int, end: int, memory: Memory) -> Symbol | None:
    """The definition that is selected whole, else the smallest one that holds `start:end`."""
    found = [symbol for symbol in symbols_of(doc, memory) if symbol.kind in _DEFINITIONS]
    holding = [symbol for symbol in found if symbol.start <= start and end <= symbol.end]
    if not holding and start == end:
        # The cursor in the indentation or behind the last character of the head's line.
        line = doc.text.line_at(start)
        holding = [symbol for symbol in found if doc.text.line_at(symbol.name_start) == line]
    if start < end:
        inside = [symbol for symbol in found if start <= symbol.name_start and symbol.end <= end]
        if len(inside) >= 1 and all(
            inside[0].start <= each.start and each.end <= inside[0].end for each in inside
        ):
            return inside[0]
    return min(holding, key=lambda symbol: symbol.end - symbol.start, default=None)


async def sent_paths(doc: Document, code: Codebase) -> tuple[str, ...]:
    """The document's names for path rules."""
    return await asyncio.to_thread(rule_paths, doc.path, doc.uri, code.roots)
