"""When a stream has written all that will be shown: it is stopped there, not read to its end and cut."""

from __future__ import annotations

import re

from devflow.analysis.tokens import knows_strings
from devflow.server.assist.inline.brackets import CLOSES, closed_in, code, open_in
from devflow.server.assist.inline.likeness import alike, over_and_over, repeats
from devflow.server.assist.inline.site import Site, indent_of, width

LONGEST = 4_000
"""Characters of an answer that are looked at; a broken server may send millions in one piece."""
_CHARACTERS, _LINES = 6, 0.5
"""That a token of code has at most, over a whole answer: what is longer is more than was asked for."""
_LEAST_ALIKE = 8
_LONGEST_FENCE = 40
_OPERATOR = re.compile(r"(?:(?<!\+)\+|(?<!-)-|(?<!import )(?<!import)\*|[/%|&^<=]|(?<=\s)>|(?<![.\d])\.)\Z")
_WORD = re.compile(r"(?<![\w.])(?:and|or|not|in|is|lambda|await)\Z")
"""What asks for a right side, in every language and in Python."""


def is_done(text: str, site: Site) -> bool:
    """Whether what comes after `text` would be cut anyway."""
    if text.lstrip().startswith("```"):
        fence, _, text = text.lstrip().partition("\n")
        if "```" in text or len(fence) > _LONGEST_FENCE:
            return True
    body = text.lstrip("\n")
    if len(text) >= LONGEST or "```\n" in body[3:]:
        return True
    if not site.multiline:
        return _is_line_done(body, text, site)
    if "\n\n\n" in body:
        return True
    lines = body.split("\n")
    whole = lines[:-1]
    return (
        _leaves_scope(whole, site)
        or over_and_over(whole) < len(whole)
        or repeats(lines[-1])
        or _reaches_suffix(whole, site)
        or _closes_too_much(body, site)
    )


def within(text: str, max_tokens: int) -> str:
    """`text`, or as many of its first lines as `max_tokens` tokens can have: not every server minds the
    limit."""
    longest, most = max_tokens * _CHARACTERS, max(2, round(max_tokens * _LINES))
    if len(text) <= longest and text.count("\n") < most:
        return text
    head = "\n".join(text[: longest + 1].split("\n")[:most])
    return head if len(head) <= longest else head.rpartition("\n")[0]


def without_cut_end(text: str, site: Site) -> str:
    """`text`, all that a model wrote, without a last line that ends with an operator: the answer was cut off
    there. Within brackets the lines below the cursor may go on from it."""
    bare = text.rstrip(" \t")
    if not bare or not knows_strings(site.language):
        return text
    signs = code(bare, site.language, site.line_before)
    is_code = bool(signs) and signs[-1][0] == len(bare) - 1
    ends = bool(_OPERATOR.search(bare)) and is_code
    if site.language == "python" and _WORD.search(bare):
        ends = True
    if not ends:
        return text
    if not site.line_after.strip() and (site.open_brackets or open_in(bare, site.language, site.line_before)):
        return text
    return bare.rpartition("\n")[0]


def _is_line_done(body: str, text: str, site: Site) -> bool:
    head, broken, _ = body.partition("\n")
    if broken and head.strip():
        return True
    if broken == "" and text.startswith("\n") and site.line_before.strip():
        return True
    return repeats(head) or _closes_too_much(head, site)


def _leaves_scope(lines: list[str], site: Site) -> bool:
    base = width(indent_of(site.line_before))
    if site.line_before.rstrip().endswith((":", "{")):
        base += 1
    return any(
        line.strip() and width(indent_of(line)) < base and line.strip()[0] not in CLOSES for line in lines[1:]
    )


def _reaches_suffix(lines: list[str], site: Site) -> bool:
    following = site.next_lines
    if not following or len(following[0].strip()) < _LEAST_ALIKE:
        return False
    return any(alike(line, following[0]) for line in lines[1:])


def _closes_too_much(text: str, site: Site) -> bool:
    """Whether a bracket is closed that neither the text nor the code before it has opened."""
    closed = closed_in(text, site.language, site.line_before)
    return bool(closed) and len(closed) > len(site.open_brackets)
