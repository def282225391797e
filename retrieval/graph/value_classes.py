"""The workspace's classes that a value's type stands for: through unions, aliases, type parameters."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from devflow.analysis.facts import SymbolKind
from devflow.analysis.languages import SCRIPTS
from devflow.analysis.written_types import Type, alias_text, read_type, type_parameters
from devflow.retrieval.graph.base import Definition
from devflow.retrieval.graph.library_values import SHAPED
from devflow.retrieval.graph.narrowing import TYPES
from devflow.retrieval.graph.stored import File
from devflow.retrieval.graph.value import Seen, Value, is_new

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
        return self._of_type(value, type_, depth, set())

    def _of_type(self, value: Value, type_: Type | None, depth: int, seen: Seen) -> list[Definition] | None:
        if type_ is None or depth > _DEEPEST or type_.object_text:
            return None
        if type_.name == "|":
            parts = [self._of_type(value, each, depth + 1, seen) for each in type_.arguments]
            return [one for part in parts for one in part or ()] or next((each for each in parts), None)
        if type_.name in SHAPED and type_.arguments:
            return self._of_type(value, type_.arguments[0], depth + 1, seen)
        if type_.name in ("[]", "map", "chan", "func"):
            return []
        if type_.name in value.given:
            return self.of(value.given[type_.name])
        found = self._declared.types(value.file, type_.name)
        if found:
            first = found[0]
            if first.kind is SymbolKind.TYPE and not is_new(value, type_, seen):
                return None
            if first.kind is SymbolKind.TYPE and (alias := self.alias(first)) is not None:
                told = self.filled(first, Value(value.file, type_, value.given))
                return self._of_type(Value(alias.file, alias.type, told), alias.type, depth + 1, seen)
            return found[:1]
        if (bound := self._bound(value.file, type_.name)) is not None:
            return self._of_type(Value(value.file, bound), bound, depth + 1, seen)
        last = type_.name.rpartition(".")[2]
        if len(last) == 1:
            return None  # a type parameter
        return [] if self._declared.is_outside(value.file, type_.name) else None

    def alias_of(self, value: Value) -> Value | None:
        """What has the type that the name of a value's type is another name for."""
        type_ = value.type
        if type_ is None or type_.name in value.given or value.file.language not in SCRIPTS:
            return None
        for made in self._declared.types(value.file, type_.name)[:1]:
            if made.kind is SymbolKind.TYPE and (alias := self.alias(made)) is not None:
                return Value(alias.file, alias.type, self.filled(made, value), least=alias.least)
        return None

    def filled(self, made: Definition, value: Value) -> Mapping[str, Value]:
        """What the type parameters of the type `made` stand for in a value of it."""
        given = value.type.arguments if value.type is not None else ()
        names = type_parameters(made.signature, made.name)
        return {
            name: Value(value.file, each, value.given, least=value.least)
            for name, each in zip(names, given, strict=False)
        }

    def _bound(self, file: File, name: str) -> Type | None:
        """The one type that a file's heads write behind the type parameter `name` (`T extends Node`)."""
        if file.language not in ("java", *SCRIPTS) or not re.fullmatch(r"[A-Z]\w*", name):
            return None
        pattern = rf"[<,]\s*(?:const\s+)?{name}\s+extends\s+([A-Z][\w.]*)(?![\w.]*\s*\?)"
        bounds = set(re.findall(pattern, self._source(file))) if file.root >= 0 else set()
        return Type(bounds.pop()) if len(bounds) == 1 else None

    def alias(self, made: Definition) -> Value | None:
        """What another name for a type stands for, in TypeScript."""
        if made.language not in SCRIPTS:
            return None
        file = self._declared.file_of(made)
        written = alias_text(self._source(file)[made.start : made.end], made.name)
        type_ = read_type(written, made.language) if written else None
        if type_ is None or type_.name == made.name or type_.object_text:
            return None  # what stands in its braces is found under its name
        return Value(file, type_, least=made.start)
