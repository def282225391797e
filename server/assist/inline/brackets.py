"""Brackets, strings and comments in pieces of code that may be broken, told without a grammar."""

from __future__ import annotations

import re

from devflow.analysis.tokens import Token, comments, knows_strings, lex

CLOSES = {")": "(", "]": "[", "}": "{"}
OPENS = {opener: closer for closer, opener in CLOSES.items()}


_COMMENT = re.compile(r"(?:(?<=\s)|\A)#(?=[ \t\n!:]|\Z)[^\n]*|(?<=\n)[ \t]*//[^\n]*|\A//[ \t][^\n]*")
"""As far as it can be told without the language: in Python `//` divides, elsewhere `#` begins a name."""
_PREFIXED = re.compile(r"(?<!\w)(?:[rbuf]|[rf][bf]|[bf]r)\Z", re.IGNORECASE)
"""What may stand before a string's quote; behind another letter it is an apostrophe."""


_STRING = re.compile(r"(?i:[rbuft$@]{0,2})(\"\"\"|\'\'\'|[\"\'`])")


def code(text: str, language: str = "", before: str = "") -> list[tuple[int, str]]:
    """The brackets and other signs of `text` outside quoted strings and comments: `(index, sign)`. A
    `language` whose strings are known tells them for certain, with what stands `before` on the line."""
    if knows_strings(language):
        head = _head(before)
        start = len(head)
        return [
            (token.start - start, token.text)
            for token in lex(head + text, language)
            if len(token.text) == 1 and token.start >= start
        ]
    found: list[tuple[int, str]] = []
    quote = ""
    at = 0
    while at < len(text):
        char = text[at]
        if quote:
            if char == "\\" and len(quote) == 1:
                at += 1
            elif text.startswith(quote, at):
                at += len(quote) - 1
                quote = ""
            elif char == "\n" and quote in ("'", '"'):
                quote = ""
        elif char in "#/ \t" and (comment := _COMMENT.match(text, at)):
            at = comment.end() - 1
        elif text.startswith(('"""', "'''"), at):
            quote = text[at : at + 3]
            at += 2
        elif char in '"`' or (
            char == "'"
            and (not (at and text[at - 1].isalnum()) or _PREFIXED.search(text[max(0, at - 3) : at]))
        ):
            quote = char
        else:
            found.append((at, char))
        at += 1
    return found


def trailing_comment(text: str, language: str, before: str = "") -> int:
    """Where the comment begins that `text` ends with; its end where it ends with none."""
    if knows_strings(language):
        head = _head(before)
        for start, end in comments(head + text, language):
            if end == len(head + text) and start >= len(head):
                return start - len(head)
    return len(text)


def unclosed(text: str, language: str, before: str = "") -> int | None:
    """Where in `text` a string or comment begins that has no end, and so takes in what follows; None where
    there is none, or nobody can say."""
    if not knows_strings(language):
        return None
    head = _head(before)
    source = head + text
    found = [token.start for token in lex(source, language) if not _is_closed(token, source, language)]
    for start, end in comments(source, language):
        if source.startswith("/*", start) and not (end - start > 3 and source.endswith("*/", start, end)):
            found.append(start)
    return min((start - len(head) for start in found if start >= len(head)), default=None)


def _is_closed(token: Token, source: str, language: str) -> bool:
    opened = _STRING.match(token.text)
    if opened is None:
        return True
    quote = opened[1]
    if quote == "'" and language != "python" and source[: token.start][-1:].isalnum():
        return True  # `1'000` in C++, `don't` in JSX
    if language == "rust" and len(token.text) > 1 and quote == "'":
        return True  # also a lifetime
    inside = token.text[opened.end() :]
    if not (quote == "`" and language == "go"):
        inside = re.sub(r"\\.", "", inside, flags=re.DOTALL)
    return inside.endswith(quote)


def _head(before: str) -> str:
    """As much of what stands before a piece as tells a regular expression from a division."""
    found = re.search(r"[^\"'`\r\n]{0,12}\Z", before)
    return found[0] if found else ""


def open_in(text: str, language: str = "", before: str = "") -> list[str]:
    """The brackets that `text` opens and leaves open, outermost first."""
    stack: list[str] = []
    for _, char in code(text, language, before):
        if char in OPENS:
            stack.append(char)
        elif char in CLOSES and stack and stack[-1] == CLOSES[char]:
            stack.pop()
    return stack


def closable(opened: list[str], closers: list[str]) -> list[str]:
    """Those of the brackets `opened` (outermost first) that are not closed by `closers`, which follow: the
    innermost ones down to where the closers fit, those that leave nothing open before others. All where
    nothing fits, or nothing follows."""
    if not closers:
        return list(opened)
    spare = len(opened) - len(closers)
    for inner in (spare, *range(spare)) if spare >= 0 else ():
        outer = opened[: len(opened) - inner]
        if all(CLOSES[char] == outer[-1 - n] for n, char in enumerate(closers)):
            return opened[len(opened) - inner :]
    return closable(opened, closers[:-1])


def closed_in(text: str, language: str = "", before: str = "") -> list[str]:
    """The closing brackets of `text` that it has not opened, in their order."""
    stack: list[str] = []
    found: list[str] = []
    for _, char in code(text, language, before):
        if char in OPENS:
            stack.append(char)
        elif char in CLOSES:
            if stack and stack[-1] == CLOSES[char]:
                stack.pop()
            elif not stack:
                found.append(char)
    return found
