"""Words in a text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from devflow.models.guard.letters import AnyOf, found_at, small

WORDS = st.lists(st.text("abc-", min_size=1, max_size=4), min_size=1, max_size=8)


@given(WORDS, st.text("abc-", max_size=30))
def test_all_words_of_a_text_are_found_and_no_others(words: list[str], text: str) -> None:
    assert set(AnyOf(words).within(text)) == {word for word in words if word in text}


@given(st.text())
def test_small_letters_stand_where_the_capitals_stood(text: str) -> None:
    assert len(small(text)) == len(text)


def test_places_do_not_overlap() -> None:
    assert list(found_at("aaaaa", "aa")) == [0, 2]
