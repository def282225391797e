"""100 clients against two providers on loopback, with and without faults."""

from __future__ import annotations

from support import faulty

from .rows import Row, at_most


async def measure(*, quick: bool) -> list[Row]:
    """The same questions without faults and with a tenth of them."""
    requests = 600 if quick else 2_000

    async def run(share: float, streamed: bool) -> faulty.Got:
        return await faulty.run(
            clients=100,
            requests=requests,
            share=share,
            wait=0.8,
            pause=0.02,
            whole=lambda number: not streamed,
        )

    fine = await run(0.0, False)
    bad = await run(0.1, False)
    shown = await run(0.1, True)
    lost = (len(bad.failed) + len(bad.wrong)) / requests
    return [
        at_most(
            "100 clients, 10 % faults: answers that failed or were wrong",
            100 * lost,
            0.1,
            "%",
            f"{requests:,} whole answers, {bad.faults} faults of four kinds, {bad.asked:,} requests sent",
        ),
        at_most(
            "100 clients, 10 % faults: p95 against the same without faults",
            bad.p95 / fine.p95,
            1.3,
            "×",
            f"{fine.p95:.2f} s without, {bad.p95:.2f} s with",
        ),
        Row(
            "the same, shown as it comes: streams that could not be ended",
            f"{len(shown.failed) + len(shown.wrong)} of {requests:,}",
            "0",
            not shown.failed and not shown.wrong,
            f"p95 {shown.p95 / fine.p95:.2f} × that without faults",
        ),
    ]
