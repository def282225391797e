"""What the roots of one process do one after the other: the vectors of one take a processor and 130 MB, a
usage model's build as much, and an editor may have twenty folders open.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field


class Turn:
    """Who may do it now; use on one event loop. Nobody waits inside: who is refused asks again."""

    def __init__(self) -> None:
        self._holder: object | None = None
        self._wanted = False

    def take(self, who: object) -> bool:
        """Whether it is `who`'s turn, from now until it is given back."""
        if self._holder is None:
            self._holder = who
        self._wanted |= self._holder is not who
        return self._holder is who

    def give(self, who: object) -> bool:
        """Give it back, where `who` has it; whether somebody else asked for it meanwhile."""
        if self._holder is not who:
            return False
        wanted, self._wanted, self._holder = self._wanted, False, None
        return wanted


@dataclass(frozen=True, slots=True)
class Turns:
    """One of these for all roots of a process."""

    vectors: Turn = field(default_factory=Turn)
    """Writing vectors; a question opens them without."""
    usage: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Building a usage model."""
