"""Which uses of a name the code says are of some definitions, in languages that write their types down."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from devflow.analysis.languages import family
from devflow.retrieval.graph.base import Definition
from devflow.retrieval.graph.links import Graph
from devflow.retrieval.graph.named import definitions_in

_MOST = 4_000
Place = tuple[Path, int]
"""A file and the offset of a name in it."""


@dataclass(frozen=True, slots=True)
class ToldUses:
    """Uses of a name as the index has them: those of the definitions, and those of something else. Of the
    others the code does not say."""

    theirs: frozenset[Place] = frozenset()
    others: frozenset[Place] = frozenset()


def told_uses(
    graph: Graph, name: str, written: str, targets: Sequence[tuple[Path, int, str]], seconds: float
) -> ToldUses:
    """The uses of `name` in files of the language `written` that are of `targets`, each a file, the offset of
    the name and the qualified name in it, or of what these override or is overridden by; read for at most
    `seconds`."""
    meant = [each for path, _, qualified in targets for each in definitions_in(graph, path, qualified)]
    places = {(path, start) for path, start, _ in targets}  # keys of objects are in no index
    kin = set(meant)
    for each in meant:
        kin.update(graph.overridden(each) if each.container else ())
        kin.update(graph.overriding(each) if each.container else ())
    theirs: set[Place] = set()
    others: set[Place] = set()
    ends = time.monotonic() + seconds
    language = family(written)
    for use in graph.stored.uses(name, _MOST):
        file = graph.stored.file(use.root, use.file)
        if family(file.language) != language:
            others.add((file.path, use.start))
            continue
        if time.monotonic() > ends:
            break
        told = graph.declared.told(use)
        found: list[Definition] = [each.definition for each in told or ()]
        if not found and not meant:
            value = graph.declared.values.value(file, use.start)
            key = graph.declared.values.outside(value, name) if value is not None else None
            found = [key[0]] if key is not None else []
        if told is not None or found:
            at = {(each.path, each.name_start) for each in found}
            (theirs if kin.intersection(found) or places & at else others).add((file.path, use.start))
    return ToldUses(frozenset(theirs), frozenset(others))
