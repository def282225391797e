"""What the router is told of acceptance."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from devflow.models import feedback
from devflow.models.feedback import Action, Event, Feedback
from devflow.models.routing.bandit import Tally
from devflow.server.learned import REFRESH, draws_of, tallies_since
from support.patience import HANGS


def test_what_is_accepted_and_then_rewritten_teaches_less_than_what_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feedback, "feedback_file", lambda: tmp_path / "feedback.sqlite3")
    store = Feedback(tmp_path / "feedback.sqlite3")
    for number in range(40):
        for model, distance in (("kept", 0), ("rewritten", 15)):
            name = f"{model} {number}"
            store.record(Event(name, Action.SHOWN, "inline", "go", model))
            store.record(Event(name, Action.ACCEPTED, "inline", "go", model, taken=20))
            store.record(Event(name, Action.EDITED, "inline", "go", model, taken=20, distance=distance))
    store.close()
    told = tallies_since(0.0)
    assert told["kept", "go"] == Tally(40, 40)
    assert told["rewritten", "go"] == Tally(40, 10)


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_drawing_waits_for_no_disk_and_reads_again_after_a_minute() -> None:
    clock = Clock()
    reads: list[float] = []
    allowed, done = threading.Event(), threading.Event()

    def read(since: float) -> dict[tuple[str, str], Tally]:
        reads.append(since)
        assert allowed.wait(HANGS)
        done.set()
        return {("a", "python"): Tally(100, 30)}

    drawn = draws_of(read, clock)
    assert drawn(["a"], "python") == {}
    assert drawn(["a"], "python") == {}, "one reads at a time"
    allowed.set()
    assert done.wait(HANGS)
    for thread in threading.enumerate():
        if thread.name == "feedback":
            thread.join(HANGS)
    assert 0 < drawn(["a", "b"], "python")["a"] < 1
    assert len(reads) == 1
    assert reads[0] == clock.now - 30 * 86_400
    clock.now += REFRESH
    drawn(["a"], "python")
    for thread in threading.enumerate():
        if thread.name == "feedback":
            thread.join(HANGS)
    assert len(reads) == 2


def test_a_clock_that_is_set_back_does_not_stop_the_reading() -> None:
    clock, again = Clock(), threading.Semaphore(0)

    def read(since: float) -> dict[tuple[str, str], Tally]:
        again.release()
        return {}

    drawn = draws_of(read, clock)
    for now in (1_000_000.0, 1_000.0):
        clock.now = now
        drawn(["a"], "python")
        assert again.acquire(timeout=10)
        for thread in threading.enumerate():
            if thread.name == "feedback":
                thread.join(10)
