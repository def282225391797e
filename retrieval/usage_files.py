"""The usage models beside the store: one per language, brought up to date after files have changed.

A merge holds every token of the workspace for seconds and must not slow the worker's answers, so this is
done by a process of its own (`python -m devflow.retrieval.usage_files`), which also gives the memory back.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath

from devflow.analysis.languages import language_named, language_of
from devflow.retrieval.store import DATABASE, Reader

log = logging.getLogger(__name__)

QUIET = 3.0
"""Seconds without a change before an update; at least `_SHARE` times as long as the last one took."""
_SHARE = 10


def usage_directory(directory: Path, language: str) -> Path | None:
    """Where the usage model of `language` lies in an index's folder, None while there is none."""
    from devflow.analysis.usage.store import state

    folder = directory / "usage" / language
    return folder if state(folder) is not None else None


class UsageBuilder:
    """Decides when to build, and runs the builds one after the other."""

    def __init__(
        self,
        root: Path,
        directory: Path,
        built: Callable[[str, Path], None],
        turn: asyncio.Lock | None = None,
    ) -> None:
        """`turn` is held while something is built."""
        self.busy = False
        """A first build is wanted or running."""
        self._root = root
        self._directory = directory
        self._built = built
        self._turn = turn or asyncio.Lock()
        self._dirty: dict[str, int] = {}
        self._ahead: dict[str, list[str]] = {}
        self._known: set[str] = set()
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
                    "SELECT language, max(generation), count(*) FROM files WHERE language <> '' "
                    "GROUP BY language"
                )
            )
        from devflow.analysis.usage.store import state

        for language, generation, files in rows:
            if not _has_syntax(language):
                continue
            self._known.add(language)
            found = await asyncio.to_thread(state, self._directory / language)
            # Of files left out for their size there may be fewer; looking again costs little.
            if found is None or found.generation < generation or found.files != files:
                self._dirty[language] = generation
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="usage models")

    async def begin(self, paths: Iterable[str]) -> None:
        """A first walk is about to index these files: lex and sort them beside it, where a language has no
        model yet. What the walk then leaves out is taken out again when it is done."""
        found: dict[str, list[str]] = {}
        for path in paths:
            language = language_of(PurePosixPath(path))
            if language is not None and language.grammar is not None:
                found.setdefault(language.name, []).append(path)
        for name, files in found.items():
            if await asyncio.to_thread(usage_directory, self._directory.parent, name) is None:
                self._ahead[name] = files
        self._wake.set()

    def changed(self, languages: Iterable[str], generation: int) -> None:
        """Files of these languages were written."""
        for language in languages:
            if _has_syntax(language):
                self._known.add(language)
                self._dirty[language] = generation
        if self._settled:
            self._not_before = max(self._not_before, time.monotonic() + QUIET)
            self._wake.set()

    def deleted(self, generation: int) -> None:
        """Files were forgotten, of whatever language."""
        self.changed(self._known, generation)

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
            while self._ahead:
                language, paths = self._ahead.popitem()
                async with self._turn:
                    await self._build(language, 0, paths)
            if not self._settled:
                continue
            wait = self._not_before - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
                self._wake.set()
                continue
            dirty, self._dirty = self._dirty, {}
            took = 0.0
            for language, generation in dirty.items():
                async with self._turn:
                    started = time.monotonic()
                    await self._build(language, generation)
                    took += time.monotonic() - started
            self._not_before = time.monotonic() + _SHARE * took
            self.busy = False

    async def _build(self, language: str, generation: int, paths: list[str] | None = None) -> None:
        """`paths`: the files, where the store does not have them yet."""
        target = self._directory / language
        told = b"" if paths is None else json.dumps(paths).encode()
        try:
            process = await asyncio.create_subprocess_exec(
                # -P: the working folder may be the workspace, and none of its modules may be imported.
                *(sys.executable, "-P", "-m", "devflow.retrieval.usage_files"),
                *(str(self._root), str(self._directory.parent), language, str(generation)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            log.warning("no usage model for %s: %s", language, error)
            return
        try:
            _, complaint = await process.communicate(told)
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.returncode != 0:
            lines = complaint.decode("utf-8", "replace").strip().splitlines()
            log.warning("no usage model for %s: %s", language, lines[-1] if lines else process.returncode)
            return
        self._built(language, target)


def main(root: Path, directory: Path, language: str, generation: int) -> None:
    """Bring the usage model of one language up to date with the files the store lists, or, before it has
    them, with those told as JSON on stdin."""
    from devflow.analysis.tokens import scan
    from devflow.analysis.usage.store import Lexed, update
    from devflow.retrieval.walk import Found, IndexOptions, Skip, read

    with contextlib.suppress(OSError, AttributeError):
        os.nice(15)
    os.umask(0o077)
    told = sys.stdin.buffer.read()
    files = dict.fromkeys(json.loads(told), "") if told else _stored(directory, language)

    def lexed(path: str) -> Lexed | None:
        # The store may hold the text of an open document; this is what is saved, under its own digest.
        options = IndexOptions(max_file_bytes=10**8, max_line_length=10**8)
        source = read(Found(root / path, path, 0, 0), options)
        if isinstance(source, Skip):
            return None
        return Lexed(*scan(source.text, language), source.digest.hex().upper())

    update(directory / "usage" / language, files, lexed, generation)


def _stored(directory: Path, language: str) -> dict[str, str]:
    """The files of a language that the store lists, with their digests."""
    with contextlib.closing(sqlite3.connect(f"{(directory / DATABASE).as_uri()}?mode=ro", uri=True)) as db:
        rows = db.execute("SELECT path, hex(digest) FROM files WHERE language = ? ORDER BY path", (language,))
        return dict(rows)


def _has_syntax(name: str) -> bool:
    language = language_named(name)
    return language is not None and language.grammar is not None


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
