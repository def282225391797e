"""Figures: what a percentile, a rank and a goal are."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import figures, pages, summary
from bench.charts import Bar, chart
from bench.parts import last_json
from bench.servers import Server


def test_a_percentile_is_a_value_that_was_measured() -> None:
    assert figures.percentile(range(1, 101), 0.95) == 95
    assert figures.percentile([3, 1, 2], 0.5) == 2
    assert figures.percentile([7], 0.95) == 7
    assert figures.percentile([], 0.5) is None


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 1))
def test_at_least_the_share_lies_at_or_below_the_percentile(values: list[float], share: float) -> None:
    bound = figures.percentile(values, share)
    assert bound is not None
    assert sum(value <= bound for value in values) >= share * len(values) - 1e-6


def test_ranks_become_shares() -> None:
    assert figures.ranking([1, 5, 6, 0]) == {
        "n": 4, "recall": 0.75, "first": 0.25, "five": 0.5, "ten": 0.75,
        "mrr": round((1 + 1 / 5 + 1 / 6) / 4, 3),
    }  # fmt: skip
    assert figures.ranking([])["first"] is None


def test_a_client_orders_by_sort_text_and_else_by_label() -> None:
    items = [{"label": "b"}, {"label": "z", "sortText": "0"}, {"label": "a"}]
    assert [figures.rank_of(name, {"items": items}) for name in ("z", "a", "b", "c")] == [1, 2, 3, 0]
    assert figures.rank_of("b", items) == 3
    assert figures.rank_of("b", None) == 0


def test_what_does_not_begin_with_what_is_typed_is_not_shown() -> None:
    items = [{"label": "alpha"}, {"label": "Beta"}, {"label": "below"}]
    assert figures.rank_of("below", items, "be") == 2


def test_a_label_with_a_signature_is_its_name() -> None:
    items = [{"label": "area(scale)"}, {"label": ".dotted"}, {"label": "name="}, {"label": "name"}]
    assert figures.rank_of("area", items) == 2
    assert figures.rank_of("dotted", items) == 1
    assert figures.rank_of("name", items) == 3


@pytest.mark.parametrize("many", [True, False])
def test_locations_and_links_lead_to_the_same_line(many: bool) -> None:
    span = {"start": {"line": 4, "character": 0}, "end": {"line": 4, "character": 3}}
    for one in (
        {"uri": "file:///a.py", "range": span},
        {"targetUri": "file:///a.py", "targetSelectionRange": span},
    ):
        assert figures.targets([one] if many else one) == [("file:///a.py", 4)]
    assert figures.targets(None) == []


def test_a_goal_is_met_when_each_of_its_figures_is() -> None:
    assert summary.Row("", ((0.5, 0.45), (0.7, 0.7))).met
    assert summary.Row("", ((0.5, 0.45), (0.69, 0.7))).met is False
    assert summary.Row("", ((40.0, 50),), most=True).met
    assert summary.Row("", ((None, 50), (1, 2)), most=True).cells()[-1] == "not measured"


def test_the_last_json_a_script_prints_is_its_answer() -> None:
    assert last_json('warming up\n{"a": 1}\n{\n "b": {\n  "c": 2}\n}\n') == {"b": {"c": 2}}
    assert last_json("nothing\n{ broken\n") is None


def test_bars_are_drawn_best_first() -> None:
    drawn = chart("Speed <now>", [Bar("slow", 90, False), Bar("quick", 9, True)], "ms")
    root = ET.fromstring(drawn)
    words = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert words == ["Speed <now>", "less is better", "quick", "9.0 ms", "slow", "90 ms"]
    assert chart("", [], "ms") == ""


def records() -> list[dict[str, Any]]:
    def place(rank: int, definition: list[Any]) -> dict[str, Any]:
        return {
            "at": f"a.py:{rank}:1", "name": "x", "rank": rank, "ms": 10.0 * rank,
            "hover": True, "hover_ms": 1.0, "definition": definition, "definition_ms": 2.0,
        }  # fmt: skip

    here = [["file:///one/a.py", 3]]
    ghost = [{"shown": True, "exact": True, "ms": 5.0}, {"shown": False, "exact": False, "ms": 6.0}]
    ours = {"places": [place(1, here), place(2, [])], "names": [], "ghost": ghost, "failures": 0}
    theirs = {"places": [place(1, here), place(2, here)], "names": [], "ghost": [], "failures": 1}
    return [
        {"task": "saved", "subject": "aiohttp", "server": "devflow", "figures": ours},
        {"task": "saved", "subject": "aiohttp", "server": "ty", "figures": theirs},
        {
            "task": "script",
            "subject": "loop",
            "server": "devflow",
            "figures": {"said": {"lag_ms": {"max": 4.0}}},
        },
    ]


SERVERS = [Server("devflow", (), ours=True), Server("ty", (), version="1")]


def test_a_name_counts_as_resolvable_when_another_server_resolves_it() -> None:
    saved = summary.summed(records(), SERVERS)["servers"]["devflow"]["tasks"]["saved"]["all"]
    assert saved["resolvable"] == {"hover": 1.0, "definition": 0.5, "of": 2, "confirmed": 1.0}
    assert saved["ghost"]["exact"] == 0.5
    assert saved["ghost"]["exact_where_shown"] == 1.0


def test_a_package_never_used_for_tuning_is_also_summed_apart() -> None:
    tasks = summary.summed(records(), SERVERS)["servers"]["devflow"]["tasks"]
    assert set(tasks["saved"]) == {"aiohttp", "all", "unseen"}


def test_the_table_is_made_of_what_is_there(tmp_path: Path) -> None:
    packages = {"aiohttp": {"version": "1", "seen": False}}
    machine = {"cpu": "c", "cores": 2, "memory_gib": 4, "system": "Linux", "python": "3"}
    results = json.loads(json.dumps(summary.summed(records(), SERVERS))) | {
        "command": "make bench", "date": "today", "revision": "r", "machine": machine, "load_at_start": 0.1,
        "seconds": 60, "packages": packages, "failed": [],
    }  # fmt: skip
    lines = summary.as_text(results).splitlines()
    assert len({len(row.cells()) for row in summary.rows(results)}) == 1
    assert any("event loop" in line and line.endswith("yes") for line in lines)
    assert any("ghost text p95" in line and line.endswith("yes") for line in lines)
    pages.write(results, tmp_path)
    text = (tmp_path / "benchmarks.md").read_text()
    assert "| aiohttp (never used for tuning) |" in text
    assert "![The wanted attribute is first in the list](bench-first.svg)" in text
    assert (tmp_path / "bench-first.svg").exists()
