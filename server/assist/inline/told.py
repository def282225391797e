"""Rests of lines of Python that what stands around them tells: a method hands its parameters on to the one
it overrides, a call passes what its function asks for by name, a loop with two names goes over pairs.

Told from tokens, and from the definition that a call certainly runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from devflow.analysis.document import Document
from devflow.analysis.types.base import Parameter
from devflow.analysis.usage.around import Around
from devflow.server.assist.base import Codebase
from devflow.server.assist.inline.known import with_suggestion
from devflow.server.assist.signature_help import parameters_of
from devflow.server.assist.static_names import names_of, symbol_of

Way = Literal["super", "call", "items"]
_REACH = 900
"""Tokens before the place that are looked at for the head of its function."""
_MOST = 6
"""Arguments."""


@dataclass(frozen=True, slots=True)
class Told:
    """A rest of a line: `tokens` and `text` as in `lines.Rest`."""

    tokens: tuple[str, ...]
    text: str
    way: Way


@dataclass(frozen=True, slots=True)
class _Function:
    """The function around the place."""

    name: str
    parameters: tuple[Parameter, ...]
    body: frozenset[str]
    """The plain names that stand in it before the place."""


def told(
    doc: Document, start: int, half: str, around: Around, end: tuple[str, ...], code: Codebase
) -> Told | None:
    """What the place at `start`, behind whose `half` typed word the line ends with `end`, is told by what
    stands around it; None for most places. For a thread."""
    line = around.line
    if len(line) < 2 or line[-1] not in (".", "("):
        return None
    found: tuple[list[str], Way] | None = None
    if line[-1] == "(":
        found = _arguments(doc, start, around, code)
    elif line[-4:] == ("super", "(", ")", "."):
        found = _overridden(doc, start, around, code)
    elif "for" in line and _is_of_pairs(line):
        found = ["items", "(", ")"], "items"
    if found is None:
        return None
    tokens, way = found
    if line[-1] == "(" and (not tokens or end[:1] != (")",)):
        return None
    if half and (not tokens[0].startswith(half) or tokens[0] == half):
        return None
    every = (*tokens, *end)
    text = "".join(token + (" " if token == "," else "") for token in tokens)
    return Told(every, text[len(half) :] + "".join(end), way)


def _is_of_pairs(line: tuple[str, ...]) -> bool:
    """Whether the loop that ends the line takes two names a turn."""
    at = len(line) - 1 - line[::-1].index("for")
    names = [token for token in line[at + 1 :] if token not in ("(", ")")]
    if len(names) < 6 or names[1] != "," or names[3] != "in":
        return False
    over = line[-len(names[4:]) :]  # a bracket among them is an argument's
    return over == tuple(names[4:]) and all(token.isidentifier() or token == "." for token in over)


def _overridden(doc: Document, start: int, around: Around, code: Codebase) -> tuple[list[str], Way] | None:
    """Behind `super().`: the method itself, called with what it was given."""
    function = _function(around)
    if function is None:
        return None
    made = with_suggestion(doc, start, f"{function.name}()")
    wanted = _wanted(made, start, code)
    passed = _passed_on(function, wanted)
    if passed is None:
        return None
    return [function.name, "(", *passed, ")"], "super"


def _arguments(doc: Document, start: int, around: Around, code: Codebase) -> tuple[list[str], Way] | None:
    """What a call passes whose bracket was just opened."""
    line = around.line
    by_super = line[-6:-2] == ("super", "(", ")", ".")
    on_self = by_super or line[-4:-2] in (("self", "."), ("cls", "."))
    if not line[-2].isidentifier() or (line[-3:-2] == (".",) and not on_self):
        return None  # what other receivers are takes longer to find out than a key may last
    function = _function(around) if "def" not in line and line[0] != "class" else None
    if function is None:
        return None
    before = doc.text.source[:start].rstrip("( \t")
    name = len(before) - len(line[-2])
    wanted = _wanted(doc, name, code) if before.endswith(line[-2]) else None
    if by_super and line[-2] == function.name:
        passed = _passed_on(function, wanted)
        return (passed, "super") if passed else None
    if wanted is None:
        return None
    asked = [each.name for each in wanted if not each.has_default and each.kind in _BY_PLACE]
    named = [each.name for each in wanted if not each.has_default and each.kind == "keyword-only"]
    if not 0 < len(asked) + len(named) <= _MOST:
        return None
    if not all(each in function.body for each in (*asked, *named)):
        return None
    return _joined([[each] for each in asked] + [[each, "=", each] for each in named]), "call"


_BY_PLACE = ("positional-only", "positional-or-keyword")


def _wanted(doc: Document, name: int, code: Codebase) -> Sequence[Parameter] | None:
    """The parameters of what a call of the name at `name` runs, None where that is not certain."""
    if doc.tree is None or doc.path is None:
        return None
    resolver = names_of(code)
    targets = resolver.callables_at(doc.path, doc.tree, name)
    if len(targets) != 1:
        return None
    symbol = symbol_of(resolver, targets[0])
    return parameters_of(symbol.signature, symbol.name)


def _passed_on(function: _Function, wanted: Sequence[Parameter] | None) -> list[str] | None:
    """The function's own parameters as arguments for one that has those `wanted`, as far as it has them."""
    names = {each.name for each in wanted} if wanted is not None else None
    every = wanted is None or any(each.kind == "var-keyword" for each in wanted)
    more = wanted is None or any(each.kind == "var-positional" for each in wanted)
    given: list[list[str]] = []
    for each in function.parameters:
        if each.kind == "var-positional":
            given.append(["*", each.name])
        elif each.kind == "var-keyword":
            given.append(["**", each.name])
        elif names is not None and each.name not in names and not (more if each.kind in _BY_PLACE else every):
            continue
        elif each.kind == "keyword-only":
            given.append([each.name, "=", each.name])
        else:
            given.append([each.name])
    return _joined(given) if len(given) <= _MOST else None


def _joined(arguments: Sequence[Sequence[str]]) -> list[str]:
    return [token for n, each in enumerate(arguments) for token in ((",", *each) if n else each)]


def _function(around: Around) -> _Function | None:
    """The function around the place, told from the last `def` before it."""
    begin = int(around.newlines[around.at_line - 1]) + 1 if around.at_line else 0
    low = max(0, begin - _REACH)
    vocabulary = around.model.vocabulary
    import numpy as np

    number = vocabulary.number("def")
    found = np.flatnonzero(around.numbers[low:begin] == (-1 if number is None else number))
    if not len(found):
        return None
    at = low + int(found[-1])
    tokens = [vocabulary.text(each) for each in around.numbers[at:begin].tolist()]
    size = _head_size(tokens)
    spaces = around.spaces[at : at + size].tolist()
    head = "".join((" " if space else "") + token for space, token in zip(spaces, tokens, strict=False))
    parameters = parameters_of(head, tokens[1]) if size else None
    if parameters is None:
        return None
    names = frozenset(name for before, name in pairwise(tokens) if before != ".")
    return _Function(tokens[1], tuple(parameters), names)


def _head_size(tokens: Sequence[str]) -> int:
    """How many of `tokens` stand before the colon that ends the head they begin with, 0 without one."""
    depth = 0
    for size, token in enumerate(tokens):
        depth += (token in ("(", "[", "{")) - (token in (")", "]", "}"))
        if token == ":" and not depth:
            return size
    return 0
