from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devflow.analysis.usage.narrow import LIMIT, Narrow
from devflow.analysis.usage.segment import sorted_suffixes

BORDERS = (0, 1, 191, 192, 193, 14_527, 14_528, 14_529, 473_279, 473_280, 473_281, 20_000_000)
"""Numbers on both sides of those from which on a token takes one more byte."""


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(BORDERS) | st.integers(0, 600_000), max_size=60))
def test_suffixes_come_in_the_order_of_their_tokens(numbers: list[int]) -> None:
    found = sorted_suffixes(np.array(numbers, np.int32))
    assert found.dtype == np.int32
    assert found.tolist() == sorted(range(len(numbers)), key=lambda at: numbers[at:])


@pytest.mark.parametrize("size", [15, 16, 17, 300_000])
def test_suffixes_of_any_number_of_tokens_are_all_there(size: int) -> None:
    tokens = np.random.default_rng(4).integers(0, 20_000, size).astype(np.int32)
    found = sorted_suffixes(tokens)
    assert np.array_equal(np.sort(found), np.arange(size))
    heads = tokens[found]
    assert bool(np.all(heads[:-1] <= heads[1:]))


def test_sorting_takes_fifteen_bytes_a_token_and_not_more() -> None:
    # Words as they are in code: the n-th is said about 1/n times as often as the first.
    tokens = np.random.default_rng(4).zipf(1.2, 1_000_000).clip(0, 300_000).astype(np.int32)
    tracemalloc.start()
    try:
        sorted_suffixes(tokens)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 15 * len(tokens) + 20_000_000  # and what is looked at together


@given(st.lists(st.integers(0, LIMIT - 1), max_size=60), st.data())
def test_numbers_in_three_bytes_say_what_they_said_in_four(numbers: list[int], data: st.DataObject) -> None:
    narrow = Narrow.of(np.array(numbers, np.int32))
    assert narrow[:].tolist() == numbers == [narrow.one()(at) for at in range(len(narrow))]
    assert narrow.largest() == max(numbers, default=-1)
    if numbers:
        places = np.array(data.draw(st.lists(st.integers(0, len(numbers) - 1))), np.int64)
        assert narrow[places].tolist() == [numbers[at] for at in places.tolist()]
