"""Hybrid search in one store: full text, vectors and symbol names, fused by reciprocal rank.

Fusion is RRF (Cormack, Clarke and Büttcher, SIGIR 2009) with a weight per retriever and floors: a
retriever's far-off candidates do not count, because a rank alone cannot say "nothing fits".
"""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiosqlite

from devflow.retrieval.base import Hit, VectorSearch
from devflow.retrieval.store import Reader
from devflow.retrieval.words import STOP_WORDS, identifiers, parts, query_words, words

log = logging.getLogger(__name__)

_K = 60
_WEIGHTS = {"text": 1.0, "vectors": 0.4, "symbols": 0.8}
_NAME_WORDS = 5
"""A query of so few words may be a name written in words; in a longer one, names are mentioned by the way."""
_SYMBOLS_IN_A_SENTENCE = 0.2
_DEPTH = 60
"""Candidates asked of each retriever."""
_TEXT_FLOOR = 0.3
"""Share of the best bm25 score below which a chunk does not count."""
_SIMILARITY_FLOOR = 0.2
_PER_FILE = 2
_MOST_WORDS = 32
_FUNCTION_KINDS = ("function", "method", "constructor")

_CHUNK = (
    'SELECT c.id, f.path, c.start, c."end", c.first_line, c.last_line, c.symbol, c.kind, c.text '
    "FROM chunks c JOIN files f ON f.id = c.file "
)


async def search_root(
    store: Reader,
    root: Path,
    vectors: VectorSearch | None,
    query: str,
    limit: int,
    deadline: float | None,
) -> list[Hit]:
    """The best chunks of one root, at most two a file. What has not answered after `deadline` seconds
    is left out. Scores lie between 0 and 1: 1 is first with every retriever."""
    if not query.strip() or limit < 1:
        return []
    tasks: dict[str, asyncio.Task[list[int]]] = {
        "text": asyncio.create_task(_by_text(store, query)),
        "symbols": asyncio.create_task(_by_symbol(store, query)),
    }
    if vectors is not None:
        tasks["vectors"] = asyncio.create_task(_by_vector(vectors, root, query))
    try:
        await asyncio.wait(tasks.values(), timeout=deadline)
        ranked: dict[str, list[int]] = {}
        for name, task in tasks.items():
            if not task.done():
                continue
            try:
                ranked[name] = task.result()
            except (sqlite3.Error, OSError) as error:
                log.warning("search by %s failed: %s", name, error)
    finally:
        for task in tasks.values():
            task.cancel()
        # Their cancellation is awaited in the background: the deadline is for the caller.
        cleanup = asyncio.gather(*tasks.values(), return_exceptions=True)
        if all(task.done() for task in tasks.values()):
            await cleanup
    fused = _fuse(ranked, _weights(query))
    async with store.snapshot() as db:
        if db is None:
            return []
        found = await _chunks(db, root, list(fused)[: 4 * limit + 20])
    hits: list[Hit] = []
    per_file: dict[Path, int] = {}
    for id_, (score, sources) in fused.items():
        hit = found.get(id_)
        if hit is None or per_file.get(hit.path, 0) >= _PER_FILE or _inside_another(hit, hits):
            continue
        per_file[hit.path] = per_file.get(hit.path, 0) + 1
        hits.append(replace(hit, score=score, sources=sources))
        if len(hits) == limit:
            break
    return hits


async def similar_in_root(store: Reader, root: Path, text: str, limit: int) -> list[Hit]:
    """Functions whose words come in the same order; the score is the Jaccard index of word triples. Copies
    share their rare words, so full text finds them; asked for every function of every document that is
    opened, vectors would never get out of memory."""
    ids = await _by_text(store, " ".join(_telling(text)), floor=0.0)
    wanted = _triples(text)
    hits = []
    async with store.snapshot() as db:
        if db is None:
            return []
        for hit in (await _chunks(db, root, ids, _FUNCTION_KINDS)).values():
            other = _triples(hit.text)
            common = len(wanted & other)
            if common:
                score = common / (len(wanted) + len(other) - common)
                hits.append(replace(hit, score=score, sources=("text",)))
    return sorted(hits, key=lambda hit: -hit.score)[:limit]


async def _by_text(store: Reader, query: str, floor: float = _TEXT_FLOOR) -> list[int]:
    wanted = query_words(query)[:_MOST_WORDS]
    if not wanted:
        return []
    match = " OR ".join(f'"{word}"' for word in wanted)
    async with store.snapshot() as db:
        if db is None:
            return []
        rows = await db.execute_fetchall(
            "SELECT rowid, bm25(fts, 1.0, 3.0, 1.5) FROM fts WHERE fts MATCH ? ORDER BY 2 LIMIT ?",
            (match, _DEPTH),
        )
    # bm25() is negative: the smaller the better.
    scored = [(row[0], row[1]) for row in rows]
    return [id_ for id_, score in scored if score <= floor * scored[0][1]]


async def _by_symbol(store: Reader, query: str) -> list[int]:
    """Chunks that define what the query names: as one word, or as neighbouring words joined."""
    names = [name for name in identifiers(query) if name.lower() not in STOP_WORDS and len(name) > 2]
    alone = len(names) == 1
    # A plain word of a sentence ("index", "open") is a name only when it looks like one.
    wanted = [name.lower() for name in names if alone or len(parts(name)) > 1 or name[0].isupper()]
    plain = [name.lower() for name in names]
    for size in (5, 4, 3, 2):
        for at in range(len(plain) - size + 1):
            wanted += ["_".join(plain[at : at + size]), "".join(plain[at : at + size])]
    if not wanted:
        return []
    order = {name: place for place, name in enumerate(dict.fromkeys(wanted))}
    async with store.snapshot() as db:
        if db is None:
            return []
        rows = await db.execute_fetchall(
            "SELECT c.id, s.lower, s.kind, length(s.container) FROM json_each(?) w "
            "JOIN symbols s ON s.lower = w.value "
            'JOIN chunks c ON c.file = s.file AND c.start <= s.name_start AND c."end" > s.name_start '
            "WHERE s.kind NOT IN ('variable', 'parameter') LIMIT 500",
            (json.dumps(list(order)),),
        )
    ranked = sorted(
        rows, key=lambda row: (order[row[1]], row[2] not in ("class", "function"), row[3], row[0])
    )
    return list(dict.fromkeys(row[0] for row in ranked))[:_DEPTH]


async def _by_vector(vectors: VectorSearch, root: Path, query: str) -> list[int]:
    near = await vectors.nearest(root, query, _DEPTH)
    return [id_ for id_, similarity in near if similarity >= _SIMILARITY_FLOOR]


def _weights(query: str) -> dict[str, float]:
    if len(query_words(query)) <= _NAME_WORDS:
        return _WEIGHTS
    return _WEIGHTS | {"symbols": _SYMBOLS_IN_A_SENTENCE}


def _fuse(
    ranked: dict[str, list[int]], weights: dict[str, float]
) -> dict[int, tuple[float, tuple[str, ...]]]:
    """Chunk id → (score, who found it), best first."""
    scores: dict[int, float] = {}
    sources: dict[int, list[str]] = {}
    for name, ids in ranked.items():
        for place, id_ in enumerate(ids):
            scores[id_] = scores.get(id_, 0.0) + weights[name] / (_K + place + 1)
            sources.setdefault(id_, []).append(name)
    best = sum(weights.values()) / (_K + 1)
    order = sorted(scores, key=lambda id_: (-scores[id_], id_))
    return {id_: (scores[id_] / best, tuple(sources[id_])) for id_ in order}


async def _chunks(
    db: aiosqlite.Connection, root: Path, ids: Sequence[int], kinds: Iterable[str] = ()
) -> dict[int, Hit]:
    rows = await db.execute_fetchall(
        _CHUNK + "WHERE c.id IN (SELECT value FROM json_each(?))", (json.dumps(list(ids)),)
    )
    wanted = set(kinds)
    return {row[0]: _hit(root, tuple(row)) for row in rows if not wanted or row[7] in wanted}


def _hit(root: Path, row: tuple[Any, ...]) -> Hit:
    _, path, start, end, first_line, last_line, symbol, _, text = row
    return Hit(root / path, start, end, first_line, last_line, symbol, text, 0.0, ())


def _inside_another(hit: Hit, hits: Sequence[Hit]) -> bool:
    return any(other.path == hit.path and other.start < hit.end and hit.start < other.end for other in hits)


def _telling(text: str) -> list[str]:
    """The words of a function that are likely rare elsewhere: long names first, each once."""
    return sorted(set(query_words(text)), key=lambda word: (-len(word), word))[: _MOST_WORDS // 2]


def _triples(text: str) -> set[tuple[str, ...]]:
    found = words(text)
    return {tuple(found[at : at + 3]) for at in range(len(found) - 2)}
