"""The order of candidates: what is known of each as numbers, and a small learned model over them.

The model (a hidden layer beside a linear one, scores compared within one list) has weights with vectors and
without, in `reranker.json`; `benchmarks/learn_search.py` makes them from
public truth sets and says how well they do on packages they have not seen.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, NamedTuple

from devflow.retrieval.alike import alike, word_vectors
from devflow.retrieval.query import Analysed, Kind, name_parts
from devflow.retrieval.stems import stem
from devflow.retrieval.words import words

if TYPE_CHECKING:
    import numpy as np

FEATURES = (
    "text", "text_rank", "vector", "vector_rank", "symbol_rank", "path_rank", "sources",
    "name_cover", "name_share", "owner_cover", "path_cover", "head_cover", "doc_cover", "body_cover",
    "body_bm25", "all_cover", "name_exact", "qualified", "mentioned",
    "file_text", "file_hits", "function", "type", "other", "test", "lines", "private", "dunder", "known",
    "later_part", "vendored", "alike", "alike_near", "alike_telling", "name_alike", "doc_alike",
)  # fmt: skip
"""What the columns of the matrix mean, in order."""
_READ = [
    FEATURES.index(name)
    for name in ("head_cover", "doc_cover", "body_cover", "body_bm25", "all_cover", "known", "later_part")
]
_ALIKE = slice(FEATURES.index("alike"), FEATURES.index("doc_alike") + 1)
"""The columns that `read_into` fills; those of `_ALIKE` by the words' vectors."""

_WORD = re.compile(r"\w+")
_BETWEEN_WORDS = {at: " " for at in range(128) if not _WORD.match(chr(at))}
"""For `str.translate`: of a text in ASCII twice as fast as the expression."""
TEST_NAME = r"(^|/)(test_[^/]*|conftest)\.py$|_test\.\w+$|[.](test|spec)\.\w+$|Tests?\.\w+$"
"""A pattern for paths of files that are named as tests are, wherever they lie."""
_TEST = re.compile(rf"(^|/)(tests?|testing|specs?|__tests__)/|{TEST_NAME}")
_VENDORED = re.compile(
    r"(^|/)(_?vendor(ed)?|third_party|node_modules|extern(al)?|compat|migrations|locale|docs?|examples?)/"
)
_FUNCTIONS = frozenset(("function", "method", "constructor", "property"))
_TYPES = frozenset(("class", "interface", "struct", "enum", "type", "head", "module"))
_USUAL_LENGTH = 120.0
_MOST_TOLD = 2_400
"""Characters of documentation whose words are compared by meaning."""


@dataclass(slots=True)
class Candidate:
    """A chunk with what the sources say of it."""

    id: int
    file: int
    path: str
    start: int
    end: int
    first_line: int
    last_line: int
    symbol: str
    kind: str
    text: str = ""
    """Read later, as `signature`, `doc` and `known` are."""
    signature: str = ""
    doc: str = ""
    text_score: float = 0.0
    similarity: float = 0.0
    ranks: dict[str, int] | None = None
    """Source → place, from 0."""
    known: int = 0
    """How often the name stands behind a dot in the codebase."""


def features(
    query: Analysed,
    weights: Mapping[str, float],
    candidates: Sequence[Candidate],
    mentioned: Mapping[int, float],
) -> np.ndarray:
    """float32, shape (len(candidates), len(FEATURES)). `weights`: stem → what it says; `mentioned`: file id →
    how much of its path the query names."""
    matrix = features_unread(query, weights, candidates, mentioned)
    read_into(matrix, query, weights, candidates)
    return matrix


def features_unread(
    query: Analysed,
    weights: Mapping[str, float],
    candidates: Sequence[Candidate],
    mentioned: Mapping[int, float],
) -> np.ndarray:
    """As `features`, of candidates whose text has not been read: what it would say is NaN."""
    import numpy as np

    total = sum(weights.values()) or 1.0
    best = max((each.text_score for each in candidates), default=0.0) or 1.0
    by_file: dict[int, list[float]] = {}
    for each in candidates:
        by_file.setdefault(each.file, []).append(each.text_score)
    sums = {file: sum(sorted(scores)[-3:]) for file, scores in by_file.items()}
    best_file = max(sums.values(), default=0.0) or 1.0
    names = frozenset(name.lower() for name in query.names)
    asked_alone = frozenset(query.plain) if query.kind == Kind.NAME else frozenset()
    dotted = frozenset(name.lower() for name in query.dotted)
    says_test = any(each in weights for each in ("test", "fixtur", "mock"))
    unknown = math.nan
    rows = []
    for each in candidates:
        symbol, path = _symbol(each.symbol), _path(each.path)
        covered = symbol.name & weights.keys()
        ranks = each.ranks or {}
        function, type_ = each.kind in _FUNCTIONS, each.kind in _TYPES
        rows.append(
            (
                each.text_score / best,
                _rank(ranks, "text"),
                each.similarity,
                _rank(ranks, "vectors"),
                _rank(ranks, "symbols"),
                _rank(ranks, "paths"),
                len(ranks) / 4,
                _sum(weights, covered) / total,
                len(covered) / len(symbol.name) if symbol.name else 0.0,
                _sum(weights, symbol.owner) / total,
                _sum(weights, path.words) / total,
                unknown,
                unknown,
                unknown,
                unknown,
                unknown,
                float(symbol.lower in names or symbol.lower in asked_alone),
                float(symbol.qualified in dotted),
                mentioned.get(each.file, 0.0),
                sums[each.file] / best_file,
                len(by_file[each.file]) / 10,
                float(function),
                float(type_),
                float(not function and not type_),
                0.0 if says_test else float(path.test),
                math.log1p(each.last_line - each.first_line + 1) / 4,
                float(symbol.lower.startswith("_") and not symbol.lower.startswith("__")),
                float(symbol.lower.startswith("__")),
                unknown,
                unknown,
                float(path.vendored),
                *(unknown,) * 5,
            )
        )
    return np.array(rows, np.float32).reshape(len(rows), len(FEATURES))


def read_into(
    matrix: np.ndarray, query: Analysed, weights: Mapping[str, float], candidates: Sequence[Candidate]
) -> None:
    """Fill in what the candidates' texts, heads and documentation say, in the order of `matrix`'s rows."""
    total = sum(weights.values()) or 1.0
    asked = _Asked(weights)
    rows = []
    for each in candidates:
        head, _ = asked.counted(each.signature)
        doc, _ = asked.counted(each.doc)
        body, length = asked.counted(each.text)
        symbol = _symbol(each.symbol)
        every = (
            symbol.name | symbol.owner | _path(each.path).words | doc.keys() | body.keys()
        ) & weights.keys()
        saturation = 0.25 + 0.75 * length / _USUAL_LENGTH
        rows.append(
            (
                _sum(weights, head) / total,
                _sum(weights, doc) / total,
                _sum(weights, body) / total,
                sum(weights[w] * times / (times + saturation) for w, times in body.items()) / total,
                _sum(weights, every) / total,
                math.log1p(each.known) / 8,
                float(each.kind in _FUNCTIONS and not each.signature),
            )
        )
    if rows:
        matrix[:, _READ] = rows
        matrix[:, _ALIKE] = alike(query.spelled, weights, [_told(each) for each in candidates])


def _told(each: Candidate) -> tuple[str, str, str]:
    """Name, head and documentation, as `alike` wants them."""
    name = each.symbol.rpartition(".")[2]
    return name, f"{each.path} {each.symbol} {each.signature}", each.doc[:_MOST_TOLD]


def scores(matrix: np.ndarray, *, vectors: bool, report: bool = False) -> np.ndarray:
    """What the learned model gives each row; higher is better, comparable within one list only. What is NaN
    counts as what is usual. For a `report` with vectors it is one that no doc comment has taught: those are
    short, and answered by documentation alone."""
    import numpy as np

    model = _model("without" if not vectors else "reports" if report else "with vectors")
    scaled = np.nan_to_num((matrix - model["mean"]) / model["scale"])
    hidden = np.tanh(scaled @ model["w1"] + model["b1"])
    result: np.ndarray = hidden @ model["w2"] + scaled @ model["linear"]
    return result


def load_model() -> None:
    """Read what `scores` needs, which takes 0.1 s the first time and nothing afterwards."""
    for name in ("with vectors", "without", "reports"):
        _model(name)
    word_vectors()


def covered(candidate: Candidate, weights: Mapping[str, float]) -> float:
    """What the words that a candidate has, in any of its fields, weigh together."""
    asked = _Asked(weights)
    every = _stems_of_name(candidate.symbol) | _path(candidate.path).words
    for text in (candidate.text, candidate.doc):
        every |= asked.counted(text)[0].keys()
    return _sum(weights, every)


@cache
def _model(name: str) -> dict[str, Any]:
    import numpy as np

    text = resources.files("devflow.retrieval").joinpath("reranker.json").read_text("utf-8")
    stored = json.loads(text)
    if tuple(stored["features"]) != FEATURES:
        raise ValueError("reranker.json was made for other features; run benchmarks/learn_search.py")
    return {part: np.array(values, np.float32) for part, values in stored[name].items()}


def _rank(ranks: Mapping[str, int], source: str) -> float:
    return 10 / (10 + ranks[source]) if source in ranks else 0.0


def _sum(weights: Mapping[str, float], found: Any) -> float:
    return sum(weights[each] for each in found if each in weights)


class _Asked(dict[str, tuple[str, ...]]):
    """Word as written → the stems of its parts that a query asks for. Nearly every word has none of them, and
    is not stemmed to find out: a stem begins its word, but for a last `i`, `e` or `l`."""

    def __init__(self, wanted: Collection[str]) -> None:
        super().__init__()
        self._wanted = frozenset(wanted)
        beginnings = sorted({re.escape(each.rstrip("iel") or each) for each in wanted})
        self._may_have = re.compile("|".join(beginnings) or "(?!)").search

    def __missing__(self, word: str) -> tuple[str, ...]:
        stems: tuple[str, ...] = ()
        if self._may_have(word.lower()):
            stems = tuple(found for each in words(word) if (found := stem(each)) in self._wanted)
        self[word] = stems
        return stems

    def counted(self, text: str) -> tuple[dict[str, int], int]:
        """How often each stem stands in `text`, and of how many words that is."""
        found: dict[str, int] = {}
        every = text.translate(_BETWEEN_WORDS).split() if text.isascii() else _WORD.findall(text)
        for word, times in Counter(every).items():
            for each in self[word]:
                found[each] = found.get(each, 0) + times
        return found, len(every)


class _Symbol(NamedTuple):
    """What a qualified name says."""

    name: frozenset[str]
    owner: frozenset[str]
    """Stems of the last name and of what it is in."""
    lower: str
    qualified: str
    """The last name, and with the one before it; "" where there is none."""


@lru_cache(maxsize=40_000)
def _symbol(symbol: str) -> _Symbol:
    name = symbol.rpartition(".")[2]
    owner = symbol[: -len(name) - 1]
    low = name.lower()
    qualified = f"{owner.rpartition('.')[2].lower()}.{low}" if owner else ""
    return _Symbol(name_parts(name), _stems_of_name(owner), low, qualified)


class _Path(NamedTuple):
    words: frozenset[str]
    test: bool
    vendored: bool


@lru_cache(maxsize=20_000)
def _path(path: str) -> _Path:
    stems = _stems_of_name(path.rpartition(".")[0] or path)
    return _Path(stems, bool(_TEST.search(path)), bool(_VENDORED.search(path)))


def _stems_of_name(name: str) -> frozenset[str]:
    return frozenset(stem(each) for each in words(name))
