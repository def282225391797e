"""The names that a suggestion uses, as its text says it: read from tokens, so that broken code and every
language can be read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from devflow.analysis.tokens import NEWLINE, Token, lex
from devflow.server.assist.keywords import builtin_names, keywords

_ACCESS = frozenset({".", "->", "::", "?."})
_BINDERS = frozenset(
    {"for", "as", "lambda", "def", "class", "let", "const", "var", "function", "fn", "func", "import"}
)
_ENDS = {
    "for": ("in", "of", ";"),
    "lambda": (":",),
    "def": (":", "->"),
    "function": ("{",),
    "fn": ("{", "->"),
    "func": ("{",),
    "let": ("=",),
    "const": ("=",),
    "var": ("=",),
}
"""What ends the names that such a word binds."""
_TYPES_FIRST = frozenset({"c", "cpp", "csharp", "java"})


class Role(StrEnum):
    """How a name is used."""

    PLAIN = "name"
    ATTRIBUTE = "attribute"
    KEYWORD = "keyword argument"
    IMPORT = "import"


@dataclass(frozen=True, slots=True)
class Name:
    """A name used at `start:end` of the document with the suggestion in it."""

    text: str
    role: Role
    start: int
    end: int
    receiver: str = ""
    """Of an attribute: the plain dotted text before the dot; "" where it is something else."""
    called: bool = False
    callee: int = -1
    """Of a keyword argument: where the name of the called function begins."""


def used_names(source: str, start: int, end: int, language: str, begin: int = 0) -> list[Name]:
    """The names that `start:end` of `source`, a suggestion, uses without binding them: whole words, also
    those it ends. Names that it binds itself are known. `begin`: a place before it that is in no string."""
    tokens = lex(source[begin:end] + _rest_of_word(source, end), language)
    tokens = [Token(t.text, t.space, t.start + begin, t.end + begin) for t in tokens]
    opened: list[int] = []
    found: list[Name] = []
    bound = _bound(tokens, start, language) | set(builtin_names(language))
    skipped = set(keywords(language))
    in_import = False
    for number, token in enumerate(tokens):
        text = token.text
        if text == NEWLINE:
            in_import = False
            continue
        if text in ("(", "[", "{"):
            opened.append(number)
        elif text in (")", "]", "}") and opened:
            opened.pop()
        before = tokens[number - 1].text if number else NEWLINE
        if language == "python" and text in ("import", "from") and before == NEWLINE:
            in_import = True
        if token.end <= start or not text.isidentifier() or (text in skipped and before not in _ACCESS):
            continue
        behind = tokens[number + 1].text if number + 1 < len(tokens) else ""
        name = Name(text, Role.PLAIN, token.start, token.end, called=behind == "(")
        if in_import:
            if before == "as":
                continue
            name = Name(text, Role.IMPORT, token.start, token.end)
        elif before in _ACCESS:
            receiver = _receiver(tokens, number - 1)
            name = Name(text, Role.ATTRIBUTE, token.start, token.end, receiver, behind == "(")
        elif behind == "=" and opened and tokens[opened[-1]].text == "(" and before in ("(", ","):
            callee = opened[-1] - 1
            called = tokens[callee] if callee >= 0 and tokens[callee].text.isidentifier() else None
            if language != "python" or (callee > 0 and tokens[callee - 1].text in ("def", "class", "lambda")):
                continue
            name = Name(
                text, Role.KEYWORD, token.start, token.end, callee=called.start if called is not None else -1
            )
        elif (text in bound and not _is_own_value(tokens, number)) or _is_new(
            tokens, number, language, bool(opened)
        ):
            continue
        found.append(name)
    return found


def _rest_of_word(source: str, end: int) -> str:
    found = re.match(r"\w*", source[end : end + 100])
    return found[0] if found and re.search(r"\w\Z", source[:end][-1:]) else ""


def _bound(tokens: list[Token], start: int, language: str) -> set[str]:
    """What the suggestion, or the line it ends, binds: loop variables, names after `as`, parameters,
    assignments."""
    names: set[str] = set()
    line = max((n + 1 for n, t in enumerate(tokens) if t.text == NEWLINE and t.end <= start), default=0)
    binding = ""
    depth = 0
    for number in range(line, len(tokens)):
        text = tokens[number].text
        behind = tokens[number + 1].text if number + 1 < len(tokens) else ""
        before = tokens[number - 1].text if number else ""
        if text == NEWLINE:
            binding, depth = "", 0
        elif text in _BINDERS:
            binding = text
        elif text in _ENDS.get(binding, ()) and not (depth and binding in ("def", "fn", "func", "function")):
            binding = ""
        elif binding in ("def", "fn", "func", "function") and depth:
            if before in ("(", ",", "*", "**") and depth == 1:
                names.add(text)
        elif binding and text.isidentifier() and before not in _ACCESS and before not in (":", "="):
            names.add(text)
            if binding in ("as", "class"):
                binding = ""
        elif text.isidentifier() and before not in _ACCESS:
            first = behind in ("=", ":") and before == NEWLINE
            assigned = language == "python" and not depth and (first or _is_target(tokens, number))
            if behind == ":=" or assigned:
                names.add(text)
        if text in ("(", "[", "{"):
            depth += 1
        elif text in (")", "]", "}"):
            depth = max(0, depth - 1)
    return names


def _is_own_value(tokens: list[Token], number: int) -> bool:
    """Whether a name is read on the line that assigns it: whether it is there already has to be seen."""
    first = number
    while first and tokens[first - 1].text != NEWLINE:
        first -= 1
    return number > first + 1 and [each.text for each in tokens[first : first + 2]] == [
        tokens[number].text,
        "=",
    ]


def _is_target(tokens: list[Token], number: int) -> bool:
    """Whether a name is one of several that a statement assigns to: `a, b = …`."""
    for token in tokens[number + 1 : number + 16]:
        if token.text == "=":
            return True
        if token.text != "," and not token.text.isidentifier():
            return False
    return False


def _is_new(tokens: list[Token], number: int, language: str, inside: bool) -> bool:
    """Whether the name is one that is made here: a declared variable, a key of an object."""
    before = tokens[number - 1].text if number else NEWLINE
    behind = tokens[number + 1].text if number + 1 < len(tokens) else ""
    if language == "python":
        return before in ("def", "class", "global", "nonlocal")
    if before in _BINDERS or behind == ":" or (inside and before in (",", "(") and behind in (":", "?")):
        return True
    return language in _TYPES_FIRST and before.isidentifier() and behind in ("=", ";", ",", ")", "(")


def _receiver(tokens: list[Token], dot: int) -> str:
    """The plain dotted name that ends before the token `dot`."""
    parts: list[str] = []
    at = dot - 1
    while at >= 0 and tokens[at].text.isidentifier():
        parts.append(tokens[at].text)
        if at == 0 or tokens[at - 1].text not in _ACCESS:
            return "".join(reversed(parts))
        parts.append(tokens[at - 1].text)
        at -= 2
    return ""
