"""Experiments: who gets which model, and what may be said of the difference."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from devflow.models.routing.experiments import Assigned, Experiment, Seen, assigned, faults, result
from devflow.models.routing.significance import clustered, holm, mann_whitney, median, permuted, wilson

TRY = Experiment("new model", ("old", "new"))


def test_a_file_stays_with_its_model_and_files_are_divided_evenly() -> None:
    files = [f"src/module_{number}.py" for number in range(2_000)]
    given = [assigned([TRY], "fill", "python", path).model for path in files]
    assert given == [assigned([TRY], "fill", "python", path).model for path in files]
    assert 900 < given.count("new") < 1_100
    other = [
        assigned([Experiment("another", ("old", "new"))], "fill", "python", path).model for path in files
    ]
    assert 900 < sum(a == b for a, b in zip(given, other, strict=True)) < 1_100, "experiments are independent"


def test_only_a_share_of_the_files_takes_part_and_only_in_what_it_is_about() -> None:
    some = Experiment("some", ("old", "new"), languages=("go",), share=0.2)
    given = [assigned([some], "fill", "go", f"{number}.go").model for number in range(2_000)]
    assert 300 < sum(map(bool, given)) < 500
    assert 120 < given.count("new") < 280
    assert not any(assigned([some], "fill", "python", f"{number}.py").model for number in range(50))
    assert not any(assigned([some], "chat", "go", f"{number}.go").model for number in range(50))
    assert assigned([TRY], "fill", "python", "") == Assigned()


@pytest.mark.parametrize(
    ("one", "other", "p_value"),
    [  # where each unit is one trial, as scipy.stats.fisher_exact: all tables of the same margins
        ((3, 4), (1, 4), 0.48571428571428565),
        ((8, 10), (1, 6), 0.03496503496503495),
        ((10, 100), (30, 100), 0.000650410707603421),
        ((0, 5), (5, 5), 0.007936507936507936),
        ((0, 3), (0, 4), 1.0),
    ],
)
def test_a_permutation_of_single_trials_has_the_known_values(
    one: tuple[int, int], other: tuple[int, int], p_value: float
) -> None:
    found = permuted(single(*one), single(*other))
    assert found == pytest.approx(p_value, abs=0.012, rel=0.05)
    assert found == permuted(single(*one), single(*other)), "the same data say the same"


def single(successes: int, trials: int) -> list[tuple[int, int]]:
    """Units of one trial each."""
    return [(1, 1)] * successes + [(0, 1)] * (trials - successes)


def alike(chance: random.Random, count: int) -> list[tuple[int, int]]:
    """Units, some large, whose trials have much in common: a share of its own for each."""
    units = []
    for _ in range(count):
        share, trials = chance.betavariate(0.6, 1.4), chance.randint(1, 40)
        units.append((sum(chance.random() < share for _ in range(trials)), trials))
    return units


def test_equal_models_are_called_different_in_no_more_than_one_of_twenty_also_where_units_differ() -> None:
    chance = random.Random(3)
    found = [permuted(alike(chance, 20), alike(chance, 20), draws=399) for _ in range(300)]
    assert sum(each < 0.05 for each in found) <= 22  # 15 are expected


def test_an_interval_covers_the_share_as_often_as_it_says_also_where_units_differ() -> None:
    chance = random.Random(5)
    found = [clustered(alike(chance, 40)) for _ in range(300)]
    assert sum(low <= 0.3 <= high for low, high in found) >= 275
    assert clustered([(3, 10)]) == (0.0, 1.0), "one unit says nothing of others"
    assert clustered([]) == (0.0, 1.0)


def test_wilson_s_interval_has_the_known_values() -> None:
    low, high = wilson(10, 100)
    assert (round(low, 4), round(high, 4)) == (0.0552, 0.1744)
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(0, 10)[0] == 0.0


def test_holm_s_correction_keeps_the_order() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []


def test_the_test_of_mann_and_whitney_has_the_known_values() -> None:
    # as scipy.stats.mannwhitneyu(method="asymptotic") gives them
    one, other = [1, 2, 3, 4, 5, 6, 7, 8], [3, 5, 6, 9, 10, 11, 12, 14]
    assert mann_whitney(one, other) == pytest.approx(0.03528532025049282, rel=1e-9)
    ties = mann_whitney([1.2, 3.4, 0.5, 2.2, 9.1], [1.2, 1.2, 8.8, 7.0, 6.1, 3.3])
    assert ties == pytest.approx(0.6450552352076457, rel=1e-9)
    assert mann_whitney([1, 1, 1], [1, 1, 1]) == 1.0
    assert mann_whitney([], [1.0]) == 1.0


def test_a_median_has_an_interval_that_covers_it_as_often_as_it_says() -> None:
    chance = random.Random(5)
    found = [median([chance.expovariate(math.log(2)) for _ in range(60)]) for _ in range(400)]
    assert sum(low <= 1.0 <= high for _, low, high in found) >= 370
    assert median([]) == (0.0, 0.0, math.inf)
    assert median([2.0, 1.0]) == (1.5, 0.0, math.inf), "two say nothing of how sure it is"
    assert median([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]) == (3.5, 1.0, 6.0)


def suggestions(
    old: tuple[int, int], new: tuple[int, int] | None
) -> Mapping[tuple[str, str], Sequence[Seen]]:
    """Each in a file of its own."""
    given = {"old": old} | ({"new": new} if new else {})
    return {
        ("fill", model): [Seen(1, yes) for yes, _ in single(accepted, shown)]
        for model, (shown, accepted) in given.items()
    }


def test_a_real_difference_is_told_and_chance_is_not() -> None:
    [clear] = result(TRY, suggestions((400, 80), (400, 130))).tasks
    assert clear.verdict == "new is accepted more often than old."
    p_value = clear.arms[1].measures[0].p_value
    assert p_value is not None
    assert p_value < 0.001
    [unclear] = result(TRY, suggestions((40, 8), (40, 10))).tasks
    assert unclear.verdict == "No difference can be told from chance so far."
    [worse] = result(TRY, suggestions((400, 130), (400, 80))).tasks
    assert worse.verdict == "old is accepted more often than new."
    [silent] = result(TRY, suggestions((400, 130), None)).tasks
    assert silent.verdict == "Nothing was shown yet by new."


def test_many_suggestions_in_few_files_say_little() -> None:
    files = {
        ("fill", "old"): [Seen(100, 5), Seen(100, 35), Seen(200, 40)],
        ("fill", "new"): [Seen(300, 120), Seen(100, 10)],
    }
    [told] = result(TRY, files).tasks
    assert told.verdict == "No difference can be told from chance so far."
    [first, second] = [arm.measures[0] for arm in told.arms]
    assert (first.of, first.units, second.of, second.units) == (400, 3, 400, 2)
    assert first.high - first.low > 0.2


def test_suggestions_that_are_accepted_as_often_may_be_kept_less_often() -> None:
    seen = {
        ("fill", "old"): [Seen(4, 2, looked_at=1, kept=1)] * 80 + [Seen(4, 2, looked_at=1)] * 20,
        ("fill", "new"): [Seen(4, 2, looked_at=1, kept=1)] * 40 + [Seen(4, 2, looked_at=1)] * 60,
    }
    [told] = result(TRY, seen).tasks
    assert told.verdict == "old is kept as it is more often than new."


def test_conversations_are_compared_by_what_their_calls_took_and_cost_and_by_failures() -> None:
    talk = replace(TRY, tasks=("chat", "explain"))
    answered = [Seen(seconds=(1 + number / 100,), costs=(0.02,)) for number in range(60)]
    slower = [Seen(seconds=(2 * each.seconds[0],), costs=each.costs) for each in answered]
    seen = {
        ("chat", "old"): slower + [Seen(failed=1)] * 20,
        ("chat", "new"): [*answered, Seen(failed=1)],
    }
    chat, explain = result(talk, seen).tasks
    assert chat.verdict == "new answers more often than old; new is quicker than old."
    assert [measure.name for measure in chat.arms[0].measures] == ["answered", "seconds", "cost"]
    assert explain.verdict == "No call was made yet of old, new."


def test_a_question_that_is_asked_again_and_again_counts_once() -> None:
    talk = replace(TRY, tasks=("chat",))
    again = {
        ("chat", "old"): [Seen(seconds=(2.0,) * 200, costs=(0.0,) * 200)],
        ("chat", "new"): [Seen(seconds=(1.0,) * 200, costs=(0.0,) * 200)],
    }
    [told] = result(talk, again).tasks
    assert told.verdict == "No difference can be told from chance so far."


def test_a_task_that_nothing_is_written_down_of_is_named() -> None:
    models = {"old": ("fill", "chat"), "new": ("fill", "chat")}
    both = replace(TRY, tasks=("fill", "chat"))
    assert faults(both, models) == []
    [fill] = faults(both, models, feedback=False)
    assert "judge fill by: feedback.record is off" in fill
    [chat] = faults(both, models, ledger=False)
    assert "judge chat by: models.ledger is off" in chat
