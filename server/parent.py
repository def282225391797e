"""The editor's process: when it is gone, nobody needs the server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

log = logging.getLogger(__name__)

PARENT_EVERY = 1.0
"""Seconds between two looks at the editor's process."""


async def until_gone(pid: int, gone: Callable[[], None]) -> None:
    """Call `gone` when the editor's process ends. A process that cannot be seen from the start (a
    container, another machine) is not watched: the end of input tells there."""
    editor = await asyncio.to_thread(_process, pid)
    if editor is None:
        return
    while await asyncio.to_thread(_is_alive, editor):  # noqa: ASYNC110 - nobody tells when it dies
        await asyncio.sleep(PARENT_EVERY)
    log.warning("the editor (process %s) is gone", pid)
    gone()


def _process(pid: int) -> psutil.Process | None:
    import psutil

    try:
        return psutil.Process(pid)
    except (psutil.Error, ValueError):
        return None


def _is_alive(process: psutil.Process) -> bool:
    import psutil

    try:
        # `is_running` compares the creation time too: ids are used again.
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
