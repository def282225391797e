"""The type that the code around an expression of TypeScript or JavaScript wants it to have: beside the
variable it is set to, of the parameter it is given for, of the function that returns it, of the key it stands
under."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devflow.analysis.expressions import before_space, chain_before, opening_around, split_top
from devflow.analysis.symbols import CLASS_LIKE, FUNCTION_LIKE
from devflow.analysis.written_types import read_type, result_text, type_text
from devflow.retrieval.graph import library_values, overloads
from devflow.retrieval.graph.base import Definition
from devflow.retrieval.graph.stored import File
from devflow.retrieval.graph.value import Value

if TYPE_CHECKING:
    from devflow.retrieval.graph.values import Values

_DEEPEST = 4
_BESIDE = re.compile(r"(?<![\w$.?])[#\w$]+\s*[?!]?\s*:\s*")
_FARTHEST = 400
_MOST_BLOCKS = 5
_RESULT = re.compile(r"\)\s*:\s*([^{}();=]+?)\s*(?:=>\s*)?\Z")
_METHOD = re.compile(r"(?:[\w$]+\s+)*[\"']?[\w$]+[\"']?\??\s*(?:<.*>)?\s*(?=\()")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A type as it is `written` in `file`, and what the type parameters in it stand for."""

    written: str
    file: File
    given: Mapping[str, Value]
    least: int = -1
    """As a value's."""

    @property
    def value(self) -> Value | None:
        """What has the type."""
        type_ = read_type(self.written, "typescript")
        return Value(self.file, type_, self.given, least=self.least) if type_ is not None else None


def wanted(values: Values, file: File, source: str, at: int, depth: int = 0) -> Wanted | None:
    """What the expression that begins at `at` is wanted to be; None where nothing is written of it."""
    end = before_space(source, at)
    if depth > _DEEPEST or not end:
        return None
    sign = source[end - 1]
    if sign == "=" and source[end - 2 : end - 1] not in ("=", "!", "<", ">"):
        return _beside(file, source, end - 1)
    if sign == ":":
        named = re.search(r"[\"']?([\w$]+)[\"']?\s*\Z", source[max(0, end - 80) : end - 1])
        opened = opening_around(source, end - 1, "{")
        if named is None or opened is None:
            return None
        outer = wanted(values, file, source, opened, depth + 1)
        return _under(values, outer, named[1]) if outer is not None else None
    if sign in "(,":
        return _taken(values, file, source, at, depth)
    if re.search(r"\breturn\Z", source[max(0, end - 8) : end]):
        return _returned(values, file, source, at)
    return None


def key(values: Values, file: File, source: str, name: str, start: int) -> Definition | None:
    """What the key that is written at `start` in an object is of the type that is wanted there."""
    if not re.match(r"[\"']?\s*(?::(?!:)|\()", source[start + len(name) : start + len(name) + 40]):
        return None
    before = before_space(source, start)
    if source[before - 1 : before] not in ("{", ","):
        return None
    opened = opening_around(source, start, "{")
    outer = wanted(values, file, source, opened) if opened is not None else None
    value = outer.value if outer is not None else None
    found = values.member(value, name) if value is not None else None
    return found[0] if found is not None else None


def parameter(values: Values, file: File, source: str, at: int, number: int, depth: int) -> Value | None:
    """What the parameter at `number` of the function that begins at `at` is wanted to take."""
    found = wanted(values, file, source, at, depth)
    for _ in range(_DEEPEST):
        if found is None or "=>" in found.written:
            break
        value = found.value
        alias = values.alias(value) if value is not None else None
        if alias is None:
            break
        found = alias
    if found is None:
        return None
    written = next((each for each in split_top(found.written, "|") if "=>" in each), found.written)
    if written.startswith("((") and written.endswith(")"):
        written = written[1:-1]
    return library_values.callback_parameter(
        written, Value(found.file, None, found.given, least=found.least), number
    )


def _beside(file: File, source: str, sign: int) -> Wanted | None:
    """The type between a name and the `=` at `sign`."""
    least = max(0, sign - _FARTHEST)
    line = source.rfind("\n", 0, source.rfind("\n", 0, sign) if source[:sign].endswith("\n") else sign)
    for begun in (max(line, least), least):
        for found in _BESIDE.finditer(source, begun, sign):
            written = type_text(source, found.end())
            if written and source[found.end() + len(written) : sign].strip() == "":
                return Wanted(written, file, {}, found.end())
    return None


def _under(values: Values, outer: Wanted, name: str) -> Wanted | None:
    """The type of a member, a method's as the function that it is."""
    value = outer.value
    found = values.member(value, name) if value is not None else None
    if found is None:
        return None
    made, given = found
    file = values.file_of(made)
    if made.kind in FUNCTION_LIKE and (head := _METHOD.match(made.signature)):
        text = made.signature[head.end() :]
        return Wanted(f"{text[: text.rfind(')') + 1]} => unknown", file, given, made.start)
    written = library_values.type_written(made)
    return Wanted(written, file, given, made.start) if written else None


def _taken(values: Values, file: File, source: str, at: int, depth: int) -> Wanted | None:
    """The type of the parameter that an argument of a call is given for."""
    opened = opening_around(source, at)
    chain = chain_before(source, opened) if opened is not None else None
    if chain is None or opened is None:
        return None
    before = split_top(source[opened + 1 : at], ",")[:-1]
    callee = values.called(file, chain, at, depth + 1)
    if callee is None or callee.itself is None:
        return None
    several = library_values.overloads(callee.itself, callee.receiver)
    found = overloads.parameter(several, values.file_of(callee.itself), callee, before, lambda _: None)
    return Wanted(found[0], found[1].file, found[1].given, found[1].least) if found is not None else None


def _returned(values: Values, file: File, source: str, at: int) -> Wanted | None:
    """The result of the function around, as it is written behind its parameters."""
    opened = at
    for _ in range(_MOST_BLOCKS):
        around_it = opening_around(source, opened, "{")
        if around_it is None:
            break
        opened = around_it
        head = source[max(0, opened - _FARTHEST) : opened]
        if (found := _RESULT.search(head)) is not None:
            return _resolved(found[1].strip(), file)
        if head.rstrip().endswith("=>"):
            return None
    around = [each for each in file.around(at) if each.kind in FUNCTION_LIKE | CLASS_LIKE]
    if not around or around[-1].kind in CLASS_LIKE:
        return None
    written = result_text(values.head(around[-1]), around[-1].name, around[-1].language)
    return _resolved(written, file) if written else None


def _resolved(written: str, file: File) -> Wanted:
    """A result, of an asynchronous function what it promises."""
    promised = re.fullmatch(r"Promise<(.*)>", written, re.DOTALL)
    return Wanted(promised[1] if promised else written, file, {})
