"""Measure the index at a million lines: `make bench-index`, or

    PYTHONPATH=benchmarks python -m index [--quick] [--only WORD...] [--scratch FOLDER] [--out FOLDER]

The code is fetched once by pinned names: Home Assistant (1.145 million lines), and for ten million lines
Ansible and the sources of OpenJDK 17 besides. Each part's figures are kept as soon as they are there: a run
that was broken off is taken up where it was. `--quick`: Home Assistant only, fewer kills, fewer commits.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.client import NoAnswer
from bench.processes import load, machine
from bench.revision import ROOT, revision, state

from . import asked, corpora, survival, table
from .cold import cold

_FAILURES = (corpora.Missing, NoAnswer, OSError, ValueError, TimeoutError, subprocess.SubprocessError)


def main() -> int:
    """Run what is asked for; 1 if a part could not be measured."""
    arguments = _parser().parse_args()
    scratch: Path = arguments.scratch.resolve()
    scratch.mkdir(parents=True, exist_ok=True)
    kept = scratch / "runs" / state(quick=arguments.quick)
    kept.mkdir(parents=True, exist_ok=True)
    quiet = load()
    if quiet > 1.0:
        print(f"The machine is not quiet (load {quiet}): times will be too long.", file=sys.stderr)
    missing: dict[str, str] = {}
    for name, run in parts(scratch, quick=arguments.quick).items():
        target = kept / f"{name}.json"
        if target.exists() or (arguments.only and not any(word in name for word in arguments.only)):
            continue
        try:
            figures = run()
        except _FAILURES as error:
            missing[name] = f"{type(error).__name__}: {error}"
            print(f"{name}: {missing[name]}", file=sys.stderr)
            continue
        target.write_text(json.dumps({"load": load(), **figures}, indent=1), "utf-8")
        print(f"{name}: done, load {load()}", file=sys.stderr)
    results = {
        "command": "make bench-index" + (" QUICK=1" if arguments.quick else ""),
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "revision": revision(),
        "machine": machine(),
        "load_at_start": quiet,
        "parts": {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(kept.glob("*.json"))},
        "missing": missing,
    }
    print(table.as_markdown(results))
    day = datetime.datetime.now(datetime.UTC).date().isoformat()
    name = f"index-{day}{'-quick' if arguments.quick else ''}"
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / f"{name}.json").write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    (arguments.out / f"{name}.md").write_text(table.as_markdown(results), "utf-8")
    return 1 if missing else 0


def parts(scratch: Path, *, quick: bool) -> dict[str, Callable[[], dict[str, Any]]]:
    """Every part by name, in the order they run; a later one may need the index an earlier one made."""
    cache, other = scratch / "cache", scratch / "other-cache"

    def million() -> Path:
        return corpora.homeassistant(scratch)

    def ready() -> Path:
        if not (cache / "devflow").exists():
            asyncio.run(cold(million(), cache))
        return million()

    def typing() -> dict[str, Any]:
        shutil.rmtree(other, ignore_errors=True)
        return asked.typing(ready(), cache, other)

    found: dict[str, Callable[[], dict[str, Any]]] = {
        "cold": lambda: asyncio.run(cold(million(), cache)),
        "search": lambda: asyncio.run(asked.searches(ready(), cache)),
        "saved": lambda: asyncio.run(asked.saved(ready(), cache)),
        "warm": lambda: asked.warm(ready(), cache),
        "typing": typing,
        "replay": lambda: asyncio.run(survival.replay(scratch, 300, 20 if quick else 5)),
        "kills": lambda: asyncio.run(
            survival.kills(scratch, 20 if quick else 200, corpora.part(scratch), other)
        ),
    }
    if not quick:
        found["ten million"] = lambda: asyncio.run(cold(corpora.ten_million(scratch), other, vectors=False))
        found["tiny files"] = lambda: asyncio.run(_tiny(scratch, other))
    return found


async def _tiny(scratch: Path, cache: Path) -> dict[str, Any]:
    """100,000 files of one line."""
    root = scratch / "tiny"
    if not root.exists():
        for number in range(100_000):
            folder = root / f"p{number // 500}"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"m{number}.py").write_text(f"value_{number} = {number}\n", "utf-8")
    begun = time.monotonic()
    return {**await cold(root, cache, vectors=False), "with_files_made_s": round(time.monotonic() - begun)}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="index", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--scratch", type=Path, default=cache / "devflow-bench" / "index")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    return parser


if __name__ == "__main__":
    sys.exit(main())
