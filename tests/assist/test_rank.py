from __future__ import annotations

import pytest

from devflow.server.assist.rank import Evidence, match_quality, ranked


@pytest.mark.parametrize(
    ("typed", "name", "quality"),
    [
        ("", "anything", 3),
        ("get", "get_name", 3),
        ("Get", "get_name", 2),
        ("gn", "get_name", 1),
        ("gN", "getName", 1),
        ("name", "get_name", 1),
        ("getna", "get_full_name", 1),
        ("g_n", "get_name", 1),
        ("ng", "get_name", 0),
        ("xyz", "get_name", 0),
        ("get_names", "get_name", 0),
    ],
)
def test_what_is_typed_fits_prefixes_and_sub_words(typed: str, name: str, quality: int) -> None:
    assert match_quality(typed, name) == quality


def order(typed: str, *evidence: Evidence) -> list[str]:
    return [each.name for each, _ in ranked(evidence, typed)]


def test_a_member_seen_on_the_receiver_comes_before_one_that_only_exists() -> None:
    assert order(
        "", Evidence("abort", typed=True), Evidence("save", typed=True, receiver_here=2, here=2)
    ) == [
        "save",
        "abort",
    ]


def test_the_engine_s_word_counts_more_than_a_stranger_s_use() -> None:
    assert order("", Evidence("close", here=1), Evidence("open", typed=True, here=1))[0] == "open"


def test_an_exact_prefix_comes_before_a_better_known_sub_word() -> None:
    assert order("na", Evidence("get_name", here=9), Evidence("native"))[0] == "native"


def test_private_names_come_late_and_dunders_last() -> None:
    assert order("", Evidence("__eq__"), Evidence("_own"), Evidence("zebra")) == ["zebra", "_own", "__eq__"]


def test_a_typed_underscore_asks_for_private_names() -> None:
    assert order("_", Evidence("_own"), Evidence("get_own"))[0] == "_own"


def test_what_does_not_fit_is_left_out() -> None:
    assert order("x", Evidence("abc")) == []


def test_chances_sum_to_one() -> None:
    found = ranked([Evidence("a"), Evidence("b", here=3), Evidence("c", typed=True)], "")
    assert sum(chance for _, chance in found) == pytest.approx(1)


def test_equals_are_in_alphabetical_order() -> None:
    assert order("", Evidence("b"), Evidence("a"), Evidence("c")) == ["a", "b", "c"]
