"""Brackets in pieces of code that may be broken, told without a grammar."""

from __future__ import annotations

import re

CLOSES = {")": "(", "]": "[", "}": "{"}
OPENS = {opener: closer for closer, opener in CLOSES.items()}


_COMMENT = re.compile(r"(?:(?<=\s)|\A)#(?=[ \t\n!:]|\Z)[^\n]*|(?<=\n)[ \t]*//[^\n]*|\A//[ \t][^\n]*")
"""As far as it can be told without the language: in Python `//` divides, elsewhere `#` begins a name."""
_PREFIXED = re.compile(r"(?<!\w)(?:[rbuf]|[rf][bf]|[bf]r)\Z", re.IGNORECASE)
"""What may stand before a string's quote; behind another letter it is an apostrophe."""


def code(text: str) -> list[tuple[int, str]]:
    """The code points outside quoted strings and comments: `(index, sign)`."""
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


def open_in(text: str) -> list[str]:
    """The brackets that `text` opens and leaves open, outermost first."""
    stack: list[str] = []
    for _, char in code(text):
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


def closed_in(text: str) -> list[str]:
    """The closing brackets of `text` that it has not opened, in their order."""
    stack: list[str] = []
    found: list[str] = []
    for _, char in code(text):
        if char in OPENS:
            stack.append(char)
        elif char in CLOSES:
            if stack and stack[-1] == CLOSES[char]:
                stack.pop()
            elif not stack:
                found.append(char)
    return found
