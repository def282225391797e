"""`devflow index`: bring the index of a workspace up to date, without an editor."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("root", nargs="?", type=Path, default=Path(), help="workspace (default: this folder)")
    parser.add_argument("--rebuild", action="store_true", help="throw the old index away first")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Index; 1 when the index could not be written."""
    from rich.console import Console

    from devflow.server.commands import status
    from devflow.server.commands.workspace import build_with_progress, root_of, settings_of

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    root = root_of(arguments.root, console)
    if root is None:
        return 2
    settings = settings_of(root, console)
    result = asyncio.run(build_with_progress(root, settings, console, rebuild=arguments.rebuild))
    if arguments.json:
        print(status.index_json(result))
    else:
        Console(highlight=False).print(status.index_line(result))
    return 1 if result.state == "failed" else 0
