"""What the commands share: the root, the settings of a terminal user, an index that is up to date."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from devflow.server.settings import FILE_NAME, Settings, read_file, resolve

if TYPE_CHECKING:
    from rich.console import Console

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


def user_file() -> Path:
    """The user's own `devflow.toml`."""
    import platformdirs

    return Path(platformdirs.user_config_path("devflow")) / FILE_NAME


def settings_of(root: Path | None) -> tuple[Settings, list[str]]:
    """The settings as they hold in a terminal: the user's file, then the workspace's."""
    sources = []
    problems = []
    for path, trusted in ((user_file(), True), (root / FILE_NAME if root else None, False)):
        if path is None:
            continue
        source, problem = read_file(path, trusted=trusted)
        if source is not None:
            sources.append(source)
        if problem:
            problems.append(problem)
    settings, more = resolve(*sources)
    return settings, problems + more


async def build_with_progress(root: Path, console: Console, *, rebuild: bool = False) -> IndexStatus:
    """Index `root` in this process, with a progress bar on a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from devflow.retrieval.index import build

    settings, problems = settings_of(root)
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
    from devflow.analysis.text import Text
    from devflow.retrieval.index import Index
    from devflow.server.assist.base import Codebase
    from devflow.server.models import build_router

    class Disk:
        async def text_of(self, path: Path) -> Text | None:
            try:
                return Text(await asyncio.to_thread(path.read_text, "utf-8", errors="replace"))
            except OSError:
                return None

    settings, _ = settings_of(root)
    status = await build_with_progress(root, console)
    if status.problem:
        console.print(status.problem)
    index = await Index.open([root], None)
    router = build_router(settings.models, os.environ)
    try:
        yield Codebase(roots=(root,), texts=Disk(), index=index, models=router)
    finally:
        await router.close()
        await index.close()
