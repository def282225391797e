"""Which model answers: the first in the user's order that can, another one only while nothing was said."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from devflow.models.base import (
    ChatModel,
    ChatRequest,
    FillModel,
    FillRequest,
    Health,
    Model,
    ModelStatus,
)
from devflow.models.errors import ModelError, NotAllowed, NotConfigured, NotInstalled, RateLimited, Rejected
from devflow.models.streams import closing

log = logging.getLogger(__name__)

Task = Literal["fill", "chat"]
_M = TypeVar("_M", FillModel, ChatModel)

FAILURES_TO_REST = 3
FIRST_REST, LONGEST_REST = 5.0, 300.0
"""Seconds a model is left alone after it failed three times in a row; doubled each time it fails again."""


@dataclass(slots=True)
class _Record:
    """How a model did lately."""

    failures: int = 0
    rests: int = 0
    until: float = 0.0
    problem: str = ""

    def succeeded(self) -> None:
        self.failures = self.rests = 0
        self.until, self.problem = 0.0, ""

    def failed(self, error: ModelError, now: float) -> None:
        self.problem = str(error)
        self.failures += 1
        if isinstance(error, RateLimited):
            self._rest(now, error.retry_after)
        elif self.failures >= FAILURES_TO_REST:
            self._rest(now, None)

    def _rest(self, now: float, seconds: float | None) -> None:
        if seconds is not None:
            self.until = now + seconds
        else:
            self.until = now + min(FIRST_REST * 2.0**self.rests, LONGEST_REST)
            self.rests += 1
        self.failures = FAILURES_TO_REST - 1  # one try after the rest; failing that, a longer one


class Router:
    """The models of each task in order of preference."""

    def __init__(
        self,
        fill: Sequence[FillModel],
        chat: Sequence[ChatModel],
        clock: Callable[[], float] = time.monotonic,
        order: Sequence[Model] = (),
    ) -> None:
        """`order`: all of them as the user wrote them, for `statuses`."""
        every = (*order, *fill, *chat)
        self._every: tuple[Model, ...] = tuple({id(model): model for model in every}.values())
        self._fill = tuple(fill)
        self._chat = tuple(chat)
        self._clock = clock
        self._records: dict[int, _Record] = {}
        self._last: dict[Task, str] = {}

    def fill(self, request: FillRequest) -> AsyncIterator[str]:
        """Stream what belongs in the hole. Raises ModelError when no model could answer."""
        return self._answer("fill", self._fill, lambda model: model.fill(request))

    def chat(self, request: ChatRequest) -> AsyncIterator[str]:
        """Stream the answer. Raises ModelError when no model could answer."""
        return self._answer("chat", self._chat, lambda model: model.chat(request))

    def has(self, task: Task) -> bool:
        """Whether a model for the task is configured and not known to be unusable."""
        return any(model.status().health is not Health.UNAVAILABLE for model in self._models(task))

    async def warm(self) -> None:
        """Load the model that would answer first for each task, so that the first request does not wait.
        What fails is told by `statuses`, and again when it is asked."""
        tasks: tuple[Sequence[Model], ...] = (self._fill, self._chat)
        for models in tasks:
            usable = (model for model in models if model.status().health is not Health.UNAVAILABLE)
            load: Callable[[], Awaitable[None]] | None = getattr(next(usable, None), "warm", None)
            if load is not None:
                try:
                    await load()
                except ModelError as error:
                    log.warning("%s", error)

    def statuses(self) -> list[ModelStatus]:
        """Every model once, in order, with one sentence where something is wrong. Loads and asks nothing."""
        return [self._status(model) for model in self._every]

    def last_used(self, task: Task) -> str:
        """The name of the model that answered last, "" before the first answer."""
        return self._last.get(task, "")

    async def close(self) -> None:
        """Close every model, each once, whatever the others do."""
        for model in self._every:
            try:
                await model.close()
            except Exception:
                log.exception("the model %s did not close", model.name)

    def _models(self, task: Task) -> Sequence[Model]:
        return self._fill if task == "fill" else self._chat

    def _record(self, model: Model) -> _Record:
        return self._records.setdefault(id(model), _Record())

    def _status(self, model: Model) -> ModelStatus:
        status, record = model.status(), self._record(model)
        rest = record.until - self._clock()
        if status.health is Health.READY and rest > 0:
            detail = f"{record.problem} It is tried again in {rest:.0f} s."
            return replace(status, health=Health.FAILING, detail=detail)
        return status

    def _in_turn(self, models: Sequence[_M], problems: list[str]) -> list[_M]:
        """The models worth trying: ready ones in order, then those still loading. Why the others are
        not goes to `problems`."""
        ready: list[_M] = []
        loading: list[_M] = []
        for model in models:
            status = self._status(model)
            match status.health:
                case Health.READY:
                    ready.append(model)
                case Health.LOADING:
                    loading.append(model)
                case Health.UNAVAILABLE | Health.FAILING:
                    problems.append(f"{model.name}: {status.detail or status.health}")
        return ready + loading

    async def _answer(
        self, task: Task, models: Sequence[_M], start: Callable[[_M], AsyncIterator[str]]
    ) -> AsyncIterator[str]:
        problems: list[str] = []
        last: ModelError | None = None
        for model in self._in_turn(models, problems):
            record = self._record(model)
            spoke = False
            pieces = start(model)
            async with closing(pieces):
                try:
                    async for piece in pieces:
                        if not spoke:
                            spoke = True
                            self._last[task] = model.name
                            record.succeeded()
                        yield piece
                    if not spoke:  # an empty answer is an answer
                        self._last[task] = model.name
                        record.succeeded()
                    return
                except ModelError as error:
                    if not isinstance(error, NotAllowed):
                        record.failed(error, self._clock())
                    if spoke:
                        raise
                    last = error
                except Exception as error:
                    log.exception("the model %s failed in a way it should not", model.name)
                    if spoke:
                        raise
                    last = ModelError(
                        f"It failed unexpectedly ({type(error).__name__}); the log has the details."
                    )
                    record.failed(last, self._clock())
            problems.append(f"{model.name}: {last}")
        raise _nobody(task, problems, last)


def _nobody(task: Task, problems: list[str], last: ModelError | None) -> ModelError:
    """The sentence when no model answered, of the class that says most about why."""
    if not problems:
        return NotConfigured(
            f"No model is configured for {task}; add one under [[models.list]] in devflow.toml."
        )
    message = "No model could answer: " + " ".join(
        problem if problem.endswith((".", "!", "?")) else f"{problem}." for problem in problems
    )
    if isinstance(last, RateLimited):
        return RateLimited(message, last.retry_after)
    kind = (
        type(last) if isinstance(last, NotAllowed | NotConfigured | NotInstalled | Rejected) else ModelError
    )
    return kind(message)
