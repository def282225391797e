"""A codebase for assist tests: the files of a marked snippet on disk, real trees, and as asked for the
real jedi (in a thread) and the real index."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from devflow.analysis.document import Document
from devflow.analysis.facts import Location
from devflow.analysis.languages import language_of
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Edit, Text
from devflow.analysis.types import jedi_engine
from devflow.server.assist.base import Codebase
from support import fixture


@dataclass
class Workspace:
    """A parsed snippet, written to `root`, with the document its cursor is in."""

    root: Path
    case: fixture.Case
    doc: Document
    at: int
    code: Codebase

    async def text_of(self, path: Path) -> Text | None:
        if path == self.doc.path:
            return self.doc.text
        try:
            return Text(await asyncio.to_thread(path.read_text, "utf-8"))
        except OSError:
            return None

    def shown(self, place: Location) -> str:
        """`path: the line with the place in brackets`."""
        text = Text(place.path.read_text("utf-8")) if place.path != self.doc.path else self.doc.text
        line = text.line_at(place.start)
        start = text.line_start(line)
        whole = text.line(line)
        left, right = whole[: place.start - start], whole[place.end - start :]
        marked = f"{left}[{text.source[place.start : place.end]}]{right}"
        name = (
            place.path.relative_to(self.root).as_posix()
            if place.path.is_relative_to(self.root)
            else place.path.name
        )
        return f"{name}: {marked.strip()}"

    def applied(self, *edits: Edit) -> str:
        return self.doc.text.replaced(edits).source


def document(text: str, path: Path, version: int = 1) -> Document:
    language = language_of(path)
    name = language.name if language else ""
    value = Text(text)
    return Document(path.as_uri(), path, name, version, value, parse(value, name) if name else None)


class ThreadEngine:
    """The functions behind the python worker, run in a thread."""

    def __init__(self, root: Path) -> None:
        self._roots = [root]
        self._thread = ThreadPoolExecutor(1)  # jedi is not thread-safe

    async def _run(self, function: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, function, self._roots, *arguments
        )

    async def complete(self, path: Path | None, source: str, at: int) -> Any:
        return await self._run(jedi_engine.complete, path, source, at)

    async def define(self, path: Path | None, source: str, at: int) -> Any:
        return await self._run(jedi_engine.define, path, source, at)

    async def references(self, path: Path | None, source: str, at: int) -> Any:
        return await self._run(jedi_engine.references, path, source, at)

    async def signatures(self, path: Path | None, source: str, at: int) -> Any:
        return await self._run(jedi_engine.signatures, path, source, at)

    async def document(self, path: Path | None, source: str, at: int, name: str) -> Any:
        return await self._run(jedi_engine.document, path, source, at, name)


@asynccontextmanager
async def workspace(
    root: Path,
    snippet: str,
    path: str = "main.py",
    *,
    engine: bool = False,
    indexed: bool = False,
    python: Any = None,
    models: Any = None,
) -> AsyncIterator[Workspace]:
    """The snippet's files under `root`. The cursor's document is open, the others are on disk."""
    case = fixture.parse(snippet, path)
    for name, text in case.files.items():
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode())
    name, at = case.cursors[-1]
    doc = document(case.files[name], root / name)
    index = None
    if indexed:
        from devflow.retrieval.build import build
        from devflow.retrieval.index import Index
        from devflow.server import settings

        await build(root, settings.Index(vectors=False))  # nothing reads them: the index has no worker
        index = await Index.open([root], None)
    made = Workspace(root, case, doc, at, cast(Any, None))
    typed = python if python is not None else ThreadEngine(root) if engine else None
    made.code = Codebase((root,), made, typed, index, models)
    try:
        yield made
    finally:
        made.code.memory.close()
        if index is not None:
            await index.close()
