"""When a definition was last changed, by git: one line for a card."""

from __future__ import annotations

import asyncio
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from devflow.retrieval.safe_git import git_environment, git_log, repository_of
from devflow.server.assist.waiting import allowed

SECONDS = 3.0
"""Longest run of git; a long history is given up."""
_LONGEST = 80
_FORMAT = "%h%x1f%an%x1f%ar%x1f%s"


@dataclass(frozen=True, slots=True)
class Change:
    """One commit, as git tells it: text of the repository's, to be shown as data."""

    commit: str
    author: str
    when: str
    """`3 weeks ago`."""
    subject: str

    def markdown(self) -> str:
        """One line for a card."""
        return f"Last changed {_plain(self.when)} by {_plain(self.author)}: {_plain(self.subject)}"


async def last_change(path: Path, first: int, last: int) -> Change | None:
    """The commit that last touched the lines `first..last` (0-based, inclusive) of `path` as committed;
    None when git is not there, does not know the file, or takes too long."""
    return await asyncio.to_thread(_asked, path, first + 1, last + 1)


def _asked(path: Path, first: int, last: int) -> Change | None:
    folder = repository_of(path.parent)
    if folder is None:
        return None
    name = path.relative_to(folder).as_posix()
    command = git_log("-1", "-s", f"--format={_FORMAT}", f"-L{first},{last}:{name}")
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=git_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=allowed(SECONDS),
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    parts = done.stdout.decode("utf-8", "replace").strip().split("\x1f")
    return Change(*parts) if len(parts) == 4 else None


def _plain(text: str) -> str:
    """Text of the repository's without control characters and Markdown, not longer than a line."""
    text = re.sub(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]", " ", text).strip()
    if len(text) > _LONGEST:
        text = text[: _LONGEST - 1] + "…"
    return re.sub(r"([\\`*_{}\[\]()<>#!|~])", r"\\\1", text)
