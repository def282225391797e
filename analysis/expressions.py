"""The expression that ends somewhere in a text, as steps from its first name on: `this.items[0].find(x)`.

Read backwards from its end, in languages with brackets: so it needs no tree, and the text behind may be
anything. Strings in it are skipped as far as their signs tell.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from devflow.analysis.references import operator_before

_FARTHEST = 3_000
_LONGEST_TEXT = 400
_OPENERS = {")": "(", "]": "[", "}": "{", ">": "<"}
_QUOTES = "\"'`"
_SIGNS = "_$#"
_ARGUMENTS = re.compile(r"<(?:[^<>()=;]|<(?:[^<>()=;]|<[^<>()=;]*>)*>)*>(?=\()")
"""Type arguments of what is called."""
_BEFORE_BRACKETS = frozenset(
    """if while for switch return await in of case typeof throw catch and or not else yield delete void
    instanceof do range go defer select""".split()  # noqa: SIM905
)
"""Words in front of brackets that are no call."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a chain."""

    kind: Literal["name", "new", "inner", "list", "string", "member", "call", "index"]
    """How a chain begins: a name, a type that is made, an expression in brackets, a list, a string; how it
    goes on: a member's name, a call, an index."""
    text: str
    """The name, of a type that is made with its arguments; what stands in the brackets."""
    given: str = field(default="", compare=False)
    """The type arguments of a call, in their brackets."""
    end: int = field(default=-1, compare=False)
    """The offset of the bracket that closes a call: names of functions among its arguments are seen there."""


@dataclass(frozen=True, slots=True)
class Chain:
    """An expression that begins at the offset `start`."""

    start: int
    steps: tuple[Step, ...]


def chain_before(source: str, end: int) -> Chain | None:
    """The chain that ends at `end`, spaces aside; None where something else ends there."""
    steps: list[Step] = []
    at = before_space(source, end)
    least = max(0, end - _FARTHEST)
    while at > least:
        if source[at - 1] in "!?":
            at -= 1
            continue
        last = source[at - 1]
        if last in ")]}":
            opened = opening(source, at - 1, least)
            if opened is None:
                return None
            inside, given = source[opened + 1 : at - 1], ""
            before = before_space(source, opened)
            if last == ")" and source[before - 1 : before] == ">" and source[before - 2 : before] != "=>":
                made = opening(source, before - 1, least)  # f<T>(…)
                if made is not None:
                    given, before = source[made:before], before_space(source, made)
            word = source[_word_start(source, before) : before]
            named = word not in _BEFORE_BRACKETS or source[before - len(word) - 1 : before - len(word)] == "."
            follows = bool(word and named) or source[before - 1 : before] in (")", "]")
            if last == "}":
                dotted = _dotted_before(source, before)
                return (
                    Chain(before - len(dotted), (Step("new", dotted), *reversed(steps))) if dotted else None
                )
            if not follows:
                return Chain(opened, (Step("inner" if last == ")" else "list", inside), *reversed(steps)))
            steps.append(Step("call" if last == ")" else "index", inside, given, at - 1))
            at = before
            continue
        if last in _QUOTES:
            return Chain(at - 1, (Step("string", ""), *reversed(steps)))
        start = _word_start(source, at)
        if start == at or source[start].isdigit():
            return None
        name = source[start:at]
        before = before_space(source, start)
        operator = operator_before(source, before)
        if operator in (".", "?.") and source[before - 3 : before] != "...":
            steps.append(Step("member", name))
            at = before_space(source, before - len(operator))
            continue
        if source[:before].endswith("new") and source[before - 4 : before - 3] not in (".", "_"):
            while steps and steps[-1].kind == "member":  # new a.B(…)
                name += f".{steps.pop().text}"
            if steps and steps[-1].kind == "call":
                name += steps.pop().given
            return Chain(before - 3, (Step("new", name), *reversed(steps)))
        return Chain(start, (Step("name", name), *reversed(steps)))
    return None


def python_before(source: str, end: int) -> str:
    """The text of Python's expression that ends at `end`, "" where it cannot be told or is long. A string at
    its beginning is empty: where that begins is not known."""
    chain = chain_before(source, end)
    if chain is None or end - chain.start > _LONGEST_TEXT:
        return ""
    if chain.steps[0].kind == "string":
        return "''" + source[chain.start + 1 : end]
    if chain.steps[0].kind == "list" and source[: chain.start].rstrip()[-1:] in tuple("}])\"'"):
        return ""  # an index of what was not read
    return source[chain.start : end]


def before_operator(source: str, at: int) -> int:
    """The end of what the member operator in front of `at` is written behind."""
    while at > 0 and source[at - 1] in " \t\r\n.?:":
        at -= 1
    return at


def opening(source: str, closed: int, least: int = 0) -> int | None:
    """The offset of the bracket that the one at `closed` closes; None before `least`."""
    close = source[closed]
    depth, at = 0, closed
    while at >= least:
        sign = source[at]
        if sign in ")]}" or sign == close:
            depth += source[at - 1 : at + 1] not in ("=>", "->")
        elif sign in "([{" or sign == _OPENERS[close]:
            depth -= 1
            if depth == 0:
                return at if sign == _OPENERS[close] else None
        elif sign in _QUOTES and at != closed:
            line = source.rfind("\n", 0, at)
            at = source.rfind(sign, line + 1, at) if sign != "`" else source.rfind(sign, 0, at)
            if at < 0:
                return None
        at -= 1
    return None


def opening_around(source: str, at: int, wanted: Literal["(", "{"] = "(") -> int | None:
    """The offset of the bracket that `at` stands in; None where one of another form is nearer."""
    least = max(0, at - _FARTHEST)
    place = at - 1
    while place >= least:
        sign = source[place]
        if sign in ")]}":
            opened = opening(source, place, least)
            if opened is None:
                return None
            place = opened
        elif sign in "([{" or (sign == ";" and wanted == "("):
            return place if sign == wanted else None
        elif sign in _QUOTES:
            place = source.rfind(sign, max(least, source.rfind("\n", 0, place)), place)
            if place < 0:
                return None
        place -= 1
    return None


def split_top(text: str, signs: str) -> list[str]:
    """`text` between those of `signs` that stand in no brackets."""
    pieces: list[str] = []
    depth = begun = 0
    quote = ""
    for at, sign in enumerate(text):
        if quote or sign in _QUOTES:
            quote = sign if not quote else "" if sign == quote and text[at - 1] != "\\" else quote
        elif sign in "([{<":
            depth += 1
        elif sign in ")]}" or (sign == ">" and text[at - 1 : at] not in ("=", "-")):
            depth -= 1
        elif sign in signs and depth == 0:
            pieces.append(text[begun:at].strip())
            begun = at + 1
    return [*pieces, text[begun:].strip()]


def expression_end(source: str, start: int, stops: Sequence[str] = (";", ",")) -> int:
    """Where the expression that begins at `start` ends: at a sign of `stops`, at a bracket that closes what
    stands around, or at the end of a line that it does not go on from."""
    depth, at = 0, start
    stop = min(len(source), start + _FARTHEST)
    while at < stop:
        sign = source[at]
        if sign in _QUOTES:
            closed = source.find(sign, at + 1, stop)
            at = closed if closed > 0 else at
        elif sign == "<" and (arguments := _ARGUMENTS.match(source, at, stop)):
            at = arguments.end() - 1
        elif sign in "([{":
            if depth == 0 and sign == "{" and source[at - 1 : at] == " ":
                return at
            depth += 1
        elif sign in ")]}":
            if depth == 0:
                return at
            depth -= 1
        elif depth == 0:
            ends = source.startswith(("//", "/*"), at) or (
                sign == "\n" and not _goes_on(source[start:at], source[at:stop])
            )
            if ends or sign in stops:
                return at
        at += 1
    return at


def _goes_on(before: str, behind: str) -> bool:
    """Whether an expression goes on behind the end of a line."""
    return before.rstrip().endswith((".", "=")) or behind.lstrip().startswith((".", "?."))


def before_space(source: str, at: int) -> int:
    """`at`, or where the white space in front of it begins."""
    while at > 0 and source[at - 1] in " \t\r\n":
        at -= 1
    return at


def _word_start(source: str, at: int) -> int:
    while at > 0 and (source[at - 1].isalnum() or source[at - 1] in _SIGNS):
        at -= 1
    return at


def _dotted_before(source: str, at: int) -> str:
    start = at
    while start > 0 and (source[start - 1].isalnum() or source[start - 1] in "_."):
        start -= 1
    return source[start:at].strip(".")
