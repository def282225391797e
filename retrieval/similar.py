"""Functions whose code resembles a given one: copies, for the review of duplicates."""

from __future__ import annotations

import json

from devflow.retrieval.base import Hit
from devflow.retrieval.candidates import with_words
from devflow.retrieval.open_root import OpenRoot
from devflow.retrieval.words import query_words, words

_MOST_SIMILAR, _MOST_SIMILAR_WORDS = 60, 16
_FUNCTIONS = (
    'SELECT f.path, c.start, c."end", c.first_line, c.last_line, c.symbol, c.text '
    "FROM chunks c JOIN files f ON f.id = c.file "
    "WHERE c.id IN (SELECT value FROM json_each(?)) AND c.kind IN ('function', 'method', 'constructor') "
    "ORDER BY c.id"
)


async def similar_in_root(root: OpenRoot, text: str, limit: int) -> list[Hit]:
    """Functions whose words come in the same order; the score is the Jaccard index of word triples. Copies
    share their rare words, so full text finds them; asked for every function of every document that is
    opened, vectors would never get out of memory."""
    wanted = _triples(text)
    hits = []
    async with root.store.snapshot() as db:
        if db is None:
            return []
        telling = _telling(text)
        ids = [id_ for id_, _ in await with_words(db, telling, _MOST_SIMILAR)] if telling else []
        rows = await db.execute_fetchall(_FUNCTIONS, (json.dumps(ids),))
        for path, start, end, first_line, last_line, symbol, found in rows:
            other = _triples(found)
            common = len(wanted & other)
            if common:
                score = common / (len(wanted) + len(other) - common)
                place = root.path / path, start, end, first_line, last_line, symbol
                hits.append(Hit(*place, found, score, ("text",)))
    return sorted(hits, key=lambda hit: -hit.score)[:limit]


def _telling(text: str) -> list[str]:
    """The words of a function that are likely rare elsewhere: long names first, each once."""
    return sorted(set(query_words(text)), key=lambda word: (-len(word), word))[:_MOST_SIMILAR_WORDS]


def _triples(text: str) -> set[tuple[str, ...]]:
    found = words(text)
    return {tuple(found[at : at + 3]) for at in range(len(found) - 2)}
