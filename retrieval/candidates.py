"""Where candidates come from: full text, names, paths and vectors, each ranked by itself.

A long query is not asked word by word: words that stand everywhere say little and cost most, so the telling
ones are asked, until what they would make the database look at is spent.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import aiosqlite

from devflow.retrieval.base import VectorSearch
from devflow.retrieval.freshness import Freshness
from devflow.retrieval.paths import Paths
from devflow.retrieval.query import Analysed, Kind
from devflow.retrieval.store import Reader
from devflow.retrieval.words import STOP_WORDS, parts

_TEXT_FLOOR = 0.15
"""Share of the best bm25 score below which a chunk does not count."""
_SIMILARITY_FLOOR = 0.1
_MOST_WORDS = {Kind.REPORT: 40}
_USUAL_WORDS = 24
_POSTINGS = {Kind.REPORT: 30_000}
_USUAL_POSTINGS = 6_000
_FEWEST_WORDS = 2
"""Entries of the full-text table that a query may look at, 1 to 1.5 µs each; so many words are asked for
anyhow. What frequent words say is counted when the candidates are ordered."""
_DEPTH = {Kind.REPORT: 220}
_USUAL_DEPTH = 100
_VECTORS = 100
_NAMES = 60
_FILES = 20
_MENTIONED = 50
"""Mentions that are followed, and files that one of them may mean."""
_FREQUENCIES_KEPT = 50_000


@dataclass(slots=True)
class Found:
    """What one source found: ids best first, and what it thinks of each."""

    ids: list[int]
    scores: list[float]


class Frequencies:
    """In how many chunks of one store a stem stands. Kept between queries: they change slowly."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}
        self._freshness = Freshness(rest=60.0, quick=0.0)
        self.total = 1

    async def of(self, db: aiosqlite.Connection, stems: Sequence[str]) -> dict[str, int]:
        """Stem → number of chunks, 0 for what stands nowhere."""
        async with self._freshness.reading(db) as changed:
            if changed:
                self._known.clear()
                [row] = await db.execute_fetchall("SELECT count(*) FROM pieces")
                self.total = max(1, row[0])
        missing = [each for each in stems if each not in self._known]
        if missing:
            if len(self._known) > _FREQUENCIES_KEPT:
                self._known = {each: self._known[each] for each in stems if each in self._known}
            rows = await db.execute_fetchall(
                "SELECT w.value, t.doc FROM json_each(?) w JOIN fts_terms t ON t.term = w.value",
                (json.dumps(missing),),
            )
            found = {row[0]: row[1] for row in rows}
            self._known.update((each, found.get(each, 0)) for each in missing)
        return {each: self._known[each] for each in stems}


def weights_of(query: Analysed, frequencies: dict[str, int], total: int) -> dict[str, float]:
    """Stem → what it says: its weight in the query times its inverse document frequency."""
    return {
        each: weight * math.log(1 + (total - frequencies[each] + 0.5) / (frequencies[each] + 0.5))
        for each, weight in query.terms.items()
    }


def asked_words(query: Analysed, frequencies: dict[str, int], weights: dict[str, float]) -> list[str]:
    """The words worth asking for, most telling first."""
    chosen: list[str] = []
    spent = 0
    most = _MOST_WORDS.get(query.kind, _USUAL_WORDS)
    budget = _POSTINGS.get(query.kind, _USUAL_POSTINGS)
    for each in sorted(query.terms, key=lambda term: -weights[term]):
        if not frequencies[each]:
            continue
        spent += frequencies[each]
        if len(chosen) >= _FEWEST_WORDS and spent > budget:
            break
        chosen.append(query.spelled[each])
        if len(chosen) == most:
            break
    return chosen


async def by_text(
    db: aiosqlite.Connection, query: Analysed, asked: Sequence[str], frequencies: dict[str, int]
) -> Found:
    """Chunks with the words asked for, by bm25."""
    if not asked:
        return Found([], [])
    depth = _DEPTH.get(query.kind, _USUAL_DEPTH)
    spent = sum(frequencies[each] for each, word in query.spelled.items() if word in asked)
    scored: list[tuple[int, float]] = []
    if 1 < len(asked) <= _FEWEST_WORDS and spent > _POSTINGS.get(query.kind, _USUAL_POSTINGS):
        # What has both of two frequent words comes before what has one (but for very long chunks), and is a
        # quarter of the work to weigh.
        scored = await with_words(db, asked, depth, "AND")
    if len(scored) < depth:
        scored = await with_words(db, asked, depth)
    best = scored[0][1] if scored else 0.0
    scored = [(id_, score) for id_, score in scored if score >= _TEXT_FLOOR * best]
    return Found([id_ for id_, _ in scored], [score for _, score in scored])


async def with_words(
    db: aiosqlite.Connection, asked: Sequence[str], limit: int, joined: str = "OR"
) -> list[tuple[int, float]]:
    """`(chunk id, bm25)` of the chunks that have any of the words, or all where `joined` is "AND"; best
    first."""
    rows = await db.execute_fetchall(
        "SELECT rowid, -bm25(fts, 1.0, 3.0, 1.5) AS score FROM fts WHERE fts MATCH ? ORDER BY 2 DESC LIMIT ?",
        (f" {joined} ".join(f'"{word}"' for word in asked), limit),
    )
    return [(row[0], row[1]) for row in rows]


async def by_symbol(store: Reader, query: Analysed) -> Found:
    """Chunks that define what the query names: as one word, or as neighbouring words joined. Names that few
    places define come first."""
    order = {name: place for place, name in reversed(list(enumerate(_wanted_names(query))))}
    if not order:
        return Found([], [])
    alone = query.kind == Kind.NAME
    owners = _owners(query) if alone else {}
    rows = await store.rows(
        "SELECT c.id, s.lower, s.kind, length(s.container), "
        "w.value <> '' AND ('.' || lower(s.container)) LIKE ('%.' || w.value) AS owned FROM json_each(?) w "
        "JOIN symbols s ON s.lower = w.key "
        'JOIN pieces c ON c.file = s.file AND c.start <= s.name_start AND c."end" > s.name_start '
        "WHERE s.kind NOT IN ('variable', 'parameter', 'field') "
        f"{'ORDER BY owned DESC' if owners else ''} LIMIT 1000",
        (json.dumps({name: owners.get(name, "") for name in order}),),
    )
    times = Counter(row[1] for row in rows)

    def key(row: Sequence[int | str]) -> tuple[object, ...]:
        rare = 0 if alone else int(math.log2(times[str(row[1])]))
        kind = row[2] not in ("class", "function", "interface")
        return not row[4], rare, order[str(row[1])], kind, row[3], row[0]

    ranked = sorted(rows, key=key)
    ids = list(dict.fromkeys(int(row[0]) for row in ranked))[:_NAMES]
    return Found(ids, [1 / (1 + place) for place in range(len(ids))])


def _owners(query: Analysed) -> dict[str, str]:
    """Name → what it is said to be in: `Session.get` asks for the `get` of a `Session`. In lower case."""
    steps = [each.lower().split(".") for each in query.dotted]
    return {each[-1]: each[-2] for each in steps if len(each) > 1}


def _wanted_names(query: Analysed) -> list[str]:
    wanted = [name.lower() for name in query.names[:80]]
    plain = [word for word in query.plain if len(word) > 1]
    if query.kind in (Kind.QUESTION, Kind.NAME):
        for size in (5, 4, 3, 2):
            for at in range(len(plain) - size + 1):
                wanted += ["_".join(plain[at : at + size]), "".join(plain[at : at + size])]
        useful = [word for word in plain if word not in STOP_WORDS]
        if useful != plain:
            for at in range(len(useful) - 1):
                wanted += ["_".join(useful[at : at + 2]), "".join(useful[at : at + 2])]
        if len(useful) <= 3:
            wanted += useful
    return [name for name in dict.fromkeys(wanted) if len(parts(name)) > 0 and len(name) > 2]


async def files_mentioned(db: aiosqlite.Connection, paths: Paths, query: Analysed) -> dict[int, float]:
    """File id → how much of its path the query mentions, 0 to 1; only what ends as mentioned."""
    mentions = [(path, path) for path in query.paths[:_FILES]]
    mentions += [(name, name.replace(".", "/")) for name in query.dotted[:_FILES]]
    await paths.update(db)
    found: dict[int, float] = {}
    for written, path in mentions:
        ends = _tails(path, exact=written == path)
        named = [(*file, end) for end in ends for file in paths.ending(end, _MENTIONED)][:_MENTIONED]
        for id_, known, end in named:
            depth = min(1.0, (end.count("/") + 1) / (known.count("/") + 1))
            if len(named) <= 10 or depth > 0.5:
                found[id_] = max(found.get(id_, 0.0), depth)
    return found


def _tails(path: str, *, exact: bool) -> list[str]:
    """Ends of paths that a mention may be of: `a/b/C.d` may be `a/b/C.d`, the file `b.py` or its folder."""
    steps = [step for step in path.split("/") if step]
    if exact:
        return ["/".join(steps[at:]) for at in range(len(steps))][:4]
    ends = []
    for size in range(len(steps), 1, -1):
        stem = "/".join(steps[:size])
        ends += [f"{stem}.py", f"{stem}/__init__.py", f"{stem}.ts", f"{stem}.java", f"{stem}.go"]
    return ends


async def by_path(db: aiosqlite.Connection, mentioned: dict[int, float]) -> Found:
    """The first chunk of every file mentioned."""
    if not mentioned:
        return Found([], [])
    rows = await db.execute_fetchall(
        "SELECT min(c.id), c.file FROM json_each(?) w JOIN pieces c ON c.file = w.value GROUP BY c.file",
        (json.dumps(list(mentioned)),),
    )
    ranked = sorted(rows, key=lambda row: (-mentioned[row[1]], row[0]))
    return Found([row[0] for row in ranked], [mentioned[row[1]] for row in ranked])


async def by_vector(vectors: VectorSearch, root: Path, query: str) -> Found:
    """Chunks that mean something alike, by cosine similarity."""
    near = [each for each in await vectors.nearest(root, query, _VECTORS) if each[1] >= _SIMILARITY_FLOOR]
    return Found([id_ for id_, _ in near], [similarity for _, similarity in near])
