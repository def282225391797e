"""A real package as ghost text sees it: index, usage model without the files asked about, type engine."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from devflow.analysis.document import Document
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Text
from devflow.analysis.tokens import scan
from devflow.analysis.usage import UsageModel
from devflow.analysis.usage.store import Lexed, update
from devflow.retrieval.build import build
from devflow.retrieval.index import Index
from devflow.server import settings
from devflow.server.assist.base import Codebase
from devflow.server.assist.inline.evaluation.places import Place
from devflow.server.workers.engines import chosen


class Usage:
    """One usage model, without the file that is asked about."""

    def __init__(self, model: UsageModel, root: Path) -> None:
        self._model, self._root = model, root

    def usage_of(self, language: str, besides: Path | None = None) -> UsageModel:
        """As `server.services.IndexService`."""
        return self._model.now(None, (besides.relative_to(self._root).as_posix(),) if besides else ())


class Files:
    """Texts from the disk."""

    async def text_of(self, path: Path) -> Text | None:
        """The file's text; None when it cannot be read."""
        try:
            return Text(await asyncio.to_thread(path.read_text, "utf-8", "replace"))
        except OSError:
            return None


@asynccontextmanager
async def opened(root: Path, *, engine: bool = True) -> AsyncIterator[Codebase]:
    """The package under `root`."""
    every = await asyncio.to_thread(_files, root)

    def read(name: str) -> Lexed:
        return Lexed(*scan(every[name].read_text(encoding="utf-8", errors="replace"), "python"), name)

    await build(root, settings.Index(vectors=False))
    index = await Index.open([root], None)
    engines = chosen([root], "auto", {}) if engine else None
    if engines is not None:
        await engines.start()
        probe = next(iter(every.values()))
        for _ in range(60):  # until the fast engine has come up
            await engines.complete(probe, "''.upp", 6)
            if engines.engine != "jedi":
                break
            await asyncio.sleep(0.25)
    try:
        with tempfile.TemporaryDirectory() as folder:
            model = update(Path(folder), {name: name for name in sorted(every)}, read)
            code = Codebase(
                (root,),
                Files(),
                engines,
                index,
                usage=cast(Any, Usage(model, root)),
                types_are_fast=engines is not None and engines.engine != "jedi",
            )
            yield code
            code.memory.close()
    finally:
        if engines is not None:
            await engines.close()
        await index.close()


def _files(root: Path) -> dict[str, Path]:
    return {path.relative_to(root).as_posix(): path for path in root.rglob("*.py")}


def document(root: Path, place: Place) -> tuple[Document, int]:
    """The file with its hole, and where that is."""
    path = root / place.path
    text = Text(place.prefix + place.suffix)
    return Document(path.as_uri(), path, "python", 1, text, parse(text, "python")), len(place.prefix)


def words_of(root: Path) -> frozenset[str]:
    """Every word of the package's Python files."""
    found: set[str] = set()
    for path in root.rglob("*.py"):
        found.update(re.findall(r"[^\W\d]\w*", path.read_text(encoding="utf-8", errors="replace")))
    return frozenset(found)
