"""Asking one model after the other until one has answered.

The next one is asked only while nothing was shown. A stream that a server cut in the middle is taken up
again at the same model if that says the same once more; what was shown stays the beginning of one answer.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import TypeVar, cast

from devflow.models.base import ChatModel, ChatRequest, FillModel, FillRequest, Health, Model, Task
from devflow.models.errors import (
    KeyRefused,
    ModelError,
    NotAllowed,
    OverBudget,
    RateLimited,
    Stalled,
    TooLate,
    Unreachable,
    Unsendable,
    WorkerDied,
)
from devflow.models.routing.health import Latency
from devflow.models.routing.hedge import Budget, Opened, hedged, opened
from devflow.models.routing.patience import gave_up, patient
from devflow.models.routing.rules import WANTED, Candidate
from devflow.models.routing.tries import FIRST_PAUSE, Line, Tries, named, nobody
from devflow.models.streams import Said, closing

log = logging.getLogger(__name__)

_EARLIEST_HEDGE, _LATE_SERVER = 0.05, 10.0
"""Seconds after which a second request may be sent: at the earliest, and to a server whose times are not
known yet."""
_SHORTEST_GAP, _LONGEST_GAP = 2.0, 5.0
"""Seconds between two pieces from a server after which a whole answer is asked for elsewhere (by what is
usual for it, within these), or one that is shown as it comes is taken up again (the longer): what was said so
far is paid for twice, and providers pause for a second in the middle of a sentence."""
MOST_TAKEN_UP = 4
"""Times a stream that broke off is asked for once more: with one answer in ten that fails, one in 100,000 is
not heard to its end."""
_LOOK_AGAIN = 0.1
"""Seconds between two looks at whether the one request that tries a provider after its rest has ended."""
_ENOUGH_GAP = 0.25
"""Seconds since the last piece within which an answer that is left was coming in, where no gap is known."""
_T = TypeVar("_T")
_Request = FillRequest | ChatRequest


class Attempts:
    """Asks models and notes how they did."""

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        hedge: bool = True,
        chance: Callable[[], float] = random.random,
        tell: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        """`tell` shows the user what no answer does: that a key is refused while others stand in."""
        self._tell = tell
        self._keys: dict[int, str] = {}
        """The lines whose last answer was that their key is refused, and of which key that is."""
        self._untold: list[str] = []
        self._clock = clock
        self._hedge = hedge
        self._chance = chance
        self._budget = Budget()

    async def run(
        self,
        task: Task,
        request: _Request,
        order: Sequence[tuple[Line, Candidate]],
        whole: Callable[[int], None] | None = None,
    ) -> AsyncGenerator[Said]:
        """The pieces of the answer, each with its model's name. With `whole` they come at the end, all of one
        answer, and it is told how many characters there are so far. Raises ModelError when nobody answered,
        TooLate at the request's deadline."""
        until = asyncio.get_running_loop().time() + request.deadline if request.deadline else None
        problems = [named(each.facts.name, each.left_out) for _, each in order if each.left_out]
        last: ModelError | None = None
        lines = [line for line, candidate in order if not candidate.left_out]
        resting = [line for line, candidate in order if candidate.health is Health.FAILING]
        tries = Tries(lines, resting, self._clock, self._chance)
        while (line := await _within(tries.next(), until, task)) is not None:
            said: list[Said] = []
            others = [other for other in lines if other is not line]
            stream = self._answer(task, request, line, others, until, whole=whole is not None)
            characters = 0
            try:
                async with aclosing(stream):
                    async for name, piece in stream:
                        self._tell_refused()
                        said.append((name, piece))
                        characters += len(piece)
                        if whole is None:
                            yield name, piece
                        else:
                            whole(characters)
            except ModelError as error:
                if isinstance(error, TooLate) or (isinstance(error, OverBudget) and error.final):
                    raise
                if said and whole is None:
                    by = next((each for each in lines if each.facts.name == said[-1][0]), line)
                    rest = self._taken_up(task, request, by, said, error, until)
                    async with aclosing(rest):
                        async for more in rest:
                            yield more
                    return
                last = error
                problems.append(named(line.facts.name, str(error)))
                tries.failed(line, error)
                continue
            self._tell_refused()
            for each in said if whole is not None else ():
                yield each
            return  # an empty answer is an answer
        if last is None and any(each.private for _, each in order):
            last = NotAllowed("")
        if task == "fill":  # of ghost text that does not come, nobody is told why
            self._tell_refused()
        self._untold = [each for each in self._untold if each not in problems]  # this answer says them
        raise nobody(task, problems, last)

    async def prime(self, line: Line, request: FillRequest) -> bool:
        """Have a model with a `prime` read the request while nobody asks it for anything; whether it was read
        to its end. That it can is no sign of health, that it fails is one. Raises ModelError."""
        read: Callable[[FillRequest], Awaitable[None]] = getattr(line.model, "prime")  # noqa: B009
        try:
            return await line.slots.spare(lambda: read(request))
        except ModelError as error:
            self._failed(line, error)
            raise

    async def _answer(
        self,
        task: Task,
        request: _Request,
        line: Line,
        others: Sequence[Line],
        until: float | None,
        *,
        whole: bool,
    ) -> AsyncGenerator[Said]:
        by = line
        self._budget.earn()
        if not self._hedge or self._other(line, others) is None:
            answer = await _within(opened(self._pieces(task, request, line)), until, task)
        else:
            chosen: list[Line] = []

            started = self._clock()

            def again() -> Awaitable[Opened] | None:
                other = self._other(line, others)
                beyond_hope = self._clock() - started > _LATE_SERVER
                if other is None or not (self._budget.spend() or beyond_hope):
                    return None
                chosen.append(other)
                log.info("%s is late; %s is asked as well", line.facts.name, other.facts.name)
                return opened(self._pieces(task, request, other))

            first = self._pieces(task, request, line)
            racing = hedged(lambda: opened(first), again, lambda: self._late(line, task))
            answer = await _within(racing, until, task)
            if answer.pieces is not first:
                by = chosen[0]
        async with closing(answer.pieces):
            piece = answer.first
            while piece is not None:
                yield by.facts.name, piece
                asked = self._clock()
                more = _soon(anext(answer.pieces, None), self._patience(by, whole=whole), by)
                piece = await _within(more, until, task)
                by.gap.add(self._clock() - asked, asked)

    async def _pieces(
        self, task: Task, request: _Request, line: Line, *, anew: bool = True
    ) -> AsyncGenerator[str]:
        """What the model says; how it does is noted. Not `anew`: of a request that failed there before."""
        async with line.slots.place(fill=task == "fill"):
            pieces = _started(line.model, request)
            now = self._clock()
            line.circuit.asked(now)
            line.own.asked(now)
            told = False
            started: float | None = None
            heard: float | None = None
            try:
                await _warmed(line.model)
                started = self._clock()
                async with closing(pieces):
                    async for piece in pieces:
                        before, heard = heard, self._clock()
                        if before is None:
                            self._heard(line, task, heard - started, heard)
                        yield piece
                told = True
                self._succeeded(line)
            except ModelError as error:
                told = True
                self._failed(line, error, anew=anew)
                raise
            except Exception as error:
                log.exception("the model %s failed in a way it should not", line.facts.name)
                told = True
                line.circuit.left()  # a bug here says nothing about who was asked
                line.own.left()
                raise ModelError(
                    f"It failed unexpectedly ({type(error).__name__}); the log has the details."
                ) from error
            finally:
                if not told:
                    self._left(line, task, started, heard, anew=anew)

    def _heard(self, line: Line, task: Task, seconds: float, now: float) -> None:
        """Its first piece has come. That is no success yet: some stop there, at every answer."""
        line.circuit.heard()
        line.own.heard()
        line.latency.setdefault(task, Latency()).add(seconds, now)

    def _tell_refused(self) -> None:
        untold, self._untold = self._untold, []
        for sentence in untold:
            self._tell(sentence)

    def _succeeded(self, line: Line) -> None:
        self._keys.pop(id(line), None)
        line.circuit.succeeded()
        line.own.succeeded()

    def _failed(self, line: Line, error: ModelError, *, anew: bool = True) -> None:
        if isinstance(error, NotAllowed | Unsendable):  # it was not asked
            line.circuit.left()
            line.own.left()
            return
        now = self._clock()
        if isinstance(error, KeyRefused):  # told once: two models with one key refuse in the same words
            key = str(error).replace(line.facts.name, "")
            if key not in self._keys.values():
                self._untold.append(str(error))
            self._keys[id(line)] = key
        # Who stalls was reached: others at the same server may do better.
        if isinstance(error, Unreachable | RateLimited | WorkerDied) and not isinstance(error, Stalled):
            line.own.left()
            line.circuit.failed(error, now, anew=anew)
        else:
            line.circuit.left()
            line.own.failed(error, now, anew=anew)

    def _left(
        self, line: Line, task: Task, started: float | None, heard: float | None, *, anew: bool
    ) -> None:
        """The request was cancelled, by the user, its deadline or our own patience; `started` is when it was
        sent, `heard` when its last piece came. Between two pieces it was enough; behind a gap that nobody
        waits through, a server has stalled. Before the first, that it took longer than usual is known, or
        than is wanted: who never says a word has no other sample."""
        now = self._clock()
        if heard is None and started is not None:
            latency, silent = line.latency.get(task) or Latency(), now - started
            usual = latency.expected(now)
            if silent > (WANTED[task] if usual is None else usual):
                latency.add(silent, now)
                line.latency[task] = latency
        elif heard is not None:
            silent = now - heard
            gap = line.gap.late(now) or 0.0
            stall = max(_SHORTEST_GAP, min(gap, _LONGEST_GAP))
            if gave_up() or (_at_a_server(line) and silent >= stall):
                self._failed(line, _stalled(line), anew=anew)
                return
            if silent <= max(_ENOUGH_GAP, gap) or not _at_a_server(line):
                self._succeeded(line)
                return
        line.circuit.left()
        line.own.left()

    def _patience(self, line: Line, *, whole: bool) -> float | None:
        """Seconds to wait for the next piece; None: as long as it takes, for a model on this machine may
        step aside for another request."""
        if not _at_a_server(line):
            return None
        if not whole:
            return _LONGEST_GAP
        late = line.gap.late(self._clock())
        return _LONGEST_GAP if late is None else max(_SHORTEST_GAP, min(late, _LONGEST_GAP))

    def _late(self, line: Line, task: Task) -> float | None:
        """Seconds after which its first piece is late; None: not known, and a model may be loading."""
        late = line.late(task, self._clock())
        if late is None:
            return _LATE_SERVER if _at_a_server(line) else None
        return max(late, _EARLIEST_HEDGE)

    def _other(self, line: Line, others: Sequence[Line]) -> Line | None:
        """Who is asked as well: nobody off the machine in place of somebody on it, and of the models on this
        machine only another one that has answered before: loading one for this would take its memory."""
        now = self._clock()
        for other in (*others, line):
            kept = not other.facts.remote or line.facts.remote
            able = _at_a_server(other) or (other is not line and bool(other.latency))
            if kept and able and not other.rest(now):
                return other
        return None

    async def _rested(self, line: Line) -> bool:
        """Whether it may be asked before somebody has waited too long in the middle of an answer."""
        if line.left_alone(self._clock()) > _LONGEST_GAP:
            return False
        loop = asyncio.get_running_loop()
        until = loop.time() + _LONGEST_GAP
        while (rest := line.rest(self._clock())) > 0:
            if (left := until - loop.time()) <= 0:
                return False
            await asyncio.sleep(min(rest, left, _LOOK_AGAIN))
        return True

    async def _taken_up(
        self,
        task: Task,
        request: _Request,
        line: Line,
        said: Sequence[Said],
        error: ModelError,
        until: float | None,
    ) -> AsyncGenerator[Said]:
        """The rest of an answer that broke off after `said`. Raises `error` when it cannot be had."""
        at_random = isinstance(request, ChatRequest) and request.temperature > 0
        if at_random or not isinstance(error, Unreachable) or {name for name, _ in said} != {line.facts.name}:
            raise error
        shown = "".join(piece for _, piece in said)
        for count in range(MOST_TAKEN_UP):
            pause = FIRST_PAUSE * 2 ** (count - 1) * self._chance() if count else 0.0
            await _within(asyncio.sleep(pause), until, task)
            if not await _within(self._rested(line), until, task):
                break
            again, pieces = "", self._pieces(task, request, line, anew=False)
            async with aclosing(pieces):
                while shown.startswith(again):
                    try:
                        more = _soon(anext(pieces, None), _LONGEST_GAP, line)
                        piece = await _within(more, until, task)
                    except ModelError:
                        break  # once more, from the beginning
                    if piece is None:
                        if again == shown:
                            return
                        raise error
                    again += piece
                    if len(again) > len(shown) and again.startswith(shown):
                        yield line.facts.name, again[len(shown) :]
                        shown = again
                else:
                    raise error  # it says something else now
        raise error


def _started(model: Model, request: _Request) -> AsyncIterator[str]:
    if isinstance(request, FillRequest):
        return cast("FillModel", model).fill(request)
    return cast("ChatModel", model).chat(request)


async def _warmed(model: Model) -> None:
    """Loading a model, or importing an SDK, tells nothing about how quick it is. Raises ModelError."""
    warm: Callable[[], Awaitable[None]] | None = getattr(model, "warm", None)
    if warm is not None:
        await warm()


def _at_a_server(line: Line) -> bool:
    return line.facts.remote or bool(line.facts.provider)


async def _within(work: Awaitable[_T], until: float | None, task: Task) -> _T:
    """The result of `work`, by `until` in the loop's time. Raises TooLate."""
    if until is None:
        return await work
    try:
        async with asyncio.timeout_at(until):
            return await work
    except TimeoutError:
        raise TooLate(f"No answer to {task} came within the time it is wanted in.") from None


async def _soon(work: Awaitable[_T], seconds: float | None, line: Line) -> _T:
    try:
        async with patient(seconds):
            return await work
    except TimeoutError:
        raise _stalled(line) from None


def _stalled(line: Line) -> Stalled:
    return Stalled(f"{line.facts.name} stopped in the middle of its answer; try again.")
