from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from devflow.server.assist.frequency import Frequent, attribute_counts, frequent_members, read_frequent
from devflow.server.assist.memory import Memory

FREQUENT = Frequent.of({"append": 9, "read_text": 8, "joinpath": 7, "text_of": 1})


class Counting:
    """Answers like the index, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Sequence[str]] = []

    async def attribute_counts(self, names: Sequence[str]) -> dict[str, int]:
        self.asked.append(list(names))
        return {name: len(name) for name in names if name != "never"}

    async def frequent_members(self, limit: int) -> dict[str, int]:
        self.asked.append([])
        return {"append": 9, "pop": 1}


def test_members_that_share_a_word_with_the_line_come_first() -> None:
    assert list(FREQUENT.fitting("", {"text", "unknown"})) == ["read_text", "text_of", "append", "joinpath"]


def test_only_members_that_fit_what_is_typed_are_offered() -> None:
    assert list(FREQUENT.fitting("te", {"text"})) == ["read_text", "text_of"]
    assert list(FREQUENT.fitting("j", {"text"})) == ["joinpath"]


async def test_a_name_is_counted_once_in_a_while() -> None:
    index, memory = Counting(), Memory()
    first = await attribute_counts(cast(Any, index), ["a", "never"], memory)
    second = await attribute_counts(cast(Any, index), ["never", "bb"], memory)
    assert (first, second) == ({"a": 1, "never": 0}, {"never": 0, "bb": 2})
    assert index.asked == [["a", "never"], ["bb"]]


async def test_the_frequent_members_are_read_in_the_background_and_kept() -> None:
    index, memory = Counting(), Memory()
    reading = read_frequent(cast(Any, index), memory)
    assert reading is not None
    assert frequent_members(memory, reading).counts == {}
    await asyncio.wait([reading])
    assert frequent_members(memory, reading).counts == {"append": 9, "pop": 1}
    assert read_frequent(cast(Any, index), memory) is None
    assert len(index.asked) == 1
