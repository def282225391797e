from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from devflow.server.behind import Behind
from devflow.server.open_documents import OpenDocuments
from devflow.server.services import Services
from devflow.server.settings import Settings
from support.patience import HANGS
from support.services import RememberingIndex


class Slow(RememberingIndex):
    """Its worker never comes up."""

    async def start(self) -> None:
        await asyncio.Event().wait()


class Quiet:
    """A `Host` nobody listens to."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


HOST: Any = Quiet()


def behind(index: RememberingIndex) -> Behind:
    def run(work: Any, name: str) -> asyncio.Task[Any]:
        return asyncio.create_task(work, name=name)

    return Behind(Services(index=lambda host, watch: index), OpenDocuments(), HOST, run)


async def test_what_was_indexed_before_can_be_searched_while_the_worker_starts() -> None:
    index = Slow(HOST, watch=False)
    session = behind(index)
    session.begin()
    starting = asyncio.create_task(session.start([Path("/w")], Settings(), watch=False))
    await asyncio.wait_for(session.searchable(60), HANGS)
    assert index.read_roots == (Path("/w"),)
    assert not starting.done()
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)


async def test_a_start_that_failed_keeps_no_search_waiting() -> None:
    session = behind(Slow(HOST, watch=False))
    session.begin()
    session.begun()
    await asyncio.wait_for(session.searchable(60), HANGS)
