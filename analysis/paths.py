"""How files are called: to users, and to models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

_LIBRARIES = ("site-packages", "dist-packages")
_TYPESHED = ("stdlib", "stubs")
"""Its folders, which type engines bring along under folders of their own: behind a hash, or in a package."""


def shown_path(path: Path, roots: Sequence[Path]) -> str:
    """`path` as a user would name it: from its workspace root, else from site-packages, else whole."""
    return _below(path, roots) or path.as_posix()


def told_path(path: Path, roots: Sequence[Path]) -> str:
    """`path` as a prompt names it. Outside of workspace and libraries the name alone: the folders above tell
    whose machine it is."""
    return _below(path, roots) or path.name


def _below(path: Path, roots: Sequence[Path]) -> str:
    for root in roots:
        if path.is_relative_to(root):
            return path.relative_to(root).as_posix()
    parts = path.parts
    if "typeshed" in parts:
        behind = parts[parts.index("typeshed") + 1 :]
        begin = next((behind.index(folder) for folder in _TYPESHED if folder in behind), 0)
        return "/".join(("typeshed", *behind[begin:]))
    found = next((parts.index(folder) for folder in _LIBRARIES if folder in parts), -1)
    return "/".join(parts[found + 1 :]) if found >= 0 else ""
