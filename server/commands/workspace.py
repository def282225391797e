"""What the commands share: the root, the settings of a terminal user, an index that is up to date."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from devflow.server.roots import everything_in
from devflow.server.settings import FILE_NAME, Settings
from devflow.server.sources import load

if TYPE_CHECKING:
    from rich.console import Console

    from devflow.retrieval.base import IndexStatus
    from devflow.retrieval.index import Index
    from devflow.server.assist.base import Codebase


def root_of(given: Path, console: Console) -> Path | None:
    """The workspace root: the folder given, or the repository it lies in. None, and a sentence on
    the console, when there is no such folder, or it is everything that somebody has."""
    try:
        if not given.is_dir():
            console.print(f"{str(given)!r} is not a folder; name the folder of a workspace.")
            return None
        root = given.resolve()
        next(root.iterdir(), None)
    except OSError as error:
        console.print(f"{str(given)!r} cannot be read ({error.strerror}); name a folder of your own.")
        return None
    if given == Path():
        for folder in (root, *root.parents):
            if (folder / ".git").exists() or (folder / FILE_NAME).is_file():
                return folder
    if everything := everything_in(root):
        console.print(
            f"{str(root)!r} is {everything}; name the folder of a project, or put a {FILE_NAME} there."
        )
        return None
    return root


def outside(files: Sequence[Path], roots: Sequence[Path], console: Console) -> bool:
    """Whether one of the files of `--near` is in none of the roots; a sentence on the console says which."""
    strange = [file for file in files if not any(file.is_relative_to(root) for root in roots)]
    for file in strange:
        console.print(
            f"--near {str(file)!r} is not in {', '.join(map(str, roots))}; name a file of the workspace."
        )
    return bool(strange)


def settings_of(root: Path, console: Console) -> Settings:
    """The settings as they hold in a terminal; their problems go to the console."""
    settings, problems = load([root])
    for problem in problems:
        console.print(problem)
    return settings


async def build_with_progress(
    root: Path, settings: Settings, console: Console, *, rebuild: bool = False, check_vectors: bool = False
) -> IndexStatus:
    """Index `root` in this process, with a progress bar on a terminal; as `retrieval.build.build`."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from devflow.retrieval.build import build
    from devflow.server.vectors import vector_options

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,  # it would leave an empty line there
    ) as progress:
        task = progress.add_task("indexing", total=None)

        def show(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        return await build(
            root,
            settings.index,
            show,
            rebuild=rebuild,
            vectors=vector_options(settings, os.environ),
            check_vectors=check_vectors,
        )


@asynccontextmanager
async def open_index(root: Path, settings: Settings, console: Console) -> AsyncIterator[Index]:
    """The index of `root` for one command, brought up to date."""
    from devflow.retrieval.chroma import INSTEAD
    from devflow.retrieval.index import Index
    from devflow.retrieval.local import FEW, local_vectors
    from devflow.server.vectors import vector_options

    status = await build_with_progress(root, settings, console)
    if status.problem:
        console.print(status.problem)
    options = vector_options(settings, os.environ)
    async with AsyncExitStack() as stack:
        vectors, problem = None, ""
        if not status.problem.endswith(INSTEAD):  # else they were waited for just now
            vectors, problem = await stack.enter_async_context(local_vectors(root, options, few=FEW))
        if problem and settings.index.vectors and problem != status.problem:
            console.print(problem)
        index = await Index.open([root], vectors)
        try:
            yield index
        finally:
            await index.close()


@asynccontextmanager
async def codebase(root: Path, settings: Settings, console: Console) -> AsyncIterator[Codebase]:
    """The codebase for one command: an index brought up to date, and the user's models."""
    from devflow.server.assist.base import Codebase
    from devflow.server.files import FileTexts
    from devflow.server.models import build_router

    async with open_index(root, settings, console) as index:
        router = build_router(settings.models.within(str(root)), os.environ)
        try:
            yield Codebase(roots=(root,), texts=FileTexts(), index=index, models=router)
        finally:
            await router.close()
