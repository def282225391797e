from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from devflow.models.errors import Unreachable
from devflow.models.streams import answer_of
from devflow.server.assist.inline.generation import Generation
from devflow.server.assist.inline.stream import LONGEST
from support.patience import HANGS


class Stream:
    """Pieces that come when they are let go."""

    def __init__(self, *pieces: str, error: Exception | None = None, endless: bool = False) -> None:
        self.pieces = pieces
        self.error = error
        self.endless = endless
        self.begun = asyncio.Event()
        self.closed = False
        self.given = 0

    async def __call__(self) -> AsyncIterator[str]:
        try:
            for piece in self.pieces:
                self.given += 1
                yield piece
            self.begun.set()
            if self.error is not None:
                raise self.error
            if self.endless:
                await asyncio.Event().wait()
        finally:
            self.closed = True


def generation(stream: Stream, before: str = "x = ", seconds: float = 5.0, stop: str = "\n") -> Generation:
    return Generation(before, "\n", lambda: answer_of("writer", stream()), lambda text: stop in text, seconds)


async def test_it_reads_to_the_end() -> None:
    written = await generation(Stream("a ", "+ b")).wait()
    assert written is not None
    assert (written.text, written.late, written.error) == ("a + b", False, None)


async def test_it_tells_whose_text_it_is() -> None:
    written = await generation(Stream("a")).wait()
    assert written is not None
    assert written.model == "writer"


async def test_it_stops_where_enough_is_written() -> None:
    stream = Stream("a", "\n", "b", "c")
    written = await generation(stream).wait()
    assert written is not None
    assert written.text == "a\n"
    assert (stream.given, stream.closed) == (2, True)


async def test_of_millions_of_characters_in_one_piece_a_few_thousand_are_looked_at() -> None:
    looked_at: list[int] = []
    stream = Stream("a" * 5_000_000)

    def is_done(text: str) -> bool:
        looked_at.append(len(text))
        return len(text) >= LONGEST

    written = await Generation("x = ", "\n", lambda: answer_of("writer", stream()), is_done, HANGS).wait()
    assert written is not None
    assert (len(written.text), looked_at) == (LONGEST, [LONGEST])


@pytest.mark.usefixtures("hurried")
async def test_the_clock_cuts_it_off() -> None:
    stream = Stream("a", endless=True)
    written = await generation(stream, seconds=0.02).wait()
    assert written is not None
    assert (written.text, written.late, stream.closed) == ("a", True, True)


async def test_a_model_s_failure_is_told() -> None:
    error = Unreachable("It is not there.")
    written = await generation(Stream("a", error=error)).wait()
    assert written is not None
    assert written.error is error


async def test_the_last_who_waits_ends_it() -> None:
    stream = Stream("a", endless=True)
    one = generation(stream)
    waiting = asyncio.create_task(one.wait())
    await asyncio.wait_for(stream.begun.wait(), HANGS)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert stream.closed
    assert not one.is_running


async def test_while_another_waits_it_goes_on() -> None:
    stream = Stream("a", endless=True)
    one = generation(stream)
    first, second = asyncio.create_task(one.wait()), asyncio.create_task(one.wait())
    await asyncio.wait_for(stream.begun.wait(), HANGS)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert one.is_running
    await one.stop()
    assert await second is None


async def test_a_newer_request_ends_it_for_who_waits() -> None:
    stream = Stream("a", endless=True)
    one = generation(stream)
    waiting = asyncio.create_task(one.wait())
    await asyncio.wait_for(stream.begun.wait(), HANGS)
    await one.stop()
    assert await waiting is None
    assert stream.closed


@pytest.mark.parametrize(
    ("before", "after", "typed"),
    [
        ("x = ", "\n", ""),
        ("x = a", "\n", "a"),
        ("x = a + b", "\n", "a + b"),
        ("x = b", "\n", None),
        ("y = ", "\n", None),
        ("x = ", "\nother()\n", None),
    ],
)
async def test_who_typed_as_it_says_may_join(before: str, after: str, typed: str | None) -> None:
    stream = Stream("a +", endless=True)
    one = generation(stream)
    await asyncio.wait_for(stream.begun.wait(), HANGS)
    assert one.typed_since(before, after) == typed
    await one.stop()


async def test_when_it_has_ended_only_what_it_says_counts() -> None:
    one = generation(Stream("a +"))
    await one.wait()
    assert one.typed_since("x = a", "\n") == "a"
    assert one.typed_since("x = a + b", "\n") is None


async def test_one_that_was_stopped_is_not_joined() -> None:
    stream = Stream("a", endless=True)
    running = generation(stream)
    await stream.begun.wait()
    assert running.typed_since("x = ", "\n") == ""
    await running.stop()
    assert running.typed_since("x = ", "\n") is None


@pytest.mark.usefixtures("hurried")
async def test_one_that_is_stubborn_about_its_end_is_not_joined() -> None:
    release = asyncio.Event()
    begun = asyncio.Event()

    async def stubborn() -> AsyncIterator[str]:
        yield "a"
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await release.wait()

    running = Generation("x = ", "\n", lambda: answer_of("writer", stubborn()), lambda text: False, 5.0)
    await begun.wait()
    await running.stop()
    assert running.is_running
    assert running.typed_since("x = ", "\n") is None
    release.set()
    assert await running.wait() is None


async def test_one_that_failed_is_not_joined() -> None:
    running = generation(Stream("a", error=Unreachable("It is not there.")))
    await running.wait()
    assert running.typed_since("x = ", "\n") is None
