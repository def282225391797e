"""Hybrid search in one store: candidates from full text, names, paths and vectors, fused and ordered.

The sources are asked at once; reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009) makes one
pool of what they found, each with a floor of its own, and a learned model orders it (`rerank.py`). Fusion by
rank alone is what is left when the model is switched off.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiosqlite

from devflow.retrieval import candidates as sources
from devflow.retrieval.base import Hit, VectorSearch
from devflow.retrieval.candidates import Found, Frequencies
from devflow.retrieval.nearness import FACTS, Nearness
from devflow.retrieval.paths import Paths
from devflow.retrieval.query import Analysed, Kind, analysed
from devflow.retrieval.reports import beside_the_code, worth_to_report
from devflow.retrieval.rerank import Candidate, covered, features_unread, load_model, read_into, scores
from devflow.retrieval.store import Reader
from devflow.retrieval.words import query_words, words

if TYPE_CHECKING:
    import numpy as np

log = logging.getLogger(__name__)

_WORD = re.compile(r"\w+")

_K = 60
_WEIGHTS = {"text": 1.0, "vectors": 0.4, "symbols": 0.8, "paths": 0.6}
_SYMBOLS_IN_A_SENTENCE = 0.2
_POOL = {Kind.REPORT: 260}
_USUAL_POOL = 120
_MOST_READ = 50
"""Candidates whose text is read: the best by what is known without it. Reading and weighing 120 took two
thirds of the time of a search; on 1,465 questions 40 reached what all reach, to the fourth digit."""
_PER_FILE = 2
_FOR_SOURCES = 0.7
"""Share of the deadline that the sources have; reading and ordering what they found takes the rest."""
_FOR_NEARNESS = 0.1
"""Share of the deadline that is waited for what is near, after the sources have answered."""
_SHARED, _ALIKE, _LOOKED_AT = 0.08, 0.3, 10
"""Share of a question's weight that one of the first hits must have, unless the best is so similar."""
_IN_FULL = 20.0
"""What a name that is given in full adds to the learned score: more than all else together."""
_A_WORD = 1.0
"""What each word adds that stands in the query and in the code in the same order, from the fourth on."""
_IN_WORDS = (Kind.QUESTION, Kind.ERROR)
_MOST_SIMILAR, _MOST_SIMILAR_WORDS = 60, 16
_NOTHING = "Nothing in the index has any of its words."
_FUNCTION_KINDS = ("function", "method", "constructor")

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
_CHUNK = (
    'SELECT c.id, f.path, c.start, c."end", c.first_line, c.last_line, c.symbol, c.kind, c.text '
    "FROM chunks c JOIN files f ON f.id = c.file "
)


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """What may be switched, to measure what it is worth."""

    sources: frozenset[str] = frozenset(("text", "symbols", "paths", "vectors"))
    reranked: bool = True
    """Ordered by the learned model; else by reciprocal rank."""
    gated: bool = True
    per_file: int = _PER_FILE
    facts: frozenset[str] = FACTS
    """What counts of files besides what they say: `imports`, `together` (both of open files), `lately`."""


@dataclass(frozen=True, slots=True)
class Searched:
    """Hits, best first, or none with the reason."""

    hits: tuple[Hit, ...]
    reason: str = ""
    """One sentence, when search was not worth its while."""


@dataclass(frozen=True, slots=True)
class Pool:
    """The candidates of one query and what is known of the query; `order` is by reciprocal rank."""

    query: Analysed
    weights: Mapping[str, float]
    order: tuple[Candidate, ...]
    fused: Mapping[int, float]
    mentioned: Mapping[int, float]
    with_vectors: bool


async def search_root(
    store: Reader,
    root: Path,
    vectors: VectorSearch | None,
    frequencies: Frequencies,
    paths: Paths,
    query: str,
    limit: int,
    deadline: float | None,
    options: SearchOptions = SearchOptions(),  # frozen
    nearness: Callable[[], Awaitable[Nearness]] | None = None,
) -> Searched:
    """The best chunks of one root, at most `per_file` of a file. What has not answered after `deadline`
    seconds is left out, `nearness` too. Scores lie between 0 and 1."""
    if not query.strip() or limit < 1:
        return Searched((), "The query is empty.")
    telling = asyncio.ensure_future(nearness()) if nearness is not None and options.reranked else None
    try:
        pool, _ = await asyncio.gather(
            pool_of(store, root, vectors, frequencies, paths, query, deadline, options),
            # The first search of a process imports numpy meanwhile.
            asyncio.to_thread(load_model),
        )
        added = await _added(pool, telling, deadline, options)
    finally:
        if telling is not None:
            telling.cancel()
    if not pool.order:
        return Searched((), _NOTHING)
    matrix, promising = await asyncio.to_thread(_by_promise, pool, added)
    most = (
        max(_MOST_READ, 4 * limit) if options.reranked and pool.query.kind != Kind.REPORT else len(promising)
    )
    while True:
        await read(store, [pool.order[row] for row in promising[:most]])
        rows = sorted(row for row in promising[:most] if pool.order[row].text)
        found = await asyncio.to_thread(_ordered, root, pool, matrix, added, rows, limit, options)
        # A few files may have all that was read, and give two hits each.
        if len(found.hits) >= limit or found.reason or most >= len(promising):
            return found
        most = len(promising)


async def _added(
    pool: Pool, telling: asyncio.Future[Nearness] | None, deadline: float | None, options: SearchOptions
) -> np.ndarray:
    """What nearness adds to the score of each candidate; nothing, where it is not told in time."""
    import numpy as np

    if telling is not None:
        await asyncio.wait({telling}, timeout=None if deadline is None else deadline * _FOR_NEARNESS)
        if telling.done():
            try:
                return np.array(telling.result().added([each.path for each in pool.order], options.facts))
            except (sqlite3.Error, OSError) as error:
                log.warning("search without what is near: %s", error)
    return np.zeros(len(pool.order))


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


async def pool_of(
    store: Reader,
    root: Path,
    vectors: VectorSearch | None,
    frequencies: Frequencies,
    paths: Paths,
    query: str,
    deadline: float | None,
    options: SearchOptions,
) -> Pool:
    """The candidates of a query, from every source that answered in time."""
    asked = analysed(query)
    shared: dict[str, Any] = {"weights": {}, "mentioned": {}}
    tasks: dict[str, asyncio.Task[Found]] = {}
    for name, coroutine in _asking(store, root, vectors, frequencies, paths, query, asked, shared).items():
        if name in options.sources:
            tasks[name] = asyncio.create_task(coroutine)
        else:
            coroutine.close()
    found: dict[str, Found] = {}
    try:
        await asyncio.wait(tasks.values(), timeout=None if deadline is None else deadline * _FOR_SOURCES)
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
    fused = _fuse(found, asked)
    chosen = list(fused)[: _POOL.get(asked.kind, _USUAL_POOL)]
    rows = await store.rows(_CANDIDATES, (json.dumps(chosen),))
    return Pool(
        asked,
        shared["weights"] or dict(asked.terms),
        _candidates(rows, chosen, found),
        fused,
        shared["mentioned"],
        bool(found.get("vectors", Found([], [])).ids),
    )


def _asking(
    store: Reader,
    root: Path,
    vectors: VectorSearch | None,
    frequencies: Frequencies,
    paths: Paths,
    query: str,
    asked: Analysed,
    shared: dict[str, Any],
) -> Mapping[str, Coroutine[Any, Any, Found]]:
    async def by_text() -> Found:
        async with store.snapshot() as db:
            if db is None:
                return Found([], [])
            counts = await frequencies.of(db, list(asked.terms))
            shared["weights"] = sources.weights_of(asked, counts, frequencies.total)
            telling = sources.asked_words(asked, counts, shared["weights"])
            return await sources.by_text(db, asked, telling, counts)

    async def by_symbol() -> Found:
        return await sources.by_symbol(store, asked)

    async def by_path() -> Found:
        if not asked.paths and not asked.dotted:
            return Found([], [])
        async with store.snapshot() as db:
            if db is None:
                return Found([], [])
            shared["mentioned"] = await sources.files_mentioned(db, paths, asked)
            return await sources.by_path(db, shared["mentioned"])

    asking: dict[str, Coroutine[Any, Any, Found]] = {
        "text": by_text(),
        "symbols": by_symbol(),
        "paths": by_path(),
    }
    if vectors is not None:
        asking["vectors"] = sources.by_vector(vectors, root, query)
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


def _by_promise(pool: Pool, added: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """What is known of the candidates without their text, and their places in the order that this gives."""
    matrix = features_unread(pool.query, pool.weights, pool.order, pool.mentioned)
    return matrix, (-_learned(pool, matrix) - added).argsort(kind="stable").tolist()


def _learned(pool: Pool, matrix: np.ndarray) -> np.ndarray:
    return scores(matrix, vectors=pool.with_vectors, report=pool.query.kind == Kind.REPORT)


def _ordered(
    root: Path,
    pool: Pool,
    matrix: np.ndarray,
    added: np.ndarray,
    rows: Sequence[int],
    limit: int,
    options: SearchOptions,
) -> Searched:
    """The hits among those candidates of a pool that have been read: `rows`, of `matrix`
    and `added` as well."""
    if not rows:
        return Searched((), _NOTHING)
    candidates = [pool.order[row] for row in rows]
    order, given = candidates, [pool.fused[each.id] for each in candidates]
    if options.reranked:
        import numpy as np

        matrix = matrix[rows]
        read_into(matrix, pool.query, pool.weights, candidates)
        learned = (
            _learned(pool, matrix)
            + np.array([_said_in_full(pool.query, each) for each in candidates])
            + added[rows]
        )
        sure = 1 / (1 + np.exp(-learned / 2))
        if pool.query.kind == Kind.REPORT:
            sure = worth_to_report(learned, beside_the_code(candidates, pool.query.title))
        places = np.argsort(-sure, kind="stable")
        order = [candidates[place] for place in places]
        given = [float(sure[place]) for place in places]
    if options.gated and (reason := _not_worth_it(pool, order)):
        return Searched((), reason)
    hits: list[Hit] = []
    per_file: dict[str, int] = {}
    named: set[tuple[str, str]] = set()
    for each, score in zip(order, given, strict=True):
        whole = (each.path, each.symbol)
        # Parts of one large function are one answer.
        if per_file.get(each.path, 0) >= options.per_file or (
            each.kind in _FUNCTION_KINDS and whole in named
        ):
            continue
        per_file[each.path] = per_file.get(each.path, 0) + 1
        named.add(whole)
        hits.append(_hit(root, each, score))
        if len(hits) == limit:
            break
    return Searched(tuple(hits))


def _said_in_full(query: Analysed, each: Candidate) -> float:
    """What is added to the learned score of what a query gives in full: its name, its path, its words."""
    if query.kind == Kind.NAME and query.dotted:
        return _IN_FULL * _is_named(each, query.dotted)
    if query.kind == Kind.PATH:
        return _IN_FULL * any(f"/{each.path}".endswith(f"/{path}") for path in query.paths)
    return _A_WORD * longest_run(query.words, each.text) if query.kind in _IN_WORDS else 0.0


def _is_named(each: Candidate, dotted: Sequence[str]) -> bool:
    """Whether one of `dotted` is the name of the chunk, written with what it is in: `Session.get`,
    `sessions.Session.get`; or that of its file, whose first chunk it is."""
    if not each.symbol and "paths" not in (each.ranks or ()):
        return False
    folder, _, file = each.path.rpartition("/")
    module = f"{folder}/{file.partition('.')[0]}".removesuffix("/__init__")
    full = f"/{module}/{each.symbol}".rstrip("/").replace("/", ".").lower()
    return any(full.endswith(f".{name.lower()}") for name in dotted)


def longest_run(asked: Sequence[str], text: str) -> int:
    """How many words more than three, one after the other, `text` has as they stand in `asked`."""
    places: dict[tuple[str, ...], list[int]] = {}
    for at in range(len(asked) - 3):
        places.setdefault(tuple(asked[at : at + 4]), []).append(at)
    if not places:
        return 0
    found = _WORD.findall(text.lower())
    best = 0
    for at in range(len(found) - 3):
        for start in places.get(tuple(found[at : at + 4]), ()):
            size = 4
            while found[at + size : at + size + 1] == asked[start + size : start + size + 1] != []:
                size += 1
            best = max(best, size - 3)
    return best


def _not_worth_it(pool: Pool, order: Sequence[Candidate]) -> str:
    """Why what was found would not help, "" where it may: what shares hardly a word with a question and means
    something else, is noise to a reader and to a model (the gate of Repoformer, Wu et al., ICML 2024, judged
    by what was found). So is what only resembles a name that nothing has."""
    if order[0].similarity >= _ALIKE:
        return ""
    if pool.query.kind == Kind.NAME:
        named = any({"text", "symbols", "paths"} & set(each.ranks or ()) for each in pool.order)
        return "" if named else "Nothing in the index has that name, or the word."
    if pool.query.kind != Kind.QUESTION or {"symbols", "paths"} & set(order[0].ranks or ()):
        return ""
    least = _SHARED * (sum(pool.weights.values()) or 1.0)
    shares = any(covered(each, pool.weights) >= least for each in order[:_LOOKED_AT])
    return "" if shares else "What comes nearest shares hardly a word with the question."


def _hit(root: Path, each: Candidate, score: float) -> Hit:
    return Hit(
        path=root / each.path,
        start=each.start,
        end=each.end,
        first_line=each.first_line,
        last_line=each.last_line,
        symbol=each.symbol,
        text=each.text,
        score=score,
        sources=tuple(each.ranks or ()),
    )


async def similar_in_root(store: Reader, root: Path, text: str, limit: int) -> list[Hit]:
    """Functions whose words come in the same order; the score is the Jaccard index of word triples. Copies
    share their rare words, so full text finds them; asked for every function of every document that is
    opened, vectors would never get out of memory."""
    wanted = _triples(text)
    hits = []
    async with store.snapshot() as db:
        if db is None:
            return []
        telling = _telling(text)
        ids = [id_ for id_, _ in await sources.with_words(db, telling, _MOST_SIMILAR)] if telling else []
        for hit in (await _chunks(db, root, ids, _FUNCTION_KINDS)).values():
            other = _triples(hit.text)
            common = len(wanted & other)
            if common:
                score = common / (len(wanted) + len(other) - common)
                hits.append(replace(hit, score=score, sources=("text",)))
    return sorted(hits, key=lambda hit: -hit.score)[:limit]


async def _chunks(
    db: aiosqlite.Connection, root: Path, ids: Sequence[int], kinds: Iterable[str] = ()
) -> dict[int, Hit]:
    rows = await db.execute_fetchall(
        _CHUNK + "WHERE c.id IN (SELECT value FROM json_each(?))", (json.dumps(list(ids)),)
    )
    wanted = set(kinds)
    return {row[0]: _as_hit(root, tuple(row)) for row in rows if not wanted or row[7] in wanted}


def _as_hit(root: Path, row: tuple[Any, ...]) -> Hit:
    _, path, start, end, first_line, last_line, symbol, _, text = row
    return Hit(root / path, start, end, first_line, last_line, symbol, text, 0.0, ())


def _telling(text: str) -> list[str]:
    """The words of a function that are likely rare elsewhere: long names first, each once."""
    return sorted(set(query_words(text)), key=lambda word: (-len(word), word))[:_MOST_SIMILAR_WORDS]


def _triples(text: str) -> set[tuple[str, ...]]:
    found = words(text)
    return {tuple(found[at : at + 3]) for at in range(len(found) - 2)}
