"""What is learned from acceptance."""

from __future__ import annotations

import random

import pytest

from devflow.models.routing.bandit import ENOUGH, Tally, draws, posterior


def test_a_model_that_was_hardly_shown_takes_no_part() -> None:
    tallies = {("a", "python"): Tally(ENOUGH - 1, 5), ("b", "python"): Tally(ENOUGH, 5)}
    assert list(draws(tallies, ["a", "b", "c"], "python")) == ["b"]


def test_a_language_begins_at_the_model_s_rate_over_all_and_moves_to_its_own() -> None:
    tallies = {("a", "python"): Tally(1_000, 500)}
    unknown = posterior(tallies, "a", "rust")
    assert unknown is not None
    assert unknown[0] / sum(unknown) == pytest.approx(0.5, abs=0.01)
    seen = posterior({**tallies, ("a", "rust"): Tally(200, 10)}, "a", "rust")
    assert seen is not None
    assert seen[0] / sum(seen) == pytest.approx(0.05, abs=0.03)


def test_the_better_model_is_drawn_first_nearly_always_once_that_is_clear() -> None:
    tallies = {("a", "go"): Tally(400, 80), ("b", "go"): Tally(400, 140)}
    chance = random.Random(1)
    drawn = [draws(tallies, ["a", "b"], "go", chance.betavariate) for _ in range(500)]
    assert sum(each["b"] > each["a"] for each in drawn) > 490


def test_damaged_counts_do_no_harm() -> None:
    found = posterior({("a", "go"): Tally(30, 50)}, "a", "go")
    assert found is not None
    assert min(found) > 0
