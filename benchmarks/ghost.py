"""Ghost text without a model: measure it in process, and fit what it believes.

    python benchmarks/ghost.py SCRATCH [--fit] [--places N]

Fetches the packages below into SCRATCH. At each place, an attribute, the rest of the line is deleted and
asked for; the file of the place (for the measured packages: all files held out,
as in `make bench`) is not in the usage model. Prints one JSON object: how often the likeliest rest is exactly
what stood there, and for some bounds of the probability how often it is shown, right where shown, and
what probability it had (to compare with what was right).

`--fit` fits the weights of `server/assist/inline/rest_of_line.py` on the packages for fitting (logistic
regression, one row a candidate at attributes, plain names and calls, by Newton's method with a little
shrinkage) and prints them; what is then measured uses them.
"""

from __future__ import annotations

import argparse
import ast
import json
import math
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from bench import corpora
from bench.corpora import Package
from bench.positions import Place, held_out, line_starts, members, plain_names, spread
from devflow.analysis.document import Document
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Text
from devflow.analysis.tokens import scan
from devflow.analysis.usage import UsageModel
from devflow.analysis.usage.store import Lexed, update
from devflow.server.assist.base import Codebase
from devflow.server.assist.inline import rest_of_line
from devflow.server.assist.inline.clean import clean
from devflow.server.assist.inline.site import site_of

FIT = (
    Package("SQLAlchemy", "2.0.36"),
    Package("pytest", "8.3.3"),
    Package("tornado", "6.4.1"),
    Package("pydantic", "2.9.2"),
    Package("Werkzeug", "3.0.4"),
    Package("black", "24.8.0"),
    Package("ansible-core", "2.17.4"),
    Package("fastapi", "0.115.0"),
    Package("jinja2", "3.1.4"),
    Package("click", "8.1.7"),
)
MEASURED = (
    Package("httpx", "0.28.1"),
    Package("rich", "14.0.0"),
    Package("celery", "5.4.0"),
    Package("flask", "3.1.0"),
    Package("Scrapy", "2.11.2"),
    Package("poetry", "1.8.3"),
)
SEED = 20
BOUNDS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)


class Usage:
    """A model without the files held out."""

    def __init__(self, model: UsageModel, root: Path, out: Sequence[Path]) -> None:
        self._model = model.now(None, [path.relative_to(root).as_posix() for path in out])
        self._root = root

    def usage_of(self, language: str, besides: Path | None = None) -> UsageModel:
        """As `server.services.IndexService`."""
        return self._model.now(None, (besides.relative_to(self._root).as_posix(),) if besides else ())


@dataclass(frozen=True, slots=True)
class Record:
    """One place: the values of each candidate, which of them is right, and the milliseconds it took."""

    values: list[tuple[float, ...]]
    right: list[bool]
    ms: float


def records(package: Package, scratch: Path, count: int, *, fitting: bool) -> Iterator[Record]:
    """What is known at `count` places of the package."""
    root = corpora.workspace(package, scratch)
    texts = corpora.texts(root)
    chance = random.Random(SEED)
    out = chance.sample(sorted(texts), min(len(texts), 60)) if fitting else held_out(sorted(texts), chance)
    every = {path.relative_to(root).as_posix(): path for path in root.rglob("*.py")}

    def read(name: str) -> Lexed:
        return Lexed(*scan(every[name].read_text(encoding="utf-8", errors="replace"), "python"), name)

    with tempfile.TemporaryDirectory() as folder:
        model = update(Path(folder), {name: name for name in sorted(every)}, read)
        usage = cast(Any, Usage(model, root, () if fitting else out))
        places = [(place, 0) for place in drawn(texts, out, count)]
        if fitting:
            names = [place for path in out for place in plain_names(path, texts[path])]
            places += [(place, 2 * (at % 2)) for at, place in enumerate(spread(names, count // 2, chance))]
            calls = [place for path in out for place in arguments(path, texts[path])]
            places += [(place, 0) for place in spread(calls, count // 2, chance)]
        for place, typed in places:
            yield record(place, typed, texts[place.path], Codebase((root,), cast(Any, None), usage=usage))


def drawn(texts: dict[Path, str], files: Sequence[Path], count: int) -> list[Place]:
    """`count` attributes of `files`."""
    return spread([p for path in files for p in members(path, texts[path])], count, random.Random(SEED))


def arguments(path: Path, text: str) -> list[Place]:
    """Behind the opening bracket of each call that has an argument on its line."""
    starts, lines = line_starts(text), text.split("\n")
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            line, column = (node.func.end_lineno or 1) - 1, node.func.end_col_offset or 0
            column = len(lines[line].encode()[:column].decode()) + 1
            if lines[line][column - 1 : column] == "(" and lines[line][column:].strip(") "):
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                found.append(Place(path, name, line, column, starts[line] + column))
    return sorted(set(found), key=lambda place: place.at)


def record(place: Place, typed: int, text: str, code: Codebase) -> Record:
    """What is known at one place, `typed` letters of the name being there."""
    at = place.at + typed
    end = text.find("\n", at)
    end = len(text) if end < 0 else end
    source = Text(text[:at] + text[end:])
    doc = Document(place.path.as_uri(), place.path, "python", 1, source, parse(source, "python"))
    rest_of_line.guess(doc, at, code, str.strip)  # the tokens are there, as they are when a key is hit
    site = replace(site_of(doc, at), multiline=False)
    begun = time.perf_counter()
    rest_of_line.guess(doc, at, code, lambda text: clean(text, site))
    spent = (time.perf_counter() - begun) * 1e3
    truth = text[at:end].strip()
    found = rest_of_line.evidence(doc, at, code)
    return Record(
        [(*each.values, float(rest_of_line.parses(doc, at, each.text))) for each in found],
        [each.text.strip() == truth for each in found],
        spent,
    )


def fit(rows: Sequence[Record], shrinkage: float = 1e-3, steps: int = 30) -> tuple[float, ...]:
    """Weights of the logistic regression of "is right" on the values of a candidate."""
    values = np.array([each for row in rows for each in row.values])
    right = np.array([each for row in rows for each in row.right], float)
    mean, spread = values.mean(axis=0), values.std(axis=0) + 1e-9
    mean[0], spread[0] = 0, 1
    scaled = (values - mean) / spread
    weights = np.zeros(scaled.shape[1])
    for _ in range(steps):
        chance = 1 / (1 + np.exp(-scaled @ weights))
        slope = scaled.T @ (chance - right) / len(right) + shrinkage * weights
        curve = (scaled.T * (chance * (1 - chance))) @ scaled / len(right) + shrinkage * np.eye(len(weights))
        weights -= np.linalg.solve(curve, slope)
    weights /= spread
    weights[0] -= float(weights @ mean)
    return tuple(round(float(weight), 2) for weight in weights)


def summed(rows: Sequence[Record], weights: Sequence[float]) -> dict[str, Any]:
    """The figures of some places."""
    best: list[tuple[float, bool]] = []
    for row in rows:
        scores = [math.fsum(w * x for w, x in zip(weights, each, strict=True)) for each in row.values]
        at = max(range(len(scores)), key=scores.__getitem__, default=None)
        best.append((0.0, False) if at is None else (1 / (1 + math.exp(-scores[at])), row.right[at]))
    spent = sorted(row.ms for row in rows)
    out: dict[str, Any] = {
        "places": len(rows),
        "among_candidates": _share(any(row.right) for row in rows),
        "likeliest": _share(right for _, right in best),
        "ms": {"p50": round(spent[len(spent) // 2], 1), "p95": round(spent[len(spent) * 95 // 100], 1)},
    }
    for bound in BOUNDS:
        shown = [(chance, right) for chance, right in best if chance >= bound]
        out[f"from {bound}"] = {
            "exact": round(sum(right for _, right in shown) / len(best), 3),
            "where_shown": _share(right for _, right in shown),
            "shown": round(len(shown) / len(best), 3),
            "believed": round(sum(chance for chance, _ in shown) / max(1, len(shown)), 3),
        }
    return out


def _share(values: Any) -> float:
    listed = list(values)
    return round(sum(listed) / max(1, len(listed)), 3)


def main() -> None:
    """Fit if asked to, and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("scratch", type=Path)
    parser.add_argument("--places", type=int, default=120)
    parser.add_argument("--fit", action="store_true")
    options = parser.parse_args()
    weights: Sequence[float] = rest_of_line.WEIGHTS
    out: dict[str, Any] = {}
    if options.fit:
        rows = [
            row for each in FIT for row in records(each, options.scratch, 3 * options.places, fitting=True)
        ]
        weights = fit(rows)
        out["weights"] = dict(zip(rest_of_line.FEATURES, weights, strict=True))
        out["fitted"] = summed(rows, weights)
    every: list[Record] = []
    for package in MEASURED:
        rows = list(records(package, options.scratch, options.places, fitting=False))
        every += rows
        out[package.name] = summed(rows, weights)
    out["all"] = summed(every, weights)
    print(json.dumps(out, indent=1))


if __name__ == "__main__":
    main()
