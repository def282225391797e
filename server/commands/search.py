"""`devflow search`: find code by name, text or meaning."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

from devflow.analysis.paths import shown_path
from devflow.server.commands.arguments import count
from devflow.server.commands.terminal import console, visible, visible_line

if TYPE_CHECKING:
    from rich.console import Console

    from devflow.retrieval.base import Hit


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("query", help="names, words or a question")
    parser.add_argument("--root", type=Path, default=Path(), help="workspace (default: this folder)")
    parser.add_argument("--limit", type=count, default=10, help="longest list (default: 10)")
    parser.add_argument("--json", action="store_true", help="print the hits as JSON (docs/search.md)")
    parser.add_argument("--per-file", type=count, default=2, help="most hits of one file (default: 2)")
    parser.add_argument(
        "--context",
        type=count,
        metavar="TOKENS",
        help="print the hits packed for a model, within so many tokens",
    )


def run(arguments: argparse.Namespace) -> int:
    """Search; 1 when nothing was found."""
    from devflow.server.commands.workspace import root_of

    notes = console(stderr=True)
    root = root_of(arguments.root, notes)
    if root is None:
        return 2
    hits = asyncio.run(_search(root, arguments, notes))
    if arguments.context is not None:
        from devflow.retrieval.context import pack_tokens

        print(visible(pack_tokens(hits, [root], arguments.context).text), end="")
    elif arguments.json:
        print(json.dumps([_as_json(root, hit) for hit in hits], indent=2))
    else:
        _print(root, hits)
    if not hits:
        notes.print(f"nothing in {root} matches {arguments.query!r}")
    return 0 if hits else 1


async def _search(root: Path, arguments: argparse.Namespace, notes: Console) -> list[Hit]:
    from devflow.retrieval.needed import with_needed
    from devflow.retrieval.search import SearchOptions
    from devflow.server.commands.workspace import codebase, settings_of

    options = SearchOptions(per_file=arguments.per_file)
    async with codebase(root, settings_of(root, notes), notes) as code:
        assert code.index is not None
        found = await code.index.searched(arguments.query, limit=arguments.limit, options=options)
        if found.reason:
            notes.print(found.reason)
        if arguments.context is not None:
            return await with_needed(found.hits, code.index.graph)
        return list(found.hits)


def _as_json(root: Path, hit: Hit) -> dict[str, object]:
    """One hit as `--json` prints it; docs/search.md says what the fields mean, and they stay."""
    return {
        "file": shown_path(hit.path, [root]),
        "lines": [hit.first_line + 1, hit.last_line + 1],
        "symbol": hit.symbol,
        "score": round(hit.score, 5),
        "path": str(hit.path),
        "firstLine": hit.first_line + 1,
        "lastLine": hit.last_line + 1,
        "sources": list(hit.sources),
        "text": hit.text,
    }


def _print(root: Path, hits: list[Hit]) -> None:
    from rich.text import Text

    out = console()
    for hit in hits:
        place = f"{visible_line(shown_path(hit.path, [root]))}:{hit.first_line + 1}"
        sources = f"({', '.join(hit.sources)})"
        out.print(
            Text.assemble(
                (place, "bold"), f"-{hit.last_line + 1} {visible_line(hit.symbol)} ", (sources, "dim")
            )
        )
        first = next((line.strip() for line in hit.text.splitlines() if line.strip()), "")
        out.print(f"    {visible(first)}")
