"""What a process and everything below it uses, and what the machine is doing besides."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from pathlib import Path

import psutil


def tree(pid: int) -> Iterator[psutil.Process]:
    """The process and all its descendants that are still there."""
    try:
        top = psutil.Process(pid)
        yield top
        yield from top.children(recursive=True)
    except psutil.NoSuchProcess:
        return


def cpu_seconds(pid: int) -> float:
    """Seconds of CPU the tree has used, as far as its processes still live."""
    total = 0.0
    for process in tree(pid):
        try:
            used = process.cpu_times()
            total += used.user + used.system
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return total


def memory(pid: int) -> dict[str, float]:
    """MiB of the whole tree: `rss` counts what processes share in each of them, `pss` once."""
    rss = pss = 0
    count = 0
    for process in tree(pid):
        try:
            full = process.memory_full_info()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        rss += full.rss
        pss += getattr(full, "pss", full.rss)
        count += 1
    return {"rss_mib": round(rss / 2**20, 1), "pss_mib": round(pss / 2**20, 1), "processes": count}


def machine() -> dict[str, str | int | float]:
    """What the figures were taken on; no name that would tell whose it is."""
    info = Path("/proc/cpuinfo")
    model = ""
    if info.exists():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else ""
    return {
        "cpu": model or platform.processor() or platform.machine(),
        "cores": os.cpu_count() or 1,
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def load() -> float:
    """How many processes wanted a core over the last minute."""
    return round(os.getloadavg()[0], 2)
