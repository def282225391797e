"""Waiting for somebody else while this process may be busy itself."""

from __future__ import annotations

import asyncio
import time

import pytest

from devflow.models.base import ChatRequest, Message
from devflow.models.fake import FakeModel
from devflow.models.router import Router, Routing
from devflow.models.routing import attempts
from devflow.models.routing.patience import patient
from devflow.models.routing.rules import Facts
from support.patience import HANGS


async def test_what_never_comes_is_given_up() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(HANGS), patient(0.05):
            await asyncio.Event().wait()


async def test_without_a_limit_nothing_is_given_up() -> None:
    async with patient(None):
        await asyncio.sleep(0)


async def test_what_came_while_the_loop_was_busy_has_come() -> None:
    loop = asyncio.get_running_loop()
    come = asyncio.Event()
    loop.call_later(0.01, time.sleep, 0.5)
    loop.call_later(0.02, come.set)
    async with patient(0.2):
        await come.wait()


async def test_cancelling_from_outside_is_no_timeout() -> None:
    async def wait() -> None:
        async with patient(HANGS):
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_server_is_not_blamed_for_a_stall_of_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "_LONGEST_GAP", 0.2)
    model = FakeModel("1", "2", name="one", delay=0.02)
    router = Router([], [model], routing=Routing({"one": Facts("one", provider="one")}, hedge=False))
    answer = router.chat(ChatRequest((Message("user", "?"),)))
    assert await anext(answer) == "1"
    asyncio.get_running_loop().call_later(0.01, time.sleep, 0.5)
    assert [piece async for piece in answer] == ["2"]
    assert len(model.requests) == 1
