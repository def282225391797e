"""Git repositories made on the spot, with one author and nothing of the machine's configuration."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ENVIRONMENT = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "PATH": os.environ["PATH"],
}


def git(root: Path, *arguments: str, at: int | None = None) -> str:
    """Run git in `root`; what it said. `at`: the time of a commit, in seconds after some day of 2023; now
    when None."""
    when = f"@{1_700_000_000 + at} +0000" if at is not None else ""
    dates = {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when} if when else {}
    done = subprocess.run(
        ["git", *arguments], cwd=root, env=ENVIRONMENT | dates, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()
