"""Deadlines: what is late is left out, and tests that are not about them have none."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

import pytest

from devflow.server import assist
from devflow.server.assist import waiting
from devflow.server.assist.waiting import allowed, due, until, within

BARE = re.compile(
    r"timeout=[\w.]*seconds\b|asyncio\.timeout\([\w.]*seconds\b|monotonic\(\) \+ [\w.]*seconds\b",
    re.IGNORECASE,
)
"""A wait for a constant that does not ask how long it may last."""


async def never() -> None:
    await asyncio.Event().wait()


async def late() -> str:
    await asyncio.sleep(0.05)
    return "here"


@pytest.mark.usefixtures("hurried")
async def test_what_does_not_come_in_time_is_left_out() -> None:
    assert await within(never(), 0.01) is None


async def test_one_factor_lengthens_every_wait() -> None:
    assert allowed(2.0) == 2.0 * waiting.PATIENCE
    assert due(10.0) > time.monotonic() + 1_000
    assert await within(late(), 0.001) == "here"


async def test_who_waits_until_a_moment_lets_it_go_on() -> None:
    task = asyncio.ensure_future(late())
    await until(time.monotonic(), task)
    assert not task.done()
    assert await task == "here"


def test_no_request_waits_without_asking_how_long_it_may() -> None:
    folder = Path(assist.__file__).parent
    bare = [
        f"{path.name}: {found[0]}"
        for path in sorted((*folder.rglob("*.py"), *folder.parent.glob("handlers/*.py")))
        for found in BARE.finditer(path.read_text("utf-8"))
    ]
    assert bare == []
