"""`devflow search`: find code by name, text or meaning."""

from __future__ import annotations

import argparse
import asyncio
import json
import re
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from devflow.analysis.paths import shown_path
from devflow.server.commands.arguments import count, near
from devflow.server.commands.terminal import console, visible, visible_line

if TYPE_CHECKING:
    from rich.console import Console

    from devflow.retrieval.base import Hit
    from devflow.retrieval.index import Index


SECONDS = 30.0
"""A source of hits that has not answered by then (an embedder that does not) is left out."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("query", help="names, words or a question")
    parser.add_argument(
        "--root", type=Path, action="append", help="workspace (default: this folder); may be given again"
    )
    parser.add_argument("--limit", type=count, default=10, help="longest list (default: 10)")
    near(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print the hits as JSON (docs/search.md)")
    parser.add_argument("--per-file", type=count, default=2, help="most hits of one file (default: 2)")
    form.add_argument(
        "--context",
        type=count,
        metavar="TOKENS",
        help="print the hits packed for a model, within so many tokens",
    )


def run(arguments: argparse.Namespace) -> int:
    """Search; 1 when nothing was found."""
    from devflow.server.commands.workspace import outside, root_of

    notes = console(stderr=True)
    roots = [root for given in arguments.root or [Path()] if (root := root_of(given, notes)) is not None]
    if len(roots) < len(arguments.root or [Path()]):
        return 2
    roots = [root for root in dict.fromkeys(roots) if not set(root.parents) & set(roots)]
    if outside(arguments.near, roots, notes):
        return 2
    hits = asyncio.run(_search(roots, arguments, notes))
    if arguments.context is not None:
        from devflow.retrieval.context import pack_tokens

        print(visible(pack_tokens(hits, roots, arguments.context).text), end="")
    elif arguments.json:
        print(json.dumps([_as_json(roots, hit) for hit in hits], indent=2))
    else:
        _print(roots, hits)
    if not hits:
        notes.print(f"nothing in {', '.join(map(str, roots))} matches {arguments.query!r}")
    return 0 if hits else 1


async def _search(roots: Sequence[Path], arguments: argparse.Namespace, notes: Console) -> list[Hit]:
    from devflow.retrieval.search import SearchOptions
    from devflow.server.commands.workspace import open_index, settings_of

    options = SearchOptions(per_file=arguments.per_file)
    hits: list[Hit] = []
    indexes: dict[Path, Index] = {}
    async with AsyncExitStack() as stack:
        for root in roots:
            opened = open_index(root, settings_of(root, notes), notes)
            index = indexes[root] = await stack.enter_async_context(opened)
            await index.prepare(arguments.near)
            found = await index.searched(arguments.query, arguments.limit, SECONDS, options, arguments.near)
            if found.reason:
                notes.print(found.reason)
            hits += found.hits
        hits = sorted(hits, key=lambda hit: -hit.score)[: arguments.limit]
        if hits and arguments.context is not None:
            from devflow.retrieval.needed import with_needed

            first = next(root for root in roots if hits[0].path.is_relative_to(root))
            hits = await with_needed(hits, indexes[first].graph)
    return hits


def _as_json(roots: Sequence[Path], hit: Hit) -> dict[str, object]:
    """One hit as `--json` prints it; docs/search.md says what the fields mean, and they stay."""
    return {
        "file": shown_path(hit.path, roots),
        "lines": [hit.first_line + 1, hit.last_line + 1],
        "symbol": hit.symbol,
        "score": round(hit.score, 5),
        "path": str(hit.path),
        "firstLine": hit.first_line + 1,
        "lastLine": hit.last_line + 1,
        "sources": list(hit.sources),
        "text": hit.text,
    }


def _print(roots: Sequence[Path], hits: list[Hit]) -> None:
    from rich.text import Text

    out = console()
    for hit in hits:
        place = f"{visible_line(shown_path(hit.path, roots))}:{hit.first_line + 1}"
        sources = f"({', '.join(hit.sources)})"
        out.print(
            Text.assemble(
                (place, "bold"), f"-{hit.last_line + 1} {visible_line(hit.symbol)} ", (sources, "dim")
            )
        )
        out.print(f"    {visible(_preview(hit))}")


def _preview(hit: Hit) -> str:
    """The line that names what was found, not a decorator or a comment before it; else the first one."""
    lines = [line.strip() for line in hit.text.splitlines() if line.strip()]
    plain = [line for line in lines if not line.startswith(("@", "#[", "/*", "*", "//"))]
    name = re.compile(rf"\b{re.escape(hit.symbol.rpartition('.')[2])}\b") if hit.symbol else None
    named = [line for line in plain if name is not None and name.search(line)]
    return next(iter(named or plain or lines), "")
