"""How right the links of the code graph are: calls resolved from the index against jedi's `goto`.

    python benchmarks/graph.py FOLDER… [--calls 400] [--json]

For each folder (the root of an unpacked package) it indexes, draws calls at random with a fixed seed and
asks both. *Right*: of the links the graph is sure of (confidence 0.5 and more) and jedi has an opinion
on, the share that is the definition jedi names. *Found*: of the calls that jedi leads to a definition
inside the folder, the share the graph leads to the same. Needs jedi, which DevFlow installs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import jedi

from devflow.retrieval.graph.base import SURE
from devflow.retrieval.graph.links import Graph
from devflow.retrieval.graph.stored import Stored
from devflow.retrieval.index import build
from devflow.retrieval.packed import register
from devflow.retrieval.store import DATABASE, index_directory
from devflow.retrieval.walk import IndexOptions


def main() -> int:
    """Print one line a folder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--calls", type=int, default=400)
    parser.add_argument("--kind", default="call")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--show", action="store_true", help="print each disagreement")
    arguments = parser.parse_args()
    results = []
    for folder in arguments.folders:
        root = folder.resolve()
        asyncio.run(build(root, IndexOptions(vectors=False)))
        result = measure(root, arguments.calls, arguments.kind, show=arguments.show)
        results.append({"package": folder.name} | result)
        if not arguments.json:
            print(folder.name, json.dumps(result), flush=True)
    if arguments.json:
        print(json.dumps(results, indent=2))
    return 0


def measure(root: Path, calls: int, kind: str, *, show: bool) -> dict[str, float | int]:
    """Right and found over a sample of the calls below `root`."""
    database = index_directory(root) / DATABASE
    connection = sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, isolation_level=None)
    register(connection)
    graph = Graph(Stored([root], [connection]))
    graph.begin()
    uses = [
        use
        for path, id_ in sorted(graph.stored.paths(0).items())
        if path.endswith(".py")
        for use in graph.stored.uses_in(graph.stored.file(0, id_).whole())
        if use.kind == kind
    ]
    sample = random.Random(7).sample(uses, min(calls, len(uses)))
    project = jedi.Project(
        root, sys_path=[str(root), *[each for each in sys.path if "site-packages" in each]]
    )
    counts: Counter[str] = Counter()
    spent = 0.0
    for use in sample:
        file = graph.stored.file(0, use.file)
        source = file.path.read_text("utf-8", errors="replace")
        started = time.perf_counter()
        meanings = [each for each in graph.meanings(use) if each.confidence >= SURE]
        spent += time.perf_counter() - started
        ours = {(each.definition.path.resolve(), each.definition.line) for each in meanings}
        column = use.start - (source.rfind("\n", 0, use.start) + 1)
        try:
            names = jedi.Script(source, path=file.path, project=project).goto(
                use.line + 1, column, follow_imports=True
            )
        except Exception:  # noqa: BLE001 - jedi fails on some code: no opinion
            counts["jedi failed"] += 1
            continue
        if any(name.type not in ("function", "class", "property", "module") for name in names):
            counts["variable"] += 1  # jedi goes to the variable that holds it
            continue
        theirs = {
            (Path(name.module_path).resolve(), name.line - 1)
            for name in names
            if name.module_path and name.line
        }
        inside = {each for each in theirs if each[0].is_relative_to(root)}
        outcome = "nobody"
        if inside:
            outcome = "same" if ours & inside else "other" if ours else "missed"
        elif theirs:
            outcome = "wrong" if ours else "outside"
        elif ours:
            outcome = "only ours"
        counts[outcome] += 1
        if show and outcome in ("other", "wrong", "missed"):
            why = [f"{each.definition.qualified_name} {each.why} {each.confidence}" for each in meanings]
            named = [f"{path.name}:{line + 1}" for path, line in sorted(theirs)]
            print(f"  {outcome}: {file.relative}:{use.line + 1} {use.receiver}.{use.name}: {why} / {named}")
    judged = counts["same"] + counts["other"] + counts["wrong"]
    there = counts["same"] + counts["other"] + counts["missed"]
    connection.close()
    return {
        "right": round(counts["same"] / judged, 3) if judged else 0,
        "found": round(counts["same"] / there, 3) if there else 0,
        "calls": len(sample),
        "inside": there,
        "only ours": counts["only ours"],
        "ms a call": round(1000 * spent / max(1, len(sample)), 3),
    } | {name: counts[name] for name in ("same", "other", "wrong", "missed")}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory():
        raise SystemExit(main())
