"""Does the router's estimate of difficulty know which lines are hard?

    cd benchmarks; python -m models.difficulty        learns and prints its weights

The code is that of Python's standard library, or of the folders named by DEVFLOW_CORPORA (separated as
paths are). "Hard": the rest of the line, from a random token of it on, is not what the usage model of the
other half of the package's files says. Measured on packages that were left out of the learning, as the area
under the ROC curve.
"""

from __future__ import annotations

import json
import os
import random
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from devflow.analysis.tokens import Token, lex
from devflow.analysis.usage.model import UsageModel
from devflow.models.routing.difficulty import FEATURES, features_of_fill, of_fill

from .rows import Row

PACKAGES = ("asyncio", "concurrent", "email", "http", "importlib", "json", "logging", "multiprocessing",
            "unittest", "xml", "urllib", "ctypes")  # fmt: skip
_LONGEST = 25
"""Tokens of a rest of a line."""
Samples = tuple[np.ndarray, np.ndarray]
"""Features of shape (n, len(FEATURES)), and 1.0 for each that is hard."""


async def measure(*, quick: bool) -> list[Row]:
    """The area under the curve of what ships, and of weights learned without the package that is judged."""
    samples = {name: found for name, found in gathered(20 if quick else 60).items() if len(found[1]) > 30}
    apart = []
    for name in samples:
        others = [samples[other] for other in samples if other != name]
        weights = learned(np.vstack([x for x, _ in others]), np.concatenate([y for _, y in others]))
        x, y = samples[name]
        apart.append(auc(with_ones(x) @ weights, y))
    x, y = np.vstack([x for x, _ in samples.values()]), np.concatenate([y for _, y in samples.values()])
    length = auc(-x[:, FEATURES.index("line length")], y)
    measured = float(np.mean(apart))
    return [
        Row(
            "difficulty of a fill, area under the ROC curve on packages left out",
            f"{measured:.2f}",
            f"> {length:.2f}, by the line's length alone",
            measured > length,
            f"{len(y):,} lines of {len(samples)} packages, {y.mean():.0%} hard; worst package "
            f"{min(apart):.2f}",
        )
    ]


def gathered(each: int) -> dict[str, Samples]:
    """`each` positions a file, by package."""
    named = os.environ.get("DEVFLOW_CORPORA", "")
    standard = Path(json.__file__).parents[1]
    folders = [Path(part) for part in named.split(os.pathsep) if part] or [
        standard / name for name in PACKAGES
    ]
    return {folder.name: _samples(folder, each) for folder in folders if folder.is_dir()}


def _samples(folder: Path, each: int) -> Samples:
    sources = [path.read_text("utf-8", "replace") for path in sorted(folder.rglob("*.py"))]
    sources = [source for source in sources if source.strip()][:80]
    features: list[tuple[float, ...]] = []
    hard: list[float] = []
    for half in (0, 1):
        model = UsageModel.build([lex(source, "python") for source in sources[half::2]])
        for source in sources[1 - half :: 2]:
            tokens = lex(source, "python")
            chance = random.Random(zlib.crc32(source.encode()))
            for _ in range(each):
                place = chance.randrange(len(tokens)) if tokens else 0
                rest = _rest(tokens, place)
                if not rest:
                    continue
                at, end = tokens[place].start, tokens[place + len(rest) - 1].end
                features.append(features_of_fill(source[:at], source[end:]))
                hard.append(float(_guessed(model, tokens, place, len(rest)) != rest))
    return np.array(features).reshape(-1, len(FEATURES)), np.array(hard)


def _rest(tokens: Sequence[Token], place: int) -> list[str]:
    rest = []
    for token in tokens[place : place + _LONGEST]:
        if not token.text.strip() or token.text == "NEWLINE":
            return rest
        rest.append(token.text)
    return []


def _guessed(model: UsageModel, tokens: Sequence[Token], place: int, length: int) -> list[str]:
    context = [token.text for token in tokens[max(0, place - 64) : place]]
    said: list[str] = []
    for _ in range(length):
        found = model.next_tokens(context + said, 1).tokens
        if not found:
            break
        said.append(found[0][0])
    return said


def learned(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Weights of a logistic regression, the bias last, by Newton's method with a small ridge."""
    x = with_ones(x)
    weights = np.zeros(x.shape[1])
    ridge = np.full(x.shape[1], 1.0)
    ridge[-1] = 0.0
    for _ in range(30):
        p = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        gradient = x.T @ (p - y) + ridge * weights
        hessian = (x * (p * (1 - p))[:, None]).T @ x + np.diag(ridge + 1e-6)
        step = np.linalg.solve(hessian, gradient)
        weights = weights - step
        if np.abs(step).max() < 1e-6:
            break
    return weights


def with_ones(x: np.ndarray) -> np.ndarray:
    """With a column for the bias."""
    return np.hstack([x, np.ones((len(x), 1))])


def auc(scores: np.ndarray, labels: np.ndarray) -> float:
    """The area under the ROC curve, by ranks; .5 where one class is missing."""
    order = np.argsort(scores, kind="stable")
    ranks = np.empty(len(scores))
    ranks[order] = np.arange(1, len(scores) + 1)
    for value in np.unique(scores):
        same = scores == value
        ranks[same] = ranks[same].mean()
    positive = labels.sum()
    negative = len(labels) - positive
    if not positive or not negative:
        return 0.5
    return float((ranks[labels == 1].sum() - positive * (positive + 1) / 2) / (positive * negative))


def main() -> None:
    """Learn on everything and print."""
    samples = gathered(60)
    x, y = np.vstack([x for x, _ in samples.values()]), np.concatenate([y for _, y in samples.values()])
    weights = learned(x, y)
    print(f"BIAS = {weights[-1]:.2f}\nWEIGHTS = ({', '.join(f'{value:.2f}' for value in weights[:-1])})")
    print(
        f"# {len(y):,} lines, {y.mean():.0%} hard, area under the curve {auc(with_ones(x) @ weights, y):.3f}"
    )
    assert 0 <= of_fill("x = ", "\n") <= 1


if __name__ == "__main__":
    main()
