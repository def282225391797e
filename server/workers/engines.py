"""The type engines of a session behind one face: the fast one where it is installed, jedi always.

The fast one is asked first. Where it does not answer (dead, late, not there yet) jedi is asked instead,
question by question; jedi's process is started when it is first needed. An empty answer of the fast one
is an answer.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devflow.analysis.facts import Location
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Text, common_ends
from devflow.analysis.types.base import Candidate, Definition, Hint, Signature
from devflow.server.workers import type_programs
from devflow.server.workers.python import PythonWorker
from devflow.server.workers.rpc import WorkerError, WorkerGone
from devflow.server.workers.type_server import TypeServer

log = logging.getLogger(__name__)

_DEEPEST = 2_000
"""Levels of syntax: of a sum of so many terms."""
_MORE = 200
"""Code points by which a text may differ from one that is not too deep: each level takes one, and while
somebody types the whole text, of 5,000 lines 30 ms, is not to be parsed for each question."""
_TRIAL = "''.upp"
_TRIAL_SECONDS, _AGAIN_SECONDS = 20.0, 0.2


def chosen(roots: Sequence[Path], wanted: str, environment: Mapping[str, str]) -> Engines:
    """The engines for the setting `python.engine`, which is `auto`, `jedi` or `ty`."""
    if wanted == "jedi":
        return Engines(roots, None, "the setting python.engine says so")
    program, why = type_programs.find(environment)
    if program is None:
        return Engines(roots, None, why)
    own = Path(sys.prefix)
    return Engines(roots, lambda found: TypeServer(type_programs.TY, program, found, own), why)


async def tried(root: Path, wanted: str, environment: Mapping[str, str]) -> Trial:
    """Start the engine that the setting chooses, ask it one question about a made-up file of the
    workspace, and end it."""
    engines = chosen([root], wanted, environment)
    begun = time.monotonic()
    try:
        await engines.start()
        answers = False
        while not answers and time.monotonic() - begun < _TRIAL_SECONDS:
            # jedi reads the built-in types first, which may take longer than an editor would wait.
            found = await engines.complete(root / ".devflow-trial.py", _TRIAL, len(_TRIAL))
            answers = "upper" in [each.name for each in found]
            if not answers:
                await asyncio.sleep(_AGAIN_SECONDS)
        return Trial(engines.engine, engines.why, answers, time.monotonic() - begun)
    finally:
        await engines.close()


@dataclass(frozen=True, slots=True)
class Trial:
    """Which engine answers and why it is that one."""

    engine: str
    why: str
    answers: bool
    seconds: float
    """From its start to its first answer."""


class Engines:
    """Implements `analysis.types.base.TypeEngine` and `services.PythonService`."""

    def __init__(
        self,
        roots: Sequence[Path],
        fast: Callable[[Sequence[Path]], TypeServer] | None,
        why: str,
        jedi: Callable[[Sequence[Path]], PythonWorker] = PythonWorker,
    ) -> None:
        self._roots = list(roots)
        self._make_fast = fast
        self._fast: TypeServer | None = None
        self._why = why
        self._jedi = jedi(roots)
        self._jedi_started: asyncio.Task[None] | None = None
        self._documents: dict[Path, str] = {}
        self._starting: asyncio.Task[None] | None = None
        self._closed = False
        self._looked_at: tuple[str, bool] | None = None
        """The text that was looked at last, and whether it is too deep for jedi."""

    @property
    def engine(self) -> str:
        """Which engine answers now."""
        return self._fast.name if self._fast is not None and self._fast.is_up else "jedi"

    @property
    def why(self) -> str:
        """Why it is that one."""
        if self._fast is None:
            return self._why
        if not self._fast.is_up:
            return f"{self._fast.name} is starting"
        return f"{self._why}; {self._fast.history}" if self._fast.history else self._why

    # -- life ------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Bring up the engine that will answer; the fast one in the background."""
        if self._make_fast is None:
            await self._start_jedi()
        else:
            self._start_fast()

    def set_roots(self, roots: Sequence[Path]) -> None:
        """Answer for these workspace folders from now on."""
        self._roots = list(roots)
        self._jedi.set_roots(roots)
        if self._make_fast is not None:
            self._start_fast()

    def opened(self, path: Path, source: str) -> None:
        """The editor has opened `path`."""
        self._documents[path] = source
        if self._fast is not None:
            self._fast.opened(path, source)
        elif self._make_fast is None:
            self._jedi.opened(path, source)

    def changed(self, path: Path, source: str) -> None:
        """The editor's text of `path` is this from now on."""
        self._documents[path] = source
        if self._fast is not None:
            self._fast.changed(path, source)

    def closed(self, path: Path) -> None:
        """The disk holds the truth about `path` again."""
        self._documents.pop(path, None)
        if self._fast is not None:
            self._fast.closed(path)

    def files_changed(self, paths: Iterable[Path]) -> None:
        """Files changed on the disk."""
        if self._fast is not None:
            self._fast.files_changed(paths)

    async def close(self) -> None:
        """End every process."""
        self._closed = True
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        if self._jedi_started is not None:
            self._jedi_started.cancel()
            await asyncio.gather(self._jedi_started, return_exceptions=True)
        fast, self._fast = self._fast, None
        await asyncio.gather(self._jedi.close(), *([fast.close()] if fast is not None else []))

    def _start_fast(self) -> None:
        """Begin with a new process; questions asked from now on wait for it until their deadline."""
        assert self._make_fast is not None
        previous, old = self._starting, self._fast
        fast = self._fast = self._make_fast(self._roots)
        for path, source in self._documents.items():
            fast.changed(path, source)
        self._starting = asyncio.create_task(self._bring_up(fast, old, previous), name="start a type server")

    async def _bring_up(
        self, fast: TypeServer, old: TypeServer | None, previous: asyncio.Task[None] | None
    ) -> None:
        if previous is not None:
            previous.cancel()
            await asyncio.gather(previous, return_exceptions=True)
        if old is not None:
            await old.close()
        try:
            await fast.start()
        except (WorkerError, WorkerGone, TimeoutError) as error:
            log.warning("%s did not start: %s", fast.name, error)
            self._why = f"{fast.name} did not start ({str(error) or 'it did not answer'}); jedi answers"
            if self._fast is fast:
                self._fast = None
            await fast.close()
            await self._start_jedi()

    async def _start_jedi(self) -> None:
        if self._jedi_started is None:
            self._jedi_started = asyncio.create_task(self._jedi.start(), name="start jedi")
        await asyncio.shield(self._jedi_started)

    # -- questions -------------------------------------------------------------------------------------

    async def complete(self, path: Path | None, source: str, at: int) -> list[Candidate]:
        """Names that can stand at `at`."""
        answer: list[Candidate] = await self._ask("complete", path, source, at)
        return answer

    async def define(self, path: Path | None, source: str, at: int) -> list[Definition]:
        """Definitions of the name at `at`."""
        answer: list[Definition] = await self._ask("define", path, source, at)
        return answer

    async def type_definition(self, path: Path | None, source: str, at: int) -> list[Location]:
        """Where the class of the value at `at` is made."""
        answer: list[Location] = await self._ask("type_definition", path, source, at)
        return answer

    async def hints(self, path: Path | None, source: str, start: int, end: int) -> list[Hint]:
        """Inferred types of names bound between `start` and `end`."""
        answer: list[Hint] = await self._ask("hints", path, source, start, end)
        return answer

    async def references(self, path: Path | None, source: str, at: int) -> list[Location]:
        """Uses of the name at `at`, its definition included."""
        answer: list[Location] = await self._ask("references", path, source, at)
        return answer

    async def highlights(self, path: Path | None, source: str, at: int) -> list[Location]:
        """Uses of the name at `at` in `source` itself."""
        answer: list[Location] = await self._ask("highlights", path, source, at)
        return answer

    async def signatures(self, path: Path | None, source: str, at: int) -> list[Signature]:
        """Signatures of the call around `at`."""
        answer: list[Signature] = await self._ask("signatures", path, source, at)
        return answer

    async def document(self, path: Path | None, source: str, at: int, name: str) -> str:
        """Signature and docstring of the completion `name` at `at`, Markdown."""
        answer: str = await self._ask("document", path, source, at, name)
        return answer

    async def _ask(self, question: str, path: Path | None, *about: Any) -> Any:
        if self._fast is not None:
            answer = await getattr(self._fast, question)(path or self._unsaved(), *about)
            if answer is not None:
                return answer
        if await self._is_too_deep(str(about[0])):
            return "" if question == "document" else []
        if not self._closed:
            await self._start_jedi()
        return await getattr(self._jedi, question)(path, *about)

    async def _is_too_deep(self, source: str) -> bool:
        """Whether jedi would be at a text for seconds, to give up in the end: it goes down by calls."""
        if len(source) < _DEEPEST:
            return False
        if self._looked_at is None or not _as_deep(*self._looked_at, source):
            tree = await asyncio.to_thread(parse, Text(source), "python")
            deep = tree is not None and await asyncio.to_thread(tree.is_deeper_than, _DEEPEST)
            self._looked_at = (source, deep)
        return self._looked_at[1]

    def _unsaved(self) -> Path:
        """Where a document without a file stands for the type server."""
        folder = self._roots[0] if self._roots else Path.home()
        return folder / ".devflow-unsaved.py"


def _as_deep(before: str, deep: bool, source: str) -> bool:
    """Whether what is known of the text `before` says as much of `source`."""
    if before == source or deep:
        return before == source
    first, last = common_ends(before, source)
    return max(len(before), len(source)) - first - last <= _MORE
