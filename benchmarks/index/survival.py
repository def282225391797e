"""Kills at random moments and the replay of a history: what is in the index must be what a fresh one has."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from devflow.retrieval.indexer import RootIndexer
from devflow.retrieval.store import index_directory
from devflow.retrieval.walk import IndexOptions

from . import corpora
from .content import content, difference
from .worker import watched

RICH = """9.0.0 9.5.0 9.10.0 9.13.0 10.0.0 10.2.0 10.4.0 10.6.0 10.8.0 10.10.0 10.12.0 10.14.0
    10.16.0 11.0.0 11.2.0 12.0.0 12.2.0 12.4.0 12.5.0 12.6.0 13.0.0 13.2.0 13.4.0 13.5.0 13.6.0 13.7.0 13.8.0
    13.9.0 14.0.0""".split()  # noqa: SIM905
_TEXT = IndexOptions(vectors=False)


def history(scratch: Path, commits: int) -> tuple[Path, list[str]]:
    """A git repository of one package's releases, and its commits, oldest first. Between two releases their
    difference is committed in pieces of some files, so that each commit changes what was really changed.
    Raises corpora.Missing."""
    root = scratch / f"history-{commits}"
    if not (root / ".git" / "made").exists():
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(parents=True)
        _git(root, "init", "-q")
        rnd = random.Random(5)
        made = 0
        for release in corpora.releases(scratch, "rich", RICH):
            changes = _changes(root, release)
            rnd.shuffle(changes)
            pieces = max(1, min(len(changes), commits * 2 // len(RICH)))
            for number in range(pieces):
                if made == commits:
                    break
                for path in changes[number::pieces]:
                    _take(root, release, path)
                _git(root, "add", "-A")
                _git(root, "commit", "-q", "--allow-empty", "-m", f"{release.name}, part {number + 1}")
                made += 1
        (root / ".git" / "made").touch()
    return root, _git(root, "rev-list", "--reverse", "--all").split()


async def replay(scratch: Path, commits: int, every: int) -> dict[str, Any]:
    """Check out one commit after the other under a live indexer; after `every` of them, and after the last,
    its store is compared with that of a fresh index."""
    repository, revisions = history(scratch, commits)
    root = scratch / "replayed"
    shutil.rmtree(root, ignore_errors=True)
    _git(scratch, "clone", "-q", str(repository), str(root))
    _git(root, "checkout", "-q", revisions[0])
    compared, differences, files = 0, [], 0
    begun = time.monotonic()
    directory = scratch / "replayed-index"
    shutil.rmtree(directory, ignore_errors=True)
    async with _indexing(root, directory) as indexer:
        for number, revision in enumerate(revisions):
            if number:
                named = _git(root, "diff", "--name-only", "--no-renames", revisions[number - 1], revision)
                _git(root, "checkout", "-q", revision)
                paths = [root / name for name in named.splitlines()]
                files += len(paths)
                indexer.update(paths)
            await indexer.settled()
            if number % every == every - 1 or number == len(revisions) - 1:
                fresh = scratch / "replayed-fresh"
                shutil.rmtree(fresh, ignore_errors=True)
                async with _indexing(root, fresh) as other:
                    await other.settled()
                said = difference(content(directory), content(fresh))
                compared += 1
                if said:
                    differences.append(f"{revision[:8]}: {said}")
    return {
        "commits": len(revisions),
        "files_changed": files,
        "compared": compared,
        "different": len(differences),
        "first_difference": (differences or [""])[0],
        "seconds": round(time.monotonic() - begun, 1),
        "history": f"{len(RICH)} releases of rich, each difference committed in pieces",
    }


async def kills(scratch: Path, count: int, root: Path, cache: Path, seed: int = 7) -> dict[str, Any]:
    """Kill the worker at random moments while it indexes, files changing in between. Ten kills, then the
    rest is indexed and compared with a fresh index; then from nothing again."""
    rnd = random.Random(seed)
    work = scratch / "killed"
    differences: list[str] = []
    moments: dict[str, int] = {}
    resumed, length = 0, await _length(root, cache)
    done = 0
    while done < count:
        shutil.rmtree(work, ignore_errors=True)
        shutil.rmtree(cache, ignore_errors=True)
        shutil.copytree(root, work)
        at_most = 0
        for _ in range(min(10, count - done)):
            async with watched(work, vectors=False, cache=cache) as seen:
                await asyncio.sleep(rnd.uniform(0, length / 3))
                moment = next(reversed(seen.seconds), "opening")
                moments[moment] = moments.get(moment, 0) + 1
                resumed += bool(seen.total and at_most and seen.total < at_most)
                at_most = max(at_most, seen.total)
                with contextlib.suppress(ProcessLookupError, TypeError):
                    os.kill(seen.worker.pid or 0, signal.SIGKILL)
            done += 1
            _edit(work, rnd)
        async with watched(work, vectors=False, cache=cache) as seen:
            await seen.settled()
        killed = content(index_directory(work))
        shutil.rmtree(cache)
        async with watched(work, vectors=False, cache=cache) as seen:
            await seen.settled()
        print(f"{done} of {count} kills", file=sys.stderr)
        if said := difference(killed, content(index_directory(work))):
            differences.append(said)
    return {
        "kills": done,
        "moments": moments,
        "resumed_with_less_to_do": resumed,
        "different": len(differences),
        "first_difference": (differences or [""])[0],
    }


async def _length(root: Path, cache: Path) -> float:
    shutil.rmtree(cache, ignore_errors=True)
    async with watched(root, vectors=False, cache=cache) as seen:
        return await seen.settled()


def _edit(root: Path, rnd: random.Random) -> None:
    """Change, add and delete a few files."""
    files = sorted(root.rglob("*.py"))
    for path in rnd.sample(files, 5):
        path.write_text(
            path.read_text("utf-8") + f"\n\ndef added_{rnd.randrange(10**6)}():\n    pass\n", "utf-8"
        )
    (root / f"new_{rnd.randrange(10**6)}.py").write_text("class New:\n    field = 1\n", "utf-8")
    rnd.choice(files).unlink()


@asynccontextmanager
async def _indexing(root: Path, directory: Path) -> AsyncIterator[RootIndexer]:
    indexer = RootIndexer(root, _TEXT, directory=directory, usage=False)
    task = asyncio.create_task(indexer.run())
    try:
        yield indexer
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _changes(root: Path, release: Path) -> list[str]:
    def files(folder: Path) -> dict[str, bytes]:
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and ".git" not in path.relative_to(folder).parts
        }

    old, new = files(root), files(release)
    return [path for path in sorted(old.keys() | new.keys()) if old.get(path) != new.get(path)]


def _take(root: Path, release: Path, path: str) -> None:
    if (release / path).exists():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(release / path, root / path)
    else:
        (root / path).unlink()


def _git(folder: Path, *arguments: str) -> str:
    who = {f"GIT_{role}_{part}": "bench" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    done = subprocess.run(
        ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True, env={**os.environ, **who}
    )
    return done.stdout
