"""What an editor gone mad does to the server: nothing. `benchmarks/fuzz.py` does it 10,000 times."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from support.fuzz import Outcome, fuzz

SERVER = [sys.executable, "-m", "devflow.server.cli"]


@pytest.mark.parametrize("seed", [1, 2])
async def test_random_edits_and_requests_break_no_promise(workspace: Path, seed: int) -> None:
    (workspace / "other.ts").write_text("export class A { b(): number { return 1; } }\n", "utf-8")
    outcome = await fuzz(SERVER, workspace, 300, seed)
    assert not outcome.faults, "\n".join(outcome.faults)
    assert outcome.steps == 300


def test_growth_is_the_last_quarter_over_the_second() -> None:
    outcome = Outcome(rss_mib=[10, 50, 60, 60, 60, 60, 61, 62])
    assert outcome.growth() == 1.5
    assert Outcome(rss_mib=[1]).growth() == 0
