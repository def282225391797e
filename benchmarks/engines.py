"""Measure the type engines by themselves, without our ranker, at the same places of the same packages.

    PYTHONPATH=benchmarks python benchmarks/engines.py [--packages NAME...] [--places 80] [--out FOLDER]

Each engine stands behind the protocol that the server asks (`PythonWorker` for jedi, `TypeServer` for ty and
pyrefly). Each attribute is deleted and `complete` asked there, then `define` on the attribute as it was.
The first question about a file follows at once upon its opening (*cold*), the others when it has been
open for a second (*warm*). Every engine starts as a fresh process with an empty cache. Writes the table and
one JSON file. pyrefly is measured for comparison only: DevFlow does not run it (docs/decisions/0014).
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import importlib.metadata
import json
import os
import random
import sys
import sysconfig
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from bench import corpora, figures
from bench.positions import Place, members, spread
from bench.processes import load, machine, memory
from devflow.server.workers import type_programs
from devflow.server.workers.python import PythonWorker
from devflow.server.workers.rpc import Program
from devflow.server.workers.type_server import TypeServer

ENGINES = ("jedi", "ty", "pyrefly")
PACKAGES = {
    package.name: package
    for package in (*corpora.QUICK, *corpora.PACKAGES)
    if package.name in ("httpx", "flask", "celery", "rich")
}
_SEED = 20
_PER_FILE = 10
_PATIENCE = 20.0
"""Seconds: an engine that takes longer has not answered. In the server it is given less."""
_READING = 1.0
"""Seconds that a user reads in a file before the second question."""
_COLUMNS = (
    ("engine", "engine"),
    ("places", "places"),
    ("answered", "answered"),
    ("recall", "recall"),
    ("first", "first"),
    ("cold", "cold p50 / p95 ms"),
    ("warm", "warm p50 / p95 ms"),
    ("defined", "defined"),
    ("define", "define p50 / p95 ms"),
    ("first_answer", "first answer ms"),
    ("memory", "RSS MiB"),
)


@dataclass(frozen=True, slots=True)
class Record:
    """What one engine said at one place; times in milliseconds."""

    engine: str
    offered: int
    """How many names; 0 when it did not answer."""
    rank: int
    """The place, from 1, of the name that was written there in the engine's list; 0 if not in it."""
    ms: float
    cold: bool
    defined: bool
    define_ms: float


@dataclass(frozen=True, slots=True)
class Run:
    """One engine on one package."""

    engine: str
    package: str
    first_answer_ms: float
    """From starting its program to its first answer."""
    rss_mib: float
    records: tuple[Record, ...]


def summed(runs: Sequence[Run]) -> dict[str, Any]:
    """The figures of one engine over several packages: shares and times over all places, the slowest first
    answer, the largest memory."""
    records = [record for run in runs for record in run.records]
    ranks = figures.ranking([record.rank for record in records])
    return {
        "engine": runs[0].engine,
        "places": len(records),
        "answered": figures.share(record.offered > 0 for record in records),
        "recall": ranks["recall"],
        "first": ranks["first"],
        "cold": figures.times([record.ms for record in records if record.cold]),
        "warm": figures.times([record.ms for record in records if not record.cold]),
        "defined": figures.share(record.defined for record in records),
        "define": figures.times([record.define_ms for record in records]),
        "first_answer": max(run.first_answer_ms for run in runs),
        "memory": max(run.rss_mib for run in runs),
    }


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows of `summed` as a Markdown table."""
    lines = ["| " + " | ".join(title for _, title in _COLUMNS) + " |", "|---" * len(_COLUMNS) + "|"]
    lines += ["| " + " | ".join(_cell(row[key]) for key, _ in _COLUMNS) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{_cell(value['p50'])} / {_cell(value['p95'])}"
    if isinstance(value, float):
        return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
    return "–" if value is None else str(value)


async def measured(name: str, package: str, root: Path, places: Sequence[Place]) -> Run:
    """Ask one engine, freshly started, at all `places`, which are in the order of their files."""
    texts = {place.path: place.path.read_text("utf-8") for place in places}
    engine = _engine(name, root)
    records = []
    begun = time.perf_counter()
    await engine.start()
    first_answer = 0.0
    last: Path | None = None
    try:
        for place in places:
            text = texts[place.path]
            cold = place.path != last
            if cold:
                engine.opened(place.path, text)
            last = place.path
            missing = text[: place.at] + text[place.at + len(place.name) :]
            names, ms = await _timed(engine.complete(place.path, missing, place.at))
            first_answer = first_answer or (time.perf_counter() - begun) * 1e3
            offered = list(dict.fromkeys(each.name for each in names or ()))
            definitions, define_ms = await _timed(engine.define(place.path, text, place.at + 1))
            records.append(
                Record(
                    name,
                    len(offered),
                    offered.index(place.name) + 1 if place.name in offered else 0,
                    ms,
                    cold,
                    any(each.location is not None for each in definitions or ()),
                    define_ms,
                )
            )
            if cold:
                await asyncio.sleep(_READING)
        children = psutil.Process().children()
        rss = sum(memory(child.pid)["rss_mib"] for child in children)
    finally:
        await engine.close()
    return Run(name, package, round(first_answer, 1), round(rss, 1), tuple(records))


async def _timed(answer: Any) -> tuple[Any, float]:
    begun = time.perf_counter()
    return await answer, round((time.perf_counter() - begun) * 1e3, 2)


def _engine(name: str, root: Path) -> Any:
    """An engine that has not been started."""
    if name == "jedi":
        return PythonWorker([root], deadlines={"complete": _PATIENCE, "define": _PATIENCE})
    methods = ("completion", "definition", "hover")
    deadlines = {f"textDocument/{method}": _PATIENCE for method in methods}
    program, why = type_programs.find(os.environ)
    if program is None:
        raise SystemExit(why)
    if name != type_programs.TY:
        beside = Path(sysconfig.get_path("scripts")) / name
        program = Program((str(beside), "lsp", "--threads", "2"), program.environment)
    return TypeServer(name, program, [root], Path(sys.prefix), deadlines=deadlines)


def _places(root: Path, count: int) -> list[Place]:
    """`count` attributes in a tenth as many files, so that most questions are about an open file."""
    texts = corpora.texts(root)
    chosen = random.Random(_SEED)
    files = sorted(chosen.sample(sorted(texts), min(len(texts), max(1, count // _PER_FILE))))
    return spread([place for path in files for place in members(path, texts[path])], count, chosen)


async def _main(given: argparse.Namespace) -> None:
    given.scratch.mkdir(parents=True, exist_ok=True)
    runs: list[Run] = []
    for package in given.packages:
        root = corpora.workspace(PACKAGES[package], given.scratch).resolve()
        places = _places(root, given.places)
        for name in given.engines:
            with tempfile.TemporaryDirectory() as cache:
                os.environ["XDG_CACHE_HOME"] = cache  # where the engines keep what they have parsed
                runs.append(await measured(name, package, root, places))
            print(package, json.dumps(summed(runs[-1:])), file=sys.stderr)
    totals = {name: summed([run for run in runs if run.engine == name]) for name in given.engines}
    shown = table(list(totals.values()))
    now = datetime.datetime.now(datetime.UTC)
    head = {
        "command": "python benchmarks/engines.py " + " ".join(sys.argv[1:]),
        "date": now.isoformat(timespec="minutes"),
        "machine": machine() | {"load": load()},
        "versions": {name: importlib.metadata.version(name) for name in given.engines},
        "packages": {name: PACKAGES[name].version for name in given.packages},
    }
    print(shown)
    if given.out is not None:
        given.out.mkdir(parents=True, exist_ok=True)
        stem = f"engines-{now.date()}"
        content = head | {"total": totals, "runs": [asdict(run) for run in runs]}
        (given.out / f"{stem}.json").write_text(json.dumps(content) + "\n", "utf-8")
        lines = [
            f"{key}: {value if isinstance(value, str) else json.dumps(value)}" for key, value in head.items()
        ]
        for package in given.packages:
            rows = [summed([run]) for run in runs if run.package == package]
            lines += ["", package, table(rows)]
        lines += ["", "all", shown]
        (given.out / f"{stem}.md").write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    default_cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--packages", nargs="+", default=list(PACKAGES), choices=list(PACKAGES))
    parser.add_argument("--engines", nargs="+", default=list(ENGINES), choices=ENGINES)
    parser.add_argument("--places", type=int, default=80, help="per package")
    parser.add_argument("--scratch", type=Path, default=default_cache / "devflow-bench")
    parser.add_argument("--out", type=Path, help="folder for the JSON and the table")
    asyncio.run(_main(parser.parse_args()))
