"""Asking one model after the other: tries again, second requests, breakers, deadlines."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from devflow.models.base import ChatRequest, FillRequest, Health, Message
from devflow.models.errors import (
    ModelError,
    RateLimited,
    Rejected,
    Silent,
    TooLate,
    Unreachable,
    WorkerDied,
)
from devflow.models.fake import FakeModel
from devflow.models.router import Router, Routing
from devflow.models.routing import attempts, rules
from devflow.models.routing.rules import Asked, Facts
from devflow.models.routing.tries import pause_after
from devflow.models.streams import Whole
from support.patience import HANGS
from support.routing import HOLE, Clock


async def answer(router: Router, request: FillRequest = HOLE) -> str:
    return "".join([piece async for piece in router.fill(request)])


def routed(*models: FakeModel, clock: Clock | None = None, **facts: Facts) -> Router:
    return Router(models, models, clock or Clock(), routing=Routing(facts=facts))


class Stalling(FakeModel):
    """Says its pieces and then nothing, for ever."""

    async def _stream(self, request: FillRequest | ChatRequest) -> AsyncIterator[str]:
        async for piece in super()._stream(request):
            yield piece
        await asyncio.Event().wait()


async def test_a_server_that_failed_is_asked_again_after_a_pause_when_there_is_no_other() -> None:
    only = FakeModel("1", failures=[Unreachable("Busy.")] * 2)
    assert await answer(Router([only], [], time.monotonic)) == "1"
    assert len(only.requests) == 3


async def test_a_short_wait_that_was_asked_for_is_waited() -> None:
    only = FakeModel("1", failures=[RateLimited("Slow down.", retry_after=0.05)])
    router = Router([only], [], time.monotonic)
    started = time.monotonic()
    assert await answer(router) == "1"
    assert time.monotonic() - started >= 0.05


async def test_what_cannot_get_better_is_not_tried_again() -> None:
    only = FakeModel("1", failures=[Rejected("Bad key.")])
    with pytest.raises(Rejected):
        await answer(routed(only))
    assert len(only.requests) == 1


@pytest.mark.parametrize(
    ("error", "count", "pause"),
    [
        (Unreachable(""), 1, 0.1),
        (Unreachable(""), 2, 0.2),
        (RateLimited("", 2.0), 1, 2.1),
        (RateLimited("", 60.0), 1, None),
        (RateLimited(""), 1, None),
        (Rejected(""), 1, None),
        (WorkerDied(""), 1, None),
    ],
)
def test_pauses_grow_and_honour_what_the_provider_asked_for(
    error: ModelError, count: int, pause: float | None
) -> None:
    found = pause_after(error, count, 1.0)
    assert found == (pytest.approx(pause) if pause is not None else None)


def test_who_waited_as_long_as_wanted_does_not_wait_as_long_again() -> None:
    assert pause_after(Silent("api.example sent nothing for 60 s."), 1, 1.0) is None


async def test_an_answer_later_than_it_is_wanted_is_given_up() -> None:
    slow = FakeModel("1", "2", delay=30)
    with pytest.raises(TooLate, match="within the time"):
        await anext(routed(slow).fill(replace(HOLE, deadline=0.05)))
    assert slow.closed == 1
    with pytest.raises(TooLate):
        await routed(FakeModel("1", delay=30)).whole(replace(HOLE, deadline=0.05))


async def test_the_deadline_counts_the_tries_before() -> None:
    failing = FakeModel("1", failures=[RateLimited("Wait.", retry_after=2)])
    with pytest.raises(TooLate):
        await answer(Router([failing], []), replace(HOLE, deadline=0.05))


async def test_a_whole_answer_is_taken_over_by_another_model_to_the_last_word() -> None:
    first = FakeModel("half", "gone", name="first", failures=[WorkerDied("Died.")], fail_after=1)
    router = routed(first, FakeModel("all", "of it", name="second"))
    heard: list[int] = []
    assert await router.whole(HOLE, heard.append) == Whole("allof it", "second")
    assert heard == [4, 3, 8]


async def test_a_stream_that_was_cut_goes_on_where_the_same_model_says_the_same_again() -> None:
    model = FakeModel("one ", "two ", "three", failures=[Unreachable("Cut.")], fail_after=2)
    assert await answer(routed(model)) == "one two three"
    assert len(model.requests) == 2


async def test_a_stream_that_is_cut_again_and_again_is_one_failure_of_its_provider(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attempts, "_LONGEST_GAP", 0.05)
    cut = [Unreachable("Cut.")] * 4
    model = FakeModel("one ", "two ", "three", failures=cut, fail_after=2)
    router = routed(model)
    assert await answer(router) == "one two three"
    assert len(model.requests) == 5
    model.failures = [*cut, Unreachable("Cut.")]
    with pytest.raises(Unreachable, match="Cut"):
        await answer(router)
    assert not model.failures
    assert router.statuses()[0].health is Health.READY
    for _ in range(2):
        model.failures = [*cut, Unreachable("Cut.")]
        with pytest.raises(Unreachable, match="Cut"):
            await answer(router)
    assert router.statuses()[0].health is Health.FAILING, "three requests in a row"


async def test_a_stream_that_was_cut_waits_for_the_end_of_a_short_rest() -> None:
    clock = Clock()
    model = FakeModel("one ", "two", failures=[Unreachable("Cut.")], fail_after=1)
    router = routed(model, clock=clock)
    circuit = router._lines[id(model)].circuit
    pieces = router.fill(HOLE)
    assert await anext(pieces) == "one "
    for _ in range(3):  # of others, meanwhile
        circuit.failed(Unreachable("Down."), clock())
    assert circuit.rest(clock()) > 0
    rest = asyncio.create_task(anext(pieces))
    await asyncio.sleep(0)
    clock.now += 5
    circuit.asked(clock())  # another one tries it first
    await asyncio.sleep(0.15)
    assert not rest.done()
    circuit.succeeded()
    assert await asyncio.wait_for(rest, HANGS) == "two"


async def test_a_stream_that_was_cut_ends_where_the_second_answer_is_another() -> None:
    class Fickle(FakeModel):
        def fill(self, request: FillRequest) -> AsyncIterator[str]:
            self.pieces = self.pieces if not self.requests else ("one ", "2")
            return super().fill(request)

    model = Fickle("one ", "two ", "three", failures=[Unreachable("Cut.")], fail_after=2)
    said: list[str] = []

    async def listen() -> None:
        async for piece in routed(model).fill(HOLE):
            said.append(piece)

    with pytest.raises(Unreachable, match="Cut"):
        await listen()
    assert said == ["one ", "two "]


async def test_a_late_first_word_is_asked_for_elsewhere() -> None:
    first, second = FakeModel("1", name="first"), FakeModel("2", name="second")
    facts = {name: Facts(name, provider=name) for name in ("first", "second")}
    router = Router([first, second], [], time.monotonic, routing=Routing(facts=facts))
    for _ in range(4):
        assert await answer(router) == "1"
    first.delay = 30
    answering = router.fill(HOLE)
    assert [piece async for piece in answering] == ["2"]
    assert answering.model == "second"
    assert first.opened == first.closed


async def test_no_other_model_is_loaded_because_one_is_late() -> None:
    first, second = FakeModel("1", name="first"), FakeModel("2", name="second")
    router = Router([first, second], [], time.monotonic)
    for _ in range(4):
        await answer(router)
    first.delay = 0.2
    assert await answer(router) == "1"
    assert not second.requests


async def test_nothing_goes_off_the_machine_because_a_local_model_is_late() -> None:
    first, second = FakeModel("1", name="first"), FakeModel("2", name="second", remote=True)
    router = Router([first, second], [], time.monotonic)
    for _ in range(4):
        await answer(router)
    first.delay = 0.2
    assert await answer(router) == "1"
    assert not second.requests


async def test_a_model_that_became_slow_goes_behind() -> None:
    clock = Clock()

    class Slow(FakeModel):
        async def _stream(self, request: FillRequest | ChatRequest) -> AsyncIterator[str]:
            clock.now += 2.0
            async for piece in super()._stream(request):
                yield piece

    router = Router([Slow("1", name="slow"), FakeModel("2", name="quick")], [], clock)
    assert [await answer(router) for _ in range(4)] == ["1", "1", "1", "2"]
    [first, _] = router.explain(Asked("fill"))
    assert first.facts.name == "quick"


async def test_the_time_to_load_a_model_does_not_make_it_a_slow_one() -> None:
    clock = Clock()

    class Loaded(FakeModel):
        loaded = False

        async def warm(self) -> None:
            clock.now += 0.0 if self.loaded else 20.0
            self.loaded = True

        async def _stream(self, request: FillRequest | ChatRequest) -> AsyncIterator[str]:
            await self.warm()
            async for piece in super()._stream(request):
                yield piece

    router = Router([Loaded("1", name="loaded"), FakeModel("2", name="quick")], [], clock)
    assert [await answer(router) for _ in range(5)] == ["1"] * 5


async def test_who_stalls_does_not_keep_others_at_the_same_server_from_being_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attempts, "_LONGEST_GAP", 0.05)
    bad, good = Stalling("1", name="bad"), FakeModel("2", name="good")
    facts = {name: Facts(name, provider="gateway") for name in ("bad", "good")}
    router = Router([bad, good], [], Clock(), routing=Routing(facts=facts, hedge=False))
    for _ in range(5):
        assert await router.whole(HOLE) == Whole("2", "good")
    assert len(bad.requests) == 3


async def test_a_breaker_is_the_provider_s_not_the_model_s() -> None:
    one = FakeModel("1", name="one", failures=[Unreachable("Down.")] * 9)
    two = FakeModel("2", name="two")
    three = FakeModel("3", name="three")
    facts = {name: Facts(name, provider="api") for name in ("one", "two")}
    router = Router([one, two, three], [], Clock(), routing=Routing(facts=facts))
    for _ in range(3):
        assert await answer(router) == "2"
        one.pieces = ("1",)
    one.failures[:] = [Unreachable("Down.")] * 9
    two.failures[:] = [Unreachable("Down.")] * 9
    for _ in range(2):
        assert await answer(router) == "3"
    assert [status.health for status in router.statuses()] == [Health.FAILING, Health.FAILING, Health.READY]


def stalling(clock: Callable[[], float], monkeypatch: pytest.MonkeyPatch) -> tuple[Router, FakeModel]:
    monkeypatch.setattr(attempts, "_LONGEST_GAP", 0.05)
    monkeypatch.setattr(attempts, "_SHORTEST_GAP", 0.05)
    bad, good = Stalling("1", name="bad"), FakeModel("2", name="good")
    facts = {name: Facts(name, provider=name) for name in ("bad", "good")}
    return Router([bad, good], [bad, good], clock, routing=Routing(facts=facts, hedge=False)), bad


async def test_who_stalls_after_the_first_word_of_every_answer_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    router, bad = stalling(Clock(), monkeypatch)
    for _ in range(5):
        assert await router.whole(HOLE) == Whole("2", "good")
    assert len(bad.requests) == 3
    assert router.statuses()[0].health is Health.FAILING


async def test_who_stalls_until_the_deadline_of_every_answer_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    router, bad = stalling(time.monotonic, monkeypatch)
    monkeypatch.setattr(attempts, "_LONGEST_GAP", 30.0)
    for _ in range(3):
        with pytest.raises(TooLate):
            await answer(router, replace(HOLE, deadline=0.5))
    assert await answer(router) == "2"
    assert len(bad.requests) == 3


async def test_who_never_says_a_first_word_goes_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "_LATE_SERVER", 0.1)
    monkeypatch.setattr(attempts, "WANTED", {"fill": 0.05})
    monkeypatch.setattr(rules, "WANTED", {"fill": 0.05})
    mute, good = Stalling(name="mute"), FakeModel("2", name="good")
    facts = {name: Facts(name, provider=name) for name in ("mute", "good")}
    router = Router([mute, good], [], time.monotonic, routing=Routing(facts=facts))
    for _ in range(5):
        assert await answer(router) == "2"
    assert len(mute.requests) == 3


async def test_who_is_cut_after_the_first_word_of_every_answer_is_left_alone() -> None:
    bad = FakeModel("1", "2", name="bad", failures=[Unreachable("Cut.")] * 9, fail_after=1)
    router = routed(bad, FakeModel("good", name="good"))
    assert [(await router.whole(HOLE)).text for _ in range(5)] == ["good"] * 5
    assert len(bad.requests) == 3


async def test_answers_that_were_left_because_they_were_enough_are_answers() -> None:
    model = FakeModel("1", "2", "3", failures=[Unreachable("Down.")] * 2)
    router = routed(model, FakeModel("other", name="other"))
    for _ in range(2):
        assert await answer(router) == "other"
    pieces = router.fill(HOLE)
    assert await anext(pieces) == "1"
    await pieces.aclose()
    model.failures.append(Unreachable("Down."))
    assert await answer(router) == "other"
    assert router.statuses()[0].health is Health.READY


async def test_identical_requests_at_the_same_time_are_one() -> None:
    model = FakeModel("1", "2", delay=0.01)
    router = routed(model)
    assert await asyncio.gather(*(answer(router) for _ in range(10))) == ["12"] * 10
    assert len(model.requests) == 1


async def test_answers_at_random_are_not_shared() -> None:
    model = FakeModel("1", delay=0.01)
    request = ChatRequest((Message("user", "?"),), temperature=0.7)
    await asyncio.gather(*(routed_text(routed(model), request) for _ in range(2)))
    assert len(model.requests) == 2


async def routed_text(router: Router, request: ChatRequest) -> str:
    return "".join([piece async for piece in router.chat(request)])
