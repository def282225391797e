"""Runs truth sets: builds each corpus's index, asks every query of every system, and gives the figures."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from devflow.retrieval.base import Hit, VectorSearch
from devflow.retrieval.build import build
from devflow.retrieval.compared import Embeds
from devflow.retrieval.context import pack_tokens
from devflow.retrieval.embedders.choose import STATIC, load_embedder
from devflow.retrieval.evaluation.baselines import BM25, fused, nearest
from devflow.retrieval.evaluation.brute import embedded
from devflow.retrieval.evaluation.changes import checked_out, is_history
from devflow.retrieval.evaluation.chunkings import CHUNKINGS, Chunked
from devflow.retrieval.evaluation.corpora import CorpusUnavailable, fetched
from devflow.retrieval.evaluation.doc_comments import undocumented
from devflow.retrieval.evaluation.functions import functions_of
from devflow.retrieval.evaluation.metrics import CUT, Figures, figures
from devflow.retrieval.evaluation.minilm import MiniLM
from devflow.retrieval.evaluation.truth import Query, TruthSet, write_cosqa
from devflow.retrieval.index import Index
from devflow.retrieval.local import local_vectors
from devflow.retrieval.needed import with_needed
from devflow.retrieval.walk import IndexOptions

_CONTEXT_TOKENS = 2_000
_OPENS_WITHIN = 300.0
"""Seconds for the vectors to open: a busy machine must not take a source of hits out of the figures."""
_FILE_LIMIT = 50
"""Hits asked for when files are wanted: several may be of one file."""

Answer = tuple[str, str]
"""Path below the corpus, and the qualified name ("" where files are asked for)."""
System = Callable[[Index, Query, Path, int], Awaitable[list[Hit]]]
"""Asks a query of the index of a corpus, which lies in a folder, for so many hits."""
Note = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Result:
    """What one system reached on one truth set."""

    truth: str
    system: str
    figures: Figures
    context_precision: float | None = None
    """Share of the pieces in a packed context that are wanted; None where the set does not say."""
    context_recall: float | None = None
    """Share of what is wanted that the context holds."""


class Tally:
    """Answers of all systems to all queries of one set."""

    def __init__(self, truth: TruthSet) -> None:
        self.truth = truth
        self._answers: dict[str, list[tuple[list[Answer], set[Answer], float]]] = {}
        self._contexts: dict[str, list[tuple[float, float]]] = {}

    def add(self, system: str, query: Query, answers: Sequence[Answer], seconds: float) -> None:
        right = {(gold.path, gold.name) for gold in query.golds}
        self._answers.setdefault(system, []).append((list(dict.fromkeys(answers))[:CUT], right, seconds))

    def add_context(self, system: str, query: Query, root: Path, hits: Sequence[Hit]) -> None:
        """What a model would be given: the answer itself and what it needs should be in it."""
        packed = pack_tokens(hits, [root], _CONTEXT_TOKENS)
        held = [_dotted(each.path.relative_to(root).as_posix(), each.symbol) for each in packed.citations]
        wanted = {*query.context, *(_dotted(gold.path, gold.name) for gold in query.golds)}
        right = sum(any(_same(name, each) for each in wanted) for name in held)
        there = sum(any(_same(name, each) for name in held) for each in wanted)
        self._contexts.setdefault(system, []).append((right / max(len(held), 1), there / len(wanted)))

    def results(self) -> list[Result]:
        """One per system."""
        return [
            Result(
                self.truth.name,
                system,
                figures([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]),
                *_means(self._contexts.get(system, [])),
            )
            for system, rows in self._answers.items()
        ]


@dataclass(frozen=True, slots=True)
class Beside:
    """What is measured besides search as it is."""

    baselines: bool = True
    chunkings: bool = False
    histories: frozenset[str] = frozenset()
    """The systems that are asked of commits as well."""
    embedders: Mapping[str, Embeds] = field(default_factory=dict)
    """Name → embedder: search again, with its vectors in place of the index's own."""


def _dotted(path: str, symbol: str) -> str:
    module = path.rpartition(".")[0].replace("/", ".").removesuffix(".__init__")
    return f"{module}.{symbol}"


def _same(held: str, wanted: str) -> bool:
    return held == wanted or held.endswith(f".{wanted}") or wanted.endswith(f".{held}")


def _means(pairs: Sequence[tuple[float, float]]) -> tuple[float | None, float | None]:
    if not pairs:
        return None, None
    return sum(pair[0] for pair in pairs) / len(pairs), sum(pair[1] for pair in pairs) / len(pairs)


async def measure(
    sets: Sequence[TruthSet], systems: Mapping[str, System], cache: Path, beside: Beside, note: Note
) -> list[Result]:
    """Every system on every query. Corpora that cannot be had are left out with a sentence to `note`."""
    tallies = [Tally(truth) for truth in sets]
    minilm = minilm_or_none(cache, note) if beside.baselines else None
    for corpus in dict.fromkeys(query.corpus for truth in sets for query in truth.queries):
        asked = [
            (tally, [query for query in tally.truth.queries if query.corpus == corpus]) for tally in tallies
        ]
        try:
            root = corpus_folder(corpus, cache)
        except CorpusUnavailable as error:
            note(str(error))
            continue
        note(f"{corpus}: {sum(len(queries) for _, queries in asked)} queries")
        if is_history(corpus):
            few = {name: systems[name] for name in systems if name == "DevFlow" or name in beside.histories}
            await _ask_commit(root.resolve(), asked, few, note)
        else:
            await _ask_systems(root, asked, systems, note)
        for name, embedder in beside.embedders.items() if not is_history(corpus) else ():
            near = await embedded(root.resolve(), embedder, name, cache)
            await _ask(root.resolve(), near, asked, {f"DevFlow with {name}": systems["DevFlow"]})
        if beside.baselines:
            await asyncio.to_thread(_ask_baselines, root, asked, minilm)
        for name, cut in CHUNKINGS.items() if beside.chunkings and not is_history(corpus) else ():
            _ask_chunking(name, await asyncio.to_thread(Chunked, root, cut), asked)
    return [result for tally in tallies for result in tally.results()]


def corpus_folder(corpus: str, cache: Path) -> Path:
    """The folder to index, made or fetched. Raises CorpusUnavailable."""
    kind, _, rest = corpus.partition(":")
    if kind == "cosqa":
        folder = cache / "cosqa"
        if not folder.exists():
            write_cosqa(Path(rest), folder)
        return folder
    if is_history(corpus):
        return checked_out(corpus, cache)
    if kind.startswith("bare-"):
        return undocumented(rest, kind.removeprefix("bare-"), cache)
    return fetched(corpus, cache)


async def _ask_systems(
    root: Path, asked: Sequence[tuple[Tally, list[Query]]], systems: Mapping[str, System], note: Note
) -> None:
    root = await asyncio.to_thread(root.resolve)
    started = time.perf_counter()
    status = await build(root, IndexOptions())
    note(
        f"  {status.files} files, {status.chunks} chunks, indexed in {time.perf_counter() - started:.1f} s"
        + (f"; {status.problem}" if status.problem else "")
    )
    async with local_vectors(root, within=_OPENS_WITHIN) as (vectors, problem):
        if problem:
            note(f"  {problem}")
        await _ask(root, vectors, asked, systems)


async def _ask_commit(
    root: Path, asked: Sequence[tuple[Tally, list[Query]]], systems: Mapping[str, System], note: Note
) -> None:
    """As `_ask_systems`; the vectors of a tree that is asked one thing are not worth a database."""
    status = await build(root, IndexOptions(vectors=False))
    note(
        f"  {status.files} files, {status.chunks} chunks" + (f"; {status.problem}" if status.problem else "")
    )
    vectors = await embedded(root, load_embedder(STATIC), STATIC, None)
    await _ask(root, vectors, asked, systems)


async def _ask(
    root: Path,
    vectors: VectorSearch | None,
    asked: Sequence[tuple[Tally, list[Query]]],
    systems: Mapping[str, System],
) -> None:
    index = await Index.open([root], vectors)
    try:
        await index.search("warm up", 10)
        for name, system in systems.items():
            for tally, queries in asked:
                for query in queries:
                    started = time.perf_counter()
                    hits = await system(index, query, root, _limit(tally))
                    seconds = time.perf_counter() - started
                    tally.add(name, query, _answers(root, hits, tally.truth.by), seconds)
                    if query.context:
                        tally.add_context(name, query, root, await with_needed(hits, index.graph))
    finally:
        await index.close()


def _ask_chunking(name: str, chunked: Chunked, asked: Sequence[tuple[Tally, list[Query]]]) -> None:
    for tally, queries in asked:
        for query in queries:
            started = time.perf_counter()
            ranked = chunked.ranked(query.text)
            answers = [(path, symbol if tally.truth.by == "function" else "") for path, symbol in ranked]
            tally.add(name, query, answers, time.perf_counter() - started)


def _limit(tally: Tally) -> int:
    return CUT if tally.truth.by == "function" else _FILE_LIMIT


def _answers(root: Path, hits: Sequence[Hit], by: str) -> list[Answer]:
    return [(hit.path.relative_to(root).as_posix(), hit.symbol if by == "function" else "") for hit in hits]


def minilm_or_none(cache: Path, note: Note) -> MiniLM | None:
    """MiniLM, or None and a sentence to `note` when its libraries or weights are missing."""
    try:
        return MiniLM(cache)
    except ImportError as error:
        note(f"No MiniLM baseline: {error}; pip install tokenizers safetensors.")
    except CorpusUnavailable as error:
        note(f"No MiniLM baseline: {error}")
    return None


def _ask_baselines(root: Path, asked: Sequence[tuple[Tally, list[Query]]], minilm: MiniLM | None) -> None:
    functions = functions_of(root)
    texts = [f"{each.path} {each.name}\n{each.text}" for each in functions]
    bm25 = BM25(texts)
    # Whole frameworks take a transformer hours on a processor; there, words alone are the baseline.
    vectors = minilm.embed(texts) if minilm is not None and len(texts) <= 10_000 else None
    for tally, queries in asked:
        by_function = tally.truth.by == "function"

        def add(name: str, query: Query, numbers: Sequence[int], started: float) -> None:
            answers = [
                (functions[n].path, functions[n].name if by_function else "")  # noqa: B023  # called at once
                for n in numbers
            ]
            tally.add(name, query, answers, time.perf_counter() - started)  # noqa: B023

        embedded = (
            minilm.embed([query.text for query in queries])
            if minilm is not None and vectors is not None and queries
            else None
        )
        for place, query in enumerate(queries):
            started = time.perf_counter()
            by_words = bm25.ranked(query.text)
            add("BM25", query, by_words, started)
            if embedded is not None and vectors is not None:
                started = time.perf_counter()
                by_meaning = nearest(vectors, embedded[place])
                add("MiniLM", query, by_meaning, started)
                add("BM25+MiniLM by RRF", query, fused([by_words, by_meaning]), started)
