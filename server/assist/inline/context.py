"""What a model is told besides the document: definitions of the names around the cursor, what a test is
about, what resembles the place, and what was changed lately.

Every source has one deadline; what is late is left out. What is nearly the code around the cursor is
left out too: a model would repeat it.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from devflow.analysis.document import Document
from devflow.analysis.facts import Import, SymbolKind
from devflow.analysis.languages import language_named, language_of
from devflow.analysis.paths import told_path
from devflow.analysis.roles import is_test
from devflow.models.base import Excerpt
from devflow.models.guard.egress import rule_paths
from devflow.retrieval.base import IndexedSymbol
from devflow.retrieval.graph.pairs import focal_files
from devflow.server.assist import problems
from devflow.server.assist.base import Codebase
from devflow.server.assist.found import same_family
from devflow.server.assist.inline.ghost import Edited, Mood
from devflow.server.assist.inline.report import Search, Used
from devflow.server.assist.keywords import builtin_names, keywords
from devflow.server.assist.outline import recent_imports, recent_symbols
from devflow.server.assist.receivers import CLASS_KINDS
from devflow.server.assist.waiting import allowed, due, within

BUDGET = 3_000
"""Code points of context in a prompt."""
SECONDS, HARD_SECONDS = 0.05, 0.12
"""When a source should have answered, and when the context is taken as it is."""
_LINES_AROUND = 12
_MOST_DEFINITIONS, _MOST_MEMBERS = 6, 12
_NEAR_COPY = 0.5
"""Share of a piece's lines that stand around the cursor from which on it is left out."""
_ALIKE = 0.18
"""Jaccard index of names from which on a piece of another open file resembles the place."""
_WINDOW = 16
_NAME = re.compile(r"[^\W\d]\w{2,}")
_ORDER = ("focal file", "import", "definition", "recent file", "search", "problem", "edit")
"""From what stays the same over keystrokes to what changes: what stays at a prompt's beginning is not read
again."""
_NOTES = ("problem", "edit")
"""No code of another file: they stand above the prefix in comments."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of context; `name` is a path relative to the workspace. `path` and `uri` are of the document
    it is from, for the path rules: none for what is told of the document that is completed."""

    kind: str
    name: str
    text: str
    score: float
    path: Path | None = None
    uri: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    """What a prompt has besides the document; `paths` are the workspace's files whose text is in it."""

    excerpts: tuple[Excerpt, ...] = ()
    paths: tuple[str, ...] = ()
    used: tuple[Used, ...] = ()
    search: Search | None = None
    """Whether the workspace was searched; None for what was not gathered."""


async def gather(doc: Document, at: int, code: Codebase, mood: Mood) -> Context:
    """The context of `at`, at the latest after HARD_SECONDS."""
    last = due(HARD_SECONDS)
    near = names_around(doc, at)
    sources = [
        _definitions(doc, at, near, code),
        _focal(doc, code),
        _recent(doc, at, code),
        _problems(doc, at, code),
    ]
    search = search_gate(doc, near, code)
    if search in _SEARCHED:
        sources.append(_search(doc, at, code))
    tasks = [asyncio.ensure_future(within(source, HARD_SECONDS)) for source in sources]
    try:
        found = await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
    if search in _SEARCHED and (found[-1] is None or time.monotonic() > last):
        found[-1], search = None, Search.LATE
    pieces = [piece for some in found for piece in some or ()]
    pieces += edits_as_diffs(mood.edits, doc)
    return replace(await asyncio.to_thread(packed, pieces, doc, at, roots=code.roots), search=search)


def names_around(doc: Document, at: int) -> list[str]:
    """The names on the lines around the cursor, the nearest first."""
    text = doc.text
    line = text.line_at(at)
    above = text.source[text.line_start(max(0, line - _LINES_AROUND)) : at]
    below = text.source[at : text.line_end(min(text.line_count - 1, line + 3))]
    words = [*reversed(_NAME.findall(above)), *_NAME.findall(below)]
    known = set(keywords(doc.language)) | set(builtin_names(doc.language))
    return [name for name in dict.fromkeys(words) if name not in known][:40]


def search_gate(doc: Document, near: Sequence[str], code: Codebase) -> Search:
    """Whether a search may find what the document does not say: a name near the cursor comes from
    elsewhere. Most retrievals change nothing (Repoformer, arXiv 2403.10059)."""
    if code.index is None:
        return Search.NO_INDEX
    imported = {_bound_as(each) for each in recent_imports(doc, code.memory)}
    if any(name in imported for name in near[:12]):
        return Search.IMPORTED
    own = Counter(_NAME.findall(doc.text.source))
    return Search.ONCE if any(own[name] <= 1 for name in near[:8]) else Search.KNOWN


_SEARCHED = (Search.IMPORTED, Search.ONCE)


def packed(
    pieces: Iterable[Piece], doc: Document, at: int, budget: int = BUDGET, roots: Sequence[Path] = ()
) -> Context:
    """The pieces in a stable order, those of one file that follow each other joined, each line once, without
    near-copies of what is around the cursor, within `budget` code points; the best pieces first where not all
    have room."""
    source = doc.text.source
    around = {line.strip() for line in source[max(0, at - 3_000) : at + 2_000].splitlines() if line.strip()}
    said: set[str] = set()
    kept: list[tuple[Piece, str]] = []
    left = budget
    for piece in sorted(pieces, key=lambda each: -each.score):
        lines = [line for line in piece.text.splitlines() if line.strip()]
        told = [line for line in lines if len(line.strip()) > 8]
        copied = sum(line.strip() in around for line in told)
        if not lines or (piece.kind != "edit" and told and copied / len(told) > _NEAR_COPY):
            continue
        lines = [line for line in lines if len(line.strip()) <= 8 or line.strip() not in said]
        if not any(len(line.strip()) > 8 for line in lines):
            continue
        text = "\n".join(lines)
        if piece.kind in _NOTES and piece.name:
            text = f"{comment_sign(doc.language)} {piece.name}\n{text}"
        if len(text) + len(piece.name) > left:
            continue
        left -= len(text) + len(piece.name)
        said |= {line.strip() for line in lines}
        kept.append((piece, text))
    kept.sort(key=lambda each: (_ORDER.index(each[0].kind), each[0].name, each[1]))
    excerpts: list[Excerpt] = []
    for piece, text in kept:
        path = "" if piece.kind in _NOTES else piece.name
        if path and excerpts and excerpts[-1].path == path:
            text = f"{excerpts.pop().text}\n{text}"
        excerpts.append(Excerpt(text, path))
    return Context(
        tuple(excerpts),
        tuple(dict.fromkeys(name for piece, _ in kept for name in _names(piece, roots))),
        tuple(Used(piece.kind, piece.name, round(piece.score, 3), len(text)) for piece, text in kept),
    )


def edits_as_diffs(edits: Sequence[Edited], doc: Document) -> list[Piece]:
    """The last changes, as a diff writes them; the one being typed is in the document. Of other documents
    only files in the same language: others tell little, and path rules can only judge a file."""
    result: list[Piece] = []
    here = doc.text.source
    for number, edit in enumerate(reversed(edits)):
        if edit.after in here and number == 0:
            continue
        if edit.uri != doc.uri and (edit.path is None or edit.language != doc.language):
            continue
        if not edit.before.strip() or edit.before.strip() == edit.after.strip():
            continue
        old = "\n".join(f"- {line}" for line in edit.before.split("\n")[:4] if line.strip())
        new = "\n".join(f"+ {line}" for line in edit.after.split("\n")[:4] if line.strip())
        text = f"{old}\n{new}" if new else old
        sign = comment_sign(doc.language)
        marked = "\n".join(f"{sign} {line}" for line in text.split("\n"))
        name = edit.path.name if edit.path is not None else ""
        result.append(Piece("edit", name, marked, 0.5 - 0.05 * number, edit.path))
        if len(result) == 4:
            break
    return result


def skeleton(symbol: IndexedSymbol, members: Sequence[IndexedSymbol], language: str) -> str:
    """The heads of a definition and of its members, with the first line of its documentation."""
    sign = comment_sign(language)
    head = symbol.symbol.signature or symbol.symbol.name
    doc = symbol.symbol.doc.strip().split("\n", 1)[0]
    lines = [head if head.endswith((":", "{")) or language != "python" else f"{head}:"]
    if doc:
        lines.append(f"    {sign} {doc[:120]}")
    for member in members[:_MOST_MEMBERS]:
        signature = member.symbol.signature or member.symbol.name
        lines.append(f"    {signature}")
    return "\n".join(lines)


async def _definitions(doc: Document, at: int, near: Sequence[str], code: Codebase) -> list[Piece]:
    """Skeletons of what names near the cursor mean, where they are defined in other files: what the document
    imports first."""
    index = code.index
    if index is None or not near:
        return []
    own = {symbol.name for symbol in recent_symbols(doc, code.memory)}
    wanted = [name for name in near if name not in own][:24]
    imported = {_bound_as(each): each for each in recent_imports(doc, code.memory)}
    asked = [imported[name].name or name if name in imported else name for name in wanted]
    found = await index.symbols_of(list(dict.fromkeys(asked)))
    chosen: list[tuple[float, IndexedSymbol, str]] = []
    for place, (name, real) in enumerate(zip(wanted, asked, strict=True)):
        some = [
            each
            for each in found
            if each.symbol.name == real and each.path != doc.path and same_family(each.language, doc.language)
        ]
        if name in imported:
            some = [each for each in some if _is_from(each.path, imported[name])] or some[:1]
        elif len({each.path for each in some}) > 2 or (not real[:1].isupper() and len(some) > 1):
            continue  # the name of many things says nothing
        for each in some[:1]:
            score = (0.9 if name in imported else 0.6) - 0.01 * place
            chosen.append((score, each, "import" if name in imported else "definition"))
    chosen = sorted(chosen, key=lambda each: -each[0])[:_MOST_DEFINITIONS]
    classes = [each.symbol.name for _, each, _ in chosen if each.symbol.kind in CLASS_KINDS]
    members = await index.members_in(classes) if classes else []
    return [
        Piece(
            kind,
            told_path(each.path, code.roots),
            skeleton(
                each,
                [m for m in members if m.path == each.path and _owner(m) == each.symbol.name],
                doc.language,
            ),
            score,
            each.path,
        )
        for score, each, kind in chosen
    ]


async def _focal(doc: Document, code: Codebase) -> list[Piece]:
    """Of a test: what the files it is about define. The index pairs them, by their names and by what tests
    import."""
    path, index = doc.path, code.index
    if path is None or index is None or not is_test(PurePath(told_path(path, code.roots))):
        return []
    pieces: list[Piece] = []
    for place, focal in enumerate(await index.graph.ask(focal_files, path)):
        heads = [_head(each) for each in await index.symbols_in(focal) if _is_public(each)]
        if text := "\n".join(head for head in heads[:30] if head):
            pieces.append(Piece("focal file", told_path(focal, code.roots), text, 0.85 - 0.05 * place, focal))
    return pieces


def _head(symbol: IndexedSymbol) -> str:
    """Its signature, further in than that of what it is a member of."""
    return "    " * bool(symbol.symbol.container) + symbol.symbol.signature if symbol.symbol.signature else ""


async def _recent(doc: Document, at: int, code: Codebase) -> list[Piece]:
    """From the files looked at lately: what follows the piece that is most like the place."""
    others = [
        each for each in code.seen() if each.uri != doc.uri and same_family(each.language, doc.language)
    ]
    if not others:
        return []
    text = doc.text
    line = text.line_at(at)
    here = set(_NAME.findall(text.source[text.line_start(max(0, line - _WINDOW)) : at]))

    def look() -> list[Piece]:
        result: list[Piece] = []
        for each in others[-4:]:
            lines = each.text.source[:200_000].split("\n")
            best, place = 0.0, 0
            for start in range(0, max(1, len(lines) - 4), _WINDOW // 2):
                names = set(_NAME.findall("\n".join(lines[start : start + _WINDOW])))
                share = len(here & names) / max(1, len(here | names))
                if share > best:
                    best, place = share, start
            if best >= _ALIKE:
                # What came after the like piece there is what may come next here.
                piece = "\n".join(lines[place + _WINDOW // 2 : place + 2 * _WINDOW])
                name = told_path(each.path, code.roots) if each.path is not None else ""
                result.append(Piece("recent file", name, piece, 0.4 + 0.4 * best, each.path, each.uri))
        return result

    return await asyncio.to_thread(look)


async def _search(doc: Document, at: int, code: Codebase) -> list[Piece]:
    """Chunks of other files that a search for the words before the cursor finds, two of a file at most."""
    assert code.index is not None
    line = doc.text.line_at(at)
    query = doc.text.source[doc.text.line_start(max(0, line - 8)) : at]
    words = " ".join(dict.fromkeys(_NAME.findall(query)))
    if not words:
        return []
    hits = await code.index.search(words, limit=8, deadline=allowed(SECONDS), near=code.near(doc))
    top = max((hit.score for hit in hits), default=0.0)
    of_file: Counter[Path] = Counter()
    result: list[Piece] = []
    for place, hit in enumerate(hits):
        of_file[hit.path] += 1
        if hit.path == doc.path or of_file[hit.path] > 2 or hit.score < _FLOOR * top:
            continue
        language = language_of(hit.path)
        if language is None or not same_family(language.name, doc.language):
            continue  # other languages say little of how this one is written
        result.append(
            Piece("search", told_path(hit.path, code.roots), hit.text.rstrip(), 0.55 - 0.03 * place, hit.path)
        )
    return result


_FLOOR = 0.4
"""Share of the best hit's score below which a hit is noise."""


async def _problems(doc: Document, at: int, code: Codebase) -> list[Piece]:
    """What is wrong near the cursor: names that nothing defines."""
    if doc.language != "python" or doc.tree is None or doc.tree.has_error():
        return []
    line = doc.text.line_at(at)
    found = [
        finding.message
        for finding in await problems.names(doc, code)
        if 0 < abs(doc.text.line_at(finding.start) - line) <= _LINES_AROUND
    ]
    if not found:
        return []
    sign = comment_sign(doc.language)
    return [Piece("problem", "", "\n".join(f"{sign} {message}" for message in found[:3]), 0.45)]


def _names(piece: Piece, roots: Sequence[Path]) -> tuple[str, ...]:
    """What path rules are told of a piece: all names of the document whose text it is."""
    if piece.path is None and not piece.uri:
        return ()
    return tuple(filter(None, (piece.name, *rule_paths(piece.path, piece.uri, roots))))


def comment_sign(language: str) -> str:
    """What starts a comment in `language`, or what a model takes for it where that is not known."""
    known = language_named(language)
    return known.comment if known is not None and known.comment else "#"


def _bound_as(imported: Import) -> str:
    return imported.alias or imported.name or imported.module.partition(".")[0]


def _is_from(path: Path, imported: Import) -> bool:
    """Whether an import may lead to `path`."""
    parts = [part for part in imported.module.split(".") if part]
    if not parts:
        return True
    stem = path.parent.name if path.stem == "__init__" else path.stem
    return stem == parts[-1] or parts[-1] in path.parts


def _owner(member: IndexedSymbol) -> str:
    return member.symbol.container.rsplit(".", 1)[-1]


def _is_public(symbol: IndexedSymbol) -> bool:
    return not symbol.symbol.name.startswith("_") and symbol.symbol.kind is not SymbolKind.VARIABLE
