"""Scenarios from real Python files: what somebody could have been doing there, and what is right afterwards.

What is right is told by Python's own compiler (`ast`, `symtable`), not by the code that is measured.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from devflow.analysis.text import Edit

from .python_file import Source
from .quiet import QUIET
from .right import RIGHT
from .scenario import Scenario

LARGEST = 60_000
"""Code points of a file."""


def scenarios(name: str, source: str, seed: int, each: int = 1) -> list[Scenario]:
    """Up to `each` scenarios of every kind from one file; none from one that the compiler does not read."""
    if len(source) > LARGEST or "\r" in source or "\t" in source or "\f" in source:
        return []
    try:
        file = Source(name, source, random.Random(f"{seed} {name}"))
    except (SyntaxError, ValueError, AssertionError, RecursionError, IndexError, KeyError):
        return []
    found: list[Scenario] = []
    for kind, make in {**RIGHT, **QUIET}.items():
        made = list(make(file))
        file.dice.shuffle(made)
        for number, (before, edits, right) in enumerate(made[:each]):
            found.append(_scenario(f"{kind}:{name}:{number}", kind, name, before, edits, right))
    return found


def _scenario(
    name: str, kind: str, path: str, before: str, edits: Sequence[Edit], right: Sequence[Edit]
) -> Scenario:
    def after(at: int) -> int:
        return at + sum(len(e.new) - (e.end - e.start) for e in edits if e.end <= at and e.start < at)

    last = edits[-1]
    wanted = tuple(
        Edit(after(e.start), after(e.start) + e.end - e.start, e.new)
        for e in sorted(right, key=lambda e: e.start)
    )
    made: list[Edit] = []
    cursor = last.start + len(last.new)
    for e in edits[:-1]:
        if e.start < last.start:
            cursor += len(e.new) - (e.end - e.start)
    made.extend(edits)
    return Scenario(
        name, kind, path, before, tuple(made), wanted, cursor, any_line=kind in ("import", "field-kept")
    )
