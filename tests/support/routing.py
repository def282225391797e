"""What tests of the router and its parts share."""

from __future__ import annotations

from devflow.models.base import FillRequest

HOLE = FillRequest("a", "b")


class Clock:
    """Stands until a test sets `now`."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now
