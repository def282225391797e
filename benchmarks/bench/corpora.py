"""The code that is asked about: pinned releases, fetched by name, unpacked as workspaces."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path

from .positions import askable


@dataclass(frozen=True, slots=True)
class Package:
    """A release on PyPI. `seen`: DevFlow was developed or tuned on it."""

    name: str
    version: str
    seen: bool = True


PACKAGES = (
    Package("rich", "14.0.0"),
    Package("celery", "5.4.0"),
    Package("Django", "5.2.8"),
    Package("aiohttp", "3.14.5", seen=False),
    Package("mkdocs", "1.6.1", seen=False),
    Package("paramiko", "5.1.0", seen=False),
)
FRESH = (
    Package("harlequin", "2.17.0", seen=False),
    Package("pdm", "2.29.4", seen=False),
    Package("beets", "2.14.1", seen=False),
)
"""Applications released in 2026, for names that other files define."""
SCIENCE = ("numpy==2.4.6", "pandas==3.1.1")

QUICK = (Package("httpx", "0.28.1"), Package("flask", "3.1.0"))
"""What a quick run asks about, for everything."""


def workspace(package: Package, scratch: Path) -> Path:
    """The folder with the release's sources, fetched if it is not there.

    Raises `subprocess.CalledProcessError` if pip cannot fetch it.
    """
    root = scratch / "workspaces" / f"{package.name}-{package.version}" / package.name.lower()
    if root.is_dir():
        return root
    wheels = scratch / "wheels" / package.name
    _pip(
        "download", "--no-deps", "--only-binary=:all:", "--dest", wheels, f"{package.name}=={package.version}"
    )
    return unpacked(next(wheels.glob("*.whl")), root)


def unpacked(wheel: Path, root: Path) -> Path:
    """`root`, with what is in the wheel but about the distribution; there at once or not at all."""
    partial = root.with_name(root.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(partial)
    for folder in partial.glob("*.dist-info"):
        shutil.rmtree(folder)
    partial.rename(root)
    return root


def without(root: Path, paths: list[Path], to: Path) -> Path:
    """A copy of the workspace `root` at `to` in which `paths` do not exist."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(root, to)
    for path in paths:
        (to / path.relative_to(root)).unlink()
    return to


def texts(root: Path) -> dict[Path, str]:
    """The askable files of a workspace that this Python can parse."""
    found = {}
    for path in askable(root):
        try:
            text = path.read_text("utf-8")
            with warnings.catch_warnings(action="ignore"):
                ast.parse(text)
        except (SyntaxError, UnicodeDecodeError):
            continue
        found[path] = text
    return found


def science(scratch: Path) -> Path:
    """A workspace whose `.venv` has numpy and pandas."""
    root = scratch / "workspaces" / "science"
    ready = root / ".venv" / "ready"
    if not ready.exists():
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(parents=True)
        environment(root / ".venv", SCIENCE)
        ready.touch()
    return root


def environment(folder: Path, requirements: tuple[str, ...]) -> Path:
    """A virtual environment with `requirements`; its `bin`. Made again when they have changed."""
    note = folder / "requirements.txt"
    wanted = "\n".join(requirements)
    if not note.exists() or note.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        python = folder / "bin" / "python"
        _pip("install", *requirements, python=python)
        note.write_text(wanted)
    return folder / "bin"


def _pip(*arguments: object, python: Path | str = sys.executable) -> None:
    command = [str(python), "-m", "pip", "-qq", "--disable-pip-version-check"]
    subprocess.run([*command, *map(str, arguments)], check=True)
