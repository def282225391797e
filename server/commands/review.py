"""`devflow review`: run the review checks on files, in the form that editors and CI can read."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devflow.server.commands.terminal import console, visible

if TYPE_CHECKING:
    from rich.console import Console


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("files", nargs="+", type=Path, help="files to review")
    parser.add_argument("--root", type=Path, default=Path(), help="workspace (default: this folder)")
    parser.add_argument("--model", action="store_true", help="ask the chat model for findings too")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Review; 1 when there are findings, 2 when a file could not be read."""
    from devflow.models.errors import ModelError
    from devflow.server.commands.workspace import root_of

    notes = console(stderr=True)
    root = root_of(arguments.root, notes)
    missing = [path for path in arguments.files if not path.is_file()]
    for path in missing:
        notes.print(f"{str(path)!r} is not a file.")
    if root is None or missing:
        return 2
    try:
        found, unread = asyncio.run(_review(root, arguments.files, arguments.model, notes))
    except ModelError as error:
        notes.print(str(error))
        return 2
    if arguments.json:
        print(json.dumps(found, indent=2))
    else:
        for finding in found:
            line = (
                f"{finding['path']}:{finding['line']}:{finding['column']}: {finding['severity']}: "
                f"{finding['message']} [{finding['code']}]"
            )
            print(visible(line))
    return 2 if unread else 1 if found else 0


async def _review(
    root: Path, files: list[Path], model: bool, notes: Console
) -> tuple[list[dict[str, Any]], int]:
    """The findings, and how many of the files could not be read."""
    from devflow.analysis.document import Document
    from devflow.analysis.languages import language_of
    from devflow.analysis.syntax.parse import parse
    from devflow.server.assist.review import review, review_with_model
    from devflow.server.commands.workspace import codebase, settings_of

    settings = settings_of(root, notes)
    found: list[dict[str, Any]] = []
    unread = 0
    async with codebase(root, settings, notes) as code:
        for path in files:
            text = await code.texts.text_of(path.resolve())
            language = language_of(path)
            if text is None:
                notes.print(f"{visible(str(path))} was not reviewed: it is not UTF-8 text, or too large.")
                unread += 1
                continue
            if language is None:
                notes.print(f"{visible(str(path))} was not reviewed: its language is not known.")
                continue
            tree = parse(text, language.name)
            doc = Document(path.resolve().as_uri(), path.resolve(), language.name, 0, text, tree)
            findings = await review(doc, code, settings.review)
            if model:
                findings += (await review_with_model(doc, code))[0]
            for finding in sorted(findings, key=lambda each: each.start):
                line, column = text.position(finding.start, "utf-32")
                found.append(
                    {
                        "path": str(path),
                        "line": line + 1,
                        "column": column + 1,
                        "severity": finding.severity,
                        "code": finding.code,
                        "message": finding.message,
                    }
                )
    return found, unread
