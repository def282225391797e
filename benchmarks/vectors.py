"""How fast vectors are made, kept and found: `python benchmarks/vectors.py ROOT`, for an indexed ROOT.

Prints, for the chunks of ROOT's index: chunks/s of devflow-static, processor and wall time of adding all of
them to a Chroma folder, the median and 95th percentile of 200 questions, and the memory of the process.
Run it on a quiet machine, with `OPENBLAS_NUM_THREADS=1`.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import tempfile
import time
from pathlib import Path

from devflow.retrieval.embedders.static import StaticEmbedder
from devflow.retrieval.store import Reader, index_directory
from devflow.retrieval.vectors import open_vectors

AT_ONCE = 512
QUESTIONS = (
    "where are devices registered",
    "parse the configuration file",
    "send a notification to the user",
    "retry when the connection fails",
    "convert a value between units",
)


async def chunks_of(root: Path) -> tuple[list[int], list[str]]:
    """Ids and texts, as the embedder is given them."""
    reader = Reader(index_directory(root))
    try:
        rows = await reader.rows(
            "SELECT c.id, f.path || ' ' || c.symbol || char(10) || c.text FROM chunks c "
            "JOIN files f ON f.id = c.file ORDER BY c.id",
            (),
        )
    finally:
        await reader.close()
    return [row[0] for row in rows], [row[1] for row in rows]


def main(root: Path) -> None:
    """Measure and print."""
    ids, texts = asyncio.run(chunks_of(root))
    if not ids:
        raise SystemExit(f"{root} has no index; make one with `devflow index {root}`.")
    embedder = StaticEmbedder()
    started = time.process_time()
    embedder.embed(texts[:20_000])
    print(f"embedding: {len(texts[:20_000]) / (time.process_time() - started):,.0f} chunks/s of one core")
    with tempfile.TemporaryDirectory() as folder:
        vectors = open_vectors(Path(folder) / "chroma", "benchmark", embedder)
        spent, started = time.process_time(), time.perf_counter()
        for at in range(0, len(ids), AT_ONCE):
            vectors.add(ids[at : at + AT_ONCE], texts[at : at + AT_ONCE])
        wall, spent = time.perf_counter() - started, time.process_time() - spent
        print(f"embedding and adding {len(ids):,} chunks: {spent:.1f} s of processor time, {wall:.1f} s")
        took = []
        for at in range(200):
            started = time.perf_counter()
            vectors.nearest(f"{QUESTIONS[at % len(QUESTIONS)]} {at}", 60)
            took.append(1_000 * (time.perf_counter() - started))
        took.sort()
        print(f"nearest: median {took[100]:.1f} ms, p95 {took[190]:.1f} ms")
        vectors.close()
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"memory: {most:,.0f} MiB at most, texts included")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
