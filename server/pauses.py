"""Keeps the interpreter itself from holding the event loop."""

from __future__ import annotations

import asyncio
import gc
import sys

TURN = 0.0005
"""Seconds a thread may go on computing when the loop wants the interpreter; Python's own 5 ms would be
added to an answer whenever something computes in a thread."""
START_LASTS = 5.0
"""Seconds after which what a session needs is there."""
_YOUNG, _MIDDLE, _OLD = 2_500, 4, 200
"""A collection of 20,000 young objects took 7 ms and held every thread; so they are collected by 10,000."""


def shorten() -> None:
    """Take short turns, and collect no garbage while the server starts. Call it before anything else."""
    sys.setswitchinterval(TURN)
    gc.disable()


def collect_from_now_on() -> None:
    """Collect garbage again, but never look again at what there is now: modules, classes and functions,
    the 50,000 objects of which a full collection takes most of its 20 ms."""
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
    gc.enable()


def collect_later() -> None:
    """`collect_from_now_on` once the session has started. Call it on the running loop."""
    asyncio.get_running_loop().call_later(START_LASTS, collect_from_now_on)
