"""What router, guard, ledger and audit log add to a call: the same stream with and without them."""

from __future__ import annotations

import tempfile
import time
from collections.abc import AsyncIterator, Callable

from devflow.models.base import FillRequest, Health, Meter, ModelStatus
from devflow.models.guard.books import Books, Budget, Price
from devflow.models.outbound import Outbound
from devflow.models.router import Router, Routing
from devflow.models.routing.rules import Facts

from .rows import Row, at_most, percentile

_URL = "https://api.example.com/v1"
_CODE = "def area(shape: Shape) -> float:\n    return shape.width * shape.height\n\n\n"


class Instant:
    """A model at a provider that answers at once: what is left of a call's time is ours."""

    remote = True

    def __init__(self, guard: Outbound | None, name: str = "instant") -> None:
        self.name = name
        self._guard = guard

    def status(self) -> ModelStatus:
        """Always ready."""
        return ModelStatus(self.name, "instant", Health.READY, remote=True)

    def fill(self, request: FillRequest) -> AsyncIterator[str]:
        """Through the guard, where there is one."""
        if self._guard is None:
            return self._said(request, Meter())
        return self._guard.fill(self.name, _URL, request, self._said)

    async def _said(self, request: FillRequest, meter: Meter) -> AsyncIterator[str]:
        for piece in ("return", " ", "1"):
            yield piece
        meter.read, meter.written = 2_000, 3

    async def close(self) -> None:
        """Nothing is held."""


async def measure(*, quick: bool) -> list[Row]:
    """Milliseconds a call at the 95th percentile, for a request of 6,000 characters of source."""
    calls = 300 if quick else 2_000
    requests = [
        FillRequest(f"# {number}\n" + _CODE * 60, _CODE * 20, "python", "shapes/area.py")
        for number in range(calls)
    ]
    with tempfile.TemporaryDirectory() as folder:
        books = Books(folder=folder, budget=Budget(day=1e6), prices={"instant": Price(1.0, 1.0)})
        guard = Outbound(False, books=books)
        bare, guarded, second = Instant(None), Instant(guard), Instant(None, "second")
        facts = {"instant": Facts("instant", remote=True, provider=_URL, parallel=32)}
        router = Router([guarded, second], [], routing=Routing(facts=facts, kept_back=guard.kept_back))
        alone, _ = await _times(bare.fill, requests)
        with_guard, guard_cpu = await _times(guarded.fill, requests)
        routed, cpu = await _times(router.fill, requests)
        local = Router([bare, second], [], routing=Routing(facts=facts))
        router_alone, router_cpu = await _times(local.fill, requests)
        await router.close()
        guard.accounts.close()
    base = percentile(alone, 0.5)
    note = (
        f"CPU {1000 * cpu:.2f} ms, {1000 * guard_cpu:.2f} of them guard and ledger; median "
        f"{1000 * (percentile(routed, 0.5) - base):.2f} ms"
    )
    return [
        at_most(
            "router, guard, ledger and audit log, added to a call, p95",
            1000 * (percentile(routed, 0.95) - base),
            3.0,
            "ms",
            note,
        ),
        at_most(
            "the router alone, p95",
            1000 * (percentile(router_alone, 0.95) - base),
            3.0,
            "ms",
            f"CPU {1000 * router_cpu:.2f} ms; guard and ledger alone "
            f"{1000 * (percentile(with_guard, 0.95) - base):.2f} ms",
        ),
    ]


async def _times(
    ask: Callable[[FillRequest], AsyncIterator[str]], requests: list[FillRequest]
) -> tuple[list[float], float]:
    """Seconds of each call, and the processor's for one of them."""
    seconds = []
    burnt = time.process_time()
    for request in requests:
        started = time.perf_counter()
        async for _ in ask(request):
            pass
        seconds.append(time.perf_counter() - started)
    cpu = (time.process_time() - burnt) / len(requests)
    return seconds[len(seconds) // 10 :], cpu  # the first import the guard's libraries
