"""Whose turn it is."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine

from devflow.models.routing.slots import Slots, Turns
from support.patience import HANGS


class Crowd:
    """Holders of places, by name."""

    def __init__(self, slots: Slots) -> None:
        self.slots = slots
        self.inside: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.leave: dict[str, asyncio.Event] = {}

    async def enter(self, name: str) -> None:
        self.leave[name] = asyncio.Event()

        async def hold() -> None:
            async with self.slots.place(fill=name.startswith("fill")):
                self.inside.append(name)
                await self.leave[name].wait()
            self.inside.remove(name)

        self.tasks[name] = asyncio.create_task(hold())
        await settled()

    async def go(self, name: str) -> None:
        self.leave[name].set()
        await settled()

    async def close(self) -> None:
        for task in self.tasks.values():
            task.cancel()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_conversations_never_take_the_last_place() -> None:
    crowd = Crowd(Slots(3))
    for name in ("chat 1", "chat 2", "chat 3"):
        await crowd.enter(name)
    assert crowd.inside == ["chat 1", "chat 2"]
    await crowd.enter("fill 1")
    assert crowd.inside[-1] == "fill 1"
    await crowd.close()


async def test_a_fill_that_waits_goes_before_conversations_that_waited_longer() -> None:
    crowd = Crowd(Slots(2))
    for name in ("fill 1", "chat 1", "chat 2", "fill 2"):
        await crowd.enter(name)
    assert crowd.inside == ["fill 1", "chat 1"]
    await crowd.go("chat 1")
    assert crowd.inside == ["fill 1", "fill 2"]
    await crowd.go("fill 1")
    assert crowd.inside == ["fill 2", "chat 2"]
    await crowd.close()


async def test_who_is_cancelled_while_waiting_leaves_no_place_taken() -> None:
    crowd = Crowd(Slots(1))
    for name in ("chat 1", "fill 1", "chat 2"):
        await crowd.enter(name)
    crowd.tasks["fill 1"].cancel()
    await crowd.go("chat 1")
    assert crowd.inside == ["chat 2"]
    await crowd.close()


async def test_a_place_given_in_the_moment_of_the_cancel_goes_to_the_next() -> None:
    slots = Slots(1)
    crowd = Crowd(slots)
    for name in ("fill 1", "fill 2", "fill 3"):
        await crowd.enter(name)
    crowd.leave["fill 1"].set()
    await asyncio.sleep(0)  # the place is handed on, and its taker has not run yet
    crowd.tasks["fill 2"].cancel()
    await settled()
    assert crowd.inside == ["fill 3"]
    await crowd.close()


async def test_who_has_the_turn_for_a_conversation_sees_that_a_fill_waits() -> None:
    turns = Turns()
    order: list[str] = []

    async def chat() -> None:
        for part in ("chat a", "chat b"):
            async with turns.take(fill=False):
                order.append(part)
                while part == "chat a" and not turns.wanted:  # noqa: ASYNC110  # what the engine's thread does
                    await asyncio.sleep(0)

    async def fill() -> None:
        async with turns.take(fill=True):
            order.append("fill")

    talking = asyncio.create_task(chat())
    await settled()
    await fill()
    with contextlib.suppress(asyncio.CancelledError):
        await talking
    assert order == ["chat a", "fill", "chat b"]


def endless(ended: asyncio.Event) -> Callable[[], Coroutine[None, None, None]]:
    """Work that only a cancel ends, which `ended` tells."""

    async def read() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    return read


async def test_what_nobody_waits_for_is_ended_by_the_first_who_asks_for_a_place() -> None:
    slots, ended = Slots(1), asyncio.Event()
    read = endless(ended)
    for fill in (True, False):
        ended.clear()
        reading = asyncio.create_task(slots.spare(read))
        await settled()
        async with slots.place(fill=fill):
            await settled()
            assert ended.is_set()
        assert await reading is False


async def test_what_nobody_waits_for_is_not_begun_beside_anything() -> None:
    slots, begun = Slots(3), 0

    async def read() -> None:
        nonlocal begun
        begun += 1
        assert not await slots.spare(read), "nor beside its like"

    async with slots.place(fill=False):
        assert not await slots.spare(read)
    assert begun == 0
    assert await slots.spare(read)
    assert begun == 1


async def test_who_has_work_done_that_nobody_waits_for_can_end_it() -> None:
    slots, ended = Slots(1), asyncio.Event()
    read = endless(ended)
    reading = asyncio.create_task(slots.spare(read))
    await settled()
    reading.cancel()
    await asyncio.wait_for(ended.wait(), HANGS)
    assert await slots.spare(settled)
