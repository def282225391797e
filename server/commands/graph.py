"""`devflow graph`: questions to the code graph."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from devflow.analysis.paths import shown_path
from devflow.server.commands.terminal import console, visible, visible_line

if TYPE_CHECKING:
    from rich.console import Console

    from devflow.retrieval.graph.base import Definition, Link
    from devflow.retrieval.index import Index

_QUESTIONS: dict[str, int | tuple[int, int]] = {
    "callers": 1,
    "callees": 1,
    "implementers": 1,
    "tests": 1,
    "path": 2,
    "endpoints": (0, 1),
    "dead": 0,
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("question", choices=list(_QUESTIONS), help="what to ask")
    parser.add_argument("names", nargs="*", help="definitions: two for `path`, none or one for `endpoints`")
    add_roots(parser)
    parser.add_argument(
        "--guesses",
        action="store_true",
        help="also show links told by a name alone, and dead code that is public in an installable package",
    )
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")


def add_roots(parser: argparse.ArgumentParser) -> None:
    """Add `--root`, which may be given several times; `with_index` takes what it makes."""
    parser.add_argument(
        "--root",
        type=Path,
        action="append",
        help="workspace, several for several services (default: this folder)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Ask; 1 when there is no such definition or no answer, 2 for a wrong question."""
    return asyncio.run(_run(arguments))


async def _run(arguments: argparse.Namespace) -> int:
    notes = console(stderr=True)
    wanted = _QUESTIONS[arguments.question]
    if len(arguments.names) not in (wanted if isinstance(wanted, tuple) else (wanted,)):
        notes.print(f"`devflow graph {arguments.question}` takes {_number(wanted)}.")
        return 2
    async with with_index(arguments.root, notes) as (index, roots):
        if index is None:
            return 2
        definitions = []
        for name in arguments.names:
            definition = await chosen(index, name, notes, roots)
            if definition is None:
                return 1
            definitions.append(definition)
        rows = await _answer(index, arguments.question, definitions, notes, guesses=arguments.guesses)
        if arguments.json:
            print(json.dumps([row for row, _ in rows], indent=2))
        else:
            out = console()
            for _, (definition, line, text) in rows:
                out.print(f"{place_of(definition, roots, line)}  {visible(text)}")
        if not rows:
            notes.print("nothing was found")
    return 0 if rows else 1


def _number(wanted: int | tuple[int, int]) -> str:
    if isinstance(wanted, tuple):
        return "one definition, or none for all endpoints"
    return ("no definition", "one definition", "two definitions")[wanted]


_FORMS = "`name`, `Class.name`, `package.module.name` or `path/file.py:name`"
_Row = tuple[dict[str, object], tuple["Definition", int, str]]


async def _answer(
    index: Index, question: str, given: Sequence[Definition], notes: Console, *, guesses: bool
) -> list[_Row]:
    """Each answer as JSON and as a line of text."""
    from devflow.retrieval.graph import dead, endpoints, impact, paths
    from devflow.retrieval.graph.base import SURE
    from devflow.retrieval.graph.links import Graph

    least = 0.0 if guesses else SURE
    ask = index.graph.ask
    if question == "callers":
        links = [link for link in await ask(Graph.incoming, given[0], 0.0) if link.kind != "import"]
        links = surer(links, least, notes)
        return [_link_row(link, f"{name_of(link.source)} {link.kind}") for link in links]
    if question == "callees":
        links = [link for link in await ask(Graph.outgoing, given[0], 0.0) if link.kind == "call"]
        links = surer(links, least, notes)
        return [_link_row(link, f"calls {name_of(link.target)}") for link in links]
    if question == "implementers":
        return [_row(each) for each in await ask(Graph.implementers, given[0])]
    if question == "tests":
        return [_row(each.definition) for each in await ask(impact.covering_tests, given[0])]
    if question == "path":
        links = await ask(paths.shortest_path, given[0], given[1], least)
        links = links or await ask(paths.shortest_path, given[1], given[0], least)
        return [
            _link_row(link, f"{name_of(link.source)} {link.kind} {name_of(link.target)}") for link in links
        ]
    if question == "endpoints":
        if not given:
            all_ = await ask(endpoints.all_endpoints)
            return [_endpoint(each, ()) for each in all_]
        reaching = await ask(endpoints.endpoints_reaching, given[0], least)
        return [_endpoint(each.endpoint, each.way) for each in reaching]
    unused = await ask(dead.dead_code)
    shown = [each for each in unused.dead if each.confidence >= least]
    if hidden := len(unused.dead) - len(shown):
        notes.print(f"not shown: {hidden} that are public in an installable package; --guesses shows them")
    return [_row(each.definition, {"confidence": each.confidence}) for each in shown]


def surer(links: Sequence[Link], least: float, notes: Console) -> list[Link]:
    """The links at least so sure, and a note of how many are not."""
    sure = [link for link in links if link.confidence >= least]
    if hidden := len(links) - len(sure):
        notes.print(
            f"not shown: {hidden} told by a name alone; --guesses shows {'it' if hidden == 1 else 'them'}"
        )
    return sure


def _endpoint(endpoint: object, way: Sequence[Link]) -> _Row:
    from devflow.retrieval.graph.endpoints import Endpoint

    assert isinstance(endpoint, Endpoint)
    through = " → ".join(name_of(link.target) for link in way)
    handler = "inline handler" if endpoint.inline else name_of(endpoint.handler)
    text = f"{endpoint.method} {visible(endpoint.route)}  {handler}"
    row, _ = _row(endpoint.handler)
    row |= {
        "method": endpoint.method,
        "route": endpoint.route,
        "inline": endpoint.inline,
        "registered": f"{endpoint.at.path}:{endpoint.line + 1}",
        "way": [link_as_json(link) for link in way],
    }
    return row, (endpoint.at, endpoint.line, f"{text} → {through}" if through else text)


def _row(definition: Definition, more: dict[str, object] | None = None) -> _Row:
    row: dict[str, object] = {
        "name": definition.qualified_name,
        "path": str(definition.path),
        "line": definition.line + 1,
        "kind": definition.kind.value,
    }
    return row | (more or {}), (definition, definition.line, name_of(definition))


def _link_row(link: Link, text: str) -> _Row:
    return link_as_json(link), (link.source, link.line, text)


def link_as_json(link: Link) -> dict[str, object]:
    """A link with both its ends."""
    return {
        "from": link.source.qualified_name,
        "to": link.target.qualified_name,
        "kind": link.kind,
        "path": str(link.source.path),
        "line": link.line + 1,
        "target": f"{link.target.path}:{link.target.line + 1}",
        "confidence": round(link.confidence, 3),
        "why": link.why,
    }


def name_of(definition: Definition) -> str:
    """A definition as a terminal shows it."""
    return visible(definition.qualified_name)


def place_of(definition: Definition, roots: Sequence[Path], line: int | None = None) -> str:
    """`path:line` below its root; with several roots, with the root's name before it."""
    root = roots[definition.root] if definition.root < len(roots) else definition.path.parent
    path = definition.path.relative_to(root) if definition.path.is_relative_to(root) else definition.path
    shown = root.name / path if len(roots) > 1 else path
    return f"{visible_line(str(shown))}:{(definition.line if line is None else line) + 1}"


async def chosen(index: Index, name: str, notes: Console, roots: Sequence[Path]) -> Definition | None:
    """The definition that a name means; of several the first, and the others on the console as one would
    name them."""
    from devflow.retrieval.graph.named import lines_of, names_near

    found = await index.graph.find(name)
    if not found and (files := await index.graph.ask(lines_of, name)):
        shown = " and ".join(f"{visible(shown_path(path, roots))} has {count} lines" for path, count in files)
        notes.print(f"nothing is defined at {name!r}: {shown}")
        return None
    if not found:
        near = [_called(each, roots) for each in await index.graph.ask(names_near, name)]
        meant = f"did you mean {' or '.join(near)}?" if near else f"say it as {_FORMS}"
        notes.print(f"no definition is called {name!r}; {meant}")
        return None
    if len(found) > 1:
        first, *others = (_called(each, roots) for each in found[:6])
        more = f" and {len(found) - 6} more" if len(found) > 6 else ""
        notes.print(f"{name!r} is {first} here; there are also {', '.join(others)}{more}")
    return found[0]


def _called(definition: Definition, roots: Sequence[Path]) -> str:
    """A definition as one would name it in a command."""
    path = visible(shown_path(definition.path, roots))
    return path if definition.start < 0 else f"{path}:{name_of(definition)}"


@asynccontextmanager
async def with_index(
    given: list[Path] | None, notes: Console
) -> AsyncIterator[tuple[Index | None, list[Path]]]:
    """The index of the roots, brought up to date; None, and a sentence, when a root is no folder."""
    from dataclasses import replace

    from devflow.retrieval.index import Index
    from devflow.server.commands.workspace import build_with_progress, root_of, settings_of

    roots: list[Path] = []
    for each in given or [Path()]:
        root = root_of(each, notes)
        if root is None:
            yield None, []
            return
        roots.append(root)
    for root in roots:
        settings = settings_of(root, notes)
        settings = replace(settings, index=replace(settings.index, vectors=False))
        status = await build_with_progress(root, settings, notes)
        if status.problem:
            notes.print(status.problem)
    index = await Index.open(roots)
    try:
        yield index, roots
    finally:
        await index.close()
