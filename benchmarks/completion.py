"""Measure completion in process, over the sources of one package, against what its authors wrote.

    python benchmarks/completion.py ROOT [N] [--names K] [--no-jedi] [--deadline MS] [--fit] [--misses]

At N random places an attribute (with `--names K`: a plain name, K letters of it typed) is deleted and
completion is asked. The file of a place is held out of the index and of the usage model: only what is
left of it in the open document counts. Prints recall, first, in five, MRR and milliseconds as JSON.
`--fit` also fits the ranker's weights on these places (conditional logit) and prints them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from devflow.analysis.document import Document
from devflow.analysis.extract import extract
from devflow.analysis.facts import FileFacts
from devflow.analysis.languages import language_of
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Text
from devflow.analysis.tokens import lex
from devflow.analysis.types import jedi_engine
from devflow.analysis.usage import UsageModel
from devflow.retrieval.base import IndexedReference, IndexedSymbol
from devflow.server.assist import complete as completion
from devflow.server.assist import rank
from devflow.server.assist.base import Codebase
from devflow.server.assist.candidates import in_quotes
from devflow.server.assist.inline import inline
from devflow.server.settings import Completion, Inline

_MEMBER = re.compile(r"(?<=[\w\)\]])\.([A-Za-z_]\w{2,})")
_NAME = re.compile(r"(?<![\w.\"'])([A-Za-z_]\w{3,})")


class HeldOut:
    """The index over every file but one, with the answers of `retrieval.Index`."""

    def __init__(self, files: dict[Path, FileFacts], language: str) -> None:
        self._files = files
        self._language = language
        self._members: dict[Path, dict[str, Counter[str]]] = {}
        self._all_members: dict[str, Counter[str]] = {}
        self._counts: Counter[str] = Counter()
        self._own: dict[Path, Counter[str]] = {}
        for path, facts in files.items():
            own = self._members[path] = {}
            counts = self._own[path] = Counter()
            for use in facts.references:
                if use.receiver:
                    own.setdefault(use.receiver, Counter())[use.name] += 1
                    self._all_members.setdefault(use.receiver, Counter())[use.name] += 1
                if use.kind in ("attribute", "call") and use.receiver:
                    counts[use.name] += 1
            self._counts.update(counts)
        self.held: Path | None = None

    def _symbols(self) -> list[IndexedSymbol]:
        return [
            IndexedSymbol(path, self._language, 0, symbol)
            for path, facts in self._files.items()
            if path != self.held
            for symbol in facts.symbols
        ]

    async def symbols_named(self, name: str, limit: int = 50) -> list[IndexedSymbol]:
        return [each for each in self._symbols() if each.symbol.name == name][:limit]

    async def symbols_matching(self, query: str, limit: int = 100) -> list[IndexedSymbol]:
        return [each for each in self._symbols() if rank.match_quality(query, each.symbol.name) > 1][:limit]

    async def symbols_in(self, path: Path) -> list[IndexedSymbol]:
        return [each for each in self._symbols() if each.path == path]

    async def methods_of(self, class_name: str, limit: int = 200) -> list[IndexedSymbol]:
        wanted = class_name.rsplit(".", 1)[-1]
        found = [each for each in self._symbols() if each.symbol.container.rsplit(".", 1)[-1] == wanted]
        return found[:limit]

    async def members_of(self, receiver: str, limit: int = 200) -> dict[str, int]:
        counts = Counter(self._all_members.get(receiver, {}))
        if self.held is not None:
            counts -= self._members.get(self.held, {}).get(receiver, Counter())
        return dict(counts.most_common(limit))

    async def attribute_counts(self, names: Sequence[str]) -> dict[str, int]:
        own = self._own.get(self.held, Counter()) if self.held is not None else Counter()
        return {name: left for name in names if (left := self._counts[name] - own[name]) > 0}

    async def references_to(self, name: str, limit: int = 500) -> list[IndexedReference]:
        return []

    async def search(self, *_: Any, **__: Any) -> list[Any]:
        return []


class ThreadEngine:
    """jedi in a thread, as the worker runs it."""

    def __init__(self, root: Path) -> None:
        self._roots = [root]
        self._thread = ThreadPoolExecutor(1)  # jedi is not thread-safe
        self.milliseconds: list[float] = []

    async def _run(self, function: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, function, self._roots, *arguments
        )

    async def complete(self, path: Path | None, source: str, at: int) -> Any:
        begun = time.perf_counter()
        answer = await self._run(jedi_engine.complete, path, source, at)
        self.milliseconds.append((time.perf_counter() - begun) * 1e3)
        return answer

    async def signatures(self, path: Path | None, source: str, at: int) -> Any:
        return await self._run(jedi_engine.signatures, path, source, at)


class Usage:
    def __init__(self, model: UsageModel) -> None:
        self._model = model

    def usage_of(self, *_: object) -> UsageModel:
        return self._model


def places(text: str, pattern: re.Pattern[str]) -> list[tuple[int, str]]:
    """Deletable names as lspbench draws them: not on comment or import lines."""
    found = [(match.start(1), match.group(1)) for match in pattern.finditer(text)]
    return [
        (at, name)
        for at, name in found
        if not text[text.rfind("\n", 0, at) + 1 : at].lstrip().startswith(("#", "//", "*", "import", "from"))
    ]


def sources(root: Path, extension: str) -> list[Path]:
    """The package's files, without hidden and vendored ones."""
    return sorted(
        path
        for path in root.rglob(f"*{extension}")
        if not any(part.startswith(".") or part == "third_party" for part in path.relative_to(root).parts)
    )


async def measure(options: argparse.Namespace) -> dict[str, Any]:
    root: Path = options.root
    random.seed(options.seed)
    every = sources(root, options.ext)
    language = cast(Any, language_of(every[0])).name
    texts = {path: path.read_text(errors="replace") for path in every}
    facts = {path: extract(Text(text), language) for path, text in texts.items()}
    index = HeldOut(facts, language)
    tokens = {path: lex(text, language) for path, text in texts.items()}
    eligible = [p for p in every if 2000 < len(texts[p]) < 60_000 and "test" not in p.name]
    chosen = random.sample(eligible, min(options.files, len(eligible)))
    per_file = max(1, options.n // len(chosen))
    python = ThreadEngine(root) if language == "python" and not options.no_jedi else None
    config = Completion(deadline_ms=options.deadline)
    pattern = _MEMBER if options.names is None else _NAME
    ranks: list[int] = []
    spent: list[float] = []
    records: list[tuple[np.ndarray, int]] = []
    misses: list[str] = []
    ghost = Counter[str]()
    ghost_ms: list[float] = []
    for path in chosen:
        index.held = path
        usage = Usage(UsageModel.build(part for each, part in tokens.items() if each != path))
        code = Codebase((root,), cast(Any, None), cast(Any, python), cast(Any, index), None, cast(Any, usage))
        text = texts[path]
        found = places(text, pattern)
        if options.names is not None:  # in prose no name is wanted
            whole = Document(path.as_uri(), path, language, 0, Text(text), parse(Text(text), language))
            found = [(at, name) for at, name in found if not in_quotes(whole, at + 1)]
        if python is not None and found:  # warm, as an open document is
            await python.complete(path, text, found[0][0])
        for at, name in random.sample(found, min(per_file, len(found))):
            typed = name[: options.names or 0]
            source = text[:at] + typed + text[at + len(name) :]
            document = Document(path.as_uri(), path, language, 1, Text(source), parse(Text(source), language))
            cursor = at + len(typed)
            gathered: list[tuple[Any, float]] = []
            begun = time.perf_counter()
            answer = await completion.complete(document, cursor, code, config)
            spent.append((time.perf_counter() - begun) * 1e3)
            labels = [item.label.rstrip("=") for item in answer.items]
            ranks.append(labels.index(name) + 1 if name in labels else 0)
            if options.misses and ranks[-1] != 1:
                line = text[text.rfind("\n", 0, at) + 1 : at].strip()
                misses.append(f"{ranks[-1]:3} {line}[{name}] <- {' '.join(labels[:4])}")
            if options.fit:
                with Capture() as gathered:
                    await completion.complete(document, cursor, code, config)
                names = [evidence.name for evidence, _ in gathered]
                if name in names:
                    matrix = np.array([rank.features(evidence) for evidence, _ in gathered])
                    records.append((matrix, names.index(name)))
            if options.inline:
                end = text.find("\n", at)
                end = len(text) if end < 0 else end
                source = text[:at] + text[end:]
                document = replace(document, text=Text(source), tree=parse(Text(source), language))
                begun = time.perf_counter()
                shown = await inline(document, at, code, Inline(min_confidence=options.confidence))
                ghost_ms.append((time.perf_counter() - begun) * 1e3)
                ghost["shown"] += shown is not None
                ghost["exact"] += shown is not None and shown.edit.new == text[at:end].rstrip()
    total = len(ranks)
    out: dict[str, Any] = {
        "root": root.name,
        "places": total,
        "recall": round(sum(r > 0 for r in ranks) / total, 3),
        "first": round(sum(r == 1 for r in ranks) / total, 3),
        "five": round(sum(0 < r <= 5 for r in ranks) / total, 3),
        "mrr": round(sum(1 / r for r in ranks if r) / total, 3),
        "ms": _quantiles(spent),
    }
    if python is not None:
        out["jedi_ms"] = _quantiles(python.milliseconds)
    if options.inline:
        out["ghost"] = {
            "shown": round(ghost["shown"] / total, 3),
            "exact": round(ghost["exact"] / total, 3),
            "exact_where_shown": round(ghost["exact"] / max(1, ghost["shown"]), 3),
            "ms": _quantiles(ghost_ms),
        }
    if misses:
        print("\n".join(misses), file=sys.stderr)
    if records:
        out["weights"] = fit(records)
    return out


class Capture:
    """Records what the ranker was given."""

    def __enter__(self) -> list[tuple[Any, float]]:
        self._real = completion.ranked
        seen: list[tuple[Any, float]] = []

        def spy(candidates: Any, typed: str) -> Any:
            seen[:] = self._real(candidates, typed)
            return seen

        completion.ranked = spy  # type: ignore[assignment]
        return seen

    def __exit__(self, *_: object) -> None:
        completion.ranked = self._real


def fit(records: list[tuple[np.ndarray, int]], steps: int = 1500) -> dict[str, float]:
    """Weights that make the wanted names likeliest: softmax regression with a little shrinkage, Adam."""
    weights = np.array(rank.MEMBER_WEIGHTS, dtype=float)
    first, second = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, steps + 1):
        gradient = 0.02 * weights
        for matrix, truth in records:
            scores = matrix @ weights
            chances = np.exp(scores - scores.max())
            chances /= chances.sum()
            gradient = gradient + (chances @ matrix - matrix[truth]) / len(records) * 1.0
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        weights -= 0.03 * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
    return {name: round(float(w), 2) for name, w in zip(rank.FEATURES, weights, strict=True)}


def _quantiles(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "p50": round(ordered[len(ordered) // 2], 1),
        "p95": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))], 1),
        "max": round(ordered[-1], 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("root", type=lambda name: Path(name).resolve())
    parser.add_argument("n", type=int, nargs="?", default=96)
    parser.add_argument("--ext", default=".py")
    parser.add_argument("--files", type=int, default=12)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--names", type=int)
    parser.add_argument("--no-jedi", action="store_true")
    parser.add_argument("--deadline", type=int, default=40)
    parser.add_argument("--confidence", type=float, default=0.5)
    parser.add_argument("--inline", action="store_true")
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--misses", action="store_true")
    print(json.dumps(asyncio.run(measure(parser.parse_args()))))


if __name__ == "__main__":
    main()
