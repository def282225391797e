"""The edits made lately, read by tokens: what stood there, what stands there now, and what is around it."""

from __future__ import annotations

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
