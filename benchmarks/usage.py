"""The usage model at ten million tokens: what it costs to build, to ask and to keep.

`python benchmarks/usage.py [TOKENS]` lexes Python's own library and the packages beside this interpreter up
to that many tokens (10,000,000), builds the model of them as the index does, opens it in a fresh process, and
prints one JSON object. Seconds are of one core's time (`process_time`). Questions are asked at places drawn
from 200 of the files, the file itself left out as an open document is: a question pays for forgetting, too.
"""

from __future__ import annotations

import json
import random
import resource
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from devflow.analysis.tokens import scan
from devflow.analysis.usage.lines import rests
from devflow.analysis.usage.live import Live, lexed
from devflow.analysis.usage.store import Lexed, load, update
from devflow.analysis.usage.vocabulary import Numbering

TOKENS = 10_000_000
SEED = 20
ASKED, FILES = 2_000, 200
_LONGEST = 400_000
"""Bytes; larger files are data."""


def sources() -> Iterator[tuple[str, str]]:
    """Path and text of Python files: the standard library's, then those of installed packages."""
    for key in ("stdlib", "purelib"):
        root = Path(sysconfig.get_path(key))
        for path in sorted(root.rglob("*.py")):
            if (key == "stdlib" and "site-packages" in path.parts) or path.stat().st_size > _LONGEST:
                continue
            yield str(path), path.read_text(encoding="utf-8", errors="replace")


def build(folder: Path, tokens: int) -> dict[str, float]:
    """Build the model in `folder`, and say what that took."""
    lexing, total = 0.0, 0
    files: dict[str, Lexed] = {}
    for path, text in sources():
        started = time.process_time()
        texts, spaces = scan(text, "python")
        lexing += time.process_time() - started
        files[path] = Lexed(texts, spaces, path)
        total += len(texts)
        if total >= tokens:
            break
    started = time.process_time()
    update(folder, {path: path for path in files}, files.pop)
    building = time.process_time() - started
    changed, text = next(iter(sources()))
    state = {entry.path: entry.digest for segment in load(folder).segments for entry in segment.files}
    started = time.process_time()
    update(folder, state | {changed: "new"}, lambda _: Lexed(*scan(text, "python"), "new"))
    saving = time.process_time() - started
    return {
        "tokens": total,
        "build_s_per_10m": round(building / total * 1e7, 2),
        "lexing_s_per_10m": round(lexing / total * 1e7, 2),
        "one_file_saved_s": round(saving, 3),
    }


def asked(folder: Path) -> dict[str, Any]:
    """Open the model in `folder` and ask it. Run in a process of its own: memory is this process's."""
    load(folder).next_tokens(["self", "."])  # so that what is imported on the way is not counted
    chance = random.Random(SEED)
    model = load(folder)
    entries = [(entry.path, entry.size) for segment in model.segments for entry in segment.files]
    chosen = chance.sample([path for path, size in entries if size > 300], FILES)
    del model
    before = resident()
    started = time.perf_counter()
    model = load(folder)
    opening = time.perf_counter() - started
    numbering = Numbering(model.vocabulary)
    figures: dict[str, list[float]] = {"query": [], "names": [], "rest_of_line": [], "edit": []}
    right = 0
    for path in chosen:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
        file = lexed(text, "python", numbering)
        texts, _ = scan(text, "python")
        for at in chance.sample(range(40, len(texts)), ASKED // FILES):
            here = text[: int(file.ends[at - 1])]
            with timed(figures["edit"]):
                edited = lexed(here + text[len(here) + 5 :], "python", numbering, file)
                now = model.now(Live.of({"open": edited}), (path, "open"))
            now = model.now(None, (path,))
            context = texts[at - 40 : at]
            with timed(figures["query"]):
                found = now.next_tokens(context)
            with timed(figures["names"]):
                now.following(context).probabilities([token for token, _ in found.tokens] * 10)
            with timed(figures["rest_of_line"]):
                rests([now], context)
            right += bool(found.tokens) and found.tokens[0][0] == texts[at]
    return {
        "next_token_right": round(right / len(figures["query"]), 3),
        "open_ms": round(opening * 1e3, 1),
        "bytes_per_token": round((resident() - before) / len(model), 2),
        "disk_bytes_per_token": round(
            sum(each.stat().st_size for each in folder.rglob("*") if each.is_file()) / len(model), 2
        ),
    } | {f"{name}_ms": spread(values) for name, values in figures.items()}


@contextmanager
def timed(values: list[float]) -> Iterator[None]:
    """Append the milliseconds the block takes."""
    started = time.perf_counter()
    yield
    values.append((time.perf_counter() - started) * 1e3)


def spread(values: list[float]) -> dict[str, float]:
    """The middle, the 95th percentile and the largest of `values`."""
    ordered = sorted(values)
    return {
        "p50": round(statistics.median(ordered), 3),
        "p95": round(ordered[len(ordered) * 95 // 100], 3),
        "max": round(ordered[-1], 3),
    }


def resident() -> int:
    """Bytes of this process in memory, mapped files included (Linux)."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * resource.getpagesize()


def main() -> None:
    """Build, then ask in a fresh process."""
    if len(sys.argv) == 3:
        print(json.dumps(asked(Path(sys.argv[2]))))
        return
    tokens = int(sys.argv[1]) if len(sys.argv) > 1 else TOKENS
    with tempfile.TemporaryDirectory() as name:
        found = build(Path(name), tokens)
        done = subprocess.run(
            [sys.executable, __file__, "ask", name], capture_output=True, text=True, check=True
        )
        print(json.dumps(found | json.loads(done.stdout), indent=1))


if __name__ == "__main__":
    main()
