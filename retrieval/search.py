"""Hybrid search in one store: the pool of candidates from full text, names, paths and vectors, ordered.

A learned model orders it (`rerank.py`). The pool's own order, by the ranks that its sources gave, is what is
left when the model is switched off.
"""

from __future__ import annotations

import asyncio
import logging
import re
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from devflow.retrieval.base import Hit, VectorSearch
from devflow.retrieval.nearness import FACTS, Nearness
from devflow.retrieval.open_root import OpenRoot
from devflow.retrieval.pool import SOURCES, Pool, pool_of, read
from devflow.retrieval.query import Analysed, Kind
from devflow.retrieval.reports import beside_the_code, worth_to_report
from devflow.retrieval.rerank import Candidate, covered, features_unread, load_model, read_into, scores

if TYPE_CHECKING:
    import numpy as np

log = logging.getLogger(__name__)

_WORD = re.compile(r"\w+")

_MOST_READ = 50
"""Candidates whose text is read: the best by what is known without it. Reading and weighing 120 took two
thirds of the time of a search; on 1,465 questions 40 reached what all reach, to the fourth digit."""
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
_NOTHING = "Nothing in the index has any of its words."
_FUNCTION_KINDS = ("function", "method", "constructor")


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """What may be switched, to measure what it is worth."""

    sources: frozenset[str] = SOURCES
    reranked: bool = True
    """Ordered by the learned model; else by reciprocal rank."""
    gated: bool = True
    per_file: int = 2
    facts: frozenset[str] = FACTS
    """What counts of files besides what they say: `imports`, `together` (both of open files), `lately`."""


@dataclass(frozen=True, slots=True)
class Searched:
    """Hits, best first, or none with the reason."""

    hits: tuple[Hit, ...]
    reason: str = ""
    """One sentence, when search was not worth its while."""


async def search_root(
    root: OpenRoot,
    vectors: VectorSearch | None,
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
            pool_of(
                root, vectors, query, None if deadline is None else deadline * _FOR_SOURCES, options.sources
            ),
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
        await read(root.store, [pool.order[row] for row in promising[:most]])
        rows = sorted(row for row in promising[:most] if pool.order[row].text)
        found = await asyncio.to_thread(_ordered, root.path, pool, matrix, added, rows, limit, options)
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


def _by_promise(pool: Pool, added: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """What is known of the candidates without their text, and their places in the order that this gives."""
    import numpy as np

    matrix = features_unread(pool.query, pool.weights, pool.order, pool.mentioned)
    named = np.array([_named_in_full(pool.query, each) for each in pool.order])
    return matrix, (-_learned(pool, matrix) - named - added).argsort(kind="stable").tolist()


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
    if query.kind in _IN_WORDS:
        return _A_WORD * longest_run(query.words, each.text)
    return _named_in_full(query, each)


def _named_in_full(query: Analysed, each: Candidate) -> float:
    """As `_said_in_full`, of what is known before its text is read."""
    if query.kind == Kind.NAME and query.dotted:
        return _IN_FULL * _is_named(each, query.dotted)
    if query.kind == Kind.PATH:
        return _IN_FULL * any(f"/{each.path}".endswith(f"/{path}") for path in query.paths)
    return 0.0


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
        return "" if named else "Nothing in the index has that name or word."
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
