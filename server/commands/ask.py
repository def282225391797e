"""`devflow ask`: answer a question about the codebase, with citations."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from devflow.server.commands.arguments import count, near
from devflow.server.commands.terminal import console, visible

if TYPE_CHECKING:
    from rich.console import Console

    from devflow.server.assist.ask import Answer


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("question", help="in plain words")
    parser.add_argument("--root", type=Path, default=Path(), help="workspace (default: this folder)")
    parser.add_argument("--limit", type=count, default=8, help="pieces of code read (default: 8)")
    near(parser)


def run(arguments: argparse.Namespace) -> int:
    """Answer: 0. 1 when nothing answers or the model failed, 2 for what is no question or no folder."""
    from rich.markdown import Markdown

    from devflow.models.errors import ModelError
    from devflow.server.commands.workspace import outside, root_of

    notes = console(stderr=True)
    root = root_of(arguments.root, notes)
    if root is None or outside(arguments.near, [root], notes):
        return 2
    if not arguments.question.strip():
        notes.print("Ask a question in plain words, such as: where are retries configured?")
        return 2
    try:
        answer = asyncio.run(_ask(root, arguments, notes))
    except ModelError as error:
        notes.print(str(error))
        return 1
    out = console()
    # A pipe or a file gets the Markdown itself, unwrapped.
    text = visible(answer.markdown)
    out.print(Markdown(text) if out.is_terminal else text)
    return 0 if answer.found else 1


async def _ask(root: Path, arguments: argparse.Namespace, notes: Console) -> Answer:
    from devflow.server.assist.ask import ask
    from devflow.server.commands.workspace import codebase, settings_of

    async with codebase(root, settings_of(root, notes), notes) as code:
        if code.index is not None:
            await code.index.prepare(arguments.near)
        return await ask(arguments.question, code, arguments.limit, near=arguments.near)
