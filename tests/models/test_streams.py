"""Cutting streamed text, however the pieces are split."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devflow.models.streams import StopCut, cut, spoken, unfenced


async def stream(pieces: Sequence[str]) -> AsyncIterator[str]:
    for piece in pieces:
        yield piece


def split(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


@given(
    st.text("ab\n", max_size=30),
    st.lists(st.text("ab\n", min_size=1, max_size=3), max_size=3),
    st.integers(1, 5),
)
def test_a_cut_is_where_the_first_stop_string_begins(text: str, stops: list[str], size: int) -> None:
    cutter = StopCut(stops)
    said = ""
    for piece in split(text, size):
        said += cutter.feed(piece)
        if cutter.stopped:
            break
    said += cutter.rest()
    first = min((at for stop in stops if (at := text.find(stop)) >= 0), default=len(text))
    # A later stop string that is complete earlier ends the stream before a longer one could.
    assert text.startswith(said)
    assert len(said) >= first if not cutter.stopped else not any(stop in said for stop in stops)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\n<think>Hm </th\nink?</think>\n\nIt adds.", "It adds."),
        ("<think></think>It <think> adds.", "It <think> adds."),
        (" <thin air>", " <thin air>"),
        ("<thin", "<thin"),
        ("", ""),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
async def test_thoughts_before_an_answer_are_none_of_it(text: str, said: str, size: int) -> None:
    pieces = spoken(stream(split(text, size)), ValueError)
    assert "".join([piece async for piece in pieces]) == said


async def test_thoughts_that_do_not_end_are_no_answer() -> None:
    with pytest.raises(ValueError, match=r"^$"):
        [piece async for piece in spoken(stream(["<think>", "It", "</think"]), ValueError)]


async def test_the_source_is_closed_at_the_stop_string() -> None:
    closed: list[bool] = []

    async def source() -> AsyncIterator[str]:
        try:
            for piece in ("ab", "c", "STOP", "never"):
                yield piece
        finally:
            closed.append(True)

    assert [piece async for piece in cut(source(), ["ST"])] == ["ab", "c"]
    assert closed == [True]


@pytest.mark.parametrize("size", [1, 2, 3, 100])
@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("return x\n", "return x\n"),
        ("```python\nreturn x\n```", "return x"),
        ("```\nreturn x\n```\nThis returns x.", "return x"),
        ("\n```py\nx = 1\ny = 2\n```\n", "x = 1\ny = 2"),
        ("    indented\n", "    indented\n"),
        ("a ``` b", "a ``` b"),
        ("```py\n```", ""),
        ("```", ""),
        ("", ""),
        ("``", "``"),
        ("```py\nunfinished", "unfinished"),
    ],
)
async def test_fences_round_an_answer_are_taken_off(said: str, meant: str, size: int) -> None:
    assert "".join([piece async for piece in unfenced(stream(split(said, size)))]) == meant
