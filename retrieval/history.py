"""What git tells of a root: which commits changed which files, and when."""

from __future__ import annotations

import asyncio
import contextlib
import re
from dataclasses import dataclass
from pathlib import Path

from devflow.retrieval.safe_git import git_environment, git_log
from devflow.retrieval.words import storable

MOST_COMMITS = 2_000
WIDEST = 40
"""Files above which a commit says nothing of what belongs together: renames, formatters, imports."""
_MOST_FILES = 400
"""Files of one commit that are kept."""
_SECONDS = 20.0
_MOST_BYTES = 32_000_000
_LONGEST = 200
FORMAT = "%x1e%H%x1f%ct%x1f%s"

TOGETHER = (
    "SELECT b.path, count(*) FROM commit_files a JOIN commit_files b ON b.hash = a.hash AND b.path <> a.path "
    "JOIN files f ON f.path = b.path WHERE a.path = ? "
    "AND (SELECT count(*) FROM commit_files c WHERE c.hash = a.hash) <= ? "
    "GROUP BY b.path HAVING count(*) > 1 ORDER BY 2 DESC, b.path LIMIT ?"
)
"""Files changed together with one, twice at least; arguments: path, widest commit, most files."""
EVERY_CHANGE = (
    "SELECT t.path, c.hash, c.time FROM (SELECT hash, time FROM commits ORDER BY time DESC) c "
    "CROSS JOIN commit_files t ON t.hash = c.hash LIMIT ?"
)
"""Which commit changed which file, the newest first; argument: MOST_CHANGES."""
MOST_CHANGES = 50_000


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit, as git tells it."""

    hash: str
    time: int
    """Seconds since 1970."""
    subject: str
    """Not kept in the store: text of the repository's, to be handled as data."""
    files: tuple[str, ...]
    """Paths below the root that it changed, with `/`."""


async def read_history(root: Path) -> list[Commit] | None:
    """The newest `MOST_COMMITS` commits that changed something below `root`, merges left out; None when
    git is not there, fails, or says more than it may in the time it has."""
    command = git_log(
        f"-n{MOST_COMMITS}",
        "--no-merges",
        "--no-renames",
        "--name-only",
        "-z",
        "--relative",
        f"--format={FORMAT}",
        "--",
        ".",
    )
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=root,
            env=git_environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return None
    try:
        async with asyncio.timeout(_SECONDS):
            told = await _output(process)
            if told is None or await process.wait() != 0:
                return None
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return parsed(told)


async def _output(process: asyncio.subprocess.Process) -> bytes | None:
    assert process.stdout is not None
    told = bytearray()
    while piece := await process.stdout.read(1 << 16):
        told += piece
        if len(told) > _MOST_BYTES:
            return None
    return bytes(told)


def parsed(told: bytes) -> list[Commit]:
    """What `git log -z --name-only` says in `FORMAT`."""
    commits: list[Commit] = []
    for record in told.decode("utf-8", "replace").split("\x1e")[1:]:
        head, _, names = record.partition("\0")
        parts = head.split("\x1f")
        if len(parts) != 3 or not parts[1].isdigit() or not re.fullmatch(r"[0-9a-f]{40,64}", parts[0]):
            continue
        files = [name.strip("\n") for name in names.split("\0")]
        kept = [storable(name) for name in files if name and len(name) < 1_000][:_MOST_FILES]
        time = min(int(parts[1]), 2**40)
        commits.append(Commit(parts[0], time, _line(parts[2]), tuple(kept)))
    return commits


def _line(text: str) -> str:
    return storable(re.sub(r"[\x00-\x1f\x7f]", " ", text).strip()[:_LONGEST])
