"""How a model did lately: a circuit breaker, and how long it takes to its first piece.

The estimate of a time is that of TCP's retransmission timer (Jacobson and Karels 1988; RFC 6298): a smoothed
mean and a smoothed deviation, and "late" is the mean plus four deviations.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from devflow.models.errors import KeyRefused, ModelError, RateLimited

FAILURES_TO_REST = 3
"""So many failures in a row open the circuit, if they are also half of the last `_WINDOW` answers: one
answer in ten that fails must not, however many are asked for at once."""
FIRST_REST, LONGEST_REST = 5.0, 300.0
"""Seconds a model is left alone then; doubled each time the try after a rest fails again."""
_WINDOW = 20
_PROBE = 30.0
"""Seconds after which a try that was never reported on counts for nothing."""
_MEAN, _DEVIATION = 1 / 8, 1 / 4
_ENOUGH = 3
_STALE = 300.0


@dataclass(slots=True)
class Circuit:
    """Closed: asked as usual. Open: left alone until a time. Half open: one request tries it, and the others
    go elsewhere until that one has ended. Times are seconds of a monotonic clock."""

    failures: int = 0
    """In a row."""
    rests: int = 0
    until: float = 0.0
    problem: str = ""
    """What it said last, "" when all is well."""
    _probing: float = -1.0
    """Since when one request tries it; below 0: none does."""
    _last: deque[bool] = field(default_factory=lambda: deque(maxlen=_WINDOW))

    def rest(self, now: float) -> float:
        """Seconds it is to be left alone; 0.0 when it may be asked."""
        if now < self.until:
            return self.until - now
        if self.until and self._probing >= 0 and now - self._probing < _PROBE:
            return _PROBE - (now - self._probing)
        return 0.0

    def asked(self, now: float) -> None:
        """A request begins."""
        if self.until:
            self._probing = now

    def heard(self) -> None:
        """An answer began. What it is worth shows at its end, but others may be asked as well."""
        self._probing = -1.0

    def left(self) -> None:
        """A request ended without telling anything, because it was cancelled."""
        self._probing = -1.0

    def succeeded(self) -> None:
        """A request was answered, to its end or as far as was wanted."""
        self._last.append(True)
        self.failures = self.rests = 0
        self.until, self.problem, self._probing = 0.0, "", -1.0

    def failed(self, error: ModelError, now: float, *, anew: bool = True) -> None:
        """A request failed; not `anew`: one whose failure is counted already."""
        self.problem = str(error)
        if anew:
            self._last.append(False)
            self.failures += 1
        again, self._probing = 0 < self.until <= now, -1.0
        if isinstance(error, RateLimited) and error.retry_after is not None:
            self.until = max(self.until, now + error.retry_after)
        elif now < self.until:
            return  # it was asked before it was left alone: no try after a rest
        elif isinstance(error, RateLimited | KeyRefused) or again or (anew and self._broken()):
            self.until = now + min(FIRST_REST * 2.0**self.rests, LONGEST_REST)
            self.rests += 1

    def _broken(self) -> bool:
        return self.failures >= FAILURES_TO_REST and 2 * sum(self._last) <= len(self._last)


@dataclass(slots=True)
class Latency:
    """How long something takes, from samples in seconds."""

    mean: float = 0.0
    deviation: float = 0.0
    samples: int = 0
    _at: float = 0.0

    def add(self, seconds: float, now: float) -> None:
        """Take note of a sample."""
        if not self.samples or now - self._at > _STALE:
            self.mean, self.deviation, self.samples = seconds, seconds / 2, 0
        else:
            self.deviation += _DEVIATION * (abs(seconds - self.mean) - self.deviation)
            self.mean += _MEAN * (seconds - self.mean)
        self.samples += 1
        self._at = now

    def expected(self, now: float) -> float | None:
        """The mean; None when too few samples, or none in the last five minutes, tell."""
        return self.mean if self.samples >= _ENOUGH and now - self._at <= _STALE else None

    def late(self, now: float) -> float | None:
        """Seconds after which it is late; None as in `expected`."""
        return self.mean + 4 * self.deviation if self.expected(now) is not None else None
