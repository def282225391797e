"""One index brought up to date once, behind `devflow index`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from devflow.retrieval.base import IndexStatus, VectorOptions
from devflow.retrieval.indexer import Events, RootIndexer
from devflow.retrieval.walk import IndexSettings


async def build(
    root: Path,
    settings: IndexSettings,
    progress: Callable[[int, int], None] | None = None,
    *,
    rebuild: bool = False,
    vectors: VectorOptions = VectorOptions(),  # noqa: B008  # frozen
    check_vectors: bool = False,
) -> IndexStatus:
    """Bring the index of `root` up to date and return its state; `elsewhere` at once when another
    process is at it, `failed` with a sentence when nothing can be written. `rebuild` starts from nothing;
    `check_vectors` makes again the vectors that were lost, which opens them (a second)."""
    indexer = RootIndexer(
        root,
        settings,
        Events(progress=progress or (lambda done, total: None)),
        background=False,  # somebody waits for it
        usage=False,  # the server makes the usage models it needs
        rebuild=rebuild,
        vectors=vectors,
        check_vectors=check_vectors,
    )
    running = asyncio.create_task(indexer.run())
    settled = asyncio.create_task(indexer.settled())
    try:
        await asyncio.wait({running, settled}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
        return await indexer.status()
    finally:
        running.cancel()
        settled.cancel()
        await asyncio.gather(running, settled, return_exceptions=True)
