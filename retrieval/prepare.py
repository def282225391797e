"""From a file's text to the rows of the store: everything that costs CPU and needs no database."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import PurePosixPath

from devflow.analysis.extract import extract
from devflow.analysis.facts import Reference
from devflow.analysis.languages import language_of
from devflow.analysis.text import Text, encode
from devflow.retrieval.packed import PackedUses, packed_text, packed_uses
from devflow.retrieval.walk import Source
from devflow.retrieval.words import indexed, initials, storable

SymbolRow = tuple[str, str | None, str, str, int, int, int, int, str, str, str, int]
ImportRow = tuple[str, str, str, int, int]


@dataclass(frozen=True, slots=True)
class PreparedChunk:
    """A chunk's row. `digest` covers what full text and vectors are made of: text and symbol."""

    start: int
    end: int
    first_line: int
    last_line: int
    symbol: str
    kind: str
    digest: bytes
    words: str
    """Its text as the full-text table takes it."""


@dataclass(frozen=True, slots=True)
class PreparedFile:
    """All rows of one file, without ids."""

    path: str
    language: str
    digest: bytes
    size: int
    mtime_ns: int
    """0 for the text of an open document: the next full walk reads the disk again."""
    symbols: list[SymbolRow]
    uses: PackedUses
    imports: list[ImportRow]
    chunks: list[PreparedChunk]
    text: bytes
    """Packed."""


def prepare(relative: str, source: Source, size: int, mtime_ns: int) -> PreparedFile:
    """Parse the text and lay out its rows."""
    path = PurePosixPath(relative)
    language = language_of(path)
    name = language.name if language else ""
    text = Text(source.text)
    facts = extract(text, name)
    # All names are pieces of the text: of an ASCII one they need no look.
    clean = str if source.text.isascii() else storable
    chunks = []
    for chunk in facts.chunks:
        piece = storable(text.source[chunk.start : chunk.end])
        if not piece.strip():
            continue
        end = max(chunk.start, chunk.end - 1)
        chunks.append(
            PreparedChunk(
                chunk.start,
                chunk.end,
                text.line_at(chunk.start),
                text.line_at(end),
                chunk.symbol,
                chunk.kind,
                hashlib.blake2b(encode(f"{chunk.symbol}\0{piece}"), digest_size=12).digest(),
                indexed(piece),
            )
        )
    return PreparedFile(
        path=relative,
        language=facts.language,
        digest=source.digest,
        size=size,
        mtime_ns=mtime_ns,
        symbols=[
            (
                clean(symbol.name),
                None if symbol.name.isascii() else clean(symbol.name.lower()),
                initials(symbol.name),
                str(symbol.kind),
                symbol.start,
                symbol.end,
                symbol.name_start,
                symbol.name_end,
                clean(symbol.container),
                clean(symbol.signature),
                clean(symbol.doc),
                text.line_at(symbol.name_start),
            )
            for symbol in facts.symbols
        ],
        uses=packed_uses(
            facts.references if clean is str else [_storable(use) for use in facts.references], text
        ),
        imports=[
            (clean(made.module), clean(made.name), clean(made.alias), made.start, made.end)
            for made in facts.imports
        ],
        chunks=chunks,
        text=packed_text(storable(text.source)),
    )


def _storable(use: Reference) -> Reference:
    return use._replace(
        name=storable(use.name), receiver=storable(use.receiver), container=storable(use.container)
    )


def path_words(relative: str) -> str:
    """A path as the full-text table takes it."""
    return indexed(relative)


def symbol_words(symbol: str) -> str:
    """A qualified name as the full-text table takes it."""
    return indexed(symbol)
