"""What the declarations of a name say that it holds, in Go, TypeScript, JavaScript and Java: the type that is
written there, or the expression that it is set from.

Found in text, without a tree: the text behind may be anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from devflow.analysis.expressions import (
    Chain,
    chain_before,
    expression_end,
    opening_around,
    split_top,
)
from devflow.analysis.object_types import closing
from devflow.analysis.written_types import Type, read_type, type_before, type_text


@dataclass(frozen=True, slots=True)
class Written:
    """The type that is written beside a name; None where it cannot be told. With a `member`, beside the
    pattern that takes it apart: the name is what the type has under that."""

    type: Type | None
    member: str = ""
    at: int = field(default=-1, compare=False)
    """Where the type begins, in TypeScript."""


@dataclass(frozen=True, slots=True)
class SetFrom:
    """What a name is set from: the expression that is the whole of the offsets `start` to `end`."""

    at: int
    """The offset of the declaration: names in the expression are those that are seen there."""
    start: int
    end: int
    take: Literal["whole", "element", "loop", "range", "result", "member"] = "whole"
    """What the name gets of it: all, one of what it holds, the same as Java's `var` in a loop or Go's `range`
    gives it, the result at `number` of a call, the member `member`."""
    number: int = 0
    """The place, from 0, of the name among those that Go sets at once."""
    member: str = ""


@dataclass(frozen=True, slots=True)
class CalledFor:
    """The parameter of a function that what `holder` holds is given to, one by one."""

    holder: Chain | None
    call: Chain | None = None
    """What is called with the function."""
    before: tuple[str, ...] = ()
    """The arguments in front of the function."""
    parameter: int = 0
    """Which of the function's parameters the name is."""
    at: int = 0
    """The offset of the function."""


Declaration = Written | SetFrom | CalledFor
_Reader = Callable[[str, int, re.Match[str]], Declaration | None]
"""Reads a declaration: of the source, the offset that the match counts from, and the match; None where it
turns out to be none."""


def declarations(
    source: str, name: str, start: int, end: int, language: str, *, field: bool = False
) -> Iterator[Declaration]:
    """The declarations of `name` in `source[start:end]`, the last first; of a `field` all, else those whose
    block is still open at `end`. Each is read when it is asked for."""
    text = source[start:end]
    if field and language == "go":
        yield from _go_field(source, text, name, start)
        return
    escaped = re.escape(name)
    found = [
        (each, read)
        for pattern, read in _FORMS.get(language, _SCRIPT)
        for each in re.finditer(pattern.replace("NAME", escaped), text)
    ]
    later: list[Declaration] = []
    for each, read in sorted(found, key=lambda one: -one[0].start()):
        if field or _is_seen(text[each.start() :]):
            declaration = read(source, start, each)
            if declaration is not None:
                yield declaration
        elif read is _script_value and not _DECLARES.search(text, max(0, each.start() - 8), each.start()):
            later.append(_script_value(source, start, each))
    yield from later  # `let x; if (…) { x = … }`


def binds(text: str, name: str, language: str) -> bool:
    """Whether a function's text declares `name` in a way that tells no type."""
    escaped = re.escape(name)
    if language == "go":
        return bool(re.search(rf"\b{escaped}\b(?:\s*,\s*\w+)*\s*:=|\bvar\s+{escaped}\b", text))
    return bool(
        re.search(rf"\b(?:const|let|var)\s+(?:{escaped}\b|[{{\[][^=]*\b{escaped}\b[^=]*=)", text)
        or re.search(rf"(?<![\w.]){escaped}\s*(?:=>|->)|\([^()]*\b{escaped}\b[^()]*\)\s*(?:=>|->)", text)
    )


# --- Go


def _go_type(source: str, start: int, found: re.Match[str]) -> Declaration:
    return _go_written(source, start + found.end())


def _go_value(source: str, start: int, found: re.Match[str]) -> Declaration:
    begun, number = start + found.end(), found[1].count(",")
    end = expression_end(source, begun, (";",) if number else (";", ","))
    if not found[2]:
        asserted = re.search(r"\.\(([^()]+)\)$", source[begun:end].rstrip())
        if asserted:
            return Written(None if number else read_type(asserted[1], "go"))
    return SetFrom(start + found.start(), begun, end, "range" if found[2] else "result", number)


def _go_field(source: str, text: str, name: str, start: int) -> Iterator[Declaration]:
    """The type that stands behind a field, a package's variable, or is embedded; what a variable is made
    of."""
    escaped = re.escape(name)
    if re.fullmatch(rf"\*?(?:\w+\.)?{escaped}", text.strip()):
        yield _go_written(source, start)
    elif found := re.search(rf"\b{escaped}\b(?:\s*,\s*\w+)*[ \t]+(?=[\w*\[<])", text):
        yield _go_written(source, start + found.end())
    elif made := re.search(rf"\b{escaped}\s*=\s*", text):
        begun = start + made.end()
        yield SetFrom(start, begun, expression_end(source, begun))


def _go_written(source: str, at: int) -> Written:
    type_ = read_type(source[at : at + 200], "go")
    return Written(type_ if type_ is None or type_.name != "range" else None)


# --- Java, TypeScript and JavaScript


def _java_type(source: str, start: int, found: re.Match[str]) -> Declaration:
    at, behind = start + found.start(), start + found.end()
    written = type_before(source, at)
    if written == "var":
        end = expression_end(source, behind)
        return SetFrom(at, behind, end, "loop" if found[1] == ":" else "whole")
    return Written(read_type(written, "java") if written else None)


def _script_type(source: str, start: int, found: re.Match[str]) -> Declaration | None:
    if not _is_declared(source, start + found.start(), start):
        return None
    at = start + found.end()
    written = type_text(source, at)
    return Written(read_type(written, "typescript") if written else None, "", at)


def _script_value(source: str, start: int, found: re.Match[str]) -> Declaration:
    begun = start + found.end()
    if source[begun : begun + 1] == "{" and (end := closing(source, begun)) > 0:
        return SetFrom(start + found.start(), begun, end)
    return SetFrom(start + found.start(), begun, expression_end(source, begun))


def _script_loop(source: str, start: int, found: re.Match[str]) -> Declaration:
    begun = start + found.end()
    return SetFrom(start + found.start(), begun, expression_end(source, begun), "element")


def _script_part(source: str, start: int, found: re.Match[str]) -> Declaration:
    begun = start + found.end()
    end = expression_end(source, begun)
    return SetFrom(start + found.start(), begun, end, "member", member=found[1] or found[2])


def _script_taken(source: str, start: int, found: re.Match[str]) -> Declaration | None:
    at = start + found.end()
    written = type_text(source, at)
    return Written(read_type(written, "typescript"), found[1] or found[2], at) if written else None


def _handed(source: str, start: int, found: re.Match[str]) -> Declaration | None:
    call, before, parameter, at = _call_around(source, start, found)
    if call is None:
        return CalledFor(None, None, (), parameter, at) if at else None
    last = call.steps[-1]
    given = (_EACH, _PAIRS)[parameter] if parameter < 2 else frozenset[str]()
    holds = not before and last.kind == "member" and last.text in given
    return CalledFor(Chain(call.start, call.steps[:-1]) if holds else None, call, before, parameter, at)


def _call_around(
    source: str, start: int, found: re.Match[str]
) -> tuple[Chain | None, tuple[str, ...], int, int]:
    """What is called with the function whose head a match ends with, the arguments in front of it, which
    parameter of it the name is, and its offset."""
    head = _FUNCTION_HEAD.search(found[0])
    if head is None:
        return None, (), 0, 0
    parameters = split_top(head[1].strip().removeprefix("(").removesuffix(")"), ",")
    names = [re.split(r"[\s:?=]", each.strip())[0] for each in parameters]
    begun = start + found.start() + head.start()
    if found["name"] not in names:
        return None, (), 0, 0
    opened = opening_around(source, begun)
    if opened is None:
        return None, (), names.index(found["name"]), begun
    before = split_top(source[opened + 1 : begun], ",")[:-1]
    return chain_before(source, opened), tuple(before), names.index(found["name"]), begun


_DECLARES = re.compile(r"\b(?:const|let|var)\s+\Z")
_FUNCTION_HEAD = re.compile(r"(?:async\s+)?(\([^()]*\)|\w+)\s*(?::\s*[^=(){};]+)?(?:=>|->)$")
_EACH = frozenset(
    """sort map forEach filter find findIndex findLast some every flatMap anyMatch allMatch then
    ifPresent""".split()  # noqa: SIM905
)
"""Methods of what holds others that call a function with one of them."""
_PAIRS = frozenset({"sort", "toSorted", "reduce"})
"""Those whose function's second parameter is one of them as well."""
_HANDED: tuple[str, _Reader] = (
    r"(?<![\w$.])(?:async\s+)?(?:\((?:[^()]*,)?\s*)?(?P<name>NAME)\s*(?:(?:,[^()]*)?\)(?:\s*:\s*[^=(){};]+)?)?\s*(?:=>|->)",
    _handed,
)
_SCRIPT: tuple[tuple[str, _Reader], ...] = (
    (r"(?:(?<![\w$.])|(?<=\.\.\.))NAME\s*[?!]?\s*:(?!:)\s*", _script_type),
    (r"(?<![\w$.])NAME\s*=(?![=>])\s*", _script_value),
    (r"\b(?:const|let|var)\s+NAME\s+of\s+", _script_loop),
    (
        r"\b(?:const|let|var)\s*\{[^{}=]*?(?:(\w+)\s*:\s*)?(?<![\w$.])(NAME)\b[^{}]*\}\s*=\s*",
        _script_part,
    ),
    (r"[(,]\s*\{[^{}=()]*?(?:(\w+)\s*:\s*)?(?<![\w$.])(NAME)\b[^{}()]*\}\s*:\s*", _script_taken),
    _HANDED,
)
_FORMS: MappingProxyType[str, tuple[tuple[str, _Reader], ...]] = MappingProxyType(
    {
        "go": (
            (r"(?:[(,]|\bvar)\s*NAME(?:\s*,\s*\w+)*\s+(?=[\w*\[.<])", _go_type),
            (r"((?:\b\w+\s*,\s*)*)\bNAME\b(?:\s*,\s*\w+)*\s*:?=(?!=)\s*(range\s+)?", _go_value),
        ),
        "java": ((r"(?<=[\w>\].])\s+NAME\b\s*(?:\[\s*\]\s*)?([=;,):]|$)", _java_type), _HANDED),
    }
)
"""How a language declares the name NAME, where it does not as scripts do."""


def _is_declared(source: str, at: int, least: int) -> bool:
    """Whether `name: …` at `at` declares a variable, parameter or field, and is no key of an object."""
    before = source[max(0, at - 60) : at]
    if re.search(r"\b(?:const|let|var|private|public|protected|readonly|static|declare)\s+\Z", before):
        return True
    depth = 0
    for place in range(at - 1, max(least - 1, at - 2_000), -1):
        sign = source[place]
        if sign in ")]}":
            depth += 1
        elif sign in "([{":
            if depth == 0:
                return sign == "("
            depth -= 1
    return at <= least or depth == 0


_BLOCKS = re.compile(r"[{}]|^\s*(?:case\b[^\n]*:|default\s*:)$", re.MULTILINE)


def _is_seen(between: str) -> bool:
    """Whether the block of a declaration is still open behind `between`, the text from it on."""
    depth = 0
    for sign in _BLOCKS.finditer(between):
        if sign[0] not in "{}":
            if depth == 0 and sign.start():
                return False
            continue
        depth += 1 if sign[0] == "{" else -1
        if depth < 0:
            return False
    return True
