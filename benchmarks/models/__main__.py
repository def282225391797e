"""Measure the models layer: `make bench-models`, or

    cd benchmarks; PYTHONPATH=../tests python -m models [--quick] [--only WORD…] [--out FOLDER]

Writes `models-DATE.json` and `.md` into benchmarks/results: the figures beside their goals. Needs no network
and no downloaded weights: GGUF models are made on the spot.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import importlib
import json
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path

from bench.processes import load, machine
from bench.revision import ROOT, revision
from devflow.server import pauses

from .rows import Row, as_markdown

PARTS = ("overhead", "stopping", "faults", "reuse", "infill", "guard", "regret", "difficulty")
"""Modules beside this one; each has `async def measure(*, quick: bool) -> list[Row]`."""


def main() -> int:
    """Run the parts; 1 when a goal was missed."""
    parser = argparse.ArgumentParser(description="Measure the models layer.")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    parser.add_argument("--only", nargs="*", default=(), metavar="WORD", help=f"parts: {', '.join(PARTS)}")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    arguments = parser.parse_args()
    quiet = load()
    if quiet > 1.0:
        print(f"The machine is not quiet (load {quiet}): times will be too long.", file=sys.stderr)
    # The interpreter takes turns and collects garbage as it does in the server.
    pauses.shorten()
    pauses.collect_from_now_on()
    rows: list[Row] = []
    for part in PARTS:
        if arguments.only and part not in arguments.only:
            continue
        if not Path(__file__).with_name(f"{part}.py").exists():
            continue
        module = importlib.import_module(f".{part}", __package__)
        measure: Callable[..., Awaitable[list[Row]]] = module.measure
        started = time.monotonic()
        rows += asyncio.run(_awaited(measure(quick=arguments.quick)))
        print(f"{part}: {time.monotonic() - started:.0f} s", file=sys.stderr)
    _report(rows, arguments, quiet)
    return 1 if any(row.met is False for row in rows) else 0


def _report(rows: list[Row], arguments: argparse.Namespace, quiet: float) -> None:
    day = datetime.datetime.now(datetime.UTC)
    command = "make bench-models" + (" QUICK=1" if arguments.quick else "")
    about = machine()
    table = (
        f"`{command}`, {day:%Y-%m-%d %H:%M} UTC, revision {revision()}, {about['cores']} cores "
        f"({about['cpu']}), load {quiet} at the start\n\n{as_markdown(rows)}"
    )
    print(table)
    if arguments.only:
        return
    arguments.out.mkdir(parents=True, exist_ok=True)
    name = f"models-{day:%Y-%m-%d}" + ("-quick" if arguments.quick else "")
    figures = {"command": command, "revision": revision(), "machine": about, "load": quiet}
    figures["rows"] = [asdict(row) for row in rows]
    (arguments.out / f"{name}.json").write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    (arguments.out / f"{name}.md").write_text(table, "utf-8")


async def _awaited(rows: Awaitable[list[Row]]) -> list[Row]:
    return await rows


if __name__ == "__main__":
    sys.exit(main())
