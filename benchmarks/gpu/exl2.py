"""Measures the EXL2 engine on a machine with an NVIDIA GPU and prints one JSON object (see README.md).

python benchmarks/gpu/exl2.py /models/Qwen2.5-Coder-1.5B-exl2
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import platform
import signal
import statistics
import sys
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from devflow.models.base import FillRequest, ModelSpec
from devflow.models.engines import exllamav2
from devflow.models.engines.exllamav2 import ExLlamaEngine
from devflow.models.engines.native import family, fitting_prompt
from devflow.models.errors import ModelError
from devflow.models.prompt import Prompt
from devflow.server.workers.model import WorkerModel

SOURCE = Path(__file__).read_text("utf-8")


def main() -> int:
    """Measure; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("model", help="folder of an EXL2 model")
    parser.add_argument("--family", default="", help="model family, when the folder's name does not tell")
    parser.add_argument("--context", type=int, default=4096)
    parser.add_argument("--tokens", type=int, default=256)
    parser.add_argument(
        "--out", type=Path, help="a file for the figures; what libraries print is on stdout too"
    )
    arguments = parser.parse_args()
    spec = ModelSpec("gpu", "exllamav2", arguments.model, family=arguments.family, context=arguments.context)
    request = FillRequest(SOURCE[:3000], SOURCE[3000:4000], path="exl2.py", max_tokens=arguments.tokens)
    figures: dict[str, Any] = {}

    def measured(measure: Callable[[], Any]) -> Any:
        """What it gives, kept at once; the others are worth having where it fails: such a machine is rare."""
        found = None
        try:
            found = measure()
            figures.update(found if isinstance(found, dict) else {})
        except Exception as error:  # noqa: BLE001
            traceback.print_exc()
            figures.setdefault("failed", []).append(f"{type(error).__name__}: {error}")
        if arguments.out is not None:
            arguments.out.write_text(as_text(figures), "utf-8")
        return found

    measured(machine)
    measured(lambda: asyncio.run(worker(spec, request)))
    # Behind it: both in memory at a time may be more than a GPU has.
    started = time.perf_counter()
    engine = measured(lambda: exllamav2.load(spec))
    figures["load_s"] = time.perf_counter() - started
    if engine is not None:
        prompt, most = fitting_prompt(engine, family(spec), request)
        measured(lambda: speed(engine, prompt, most))
        measured(lambda: reuse(engine, spec, request))
        measured(lambda: {"cancel_ms": 1000 * max(cancelled(engine, prompt, most) for _ in range(20))})
        if engine.parallel > 1:
            measured(lambda: {"together_tokens_per_s": together(engine, prompt, most)})
    print(as_text(figures), end="")
    met = figures.get("ratio", 0.0) >= 0.95 and figures.get("cancel_ms", 1e9) <= 50
    return 0 if met and "failed" not in figures else 1


def as_text(figures: dict[str, Any]) -> str:
    """JSON, numbers with three digits."""
    return json.dumps({key: rounded(value) for key, value in figures.items()}, indent=1) + "\n"


def machine() -> dict[str, Any]:
    """What the figures hold for."""
    import torch
    from exllamav2 import version

    return {
        "gpu": torch.cuda.get_device_name(0),
        "torch": torch.__version__,
        "exllamav2": version.__version__,
        "python": platform.python_version(),
    }


def speed(engine: ExLlamaEngine, prompt: Prompt, most: int) -> dict[str, float | bool]:
    """Tokens per second by us and by the library's own loop, in turns, medians of five."""
    ours: list[float] = []
    theirs: list[float] = []
    tokens, text, same = 0, "", True
    library, generator = engine._library, engine._generator
    for _ in range(5):
        started = time.perf_counter()
        said = "".join(engine.generate(prompt, most, 0.0, lambda: False))
        ours.append(time.perf_counter() - started)
        settings = library.settings()
        settings.top_k, settings.temperature, settings.top_p = 1, 1.0, 0.95
        settings.token_repetition_penalty = 1.0
        ends = [*engine._ends, *prompt.stop]
        started = time.perf_counter()
        job = library.job(
            input_ids=library.tensor(engine._encoded(prompt)),
            max_new_tokens=most,
            gen_settings=settings,
            stop_conditions=ends,
        )
        generator.enqueue(job)
        text = ""
        while generator.num_remaining_jobs():
            for result in generator.iterate():
                text += result.get("text", "")
                tokens = result.get("new_tokens", tokens)  # told with the end
        theirs.append(time.perf_counter() - started)
        same = same and said == text
    mine, own = statistics.median(ours), statistics.median(theirs)
    return {
        "tokens": tokens,
        "same_answer": same,
        "tokens_per_s": tokens / mine,
        "library_tokens_per_s": tokens / own,
        "ratio": own / mine,
    }


def reuse(engine: ExLlamaEngine, spec: ModelSpec, request: FillRequest) -> dict[str, float]:
    """The time to the first token of an edited prompt, as a share of that of a new one."""

    def first(prefix: str) -> float:
        prompt, _ = fitting_prompt(engine, family(spec), FillRequest(prefix, request.suffix, max_tokens=4))
        started = time.perf_counter()
        next(iter(engine.generate(prompt, 4, 0.0, lambda: False)), None)
        return time.perf_counter() - started

    new = first("# another file\n" + request.prefix)
    edited = first("# another file\n" + request.prefix + "\nvalue = 1\n")
    return {"reuse": edited / new}


def cancelled(engine: ExLlamaEngine, prompt: Prompt, most: int) -> float:
    """Seconds from the cancel to the end of the stream."""
    stop = threading.Event()
    at = 0.0
    for number, _ in enumerate(engine.generate(prompt, most, 0.0, stop.is_set)):
        if number == 4:
            at = time.perf_counter()
            threading.Timer(0.0, stop.set).start()
    return time.perf_counter() - at if at else 0.0


def together(engine: ExLlamaEngine, prompt: Prompt, most: int) -> float:
    """Tokens per second of four requests at a time, all of them together."""

    def one(number: int) -> int:
        return sum(1 for piece in engine.generate(prompt, most, 0.0, lambda: False) if piece)

    started = time.perf_counter()
    with ThreadPoolExecutor(4) as pool:
        count = sum(pool.map(one, range(4)))
    return count / (time.perf_counter() - started)


async def worker(spec: ModelSpec, request: FillRequest) -> dict[str, float]:
    """The same through the worker process, and what a kill costs."""
    model = WorkerModel(spec)
    await model.warm()
    started = time.perf_counter()
    pieces = [piece async for piece in model.fill(request)]
    figures = {"worker_tokens_per_s": len(pieces) / (time.perf_counter() - started)}
    pid = model.pid
    assert pid is not None
    try:
        async for _ in model.fill(request):
            with contextlib.suppress(ProcessLookupError):  # pieces that were on their way
                os.kill(pid, signal.SIGKILL)
    except ModelError as error:
        print(f"killed: {error}", file=sys.stderr)
    started = time.perf_counter()
    await anext(model.fill(request))
    figures["killed_s"] = time.perf_counter() - started
    await model.close()
    return figures


def rounded(value: object) -> object:
    """Numbers with three digits."""
    return round(value, 3) if isinstance(value, float) else value


if __name__ == "__main__":
    sys.exit(main())
