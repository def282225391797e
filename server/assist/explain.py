"""Explaining code: by a chat model where there is one, else from what the index knows."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from devflow.analysis.document import Document
from devflow.analysis.facts import Location
from devflow.analysis.paths import shown_path
from devflow.analysis.roles import is_test
from devflow.server.assist import prompts
from devflow.server.assist.chat import answer, has_chat, how_to_have_one
from devflow.server.assist.inert import inert
from devflow.server.assist.memory import Memory, PerSession
from devflow.server.assist.outline import symbols_of
from devflow.server.assist.refused import ActionRefused
from devflow.server.assist.related import (
    Neighbours,
    Related,
    called_names,
    neighbours,
    related,
    with_and_without,
)
from devflow.server.assist.target import Target, sent_paths, target_at

if TYPE_CHECKING:
    from devflow.models.base import ChatRequest
    from devflow.server.assist.base import Codebase

_MOST_KEPT = 256
_MOST_NAMED = 6


@dataclass(frozen=True, slots=True)
class Explained:
    """Markdown, and who wrote it: a model, or `index`."""

    markdown: str
    engine: str


async def explain(doc: Document, start: int, end: int, code: Codebase) -> Explained:
    """About the selection, or the definition around the cursor. What a model said once is kept for the same
    text. Raises ModelError, or ActionRefused where there is nothing to explain."""
    target = await asyncio.to_thread(target_at, doc, start, end, code.memory)
    if target is None:
        raise ActionRefused(
            "There is nothing to explain here; select some code or put the cursor into a definition."
        )
    if not has_chat(code):
        return Explained(await from_index(target, doc, code), "index")
    source = doc.text.source[target.start : target.end]
    kept = _explanations(code.memory)
    key = _key(source, doc.language)
    if key in kept:
        return kept[key]
    context = await related(target, doc, code, prompts.CONTEXT_CHARACTERS)
    own = await sent_paths(doc, code)

    def request(around: Related) -> ChatRequest:
        return prompts.explain(
            prompts.shortened(source, prompts.CODE_CHARACTERS),
            target.title,
            doc.language,
            around.text,
            (*own, *around.paths),
        )

    reply = await answer(code, *with_and_without(request, context))
    explained = Explained(inert(reply.text).strip(), reply.model or "model")
    if explained.markdown:
        while len(kept) >= _MOST_KEPT:
            kept.pop(next(iter(kept)))
        kept[key] = explained
    return explained


def cached_explanation(source: str, language: str, memory: Memory) -> str | None:
    """The explanation a model gave of exactly this code earlier in the session; asks nobody.

    `source` is the text of a whole definition (`symbol.start:symbol.end`) or of a selection.
    """
    kept = _explanations(memory).get(_key(source, language))
    return kept.markdown if kept is not None else None


async def explanation_of(place: Location, doc: Document, code: Codebase) -> str | None:
    """The explanation a model gave earlier of the definition at `place`, as long as its code is the
    same; asks no model."""
    if not _explanations(code.memory):
        return None
    if doc.path == place.path:
        text = doc.text
        symbols = list(await asyncio.to_thread(symbols_of, doc, code.memory))
    else:
        found = await code.texts.text_of(place.path)
        if found is None or code.index is None:
            return None
        text = found
        symbols = [each.symbol for each in await code.index.symbols_in(place.path)]
    for symbol in symbols:
        if place.start in (symbol.name_start, symbol.start):
            kept = cached_explanation(text.source[symbol.start : symbol.end], doc.language, code.memory)
            if kept is not None:
                return kept
    return None


async def from_index(target: Target, doc: Document, code: Codebase) -> str:
    """What can be said without a model: head, documentation, what it calls, who calls it, its tests."""
    known = await neighbours(target, doc, code)
    symbol = target.symbol
    parts: list[str] = []
    if symbol is not None:
        parts.append(f"```{doc.language}\n{symbol.signature or symbol.name}\n```")
        if symbol.doc:
            parts.append(symbol.doc.strip())
        lines = doc.text.line_at(symbol.end) - doc.text.line_at(symbol.start) + 1
        inside = f" of `{symbol.container}`" if symbol.container else ""
        parts.append(f"A {symbol.kind.value}{inside}, {lines} line{'s' if lines != 1 else ''} long.")
    parts += _calls(known, await asyncio.to_thread(called_names, doc, target), code)
    parts += _callers(target, known, code)
    parts.append(f"*From the code alone, without a language model: {how_to_have_one(code)}.*")
    return "\n\n".join(parts)


def _calls(known: Neighbours, names: list[str], code: Codebase) -> list[str]:
    lines = []
    for callee in known.callees[:_MOST_NAMED]:
        summary = callee.symbol.doc.strip().partition("\n")[0]
        place = f"{shown_path(callee.path, code.roots)}:{callee.line + 1}"
        lines.append(f"- `{callee.symbol.qualified_name}` ({place})" + (f": {summary}" if summary else ""))
    located = {callee.symbol.name for callee in known.callees[:_MOST_NAMED]}
    others = [f"`{name}`" for name in names if name not in located][: _MOST_NAMED * 2]
    if others:
        lines.append(f"- {', '.join(others)}")
    return ["Calls:\n" + "\n".join(lines)] if lines else []


def _callers(target: Target, known: Neighbours, code: Codebase) -> list[str]:
    if target.symbol is None or code.index is None:
        return []
    tests = [use for use in known.callers if is_test(PurePath(shown_path(use.path, code.roots)))]
    callers = [use for use in known.callers if use not in tests]
    parts = []
    for title, uses in (("Used by", callers), ("Tested in", tests)):
        names = dict.fromkeys(
            f"- `{use.container or 'the module'}` ({shown_path(use.path, code.roots)}:{use.line + 1})"
            for use in uses
        )
        lines = list(names)[:_MOST_NAMED]
        if len(names) > _MOST_NAMED:
            lines.append(f"- and {len(names) - _MOST_NAMED} more")
        if lines:
            parts.append(f"{title}:\n" + "\n".join(lines))
    if not parts:
        parts.append("No use of it was found in the index.")
    return parts


_EXPLAINED = PerSession[dict[str, Explained]]("explanations by a model")


def _explanations(memory: Memory) -> dict[str, Explained]:
    return memory.kept(_EXPLAINED.key(), dict)


def _key(source: str, language: str) -> str:
    return hashlib.sha256(f"{language}\0{source}".encode("utf-8", "replace")).hexdigest()
