"""The candidates of one query in one store: the sources are asked at once, and reciprocal rank fusion
(Cormack, Clarke and Büttcher, SIGIR 2009) makes one pool of what they found."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from devflow.retrieval import candidates as sources
from devflow.retrieval.base import VectorSearch
from devflow.retrieval.candidates import Found
from devflow.retrieval.open_root import OpenRoot
from devflow.retrieval.query import Analysed, Kind, analysed
from devflow.retrieval.rerank import Candidate
from devflow.retrieval.store import Reader

log = logging.getLogger(__name__)

SOURCES = frozenset(("text", "symbols", "paths", "vectors"))
_K = 60
_WEIGHTS = {"text": 1.0, "vectors": 0.4, "symbols": 0.8, "paths": 0.6}
_SYMBOLS_IN_A_SENTENCE = 0.2
_POOL = {Kind.REPORT: 260}
_USUAL_POOL = 120
_CANDIDATES = (
    'SELECT p.id, p.file, f.path, p.start, p."end", p.first_line, p.last_line, p.symbol, p.kind '
    "FROM json_each(?) w JOIN pieces p ON p.id = w.value JOIN files f ON f.id = p.file"
)
_READ = (
    "SELECT c.id, c.text, s.name, s.signature, s.doc, a.times FROM json_each(?) w "
    "JOIN chunks c ON c.id = w.value LEFT JOIN symbols s ON s.id = (SELECT t.id FROM symbols t WHERE "
    't.file = c.file AND t.start >= c.start AND t.start < c."end" ORDER BY t.start LIMIT 1) '
    "LEFT JOIN attributes a ON a.name = s.name"
)


@dataclass(frozen=True, slots=True)
class Pool:
    """The candidates of one query and what is known of the query; `order` is by reciprocal rank."""

    query: Analysed
    weights: Mapping[str, float]
    order: tuple[Candidate, ...]
    fused: Mapping[int, float]
    mentioned: Mapping[int, float]
    with_vectors: bool


@dataclass(slots=True)
class _Asked:
    """A query, with what the sources find out about it on their way."""

    query: Analysed
    weights: Mapping[str, float] = field(default_factory=dict)
    mentioned: dict[int, float] = field(default_factory=dict)


async def pool_of(
    root: OpenRoot,
    vectors: VectorSearch | None,
    query: str,
    seconds: float | None,
    chosen: frozenset[str] = SOURCES,
) -> Pool:
    """The candidates of a query, from every one of the chosen sources that answered within `seconds`."""
    asked = _Asked(analysed(query))
    asking = _sources(root, vectors, query, asked)
    tasks = {name: asyncio.create_task(ask()) for name, ask in asking.items() if name in chosen}
    found: dict[str, Found] = {}
    try:
        await asyncio.wait(tasks.values(), timeout=seconds)
        for name, task in tasks.items():
            if not task.done():
                continue
            try:
                found[name] = task.result()
            except (sqlite3.Error, OSError) as error:
                log.warning("search by %s failed: %s", name, error)
    finally:
        for task in tasks.values():
            task.cancel()
        # Their cancellation is awaited in the background: the deadline is for the caller.
        cleanup = asyncio.gather(*tasks.values(), return_exceptions=True)
        if all(task.done() for task in tasks.values()):
            await cleanup
    fused = _fuse(found, asked.query)
    best = list(fused)[: _POOL.get(asked.query.kind, _USUAL_POOL)]
    rows = await root.store.rows(_CANDIDATES, (json.dumps(best),))
    return Pool(
        asked.query,
        asked.weights or dict(asked.query.terms),
        _candidates(rows, best, found),
        fused,
        asked.mentioned,
        bool(found.get("vectors", Found([], [])).ids),
    )


async def read(store: Reader, candidates: Iterable[Candidate]) -> None:
    """Have the text of candidates read, and what the symbol they define says; of one that is not in the
    store any more the text stays empty."""
    wanted = {each.id: each for each in candidates if not each.text}
    # By id, and so by file: the text of a file is unpacked once.
    for id_, text, name, signature, doc, times in await store.rows(_READ, (json.dumps(sorted(wanted)),)):
        candidate = wanted[id_]
        candidate.text = text
        if name is not None and candidate.symbol.rpartition(".")[2] == name:
            candidate.signature, candidate.doc, candidate.known = signature, doc, times or 0


def _sources(
    root: OpenRoot, vectors: VectorSearch | None, query: str, asked: _Asked
) -> Mapping[str, Callable[[], Coroutine[Any, Any, Found]]]:
    async def by_text() -> Found:
        async with root.store.snapshot() as db:
            if db is None:
                return Found([], [])
            counts = await root.frequencies.of(db, list(asked.query.terms))
            asked.weights = weights = sources.weights_of(asked.query, counts, root.frequencies.total)
            telling = sources.asked_words(asked.query, counts, weights)
            return await sources.by_text(db, asked.query, telling, counts)

    async def by_path() -> Found:
        if not asked.query.paths and not asked.query.dotted:
            return Found([], [])
        async with root.store.snapshot() as db:
            if db is None:
                return Found([], [])
            asked.mentioned = await sources.files_mentioned(db, root.paths, asked.query)
            return await sources.by_path(db, asked.mentioned)

    asking: dict[str, Callable[[], Coroutine[Any, Any, Found]]] = {
        "text": by_text,
        "symbols": lambda: sources.by_symbol(root.store, asked.query),
        "paths": by_path,
    }
    if vectors is not None:
        asking["vectors"] = lambda: sources.by_vector(vectors, root.path, query)
    return asking


def _fuse(found: Mapping[str, Found], query: Analysed) -> dict[int, float]:
    """Chunk id → score, best first; 1 is first with every source."""
    weights = dict(_WEIGHTS)
    if query.kind in (Kind.QUESTION, Kind.REPORT) and len(query.terms) > 5:
        weights["symbols"] = _SYMBOLS_IN_A_SENTENCE
    fused: dict[int, float] = {}
    for name, each in found.items():
        for place, id_ in enumerate(each.ids, 1):
            fused[id_] = fused.get(id_, 0.0) + weights[name] / (_K + place)
    best = sum(weights.values()) / (_K + 1)
    return {id_: fused[id_] / best for id_ in sorted(fused, key=lambda id_: (-fused[id_], id_))}


def _candidates(
    rows: Sequence[Sequence[Any]], chosen: Sequence[int], found: Mapping[str, Found]
) -> tuple[Candidate, ...]:
    ranks: dict[int, dict[str, int]] = {}
    for source, each in found.items():
        for place, id_ in enumerate(each.ids):
            ranks.setdefault(id_, {})[source] = place
    text = _by_id(found.get("text"))
    similar = _by_id(found.get("vectors"))
    made: dict[int, Candidate] = {}
    for row in rows:
        candidate = Candidate(*row)
        candidate.text_score = text.get(candidate.id, 0.0)
        candidate.similarity = similar.get(candidate.id, 0.0)
        candidate.ranks = ranks.get(candidate.id, {})
        made[candidate.id] = candidate
    return tuple(made[id_] for id_ in chosen if id_ in made)


def _by_id(found: Found | None) -> dict[int, float]:
    return dict(zip(found.ids, found.scores, strict=True)) if found else {}
