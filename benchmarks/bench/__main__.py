"""Measure DevFlow and its peers side by side: `make bench`, or

    PYTHONPATH=benchmarks python -m bench [--quick] [--only WORD...] [--scratch FOLDER] [--out FOLDER]

Servers run one at a time. Each part's figures are kept as soon as they are there: a run that was broken off
is taken up where it was, one that came to its end begins anew. `--only` runs the parts whose name has one
of the words. `--table` only makes the table and the pictures from the newest results.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from . import corpora, pages, servers, summary
from .client import NoAnswer
from .parts import Part, parts
from .processes import load, machine
from .revision import ROOT, revision, state

_FAILURES = (OSError, NoAnswer, subprocess.SubprocessError, ValueError)


def main() -> int:
    """Run what is asked for; 1 if a part could not be measured."""
    arguments = _parser().parse_args()
    if arguments.table:
        newest = max(arguments.out.glob("bench-*.json"))
        pages.write(json.loads(newest.read_text("utf-8")), ROOT / "docs")
        return 0
    scratch: Path = arguments.scratch.resolve()
    scratch.mkdir(parents=True, exist_ok=True)
    tested = [*servers.our_servers(), *servers.peers(scratch)]
    if arguments.quick:
        tested = [each for each in tested if each.ours or each.name in ("jedi-language-server", "ty")]
    every = [part for part in parts(tested, scratch, arguments.quick) if _wanted(part, arguments.only)]
    kept = scratch / "runs" / state(quick=arguments.quick)
    kept.mkdir(parents=True, exist_ok=True)
    asked = corpora.QUICK if arguments.quick else corpora.PACKAGES + corpora.FRESH
    quiet = load()
    if quiet > 1.0:
        print(f"The machine is not quiet (load {quiet}): times will be too long.", file=sys.stderr)
    begun = time.monotonic()
    failed = [
        part.key for number, part in enumerate(every, 1) if not _run(part, kept, f"{number}/{len(every)}")
    ]
    results = summary.summed(_read(kept), tested) | {
        "command": "make bench" + (" QUICK=1" if arguments.quick else ""),
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "revision": revision(),
        "machine": machine(),
        "load_at_start": quiet,
        "seconds": round(time.monotonic() - begun),
        "packages": {each.name: {"version": each.version, "seen": each.seen} for each in asked},
        "failed": failed,
    }
    print(summary.as_text(results))
    if not arguments.only:
        day = datetime.datetime.now(datetime.UTC).date().isoformat()
        target = arguments.out / f"bench-{day}{'-quick' if arguments.quick else ''}.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
        if not arguments.quick:
            pages.write(results, ROOT / "docs")
        if not failed:
            shutil.rmtree(kept)
    return 1 if failed else 0


def _run(part: Part, kept: Path, number: str) -> bool:
    target = kept / f"{part.key}.json"
    if target.exists():
        return True
    begun = time.monotonic()
    try:
        figures = part.run()
    except _FAILURES as error:
        print(f"{number} {part.key}: {type(error).__name__}: {error}", file=sys.stderr)
        return False
    seconds = round(time.monotonic() - begun, 1)
    partial = target.with_suffix(".partial")
    record = {"task": part.task, "subject": part.subject, "server": part.server, "seconds": seconds}
    partial.write_text(json.dumps(record | {"figures": figures}), "utf-8")
    partial.replace(target)
    print(f"{number} {part.key}: {seconds} s", file=sys.stderr)
    return True


def _read(kept: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text("utf-8")) for path in sorted(kept.glob("*.json"))]


def _wanted(part: Part, words: list[str]) -> bool:
    return not words or any(word in part.key for word in words)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--scratch", type=Path, default=cache / "devflow-bench")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    return parser


if __name__ == "__main__":
    sys.exit(main())
