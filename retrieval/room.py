"""The room that indexes take: pages given back, and a budget over the indexes of all workspaces."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import aiosqlite
from filelock import FileLock, Timeout

log = logging.getLogger(__name__)

LOCK = "writer.lock"
_FREE_SHARE = 5
"""A store is cut when more than one page in so many is free."""
_FREE_PAGES = 256
_AT_ONCE = 1_024
"""Pages given back in a step: 4 MiB, some milliseconds."""


@dataclass(frozen=True, slots=True)
class Freed:
    """What making room did. `over`: bytes by which the indexes that are left exceed the budget."""

    removed: tuple[str, ...]
    over: int


def make_room(mib: int, live: Path) -> str:
    """`remove_former`, and `keep_within` as the setting has it; a sentence for the user when that was not
    enough. `live` is complete."""
    remove_former(live)
    freed = keep_within(mib << 20, live)
    if freed.over <= 0:
        return ""
    return (
        f"The indexes take {mib + (freed.over >> 20):,} MiB, more than index.max_disk_mib ({mib:,}): those "
        "that are left are in use. Raise it, or leave folders out with a .devflowignore file."
    )


async def tidy(db: aiosqlite.Connection) -> bool:
    """Give some free pages back to the disk; False when there are too few to matter."""
    [(free,)] = await db.execute_fetchall("PRAGMA freelist_count")
    [(pages,)] = await db.execute_fetchall("PRAGMA page_count")
    if free < _FREE_PAGES or free * _FREE_SHARE < pages:
        return False
    await db.execute_fetchall(f"PRAGMA incremental_vacuum({_AT_ONCE})")
    [(left,)] = await db.execute_fetchall("PRAGMA freelist_count")
    return bool(left < free)


def size(directory: Path) -> int:
    """Bytes of all files in an index's folder; what vanishes meanwhile counts nothing."""
    total = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(folder, name)).st_size  # noqa: PTH118 - by the thousand
    return total


def remove_former(live: Path) -> None:
    """Remove what former schemas kept of the workspace of `live`, unless a process has it locked. A newer
    schema's stays: a newer DevFlow may be in use beside this one."""
    version = _version(live.parent)
    for folder in live.parent.parent.glob(f"*/{live.name}"):
        former = -1 < _version(folder.parent) < version
        if former and folder.is_dir() and not folder.is_symlink() and _removed(folder):
            log.info("the index %s of a former version was removed", folder)
            with contextlib.suppress(OSError):  # there are those of other workspaces
                folder.parent.rmdir()


def _version(schema: Path) -> int:
    """The number of a schema's folder; -1 of what is none."""
    found = re.fullmatch(r"v(\d{1,9})", schema.name)
    return int(found[1]) if found else -1


def keep_within(budget: int, live: Path) -> Freed:
    """Remove indexes until all of them together take at most `budget` bytes: those of older schemas first,
    then those that were written longest ago. Never `live`, nor one that a process has locked."""
    others = sorted(
        (folder for folder in live.parent.parent.glob("*/*") if folder.is_dir() and not folder.is_symlink()),
        key=lambda folder: (folder.parent == live.parent, _used(folder)),
    )
    sizes = {folder: size(folder) for folder in others}
    over = sum(sizes.values()) - budget
    removed: list[str] = []
    for folder in others:
        if over <= 0:
            break
        if folder != live and _removed(folder):
            log.info("the index %s was removed to keep within the budget", folder.name)
            removed.append(folder.name)
            over -= sizes[folder]
    return Freed(tuple(removed), max(0, over))


def mark_used(directory: Path) -> None:
    """Note that the index is being written now."""
    with contextlib.suppress(OSError):
        os.utime(directory / LOCK)


def _used(folder: Path) -> float:
    try:
        return (folder / LOCK).stat().st_mtime
    except OSError:
        return 0.0


def _removed(folder: Path) -> bool:
    """Remove an index that nobody writes and whose vectors nobody has open."""
    with contextlib.ExitStack() as held:
        try:
            for name in (LOCK, "chroma.lock"):
                lock = FileLock(folder / name, mode=0o600)
                lock.acquire(timeout=0)
                held.callback(lock.release)
            shutil.rmtree(folder)
        except (Timeout, OSError) as error:
            log.info("the index %s is left where it is: %s", folder.name, error)
            return False
    return True
