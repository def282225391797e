"""The Python engine in a process of its own: jedi is slow now and then, not thread-safe, and may hang.

`python -m devflow.server.workers.python` is the worker; `PythonWorker` is the server's side of it. Two
lanes, each one process that answers one question at a time: the quick one for what is asked while
typing, the slow one, started when first needed, for references over the whole project.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import time
import warnings
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devflow.analysis.facts import Location, SymbolKind
from devflow.analysis.types.base import Candidate, Definition, Hint, Parameter, Signature
from devflow.server.workers.rpc import Server, Worker, WorkerError, WorkerGone, main, serve

log = logging.getLogger(__name__)

DEADLINES = {
    "complete": 3.0,
    "define": 8.0,
    "type_definition": 8.0,
    "hints": 5.0,
    "signatures": 5.0,
    "document": 3.0,
    "references": 20.0,
}
"""Seconds after which the answer is empty."""
_MOST_PREPARED = 16
"""Documents; those opened before them are loaded when they are asked about."""
_IDLE_SECONDS = 0.25
"""A user who asks more often than this is not made to wait behind a preparation."""
HUNG_AFTER = 20.0
"""Seconds of one question after which the process is taken for hung and replaced."""


class PythonWorker:
    """Implements `analysis.types.base.TypeEngine`: slow, dead or absent, it answers with nothing."""

    def __init__(
        self,
        roots: Sequence[Path] = (),
        *,
        deadlines: dict[str, float] | None = None,
        hung_after: float = HUNG_AFTER,
        module: str = "devflow.server.workers.python",
    ) -> None:
        self._roots = [str(root) for root in roots]
        self._deadlines = DEADLINES | (deadlines or {})
        self._quick = _Lane("python", module, hung_after)
        self._slow = _Lane("python references", module, hung_after)

    async def start(self) -> None:
        """Start the quick process and let it load what every question needs."""
        await self._quick.start()
        self._quick.ask(_Question("warm", "", {"roots": self._roots}))

    def opened(self, path: Path, source: str) -> None:
        """Load what the imports of a document name, while there is nothing else to do."""
        params = {"roots": self._roots, "path": str(path), "source": source, "at": 0}
        self._quick.prepare(_Question("prepare", str(path), params))

    def set_roots(self, roots: Sequence[Path]) -> None:
        """Answer for these workspace folders from now on."""
        self._roots = [str(root) for root in roots]

    async def close(self) -> None:
        """End both processes."""
        await asyncio.gather(self._quick.close(), self._slow.close())

    async def complete(self, path: Path | None, source: str, at: int) -> list[Candidate]:
        """Names that can stand at `at`."""
        return [candidate(each) for each in await self._ask("complete", path, source, at)]

    async def define(self, path: Path | None, source: str, at: int) -> list[Definition]:
        """Definitions of the name at `at`, imports followed."""
        return [definition(each) for each in await self._ask("define", path, source, at)]

    async def type_definition(self, path: Path | None, source: str, at: int) -> list[Location]:
        """Where the class of the value at `at` is made."""
        return [location(each) for each in await self._ask("type_definition", path, source, at)]

    async def hints(self, path: Path | None, source: str, start: int, end: int) -> list[Hint]:
        """Inferred types of names assigned between `start` and `end`."""
        return [Hint(**each) for each in await self._ask("hints", path, source, start, end=end)]

    async def references(self, path: Path | None, source: str, at: int) -> list[Location]:
        """Uses of the name at `at` in the project."""
        return [location(each) for each in await self._ask("references", path, source, at)]

    async def highlights(self, path: Path | None, source: str, at: int) -> list[Location]:
        """jedi is not asked at each move of a cursor."""
        return []

    async def signatures(self, path: Path | None, source: str, at: int) -> list[Signature]:
        """Signatures of the call around `at`."""
        return [signature(each) for each in await self._ask("signatures", path, source, at)]

    async def document(self, path: Path | None, source: str, at: int, name: str) -> str:
        """Signature and docstring of the completion `name` at `at`, Markdown."""
        return str(await self._ask("document", path, source, at, name=name) or "")

    async def _ask(self, method: str, path: Path | None, source: str, at: int, **more: Any) -> Any:
        params = {
            "roots": self._roots,
            "path": str(path) if path is not None else None,
            "source": source,
            "at": at,
            **more,
        }
        lane = self._slow if method == "references" else self._quick
        question = _Question(method, params["path"] or "", params)
        answer = lane.ask(question)
        try:
            async with asyncio.timeout(self._deadlines[method]):
                return await answer or ()
        except TimeoutError:
            log.info("the python engine took more than %s s for %s", self._deadlines[method], method)
            return ()
        finally:
            answer.cancel()  # whoever asked is gone: a question still waiting is not asked


@dataclass(frozen=True, slots=True)
class _Question:
    method: str
    path: str
    params: dict[str, Any]


class _Lane:
    """One process, one question at a time. A question that waits is dropped when the same is asked
    again for the same file: only the newest state of the document counts."""

    def __init__(self, name: str, module: str, hung_after: float) -> None:
        self._name, self._module, self._hung_after = name, module, hung_after
        self._worker: Worker | None = None
        self._waiting: deque[tuple[_Question, asyncio.Future[Any]]] = deque()
        self._later: dict[str, _Question] = {}
        """What to prepare when nobody waits, by file."""
        self._busy_until = 0.0
        self._asked = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    async def start(self) -> None:
        if self._worker is None and not self._closed:
            worker = self._worker = Worker(self._name, self._module)
            await worker.start()

    def ask(self, question: _Question) -> asyncio.Future[Any]:
        """The answer to come; None when it failed or was superseded."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if self._closed:
            answer.set_result(None)
            return answer
        for old, waiting in self._waiting:
            if (old.method, old.path) == (question.method, question.path) and not waiting.done():
                waiting.set_result(None)
        later = self._later.get(question.path)
        if later is not None and later.params["source"] != question.params.get("source"):
            del self._later[question.path]  # it is of an old text
        self._waiting.append((question, answer))
        self._busy_until = time.monotonic() + _IDLE_SECONDS
        self._asked.set()
        self._go_on()
        return answer

    def prepare(self, question: _Question) -> None:
        """Ask `question` step by step while nobody waits for an answer."""
        if not self._closed:
            self._later[question.path] = question
            while len(self._later) > _MOST_PREPARED:
                del self._later[next(iter(self._later))]
            self._go_on()

    def _go_on(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work(), name=f"{self._name} lane")

    async def close(self) -> None:
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        for _, answer in self._waiting:
            if not answer.done():
                answer.set_result(None)
        self._waiting.clear()
        if self._worker is not None:
            await self._worker.close()

    async def _work(self) -> None:
        while self._waiting or self._later:
            if not self._waiting:
                await self._prepare_one()
                continue
            question, answer = self._waiting.popleft()
            if answer.done():
                continue
            result = None
            try:
                result = await self._answered(question)
            finally:
                if not answer.done():
                    answer.set_result(result)

    async def _prepare_one(self) -> None:
        """One step for the document opened last: its user is about to type in it."""
        self._asked.clear()
        if time.monotonic() < self._busy_until:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._asked.wait(), _IDLE_SECONDS)
            return
        path, question = self._later.popitem()
        line = await self._answered(question)
        if isinstance(line, int) and line > question.params["at"]:
            self._later.setdefault(path, _Question(question.method, path, {**question.params, "at": line}))

    async def _answered(self, question: _Question) -> Any:
        try:
            await self.start()
            assert self._worker is not None
            return await self._worker.request(question.method, question.params, self._hung_after)
        except (WorkerError, WorkerGone) as error:
            log.warning("the %s worker failed on %s: %s", self._name, question.method, error)
        except TimeoutError:
            log.warning("the %s worker hangs on %s and is replaced", self._name, question.method)
            worker, self._worker = self._worker, None
            if worker is not None:
                await worker.close()
        return None


def candidate(value: dict[str, Any]) -> Candidate:
    """A Candidate from JSON."""
    return Candidate(**{**value, "kind": SymbolKind(value["kind"])})


def definition(value: dict[str, Any]) -> Definition:
    """A Definition from JSON."""
    where = value["location"]
    return Definition(
        value["name"],
        SymbolKind(value["kind"]),
        value["qualified_name"],
        value["signature"],
        value["doc"],
        location(where) if where is not None else None,
    )


def location(value: dict[str, Any]) -> Location:
    """A Location from JSON."""
    return Location(Path(value["path"]), value["start"], value["end"])


def signature(value: dict[str, Any]) -> Signature:
    """A Signature from JSON."""
    parameters = tuple(Parameter(**parameter) for parameter in value["parameters"])
    return Signature(value["label"], parameters, value["active"], value["doc"])


def as_json(value: Any) -> Any:
    """Our frozen values as JSON: dataclasses as objects, paths as strings."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: as_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, list | tuple):
        return [as_json(each) for each in value]
    return str(value) if isinstance(value, Path) else value


def _methods(server: Server) -> dict[str, Callable[[dict[str, Any]], Any]]:
    import platformdirs

    from devflow.analysis.types import jedi_engine
    from devflow.analysis.types.jedi_kept import Kept

    jedi_engine.keep_in(platformdirs.user_cache_path("devflow") / "jedi")
    warnings.filterwarnings("ignore", module=r"jedi\.")  # with names of the user's modules in them
    lane = ThreadPoolExecutor(1, "jedi")  # jedi is not thread-safe
    kept = Kept()
    loop = asyncio.get_running_loop()

    def answering(method: str) -> Callable[[dict[str, Any]], Any]:
        call = getattr(jedi_engine, method)

        async def answer(params: dict[str, Any]) -> Any:
            path = params.get("path")
            given: dict[str, Any] = {
                "roots": [Path(root) for root in params["roots"]],
                **({} if method == "warm" else {"path": Path(path) if path else None}),
                **{key: params[key] for key in ("source", "at", "end", "name") if key in params},
                "kept": kept,
            }
            return as_json(await loop.run_in_executor(lane, lambda: call(**given)))

        return answer

    return {name: answering(name) for name in ("warm", "prepare", *DEADLINES)}


async def _run() -> None:
    await serve(_methods)


if __name__ == "__main__":
    main(_run)
