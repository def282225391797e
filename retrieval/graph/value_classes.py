"""The workspace's classes that a value's type stands for: through unions, aliases, type parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from devflow.analysis.facts import SymbolKind
from devflow.analysis.languages import SCRIPTS
from devflow.analysis.written_types import Type, read_type
from devflow.retrieval.graph.base import Definition
from devflow.retrieval.graph.library_values import SHAPED
from devflow.retrieval.graph.narrowing import TYPES
from devflow.retrieval.graph.stored import File
from devflow.retrieval.graph.value import Value

if TYPE_CHECKING:
    from devflow.retrieval.graph.declared import DeclaredMeanings

_DEEPEST = 8


class ValueClasses:
    """Finds classes with what `declared` knows of names."""

    def __init__(self, declared: DeclaredMeanings, source: Callable[[File], str]) -> None:
        self._declared = declared
        self._source = source

    def of(self, value: Value) -> list[Definition] | None:
        """The definitions of a value's type, several where it is one of several."""
        if value.itself is not None:
            if value.itself.root < 0:
                return []
            if value.itself.kind is SymbolKind.TYPE and (alias := self.alias(value.itself)) is not None:
                return self.of(alias)
            return [value.itself] if value.itself.kind in TYPES else None
        return self.of_type(value, value.type, 0)

    def of_type(self, value: Value, type_: Type | None, depth: int) -> list[Definition] | None:
        """As `of`, of a type whose names are those of `value`."""
        if type_ is None or depth > _DEEPEST:
            return None
        if type_.name == "|":
            parts = [self.of_type(value, each, depth + 1) for each in type_.arguments]
            return [one for part in parts for one in part or ()] or next((each for each in parts), None)
        if type_.name in SHAPED and type_.arguments:
            return self.of_type(value, type_.arguments[0], depth + 1)
        if type_.name in ("[]", "map", "chan", "func"):
            return []
        if type_.name in value.given:
            return self.of(value.given[type_.name])
        found = self._declared.types(value.file, type_.name)
        if found:
            first = found[0]
            if first.kind is SymbolKind.TYPE and (alias := self.alias(first)) is not None:
                return self.of_type(alias, alias.type, depth + 1)
            return found[:1]
        last = type_.name.rpartition(".")[2]
        if len(last) == 1:
            return None  # a type parameter
        return [] if self._declared.is_outside(value.file, type_.name) else None

    def alias(self, made: Definition) -> Value | None:
        """What another name for a type stands for, in TypeScript."""
        if made.language not in SCRIPTS:
            return None
        file = self._declared.file_of(made)
        text = self._source(file)[made.start : made.end]
        _, sign, written = text.partition("=")
        type_ = read_type(written.strip().rstrip(";"), made.language) if sign else None
        return Value(file, type_) if type_ is not None and type_.name != made.name else None
