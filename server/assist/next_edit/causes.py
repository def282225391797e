"""The edits made lately, read by tokens: what stood there, what stands there now, and what is around it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from devflow.analysis.changes import Change, grouped
from devflow.analysis.text import Text, common_ends
from devflow.analysis.tokens import NEWLINE, Token, lex
from devflow.server.assist.next_edit.base import LINE, Cause

MOST = 12
"""Edits that are looked at; older ones say little about what comes next."""
_LARGEST = 2_000
"""Code points of an edit, beyond which it is pasted or generated text."""
_CONTEXT = 8


def causes_of(text: Text, changes: Sequence[Change], language: str) -> list[Cause]:
    """The last edits of `text`, the newest first. `changes` led to it one by one."""
    groups = grouped(changes)[-MOST:]
    found = [cause_of(text, each, language) for each in reversed(groups)]
    return [each for each in found if each is not None]


def cause_of(text: Text, change: Change, language: str) -> Cause | None:
    """One edit by tokens; None for one that changed only spaces or comments, or more than a person types."""
    if len(change.old) + len(change.new) > _LARGEST:
        return None
    begin = text.line_start(text.line_at(change.start))
    finish = text.line_end(text.line_at(change.new_end))
    now = text.source[begin:finish]
    at = change.start - begin
    was = now[:at] + change.old + now[at + len(change.new) :]
    new_tokens, old_tokens = lex(now, language), lex(was, language)
    first, last = common_ends([each.text for each in old_tokens], [each.text for each in new_tokens])
    old = old_tokens[first : len(old_tokens) - last]
    new = new_tokens[first : len(new_tokens) - last]
    if not old and not new:
        return None
    start, end = _span(now, new_tokens, first, last)
    old_start, old_end = _span(was, old_tokens, first, last)
    if (word := _in_format(old, new)) is not None:
        was_name, name, at = word
        start = begin + new[0].start + at
        left, right = (*_left(new_tokens[:first]), "{")[-_CONTEXT:], ("}",)
        return Cause(change, (was_name,), (name,), start, start + len(name), was_name, name, left, right)
    words = [each for each in new if each.text != NEWLINE]
    return Cause(
        change,
        tuple(each.text for each in old),
        tuple(each.text for each in new),
        begin + (words[0].start if words else start),
        begin + (words[-1].end if words else end),
        was[old_start:old_end],
        now[start:end],
        _left(new_tokens[:first]),
        _right(new_tokens[len(new_tokens) - last :]),
    )


def _in_format(old: Sequence[Token], new: Sequence[Token]) -> tuple[str, str, int] | None:
    """The name that was changed within the braces of a string that is filled in (`f"{name}"`, `${name}`): the
    one before, the one now and its place in the token."""
    if len(old) != 1 or len(new) != 1 or not _FORMAT.match(old[0].text):
        return None
    before, now = old[0].text, new[0].text
    same = next((at for at, (one, other) in enumerate(zip(before, now, strict=False)) if one != other), 0)
    begin = len(_WORD_BEFORE.sub("", now[:same]))
    one, other = _WORD.match(before, begin), _WORD.match(now, begin)
    if one is None or other is None or before[one.end() :] != now[other.end() :]:
        return None
    opening = _OPENED.search(now, 0, begin)
    return (one[0], other[0], begin) if opening is not None else None


_FORMAT = re.compile(r"(?:[rR]?[fF][rR]?[\"']|`)")
_WORD = re.compile(r"[^\W\d][\w$]*")
_WORD_BEFORE = re.compile(r"[\w$]*\Z")
_OPENED = re.compile(r"(?<!\{)\{(?!\{)[^{}]*\Z")


def _span(source: str, tokens: Sequence[Token], first: int, last: int) -> tuple[int, int]:
    """What lies between the first `first` tokens and the last `last` ones, without the indentation."""
    inner = tokens[first : len(tokens) - last]
    start = tokens[first - 1].end if first and tokens[first - 1].text != NEWLINE else -1
    if start < 0:
        start = inner[0].start if inner else (tokens[first].start if first < len(tokens) else len(source))
    if last and tokens[len(tokens) - last].text != NEWLINE:
        end = tokens[len(tokens) - last].start
    else:
        end = inner[-1].end if inner else start
    return start, max(start, end)


def _left(tokens: Sequence[Token]) -> tuple[str, ...]:
    words = [each.text for each in tokens]
    if NEWLINE in words:
        words = words[len(words) - words[::-1].index(NEWLINE) :]
    return (LINE, *words)[-_CONTEXT:]


def _right(tokens: Sequence[Token]) -> tuple[str, ...]:
    words = [each.text for each in tokens]
    if NEWLINE in words:
        words = words[: words.index(NEWLINE)]
    return (*words, LINE)[:_CONTEXT]
