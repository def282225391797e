"""The stages of ghost text on a real package: milliseconds, generations, restraint, names.

    PYTHONPATH=benchmarks python -m inline [ROOT …] [--places N] [--quick] [--out FOLDER]

ROOT: an unpacked package; without one, pinned releases are fetched as in `make bench`. Prints, and writes to
FOLDER, for each: milliseconds of an answer from the cache
(the same place, and typed as suggested), of everything but the model (context included, and without it), of
the context alone, with a scripted model that answers at once; how many generations were alive at most
while letters were typed, and how soon one that is superseded has ended; and the figures of
`inline.names`. Then the restraint scenarios.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, cast

import platformdirs

from bench import corpora
from bench.revision import revision
from devflow.analysis.document import Document
from devflow.models.base import FillRequest
from devflow.models.streams import Answer, answer_of
from devflow.server.assist.base import Codebase
from devflow.server.assist.inline import inline
from devflow.server.assist.inline.evaluation.places import Place, lines_of
from devflow.server.assist.inline.evaluation.restraint import played, rates, scenarios
from devflow.server.assist.inline.evaluation.scripted import ScriptedFill
from devflow.server.assist.inline.ghost import ghost_of
from devflow.server.assist.inline.known import with_suggestion
from devflow.server.settings import Inline

from .names import measured
from .workspaces import document, opened


def summed(values: list[float]) -> dict[str, float]:
    """Percentiles in milliseconds."""
    values = sorted(values)
    if not values:
        return {}
    return {
        "n": len(values),
        "p50": round(values[len(values) // 2], 1),
        "p95": round(values[len(values) * 95 // 100], 1),
        "most": round(values[-1], 1),
    }


async def stages(root: Path, count: int) -> dict[str, Any]:
    """Milliseconds of one package."""
    places = lines_of(root, count)
    told: dict[str, Any] = {"package": root.name, "places": len(places)}
    spent: dict[str, list[float]] = {}
    by_stage: dict[str, list[float]] = {}
    seen: list[Document] = []
    async with opened(root) as code:
        told["engine"] = getattr(code.python, "engine", "none")
        for place in places:
            await one_place(place, root, replace(code, seen=lambda: seen[-8:]), spent, by_stage)
            seen.append(document(root, place)[0])
    told["milliseconds"] = {name: summed(values) for name, values in spent.items()}
    told["stages"] = {name: summed(values) for name, values in by_stage.items()}
    return told


async def one_place(
    place: Place, root: Path, code: Codebase, spent: dict[str, list[float]], by_stage: dict[str, list[float]]
) -> None:
    """Ask without a model's own time, again from the cache, and once more a letter further on."""
    model = ScriptedFill(place.truth, piece=1_000)
    asked = replace(code, models=cast(Any, model))
    doc, at = document(root, place)
    config = Inline(min_confidence=1.0, min_acceptance=0.0)
    doc = replace(doc, uri=f"{doc.uri}#{at}")
    # The document is open and known, as it is when a key is hit.
    await inline(doc, max(0, at - 1), replace(code, models=None), config, manual=True)
    begun = time.perf_counter()
    found = await inline(doc, at, asked, config, manual=True)
    whole = (time.perf_counter() - begun) * 1e3
    report = ghost_of(code.memory, doc.uri).report
    if report is None or "context" not in report.milliseconds:
        return
    for stage, value in report.milliseconds.items():
        by_stage.setdefault(stage, []).append(value)
    own = whole - report.milliseconds.get("model", 0.0)
    spent.setdefault("context", []).append(report.milliseconds["context"])
    spent.setdefault("all stages, context included", []).append(own)
    spent.setdefault("all stages, without context", []).append(own - report.milliseconds["context"])
    if found is None:
        return
    begun = time.perf_counter()
    again = await inline(doc, at, asked, config, manual=True)
    spent.setdefault("cache, the same place", []).append((time.perf_counter() - begun) * 1e3)
    assert again is not None
    if len(found.edit.new) < 2:
        return
    typed = with_suggestion(doc, at, found.edit.new[0])
    typed = replace(typed, version=2)
    begun = time.perf_counter()
    await inline(typed, at + 1, asked, config)
    spent.setdefault("cache, typed as suggested", []).append((time.perf_counter() - begun) * 1e3)


class Slow:
    """A fill model that never ends, and notes when its streams do."""

    def __init__(self) -> None:
        self.open = self.most_open = 0
        self.ended: list[float] = []
        self._news = asyncio.Condition()

    async def changed(self, ended: int) -> None:
        """Wait until that many streams have ended and one is open."""
        async with self._news:
            await self._news.wait_for(lambda: self.open > 0 and len(self.ended) >= ended)

    def has(self, task: str) -> bool:
        return task == "fill"

    def statuses(self) -> list[Any]:
        return []

    def fill(self, request: FillRequest) -> Answer:
        return answer_of("slow", self._written())

    async def _written(self) -> AsyncIterator[str]:
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        async with self._news:
            self._news.notify_all()
        try:
            yield "x"
            await asyncio.sleep(30)
        finally:
            self.open -= 1
            self.ended.append(time.perf_counter())


async def superseded(root: Path, keys: int = 40) -> dict[str, Any]:
    """Letters typed one behind the other, each with a request that supersedes the one before."""
    [place] = lines_of(root, 1)
    model = Slow()
    async with opened(root, engine=False) as code:
        asked = replace(code, models=cast(Any, model))
        doc, at = document(root, place)
        config = Inline(context=False, min_confidence=1.0)
        waits: list[float] = []
        tasks: list[asyncio.Task[Any]] = []
        for key in range(keys):
            count = len(model.ended)
            open_ = model.open
            begun = time.perf_counter()
            tasks.append(asyncio.create_task(inline(doc, at, asked, config, manual=True)))
            await model.changed(count + 1 if open_ else count)
            if open_:
                waits.append((model.ended[-1] - begun) * 1e3)
            letter = "qz"[key % 2]
            doc = replace(with_suggestion(doc, at, letter), version=key + 2)
            at += 1
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return {
        "most alive": model.most_open,
        "superseded ended after ms": summed(waits),
        "left open": model.open,
    }


async def everything(roots: list[Path], places: int) -> dict[str, Any]:
    """All figures."""
    told: dict[str, Any] = {
        "about": f"python -m inline, {date.today()}, Python {platform.python_version()}",
        "packages": [await stages(root, places) for root in roots],
        "generations": await superseded(roots[0]),
        "names": [await measured(root, places, 0.2, misses=False) for root in roots],
    }
    outcomes = [await played(each, Path("/w")) for each in scenarios()]
    quiet, show = rates(outcomes)
    wrong = [each.scenario.name for each in outcomes if not each.is_right]
    told["restraint"] = {"quiet rate": round(quiet, 3), "show rate": round(show, 3), "wrong": wrong}
    return told


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("roots", type=Path, nargs="*")
    parser.add_argument("--quick", action="store_true", help="two packages, fewer places")
    parser.add_argument("--places", type=int, default=120)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent.parent / "results")
    options = parser.parse_args()
    roots = [root.resolve() for root in options.roots]
    if not roots:
        scratch = platformdirs.user_cache_path("devflow-bench")
        packages = corpora.QUICK if options.quick else (*corpora.QUICK, *corpora.PACKAGES[:2])
        roots = [corpora.workspace(package, scratch) for package in packages]
    places = 40 if options.quick else options.places
    told = asyncio.run(everything(roots, places)) | {"revision": revision()}
    text = json.dumps(told, indent=1)
    print(text)
    name = f"inline-{date.today().isoformat()}{'-quick' if options.quick else ''}.json"
    (options.out / name).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
