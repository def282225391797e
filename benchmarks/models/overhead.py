"""What router and guard add to a call: the same stream with and without them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

from devflow.models.base import FillRequest, Health, ModelStatus
from devflow.models.outbound import Outbound
from devflow.models.router import Router, Routing
from devflow.models.rules import Facts

from .rows import Row, at_most, percentile

_URL = "https://api.example.com/v1"
_CODE = "def area(shape: Shape) -> float:\n    return shape.width * shape.height\n\n\n"


class Instant:
    """A model at a provider that answers at once: what is left of a call's time is ours."""

    name = "instant"
    remote = True

    def __init__(self, guard: Outbound | None) -> None:
        self._guard = guard

    def status(self) -> ModelStatus:
        return ModelStatus(self.name, "instant", Health.READY, remote=True)

    def fill(self, request: FillRequest) -> AsyncIterator[str]:
        if self._guard is None:
            return self._said(request)
        return self._guard.fill(self.name, _URL, request, self._said)

    async def _said(self, request: FillRequest, *_: object) -> AsyncIterator[str]:
        for piece in ("return", " ", "1"):
            yield piece

    async def close(self) -> None:
        """Nothing is held."""


async def measure(*, quick: bool) -> list[Row]:
    """Milliseconds per call at the 95th percentile, for a request of 6,000 code points of source."""
    calls = 300 if quick else 2_000
    requests = [
        FillRequest(f"# {number}\n" + _CODE * 60, _CODE * 20, "python", "shapes/area.py")
        for number in range(calls)
    ]
    guard = Outbound(local_only=False)
    bare, guarded = Instant(None), Instant(guard)
    facts = {"instant": Facts("instant", remote=True, provider=_URL, parallel=32)}
    second = FakeSecond(None)
    router = Router([guarded, second], [], routing=Routing(facts=facts, kept_back=guard.kept_back))
    alone = await _times(lambda request: bare.fill(request), requests)
    with_guard = await _times(lambda request: guarded.fill(request), requests)
    routed = await _times(lambda request: router.fill(request), requests)
    await router.close()
    added = percentile(routed, 0.95) - percentile(alone, 0.5)
    note = (
        f"guard alone {1000 * (percentile(with_guard, 0.95) - percentile(alone, 0.5)):.2f} ms, "
        f"median of both {1000 * (percentile(routed, 0.5) - percentile(alone, 0.5)):.2f} ms"
    )
    return [at_most("router and guard, added to a call, p95", 1000 * added, 3.0, "ms", note)]


class FakeSecond(Instant):
    """The model that would be asked next."""

    name = "second"


async def _times(ask, requests: list[FillRequest]) -> list[float]:  # type: ignore[no-untyped-def]
    seconds = []
    for request in requests:
        started = time.perf_counter()
        async for _ in ask(request):
            pass
        seconds.append(time.perf_counter() - started)
    return seconds[len(seconds) // 10 :]  # the first import the guard's libraries
