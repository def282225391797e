"""From a place and its context to a request whose beginning stays the same over keystrokes.

A model that keeps what it has read (a KV cache) reads only what differs: so the prefix begins at the same
line as last time while it fits, and the text below the cursor's line stays as it was while it has
hardly changed.
"""

from __future__ import annotations

from devflow.analysis.document import Document
from devflow.analysis.text import common_ends
from devflow.models.base import CHARACTERS_PER_TOKEN, FillRequest
from devflow.server.assist.inline.context import Context
from devflow.server.assist.inline.ghost import Ghost
from devflow.server.assist.inline.site import Site

PREFIX_BUDGET, SUFFIX_BUDGET = 6_000, 2_000
"""Code points of the document before and behind the cursor in a request."""
LINE_TOKENS = 40
"""Longest rest of a line: 95 % of lines have 73 characters or less."""
_HARDLY = 60
"""Code points that may differ in a suffix that is kept."""


def request_for(
    doc: Document,
    at: int,
    site: Site,
    context: Context,
    path: str,
    max_tokens: int,
    start: int,
    suffix: str,
    names: tuple[str, ...] = (),
) -> tuple[FillRequest, int, str]:
    """The request, where its prefix begins, and its text below the cursor's line; `start` and `suffix`
    are those of the request before (0 and "" where there was none); `names` are the document's for path
    rules."""
    source = doc.text.source
    start = anchored(source, at, start)
    rest = site.line_after
    below = source[at + len(rest) : at + SUFFIX_BUDGET]
    if hardly_differs(suffix, below):
        below = suffix
    request = FillRequest(
        prefix=source[start:at],
        suffix=(rest + below)[:SUFFIX_BUDGET],
        language=doc.language,
        path=path,
        context=context.text,
        context_paths=tuple(dict.fromkeys((*(name for name in names if name != path), *context.paths))),
        max_tokens=max_tokens if site.multiline else min(max_tokens, LINE_TOKENS),
        stop=() if site.multiline else ("\n",) if site.line_before.strip() else (),
    )
    return request, start, below


def next_request(
    ghost: Ghost,
    doc: Document,
    at: int,
    site: Site,
    context: Context,
    path: str,
    max_tokens: int,
    names: tuple[str, ...],
) -> FillRequest:
    """What a model is asked for at `at`, beginning as the request before it where it can; as
    `request_for`."""
    request, ghost.prompt_start, ghost.suffix = request_for(
        doc, at, site, context, path, max_tokens, ghost.prompt_start, ghost.suffix, names
    )
    return request


def anchored(source: str, at: int, start: int, budget: int = PREFIX_BUDGET) -> int:
    """Where a prefix of at most `budget` code points begins: at `start`, as last time, while that fits and
    holds enough; else at a line's start further on, with room to grow."""
    if at <= budget and start == 0:
        return 0
    is_line_start = start == 0 or source[start - 1 : start] == "\n"
    if is_line_start and start <= at and budget // 2 <= at - start <= budget:
        return start
    if at <= budget:
        return 0
    fresh = at - budget * 3 // 4
    line = source.find("\n", fresh, at)
    return line + 1 if line >= 0 else fresh


def hardly_differs(old: str, new: str) -> bool:
    """Whether two texts below a cursor differ in one piece of some letters only, or because one reaches
    further."""
    if not old or abs(len(old) - len(new)) > _HARDLY:
        return False
    if old == new:
        return True
    size = min(len(old), len(new))
    head, tail = common_ends(old[:size], new[:size])
    if head >= size - _HARDLY:
        return head >= min(size, 80)
    return head + tail >= size - _HARDLY and head >= 80


def tokens_of(request: FillRequest) -> int:
    """About how many tokens a request has."""
    return round(sum(map(len, request.texts)) / CHARACTERS_PER_TOKEN)
