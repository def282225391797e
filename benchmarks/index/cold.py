"""Indexing from nothing: seconds, memory, size."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import psutil

from devflow.retrieval.store import index_directory

from . import corpora
from .worker import on_disk, plain, watched


async def cold(root: Path, cache: Path, *, vectors: bool = True) -> dict[str, Any]:
    """Index `root` from nothing. `serving`: symbols, text and every usage model are there."""
    shutil.rmtree(cache, ignore_errors=True)
    begun = time.time()
    async with watched(root, vectors=vectors, cache=cache) as seen:
        settled = await seen.settled()
        usage = [second for what, second in seen.seconds.items() if what.startswith("usage")]
        [status] = await seen.worker.status(30)
        counts = plain(status)
        cpu = psutil.Process(seen.worker.pid).cpu_times()
        resting = psutil.Process(seen.worker.pid).memory_info().rss >> 20
    directory = index_directory(root)
    return {
        "begun": round(begun),
        "ready_s": seen.seconds.get("ready"),
        "serving_s": max([seen.seconds.get("ready", 0.0), *usage]),
        "all_s": round(settled, 2),
        "vectors": vectors,
        "cpu_s": round(sum(cpu[:4]), 1),
        "peak_worker_mib": seen.memory["worker"],
        "peak_tree_mib": seen.memory["tree"],
        "worker_after_mib": resting,
        "disk": on_disk(directory),
        "source": corpora.size(root),
        "lines": corpora.lines(root),
        "index": counts,
        "problems": seen.problems,
    }
