"""When a definition was last changed, by git: one line for a card.

A repository may be hostile, and its `.git/config` can name programs that git runs (hooks, pagers,
fsmonitor, external diffs, text converters, filters, signature checkers, transports for missing objects).
All of them are switched off here, on the command line, which outranks the repository's configuration;
`log -L` reads committed objects only, so no filter sees the working tree. Tested with a repository that
tries each.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

SECONDS = 3.0
"""Longest run of git; a long history is given up."""
_LONGEST = 80
_SAFE = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "core.attributesFile=/dev/null",
    "core.sshCommand=false",
    "core.gitProxy=false",
    "core.askPass=false",
    "core.editor=false",
    "diff.external=",
    "log.showSignature=false",
    "log.mailmap=false",
    "gpg.program=false",
    "gpg.ssh.program=false",
    "gpg.x509.program=false",
    "credential.helper=",
    "protocol.allow=never",
    "fetch.recurseSubmodules=false",
    "uploadpack.packObjectsHook=",
)
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
    folder = next((each for each in path.parents if (each / ".git").exists()), None)
    if folder is None:
        return None
    name = path.relative_to(folder).as_posix()
    command = ["git", "--no-pager", "--no-replace-objects", "--no-optional-locks", "--literal-pathspecs"]
    for setting in _SAFE:
        command += ["-c", setting]
    command += ["log", "-1", "-s", f"--format={_FORMAT}", "--no-ext-diff", "--no-textconv"]
    command += ["--no-show-signature", "--no-color", "--no-notes", f"-L{first},{last}:{name}"]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    parts = done.stdout.decode("utf-8", "replace").strip().split("\x1f")
    return Change(*parts) if len(parts) == 4 else None


def _environment() -> dict[str, str]:
    return {
        "PATH": os.defpath,
        "LC_ALL": "C.UTF-8",
        "HOME": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        # Outranks protocol.NAME.allow of the repository: a git before 2.45 fetches missing objects.
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_ATTR_NOSYSTEM": "1",
    }


def _plain(text: str) -> str:
    """Text of the repository's without control characters and Markdown, not longer than a line."""
    text = re.sub(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]", " ", text).strip()
    if len(text) > _LONGEST:
        text = text[: _LONGEST - 1] + "…"
    return re.sub(r"([\\`*_{}\[\]()<>#!|~])", r"\\\1", text)
