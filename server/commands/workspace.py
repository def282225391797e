"""What the commands share: the root, the settings of a terminal user, an index that is up to date."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from devflow.server.settings import FILE_NAME, load

if TYPE_CHECKING:
    from rich.console import Console

    from devflow.analysis.text import Text
    from devflow.retrieval.base import IndexStatus
    from devflow.server.assist.base import Codebase


def root_of(given: Path, console: Console) -> Path | None:
    """The workspace root: the folder given, or the repository it lies in. None, and a sentence on
    the console, when there is no such folder."""
    if not given.is_dir():
        console.print(f"{str(given)!r} is not a folder; name the folder of a workspace.")
        return None
    root = given.resolve()
    if given == Path():
        for folder in (root, *root.parents):
            if (folder / ".git").exists() or (folder / FILE_NAME).is_file():
                return folder
    return root


async def build_with_progress(root: Path, console: Console, *, rebuild: bool = False) -> IndexStatus:
    """Index `root` in this process, with a progress bar on a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from devflow.retrieval.index import build

    settings, problems = await asyncio.to_thread(load, [root])
    for problem in problems:
        console.print(problem)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    ) as progress:
        task = progress.add_task("indexing", total=None)

        def show(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        return await build(root, settings.index, show, rebuild=rebuild)


@asynccontextmanager
async def codebase(root: Path, console: Console) -> AsyncIterator[Codebase]:
    """The codebase for one command: an index brought up to date, and the user's models."""
    from devflow.retrieval.index import Index
    from devflow.server.assist.base import Codebase
    from devflow.server.models import build_router

    settings, _ = await asyncio.to_thread(load, [root])
    status = await build_with_progress(root, console)
    if status.problem:
        console.print(status.problem)
    index = await Index.open([root], None)
    router = build_router(settings.models, os.environ)
    try:
        yield Codebase(roots=(root,), texts=_Disk(), index=index, models=router)
    finally:
        await router.close()
        await index.close()


class _Disk:
    """`assist.base.Texts` of a terminal: no document is open, and a file is read as well as it can be."""

    async def text_of(self, path: Path) -> Text | None:
        from devflow.analysis.text import Text

        try:
            return Text(await asyncio.to_thread(path.read_text, "utf-8", errors="replace"))
        except OSError:
            return None
