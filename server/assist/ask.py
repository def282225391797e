"""Answering a question about the codebase from its own code, with citations that hold."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from devflow.analysis.paths import shown_path
from devflow.models.guard.egress import rule_paths
from devflow.retrieval.base import Hit
from devflow.retrieval.context import Citation, pack
from devflow.retrieval.needed import with_needed
from devflow.server.assist import prompts
from devflow.server.assist.chat import Progress, answer, has_chat, how_to_have_one
from devflow.server.assist.inert import inert
from devflow.server.assist.waiting import allowed, within

if TYPE_CHECKING:
    from devflow.server.assist.base import Codebase

_CITATION = re.compile(r"[ \t]?\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\](?!\()")
_MOST_SHOWN_LINES = 12
SEARCH_SECONDS = 10.0
"""A source of hits that has not answered by then (an embedder that does not) is left out."""
_NEEDED_SECONDS = 1.0
NO_FOLDER = (
    "The editor has opened a file and no folder, so there is no code to search: open its project's folder, "
    "or put an empty devflow.toml there."
)


@dataclass(frozen=True, slots=True)
class Answer:
    """`hits` are the pieces of code it rests on: with a model those it cites, best first."""

    markdown: str
    hits: tuple[Hit, ...]
    engine: str
    """The model's name, or `index` for an extractive answer."""

    @property
    def found(self) -> bool:
        """It answers the question, rather than saying that nothing does."""
        return bool(self.hits) or self.engine != "index"


async def ask(
    question: str,
    code: Codebase,
    limit: int,
    progress: Progress | None = None,
    near: Sequence[Path] | None = None,
) -> Answer:
    """Search the index for `limit` pieces of code and answer from them. `near`: the open files, those
    the user is at work in when none are given. Raises ModelError."""
    if not question.strip():
        return Answer("Ask a question in plain words, such as: where are retries configured?", (), "index")
    if not code.roots:
        return Answer(NO_FOLDER, (), "index")
    if code.index is None:
        return Answer("There is no index yet; it is made in the background, try again shortly.", (), "index")
    near = code.near() if near is None else near
    searched = await code.index.searched(question, max(limit, 1), allowed(SEARCH_SECONDS), near=near)
    hits = searched.hits
    if not hits:
        nothing = f"Nothing in the index matches {question.strip()[:100]!r}."
        return Answer(f"{nothing} {searched.reason}".strip(), (), "index")
    if not has_chat(code):
        return Answer(await _extract(hits, code), hits, "index")
    known = await within(with_needed(hits, code.index.graph), _NEEDED_SECONDS) or hits
    packed = pack(known, code.roots, prompts.CODE_CHARACTERS + prompts.CONTEXT_CHARACTERS)
    paths = await asyncio.to_thread(
        lambda: [name for path in packed.paths for name in rule_paths(path, "", code.roots)]
    )
    request = prompts.ask(question, packed.text, paths)
    reply = await answer(code, request, progress=progress)
    said = inert(reply.text).strip()
    text, cited = cited_only(said, packed.citations)
    if not text:
        return Answer(await _extract(hits, code), hits, "index")
    sources = [f"[{c.number}] {_place(c, code)}" for c in packed.citations if c.number in cited]
    if sources:
        text += "\n\n" + "  \n".join(sources)
    else:
        text += "\n\n*The answer names no source; check it against the code.*"
    used = [hit for hit in known if any(_is_of(hit, c) for c in packed.citations if c.number in cited)]
    return Answer(text, tuple(used), reply.model or "model")


def cited_only(said: str, citations: Sequence[Citation]) -> tuple[str, frozenset[int]]:
    """The answer without citations of pieces that were not shown, and the numbers of those that were."""
    numbers = {citation.number for citation in citations}
    cited: set[int] = set()

    def kept(found: re.Match[str]) -> str:
        named = [int(number) for number in found[1].split(",")]
        real = [number for number in named if number in numbers]
        cited.update(real)
        space = " " if found[0][:1] in " \t" and real else ""
        return space + "".join(f"[{number}]" for number in real)

    # Code keeps its brackets: `items[0]` is no citation.
    parts = re.split(r"(```[\s\S]*?(?:```|\Z)|`[^`\n]*`)", said)
    text = "".join(part if at % 2 else _CITATION.sub(kept, part) for at, part in enumerate(parts))
    return text.strip(), frozenset(cited)


async def _extract(hits: Sequence[Hit], code: Codebase) -> str:
    """The hits themselves: where, head, first line of the documentation, first lines of the code."""
    parts = []
    for number, hit in enumerate(hits, 1):
        name = f" `{hit.symbol}`" if hit.symbol else ""
        place = f"{shown_path(hit.path, code.roots)}:{hit.first_line + 1}-{hit.last_line + 1}"
        head = f"**[{number}]** {place}{name}"
        summary = ""
        if hit.symbol and code.index is not None:
            symbols = await code.index.symbols_in(hit.path)
            doc = next((s.symbol.doc for s in symbols if s.symbol.qualified_name == hit.symbol), "")
            summary = doc.strip().partition("\n")[0]
        lines = hit.text.rstrip().splitlines()
        shown = lines[:_MOST_SHOWN_LINES] + (["…"] if len(lines) > _MOST_SHOWN_LINES else [])
        fence = "````" if "```" in hit.text else "```"
        parts.append(
            head + (f"  \n{summary}" if summary else "") + f"\n{fence}\n" + "\n".join(shown) + f"\n{fence}"
        )
    parts.append(f"*These are the best matches; no model can answer in words: {how_to_have_one(code)}.*")
    return "\n\n".join(parts)


def _place(citation: Citation, code: Codebase) -> str:
    name = f" `{citation.symbol}`" if citation.symbol else ""
    return f"{shown_path(citation.path, code.roots)}:{citation.first_line + 1}-{citation.last_line + 1}{name}"


def _is_of(hit: Hit, citation: Citation) -> bool:
    return hit.path == citation.path and hit.first_line == citation.first_line
