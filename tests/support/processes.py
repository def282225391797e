"""The processes that a test started."""

from __future__ import annotations

import contextlib

import psutil


def children(said: str) -> list[psutil.Process]:
    """The running children of this process with `said` in their command line."""
    found: list[psutil.Process] = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess):  # it ends while it is looked at
            if child.status() != psutil.STATUS_ZOMBIE and said in " ".join(child.cmdline()):
                found.append(child)
    return found
