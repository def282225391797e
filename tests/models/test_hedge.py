"""A second request when the first is late."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from devflow.models.errors import Unreachable
from devflow.models.fake import FakeModel
from devflow.models.routing.hedge import Budget, Opened, hedged, opened
from support.patience import HANGS
from support.routing import HOLE


def asking(model: FakeModel) -> asyncio.Future[Opened]:
    return asyncio.ensure_future(opened(model.fill(HOLE)))


async def rest(found: Opened) -> str:
    pieces = [found.first or ""]
    async for piece in found.pieces:
        pieces.append(piece)
    return "".join(pieces)


async def test_nobody_else_is_asked_while_the_first_is_in_time() -> None:
    second = FakeModel("2")
    found = await hedged(lambda: asking(FakeModel("1", "1")), lambda: asking(second), lambda: 5.0)
    assert await rest(found) == "11"
    assert not second.requests


async def test_who_speaks_first_is_heard_and_the_other_is_closed() -> None:
    slow, quick = FakeModel("slow", delay=30), FakeModel("q", "uick")
    found = await hedged(lambda: asking(slow), lambda: asking(quick), lambda: 0.01)
    assert await rest(found) == "quick"
    assert slow.closed == slow.opened == 1


async def test_the_first_may_still_win_and_the_second_is_closed() -> None:
    first, second = FakeModel("1", delay=0.05), FakeModel("2", delay=30)
    found = await hedged(lambda: asking(first), lambda: asking(second), lambda: 0.01)
    assert await rest(found) == "1"
    assert second.closed == second.opened == 1


async def test_when_it_is_late_may_be_learned_while_it_is_waited_for() -> None:
    slow, quick = FakeModel("slow", delay=30), FakeModel("quick")
    known = iter([None, None])
    found = await hedged(lambda: asking(slow), lambda: asking(quick), lambda: next(known, 0.1))
    assert await rest(found) == "quick"


async def test_a_failing_second_does_not_spoil_the_first() -> None:
    first = FakeModel("1", delay=0.05)
    second = FakeModel(failures=[Unreachable("No.")])
    assert await rest(await hedged(lambda: asking(first), lambda: asking(second), lambda: 0.01)) == "1"


async def test_when_both_fail_the_first_one_s_reason_is_told() -> None:
    async def late() -> AsyncIterator[str]:
        await asyncio.sleep(0.05)
        raise Unreachable("First.")
        yield ""

    second = FakeModel(failures=[Unreachable("Second.")])
    with pytest.raises(Unreachable, match=r"First\."):
        await hedged(lambda: opened(late()), lambda: asking(second), lambda: 0.01)


async def test_nobody_to_ask_is_no_failure() -> None:
    first = FakeModel("1", delay=0.05)
    assert await rest(await hedged(lambda: asking(first), lambda: None, lambda: 0.01)) == "1"


async def test_cancelling_closes_both() -> None:
    first, second = FakeModel("1", delay=30), FakeModel("2", delay=30)
    racing = asyncio.create_task(hedged(lambda: asking(first), lambda: asking(second), lambda: 0.01))
    await asyncio.wait_for(second.begun.wait(), HANGS)
    racing.cancel()
    await asyncio.gather(racing, return_exceptions=True)
    assert (first.closed, second.closed) == (1, 1)


def test_a_tenth_more_is_the_most_and_never_a_flood() -> None:
    budget = Budget()
    spent = 0
    for _ in range(1_000):
        budget.earn()
        spent += budget.spend()
    assert 95 <= spent <= 102
    idle = Budget()
    for _ in range(10_000):
        idle.earn()
    assert sum(idle.spend() for _ in range(100)) == 10
