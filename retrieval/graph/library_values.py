"""What values of types outside the workspace offer, in TypeScript, JavaScript and Java: members by the types'
declarations and their bases, with what type parameters stand for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from devflow.analysis.facts import Symbol, SymbolKind
from devflow.analysis.languages import SCRIPTS
from devflow.analysis.written_types import Type, base_types, parameters_text, read_type, type_parameters
from devflow.retrieval.graph import java_libraries, script_libraries
from devflow.retrieval.graph.base import Definition
from devflow.retrieval.graph.stored import File
from devflow.retrieval.graph.value import Value

_DEEPEST = 8
_MOST_BASES = 48
SHAPED = frozenset(
    {"Required", "Partial", "Readonly", "NonNullable", "Pick", "Omit", "DeepReadonly", "Awaited"}
)
"""TypeScript's own types that have the members of their first argument."""
_MADE_OF = MappingProxyType(
    {
        "[]": "Array", "string": "String", "number": "Number", "boolean": "Boolean", "symbol": "Symbol",
        "bigint": "BigInt", "func": "CallableFunction", "object": "Object",
    }
)  # fmt: skip
"""The types whose members TypeScript's own kinds of values have."""
_COMMON_IN_SCRIPTS = ("Array", "String", "Promise", "Map", "ObjectConstructor")
_COMMON = MappingProxyType({"java": ("String", "java.util.List", "java.util.Map", "java.util.ArrayList")})
Owner = tuple[Definition, Mapping[str, Value]]


def is_read(language: str) -> bool:
    """Whether libraries of a language are read here."""
    return language == "java" or language in SCRIPTS


def named(file: File, written: str) -> list[Definition]:
    """The declarations of a type outside the workspace, as `file` writes its name."""
    if file.language == "java":
        return java_libraries.types(file, written)
    return script_libraries.types(file, written) if file.language in SCRIPTS else []


def variable(file: File, name: str) -> list[Definition]:
    """What a plain name stands for outside the workspace, in an expression of `file`."""
    if file.language == "java":
        return java_libraries.types(file, name) if name[:1].isupper() else []
    return script_libraries.value(file, name) if file.language in SCRIPTS else []


def read(file: File) -> None:
    """Read what nearly every file of the language of `file` uses, before it is asked for."""
    for name in _COMMON.get(file.language, _COMMON_IN_SCRIPTS):
        for owner in named(file, name)[:1]:
            _members(owner)


def file_of(definition: Definition) -> File:
    """What a definition outside the workspace stands in."""
    java = definition.language == "java"
    return java_libraries.file_of(definition) if java else script_libraries.file_of(definition)


def symbol_of(definition: Definition) -> Symbol:
    """The definition with its documentation."""
    if definition.container in ("{}", "={}"):
        return definition.symbol
    java = definition.language == "java"
    return java_libraries.symbol_of(definition) if java else script_libraries.symbol_of(definition)


def members(value: Value) -> list[tuple[Definition, int]]:
    """What can stand behind a value, each with the steps up to the base that declares it."""
    found: dict[str, tuple[Definition, int]] = {}
    for (owner, _), depth in lineage(value):
        for name, made in _members(owner).items():
            if not name.startswith(("[", "(", '"', "'")) and made[0].kind is not SymbolKind.CONSTRUCTOR:
                found.setdefault(name, (made[0], depth))
    return list(found.values())


def member(value: Value, name: str) -> tuple[list[Definition], Mapping[str, Value]] | None:
    """The declarations of a value's member, overloads in their order, and what the type parameters around
    them stand for."""
    for (owner, given), _ in lineage(value):
        found = (
            script_libraries.member(owner, name)
            if owner.kind is SymbolKind.MODULE
            else _members(owner).get(name)
        )
        if found:
            return found, given
    if owners(value):
        for root in named(value.file, "Object"):
            if found := _members(root).get(name):
                return found, {}
    return None


def overloads(made: Definition, receiver: Value | None) -> list[Definition]:
    """All declarations of the function that `made` is one of."""
    if made.root >= 0 or (made.name == "call" and made.name_start == made.start):
        return [made]
    if made.container and receiver is not None:
        found = member(receiver, made.name)
        if found is not None and made in found[0]:
            return found[0]
    return _overloads(made)


def _overloads(made: Definition) -> list[Definition]:
    if made.language == "java":
        return file_of(made).named(made.container, made.name)
    return [each for each in script_libraries.declarations(made) if each.kind is made.kind] or [made]


def lineage(value: Value) -> Iterator[tuple[Owner, int]]:
    """The declared types of a value and their bases, the nearest first, with the steps up to each."""
    here = owners(value)
    seen: set[tuple[str, str]] = set()
    for depth in range(_DEEPEST):
        above: list[Owner] = []
        for owner, given in here:
            key = (owner.path.as_posix(), owner.qualified_name)
            if key in seen or len(seen) > _MOST_BASES:
                continue
            seen.add(key)
            yield (owner, given), depth
            for each in _declarations(owner):
                file = file_of(each)
                for base in base_types(each.signature, each.name, each.language):
                    above += owners(Value(file, base, given))
        here = above


def iterated(value: Value) -> Value | None:
    """What a value outside the workspace gives one by one."""
    for (owner, given), _ in lineage(value):
        if owner.name == "Iterable" and given:
            return next(iter(given.values()))
    return None


def owners(value: Value, depth: int = 0) -> list[Owner]:
    """The types outside the workspace whose members a value has."""
    if value.itself is not None:
        return [(value.itself, value.given)] if value.itself.root < 0 and value.file.language != "go" else []
    type_ = value.type
    if type_ is None or depth > _DEEPEST or not is_read(value.file.language):
        return []
    if type_.name in value.given:
        return owners(value.given[type_.name], depth + 1)
    if type_.name == "|":
        several = (owners(Value(value.file, each, value.given), depth + 1) for each in type_.arguments)
        return [each for one in several for each in one]
    if type_.name in SHAPED and type_.arguments:
        return owners(Value(value.file, type_.arguments[0], value.given), depth + 1)
    if type_.name == "[k]":
        kept = keyed(value)
        return owners(kept, depth + 1) if kept is not None else []
    java = value.file.language == "java"
    name = type_.name if java else _MADE_OF.get(type_.name, type_.name)
    if name[:1] in "[|\"'{=" or (java and name == "func"):
        return []
    found = named(value.file, name)
    if not found:
        return []
    given = _given(found[0], type_, value)
    if found[0].kind is SymbolKind.TYPE and not _members(found[0]):
        made_of = read_type(found[0].signature.partition("=")[2], "typescript")
        if made_of is None or made_of.name == found[0].name:
            return []
        return owners(Value(file_of(found[0]), made_of, given), depth + 1)
    return [(found[0], given)]


def keyed(value: Value) -> Value | None:
    """What the type `Map[K]` is, where K stands for the text of a key."""
    if value.type is None or value.type.name != "[k]":
        return value
    holder, key = value.type.arguments
    told = value.given.get(key.name)
    written = told.type.name if told is not None and told.type is not None else key.name
    found = member(Value(value.file, holder, value.given), written.strip("\"'"))
    if found is None or written[:1] not in "\"'":
        return None
    made, given = found
    return held(made[0], given)


def held(made: Definition, given: Mapping[str, Value]) -> Value | None:
    """What a variable or a field outside the workspace holds."""
    type_ = read_type(type_written(made), made.language)
    return Value(file_of(made), type_, given, least=made.start) if type_ is not None else None


def type_written(made: Definition) -> str:
    """The type beside a variable's or a field's name; "" where none is written."""
    before, _, behind = made.signature.partition(made.name)
    if made.language == "java":
        return re.sub(
            r"@\w+(?:\([^()]*\))?|\b(?:public|protected|static|final|transient|volatile)\b", "", before
        )
    found = re.match(r"[\"']?\s*[?!]?\s*:\s*", behind)
    return behind[found.end() :].rstrip(";, ") if found else ""


def callback_parameter(written: str, value: Value, number: int) -> Value | None:
    """The parameter at `number` of the function that a parameter of the type `written` takes; its names are
    those of `value`."""
    if value.file.language != "java":
        found = re.match(r"\(?\s*(?:<[^>]*>)?\(", written)
        if found is None or "=>" not in written:
            type_ = read_type(written, "typescript")
            for owner, given in owners(Value(value.file, type_, value.given)) if type_ is not None else ():
                called = re.search(r"=\s*(\(.*)|\{\s*(\(.*)", owner.signature)
                if called and not found:
                    inner = Value(file_of(owner), None, given)
                    return callback_parameter(called[1] or called[2], inner, number)
            return None
        parts = [
            each for each in parameters_text("f" + written[found.end() - 1 :], "f") if each[:5] != "this:"
        ]
        text = parts[number].partition(":")[2] if number < len(parts) else ""
        type_ = read_type(text, "typescript")
        return Value(value.file, type_, value.given, least=value.least) if type_ is not None else None
    type_ = read_type(written, "java")
    for owner, given in owners(Value(value.file, type_, value.given)) if type_ is not None else ():
        if (run := _abstract(owner)) is not None:
            parts = parameters_text(run.signature, run.name)
            text = parts[number].rpartition(" ")[0] if number < len(parts) else ""
            taken = read_type(text, "java")
            return Value(file_of(run), taken, given) if taken is not None else None
    return None


def _abstract(owner: Definition) -> Definition | None:
    """The one method of Java's functional interface."""
    for overloads in _members(owner).values():
        for each in overloads:
            head = each.signature.partition(each.name)[0]
            plain = not re.search(r"\b(?:default|static)\b", head)
            if (
                plain
                and each.kind is SymbolKind.METHOD
                and each.name not in ("equals", "hashCode", "toString")
            ):
                return each
    return None


def _given(owner: Definition, type_: Type, value: Value) -> Mapping[str, Value]:
    names = type_parameters(owner.signature, owner.name)
    return {
        name: Value(value.file, argument, value.given)
        for name, argument in zip(names, type_.arguments, strict=False)
    }


def _members(owner: Definition) -> dict[str, list[Definition]]:
    return java_libraries.members(owner) if owner.language == "java" else script_libraries.members(owner)


def _declarations(owner: Definition) -> list[Definition]:
    return [owner] if owner.language == "java" else script_libraries.declarations(owner)
