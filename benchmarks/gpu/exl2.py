"""Checks the EXL2 engine on a machine with an NVIDIA GPU and prints its speed as one line of JSON.

    python benchmarks/gpu/exl2.py /models/Qwen2.5-Coder-1.5B-exl2

Fills a hole twice (the same answer both times), cancels one generation, and measures load, first token,
tokens per second and the time from cancel to stop.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from pathlib import Path

from devflow.models.base import FillRequest, ModelSpec
from devflow.models.engines import exllamav2
from devflow.models.engines.native import family, fitting_prompt
from devflow.models.errors import ModelError

SOURCE = Path(__file__).read_text("utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("model", help="folder of an EXL2 model")
    parser.add_argument("--family", default="", help="model family, when the folder's name does not tell")
    parser.add_argument("--context", type=int, default=4096)
    parser.add_argument("--tokens", type=int, default=128)
    arguments = parser.parse_args()
    spec = ModelSpec("gpu", "exllamav2", arguments.model, family=arguments.family, context=arguments.context)
    started = time.perf_counter()
    try:
        engine = exllamav2.load(spec)
    except ModelError as error:
        print(error, file=sys.stderr)
        return 1
    loaded = time.perf_counter() - started

    middle = len(SOURCE) // 2
    request = FillRequest(SOURCE[:middle], SOURCE[middle:], path="exl2.py", max_tokens=arguments.tokens)
    prompt, max_tokens = fitting_prompt(engine, family(spec), request)
    answers: list[str] = []
    first = total = 0.0
    for _ in range(2):
        started = time.perf_counter()
        pieces: list[str] = []
        for piece in engine.generate(prompt, max_tokens, 0.0, lambda: False):
            if not pieces:
                first = time.perf_counter() - started
            pieces.append(piece)
        total = time.perf_counter() - started
        answers.append("".join(pieces))

    cancel = threading.Event()
    at = 0.0
    for number, _ in enumerate(engine.generate(prompt, max_tokens, 0.0, cancel.is_set)):
        if number == 4:
            at = time.perf_counter()
            cancel.set()
    stopped = (time.perf_counter() - at) * 1000 if at else None

    print(
        json.dumps(
            {
                "model": Path(arguments.model).name,
                "load_s": round(loaded, 2),
                "prompt_tokens": engine.count(prompt),
                "first_token_ms": round(first * 1000, 1),
                "pieces_per_s": round(len(pieces) / total, 1) if total else None,
                "cancel_ms": round(stopped, 1) if stopped is not None else None,
                "same_twice": answers[0] == answers[1],
                "answer_characters": len(answers[0]),
            }
        )
    )
    return 0 if answers[0] and answers[0] == answers[1] and (stopped is None or stopped < 50) else 1


if __name__ == "__main__":
    sys.exit(main())
