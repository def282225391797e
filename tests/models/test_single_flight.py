"""One request for all who ask the same at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from devflow.models.errors import Unreachable
from devflow.models.routing.single_flight import SingleFlight


class Source:
    """Streams that wait to be let go on."""

    def __init__(self, *pieces: str, problem: Exception | None = None) -> None:
        self.pieces = pieces
        self.problem = problem
        self.begun = self.ended = 0
        self.go = asyncio.Event()

    async def stream(self) -> AsyncGenerator[str]:
        self.begun += 1
        try:
            for piece in self.pieces:
                yield piece
                await self.go.wait()
            if self.problem:
                raise self.problem
        finally:
            self.ended += 1


async def heard(flights: SingleFlight[str], source: Source, key: str = "k") -> list[str]:
    return [piece async for piece in flights.join(key, source.stream)]


async def test_all_hear_the_one_answer_from_its_beginning() -> None:
    flights: SingleFlight[str] = SingleFlight()
    source = Source("a", "b", "c")
    first = asyncio.create_task(heard(flights, source))
    await asyncio.sleep(0.01)
    second = asyncio.create_task(heard(flights, source))
    source.go.set()
    assert await asyncio.gather(first, second) == [["a", "b", "c"]] * 2
    assert source.begun == 1
    assert len(flights) == 0
    assert await heard(flights, source) == ["a", "b", "c"]
    assert source.begun == 2, "an answer that has ended is not kept"


async def test_the_request_ends_when_the_last_listener_goes_and_not_before() -> None:
    flights: SingleFlight[str] = SingleFlight()
    source = Source("a", "b")
    first, second = (asyncio.create_task(heard(flights, source)) for _ in range(2))
    await asyncio.sleep(0.01)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert source.ended == 0
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    assert source.ended == 1
    assert len(flights) == 0


async def test_a_failure_is_told_to_all() -> None:
    flights: SingleFlight[str] = SingleFlight()
    source = Source("a", problem=Unreachable("No."))
    source.go.set()
    told = await asyncio.gather(*(heard(flights, source) for _ in range(3)), return_exceptions=True)
    assert [str(each) for each in told] == ["No."] * 3
    assert source.begun == 1


async def test_other_requests_are_other_streams() -> None:
    flights: SingleFlight[str] = SingleFlight()
    source = Source("a")
    source.go.set()
    await asyncio.gather(heard(flights, source, "x"), heard(flights, source, "y"))
    assert source.begun == 2


async def test_a_listener_that_stops_listening_closes_the_stream() -> None:
    flights: SingleFlight[str] = SingleFlight()
    source = Source("a", "b")
    pieces = flights.join("k", source.stream)
    assert await anext(pieces) == "a"
    await pieces.aclose()
    assert source.ended == 1
    with pytest.raises(StopAsyncIteration):
        await anext(pieces)
