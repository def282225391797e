"""The usage models beside the store: one per language, built again after the files have changed.

A build holds every token of the workspace for seconds and must not slow the worker's answers, so it is a
process of its own (`python -m devflow.retrieval.usage_files`), which also gives the memory back.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from devflow.analysis.languages import language_named
from devflow.retrieval.store import DATABASE, Reader
from devflow.retrieval.walk import Found, IndexOptions, Skip, read

if TYPE_CHECKING:
    from devflow.analysis.tokens import Token

log = logging.getLogger(__name__)

QUIET = 3.0
"""Seconds without a change before a rebuild; at least `_SHARE` times as long as the last build took."""
_SHARE = 10
_MOST_BYTES = 64_000_000
"""Of source per language: bounds a build's memory. The largest workspaces are sampled."""


def usage_directory(directory: Path, language: str) -> Path | None:
    """The newest usage model of `language` in an index's folder, None while there is none."""
    generations = _generations(directory / "usage" / language)
    return generations[-1] if generations else None


class UsageBuilder:
    """Decides when to build, and runs the builds one after the other."""

    def __init__(self, root: Path, directory: Path, built: Callable[[str, Path], None]) -> None:
        self.busy = False
        """A first build is wanted or running."""
        self._root = root
        self._directory = directory
        self._built = built
        self._dirty: dict[str, int] = {}
        self._not_before = 0.0
        self._settled = False
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self, reader: Reader) -> None:
        """Find out what changed while nobody looked."""
        async with reader.snapshot() as db:
            rows = (
                []
                if db is None
                else await db.execute_fetchall(
                    "SELECT language, max(generation) FROM files WHERE language <> '' GROUP BY language"
                )
            )
        for language, generation in rows:
            if not _has_syntax(language):
                continue
            newest = usage_directory(self._directory.parent, language)
            if newest is None or int(newest.name) < generation:
                self._dirty[language] = generation
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="usage models")

    def changed(self, languages: Iterable[str], generation: int) -> None:
        """Files of these languages were written."""
        for language in languages:
            if _has_syntax(language):
                self._dirty[language] = generation
        if self._settled:
            self._not_before = max(self._not_before, time.monotonic() + QUIET)
            self._wake.set()

    def settle(self) -> None:
        """The walk is done: build what is missing now."""
        self._settled = True
        self.busy = bool(self._dirty)
        self._wake.set()

    async def stop(self) -> None:
        """End a running build; what it was to replace stays."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            wait = self._not_before - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
                self._wake.set()
                continue
            dirty, self._dirty = self._dirty, {}
            started = time.monotonic()
            for language, generation in dirty.items():
                await self._build(language, generation)
            self._not_before = time.monotonic() + _SHARE * (time.monotonic() - started)
            self.busy = False

    async def _build(self, language: str, generation: int) -> None:
        target = self._directory / language / str(generation)
        try:
            process = await asyncio.create_subprocess_exec(
                # -P: the working folder may be the workspace, and none of its modules may be imported.
                *(sys.executable, "-P", "-m", "devflow.retrieval.usage_files"),
                *(str(self._root), str(self._directory.parent), language, str(target)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            log.warning("no usage model for %s: %s", language, error)
            return
        try:
            _, complaint = await process.communicate()
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.returncode != 0:
            lines = complaint.decode("utf-8", "replace").strip().splitlines()
            log.warning("no usage model for %s: %s", language, lines[-1] if lines else process.returncode)
            return
        for old in _generations(target.parent)[:-1]:
            await asyncio.to_thread(shutil.rmtree, old, ignore_errors=True)
        self._built(language, target)


def main(root: Path, directory: Path, language: str, target: Path) -> None:
    """Build the usage model of one language from the files the store lists."""
    from devflow.analysis.usage import UsageModel

    with contextlib.suppress(OSError, AttributeError):
        os.nice(15)
    os.umask(0o077)
    target.parent.mkdir(parents=True, exist_ok=True)
    for leftover in target.parent.glob("building-*"):  # of a build that was killed
        shutil.rmtree(leftover, ignore_errors=True)
    building = target.with_name(f"building-{os.getpid()}")
    UsageModel.build(_lexed(root, directory / DATABASE, language)).save(building)
    shutil.rmtree(target, ignore_errors=True)
    building.rename(target)


def _lexed(root: Path, database: Path, language: str) -> Iterator[list[Token]]:
    from devflow.analysis.tokens import lex

    with contextlib.closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as db:
        paths = [row[0] for row in db.execute("SELECT path FROM files WHERE language = ?", (language,))]
    read_bytes = 0
    for path in paths:
        source = read(
            Found(root / path, path, 0, 0), IndexOptions(max_file_bytes=10**8, max_line_length=10**8)
        )
        if isinstance(source, Skip):
            continue
        read_bytes += len(source.text)
        if read_bytes > _MOST_BYTES:
            return
        yield lex(source.text, language)


def _has_syntax(name: str) -> bool:
    language = language_named(name)
    return language is not None and language.grammar is not None


def _generations(folder: Path) -> list[Path]:
    try:
        found = [path for path in folder.iterdir() if path.name.isdigit()]
    except OSError:
        return []
    return sorted(found, key=lambda path: int(path.name))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
