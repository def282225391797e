"""Which of the definitions of a name a use can mean: by its kind, by what is near."""

from __future__ import annotations

import re
from collections.abc import Iterable

from devflow.analysis.facts import SymbolKind
from devflow.analysis.symbols import CLASS_LIKE, FUNCTION_LIKE
from devflow.retrieval.graph.base import Definition, Meaning
from devflow.retrieval.graph.dialects import same_package
from devflow.retrieval.graph.stored import File

TYPES = CLASS_LIKE | {SymbolKind.TYPE}


def declares(text: str, name: str) -> bool:
    """Whether `text` declares a local variable `name`."""
    name = re.escape(name)
    local = rf"\b(?:let|const|var|auto|int|for\s*\()\s+(?:mut\s+)?{name}\b|\b{name}\s*(?:,\s*\w+\s*)*:="
    return re.search(local, text) is not None


def fits(definition: Definition, kind: str) -> bool:
    """Whether a reference of this kind can stand for a definition."""
    if kind == "call":
        return definition.kind in FUNCTION_LIKE | CLASS_LIKE
    return kind != "type" or definition.kind in TYPES


def overloads(found: Iterable[Definition], confidence: float, why: str) -> list[Meaning]:
    """Several definitions of one name, each as sure as the others."""
    some = list(found)[:8]
    return [Meaning(each, confidence, why) for each in some]


def values_first(found: list[Definition]) -> list[Definition]:
    """Definitions of one name as an expression means it: not its type, where a value is called so as well."""
    return sorted(found, key=lambda each: each.kind in (SymbolKind.INTERFACE, SymbolKind.TYPE))


def nearest(file: File, found: list[Definition], confidence: float, why: str) -> list[Meaning]:
    """The only one there is; of several, those in the same file, else in the same folder."""
    if len(found) > 1:
        for near in (
            [each for each in found if each.path == file.path],
            [each for each in found if same_package(each.path, file.path)],
            [
                each
                for each in found
                if each.signature.rstrip().endswith(")") and not each.path.suffix.startswith(".h")
            ],
        ):
            if len(near) == 1:
                return [Meaning(near[0], confidence, why)]
        if len(found) == 2 and {each.path.suffix[:2] for each in found} == {".h", ".c"}:
            return [Meaning(each, confidence, why) for each in found]
        return []
    return [Meaning(each, confidence, why) for each in found]
