"""Members of objects that have no name of their own in TypeScript and JavaScript: of types in braces, of
values that are written out where a variable is set."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from devflow.analysis.facts import SymbolKind
from devflow.analysis.languages import SCRIPTS
from devflow.analysis.object_types import Key, keys, place
from devflow.analysis.script_packages import text_of
from devflow.analysis.written_types import Type
from devflow.retrieval.graph.base import Definition
from devflow.retrieval.graph.library_values import SHAPED
from devflow.retrieval.graph.stored import File
from devflow.retrieval.graph.value import Seen, Value, is_new

Alias = Callable[[Value], Value | None]
"""What has the type that the name of a value's type is another name for."""
Source = Callable[[File], str]
VALUE, TYPE = "={}", "{}"
"""What such a member stands in, as its container: a value that is written out, a type."""
_DEEPEST = 8


def member(
    value: Value, name: str, alias: Alias, source: Source
) -> tuple[Definition, Mapping[str, Value]] | None:
    """What an object without a name has under `name`, and what type parameters stand for in it."""
    for each in _objects(value, alias, 0, set()):
        for key in _keys(each):
            if key.name == name and (made := _definition(each, key, source)) is not None:
                return made, each.given
    return None


def members(value: Value, alias: Alias, source: Source) -> list[Definition]:
    """All that such an object has."""
    found: dict[str, Definition] = {}
    for each in _objects(value, alias, 0, set()):
        for key in _keys(each):
            if re.fullmatch(r"[\w$]+", key.name) and (made := _definition(each, key, source)) is not None:
                found.setdefault(key.name, made)
    return list(found.values())


def shown(made: Definition) -> Definition:
    """A member as it is told to users: what it stands in has no name."""
    return replace(made, container="") if made.container in (VALUE, TYPE) else made


def _objects(value: Value, alias: Alias, depth: int, seen: Seen) -> Iterator[Value]:
    """The objects without a name that a value is, also as one of several, behind another name or in a wrapper
    that has the members of what it wraps."""
    type_ = value.type
    if type_ is None or value.itself is not None or depth > _DEEPEST or value.file.language not in SCRIPTS:
        return
    if type_.object_text:
        yield value
    elif type_.name in value.given:
        yield from _objects(value.given[type_.name], alias, depth + 1, seen)
    elif type_.name == "|" or (type_.name in SHAPED and type_.arguments):
        for each in type_.arguments if type_.name == "|" else type_.arguments[:1]:
            yield from _objects(
                Value(value.file, each, value.given, least=value.least), alias, depth + 1, seen
            )
    elif type_.name[:1].isalpha() and is_new(value, type_, seen) and (meant := alias(value)) is not None:
        yield from _objects(meant, alias, depth + 1, seen)


def _keys(value: Value) -> tuple[Key, ...]:
    type_ = value.type or Type("")
    return keys(type_.object_text, value=type_.name[:1] == "=")


def _definition(value: Value, key: Key, source: Source) -> Definition | None:
    """A key as a definition where its object stands."""
    file, type_ = value.file, value.type or Type("")
    text = text_of(file.path) if file.root < 0 else source(file)
    begun = place(text, type_.object_text, value.least)
    if begun < 0:
        return None
    if not text.startswith(type_.object_text, begun):  # its line ends are lost: its names are where they are
        found = re.search(rf"(?<![\w$.]){re.escape(key.name)}\b", text[begun:])
        by = begun + found.start() - key.name_start if found is not None else begun
    else:
        by = begun
    signature = re.sub(r"\s+", " ", type_.object_text[key.start : key.end])[:300]
    kind = SymbolKind.METHOD if key.called else SymbolKind.FIELD
    container = VALUE if type_.name[:1] == "=" else TYPE
    line = text.count("\n", 0, key.start + by)
    return Definition(
        file.root, file.id, key.start + by, key.name, file.path, file.language, kind, container,
        key.end + by, key.name_start + by, line, signature,
    )  # fmt: skip
