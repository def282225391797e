"""The arithmetic of the comparison of type engines, and the places it asks at."""

from __future__ import annotations

from pathlib import Path

import engines
from engines import Record, Run, summed, table


def record(rank: int, ms: float, *, cold: bool = False, offered: int = 5, defined: bool = True) -> Record:
    return Record("ty", offered, rank, ms, cold, defined, ms / 2)


RUNS = (
    Run(
        "ty",
        "one",
        80.0,
        100.0,
        (record(1, 40.0, cold=True), record(2, 10.0), record(0, 20.0, defined=False)),
    ),
    Run("ty", "two", 120.0, 90.0, (record(0, 30.0, offered=0, cold=True),)),
)


def test_shares_are_over_the_places_of_all_packages() -> None:
    row = summed(RUNS)
    assert (row["places"], row["answered"], row["recall"], row["first"]) == (4, 0.75, 0.5, 0.25)
    assert row["defined"] == 0.75


def test_the_first_question_about_a_file_counts_as_cold_only() -> None:
    row = summed(RUNS)
    assert (row["cold"]["n"], row["cold"]["p95"]) == (2, 40.0)
    assert (row["warm"]["n"], row["warm"]["p50"], row["warm"]["p95"]) == (2, 10.0, 20.0)
    assert row["define"]["n"] == 4


def test_memory_and_first_answer_are_the_worst_of_all_packages() -> None:
    row = summed(RUNS)
    assert (row["memory"], row["first_answer"]) == (100.0, 120.0)


def test_a_table_has_a_cell_for_every_figure_also_where_there_is_none() -> None:
    nothing_warm = summed(RUNS[1:])
    lines = table([summed(RUNS), nothing_warm]).splitlines()
    assert len({line.count("|") for line in lines}) == 1
    assert "10 / 20" in lines[2]
    assert "– / –" in lines[3]


def test_most_questions_are_about_a_file_that_is_open_already(tmp_path: Path) -> None:
    for number in range(40):
        (tmp_path / f"f{number}.py").write_text("import os\n" + "os.getcwd()\nos.path.join('a')\n" * 100)
    places = engines._places(tmp_path, 40)
    assert len(places) == 40
    assert len({place.path for place in places}) == 4
    assert places == sorted(places, key=lambda place: (place.path, place.at))
