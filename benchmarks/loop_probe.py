"""The server with a stopwatch on its event loop: `python loop_probe.py OUT [devflow-lsp arguments]`.

Every callback the loop runs is timed; OUT gets one JSON line per callback of 2 ms or more: milliseconds it
took, milliseconds of CPU its thread used, seconds since the start, what it was. The difference of the two is
what it waited for the interpreter's lock, or for a core on a busy machine.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from typing import Any

from devflow.server.cli import serve

KEPT = 2.0
"""Milliseconds from which a callback is written down."""


def name_of(callback: Any) -> str:
    """What a loop's callback is about: its task, else its function."""
    task = getattr(callback, "__self__", None)
    if isinstance(task, asyncio.Task):
        coroutine: Any = task.get_coro()
        inner = coroutine
        while getattr(inner, "cr_await", None) is not None and hasattr(inner.cr_await, "cr_frame"):
            inner = inner.cr_await
        where = getattr(inner, "__qualname__", "?")
        return f"task {task.get_name()} in {where}"
    return str(getattr(callback, "__qualname__", callback))


def main() -> None:
    """Serve, timed."""
    out = open(sys.argv.pop(1), "w", buffering=1)  # noqa: PTH123, SIM115 - until the process ends
    started = time.perf_counter()
    run = asyncio.Handle._run

    def write(took: float, own: float, before: float, what: str) -> None:
        out.write(json.dumps([round(took, 1), round(own, 1), round(before - started, 3), what]) + "\n")

    def timed(self: asyncio.Handle) -> None:
        before, own = time.perf_counter(), time.thread_time()
        run(self)
        took = (time.perf_counter() - before) * 1e3
        if took >= KEPT:
            write(took, (time.thread_time() - own) * 1e3, before, name_of(self._callback))

    def collected(phase: str, info: dict[str, int]) -> None:
        nonlocal began
        if phase == "start":
            began = time.perf_counter()
        elif (took := (time.perf_counter() - began) * 1e3) >= KEPT:
            write(took, took, began, f"garbage collection, generation {info['generation']}")

    began = started
    asyncio.Handle._run = timed  # type: ignore[method-assign]
    gc.callbacks.append(collected)
    serve(sys.argv[1:])


if __name__ == "__main__":
    main()
