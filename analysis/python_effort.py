"""How much one question about Python's values may evaluate: code can make it ask without end."""

from __future__ import annotations

import threading

_MOST = 500
"""Expressions; `a = b or b or b`, `b = c or c or c`, … doubles and triples them with every line."""
_DEEPEST = 48
"""One inside the other, whatever depth they count from: a class can be its own base's attribute."""


class Effort(threading.local):
    """What the question of this thread has used. `with effort as may_go:` goes around each expression; the
    outermost begins a question."""

    inside = 0
    used = 0

    def __enter__(self) -> bool:
        if not self.inside:
            self.used = 0
        self.inside += 1
        self.used += 1
        return self.used <= _MOST and self.inside <= _DEEPEST

    def __exit__(self, *_: object) -> None:
        self.inside -= 1
