"""How much of a prompt is read before somebody may say stop."""

from __future__ import annotations

import pytest

from devflow.models.engines.token_loop import Pace


def settled(tokens_per_second: float) -> Pace:
    """The pace after some batches of a model of this speed."""
    pace = Pace()
    for _ in range(20):
        pace.took(pace.size, pace.size / tokens_per_second)
    return pace


@pytest.mark.parametrize(
    ("tokens_per_second", "size"),
    [
        (100_000, Pace.MOST),
        (4_000, 60),
        (1_200, 18),
        (400, 8),  # 20 ms: fewer would be slower by a fifth
        (150, 6),
        (20, Pace.LEAST),
    ],
)
def test_a_batch_is_short_but_not_so_small_that_reading_becomes_slow(
    tokens_per_second: float, size: int
) -> None:
    assert settled(tokens_per_second).size == size


def test_one_batch_that_was_held_up_does_not_make_the_next_ones_small_for_long() -> None:
    pace = settled(4_000)
    pace.took(pace.size, 1.0)
    assert pace.size == Pace.LEAST
    for _ in range(4):
        pace.took(pace.size, pace.size / 4_000)
    assert pace.size == 60


def test_the_end_of_a_prompt_says_nothing_about_the_pace() -> None:
    pace = settled(4_000)
    pace.took(1, 0.02)
    assert pace.size == 60


def test_who_sets_the_batch_gets_it() -> None:
    pace = Pace(100)
    pace.took(100, 5.0)
    assert pace.size == 100
