"""Experiments: who gets which model, and what may be said of the difference."""

from __future__ import annotations

import random

import pytest

from devflow.models.routing.bandit import Tally
from devflow.models.routing.experiments import (
    Experiment,
    assigned,
    fisher,
    holm,
    result,
    wilson,
)

TRY = Experiment("new model", ("old", "new"))


def test_a_file_stays_with_its_model_and_files_are_divided_evenly() -> None:
    files = [f"src/module_{number}.py" for number in range(2_000)]
    given = [assigned([TRY], "fill", "python", path) for path in files]
    assert given == [assigned([TRY], "fill", "python", path) for path in files]
    assert 900 < given.count("new") < 1_100
    other = [assigned([Experiment("another", ("old", "new"))], "fill", "python", path) for path in files]
    assert 900 < sum(a == b for a, b in zip(given, other, strict=True)) < 1_100, "experiments are independent"


def test_only_a_share_of_the_files_takes_part_and_only_in_what_it_is_about() -> None:
    some = Experiment("some", ("old", "new"), languages=("go",), share=0.2)
    given = [assigned([some], "fill", "go", f"{number}.go") for number in range(2_000)]
    assert 300 < sum(map(bool, given)) < 500
    assert 120 < given.count("new") < 280
    assert not any(assigned([some], "fill", "python", f"{number}.py") for number in range(50))
    assert not any(assigned([some], "chat", "go", f"{number}.go") for number in range(50))
    assert assigned([TRY], "fill", "python", "") == ""


@pytest.mark.parametrize(
    ("table", "p_value"),
    [  # the first from Fisher's tea tasting, the others as scipy.stats.fisher_exact gives them
        ((3, 1, 1, 3), 0.48571428571428565),
        ((8, 2, 1, 5), 0.03496503496503495),
        ((10, 90, 30, 70), 0.000650410707603421),
        ((0, 5, 5, 0), 0.007936507936507936),
        ((0, 0, 3, 4), 1.0),
    ],
)
def test_fisher_s_exact_test_has_the_known_values(table: tuple[int, int, int, int], p_value: float) -> None:
    assert fisher(*table) == pytest.approx(p_value, rel=1e-9)


def test_wilson_s_interval_has_the_known_values() -> None:
    low, high = wilson(10, 100)
    assert (round(low, 4), round(high, 4)) == (0.0552, 0.1744)
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(0, 10)[0] == 0.0


def test_holm_s_correction_keeps_the_order() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []


def test_a_real_difference_is_told_and_chance_is_not() -> None:
    clear = result(TRY, {("old", "python"): Tally(400, 80), ("new", "python"): Tally(400, 130)})
    assert clear.verdict == "new is accepted more often than old."
    assert clear.arms[1].p_value is not None
    assert clear.arms[1].p_value < 0.001
    unclear = result(TRY, {("old", "python"): Tally(40, 8), ("new", "python"): Tally(40, 10)})
    assert unclear.verdict == "No difference can be told from chance so far."
    worse = result(TRY, {("old", "python"): Tally(400, 130), ("new", "python"): Tally(400, 80)})
    assert worse.verdict == "old is accepted more often than new."
    silent = result(TRY, {("old", "python"): Tally(400, 130)})
    assert silent.verdict == "Nothing was shown yet by new."


def test_equal_models_are_called_different_in_no_more_than_one_of_twenty() -> None:
    chance = random.Random(3)

    def shown() -> Tally:
        return Tally(200, sum(chance.random() < 0.3 for _ in range(200)))

    found = [result(TRY, {("old", "p"): shown(), ("new", "p"): shown()}) for _ in range(200)]
    assert sum("more often" in each.verdict for each in found) <= 12
