"""Learn the order of search results from truth sets; writes `retrieval/reranker.json`.

    python benchmarks/learn_search.py collect CACHE LISTS.npz [--sets FOLDER] [--only NAME,…] [--vectors]
    python benchmarks/learn_search.py fit LISTS.npz… [--hidden N] [--for-reports] [--dry]

`collect` asks every query of the sets that `devflow eval retrieval` measures for its candidates and keeps
their features with which are right; beside them, names of definitions ask for themselves, so that what is
asked by name stays first. `fit` minimises the cross entropy of the right candidates within their list (a
conditional logit with a small hidden layer, Adam), every set weighing the same, and prints MRR@10 of five
folds over corpora: each corpus is judged by weights that have not seen it. What is written is learned from
all questions; reports are left out, there are too few to learn from. They are ordered by weights of their
own (`--for-reports`), of lists without doc comments: requirements, CoSQA, marshmallow and puppeteer-core.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from devflow.retrieval.build import build
from devflow.retrieval.evaluation.brute import embedded
from devflow.retrieval.evaluation.corpora import CorpusUnavailable
from devflow.retrieval.evaluation.doc_comments import PACKAGES, doc_comment_set
from devflow.retrieval.evaluation.functions import functions_of
from devflow.retrieval.evaluation.measure import corpus_folder
from devflow.retrieval.evaluation.truth import Gold, Query, TruthSet, load
from devflow.retrieval.index import Index
from devflow.retrieval.query import Kind
from devflow.retrieval.rerank import FEATURES, features
from devflow.retrieval.walk import IndexOptions

_TARGET = Path(__file__).parent.parent / "retrieval/reranker.json"
_MOST = 120
"""Candidates kept of a list."""
_NAMES = 25
"""Names asked for in each corpus."""
_FOLDS, _STEPS, _RATE, _DECAY = 5, 160, 0.03, 5e-3


async def collect(sets: Sequence[TruthSet], cache: Path, into: Path, *, vectors: bool) -> None:
    """Write the lists of all queries."""
    embedder: Any = None
    if vectors:
        from devflow.retrieval.embedders.choose import load_embedder

        embedder = load_embedder("")
    lists: list[tuple[str, str, bool, np.ndarray, np.ndarray]] = []
    for corpus in dict.fromkeys(query.corpus for truth in sets for query in truth.queries):
        try:
            root = corpus_folder(corpus, cache).resolve()
        except CorpusUnavailable as error:
            print(error)
            continue
        await build(root, IndexOptions(vectors=False))
        near = await embedded(root, embedder, embedder.name, cache) if embedder else None
        index = await Index.open([root], near)
        asked = [(truth, query) for truth in sets for query in truth.queries if query.corpus == corpus]
        if not corpus.startswith("cosqa"):
            named = named_set(root, corpus)
            asked += [(named, query) for query in named.queries]
        try:
            for truth, query in asked:
                [pool] = await index.pools(query.text)
                golds = {(gold.path, gold.name) for gold in query.golds}
                right = np.array(
                    [
                        (each.path, each.symbol if truth.by == "function" else "") in golds
                        for each in pool.order
                    ],
                    bool,
                )
                if len(right):
                    matrix = features(pool.query, pool.weights, pool.order, pool.mentioned)
                    report = pool.query.kind == Kind.REPORT
                    lists.append((truth.name, corpus, report, matrix, right))
        finally:
            await index.close()
        print(corpus, len(lists), flush=True)
    np.savez_compressed(
        into,
        sets=np.array([row[0] for row in lists]),
        corpora=np.array([row[1] for row in lists]),
        reports=np.array([row[2] for row in lists]),
        sizes=np.array([len(row[3]) for row in lists]),
        matrix=np.concatenate([row[3] for row in lists]).astype(np.float16),
        right=np.concatenate([row[4] for row in lists]),
        vectors=np.array(vectors),
    )


def named_set(root: Path, corpus: str) -> TruthSet:
    """Functions asked for by their own name; every definition of it is right."""
    places: dict[str, list[Gold]] = {}
    for each in functions_of(root):
        places.setdefault(each.name.rpartition(".")[2], []).append(Gold(each.path, each.name))
    few = sorted(name for name, golds in places.items() if len(golds) <= 3 and len(name) > 3)
    chosen = random.Random(5).sample(few, min(_NAMES, len(few)))
    return TruthSet(
        "name→definition",
        "function",
        tuple(Query(name, name, corpus, tuple(places[name])) for name in chosen),
    )


class Lists:
    """Padded lists: `x` (lists, candidates, features), `right`, `there` (which are not padding)."""

    def __init__(self, paths: Sequence[Path], *, without: Sequence[str] = ()) -> None:
        xs, rights, self.sets, self.corpora = [], [], [], []
        for path in paths:
            with np.load(path) as archive:
                data = {name: archive[name] for name in archive.files}  # each access would unpack it again
            ends = np.cumsum(data["sizes"])
            for number, end in enumerate(ends):
                corpus = str(data["corpora"][number])
                if data["reports"][number] or any(name in corpus for name in without):
                    continue
                start = end - data["sizes"][number]
                matrix = data["matrix"][start:end].astype(np.float32)
                right = data["right"][start:end]
                keep = np.arange(len(right)) < _MOST
                keep |= right
                xs.append(matrix[keep][: _MOST + 40])
                rights.append(right[keep][: _MOST + 40])
                self.sets.append(str(data["sets"][number]))
                self.corpora.append(corpus)
        longest = max(map(len, xs), default=0)
        self.x = np.zeros((len(xs), longest, len(FEATURES)), np.float32)
        self.right = np.zeros((len(xs), longest), bool)
        self.there = np.zeros((len(xs), longest), bool)
        for number, (matrix, right) in enumerate(zip(xs, rights, strict=True)):
            self.x[number, : len(matrix)] = matrix
            self.right[number, : len(right)] = right
            self.there[number, : len(right)] = True


def forward(model: dict[str, np.ndarray], x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    hidden = np.tanh(x @ model["w1"] + model["b1"])
    return hidden @ model["w2"] + x @ model["linear"], hidden


def fitted(lists: Lists, chosen: np.ndarray, hidden: int, seed: int = 3) -> dict[str, np.ndarray]:
    """The model learned from the lists `chosen` that hold a right candidate."""
    rng = np.random.default_rng(seed)
    some = np.flatnonzero(chosen & lists.right.any(1))
    flat = lists.x[some][lists.there[some]]
    mean, scale = flat.mean(0), flat.std(0) + 1e-3
    x = ((lists.x - mean) / scale).astype(np.float32)
    width = x.shape[2]
    model = {
        "w1": rng.normal(0, 0.3 / np.sqrt(width), (width, hidden)).astype(np.float32),
        "b1": np.zeros(hidden, np.float32),
        "w2": rng.normal(0, 0.1, hidden).astype(np.float32),
        "linear": np.zeros(width, np.float32),
    }
    counts = {name: lists.sets.count(name) for name in set(lists.sets)}
    weight = np.array([1 / np.sqrt(counts[name]) for name in lists.sets])
    weight /= weight[some].mean()
    moments = {name: (np.zeros_like(value), np.zeros_like(value)) for name, value in model.items()}
    for step in range(1, _STEPS + 1):
        batch = rng.choice(some, min(192, len(some)), replace=False)
        gradients = _gradients(model, x[batch], lists.right[batch], lists.there[batch], weight[batch])
        rate = _RATE * min(1.0, 2 * (1 - step / (_STEPS + 1)))
        for name, gradient in gradients.items():
            first, second = moments[name]
            gradient = gradient + _DECAY * model[name]
            first += 0.1 * (gradient - first)
            second += 0.01 * (gradient**2 - second)
            model[name] -= rate * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.99**step)) + 1e-8)
    return {"mean": mean, "scale": scale, **model}


def _gradients(
    model: dict[str, np.ndarray], x: np.ndarray, right: np.ndarray, there: np.ndarray, weight: np.ndarray
) -> dict[str, np.ndarray]:
    score, hidden = forward(model, x)
    score = np.where(there, score, -1e9)
    every = np.exp(score - score.max(1, keepdims=True))
    every /= every.sum(1, keepdims=True)
    good = np.where(right, np.exp(score - score.max(1, keepdims=True)), 0.0) + 1e-30 * right
    good /= good.sum(1, keepdims=True)
    delta = ((every - good) * weight[:, None] / len(x)).astype(np.float32)
    back = delta[:, :, None] * model["w2"] * (1 - hidden**2)
    flat = x.reshape(-1, x.shape[2])
    return {
        "w2": np.einsum("nc,nch->h", delta, hidden),
        "linear": flat.T @ delta.reshape(-1),
        "w1": flat.T @ back.reshape(-1, back.shape[2]),
        "b1": back.sum((0, 1)),
    }


def reciprocal(score: np.ndarray, right: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Reciprocal rank of the first right candidate of each list, 0 after the tenth."""
    order = np.argsort(-np.where(there, score, -1e9), axis=1, kind="stable")
    sorted_right = np.take_along_axis(right, order, 1)[:, :10]
    return np.where(sorted_right.any(1), 1 / (1 + sorted_right.argmax(1)), 0.0)


def fit(
    paths: Sequence[Path],
    hidden: int,
    *,
    folds_wanted: int,
    without: Sequence[str],
    for_reports: bool,
    dry: bool,
) -> None:
    """Print the folds' figures and write the weights of all. Without folds the figures are of seen
    corpora."""
    with_vectors = bool(np.load(paths[0])["vectors"])
    stored: dict[str, Any] = json.loads(_TARGET.read_text("utf-8")) if _TARGET.exists() else {}
    if stored.get("features") != list(FEATURES):
        stored = {"features": list(FEATURES)}
    lists = Lists(paths, without=without)
    corpora = sorted(set(lists.corpora))
    random.Random(1).shuffle(corpora)
    fold_of = {corpus: number % max(folds_wanted, 1) for number, corpus in enumerate(corpora)}
    folds = np.array([fold_of[corpus] for corpus in lists.corpora])
    found = np.zeros(len(folds))
    for fold in range(folds_wanted):
        if not (folds == fold).any():
            continue
        model = fitted(lists, folds != fold, hidden)
        held = folds == fold
        scaled = (lists.x[held] - model["mean"]) / model["scale"]
        found[held] = reciprocal(forward(model, scaled)[0], lists.right[held], lists.there[held])
    final = fitted(lists, np.ones(len(folds), bool), hidden)
    if not folds_wanted:
        found = reciprocal(
            forward(final, (lists.x - final["mean"]) / final["scale"])[0], lists.right, lists.there
        )
    text = reciprocal(lists.x[:, :, 0], lists.right, lists.there)
    by_rank = reciprocal(-np.arange(lists.x.shape[1])[None].repeat(len(folds), 0), lists.right, lists.there)
    for name in sorted(set(lists.sets)):
        mine = np.array([each == name for each in lists.sets])
        print(
            f"{name}: {mine.sum()} lists, right in the pool "
            f"{lists.right[mine].any(1).mean():.3f}; MRR@10 by text {text[mine].mean():.3f}, by rank "
            f"{by_rank[mine].mean():.3f}, learned {found[mine].mean():.3f}"
        )
    weights = final["linear"] + final["w1"] @ final["w2"]
    best = sorted(zip(FEATURES, weights, strict=True), key=lambda pair: -abs(pair[1]))
    print("  " + ", ".join(f"{name} {value:+.2f}" for name, value in best[:14]))
    key = "reports" if for_reports else "with vectors" if with_vectors else "without"
    stored[key] = {name: np.round(value, 4).tolist() for name, value in final.items()}
    for other in ("without", "with vectors", "reports"):  # until all have been learned
        stored.setdefault(other, stored[key])
    if not dry:
        _TARGET.write_text(json.dumps(stored, separators=(",", ":")) + "\n", "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    collecting = commands.add_parser("collect")
    collecting.add_argument("cache", type=Path)
    collecting.add_argument("lists", type=Path)
    collecting.add_argument("--sets", type=Path)
    collecting.add_argument("--only", default="")
    collecting.add_argument("--corpora", default="")
    collecting.add_argument("--vectors", action="store_true")
    fitting = commands.add_parser("fit")
    fitting.add_argument("lists", type=Path, nargs="+")
    fitting.add_argument("--hidden", type=int, default=12)
    fitting.add_argument("--folds", type=int, default=_FOLDS)
    fitting.add_argument(
        "--without",
        default="",
        help="corpora to leave out: those an embedder learned from say too much for it",
    )
    fitting.add_argument("--for-reports", action="store_true")
    fitting.add_argument("--dry", action="store_true")
    arguments = parser.parse_args()
    if arguments.command == "fit":
        without = [name for name in arguments.without.split(",") if name]
        fit(
            arguments.lists,
            arguments.hidden,
            folds_wanted=arguments.folds,
            without=without,
            for_reports=arguments.for_reports,
            dry=arguments.dry,
        )
        return
    sets = load(arguments.sets)[0] if arguments.sets else []
    wanted = arguments.only.split(",")
    sets += [
        doc_comment_set(language, arguments.cache)
        for language in PACKAGES
        if any(part in f"doc comment→function, {language}" for part in wanted)
    ]
    sets = [each for each in sets if any(part in each.name for part in wanted)]
    corpora = arguments.corpora.split(",")
    sets = [
        replace(each, queries=tuple(q for q in each.queries if any(part in q.corpus for part in corpora)))
        for each in sets
    ]
    asyncio.run(collect(sets, arguments.cache, arguments.lists, vectors=arguments.vectors))


if __name__ == "__main__":
    main()
