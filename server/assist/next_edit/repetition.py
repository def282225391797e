"""The same change was made twice: it is offered where the same tokens stand a third time.

One edit says what was wanted there; only the second says that it is wanted everywhere. What the two have in
common is the pattern, and where their tokens differ and come back, any token may stand.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from devflow.analysis.calls import CallSite, calls
from devflow.analysis.python_names import python_names
from devflow.analysis.python_scopes import MODULE
from devflow.analysis.syntax.parse import SyntaxTree
from devflow.analysis.text import Edit, Text, common_ends
from devflow.analysis.tokens import NEWLINE, Token, lex
from devflow.server.assist.keywords import keywords
from devflow.server.assist.next_edit.base import Cause, NextEdit, is_name

_MOST = 400
_LONGEST = 40
"""Tokens of a change; a longer one is not repeated."""
_VALUE = re.compile(r"[^\W\d]\w*|\d.*|[a-zA-Z]{0,2}[\"'`].*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Pattern:
    """What to look for. None in `old` stands for any name, number or string."""

    old: tuple[str | None, ...]
    left: tuple[str, ...]
    right: tuple[str, ...]
    new: tuple[str | int, ...]
    """A number stands for what was found in that place of `old`."""
    spaces: tuple[str | None, ...]
    """What stands before each of `new`, and behind the last; None: what stands there already."""


def repetitions(
    text: Text, tree: SyntaxTree | None, language: str, causes: Sequence[Cause]
) -> list[NextEdit]:
    """Where the newest change could be made again, after it was made twice; `causes` has the newest first."""
    for first in causes[:2]:
        for second in causes:
            if second is first:
                continue
            pattern = _common(first, second, language)
            if pattern is not None:
                return _matches(text, tree, language, pattern, causes)
    return []


def _common(first: Cause, second: Cause, language: str) -> _Pattern | None:
    """The pattern of two changes; None where they are not the same one, or nothing is typical of it."""
    if (len(first.old), len(first.new)) != (len(second.old), len(second.new)):
        return None
    if not 0 < len(first.old) + len(first.new) <= _LONGEST:
        return None
    if NEWLINE in (*first.old, *first.new) or (not first.old and "," in (first.new[0], first.new[-1])):
        return None  # lines more are no pattern, arguments have a rule of their own
    old: list[str | None] = []
    variables: list[tuple[str, str, int]] = []
    for number, (one, other) in enumerate(zip(first.old, second.old, strict=True)):
        if one == other:
            old.append(one)
        elif _VALUE.fullmatch(one) and _VALUE.fullmatch(other):
            old.append(None)
            variables.append((one, other, number))
        else:
            return None
    new: list[str | int] = []
    for one, other in zip(first.new, second.new, strict=True):
        if one == other:
            new.append(one)
            continue
        place = next((number for left, right, number in variables if (left, right) == (one, other)), None)
        if place is None:
            return None
        new.append(place)
    reserved = frozenset(keywords(language))
    names = [each for each in old if each is not None and is_name(each) and each not in reserved]
    left = _shared(first.left[::-1], second.left[::-1])
    right = _shared(first.right, second.right)
    if names:
        # A name in itself is typical; whose member it is counts where both say the same.
        member = first.left[-1:] == second.left[-1:] == (".",)
        left = left[:2] if left[:1] == (".",) else (".",) if member else ()
        right = right[:1] if right[:1] in (("(",), ("=",)) else ()
    elif _names_soon(right, reserved) and not old:
        left, right = (), right[:4]
    elif _names_soon(left, reserved):
        left, right = _to_name(left, reserved), ()
        if not is_name(left[-1]):
            return None
    elif _names_soon(right, reserved):
        left, right = (), _to_name(right, reserved)
    else:
        return None
    return _Pattern(tuple(old), left[::-1], right, tuple(new), _spaces(first, language))


def _shared(one: Sequence[str], other: Sequence[str]) -> tuple[str, ...]:
    count, _ = common_ends(list(one), list(other))
    return tuple(one[:count])


def _names_soon(tokens: Sequence[str], reserved: frozenset[str]) -> bool:
    """Whether a name is among the two tokens that are nearest."""
    return any(is_name(each) and each not in reserved for each in tokens[:2])


def _to_name(tokens: tuple[str, ...], reserved: frozenset[str]) -> tuple[str, ...]:
    """`tokens` up to the first name; where that is the type of a default value, up to what has it."""
    first = next(number for number, each in enumerate(tokens) if is_name(each) and each not in reserved)
    typed = tokens[0] == "=" and tokens[first + 1 : first + 2] == (":",)
    return tokens[: first + 3] if typed else tokens[: first + 1]


def _spaces(cause: Cause, language: str) -> tuple[str | None, ...]:
    """What stands between the tokens of the new text; at its borders only what the edit changed."""
    tokens = lex(cause.new_text, language)
    if [each.text for each in tokens] != list(cause.new):
        return ()
    ends = [0, *(each.end for each in tokens)]
    starts = [*(each.start for each in tokens), len(cause.new_text)]
    spaces: list[str | None] = [cause.new_text[end:start] for end, start in zip(ends, starts, strict=True)]
    if cause.old and cause.new:
        was, now = cause.old_text, cause.new_text
        if was[: len(was) - len(was.lstrip())] == spaces[0]:
            spaces[0] = None
        if was[len(was.rstrip()) :] == now[len(now.rstrip()) :]:
            spaces[-1] = None
    return tuple(spaces)


def _matches(
    text: Text, tree: SyntaxTree | None, language: str, pattern: _Pattern, causes: Sequence[Cause]
) -> list[NextEdit]:
    tokens = lex(text.source, language)
    words = [each.text for each in tokens]
    done = [(min(each.change.start, each.start), max(each.change.new_end, each.end)) for each in causes]
    local = _locals(tree, pattern, language)
    size = len(pattern.old)
    found: list[NextEdit] = []
    for at in range(len(tokens) - size + 1):
        if len(found) >= _MOST:
            break
        if not _fits(words, at, pattern):
            continue
        if size and tokens[at].start in local:
            continue
        edit = _edit(text, tokens, at, pattern)
        if edit is None or any(edit.start <= end and start <= edit.end for start, end in done):
            continue
        found.append(NextEdit(edit, "repeat", "Make the same change here"))
    return found


def _fits(words: Sequence[str], at: int, pattern: _Pattern) -> bool:
    size = len(pattern.old)
    for wanted, word in zip(pattern.old, words[at : at + size], strict=True):
        if wanted is None:
            if not _VALUE.fullmatch(word):
                return False
        elif wanted != word:
            return False
    # Where nothing is replaced, what would be put in may stand there already.
    if not size and _stands(words, at, pattern):
        return False
    return _before(words, at, pattern.left) and _behind(words, at + size, pattern.right)


def _before(words: Sequence[str], at: int, wanted: Sequence[str]) -> bool:
    here = [NEWLINE if number < 0 else words[number] for number in range(at - len(wanted), at)]
    return here == list(wanted)


def _behind(words: Sequence[str], at: int, wanted: Sequence[str]) -> bool:
    here = [words[n] if n < len(words) else NEWLINE for n in range(at, at + len(wanted))]
    return here == list(wanted)


def _stands(words: Sequence[str], at: int, pattern: _Pattern) -> bool:
    new = [each for each in pattern.new if isinstance(each, str)]
    if len(new) != len(pattern.new):
        return False
    size = len(new)
    return list(words[max(at - size, 0) : at]) == new or list(words[at : at + size]) == new


def _edit(text: Text, tokens: Sequence[Token], at: int, pattern: _Pattern) -> Edit | None:
    """The edit at the tokens that begin with `at`, as small as it can be."""
    size = len(pattern.old)
    inner = tokens[at : at + size]
    before = tokens[at - 1] if at and tokens[at - 1].text != NEWLINE else None
    behind = tokens[at + size] if at + size < len(tokens) and tokens[at + size].text != NEWLINE else None
    start = before.end if before else inner[0].start if inner else behind.start if behind else None
    end = behind.start if behind else inner[-1].end if inner else before.end if before else None
    if start is None or end is None or start > end:
        return None
    if not pattern.spaces:
        return None
    lead, trail = pattern.spaces[0], pattern.spaces[-1]
    if inner and lead is None:
        start, lead = inner[0].start, ""
    if inner and trail is None:
        end, trail = inner[-1].end, ""
    new = lead or ""
    for number, each in enumerate(pattern.new):
        space = trail if number == len(pattern.new) - 1 else pattern.spaces[number + 1]
        new += (each if isinstance(each, str) else inner[each].text) + (space or "")
    here = text.source[start:end]
    if inner and "\n" in here:
        return None
    first, last = common_ends(here, new)
    edit = Edit(start + first, end - last, new[first : len(new) - last])
    return edit if edit.new or edit.end > edit.start else None


def _locals(tree: SyntaxTree | None, pattern: _Pattern, language: str) -> set[int]:
    """Where the names of the pattern stand for something local, which another scope's change says nothing
    about."""
    if tree is None or language != "python" or pattern.left[-1:] == (".",):
        return set()
    wanted = {each for each in pattern.old if each is not None and each.isidentifier()}
    names = python_names(tree)
    return {each.start for each in names.occurrences if each.name in wanted and names.home(each) != MODULE}


# -- one more argument -------------------------------------------------------------------------------


def arguments(text: Text, tree: SyntaxTree | None, causes: Sequence[Cause]) -> list[NextEdit]:
    """Two calls of one function were given the same further argument: the others, too."""
    if tree is None or len(causes) < 2:
        return []
    sites = calls(tree)
    given = [added for cause in causes[:6] if (added := _added(text, sites, cause)) is not None]
    for number, (site, argument) in enumerate(given):
        for other, same in given[number + 1 :]:
            if (site.name, site.receiver, argument) == (other.name, other.receiver, same):
                return [
                    NextEdit(edit, "argument", f"Add {argument} here, too")
                    for each in sites
                    if (each.name, each.receiver) == (site.name, site.receiver)
                    and (edit := _with_argument(text, each, argument)) is not None
                ]
    return []


def _added(text: Text, sites: Sequence[CallSite], cause: Cause) -> tuple[CallSite, str] | None:
    """The call and its last argument, where the edit put that there."""
    if cause.old or not cause.new:
        return None
    around = [each for each in sites if each.start < cause.start and cause.end < each.end and each.name]
    if not around:
        return None
    site = max(around, key=lambda each: each.start)
    if not site.arguments:
        return None
    last = site.arguments[-1]
    argument = text.source[last.start : last.end]
    comma = 1 if cause.new[0] == "," else 0
    if (
        "\n" in argument
        or last.start < cause.start
        or last.end > cause.end
        or not (comma or len(site.arguments) == 1)
    ):
        return None
    return site, argument


def _with_argument(text: Text, site: CallSite, argument: str) -> Edit | None:
    keyword = argument.partition("=")[0].strip() if re.match(r"\w+\s*=[^=]", argument) else None
    for each in site.arguments:
        if each.starred or text.source[each.start : each.end] == argument:
            return None
        if keyword is not None and each.keyword == keyword:
            return None
    at = site.arguments[-1].end if site.arguments else site.end - 1
    return Edit(at, at, f", {argument}" if site.arguments else argument)
