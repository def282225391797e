"""Names inside strings and comments: `module.Class.method` in a docstring, Sphinx roles, settings that
hold a dotted path. Code that a string interpolates is code and not handled here."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from devflow.analysis.document import Document
from devflow.analysis.facts import Location, Symbol, SymbolKind
from devflow.server.assist.base import Codebase
from devflow.server.assist.certain_names import is_name_in_string
from devflow.server.assist.found import INDEX_SECONDS, Found, same_family
from devflow.server.assist.named_files import file_named, string_at
from devflow.server.assist.outline import recent_symbols
from devflow.server.assist.receivers import enclosing_classes
from devflow.server.assist.resolve import guesses, today
from devflow.server.assist.static_names import named_by_scopes, static_dotted
from devflow.server.assist.waiting import within

_ADDRESS = re.compile(r"(?:(?:https?|ftp|file|wss?)://|www\.|@)[^\s'\"<>`]*$")


@dataclass(frozen=True, slots=True)
class Mention:
    """A dotted name in prose up to the word at the cursor."""

    parts: tuple[str, ...]
    start: int
    """Where the name begins."""


def mention_at(doc: Document, at: int) -> Mention | None:
    """The dotted name whose part the cursor is on; None in addresses, and for plain words of prose."""
    start, end = doc.text.word_at(at)
    source = doc.text.source
    if start == end or source[start].isdigit():
        return None
    begin = start
    while begin > 0 and (source[begin - 1] in "._" or source[begin - 1].isalnum()):
        begin -= 1
    line = doc.text.line_before(begin)
    if _ADDRESS.search(line) or source[begin - 1 : begin] == "/" or source[end : end + 3] == "://":
        return None
    written = source[begin:end]
    parts = tuple(part for part in written.split(".") if part)
    while parts and not parts[0].isidentifier():
        parts = parts[1:]  # `{0.name}` of a format string
    before = line.rstrip("~!.")
    marked = before.endswith("`")
    if not parts or not all(part.isidentifier() for part in parts):
        return None
    followed = source[end : end + 1] == "." and source[end + 1 : end + 2].isidentifier()
    dotted = "." in written or followed
    return Mention(parts, begin) if dotted or marked else None


async def named_in_prose(doc: Document, at: int, code: Codebase) -> list[Found]:
    """What a name written in a string or a comment stands for; [] when it is just a word."""
    if (spot := string_at(doc, at)) is not None:
        written = doc.text.source[spot[0] : spot[1]]
        path = await asyncio.to_thread(file_named, written, doc, code.roots)
        if path is not None:
            symbol = Symbol(path.name, SymbolKind.MODULE, 0, 0, 0, 0, "", f"file {path.name}")
            return [Found(symbol, Location(path, 0, 0), 100, "files")]
    if (field := await named_by_scopes(doc, at, code)) is not None:
        return [field]
    mention = mention_at(doc, at)
    if mention is None and await is_name_in_string(doc, at, code):
        start, end = doc.text.word_at(at)
        mention = Mention((doc.text.source[start:end],), start)
    if mention is None:
        return []
    parts = list(mention.parts)
    if (found := await static_dotted(doc, at, parts, code)) is not None:
        return [found]
    here = await asyncio.to_thread(recent_symbols, doc, code.memory)
    around = [each.name for each in enclosing_classes(at, here)]
    owner = parts[-2] if len(parts) > 1 else ""
    if owner in ("self", "cls", "this"):
        owner = around[0] if around else ""
    named = [Found(each, None, 0, "document") for each in here if each.name == parts[-1]]
    if doc.path is not None:
        path = doc.path
        named = [replace(each, location=_place(path, each)) for each in named]
    if code.index is not None:
        for each in await within(code.index.symbols_named(parts[-1]), INDEX_SECONDS) or []:
            if each.path != doc.path and same_family(each.language, doc.language):
                named.append(
                    Found(
                        each.symbol,
                        Location(each.path, each.symbol.name_start, each.symbol.name_end),
                        0,
                        "index",
                    )
                )
    fitting = [
        replace(each, score=score) for each in named if (score := _fit(each, parts, owner, around)) > 0
    ]
    if fitting:
        fitting.sort(key=lambda each: -each.score)
        best = [each for each in fitting if each.score == fitting[0].score][:10]
        return [await today(each, code) for each in best]
    if parts[0].isupper():
        return []
    return await guesses(parts[-1], ".".join(parts[:-1]), named, doc, at, code)


def _place(path: Path, found: Found) -> Location:
    return Location(path, found.symbol.name_start, found.symbol.name_end)


def _fit(found: Found, parts: Sequence[str], owner: str, around: Sequence[str]) -> int:
    """How well a symbol fits the dotted path it was mentioned by; 0: only its name does."""
    symbol = found.symbol
    inside = symbol.container.split(".") if symbol.container else []
    if not owner:
        if inside and inside[-1] in around:
            return 100
        if not inside:
            return 90 if found.source == "document" else 80
        return 0
    if inside and inside[-1] == owner:
        return 100
    if not inside and found.location is not None:
        path = found.location.path
        if owner in (path.stem, path.parent.name if path.stem in ("__init__", "index", "mod") else path.stem):
            return 90
        folders = set(path.parts[-6:])
        if all(part in folders or part == path.stem for part in parts[:-1]):
            return 70  # a package that brings the name in from inside
    return 0
