"""`devflow demo`: start the server as an editor would and show its main job on real code.

Nothing is written into the code that is shown: the document with planted mistakes is open in the
client only, and the index goes into a scratch folder that is removed at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import difflib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devflow.server.commands.demo_places import Place, copy_of_jedi, functions_in, places_in, planted, query

if TYPE_CHECKING:
    from rich.console import Console

    from devflow.server.commands.demo_client import DemoClient

TRIES = 25
"""Places tried for each feature before it counts as empty: not every place has an answer."""

VECTORS_WAIT = 60.0
"""Seconds the demo waits for the vectors once text and names can be searched."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "repo",
        nargs="?",
        type=Path,
        help="folder with code (default: a copy of the sources of the installed package jedi)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the demo; 1 when any part was empty or failed."""
    from rich.console import Console

    console = Console(highlight=False)
    if arguments.repo is not None and not arguments.repo.is_dir():
        console.print(f"{str(arguments.repo)!r} is not a folder; name a folder with code.", markup=False)
        return 2
    with tempfile.TemporaryDirectory(prefix="devflow-demo-") as scratch:
        root = arguments.repo.resolve() if arguments.repo else copy_of_jedi(Path(scratch))
        environment = {
            **os.environ,
            "XDG_CACHE_HOME": str(Path(scratch) / "cache"),
            "XDG_CONFIG_HOME": os.environ.get("XDG_CONFIG_HOME", str(Path.home() / ".config")),
        }
        return asyncio.run(_show(console, root, environment))


@dataclass(slots=True)
class _Report:
    console: Console
    failed: list[str] = field(default_factory=list)

    def part(self, title: str, engine: str, milliseconds: float, body: Any) -> None:
        from rich.panel import Panel

        head = f"[bold]{_plain(title)}[/bold] · {_plain(engine or 'no model')} · {milliseconds:.0f} ms"
        self.console.print(Panel(body, title=head, title_align="left", border_style="green"))

    def miss(self, title: str, reason: str) -> None:
        self.failed.append(title)
        self.console.print(f"[red]✗ {_plain(title)}: {_plain(reason)}[/red]")

    def without_model(self, title: str, reason: str) -> None:
        self.console.print(f"[yellow]· {_plain(title)}: {_plain(reason)}[/yellow]")


async def _show(console: Console, root: Path, environment: dict[str, str]) -> int:
    report = _Report(console)
    console.print(f"[bold]DevFlow[/bold] on {_plain(str(root))}\n")
    async with _client(root, environment) as client:
        await _wait_for_index(console, client)
        places = list(places_in(root))
        if not places:
            report.miss("demo", f"no source file of a known language with a dotted name under {root}")
            return 1
        await _completion(report, client, places)
        await _ghost_text(report, client, places)
        await _hover(report, client, places)
        await _definition(report, client, places)
        await _code_action(report, client, root)
        await _diagnostics(report, client, root)
        status = await client.status()
    for command, question in (("search", query(root)), ("ask", f"where is {query(root)} done?")):
        _command(report, root, environment, command, question)
    if not _has_chat(status):
        console.print(
            "[yellow]AI explanations, generated code and model review need a language model and none is "
            "configured;[/yellow] add one: `devflow doctor --models` says how."
        )
    if report.failed:
        console.print(f"\n[red]empty or failed: {_plain(', '.join(report.failed))}[/red]")
        return 1
    console.print("\n[green]every part answered[/green]")
    return 0


def _has_chat(status: dict[str, Any]) -> bool:
    return any("chat" in model.get("tasks", []) for model in status.get("models", []))


@asynccontextmanager
async def _client(root: Path, environment: dict[str, str]) -> AsyncIterator[DemoClient]:
    from devflow.server.commands.demo_client import DemoClient

    client = DemoClient(root)
    try:
        await client.start(environment)
        yield client
    finally:
        await client.stop()


async def _wait_for_index(console: Console, client: DemoClient) -> None:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    started = time.perf_counter()
    ready_since = 0.0
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    ) as progress:
        task = progress.add_task("indexing", total=None)
        while True:
            status = await client.status()
            roots = status.get("index", [])
            files = sum(index["files"] for index in roots)
            if client.percentage is not None:
                progress.update(task, total=100, completed=client.percentage, description="indexing (%)")
            settled = roots and all(index["state"] in ("ready", "failed", "elsewhere") for index in roots)
            if settled:
                # Text and names serve at once; the vectors follow. The demo wants to show all.
                embedded = all(index["vectors"] >= index["chunks"] or index["problem"] for index in roots)
                ready_since = ready_since or time.perf_counter()
                if embedded or time.perf_counter() - ready_since > VECTORS_WAIT:
                    break
            await asyncio.sleep(0.1)
        progress.update(task, total=files, completed=files, description="indexed files")
    for index in roots:
        console.print(
            f"{index['files']} files, {index['symbols']} symbols, {index['references']} references, "
            f"{index['chunks']} chunks, {index['vectors']} vectors in {time.perf_counter() - started:.1f} s"
            + (f" · [yellow]{_plain(index['problem'])}[/yellow]" if index["problem"] else "")
        )


async def _first(
    report: _Report,
    title: str,
    places: list[Place],
    ask: Callable[[Place], Awaitable[tuple[float, Callable[[], Any]] | None]],
    client: DemoClient,
    method: str,
) -> None:
    """Ask at one place after the other until there is an answer to show."""
    from pygls.exceptions import JsonRpcException

    for place in places[:TRIES]:
        try:
            found = await ask(place)
        except (JsonRpcException, TimeoutError) as error:
            report.miss(title, str(error) or type(error).__name__)
            return
        if found is not None:
            milliseconds, body = found
            report.part(title, await client.engine_of(method), milliseconds, body())
            return
    report.miss(title, f"no answer at {min(TRIES, len(places))} places")


async def _completion(report: _Report, client: DemoClient, places: list[Place]) -> None:
    """Take names away after their dots, as if they had not been typed yet, and see what is offered."""
    from pygls.exceptions import JsonRpcException

    title = "completion"
    shown: tuple[int, str] | None = None
    ranks: list[int | None] = []
    times: list[float] = []
    for place in places[:TRIES]:
        text = place.text[: place.start] + place.text[place.end :]
        await client.open(place.path, text)
        try:
            milliseconds, items = await client.completion(place.path, text, place.start)
        except (JsonRpcException, TimeoutError) as error:
            report.miss(title, str(error) or type(error).__name__)
            return
        if not items:
            continue
        wanted = place.text[place.start : place.end]
        labels = [item.label for item in items]
        rank = labels.index(wanted) if wanted in labels else None
        ranks.append(rank)
        times.append(milliseconds)
        if shown is None or (rank is not None and rank < shown[0]):
            line = place.text[place.text.rfind("\n", 0, place.start) + 1 : place.start].strip()
            rows = [
                f"{_plain(line)}▏   ({_plain(place.path.name)}; the author wrote [bold]{wanted}[/bold])",
                "",
            ]
            for item in items[:6]:
                mark = "→" if item.label == wanted else " "
                rows.append(f"{mark} {_plain(f'{item.label:<28}')} {_plain(item.detail or '')}")
            rows.append(f"  … {len(items)} in all, {milliseconds:.0f} ms")
            shown = (len(items) if rank is None else rank, "\n".join(rows))
    if shown is None:
        report.miss(title, f"no list at {min(TRIES, len(places))} places")
        return
    found = [rank for rank in ranks if rank is not None]
    body = (
        f"{shown[1]}\n\nAt {len(ranks)} places the name the author wrote was offered at {len(found)}, "
        f"first at {found.count(0)}, among the first five at {sum(rank < 5 for rank in found)} "
        "(the saved files, which the index has read, hold the answers; benchmarks/ has held-out figures)."
    )
    report.part(title, await client.engine_of("textDocument/completion"), statistics.median(times), body)


async def _ghost_text(report: _Report, client: DemoClient, places: list[Place]) -> None:
    async def ask(place: Place) -> tuple[float, Callable[[], Any]] | None:
        end = place.text.find("\n", place.start)
        end = len(place.text) if end < 0 else end
        text = place.text[: place.start] + place.text[end:]
        await client.open(place.path, text)
        milliseconds, suggestion = await client.inline_completion(place.path, text, place.start)
        if not suggestion:
            return None
        line = text[text.rfind("\n", 0, place.start) + 1 : place.start].strip()
        body = f"{_plain(line)}[dim italic]{_plain(suggestion)}[/dim italic]"
        return milliseconds, lambda: body

    await _first(report, "ghost text", places, ask, client, "textDocument/inlineCompletion")


async def _hover(report: _Report, client: DemoClient, places: list[Place]) -> None:
    from rich.markdown import Markdown

    async def ask(place: Place) -> tuple[float, Callable[[], Any]] | None:
        await client.open(place.path, place.text)
        milliseconds, card = await client.hover(place.path, place.text, place.start + 1)
        return (milliseconds, lambda: Markdown(card)) if card and len(card) > 60 else None

    await _first(report, "hover", places, ask, client, "textDocument/hover")


async def _definition(report: _Report, client: DemoClient, places: list[Place]) -> None:
    async def ask(place: Place) -> tuple[float, Callable[[], Any]] | None:
        await client.open(place.path, place.text)
        milliseconds, target = await client.definition(place.path, place.text, place.start + 1)
        if target is None or target[0] == place.path:
            return None
        path, line = target
        source = path.read_text("utf-8", errors="replace").split("\n")
        body = (
            f"{place.text[place.start : place.end]} in {_plain(place.path.name)} → "
            f"{_plain(str(path))}:{line + 1}\n"
            f"[dim]{_plain(source[line].strip())}[/dim]"
        )
        return milliseconds, lambda: body

    await _first(report, "definition in another file", places, ask, client, "textDocument/definition")


async def _code_action(report: _Report, client: DemoClient, root: Path) -> None:
    from pygls.exceptions import JsonRpcException
    from rich.syntax import Syntax

    title = "code action"
    functions = list(functions_in(root))
    if not _has_chat(await client.status()):
        functions = [found for found in functions if found[0].suffix == ".py"]
        if not functions:
            report.without_model(
                title,
                "generated documentation and tests need a chat model here; only Python's skeletons do not",
            )
            return
    tried = 0
    for path, text, start in functions:
        tried += 1
        if tried > TRIES:
            break
        await client.open(path, text)
        try:
            milliseconds, name, changed = await client.code_action(path, text, start)
        except JsonRpcException as error:
            report.miss(title, str(error))
            return
        if changed is not None and changed != text:
            diff = "".join(
                difflib.unified_diff(
                    text.splitlines(keepends=True),
                    changed.splitlines(keepends=True),
                    f"a/{path.name}",
                    f"b/{path.name}",
                    n=2,
                )
            )
            engine = await client.engine_of("codeAction/resolve")
            report.part(f"{title} “{name}”", engine, milliseconds, Syntax(diff, "diff"))
            return
    report.miss(title, f"no edit for {min(tried, TRIES)} functions")


async def _diagnostics(report: _Report, client: DemoClient, root: Path) -> None:
    title = "review diagnostics"
    path, text = planted(root)
    await client.open(path, text)
    milliseconds, found = await client.diagnostics(path)
    ours = [item for item in found if item.source == "devflow"]
    if not ours:
        report.miss(title, "none for a document with planted mistakes")
        return
    lines = [f"{path.name}, open in the editor only:", ""]
    for item in ours:
        lines.append(f"{item.range.start.line + 1}: [yellow]{item.code}[/yellow] {_plain(item.message)}")
        lines += [
            f"     ↳ {_plain(related.message)} ({related.location.uri.rpartition('/')[2]}:"
            f"{related.location.range.start.line + 1})"
            for related in item.related_information or ()
        ]
    report.part(title, await client.engine_of("textDocument/diagnostic"), milliseconds, "\n".join(lines))


def _command(report: _Report, root: Path, environment: dict[str, str], command: str, question: str) -> None:
    started = time.perf_counter()
    answer = subprocess.run(
        [sys.executable, "-P", "-m", "devflow", command, question, "--root", str(root)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    milliseconds = (time.perf_counter() - started) * 1000
    title = f"devflow {command} {question!r}"
    if answer.returncode or not answer.stdout.strip():
        report.miss(title, (answer.stderr.strip().splitlines() or ["no answer"])[-1])
        return
    lines = answer.stdout.rstrip().splitlines()
    shown = "\n".join(lines[:16]) + (f"\n… {len(lines) - 16} more lines" if len(lines) > 16 else "")
    report.part(title, "a process of its own", milliseconds, _plain(shown))


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)
