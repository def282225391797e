"""Whom to ask next: each model in order, then once more those that may do better after a pause."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from devflow.models.base import Model, Task
from devflow.models.errors import (
    ModelError,
    NotAllowed,
    NotConfigured,
    NotInstalled,
    RateLimited,
    Rejected,
    Silent,
    Unreachable,
)
from devflow.models.routing.health import Circuit, Latency
from devflow.models.routing.rules import Facts
from devflow.models.routing.slots import Slots

MOST_TRIES = 3
"""Times one model is asked for one request."""
FIRST_PAUSE = 0.1
"""Seconds before the second try at the same model, and twice as long before the third; a random part of it is
waited ("full jitter": those who failed together do not come back together)."""
LONGEST_WAIT = 3.0
"""Seconds that somebody waits because a provider asked to; asked for longer, it is left alone instead."""


@dataclass(slots=True)
class Line:
    """A model, and what is kept about it. `circuit` is the provider's, `own` this model's."""

    model: Model
    facts: Facts
    circuit: Circuit
    own: Circuit
    slots: Slots
    latency: dict[Task, Latency] = field(default_factory=dict)
    """To the first piece."""
    gap: Latency = field(default_factory=Latency)
    """Between two pieces."""

    def rest(self, now: float) -> float:
        """Seconds it is to be left alone."""
        return max(self.circuit.rest(now), self.own.rest(now))

    def left_alone(self, now: float) -> float:
        """The same without the seconds in which one request tries it."""
        return max(self.circuit.until, self.own.until) - now

    @property
    def problem(self) -> str:
        """What it said when it failed last, "" when all is well."""
        return self.own.problem or self.circuit.problem

    def late(self, task: Task, now: float) -> float | None:
        """Seconds after which its first piece is late; None: not known."""
        latency = self.latency.get(task)
        return latency.late(now) if latency is not None else None


class Tries:
    """Whom to ask next: each in order, then once more those that may do better, after a pause."""

    def __init__(
        self,
        lines: Sequence[Line],
        resting: Sequence[Line],
        clock: Callable[[], float],
        chance: Callable[[], float],
    ) -> None:
        """`resting` are left alone just now; those that may be asked again soon are waited for in the end."""
        self._lines = deque(lines)
        self._clock = clock
        self._chance = chance
        self._counts: Counter[int] = Counter()
        self._later: list[tuple[float, int, Line]] = []
        self._numbers = itertools.count()
        now = clock()
        for line in resting:
            if 0 < (rest := line.rest(now)) <= LONGEST_WAIT:
                self._later.append((now + rest, next(self._numbers), line))

    def failed(self, line: Line, error: ModelError) -> None:
        """`line` was asked and failed."""
        self._counts[id(line)] += 1
        count = self._counts[id(line)]
        pause = pause_after(error, count, self._chance())
        if pause is not None and count < MOST_TRIES:
            self._later.append((self._clock() + pause, next(self._numbers), line))

    async def next(self) -> Line | None:
        """The next one, after its pause; None when nobody is left."""
        if self._lines:
            return self._lines.popleft()
        while self._later:
            soonest = min(self._later)
            self._later.remove(soonest)
            at, _, line = soonest
            await asyncio.sleep(max(0.0, at - self._clock()))
            if not line.rest(self._clock()):
                return line
        return None


def pause_after(error: ModelError, count: int, chance: float) -> float | None:
    """Seconds before a model that failed `count` times is asked again; None: it would not help. `chance` is
    a number from 0 to 1."""
    if isinstance(error, RateLimited) and error.retry_after is not None:
        return error.retry_after + FIRST_PAUSE * chance if error.retry_after <= LONGEST_WAIT else None
    if isinstance(error, Unreachable) and not isinstance(error, Silent):
        return float(FIRST_PAUSE * 2 ** (count - 1) * chance)
    return None


def named(name: str, sentence: str) -> str:
    """`sentence`, about the model `name`, with its name."""
    return sentence if name in sentence else f"{name}: {sentence}"


def nobody(task: Task, problems: Sequence[str], last: ModelError | None) -> ModelError:
    """The sentence when no model answered, of the class that says most about why."""
    if not problems:
        return NotConfigured(
            f"No model is configured for {task}; add one under [[models.list]] in your own devflow.toml."
        )
    message = "No model could answer: " + " ".join(
        problem if problem.endswith((".", "!", "?")) else f"{problem}." for problem in dict.fromkeys(problems)
    )
    if isinstance(last, RateLimited):
        return RateLimited(message, last.retry_after)
    kind = (
        type(last) if isinstance(last, NotAllowed | NotConfigured | NotInstalled | Rejected) else ModelError
    )
    return kind(message)
