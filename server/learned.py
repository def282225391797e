"""What is learned of models from what became of their suggestions, as the router is given it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from threading import Lock, Thread

from devflow.models.routing.bandit import WINDOW_DAYS, Tally, draws

REFRESH = 60.0
Tallies = Mapping[tuple[str, str], Tally]


def draws_of(
    read: Callable[[float], Tallies] | None = None, clock: Callable[[], float] = time.time
) -> Callable[[Sequence[str], str], dict[str, float]]:
    """A function that draws for models in a language. It touches no disk: what it draws from is read by a
    thread, a minute old at most. `read` gives the tallies since a time; by default those of the user's
    feedback."""
    kept = _Kept(read or tallies_since, clock)
    return lambda names, language: draws(kept.now(), names, language)


def drawn_now() -> Callable[[Sequence[str], str], dict[str, float]]:
    """As `draws_of`, read once and now: for a command that ends soon."""
    tallies = tallies_since(time.time() - WINDOW_DAYS * 86_400)
    return lambda names, language: draws(tallies, names, language)


def tallies_since(since: float) -> Tallies:
    """What became of the suggestions shown since a time, by model and language: an accepted one counts by the
    share of it that is kept 30 s later. Reads the disk."""
    from devflow.models.feedback import Feedback, feedback_file

    path = feedback_file()
    if not path.is_file():
        return {}
    store = Feedback(path)
    try:
        found = store.by_model("inline", "item", since=since)
        return {key: Tally(outcomes.shown, outcomes.worth) for key, outcomes in found.items()}
    finally:
        store.close()


class _Kept:
    def __init__(self, read: Callable[[float], Tallies], clock: Callable[[], float]) -> None:
        self._read = read
        self._clock = clock
        self._tallies: Tallies = {}
        self._at = -REFRESH
        self._lock = Lock()

    def now(self) -> Tallies:
        passed = self._clock() - self._at
        # Less than nothing: the clock was set back.
        if not 0 <= passed < REFRESH and self._lock.acquire(blocking=False):
            self._at = self._clock()
            Thread(target=self._refresh, name="feedback", daemon=True).start()
        return self._tallies

    def _refresh(self) -> None:
        try:
            self._tallies = self._read(self._clock() - WINDOW_DAYS * 86_400)
        finally:
            self._lock.release()
