"""When to ask a model: as soon as the user is likely to pause, no sooner and not much later."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

_KEPT = 12
_PAUSE = 1.0
"""Seconds between two requests from which on the user was not typing."""
_FIRST, _LEAST, _MOST = 0.06, 0.0, 0.35
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The user's last intervals between keystrokes, in seconds, and when the last was (monotonic)."""

    intervals: tuple[float, ...] = ()
    last: float = -1e9


def struck(rhythm: Rhythm, now: float) -> Rhythm:
    """The rhythm after a keystroke at `now`."""
    gap = now - rhythm.last
    if not 0 < gap < _PAUSE:
        return Rhythm(rhythm.intervals, now)
    return Rhythm((*rhythm.intervals, gap)[-_KEPT:], now)


def pause(rhythm: Rhythm, asks: bool, response: float) -> float:
    """Seconds to wait before a model is asked: somewhat more than the user's own interval, less where
    code must follow (`asks`), minus half of what the model will take anyway (`response`, seconds): while it
    reads the prompt, a further keystroke can still stop it."""
    own = 1.3 * median(rhythm.intervals) if len(rhythm.intervals) >= 3 else _FIRST
    if asks:
        own *= 0.3
    return min(max(own - response / 2, _LEAST), _MOST)
