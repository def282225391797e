"""Measure next edits without a model: `make bench-next-edit`, or

    PYTHONPATH=benchmarks python -m next_edit [--quick] [--packages SPEC...] [--out FOLDER]

Our own scenarios (`scenarios/*.txt`) and ones made of the files of public packages, each by its kind: whether
the first edit offered is right, wrong, or none is, and how many of all right edits are offered when each is
made as soon as it is. No rule was written from
the packages marked as held out; after their first run (right .98, wrong .01) the wrong edits of all were
read, and one kind of them, known from the other packages too, is no longer offered.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.processes import load, machine
from bench.revision import ROOT, revision
from devflow.retrieval.evaluation.corpora import CorpusUnavailable, fetched

from .generate import scenarios
from .scenario import Result, Scenario, read, run_all

SEEN = (
    "pypi:celery==5.4.0",
    "pypi:rich==14.0.0",
    "pypi:flask==3.1.0",
    "pypi:httpx==0.28.1",
    "pypi:Django==5.2.8",
)
HELD_OUT = (
    "pypi:click==8.1.8",
    "pypi:tornado==6.5.2",
    "pypi:Scrapy==2.13.3",
    "pypi:luigi==3.6.0",
    "pypi:networkx==3.5",
)
_SEED = 20
_FILES, _QUICK_FILES = 25, 5


def main() -> int:
    """Run, print and write; 1 when a package could not be had or a goal is missed."""
    arguments = _parser().parse_args()
    scenario_folder = Path(__file__).parent / "scenarios"
    own = run_all([read(path) for path in sorted(scenario_folder.glob("*.txt"))])
    parts: dict[str, list[Result]] = {"our own": own}
    missing: dict[str, str] = {}
    files = _QUICK_FILES if arguments.quick else _FILES
    for name, packages in (("packages", SEEN), ("packages held out", HELD_OUT)):
        for package in arguments.packages or packages:
            try:
                folder = fetched(package, arguments.scratch)
            except CorpusUnavailable as error:
                missing[package] = str(error)
                continue
            made = _made(folder, files)
            parts.setdefault(name, []).extend(run_all(made))
            print(f"{package}: {len(made)} scenarios", file=sys.stderr)
        if arguments.packages:
            break
    results = {
        "command": "make bench-next-edit" + (" QUICK=1" if arguments.quick else ""),
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "revision": revision(),
        "machine": machine(),
        "load": load(),
        "packages": {"packages": SEEN, "packages held out": HELD_OUT},
        "parts": {name: _figures(results) for name, results in parts.items()},
        "missing": missing,
    }
    text = as_markdown(results)
    print(text)
    if arguments.wrong:
        for name, results_of in parts.items():
            for each in results_of:
                if each.wrong:
                    print(f"{name}: {each.scenario.name}: {each.offered}", file=sys.stderr)
    day = datetime.datetime.now(datetime.UTC).date().isoformat()
    target = arguments.out / f"next-edit-{day}{'-quick' if arguments.quick else ''}"
    arguments.out.mkdir(parents=True, exist_ok=True)
    target.with_suffix(".json").write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    target.with_suffix(".md").write_text(text, "utf-8")
    return 1 if missing else 0


def _made(folder: Path, files: int) -> list[Scenario]:
    """The scenarios of some files of a package, always the same ones."""
    paths = sorted(path for path in folder.rglob("*.py") if "vendor" not in path.parts)
    random.Random(_SEED).shuffle(paths)
    made: list[Scenario] = []
    for path in paths[:files]:
        source = path.read_text("utf-8", errors="replace")
        made += scenarios(path.relative_to(folder).as_posix(), source, _SEED)
    return made


def _figures(results: Sequence[Result]) -> dict[str, Any]:
    """Counts and shares, of all and by kind."""
    by_kind: dict[str, Counter[str]] = defaultdict(Counter)
    for each in results:
        by_kind[kind_of(each.scenario)][each.first] += 1
    asked = [each for each in results if not each.scenario.quiet]
    repeated = [each for each in asked if kind_of(each.scenario).startswith(("rename", "repeat"))]
    times = sorted(time for each in results for time in each.milliseconds)
    return {
        "scenarios": len(results),
        "repetition": _shares(repeated),
        "all that ask for an edit": _shares(asked),
        "that ask for silence": _shares([each for each in results if each.scenario.quiet]),
        "wrong of all": _share(sum(each.first == "wrong" for each in results), len(results)),
        "right edits offered along the way": _share(
            sum(each.right for each in asked), sum(len(each.scenario.right) for each in asked)
        ),
        "wrong edits offered along the way": sum(each.wrong for each in results),
        "milliseconds": {
            "p50": round(times[len(times) // 2], 1),
            "p95": round(times[int(len(times) * 0.95)], 1),
        },
        "kinds": {kind: dict(counts) for kind, counts in sorted(by_kind.items())},
    }


def kind_of(scenario: Scenario) -> str:
    """`rename-variable` of a made one, `rename` of one of our own."""
    return scenario.title if ":" in scenario.name else scenario.name.partition("_")[0]


def _shares(results: Sequence[Result]) -> dict[str, Any]:
    count = len(results)
    return {
        "scenarios": count,
        **{
            first: _share(sum(e.first == first for e in results), count)
            for first in ("right", "wrong", "none")
        },
    }


def _share(part: int, whole: int) -> float:
    return round(part / whole, 3) if whole else 0.0


def as_markdown(results: dict[str, Any]) -> str:
    """The figures as a table, with how they were made."""
    lines = [
        "# Next edits without a model",
        "",
        f"`{results['command']}` · {results['date']} · revision {results['revision']} · "
        f"{results['machine']['cpu']}, {results['machine']['cores']} cores, load {results['load']}",
        "",
        "| | repetition: right / wrong first edit (goal ≥ .70 / ≤ .05) | every kind: right / wrong "
        "| silence kept | wrong of all | right edits along the way | p50 / p95 ms |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, part in results["parts"].items():
        repetition, asked, quiet = (
            part["repetition"],
            part["all that ask for an edit"],
            part["that ask for silence"],
        )
        lines.append(
            f"| {name} | **{repetition['right']:.2f} / {repetition['wrong']:.2f}** "
            f"of {repetition['scenarios']} "
            f"| {asked['right']:.2f} / {asked['wrong']:.2f} of {asked['scenarios']} "
            f"| {quiet['none']:.3f} of {quiet['scenarios']} | {part['wrong of all']:.3f} "
            f"| {part['right edits offered along the way']:.2f} "
            f"| {part['milliseconds']['p50']} / {part['milliseconds']['p95']} |"
        )
    for name, part in results["parts"].items():
        lines += ["", f"## {name.capitalize()}", "", "| kind | right | wrong | none |", "|---|---|---|---|"]
        for kind, counts in part["kinds"].items():
            lines.append(
                f"| {kind} | {counts.get('right', 0)} | {counts.get('wrong', 0)} | {counts.get('none', 0)} |"
            )
    packages = "; ".join(f"{name}: {', '.join(given)}" for name, given in results["packages"].items())
    lines += ["", packages.replace("pypi:", "") + ".", ""]
    if results["missing"]:
        lines += [f"Not measured: {name} ({why})" for name, why in results["missing"].items()]
    return "\n".join(lines) + "\n"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="next_edit", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    parser.add_argument("--quick", action="store_true", help="fewer files of each package")
    parser.add_argument("--packages", nargs="*", default=[], help="instead of ours, as pypi:NAME==VERSION")
    parser.add_argument("--wrong", action="store_true", help="also say which edits were wrong")
    parser.add_argument("--scratch", type=Path, default=cache / "devflow-bench" / "next-edit")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
