"""`devflow impact`: what is affected when a definition changes, as a tree that shows why."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

from devflow.server.commands.arguments import count
from devflow.server.commands.graph import (
    add_roots,
    chosen,
    link_as_json,
    name_of,
    place_of,
    surer,
    with_index,
)
from devflow.server.commands.terminal import console, visible

if TYPE_CHECKING:
    from rich.text import Text
    from rich.tree import Tree

    from devflow.retrieval.graph.base import Definition, Link
    from devflow.retrieval.graph.impact import Affected, Impact


_WIDEST = 10_000
_SAYS = {
    "call": "calls",
    "use": "uses",
    "type": "names",
    "import": "imports",
    "extends": "extends",
    "overrides": "overrides",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "name",
        help="`area`, `Shape.area`, `shapes.base.Shape`, `shapes/base.py:Shape.area` or `shapes/base.py:12`",
    )
    add_roots(parser)
    parser.add_argument("--limit", type=count, default=200, help="most definitions shown (default: 200)")
    parser.add_argument("--depth", type=count, default=12, help="longest chain (default: 12)")
    parser.add_argument("--guesses", action="store_true", help="also follow links told by a name alone")
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Show the impact; 1 when there is no such definition."""
    return asyncio.run(_run(arguments))


async def _run(arguments: argparse.Namespace) -> int:
    from devflow.retrieval.graph.base import SURE
    from devflow.retrieval.graph.impact import impact
    from devflow.retrieval.graph.links import Graph

    notes = console(stderr=True)
    async with with_index(arguments.root, notes) as (index, roots):
        definition = await chosen(index, arguments.name, notes, roots) if index is not None else None
        if index is None or definition is None:
            return 1 if roots else 2
        least = 0.0 if arguments.guesses else SURE
        found = await index.graph.ask(impact, definition, least, arguments.limit, arguments.depth)
        together = await index.changed_with(definition.path, 5)
        if arguments.json:
            with_commits = [{"path": str(path), "commits": times} for path, times in together]
            print(json.dumps(_as_json(found) | {"changedTogether": with_commits}, indent=2))
        else:
            out = console()
            out.width = _WIDEST  # a tree is cut at the width, which for a pipe is 80
            out.print(_tree(found, roots))
            _summary(found)
            direct = await index.graph.ask(Graph.incoming, definition, 0.0)
            surer([each for each in direct if each.kind != "import"], least, notes)
            if together:
                root = roots[definition.root]
                shown = (
                    f"{visible(str(path.relative_to(root)))} ({times} commits)" for path, times in together
                )
                print(f"often changed together with {definition.path.name}: {', '.join(shown)}")
    return 0


def _summary(found: Impact) -> None:
    tests = sum(each.is_test for each in found.affected)
    files = len({each.definition.path for each in found.affected})
    more = ", and more (raise --limit)" if found.more else ""
    definitions = _count(len(found.affected), "definition")
    print(f"{definitions} in {_count(files, 'file')}, {tests} of them in tests{more}")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _tree(found: Impact, roots: list[Path]) -> Tree:
    from rich.text import Text
    from rich.tree import Tree

    top = Tree(Text.assemble((name_of(found.of), "bold"), f"  {place_of(found.of, roots)}"))
    branches: dict[Definition, Tree] = {found.of: top}
    for each in found.affected:
        branch = branches.get(each.because.target, top)
        branches[each.definition] = branch.add(_line(each, found.of, roots))
    return top


def _line(each: Affected, of: Definition, roots: list[Path]) -> Text:
    from rich.text import Text

    reason = f"{_SAYS[each.because.kind]} {visible(each.because.target.name)}"
    if each.because.target.container and each.distance == 1 and each.because.target != of:
        reason += f" of {visible(each.because.target.container)}"
    doubt = "" if each.confidence >= 0.8 else f", {_doubt(each.because)}"
    tail = f"  {place_of(each.definition, roots, each.because.line)}  {reason}{doubt}"
    return Text.assemble((name_of(each.definition), "cyan" if each.is_test else "bold"), (tail, "dim"))


def _doubt(link: Link) -> str:
    return {"override": "if it is the one that runs", "name": "told by the name alone"}.get(
        link.why, "likely"
    )


def _as_json(found: Impact) -> dict[str, object]:
    return {
        "name": found.of.qualified_name,
        "path": str(found.of.path),
        "line": found.of.line + 1,
        "more": found.more,
        "affected": [
            {
                "name": each.definition.qualified_name,
                "path": str(each.definition.path),
                "line": each.definition.line + 1,
                "kind": each.definition.kind.value,
                "distance": each.distance,
                "confidence": round(each.confidence, 3),
                "test": each.is_test,
                "because": [link_as_json(link) for link in found.way(each.definition)],
            }
            for each in found.affected
        ],
    }
