"""`devflow doctor`: what works, what does not, and why; one screen, or `--json`."""

from __future__ import annotations

import argparse
import asyncio
import importlib.metadata
import importlib.util
import json
import os
import platform
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from devflow import __version__
from devflow.server.commands.arguments import folder_given
from devflow.server.commands.doctor_models import models
from devflow.server.commands.report import BAD, GOOD, NOTE, Check
from devflow.server.commands.terminal import visible_line

if TYPE_CHECKING:
    from devflow.retrieval.base import IndexStatus
    from devflow.server.settings import Settings

_NAMED = 3
"""Files that are named of each reason for leaving some out; `--json` has them all."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "root", nargs="?", type=folder_given, default=".", help="workspace (default: this folder)"
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--ask", action="store_true", help="also ask each model a few words")
    for section in ("environment", "models", "index", "editor"):
        parser.add_argument(f"--{section}", action="store_true", help=f"only the section {section}")


def run(arguments: argparse.Namespace) -> int:
    """Report; 1 when something does not work."""
    from devflow.server.sources import load

    root = arguments.root.resolve()
    settings, problems = load([root])
    wanted = [name for name in ("environment", "models", "index", "editor") if getattr(arguments, name)]
    alone = bool(wanted) and "environment" not in wanted
    sections = {
        "environment": lambda: _environment(root, settings, problems),
        "models": lambda: [*(_problems(problems) if alone else ()), *models(root, ask=arguments.ask)],
        "index": lambda: _index(root, settings),
        "editor": _editor,
    }
    checks = [check for name in wanted or sections for check in sections[name]()]
    if arguments.json:
        print(json.dumps({"version": __version__, "checks": [asdict(check) for check in checks]}, indent=2))
    else:
        _print(checks)
    return 1 if any(check.state == BAD for check in checks) else 0


def _print(checks: list[Check]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False, emoji=False)
    console.print(f"[bold]devflow {__version__}[/bold]")
    marks = {GOOD: "[green]✓[/green]", NOTE: "[yellow]·[/yellow]", BAD: "[red]✗[/red]"}
    table = Table(box=None, show_header=False, pad_edge=False)
    previous = ""
    for check in checks:
        if check.section != previous:
            table.add_row("", f"[bold]{check.section}[/bold]", "")
            previous = check.section
        table.add_row(marks[check.state], escape(check.name), escape(check.detail))
    console.print(table)


def _environment(root: Path, settings: Settings, problems: Sequence[str]) -> Iterator[Check]:
    section = "environment"
    python = platform.python_version()
    yield Check(
        section, "Python", GOOD if sys.version_info >= (3, 11) else BAD, f"{python}, {sys.executable}"
    )
    for name in ("pygls", "tree-sitter", "jedi", "chromadb", "aiosqlite"):
        try:
            yield Check(section, name, GOOD, importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            yield Check(section, name, BAD, "not installed; install devflow-lsp again")
    for extra, package in (
        ("gguf", "ctransformers"),
        ("gpu", "exllamav2"),
        ("openai", "openai"),
        ("anthropic", "anthropic"),
        ("fast", "ty"),
    ):
        found = importlib.util.find_spec(package) is not None
        detail = (
            importlib.metadata.version(package) if found else f"pip install 'devflow-lsp[{extra}]' adds it"
        )
        yield Check(section, package, GOOD if found else NOTE, detail)
    try:
        with sqlite3.connect(":memory:") as database:
            database.execute("CREATE VIRTUAL TABLE t USING fts5(a, tokenize='trigram')")
        yield Check(section, "SQLite", GOOD, f"{sqlite3.sqlite_version} with FTS5")
    except sqlite3.Error as error:
        yield Check(section, "SQLite", BAD, f"{sqlite3.sqlite_version} lacks FTS5 with trigrams: {error}")
    yield _gpu()
    yield _engine(root, settings.python.engine)
    yield _files(root)
    yield from _problems(problems)


def _engine(root: Path, wanted: str) -> Check:
    """Which engine serves Python and why: it is started and asked."""
    from devflow.server.workers.engines import tried
    from devflow.server.workers.type_programs import TY

    trial = asyncio.run(tried(root, wanted, os.environ))
    version = importlib.metadata.version(trial.engine)
    if not trial.answers:
        said = f"{trial.engine} {version} gave no answer in {trial.seconds:.0f} s"
        why = f"run this again when the machine is less busy. It was asked because: {trial.why}"
        return Check("environment", "type engine", BAD, f"{said}; {why}")
    said = f"{trial.engine} {version} answers ({trial.seconds:.1f} s after its start)"
    if trial.engine == TY:
        return Check("environment", "type engine", GOOD, f"{said}; jedi stands in where it does not")
    state = GOOD if wanted == "jedi" else BAD if wanted == TY else NOTE
    return Check("environment", "type engine", state, f"{said}: {trial.why}")


def _gpu() -> Check:
    program = shutil.which("nvidia-smi")
    if program is None:
        return Check("environment", "GPU", NOTE, "no NVIDIA driver; models run on the CPU or at a provider")
    try:
        answer = subprocess.run(
            [program, "--query-gpu=name,memory.total", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        answer = None
    if answer is None or answer.returncode:
        return Check("environment", "GPU", NOTE, "nvidia-smi failed; models run on the CPU")
    return Check("environment", "GPU", GOOD, "; ".join(answer.stdout.split("\n")).strip("; "))


def _files(root: Path) -> Check:
    """Where the settings are from."""
    from devflow.server.settings import FILE_NAME
    from devflow.server.sources import user_file

    files = [str(path) for path in (user_file(), root / FILE_NAME) if path.is_file()]
    told = ", ".join(files) or f"defaults; your own go to {user_file()}"
    return Check("environment", "settings", GOOD, told)


def _problems(problems: Sequence[str]) -> Iterator[Check]:
    """What is wrong in the settings' files."""
    for problem in problems:
        yield Check("environment", "settings", BAD, problem)


def _index(root: Path, settings: Settings) -> list[Check]:
    from devflow.server.commands.status import index_line

    try:
        if not root.is_dir():
            return [Check("index", str(root), BAD, "is not a folder; name the folder of a workspace")]
        next(root.iterdir(), None)
    except OSError as error:
        return [
            Check("index", str(root), BAD, f"cannot be read ({error.strerror}); name a folder of your own")
        ]
    statuses = asyncio.run(_index_statuses(root))
    states = {"ready": GOOD, "failed": BAD}
    checks = [check for status in statuses if (check := _unwritable(status.directory)) is not None]
    for status in statuses:
        checks.append(Check("index", root.name, states.get(status.state, NOTE), index_line(status)))
        checks += _details(status)
        if not any(each.state == BAD for each in checks):
            checks.append(Check("index", "folder", GOOD, f"{status.directory} ({_size(status.directory)})"))
        if status.embedder:
            checks.append(Check("index", "embedder", GOOD, status.embedder))
    checks += _embedder(settings)
    if any(status.vectors for status in statuses) and (complaint := asyncio.run(_vectors(root, settings))):
        checks = [each for each in checks if each.name != "vectors"]
        checks.append(Check("index", "vectors", BAD, complaint))
    return checks


async def _vectors(root: Path, settings: Settings) -> str:
    """What is wrong with the vectors that are noted as made: they are opened and counted. "" when nothing is,
    or when an editor has them open."""
    from devflow.retrieval.local import local_vectors
    from devflow.server.vectors import vector_options

    if not settings.index.vectors:
        return ""
    async with local_vectors(root, vector_options(settings, os.environ)) as (vectors, problem):
        return "" if vectors is None and "in use" in problem else problem


def _embedder(settings: Settings) -> Iterator[Check]:
    """What the settings say about vectors and cannot be followed."""
    from devflow.server.vectors import problem_of_embedder, vector_options

    if settings.index.vectors and (problem := problem_of_embedder(vector_options(settings, os.environ))):
        yield Check("index", "retrieval", BAD, problem)


def _details(status: IndexStatus) -> Iterator[Check]:
    """How far it is, what was left out and why, when, and what went wrong last."""
    from devflow.retrieval.room import size

    if status.state == "empty":
        return
    share = f" of {status.found:,}" if status.found else ""
    files = f"{status.percent} %: {status.files:,}{share} files"
    yield Check("index", "progress", GOOD if status.percent == 100 else NOTE, files)
    if status.chunks:
        vectors = (
            f"{status.vectors:,} of {status.chunks:,} chunks ({100 * status.vectors // status.chunks} %)"
        )
        yield Check("index", "vectors", GOOD if status.vectors == status.chunks else NOTE, vectors)
    for reason, number in sorted(status.skipped.items(), key=lambda item: (-item[1], item[0])):
        named = status.left_out.get(reason, [])
        shown = ", ".join(map(visible_line, named[:_NAMED]))
        more = f" … and {number - _NAMED:,} more" if number > _NAMED else ""
        detail = f"{number:,} {reason}: {shown}{more}" if shown else f"{number:,} {reason}"
        yield Check("index", "left out", NOTE, detail, tuple(named))
    if status.walked:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(status.walked))
        yield Check("index", "last walk", GOOD, f"{when}, in {status.seconds:.1f} s")
    error = status.last_error
    if status.state == "indexing" and not _is_written(status.directory):
        error = (
            "the last indexing was cut off (killed, or the disk was full); the next one goes on from there"
        )
    yield Check("index", "last error", NOTE if error else GOOD, error or "none")
    parts = [(path.name, size(path)) for path in sorted(status.directory.iterdir()) if path.is_dir()]
    parts.append(("store", size(status.directory) - sum(each for _, each in parts)))
    sizes = ", ".join(f"{name} {each / 2**20:.1f} MiB" for name, each in parts)
    yield Check("index", "sizes", GOOD, sizes)


def _is_written(directory: Path) -> bool:
    """Whether a process is indexing there."""
    from filelock import FileLock, Timeout

    from devflow.retrieval.room import LOCK

    try:
        with FileLock(directory / LOCK, mode=0o600, timeout=0):
            return False
    except (Timeout, OSError):
        return True


def _unwritable(directory: Path) -> Check | None:
    """The complaint when an index could not be written there."""
    folder = directory
    try:
        folder = next((each for each in (directory, *directory.parents) if each.exists()), directory)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(100_000))
    except OSError as error:
        detail = f"{folder} cannot be written ({error.strerror}): free or choose another with XDG_CACHE_HOME"
        return Check("index", "folder", BAD, detail)
    return None


async def _index_statuses(root: Path) -> list[IndexStatus]:
    from devflow.retrieval.index import Index

    index = await Index.open([root], None)
    try:
        return await index.status()
    finally:
        await index.close()


def _size(folder: Path) -> str:
    from devflow.retrieval.room import size

    return f"{size(folder) / 2**20:.1f} MiB"


def _editor() -> Iterator[Check]:
    server = shutil.which("devflow-lsp")
    beside = Path(sys.executable).with_name("devflow-lsp")
    if server:
        yield Check("editor", "devflow-lsp", GOOD, server)
    else:
        yield Check(
            "editor",
            "devflow-lsp",
            NOTE,
            f"not on PATH; give your editor the full path {beside}"
            if beside.exists()
            else "not installed as a command",
        )
    for program, name in (("code", "vscode"), ("nvim", "neovim"), ("emacs", "emacs"), ("hx", "helix")):
        found = shutil.which(program)
        detail = f"{found}; `devflow setup {name}` configures it" if found else f"{program} is not on PATH"
        yield Check("editor", name, GOOD if found else NOTE, detail)
