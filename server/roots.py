"""Which folders are worked for: those the editor opened, but for what nobody means as a workspace."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from devflow.server.settings import FILE_NAME


def fit(roots: Iterable[Path]) -> tuple[tuple[Path, ...], list[str]]:
    """The folders to work for, and a sentence for each that is left out: reading a whole disk or home would
    take hours and show one project what lies in another. Call it in a thread."""
    kept: list[Path] = []
    told: list[str] = []
    for root in dict.fromkeys(roots):
        if everything := everything_in(root):
            told.append(
                f"{root} is {everything} and is not indexed: open the folder of a project, or put an empty "
                f"{FILE_NAME} there and start again."
            )
        else:
            kept.append(root)
    return tuple(kept), told


def everything_in(root: Path) -> str:
    """What a folder is that nobody means as a workspace: a whole disk or a user's home. "" for others, and
    for one that a repository or settings of its own make a workspace."""
    try:
        if any((root / mark).exists() for mark in (".git", FILE_NAME)):
            return ""
        real = root.resolve()
        if real == real.parent:
            return "a whole disk"
        home = Path.home().resolve()
        if real == home.parent and real.parent == real.parent.parent:  # /home, /Users
            return "the folder of all homes"
        return "your home folder with everything in it" if real == home else ""
    except (OSError, RuntimeError):  # it cannot be read, or who runs us has no home
        return ""
