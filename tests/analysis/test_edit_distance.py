"""The distance of Levenshtein, whole and in a band."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devflow.analysis.edit_distance import edit_distance

WORDS = st.text("abc", max_size=12)


@pytest.mark.parametrize(
    ("one", "other", "distance"), [("", "", 0), ("abc", "abc", 0), ("abc", "", 3), ("kitten", "sitting", 3)]
)
def test_it_counts_code_points(one: str, other: str, distance: int) -> None:
    assert edit_distance(one, other) == edit_distance(other, one) == distance


@given(WORDS, WORDS, st.integers(0, 12))
def test_what_is_within_the_limit_is_told_as_it_is(one: str, other: str, most: int) -> None:
    assert edit_distance(one, other, most) == min(edit_distance(one, other), most + 1)
