"""Learn the weights of the completion ranker from public code; writes `server/assist/ranker.json`.

    python benchmarks/learn_ranker.py collect CACHE PACKAGE_FOLDER... [--places N] [--jedi]
    python benchmarks/learn_ranker.py fit CACHE [--hidden N]

The packages and their versions are in `learn_ranker.txt`: train and validation, by package. `collect`
deletes names at random places of each, with their file held out of index and usage model as in
`completion.py`, and keeps the candidates' features; with `--jedi` member places are kept both with the type
engine's answer and without. `fit` minimises the cross entropy of the wanted name within its list (a
conditional logit with a small hidden layer, Adam) and keeps the step that is best on the validation packages.
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import json
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from completion import HeldOut, ThreadEngine, Usage, named_places, places, sources

from devflow.analysis.document import Document
from devflow.analysis.extract import extract
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Text
from devflow.analysis.tokens import lex
from devflow.analysis.usage import UsageModel
from devflow.server.assist import complete as completion
from devflow.server.assist.base import Codebase
from devflow.server.assist.features import MEMBER_FEATURES, NAME_FEATURES, member_features, name_features
from devflow.server.settings import Completion

_TARGET = Path(__file__).parent.parent / "server/assist/ranker.json"
_MOST_FILES = 300
_CHOSEN_FILES = 25
_NEGATIVES = 120


async def collect(
    root: Path, cache: Path, count: int, kinds: Sequence[str], *, jedi: bool, seed: int = 11
) -> None:
    """Write the lists of one package to `cache/NAME.npz`."""
    random.seed(seed)
    every = sources(root, ".py")
    every = sorted(random.sample(every, min(_MOST_FILES, len(every))))
    texts = {path: path.read_text(errors="replace") for path in every}
    index = HeldOut({path: extract(Text(text), "python") for path, text in texts.items()}, "python")
    tokens = {path: lex(text, "python") for path, text in texts.items()}
    eligible = [path for path in every if 2000 < len(texts[path]) < 60_000 and "test" not in path.name]
    chosen = random.sample(eligible, min(_CHOSEN_FILES, len(eligible)))
    per_file = max(1, count // len(chosen))
    engine = ThreadEngine(root) if jedi else None
    lists: dict[str, list[tuple[Any, int]]] = {"members": [], "names": []}
    missing = {"members": 0, "names": 0}
    begun = time.monotonic()
    for path in chosen:
        index.held = path
        usage = Usage(UsageModel.build(part for each, part in tokens.items() if each != path))
        text = texts[path]
        wanted = [(at, name, 0) for at, name in _some(places(text, "member"), per_file)]
        plain = _some(named_places(path, text), per_file)
        wanted += [(at, name, random.choice((0, 0, 1, 2, 2, 3))) for at, name in plain]
        given = _some(keyword_places(text), per_file // 4)
        wanted += [(at, f"{name}=", random.choice((0, 0, 1, 2))) for at, name in given]
        for at, name, typed in wanted:
            if ("members" if text[at - 1 : at] == "." else "names") not in kinds:
                continue
            source = text[:at] + name[:typed] + text[at + len(name) :]
            typed = min(typed, len(name.rstrip("=")))
            value = Text(source)
            document = Document(path.as_uri(), path, "python", 1, value, parse(value, "python"))
            for python in (None, engine) if engine is not None and not typed else (None,):
                code = Codebase(
                    (root,), cast(Any, None), cast(Any, python), cast(Any, index), None, cast(Any, usage)
                )
                seen = await _candidates(document, at + typed, code)
                if not seen:
                    continue
                candidates, around = seen
                kind = "names" if candidates[0].place or candidates[-1].place else "members"
                if kind == "names" and python is not None:
                    continue
                labels = [each.insert or each.name for each in candidates]
                if name not in labels:
                    missing[kind] += 1
                    continue
                truth = labels.index(name)
                others = [number for number in range(len(labels)) if number != truth]
                if len(others) > _NEGATIVES:  # the first are those that matter; some of the rest
                    others = others[: _NEGATIVES // 2] + random.sample(
                        others[_NEGATIVES // 2 :], _NEGATIVES // 2
                    )
                some = [candidates[number] for number in [truth, *others]]
                matrix = (name_features if kind == "names" else member_features)(some, around)
                lists[kind].append((matrix.astype(np.float32), typed))
    for kind, found in lists.items():
        if found:
            rows = np.concatenate([matrix for matrix, _ in found])
            sizes = np.array([len(matrix) for matrix, _ in found])
            np.savez_compressed(cache / f"{root.name}-{kind}.npz", rows=rows, sizes=sizes)
    report = {kind: [len(found), missing[kind]] for kind, found in lists.items()}
    print(
        json.dumps({"package": root.name, "seconds": round(time.monotonic() - begun), **report}), flush=True
    )


def keyword_places(text: str) -> list[tuple[int, str]]:
    """Where a call gives an argument by name, with that name; the `=` is deleted with it."""
    lines = Text(text)
    found = []
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return []
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg:
            start = lines.line_start(node.lineno - 1)
            column = len(lines.line(node.lineno - 1).encode()[: node.col_offset].decode(errors="replace"))
            if text[start + column :].startswith(f"{node.arg}="):
                found.append((start + column, node.arg))
    return found


def _some(found: list[tuple[int, str]], count: int) -> list[tuple[int, str]]:
    return random.sample(found, min(count, len(found)))


async def _candidates(document: Document, at: int, code: Codebase) -> tuple[list[Any], Any] | None:
    """What the ranker is given for this place when all sources are waited for, best first."""
    seen: list[Any] = []
    real, patience = completion.ranked, completion.enough

    def spy(candidates: Any, typed: str, around: Any = None) -> Any:
        answer = real(candidates, typed, around)
        seen[:] = [[each for each, _ in answer], around]
        return answer

    completion.ranked, completion.enough = spy, lambda *_: False  # type: ignore[assignment]
    try:
        await completion.complete(document, at, code, Completion(deadline_ms=1500))
    finally:
        completion.ranked, completion.enough = real, patience
        code.memory.close()
    return (seen[0], seen[1]) if seen and seen[0] else None


class Lists:
    """Lists of candidates, the wanted one first in each."""

    def __init__(self, rows: Any, sizes: Any) -> None:
        self.rows = rows.astype(np.float32)
        self.starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(int)
        self.sizes = sizes

    def chances(self, scores: Any) -> Any:
        """The softmax within each list."""
        best = np.maximum.reduceat(scores, self.starts)
        raised = np.exp(scores - np.repeat(best, self.sizes))
        return raised / np.repeat(np.add.reduceat(raised, self.starts), self.sizes)

    def results(self, scores: Any) -> dict[str, float]:
        """Cross entropy, first, in five and MRR, where the wanted name is a candidate."""
        chances = self.chances(scores)
        above = scores > np.repeat(scores[self.starts], self.sizes)
        ranks = np.add.reduceat(above.astype(int), self.starts) + 1
        loss = -np.log(np.maximum(chances[self.starts], 1e-12)).mean()
        values = {
            "loss": loss,
            "first": (ranks == 1).mean(),
            "five": (ranks <= 5).mean(),
            "mrr": (1 / ranks).mean(),
        }
        return {name: round(float(value), 4) for name, value in values.items()}

    def calibration(self, scores: Any) -> list[tuple[float, float, int]]:
        """`(mean probability of the first item, share right, lists)` in tenths of the probability."""
        chances = self.chances(scores)
        top = np.maximum.reduceat(chances, self.starts)
        right = chances[self.starts] >= top
        bins = np.minimum((top * 10).astype(int), 9)
        return [
            (
                round(float(top[bins == b].mean()), 2),
                round(float(right[bins == b].mean()), 2),
                int((bins == b).sum()),
            )
            for b in range(10)
            if (bins == b).any()
        ]


def fit(train: Lists, valid: Lists, hidden: int, steps: int = 300, decay: float = 1e-4) -> dict[str, Any]:
    """The network that is best on `valid`; full-batch Adam."""
    random_ = np.random.default_rng(5)
    width = train.rows.shape[1]
    weights = {
        "linear": np.zeros(width),
        "inner": random_.normal(0, 0.3, (width, hidden)),
        "bias": np.zeros(hidden),
        "outer": random_.normal(0, 0.1, hidden),
    }
    moments = {name: (np.zeros_like(value), np.zeros_like(value)) for name, value in weights.items()}
    best: tuple[float, dict[str, Any]] = (1e9, weights)
    count = len(train.sizes)

    def scores(lists: Lists) -> tuple[Any, Any]:
        active = np.tanh(lists.rows @ weights["inner"] + weights["bias"])
        return lists.rows @ weights["linear"] + active @ weights["outer"], active

    for step in range(1, steps + 1):
        value, active = scores(train)
        error = train.chances(value)
        error[train.starts] -= 1.0
        error /= count
        back = np.outer(error, weights["outer"]) * (1 - active**2)
        gradients = {
            "linear": train.rows.T @ error,
            "inner": train.rows.T @ back,
            "bias": back.sum(0),
            "outer": active.T @ error,
        }
        rate = 0.03 * (0.1 ** (step / steps))
        for name, gradient in gradients.items():
            gradient = gradient + decay * weights[name]
            first, second = moments[name]
            first += 0.1 * (gradient - first)
            second += 0.001 * (gradient**2 - second)
            moved = (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
            weights[name] = weights[name] - rate * moved
        if step % 20 == 0:
            loss = valid.results(scores(valid)[0])["loss"]
            if loss < best[0]:
                best = (loss, {name: value.copy() for name, value in weights.items()})
    weights = best[1]
    value = scores(valid)[0]
    print(
        json.dumps(
            {"hidden": hidden, "train": train.results(scores(train)[0]), "valid": valid.results(value)}
        )
    )
    print(json.dumps({"calibration": valid.calibration(value)}), flush=True)
    return weights


def load(cache: Path, kind: str, packages: list[str]) -> Lists:
    """The lists of some packages."""
    rows, sizes = [], []
    for name in packages:
        if (cache / f"{name}-{kind}.npz").exists():
            saved = np.load(cache / f"{name}-{kind}.npz")
            rows.append(saved["rows"])
            sizes.append(saved["sizes"])
    return Lists(np.concatenate(rows), np.concatenate(sizes))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=("collect", "fit"))
    parser.add_argument("cache", type=Path)
    parser.add_argument("roots", type=lambda name: Path(name).resolve(), nargs="*")
    parser.add_argument("--places", type=int, default=250)
    parser.add_argument("--hidden", type=int, default=16)
    parser.add_argument("--jedi", action="store_true")
    parser.add_argument("--kinds", default="members,names")
    options = parser.parse_args()
    if options.what == "collect":
        options.cache.mkdir(parents=True, exist_ok=True)
        for root in options.roots:
            asyncio.run(
                collect(root, options.cache, options.places, options.kinds.split(","), jedi=options.jedi)
            )
        return
    recipe = (Path(__file__).parent / "learn_ranker.txt").read_text()
    lines = [line.split() for line in recipe.splitlines() if line and not line.startswith("#")]
    kinds = (("members", MEMBER_FEATURES), ("names", NAME_FEATURES))
    written = json.loads(_TARGET.read_text())
    for kind, columns in (each for each in kinds if each[0] in options.kinds.split(",")):
        train = load(options.cache, kind, [folder for use, _, folder in lines if use == "train"])
        valid = load(options.cache, kind, [folder for use, _, folder in lines if use == "valid"])
        weights = fit(train, valid, options.hidden)
        written[kind] = {"features": list(columns)} | {
            name: np.round(value, 4).tolist() for name, value in weights.items()
        }
    _TARGET.write_text(json.dumps(written) + "\n")


if __name__ == "__main__":
    main()
