"""Fit and judge rests of lines made of a name and an end (`server/assist/inline/compose.py`).

    PYTHONPATH=benchmarks python -m inline.fit_compose ROOT … [--places N] [--fit]

At places of the packages under each ROOT (attributes, and plain names) the rest of the line is deleted; the
file is held out of index and usage model. For each package: how often the likeliest rest is right, by the
lines elsewhere, by name and end, and by the better of both, for some bounds of the probability. `--fit`:
for each package with weights fitted on the others; the weights fitted on all are printed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

from completion import HeldOut, named_places, places, sources
from ghost import fit

from devflow.analysis.document import Document
from devflow.analysis.extract import extract
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Text
from devflow.analysis.tokens import lex
from devflow.analysis.usage import UsageModel
from devflow.server.assist.base import Codebase
from devflow.server.assist.inline import compose
from devflow.server.assist.inline.clean import clean
from devflow.server.assist.inline.rest_of_line import guess
from devflow.server.assist.inline.site import Site

SEED = 11
BOUNDS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4)


@dataclass(frozen=True, slots=True)
class Row:
    """One place: the values of each composed rest, whether it is right; the guess by lines elsewhere."""

    values: list[tuple[float, ...]]
    right: list[bool]
    by_lines: float
    lines_right: bool


class Usage:
    def __init__(self, model: UsageModel) -> None:
        self._model = model

    def usage_of(self, *_: object) -> UsageModel:
        return self._model


async def rows_of(root: Path, count: int, files: int = 12) -> list[Row]:
    """What is known at `count` places of one package."""
    chance = random.Random(SEED)
    every = sources(root, ".py")
    texts = {path: path.read_text(errors="replace") for path in every}
    index = HeldOut({path: extract(Text(text), "python") for path, text in texts.items()}, "python")
    tokens = {path: lex(text, "python") for path, text in texts.items()}
    eligible = [p for p in every if 2000 < len(texts[p]) < 60_000 and "test" not in p.name]
    chosen = chance.sample(eligible, min(files, len(eligible)))
    rows: list[Row] = []
    for path in chosen:
        index.held = path
        usage = Usage(UsageModel.build(part for each, part in tokens.items() if each != path))
        code = Codebase((root,), cast(Any, None), None, cast(Any, index), None, cast(Any, usage))
        text = texts[path]
        members, names = places(text, "member"), named_places(path, text)
        per_file = count // len(chosen)
        some = chance.sample(members, min(len(members), per_file * 2 // 3 + 1))
        some += chance.sample(names, min(len(names), per_file // 3))
        for at, _ in some:
            end = text.find("\n", at)
            end = len(text) if end < 0 else end
            truth = text[at:end].strip()
            value = Text(text[:at] + text[end:])
            doc = Document(path.as_uri() + f"#{at}", path, "python", 1, value, parse(value, "python"))
            site = Site(value.source[max(0, at - 8_000) : at], value.source[at : at + 4_000])
            by_lines = guess(doc, at, code, partial(clean, site=site))
            found = await compose.candidates(doc, at, code)
            rows.append(
                Row(
                    [each.values for each in found],
                    [each.text.strip() == truth for each in found],
                    by_lines.probability if by_lines is not None else 0.0,
                    by_lines is not None and by_lines.text.strip() == truth,
                )
            )
        code.memory.close()
    return rows


def summed(rows: Sequence[Row], weights: Sequence[float]) -> dict[str, Any]:
    """Exact over all and where shown, by each way, for each bound."""
    best: list[tuple[float, bool]] = []
    for row in rows:
        scores = [math.fsum(w * x for w, x in zip(weights, each, strict=True)) for each in row.values]
        at = max(range(len(scores)), key=scores.__getitem__, default=None)
        best.append((0.0, False) if at is None else (1 / (1 + math.exp(-scores[at])), row.right[at]))
    lines = [(row.by_lines, row.lines_right) for row in rows]
    both = [max(pair, key=lambda each: each[0]) for pair in zip(best, lines, strict=True)]
    out: dict[str, Any] = {"places": len(rows)}
    for name, way in (("lines", lines), ("names", best), ("both", both)):
        out[name] = {
            str(bound): " ".join(
                f"{value:.3f}"
                for value in (
                    sum(right for chance, right in way if chance >= bound) / len(way),
                    sum(right for chance, right in way if chance >= bound)
                    / max(1, sum(chance >= bound for chance, _ in way)),
                )
            )
            for bound in BOUNDS
        }
    return out


def fitted(rows: Sequence[Row]) -> tuple[float, ...]:
    """Weights on some rows."""
    return fit(cast(Any, [row for row in rows if row.values]))


def main() -> None:
    """Measure, and fit if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("roots", type=Path, nargs="+")
    parser.add_argument("--places", type=int, default=150)
    parser.add_argument("--fit", action="store_true")
    options = parser.parse_args()
    by_package = {root.name: asyncio.run(rows_of(root.resolve(), options.places)) for root in options.roots}
    told: dict[str, Any] = {}
    every: list[Row] = []
    for name, rows in by_package.items():
        weights: Sequence[float] = compose.WEIGHTS
        if options.fit:
            weights = fitted([row for other, some in by_package.items() if other != name for row in some])
        told[name] = summed(rows, weights)
        every += rows
    if options.fit:
        weights = fitted(every)
        told["weights"] = dict(zip(compose.FEATURES, weights, strict=True))
    told["all"] = summed(every, fitted(every) if options.fit else compose.WEIGHTS)
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
