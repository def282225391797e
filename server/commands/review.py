"""`devflow review`: run the review checks on files, in the form that editors and CI can read."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devflow.server.commands.terminal import console, visible

if TYPE_CHECKING:
    from rich.console import Console

    from devflow.retrieval.walk import IndexSettings


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("files", nargs="+", type=Path, help="files to review, or folders of them")
    parser.add_argument("--root", type=Path, default=Path(), help="workspace (default: this folder)")
    parser.add_argument("--model", action="store_true", help="ask the chat model for findings too")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Review; 1 when there are findings, 2 when a file could not be read."""
    from devflow.models.errors import ModelError
    from devflow.server.commands.workspace import root_of

    notes = console(stderr=True)
    root = root_of(arguments.root, notes)
    missing = [path for path in arguments.files if not path.is_file() and not path.is_dir()]
    for path in missing:
        notes.print(f"{str(path)!r} is not a file or folder.")
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


def _all(given: list[Path], root: Path, settings: IndexSettings) -> Iterator[Path]:
    """The files, and for each folder the source files in it that the workspace's index has, each once."""
    from devflow.analysis.languages import language_of
    from devflow.retrieval.walk import Found, walk

    told: set[Path] = set()
    for path in given:
        files = [path]
        if path.is_dir():
            folder = path.resolve()
            around = root if folder.is_relative_to(root) else folder
            below = (each.path for each in walk(around, settings) if isinstance(each, Found))
            files = [path / each.relative_to(folder) for each in below if each.is_relative_to(folder)]
            files = [each for each in files if language_of(each) is not None]
        for each in files:
            if each.resolve() not in told:
                told.add(each.resolve())
                yield each


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
        for path in _all(files, root, settings.index):
            language = language_of(path)
            if language is None:
                notes.print(f"{visible(str(path))} was not reviewed: its language is not known.")
                continue
            text = await code.texts.text_of(path.resolve())
            if text is None:
                notes.print(
                    f"{visible(str(path))} was not reviewed: its encoding is not known, or it is too large."
                )
                unread += 1
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
