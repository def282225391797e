"""The server with a stopwatch on its event loop: `python loop_probe.py OUT [devflow-lsp arguments]`.

Every callback the loop runs is timed, and a timer of 5 ms tells how late it comes. OUT gets JSON lines: per
callback or collection of garbage of 2 ms or more `ms` it took, `own_ms` of CPU its thread used, `at` seconds
since the start and `what` it was; and the timer's `lags`, in milliseconds. `ms` less `own_ms` is what it
waited for the interpreter's lock, or for a core on a busy machine.
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
TICK = 0.005
_LAGS_AT_ONCE = 100


def name_of(callback: Any) -> str:
    """What a loop's callback is about: its task, else its function."""
    task = getattr(callback, "__self__", None)
    if isinstance(task, asyncio.Task):
        coroutine: Any = task.get_coro()
        inner = coroutine
        while getattr(inner, "cr_await", None) is not None and hasattr(inner.cr_await, "cr_frame"):
            inner = inner.cr_await
        where = getattr(inner, "__qualname__", "?")
        name = task.get_name()
        return f"{'' if name.startswith('Task-') else name + ' in '}{where}"
    return str(getattr(callback, "__qualname__", callback))


def main() -> None:
    """Serve, timed."""
    out = open(sys.argv.pop(1), "w", buffering=1)  # noqa: PTH123, SIM115 - until the process ends
    started = time.perf_counter()
    run = asyncio.Handle._run
    lags: list[float] = []
    ticking = False

    def write(took: float, own: float, before: float, what: str) -> None:
        record = {"ms": round(took, 1), "own_ms": round(own, 1), "at": round(before - started, 3)}
        out.write(json.dumps(record | {"what": what}) + "\n")

    def tick(due: float) -> None:
        loop = asyncio.get_running_loop()
        lags.append(round(max(0.0, loop.time() - due) * 1e3, 2))
        if len(lags) >= _LAGS_AT_ONCE:
            out.write(json.dumps({"lags": lags}) + "\n")
            lags.clear()
        due = loop.time() + TICK
        loop.call_at(due, tick, due)

    def timed(self: asyncio.Handle) -> None:
        nonlocal ticking
        before, own = time.perf_counter(), time.thread_time()
        run(self)
        took = (time.perf_counter() - before) * 1e3
        if took >= KEPT:
            write(took, (time.thread_time() - own) * 1e3, before, name_of(self._callback))
        if not ticking:
            ticking = True
            tick(asyncio.get_running_loop().time())

    def collected(phase: str, info: dict[str, int]) -> None:
        nonlocal began, cpu
        if phase == "start":
            began, cpu = time.perf_counter(), time.thread_time()
        elif (took := (time.perf_counter() - began) * 1e3) >= KEPT:
            own = (time.thread_time() - cpu) * 1e3
            write(took, own, began, f"garbage collection, generation {info['generation']}")

    began, cpu = started, 0.0
    asyncio.Handle._run = timed  # type: ignore[method-assign]
    gc.callbacks.append(collected)
    serve(sys.argv[1:])


if __name__ == "__main__":
    main()
