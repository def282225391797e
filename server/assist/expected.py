"""What the syntax before a word of Python asks for: a new name, a certain keyword, an exception."""

from __future__ import annotations

import builtins
import re
from dataclasses import dataclass
from functools import cache

_WINDOW = 800
_BOUND = re.compile(
    r"\bas\s+\Z"
    r"|\bfor\s+\(?(?:\*?\w+\s*,\s*)*\*?\Z"
    r"|\blambda\s*(?:\s\*{0,2}\w+(?:\s*=\s*[^,:]+)?\s*,|\s\*\s*,)*\s*\*{0,2}\Z"
)
_FUNCTION = re.compile(r"\bdef\s+\w+\s*(?:\[[^\]]*\])?\(")
_STARS = re.compile(r"\s*\*{0,2}\s*\Z")
_NOT_IN = re.compile(
    r"(?<!\w)(?!(?:if|elif|and|or|return|while|is|in|not|assert|else|yield|await|print)\b)[\w)\]]+\s+not\s+\Z"
)
_RAISED = re.compile(r"\b(?:raise|except\*?)\s+\(?(?:[\w.]+\s*,\s*)*\Z")
_LAST_WORD = re.compile(r"(?<![\w.])(is|async|is\s+not)\s+\Z")
_ENDINGS = ("Error", "Exception", "Warning", "Interrupt", "Exit", "Iteration")
_BASES = re.compile(r"\bclass\s+\w+[^(]*\((.*)\)")


@dataclass(frozen=True, slots=True)
class Expected:
    """What should come: some words, perhaps nothing else, or the name of an exception."""

    words: frozenset[str] = frozenset()
    only: bool = False
    exception: bool = False


def binds(source: str, at: int) -> bool:
    """Whether the word that begins at `at` is a name that does not exist yet: behind `as`, `for` and
    `lambda`, or a parameter."""
    before = source[max(0, at - _WINDOW) : at]
    if _BOUND.search(before):
        return True
    functions = list(_FUNCTION.finditer(before))
    if not functions:
        return False
    last = functions[-1]
    depth, begin = 0, last.end()
    for place in range(last.end(), len(before)):
        sign = before[place]
        depth += (sign in "([{") - (sign in ")]}")
        if depth < 0:
            return False
        if sign == "," and depth == 0:
            begin = place + 1
    return _STARS.match(before, begin) is not None


def expected(source: str, at: int) -> Expected:
    """What the word that begins at `at` should be."""
    before = source[max(0, at - 200) : at]
    if found := _LAST_WORD.search(before):
        if found[1] == "async":
            return Expected(frozenset({"def", "for", "with"}), only=True)
        return Expected(frozenset({"None", "not"} if found[1] == "is" else {"None"}))
    if _NOT_IN.search(before):
        return Expected(frozenset({"in"}))
    return Expected(exception=_RAISED.search(before) is not None)


def is_exception(name: str, head: str) -> bool:
    """Whether `name`, defined by `head` ("" when that is not known), looks like an exception."""
    bases = _BASES.search(head)
    of = bases[1].replace(",", " ").split() if bases else []
    return name in _built_in() or name.endswith(_ENDINGS) or any(each.endswith(_ENDINGS) for each in of)


@cache
def _built_in() -> frozenset[str]:
    known = vars(builtins).items()
    return frozenset(n for n, value in known if isinstance(value, type) and issubclass(value, BaseException))
