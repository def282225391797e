"""The workspace as `analysis.refactor` reads it: open documents first, then the disk, the index, the engine.

Refactorings are synchronous and run in a thread; what they ask goes back to the event loop.
"""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from devflow.analysis.document import Document
from devflow.analysis.facts import Location
from devflow.analysis.python_names import python_names
from devflow.analysis.python_scopes import PythonNames
from devflow.analysis.refactor.project import PythonProject
from devflow.analysis.refactor.refused import NotIndexed, Refused
from devflow.analysis.text import Text
from devflow.server.assist.found import within_roots
from devflow.server.assist.memory import PerVersion
from devflow.server.assist.waiting import due, within

if TYPE_CHECKING:
    from devflow.server.assist.base import Codebase

T = TypeVar("T")
_READ_SECONDS = 5.0
_ENGINE_SECONDS = 10.0
_DEFINE_SECONDS = 2.0
_BUDGET_SECONDS = 20.0
"""After this long no more questions are put to the type engine."""
_MOST_USES = 100_000


class Files:
    """`refactor.project.Sources` that knows which files are there, and nothing else."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self.roots: Sequence[Path] = roots

    def read(self, path: Path) -> Text | None:
        """Nothing is read."""
        return None

    def exists(self, path: Path) -> bool:
        """Whether `path` is a file."""
        return path.is_file()

    def files_with(self, name: str) -> Sequence[Path]:
        """None are known."""
        return ()

    def defined(self, path: Path, at: int) -> Sequence[Location] | None:
        """There is no engine."""
        return None

    def used(self, path: Path, at: int) -> Sequence[Location] | None:
        """There is no engine."""
        return None

    def members(self, path: Path, expression: str) -> Sequence[str] | None:
        """There is no engine."""
        return None


class WorkspaceSources:
    """`refactor.project.Sources` over a codebase. Its methods are called in a thread, never on the loop."""

    def __init__(self, doc: Document | None, code: Codebase) -> None:
        self.roots: Sequence[Path] = code.roots
        self._doc = doc
        self._code = code
        self._open = [*([doc] if doc is not None else []), *code.seen()]
        self._loop = asyncio.get_running_loop()
        self._until = due(_BUDGET_SECONDS)
        self._stopped = threading.Event()
        self._asked: Future[Any] | None = None
        self._read: dict[Path, Text | None] = {}
        self._files: dict[str, list[Path]] = {}
        self._there: dict[Path, bool] = {}
        self.place = 0
        """Where the symbol that the refactoring is about stands in the document."""

    def read(self, path: Path) -> Text | None:
        """The present text of a file."""
        if self._doc is not None and path == self._doc.path:
            return self._doc.text
        if path not in self._read:
            self._read[path] = self._wait(self._code.texts.text_of(path), _READ_SECONDS)
        return self._read[path]

    def exists(self, path: Path) -> bool:
        """Whether `path` is a file."""
        if path not in self._there:
            self._there[path] = (self._doc is not None and path == self._doc.path) or path.is_file()
        return self._there[path]

    def files_with(self, name: str) -> Sequence[Path]:
        """The files the index knows the name from; without an index those the type engine finds."""
        if name not in self._files:
            self._files[name] = self._known(name)
        return self._files[name]

    def _known(self, name: str) -> list[Path]:
        index = self._code.index
        if index is None:
            here = self._doc.path if self._doc is not None else None
            used = self.used(here, self.place) if here is not None else None
            if used is None:
                raise NotIndexed(
                    f"The workspace is not indexed yet, so the uses of {name} are not known; try again."
                )
            return sorted({each.path for each in used})
        uses = self._wait(index.references_to(name, _MOST_USES), _READ_SECONDS)
        made = self._wait(index.symbols_named(name, _MOST_USES), _READ_SECONDS)
        if uses is None or made is None:
            raise Refused(f"The index did not answer in time, so {name} is left as it is; try again.")
        paths = {each.path for each in uses} | {each.path for each in made}
        files = {path for path in paths if path.suffix in (".py", ".pyi", ".pyw")}
        return sorted(files | self._open_with(name))

    def _open_with(self, name: str) -> set[Path]:
        """Open documents that hold the name and that the index may not know: notebooks, files never saved."""
        word = re.compile(rf"\b{re.escape(name)}\b")
        return {
            each.path
            for each in self._open
            if each.path is not None
            and each.language == "python"
            and (each is self._doc or within_roots(each.path, self.roots))
            and word.search(each.text.source)
            and (text := self.read(each.path)) is not None
            and text.source == each.text.source  # not what was closed
        }

    def defined(self, path: Path, at: int) -> Sequence[Location] | None:
        """Where the type engine says the name at `at` is made."""
        python, text = self._code.python, self.read(path)
        if python is None or text is None or time.monotonic() > self._until:
            return None
        found = self._wait(python.define(path, text.source, at), _DEFINE_SECONDS)
        return None if found is None else [each.location for each in found if each.location is not None]

    def used(self, path: Path, at: int) -> Sequence[Location] | None:
        """What the type engine says are the uses of the name at `at`."""
        python, text = self._code.python, self.read(path)
        if python is None or text is None or time.monotonic() > self._until:
            return None
        return self._wait(python.references(path, text.source, at), _ENGINE_SECONDS)

    def members(self, path: Path, expression: str) -> Sequence[str] | None:
        """The attributes the type engine knows of an expression at the end of the file."""
        python, text = self._code.python, self.read(path)
        if python is None or text is None or time.monotonic() > self._until:
            return None
        source = f"{text.source}\n{expression}."
        found = self._wait(python.complete(path, source, len(source)), _DEFINE_SECONDS)
        return None if found is None else [each.name for each in found]

    def stop(self) -> None:
        """Let the thread end at its next question, or at the one it is waiting for."""
        self._stopped.set()
        if self._asked is not None:
            self._asked.cancel()

    def _wait(self, question: Coroutine[Any, Any, T], seconds: float) -> T | None:
        asked = asyncio.run_coroutine_threadsafe(within(question, seconds), self._loop)
        self._asked = asked
        if self._stopped.is_set():
            asked.cancel()
        return asked.result()


_NAMES = PerVersion[PythonNames]("names and scopes")


def names_in(doc: Document, code: Codebase) -> PythonNames:
    """The names of a Python document and their scopes, worked out once per version."""
    tree = doc.tree
    assert tree is not None
    return code.memory.value(_NAMES, doc, lambda: python_names(tree))


async def refactored(
    doc: Document, code: Codebase, place: int, work: Callable[[PythonProject, Path], T]
) -> T:
    """What `work` makes of the project around `doc`, in a thread. Cancelling stops it at its next question.
    Raises what `work` raises, Refused when the document is no Python file."""
    if doc.path is None or doc.tree is None or doc.language != "python":
        raise Refused("Save the document first: only symbols in files can be renamed.")
    sources = WorkspaceSources(doc, code)
    sources.place = place
    return await worked_out(sources, doc, code, work)


async def worked_out(
    sources: WorkspaceSources, doc: Document, code: Codebase, work: Callable[[PythonProject, Path], T]
) -> T:
    """What `work` makes of the project that `sources` tell of, in a thread; as `refactored`."""
    path, tree = doc.path, doc.tree
    assert path is not None
    assert tree is not None

    def run() -> T:
        project = PythonProject(sources)
        project.put(path, tree, names_in(doc, code))
        return work(project, path)

    try:
        return await asyncio.to_thread(run)
    except BaseException:
        sources.stop()
        raise
