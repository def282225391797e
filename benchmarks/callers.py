"""How far the review's look at other files can be trusted (`server/assist/broken_callers.py`).

    python benchmarks/callers.py FOLDER… [--changes 60] [--show]

Each folder is the root of an unpacked package. *False*: every Python, JavaScript and TypeScript file is
reviewed as it was published, whose code is taken to be right: what is reported there is a false finding until
someone has read it. *Found*: functions, methods and classes that other files use are drawn at random (fixed
seed) and changed one at a time: a parameter more that every call must pass, one less, another name; the share
of these changes of which the changed file's review says so. What counts as used is what `devflow graph
callers` shows of other files.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path

from devflow.analysis.checks.callers import CALLS, NAMES, Callee, callees
from devflow.analysis.checks.python_module import read_module
from devflow.analysis.document import Document
from devflow.analysis.languages import language_of
from devflow.analysis.roles import is_test
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Text
from devflow.retrieval.build import build
from devflow.retrieval.graph.base import SURE
from devflow.retrieval.graph.links import Graph
from devflow.retrieval.graph.named import definitions_in
from devflow.retrieval.index import Index
from devflow.retrieval.walk import IndexOptions
from devflow.server.assist.base import Codebase
from devflow.server.assist.broken_callers import broken_callers
from devflow.server.assist.known_modules import judged
from devflow.server.files import FileTexts

_LANGUAGES = ("python", "javascript", "typescript", "tsx")
_PATIENT = 600.0


def main() -> int:
    """Print one line of JSON a folder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--changes", type=int, default=60, help="of each kind (default: 60)")
    parser.add_argument("--show", action="store_true", help="print what is reported, and what is missed")
    arguments = parser.parse_args()
    for folder in arguments.folders:
        result = asyncio.run(measured(folder.resolve(), arguments.changes, show=arguments.show))
        print(json.dumps({"package": folder.name} | result), flush=True)
    return 0


async def measured(root: Path, changes: int, *, show: bool) -> dict[str, object]:
    """The figures of one package."""
    await build(root, IndexOptions(vectors=False))
    index = await Index.open([root])
    try:
        files = await index.graph.ask(_files)
        started = time.process_time()
        false = 0
        for path in files:
            for said in await _said(root, index, path, await asyncio.to_thread(path.read_text, "utf-8")):
                false += 1
                if show:
                    print(f"{path.relative_to(root)}: {said}", file=sys.stderr)
        seconds = time.process_time() - started
        drawn = random.Random(7).sample(
            used := await _used(files, Codebase((root,), FileTexts(), index=index), index),
            min(changes * 3, len(used)),
        )
        made: Counter[str] = Counter()
        found: Counter[str] = Counter()
        for number, (path, callee) in enumerate(drawn):
            kind = ("one more", "one less", "renamed")[number % 3]
            source = await asyncio.to_thread(path.read_text, "utf-8")
            changed = _changed(source, callee, kind)
            if changed is None:
                continue
            made[kind] += 1
            said_now = await _said(root, index, path, changed)
            found[kind] += bool(said_now)
            if show and not said_now:
                print(f"missed, {kind}: {path.relative_to(root)}: {callee.qualified_name}", file=sys.stderr)
        return {
            "files": len(files),
            "false": false,
            "seconds a file": round(seconds / max(len(files), 1), 3),
            "found": {kind: f"{found[kind]} of {made[kind]}" for kind in sorted(made)},
        }
    finally:
        await index.close()


def _files(graph: Graph) -> list[Path]:
    return [
        graph.stored.path(0, id_)
        for id_ in graph.stored.paths(0).values()
        if graph.stored.language(0, id_) in _LANGUAGES
    ]


async def _used(files: list[Path], code: Codebase, index: Index) -> list[tuple[Path, Callee]]:
    """The functions and classes that other files call, as sure as the graph shows it to users."""
    found = []
    for path in files:
        source = await asyncio.to_thread(path.read_text, "utf-8")
        doc = _document(path, source)
        if path.suffix != ".py" or doc.tree is None or is_test(path):
            continue
        module = read_module(doc.tree, path)
        for callee in await judged(partial(callees, module, code.roots), code):
            if await index.graph.ask(_is_called_elsewhere, path, callee.qualified_name):
                found.append((path, callee))
    return found


def _is_called_elsewhere(graph: Graph, path: Path, name: str) -> bool:
    return any(
        link.source.path != path and link.why != "override"
        for each in definitions_in(graph, path, name)
        for link in graph.incoming(each, SURE, ["call"])
    )


def _changed(source: str, callee: Callee, kind: str) -> str | None:
    """The file with another head of the function; None where it cannot be changed so."""
    function = callee.function
    if kind == "renamed":
        if "." in callee.qualified_name:
            return None
        return f"{source[: function.start]}{function.name}_2{source[function.end :]}"
    opening = source.index("(", function.end)
    if kind == "one more":
        first = [each for each in function.parameters if each.name in ("self", "cls")]
        at = source.index(first[0].name, opening) + len(first[0].name) if first else opening + 1
        new = ", *, quite_new" if not function.parameters[len(first) :] and first else ", quite_new"
        if not first:
            new = "quite_new, " if function.parameters or function.takes_more else "quite_new"
        return source[:at] + new + source[at:]
    plain = [each for each in function.parameters if each.kind == "positional" and each.required]
    last = [each for each in plain if each.name not in ("self", "cls")][-1:]
    if not last or function.takes_more or function.takes_keywords:
        return None
    return _without(source, opening, last[0].name)


def _without(source: str, opening: int, name: str) -> str | None:
    depth, start = 0, opening + 1
    for at in range(opening, len(source)):
        sign = source[at]
        depth += (sign in "([{") - (sign in ")]}")
        if (depth == 1 and sign == ",") or depth == 0:
            piece = source[start:at]
            if piece.strip().partition(":")[0].partition("=")[0].strip() == name:
                return source[:start] + source[at + (sign == ",") :]
            start = at + 1
        if depth == 0:
            return None
    return None


async def _said(root: Path, index: Index, path: Path, source: str) -> list[str]:
    code = Codebase((root,), FileTexts(), index=index)
    found = await broken_callers(await asyncio.to_thread(_document, path, source), code, _PATIENT)
    return [f"{each.code}: {each.message}" for each in found if each.code in (CALLS, NAMES)]


def _document(path: Path, source: str) -> Document:
    language = language_of(path)
    name = language.name if language is not None else ""
    text = Text(source)
    return Document(path.as_uri(), path, name, 0, text, parse(text, name))


if __name__ == "__main__":
    sys.exit(main())
