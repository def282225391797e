"""The model worker: a process that holds one native model, and `WorkerModel`, the server's end of it.

    load {spec, profile}            → {"context": n}; seconds to minutes; meanwhile progress {share}
    generate {stream, fill|chat}    → {}; meanwhile notifications piece {stream, text}
    $/cancelRequest                 ends a generation at its next token

One generation runs at a time where the engine holds one context: fills go first, and a conversation steps
aside for them between two tokens. An engine that answers several at a time is given them all. A cancelled
request that has not begun never does.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from devflow.models import errors
from devflow.models.base import ChatRequest, Excerpt, FillRequest, Health, Message, ModelSpec, ModelStatus
from devflow.models.control_tokens import respelt
from devflow.models.engines import native
from devflow.models.errors import ModelError, NoRoom, NotConfigured, Rejected, WorkerDied
from devflow.models.families import Profile
from devflow.models.profiles import profile_from_json
from devflow.models.routing.slots import Turns
from devflow.models.streams import spoken
from devflow.server.workers import rpc
from devflow.server.workers.rpc import Worker, WorkerError, WorkerGone

LOAD_TIMEOUT = 900.0
"""Seconds; the first import of exllamav2 on a machine builds CUDA kernels."""
TOO_MANY_DEATHS = 3
"""A model whose process dies this often while loading is not loaded again."""

_FAREWELL = 0.05
"""Seconds between the last message of a process that gives up and its end."""

_T = TypeVar("_T")


class WorkerModel:
    """A FillModel and ChatModel whose engine runs in its own process, started at the first request."""

    remote = False
    reads_ahead = True
    """Whether `prime` is of use."""

    def __init__(self, spec: ModelSpec, profile: Profile | None = None) -> None:
        """`profile`: the family, where it is not to be told from the spec."""
        self.name = spec.name
        self._spec = spec
        self._profile = profile
        self._worker: Worker | None = None
        self._streams: dict[int, asyncio.Queue[str | None]] = {}
        self._numbers = itertools.count(1)
        self._loading: asyncio.Task[Worker] | None = None
        self._loaded = False
        self._share = 0.0
        """Of the model that is loaded, where the engine tells."""
        self._deaths = 0
        """Deaths in a row while loading."""
        self._failed: tuple[ModelError, object] | None = None
        """Why loading failed when trying again would not help, and the state of the file it failed on."""

    def __repr__(self) -> str:
        return f"WorkerModel({self.name!r})"

    @property
    def pid(self) -> int | None:
        """The process that holds the model, while there is one."""
        return self._worker.pid if self._worker is not None else None

    def status(self) -> ModelStatus:
        """Its state; what is missing is told without loading anything."""
        spec = self._spec
        if self._loading is not None and not self._loading.done():
            share = f" ({self._share:.0%})" if self._share else ""
            detail = f"{spec.model} is being loaded{share}."
            return ModelStatus(spec.name, spec.engine, Health.LOADING, detail)
        if self._loaded:
            return ModelStatus(spec.name, spec.engine, Health.READY, f"{spec.model} is loaded.")
        problem = self._problem()
        if problem is not None:
            return ModelStatus(spec.name, spec.engine, Health.UNAVAILABLE, str(problem))
        return ModelStatus(spec.name, spec.engine, Health.READY, f"{spec.model} is loaded at the first use.")

    async def warm(self) -> None:
        """Load the model now, so that the first request does not wait for it. Raises ModelError."""
        await self._ready()

    def fill(self, request: FillRequest) -> AsyncIterator[str]:
        """Stream what belongs in the hole. Raises ModelError."""
        return self._stream("fill", dataclasses.asdict(request))

    def chat(self, request: ChatRequest) -> AsyncIterator[str]:
        """Stream the answer. Raises ModelError."""
        said = self._stream("chat", dataclasses.asdict(request))
        return spoken(said, lambda: Rejected(f"{self.name} thought for all of the tokens it may write."))

    async def prime(self, request: FillRequest) -> None:
        """Let the model read the request, and answer nothing, so that the next one like it begins at once.
        Raises ModelError."""
        async for _ in self.fill(dataclasses.replace(request, ahead=True)):
            pass

    async def close(self) -> None:
        """End the process."""
        worker, self._worker = self._worker, None
        self._loaded = False
        if self._loading is not None:
            self._loading.cancel()
            await asyncio.gather(self._loading, return_exceptions=True)
        if worker is not None:
            await worker.close()

    async def _stream(self, task: str, request: dict[str, Any]) -> AsyncIterator[str]:
        worker = await self._ready()
        number = next(self._numbers)
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        self._streams[number] = queue
        asking = asyncio.create_task(worker.request("generate", {"stream": number, task: request}))
        asking.add_done_callback(lambda _: queue.put_nowait(None))
        try:
            while (piece := await queue.get()) is not None:
                yield piece
            try:
                await asking
            except WorkerError as error:
                raise _as_model_error(self.name, error) from None
            except WorkerGone:
                raise WorkerDied(
                    f"The process of the model {self.name} ended in the middle of an answer; "
                    "it is being restarted."
                ) from None
        finally:
            del self._streams[number]
            asking.cancel()
            with contextlib.suppress(asyncio.CancelledError, WorkerError, WorkerGone):
                await asking

    async def _ready(self) -> Worker:
        """The worker with the model loaded. Loading goes on when the request that began it is cancelled."""
        if self._worker is not None and self._loaded:
            return self._worker
        if self._loading is None or self._loading.done():
            if (problem := self._problem()) is not None:
                raise type(problem)(str(problem))
            self._loading = asyncio.create_task(self._load(), name=f"loading {self.name}")
            self._loading.add_done_callback(_read)
        return await asyncio.shield(self._loading)

    async def _load(self) -> Worker:
        worker = self._worker or self._new_worker()
        self._worker, self._share = worker, 0.0
        try:
            await worker.start()
            profile = dataclasses.asdict(self._profile) if self._profile is not None else None
            given = {"spec": dataclasses.asdict(self._spec), "profile": profile}
            await worker.request("load", given, LOAD_TIMEOUT)
        except WorkerError as error:
            problem = _as_model_error(self.name, error)
            if not isinstance(problem, NoRoom):  # others may give theirs back: the next request tries again
                self._failed = problem, _stamp(self._spec)
            raise problem from None
        except WorkerGone:
            self._deaths += 1
            if self._deaths >= TOO_MANY_DEATHS:
                problem = NotConfigured(
                    f"The process of the model {self.name} ended {self._deaths} times while loading "
                    f"{self._spec.model}; the file may be damaged or the memory too small."
                )
                self._failed = problem, _stamp(self._spec)
            raise WorkerDied(
                f"The process of the model {self.name} ended while loading {self._spec.model}; "
                "it is being restarted."
            ) from None
        except TimeoutError:
            raise WorkerDied(f"{self._spec.model} was not loaded within {LOAD_TIMEOUT:g} s.") from None
        self._loaded, self._deaths = True, 0
        worker.works()
        return worker

    def _problem(self) -> ModelError | None:
        """Why it cannot be used. A failure to load counts until the model's file changes."""
        if self._failed is not None and self._failed[1] != _stamp(self._spec):
            self._failed, self._deaths = None, 0
        return self._failed[0] if self._failed is not None else native.problem_with(self._spec)

    def _new_worker(self) -> Worker:
        return Worker(
            f"{self.name} model",
            "devflow.server.workers.model",
            notifications={"piece": self._on_piece, "progress": self._on_progress},
            on_gone=self._on_gone,
        )

    def _on_piece(self, params: dict[str, Any]) -> None:
        queue = self._streams.get(params["stream"])
        if queue is not None:
            queue.put_nowait(params["text"])

    def _on_progress(self, params: dict[str, Any]) -> None:
        self._share = float(params["share"])

    def _on_gone(self) -> None:
        # Loading again waits for the next request: a model that kills its process at every load must
        # not do so for ever.
        self._loaded = False


def _stamp(spec: ModelSpec) -> object:
    try:
        stat = Path(spec.model).expanduser().stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def _read(task: asyncio.Task[Any]) -> None:
    """Reads the exception of a task nobody may be waiting for; its requests were told or are gone."""
    if not task.cancelled():
        task.exception()


def _as_model_error(name: str, error: WorkerError) -> ModelError:
    kind = getattr(errors, error.kind, None)
    if isinstance(kind, type) and issubclass(kind, ModelError):
        return kind(str(error))
    return ModelError(
        f"The model {name} failed unexpectedly ({error.kind or 'error'}); the log has the details."
    )


class _Host:
    """The worker's state: the engine, and whose turn it is."""

    def __init__(self, server: rpc.Server) -> None:
        self._server = server
        self._turns = Turns()
        self._engine: native.NativeEngine | None = None
        self._profile: Profile | None = None

    def methods(self) -> Mapping[str, rpc.Handler]:
        return {"load": _sentences(self.load), "generate": _sentences(self.generate)}

    async def load(self, params: dict[str, Any]) -> dict[str, Any]:
        async with self._turns.take(fill=True):
            spec = _spec(params["spec"])
            if self._engine is None:
                # Cancelled, the thread goes on, and nothing else may use the library meanwhile.
                loop = asyncio.get_running_loop()

                def progress(share: float) -> None:
                    loop.call_soon_threadsafe(self._server.notify, "progress", {"share": share})

                self._engine = await _in_thread(lambda: native.load(spec, progress), threading.Event())
                given = params.get("profile")
                profile = profile_from_json(given) if given else native.family(spec)
                special = (*profile.special, *self._engine.control)
                self._profile = dataclasses.replace(profile, special=special)
            return {"context": self._engine.context}

    async def generate(self, params: dict[str, Any]) -> dict[str, Any]:
        request = _request(params)
        stop = threading.Event()
        loop = asyncio.get_running_loop()

        def say(text: str) -> None:
            self._server.notify("piece", {"stream": params["stream"], "text": text})

        pieces: Iterator[str] | None = None
        fill = isinstance(request, FillRequest)

        def go_on() -> bool:
            """Say what comes next, in a thread; whether that was all."""
            nonlocal pieces
            engine, profile = self._engine, self._profile
            if engine is None or profile is None:
                raise WorkerDied("The model is being loaded again; try again.")
            if pieces is None:
                spelt, spelling = respelt(request, profile)
                prompt, max_tokens = native.fitting_prompt(engine, profile, spelt)
                if isinstance(request, FillRequest) and request.ahead:
                    max_tokens = 0
                temperature = 0.0 if isinstance(request, FillRequest) else request.temperature
                pieces = engine.generate(prompt, max_tokens, temperature, stop.is_set)
                pieces = spelling.restored(pieces)
            for text in pieces:
                if text:
                    loop.call_soon_threadsafe(say, text)
                if not fill and self._turns.wanted:
                    return False
            return True

        while True:
            together = self._engine is not None and self._engine.together
            async with contextlib.nullcontext() if together else self._turns.take(fill=fill):
                try:
                    done = await _in_thread(go_on, stop)
                except WorkerDied:
                    # The engine is beyond use, and only a new process has a new one.
                    loop.call_later(_FAREWELL, os._exit, 70)
                    raise
            if done:
                return {}


async def _in_thread(work: Callable[[], _T], stop: threading.Event) -> _T:
    """Run `work` in a thread; cancelled, sets `stop` and waits until the thread has left the engine."""
    running = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        stop.set()
        await asyncio.wait([running])
        raise


def _spec(given: dict[str, Any]) -> ModelSpec:
    return ModelSpec(**{**given, "tasks": tuple(given["tasks"]), "languages": tuple(given["languages"])})


def _request(params: dict[str, Any]) -> FillRequest | ChatRequest:
    if "fill" in params:
        fill = params["fill"]
        tuples = {name: tuple(fill[name]) for name in ("stop", "context_paths")}
        return FillRequest(
            **{**fill, **tuples, "context": tuple(Excerpt(**each) for each in fill["context"])}
        )
    chat = params["chat"]
    messages = tuple(Message(**message) for message in chat["messages"])
    return ChatRequest(
        **{**chat, "messages": messages, "stop": tuple(chat["stop"]), "paths": tuple(chat["paths"])}
    )


def _sentences(handler: rpc.Handler) -> rpc.Handler:
    """A ModelError travels as its sentence and class name."""

    async def answer(params: dict[str, Any]) -> Any:
        try:
            return await handler(params)
        except ModelError as error:
            raise WorkerError(str(error), type(error).__name__) from error

    return answer


async def run() -> None:
    """Serve until stdin closes."""
    await rpc.serve(lambda server: _Host(server).methods())


if __name__ == "__main__":
    rpc.main(run)
