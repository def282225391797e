"""How right the links of the code graph are: calls resolved from the index against jedi's `goto`.

    python benchmarks/graph.py FOLDER… [--calls 400] [--json]

For each folder (the root of an unpacked package) it indexes, draws calls at random with a fixed seed and
asks both. *Right*: of the links the graph is sure of (confidence 0.5 and more) and jedi has an opinion
on, the share that is the definition jedi names. *Found*: of the calls that jedi leads to a definition
inside the folder, the share the graph leads to the same. Needs jedi, which DevFlow installs.

    python benchmarks/graph.py FOLDER --cost NAME…

prints instead what questions about these definitions cost, in seconds of CPU: the first and the second time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import resource
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence, Sized
from pathlib import Path

import jedi

from devflow.retrieval.build import build
from devflow.retrieval.graph.base import SURE
from devflow.retrieval.graph.centrality import centrality, import_links
from devflow.retrieval.graph.dead import dead_code
from devflow.retrieval.graph.endpoints import endpoints_reaching
from devflow.retrieval.graph.impact import impact
from devflow.retrieval.graph.links import Graph
from devflow.retrieval.graph.named import definitions_named
from devflow.retrieval.graph.stored import Stored
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
    parser.add_argument("--cost", nargs="+", metavar="NAME", help="measure what questions about these cost")
    arguments = parser.parse_args()
    results = []
    for folder in arguments.folders:
        root = folder.resolve()
        asyncio.run(build(root, IndexOptions(vectors=False)))
        if arguments.cost:
            cost(root, arguments.cost)
            continue
        result = measure(root, arguments.calls, arguments.kind, show=arguments.show)
        results.append({"package": folder.name} | result)
        if not arguments.json:
            print(folder.name, json.dumps(result), flush=True)
    if arguments.json and results:
        print(json.dumps(results, indent=2))
    return 0


def opened(root: Path) -> tuple[Graph, sqlite3.Connection]:
    """The graph of a root that has an index, inside a question."""
    database = index_directory(root) / DATABASE
    connection = sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, isolation_level=None)
    register(connection)
    graph = Graph(Stored([root], [connection]))
    return graph, connection


def cost(root: Path, names: Sequence[str]) -> None:
    """Print the CPU seconds of the questions, each on what the ones before it have read."""
    graph, connection = opened(root)

    def timed(what: str, question: Callable[[], object]) -> None:
        seconds = []
        for _ in range(2):
            started = time.process_time()
            answer = question()
            seconds.append(time.process_time() - started)
        size = len(answer) if isinstance(answer, Sized) else 0
        print(f"{what:<50} {seconds[0]:8.3f} {seconds[1]:8.4f}  {size}", flush=True)

    started = time.process_time()
    graph.begin()
    print(f"{'files and modules':<50} {time.process_time() - started:8.3f}")
    for name in names:
        for definition in definitions_named(graph, name)[:1]:
            timed(f"callers {name}", lambda of=definition: graph.incoming(of, kinds=["call"]))
            timed(f"impact {name}", lambda of=definition: impact(graph, of).affected)
            timed(f"endpoints {name}", lambda of=definition: endpoints_reaching(graph, of))
    timed("dead code", lambda: dead_code(graph).dead)
    links = import_links(graph.stored, graph.modules)
    timed("imports", lambda: import_links(graph.stored, graph.modules).files)
    timed("centrality", lambda: centrality(links, links.files[:3]))
    print(f"memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB")
    connection.close()


def measure(root: Path, calls: int, kind: str, *, show: bool) -> dict[str, float | int]:
    """Right and found over a sample of the calls below `root`."""
    graph, connection = opened(root)
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
    raise SystemExit(main())
