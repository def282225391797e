"""A second fill after one line was edited, on a real GGUF model in a real worker process."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Literal

from devflow.models.base import FillRequest, ModelSpec
from devflow.server.workers.model import WorkerModel
from support import tiny_gguf

from .rows import Row, at_most, natives

_LINE = "    total_{n} = compute(first_{n}, second_{n})\n"


async def measure(*, quick: bool) -> list[Row]:
    """The time of a fill after an edit of the line at the cursor, as a share of that of a first one."""
    with tempfile.TemporaryDirectory() as folder:
        path = tiny_gguf.write(Path(folder) / "codellama.gguf", width=256, layers=6)
        rows = []
        for engine in natives():
            first, second, middle, key = await _times(engine, path, 4 if quick else 12)
            rows.append(
                at_most(
                    f"{engine}: second fill after a one-line edit, against the first",
                    second / first,
                    0.35,
                    "×",
                    f"{first:.2f} s and {second:.2f} s; {middle / first:.2f} × for a line in the middle",
                )
            )
            rows.append(
                at_most(
                    f"{engine}: first key where the cursor had rested, against a first fill",
                    key / first,
                    0.35,
                    "×",
                    f"{key:.2f} s",
                )
            )
        return rows


async def _times(
    engine: Literal["ctransformers", "llama"], path: Path, rounds: int
) -> tuple[float, float, float, float]:
    spec = ModelSpec("tiny", engine, str(path), context=2048, options={"threads": "1"})
    model = WorkerModel(spec)
    await model.warm()
    first: list[float] = []
    second: list[float] = []
    middle: list[float] = []
    key: list[float] = []
    for number in range(rounds):
        lines = [_LINE.format(n=f"{number}_{line}") for line in range(22)]
        suffix = "".join(_LINE.format(n=f"after_{number}_{line}") for line in range(6))
        first.append(await _seconds(model, "".join(lines), suffix))
        edited = [*lines[:-1], lines[-1].replace("compute", "add")]
        second.append(await _seconds(model, "".join(edited), suffix))
        halfway = [*edited[:11], edited[11].replace("compute", "add"), *edited[12:]]
        middle.append(await _seconds(model, "".join(halfway), suffix))
        rested = "".join(_LINE.format(n=f"rested_{number}_{line}") for line in range(22))
        await model.prime(_hole(rested, suffix))
        key.append(await _seconds(model, rested, suffix, typed="v"))
    await model.close()
    medians = [statistics.median(times) for times in (first, second, middle, key)]
    return medians[0], medians[1], medians[2], medians[3]


def _hole(prefix: str, suffix: str, typed: str = "") -> FillRequest:
    return FillRequest(f"{prefix}    result = {typed}", "\n" + suffix, max_tokens=8)


async def _seconds(model: WorkerModel, prefix: str, suffix: str, typed: str = "") -> float:
    started = time.perf_counter()
    async for _ in model.fill(_hole(prefix, suffix, typed)):
        pass
    return time.perf_counter() - started
