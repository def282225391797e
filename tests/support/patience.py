"""How long a test waits, and how it measures, so that a slow or busy machine passes it too."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

HANGS = 120.0
"""Seconds after which what a test waits for is taken never to come. It comes at once on a quiet machine: the
bound tells a test that hangs from one that is slow, and says nothing of how quick anything is."""
ATTEMPTS = 30


async def quickest(attempt: Callable[[], Awaitable[float]], enough: float) -> float:
    """The least of some measurements of the same thing, in any unit; at most `ATTEMPTS`, and none after one
    that is at most `enough`. Other work on the machine only ever makes one greater: the least is nearest to
    the truth."""
    least = await attempt()
    for _ in range(ATTEMPTS - 1):
        if least <= enough:
            break
        least = min(least, await attempt())
    return least
