"""Whether this machine has the memory for a model just now, and which other processes hold one."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from devflow.models.base import ModelSpec
from devflow.models.errors import NoRoom

WORKER = "devflow.server.workers.model"
_GIGA = 2**30


def no_room(spec: ModelSpec, layers: int, on_gpu: int = 0) -> NoRoom | None:
    """The complaint when a GGUF file of so many layers, without those on a GPU, is larger than the memory
    that is free. The file is mapped: its pages in the system's cache count as free, also those that another
    process has mapped, which are shared."""
    import psutil

    path = Path(spec.model).expanduser()
    if on_gpu >= layers > 0 or (on_gpu and not layers):
        return None
    try:
        needed, free = path.stat().st_size, psutil.virtual_memory().available
    except OSError:
        return None
    if on_gpu:
        needed = needed * (layers - on_gpu) // layers
    if needed <= free:
        return None
    return NoRoom(
        f"{spec.name} needs about {needed / _GIGA:.1f} GiB of memory for {path} and {free / _GIGA:.1f} are "
        f"free{held()}; close what holds memory, or use a smaller model."
    )


def held() -> str:
    """What other model workers on this machine hold in memory, as the end of a sentence; "" without one."""
    import psutil

    said = ""
    for process in psutil.process_iter(["pid", "cmdline", "memory_info"]):
        with contextlib.suppress(psutil.Error):
            about = process.info
            if WORKER in (about["cmdline"] or ()) and about["pid"] != os.getpid():
                size = about["memory_info"].rss / _GIGA if about["memory_info"] else 0.0
                said += f", another DevFlow process ({about['pid']}) holds a model with {size:.1f} GiB"
    return said
