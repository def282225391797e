"""Which code is measured: the revision of the checkout, and whether it has other changes."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def revision() -> str:
    """The commit, short; with `+` where the checkout has other changes."""
    return _git("rev-parse", "--short", "HEAD") + ("+" if _git("status", "--porcelain") else "")


def state(*, quick: bool) -> str:
    """Names what is measured: another revision or other changes begin another run."""
    changed = hashlib.sha256(_git("diff", "HEAD").encode()).hexdigest()[:8]
    return "-".join([_git("rev-parse", "--short", "HEAD"), changed, "quick" if quick else "full"])


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()
