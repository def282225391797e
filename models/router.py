"""Which model answers: the best by the rules and by what was measured, another one only while nothing was
said.

`rules` orders the models, `health` and `slots` are kept for each; `attempts` asks one after the other. Here
is what the rest of the server calls.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from devflow.models.base import (
    FEW_CHARACTERS_PER_TOKEN,
    TASKS,
    ChatModel,
    ChatRequest,
    FillModel,
    FillRequest,
    Health,
    Model,
    ModelStatus,
    Task,
)
from devflow.models.errors import ModelError
from devflow.models.routing.attempts import Attempts
from devflow.models.routing.difficulty import of_chat, of_fill
from devflow.models.routing.health import Circuit
from devflow.models.routing.rules import Asked, Assigned, Candidate, Facts, Rule, State, ordered, rules_of
from devflow.models.routing.single_flight import SingleFlight
from devflow.models.routing.slots import Slots
from devflow.models.routing.tries import Line, named
from devflow.models.streams import Answer, Said, Whole

log = logging.getLogger(__name__)

_UNLIMITED = 1_000
_CLOSE_SECONDS = 1.0
"""Sending the last traces to a collector that does not answer may take longer."""
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Routing:
    """What the router is told besides the models. `facts` are by the model's name."""

    facts: dict[str, Facts] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    kept_back: Callable[[str], bool] = lambda path: False
    """Whether the text of a workspace path must stay on the machine. Called in a thread."""
    draws: Callable[[Sequence[str], str], dict[str, float]] = lambda names, language: {}
    """What is learned of models in a language: a draw for each that enough is known of."""
    assigned: Callable[[str, str, str], Assigned] = lambda task, language, unit: Assigned()
    """The model an experiment gives to a request of `unit`: a file, or a conversation."""
    hedge: bool = True
    tell: Callable[[str], None] = lambda sentence: None
    """Shows one sentence to the user; called on the event loop."""
    close: Callable[[], None] = lambda: None
    """Closes what the models share; called in a thread, after they are closed."""

    def experiment_of(self, task: str, language: str, unit: str, model: str) -> str:
        """The experiment that gave `unit` to `model`, "" where none did."""
        given = self.assigned(task, language, unit)
        return given.experiment if given.model == model else ""


class Router:
    """The models of each task."""

    def __init__(
        self,
        fill: Sequence[FillModel],
        chat: Sequence[ChatModel],
        clock: Clock = time.monotonic,
        order: Sequence[Model] = (),
        routing: Routing | None = None,
        by_task: dict[Task, Sequence[ChatModel]] | None = None,
    ) -> None:
        """`order`: all of them as the user wrote them, for `statuses`. `by_task`: those of the tasks that
        are not answered by all of `chat`."""
        self._routing = routing or Routing()
        self._clock = clock
        self._rules = rules_of(self._routing.rules)
        circuits: dict[str, Circuit] = {}
        slots: dict[str, Slots] = {}
        others = [model for models in (by_task or {}).values() for model in models]
        self._lines: dict[int, Line] = {}
        for model in (*order, *fill, *chat, *others):
            if id(model) not in self._lines:
                facts = self._routing.facts.get(model.name) or Facts(model.name, model.remote)
                shared = facts.provider or f"{model.name}#{len(self._lines)}"
                self._lines[id(model)] = Line(
                    model,
                    facts,
                    circuits.setdefault(shared, Circuit()),
                    Circuit(),
                    slots.setdefault(shared, Slots(facts.parallel or _UNLIMITED)),
                )
        self._models: dict[Task, tuple[Model, ...]] = {task: tuple(chat) for task in TASKS if task != "embed"}
        self._models |= {task: tuple(models) for task, models in (by_task or {}).items()}
        self._models["fill"] = tuple(fill)
        self._flights: SingleFlight[Said] = SingleFlight()
        self._attempts = Attempts(clock, hedge=self._routing.hedge, tell=self._routing.tell)
        self._rules_read = False

    def fill(self, request: FillRequest) -> Answer:
        """Stream what belongs in the hole. Raises ModelError when no model could answer."""
        return self._answer("fill", request)

    def chat(self, request: ChatRequest) -> Answer:
        """Stream the answer. Raises ModelError when no model could answer."""
        return self._answer(request.task, request)

    async def whole(
        self, request: FillRequest | ChatRequest, progress: Callable[[int], None] = lambda characters: None
    ) -> Whole:
        """The whole answer. Nothing of it is shown before its end, so another model may take over to the
        last word. `progress` is told how many characters there are so far, unless somebody else asked the
        same before. Raises ModelError."""
        task: Task = "fill" if isinstance(request, FillRequest) else request.task
        async with aclosing(self._answer(task, request, progress)) as answer:
            return Whole("".join([piece async for piece in answer]), answer.model)

    def reads_ahead(self, language: str) -> bool:
        """Whether the model that would fill a hole in this language is one that `prime` asks."""
        return self._reader(Asked("fill", language), "") is not None

    async def prime(self, request: FillRequest) -> bool:
        """Let the model that would be asked read the request and answer nothing, where it is on this machine,
        keeps what it has read, and has nothing else to do: the next request like it begins at once, and ends
        this one. Whether all of it was read. Raises ModelError."""
        request = replace(request, ahead=True)
        line = self._reader(await self._asked("fill", request), request.path)
        return line is not None and await self._attempts.prime(line, request)

    def has(self, task: Task) -> bool:
        """Whether a model for the task is configured and not known to be unusable."""
        return any(model.status().health is not Health.UNAVAILABLE for model in self._models.get(task, ()))

    def obstacle(self, task: Task) -> str:
        """Which models are configured for the task and why none of them can be asked, in a sentence each; ""
        where one can, and where there are none."""
        statuses = [model.status() for model in self._models.get(task, ())]
        if any(status.health is not Health.UNAVAILABLE for status in statuses):
            return ""
        return " ".join(named(status.name, status.detail) for status in statuses)

    async def warm(self) -> None:
        """Load the model that would answer first for each task, so that the first request does not wait.
        What fails is told by `statuses`, and again when it is asked."""
        loads: dict[int, Callable[[], Awaitable[None]]] = {}
        for task, models in self._models.items():
            line = next((line for line in self._in_order(Asked(task), models) if not line[1].left_out), None)
            load: Callable[[], Awaitable[None]] | None = (
                getattr(line[0].model, "warm", None) if line else None
            )
            if line is not None and load is not None:
                loads[id(line[0].model)] = load
        for load in loads.values():
            try:
                await load()
            except ModelError as error:
                log.warning("%s", error)

    def explain(self, asked: Asked, unit: str = "") -> list[Candidate]:
        """Who would be asked, in order, and why. Asks nobody."""
        return [candidate for _, candidate in self._in_order(asked, self._models.get(asked.task, ()), unit)]

    def refusals(self, task: Task, request: FillRequest | ChatRequest) -> dict[str, str]:
        """Why the budget would not let a model be asked, by its name. Asks nobody; waits for the disk."""
        found: dict[str, str] = {}
        for model in self._models.get(task, ()):
            refusal: Callable[[FillRequest | ChatRequest], str] | None = getattr(model, "refusal", None)
            if refusal is not None and (why := refusal(request)):
                found[model.name] = why
        return found

    def statuses(self) -> list[ModelStatus]:
        """Every model once, in order, with one sentence where something is wrong. Loads and asks nothing."""
        return [self._status(line) for line in self._lines.values()]

    def experiment_of(self, task: Task, language: str, unit: str, model: str) -> str:
        """The experiment that gave `unit` to `model`, "" where none did."""
        return self._routing.experiment_of(task, language, unit, model)

    async def close(self) -> None:
        """Close every model, each once, whatever the others do."""
        for line in self._lines.values():
            try:
                await line.model.close()
            except Exception:
                log.exception("the model %s did not close", line.model.name)
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await asyncio.to_thread(self._routing.close)
        except TimeoutError:
            log.warning("the books of the models did not close in time")

    def _answer(
        self, task: Task, request: FillRequest | ChatRequest, whole: Callable[[int], None] | None = None
    ) -> Answer:
        if isinstance(request, ChatRequest) and request.temperature > 0:
            return Answer(self._ask(task, request, whole))
        key = (task, request, whole is not None)
        return Answer(self._flights.join(key, lambda: self._ask(task, request, whole)))

    async def _ask(
        self, task: Task, request: FillRequest | ChatRequest, whole: Callable[[int], None] | None
    ) -> AsyncGenerator[Said]:
        asked = await self._asked(task, request)
        order = self._in_order(asked, self._models.get(task, ()), request.unit)
        answer = self._attempts.run(task, request, order, whole)
        async with aclosing(answer):
            async for said in answer:
                yield said

    async def _asked(self, task: Task, request: FillRequest | ChatRequest) -> Asked:
        """What the rules are told of a request, the path rules' word on its files included."""
        models = self._models.get(task, ())
        asked = asked_by(task, request)
        if any(model.remote for model in models) and request.files:
            kept_back = self._routing.kept_back
            if not self._rules_read:  # the first time it imports a library
                await asyncio.to_thread(kept_back, "")
                self._rules_read = True
            asked = replace(asked, private=any(map(kept_back, request.files)))
        return asked

    def _reader(self, asked: Asked, unit: str) -> Line | None:
        """The model that would fill the hole, if it is to read ahead: one that failed last is not."""
        order = self._in_order(asked, self._models["fill"], unit)
        line = next((line for line, candidate in order if not candidate.left_out), None)
        if line is None or line.model.remote or line.problem:
            return None
        return line if getattr(line.model, "reads_ahead", False) else None

    def _in_order(
        self, asked: Asked, models: Sequence[Model], unit: str = ""
    ) -> list[tuple[Line, Candidate]]:
        lines = [self._lines[id(model)] for model in models]
        names = [line.facts.name for line in lines]
        draws = self._routing.draws(names, asked.language) if len(lines) > 1 else {}
        now = self._clock()
        states: dict[int, State] = {}
        for line in lines:
            status = self._status(line)
            # Without the countdown: the same failure is told to the user in the same words, and so once.
            detail = line.problem if status.health is Health.FAILING and line.problem else status.detail
            latency = line.latency.get(asked.task)
            expected = latency.expected(now) if latency is not None else None
            states[id(line.facts)] = State(status.health, detail, expected, draws.get(line.facts.name))
        rules = self._rules
        given = self._routing.assigned(asked.task, asked.language, unit)
        if given.model:
            rules = (Rule(f"experiment {given.experiment}", prefer=(given.model,)), *rules)
        by_facts = {id(line.facts): line for line in lines}
        candidates = ordered(asked, [line.facts for line in lines], rules, lambda facts: states[id(facts)])
        return [(by_facts[id(candidate.facts)], candidate) for candidate in candidates]

    def _status(self, line: Line) -> ModelStatus:
        status = line.model.status()
        rest = line.rest(self._clock())
        if status.health is Health.READY and rest > 0:
            detail = f"{line.problem} It is tried again in {rest:.0f} s."
            return replace(status, health=Health.FAILING, detail=detail)
        return status


def asked_by(task: Task, request: FillRequest | ChatRequest) -> Asked:
    """What the rules are told of a request."""
    if isinstance(request, FillRequest):
        difficulty = of_fill(request.prefix, request.suffix)
    else:
        difficulty = of_chat(task, request.messages[-1].content if request.messages else "")
    tokens = sum(map(len, request.texts)) // FEW_CHARACTERS_PER_TOKEN + request.max_tokens
    return Asked(task, request.language, tokens, difficulty)
