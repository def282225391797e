"""What a suggestion closes: no bracket twice, and none that the code behind the cursor closes already.

Two of `clean`'s steps, and `covered`, which tells how much of the rest of the line is replaced.
"""

from __future__ import annotations

import re

from devflow.server.assist.inline.brackets import (
    CLOSES,
    OPENS,
    closable,
    closed_in,
    code,
    open_in,
    trailing_comment,
)
from devflow.server.assist.inline.site import Site

_DANGLING = re.compile(
    r"(?:\s*(?:[-+*/%|&^<>=!~.,:?@]+|\b(?:and|or|not|in|is|if|else|lambda|await|new|function)\b"
    r"|(?:(?<=,)|\A)\s*\w+\s*(?:=|:)))+\s*\Z"
)
"""What asks for something behind it: operators, commas, a keyword argument or key without its value."""
_LOOK_AHEAD = 600


def cut_at_suffix(text: str, site: Site) -> str:
    """What the text ends with and the rest of the line begins with is there already."""
    rest = site.line_after.strip()
    if not rest:
        return text
    text = text.split("\n", 1)[0]
    text = text[: trailing_comment(text, site.language, site.line_before)].rstrip()
    if covered(text, site):
        return text
    if rest[0] in ")]" and rest.endswith(";"):
        text = text.rstrip("; \t")
    closed = "".join(char for _, char in _closers(text, site))
    if closed and _fits(closed + "".join(closed_in(rest, site.language)), site):
        return text  # each of them closes a bracket that nothing behind the cursor does
    while size := _written_again(text, rest, site):
        text = text[:-size].rstrip()
    return text


def covered(text: str, site: Site) -> int:
    """How many code points of the rest of the line `text` writes anew and goes on from: they are replaced,
    for `)` behind the cursor and `a) + b` suggested. 0 where nothing is."""
    rest = site.line_after.rstrip()
    bare = rest.strip()
    if not bare or any(char not in ")]}" for char in bare) or "\n" in text:
        return 0
    closed = _closers(text, site)
    if len(closed) < len(bare) or "".join(char for _, char in closed[: len(bare)]) != bare:
        return 0
    last = closed[len(bare) - 1][0]
    behind = text[last + 1 :]
    if (
        not any(char.isalnum() for char in behind)
        or len(closed) > len(bare)
        or not re.match(r"\s*(?:[-+*/%|&<>=!.,:\[]|\w)", behind)
    ):
        return 0
    return len(rest)


def balance(text: str, site: Site) -> str:
    """Cut before a closing bracket that neither the text nor the code before it opened, or whose partner
    is closed by what follows; close what the text has opened and left open."""
    reserved = closed_in(site.line_after, site.language) if not covered(text, site) else []
    if not site.line_after.strip():
        reserved = reserved + _closed_below(site)
    waiting = closable(site.open_brackets, reserved)
    stack: list[tuple[int, str]] = []
    for at, char in code(text, site.language, site.line_before):
        if char in OPENS:
            stack.append((at, char))
        elif char in CLOSES:
            if stack and stack[-1][1] == CLOSES[char]:
                stack.pop()
            elif not stack and waiting and waiting[-1] == CLOSES[char]:
                waiting.pop()
            else:
                return text[:at]
    if not stack:
        return text
    return _closed(text, stack, site)


def _fits(closers: str, site: Site) -> bool:
    """Whether all of `closers`, and those of the lines below, close brackets that are open at the cursor."""
    every = [*closers, *_closed_below(site)]
    inner = site.open_brackets[::-1][: len(every)]
    return len(inner) == len(every) and all(
        CLOSES[closer] == opener for closer, opener in zip(every, inner, strict=True)
    )


def _written_again(text: str, rest: str, site: Site) -> int:
    """How many code points at the end of `text` are those that `rest` begins with. A bracket that closes one
    of the text's own is not."""
    pairs: list[tuple[int, int]] = []
    opened: list[int] = []
    for at, char in code(text, site.language, site.line_before):
        if char in OPENS:
            opened.append(at)
        elif char in CLOSES and opened:
            pairs.append((opened.pop(), at))
    for size in range(min(len(rest), len(text)), 0, -1):
        begin = len(text) - size
        if text.endswith(rest[:size]) and not any(opener < begin <= closer for opener, closer in pairs):
            return size
    return 0


def _closers(text: str, site: Site) -> list[tuple[int, str]]:
    """The closing brackets of `text` that it has not opened, with their places."""
    depth = 0
    found: list[tuple[int, str]] = []
    for at, char in code(text, site.language, site.line_before):
        if char in OPENS:
            depth += 1
        elif char in CLOSES:
            if depth:
                depth -= 1
            else:
                found.append((at, char))
    return found


def _closed_below(site: Site) -> list[str]:
    """The closing brackets of the next lines that close what is open at the cursor: those of lines that
    hold, or begin with, nothing but them."""
    below = site.after[len(site.line_after) : len(site.line_after) + _LOOK_AHEAD]
    found: list[str] = []
    depth = 0
    for line in below.splitlines():
        bare = line.strip()
        if not bare:
            continue
        if bare[0] not in CLOSES and not depth and not found and not bare.endswith((",", "(", "[", "{")):
            break
        for _, char in code(line, site.language):
            if char in OPENS:
                depth += 1
            elif char in CLOSES:
                if depth:
                    depth -= 1
                else:
                    found.append(char)
        if found and not depth and bare[0] not in CLOSES:
            break
    return found


def _closed(text: str, stack: list[tuple[int, str]], site: Site) -> str:
    """`text`, which leaves the brackets of `stack` open, made whole where that is not the code's own way of
    going on in the next line: there is none where something stands behind the cursor."""
    bare = text.rstrip()
    behind = site.line_after.strip()
    if behind.strip(")]}") and not covered(text, site):
        return balance(_DANGLING.sub("", text[: stack[0][0]]), site)
    if bare[-1:] in ("(", "[", "{", ",") or bare.endswith(("=>", "->")):
        if behind:
            return balance(_DANGLING.sub("", text[: stack[0][0]]), site)
        if "\n" not in text.strip("\n"):
            return text
        return _whole_lines(text, site)
    if "\n" in text.strip("\n"):
        return _whole_lines(text, site)
    return bare + "".join(OPENS[opener] for _, opener in reversed(stack))


def _whole_lines(text: str, site: Site) -> str:
    """The first lines of `text` that leave no bracket open; all of it where a brace block goes on."""
    lines = text.split("\n")
    for count in range(len(lines), 0, -1):
        piece = "\n".join(lines[:count])
        if piece.strip() and not open_in(piece, site.language, site.line_before):
            return piece
    return text.split("\n", 1)[0] if text.split("\n", 1)[0].rstrip().endswith("{") else ""
