"""From a place and its context to a request whose beginning stays the same over keystrokes.

A model that keeps what it has read (a KV cache) reads only what differs: so the prefix begins at the same
line as last time while it fits, and the text below the cursor's line stays as it was while it has
hardly changed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from devflow.analysis.document import Document
from devflow.analysis.paths import told_path
from devflow.analysis.text import common_ends
from devflow.models.base import CHARACTERS_PER_TOKEN, FillRequest
from devflow.server.assist.base import Codebase
from devflow.server.assist.inline.context import Context, comment_sign
from devflow.server.assist.inline.ghost import NO_WINDOW, Ghost, Window
from devflow.server.assist.inline.site import Site, site_of
from devflow.server.assist.target import sent_paths

PREFIX_BUDGET, SUFFIX_BUDGET = 6_000, 2_000
"""Code points of the document before and behind the cursor in a request."""
LINE_TOKENS = 40
"""Longest rest of a line: 95 % of lines have 73 characters or less."""
_HARDLY = 60
"""Code points that may differ in a suffix that is kept."""


@dataclass(frozen=True, slots=True)
class Hole:
    """What is to be filled: the place `at` of `doc`, and what the document is called."""

    doc: Document
    at: int
    site: Site
    path: str
    """As a model is told it."""
    names: tuple[str, ...] = ()
    """For path rules."""
    repository: str = ""
    """The name of the workspace folder it is in."""


async def hole_at(doc: Document, at: int, code: Codebase, site: Site | None = None) -> Hole:
    """The hole at `at`; `site` where it is known already."""
    path = told_path(doc.path, code.roots) if doc.path is not None else ""
    roots = [root for root in code.roots if doc.path is not None and doc.path.is_relative_to(root)]
    names = await sent_paths(doc, code)
    return Hole(doc, at, site or site_of(doc, at), path, names, roots[0].name if roots else "")


def next_request(ghost: Ghost, hole: Hole, context: Context, max_tokens: int) -> FillRequest:
    """What a model is asked for, beginning as the document's request before it where it can."""
    request, ghost.window = request_for(hole, context, max_tokens, ghost.window)
    return request


def request_for(
    hole: Hole, context: Context, max_tokens: int, before: Window = NO_WINDOW
) -> tuple[FillRequest, Window]:
    """The request, and the window it has of the document; `before` is that of the request before."""
    source, at, site = hole.doc.text.source, hole.at, hole.site
    start = anchored(source, at, before.start)
    rest = site.line_after
    below = source[at + len(rest) : at + SUFFIX_BUDGET]
    if hardly_differs(before.below, below):
        below = before.below
    others = (name for name in hole.names if name != hole.path)
    request = FillRequest(
        prefix=source[start:at],
        suffix=whole_lines(rest + below, SUFFIX_BUDGET, more=at + len(rest + below) < len(source)),
        language=hole.doc.language,
        path=hole.path,
        context=context.excerpts,
        comment=comment_sign(hole.doc.language),
        repository=hole.repository if any(each.path for each in context.excerpts) else "",
        context_paths=tuple(dict.fromkeys((*others, *context.paths))),
        max_tokens=max_tokens if site.multiline else min(max_tokens, LINE_TOKENS),
        stop=() if site.multiline else ("\n",) if site.line_before.strip() else (),
    )
    return request, Window(start, below)


def whole_lines(text: str, budget: int, *, more: bool) -> str:
    """As much of `text` as the budget holds, without the line it would break off in: the beginning of a token
    is not known for one. `more`: whether the document goes on behind it."""
    if len(text) <= budget and not more:
        return text
    end = text.rfind("\n", 0, budget)
    return text[: end + 1] if end >= 0 else text[:budget]


def without_context(request: FillRequest, hole: Hole) -> FillRequest:
    """The same without what other files say."""
    return replace(
        request,
        context=(),
        repository="",
        context_paths=tuple(name for name in hole.names if name != hole.path),
    )


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
