"""`devflow index`: bring the index of a workspace up to date, without an editor."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from devflow.server.commands.terminal import console


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("root", nargs="?", type=Path, default=Path(), help="workspace (default: this folder)")
    parser.add_argument("--rebuild", action="store_true", help="throw the old index away first")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Index; 1 when the index could not be written, or not rebuilt because another process writes it."""
    from devflow.server.commands import status
    from devflow.server.commands.workspace import build_with_progress, root_of, settings_of

    notes = console(stderr=True)
    root = root_of(arguments.root, notes)
    if root is None:
        return 2
    settings = settings_of(root, notes)
    result = asyncio.run(
        build_with_progress(root, settings, notes, rebuild=arguments.rebuild, check_vectors=True)
    )
    if arguments.json:
        print(status.index_json(result))
    else:
        console().print(status.index_line(result))
    refused = arguments.rebuild and result.state == "elsewhere"
    return 1 if result.state == "failed" or refused else 0
