"""Waiting with a deadline: what is late is left out, what failed is not there."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

PATIENCE = 1.0
"""What every deadline of a request is multiplied by: tests that are not about deadlines wait longer, so that
a busy machine does not change what they see."""

log = logging.getLogger(__name__)


def allowed(seconds: float) -> float:
    """How long a wait of `seconds` may last."""
    return seconds * PATIENCE


def due(seconds: float) -> float:
    """The moment (`time.monotonic()`) at which a wait of `seconds` that begins now is over."""
    return time.monotonic() + allowed(seconds)


async def within(question: Coroutine[Any, Any, T], seconds: float) -> T | None:
    """The answer if it comes within `seconds`, else None. The question ends with this call: when it is
    late, when it fails and when the caller is cancelled."""
    task = asyncio.ensure_future(question)
    try:
        await asyncio.wait([task], timeout=allowed(seconds))
        return answer(task)
    finally:
        if not task.done():
            task.cancel()


async def until(deadline: float, task: asyncio.Future[Any]) -> None:
    """Wait for `task` until `deadline` (`time.monotonic()`), and let it go on after that."""
    left = deadline - time.monotonic()
    if not task.done() and left > 0:
        await asyncio.wait([task], timeout=left)


def answer(task: asyncio.Future[T]) -> T | None:
    """The result of a task that is done; None when it is not, was cancelled or failed (then logged)."""
    if not task.done() or task.cancelled():
        return None
    if error := task.exception():
        log.error("a source of evidence failed", exc_info=error)
        return None
    return task.result()
