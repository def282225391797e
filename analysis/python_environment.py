"""The environment of a Python workspace, read from its folders: where packages lie, which are linked in by
`.pth` files and editable installs. Nothing is imported or run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from devflow.analysis.regular_files import content

_NAMES = (".venv", "venv", "env", ".env")
_MAPPED = re.compile(r"""['"](\w+)['"]\s*:\s*['"]""")
_LARGEST = 200_000
_DEEPEST = 4
_MOST_FOLDERS = 3_000
_SKIPPED = frozenset({"node_modules", "__pycache__", "build", "dist", "target", *_NAMES})


@dataclass(frozen=True, slots=True)
class Environment:
    """What is installed beside a workspace."""

    folders: tuple[Path, ...]
    """Where modules are looked for: site-packages, and what `.pth` files add."""
    mapped: frozenset[str]
    """Top-level names that an editable install supplies in its own way."""
    whole: bool
    """Whether nothing else is installed: no environment around it is seen through."""


def environment(roots: Sequence[Path], path: Path | None) -> Environment | None:
    """The virtual environment of the file `path`: that of the innermost folder around it that has one, up to
    its root, else of one of the roots. None when there is none. Reads folders: not for the event loop."""
    for folder in _around(roots, path):
        if (home := environment_folder(folder)) is not None:
            return _read(home)
    return None


def environment_folder(folder: Path) -> Path | None:
    """The virtual environment that lies in `folder`; nothing in it is run."""
    return next((folder / name for name in _NAMES if (folder / name / "pyvenv.cfg").is_file()), None)


def package_folders(home: Path) -> list[Path]:
    """The site-packages of the virtual environment `home`."""
    return [
        *sorted(home.glob("lib/python3*/site-packages"))[-1:],
        *(folder for folder in [home / "Lib" / "site-packages"] if folder.is_dir()),
    ]


def modules_below(roots: Iterable[Path]) -> frozenset[str]:
    """The names of modules and packages anywhere in the upper folders of the roots: somebody may have put
    their folders on the path. Reads folders: not for the event loop."""
    names: set[str] = set()
    pending = [(root, 0) for root in roots]
    for folder, depth in pending:
        if len(pending) > _MOST_FOLDERS:
            break
        try:
            entries = list(folder.iterdir())
        except OSError:
            continue
        for entry in entries:
            if entry.suffix in (".py", ".pyi", ".so", ".pyd", ".pyx"):
                names.add(entry.name.partition(".")[0])
            elif (
                not entry.suffix
                and entry.name.isidentifier()
                and entry.name not in _SKIPPED
                and entry.is_dir()
            ):
                names.add(entry.name)
                if depth < _DEEPEST:
                    pending.append((entry, depth + 1))
            elif depth < _DEEPEST and "-" in entry.name and not entry.name.startswith(".") and entry.is_dir():
                pending.append((entry, depth + 1))
    return frozenset(names)


def _around(roots: Sequence[Path], path: Path | None) -> list[Path]:
    around: list[Path] = []
    for root in roots:
        if path is not None and path.is_relative_to(root):
            around += [folder for folder in path.parents if folder.is_relative_to(root)]
    return [*around, *(root for root in roots if root not in around)]


def _read(home: Path) -> Environment:
    packages = package_folders(home)
    folders, mapped = list(packages), set[str]()
    for site in packages:
        for link in sorted(site.glob("*.pth")):
            for line in _text(link).splitlines():
                line = line.strip()
                if line.startswith("import "):
                    finder = re.search(r"\b__editable__\w+", line)
                    if finder:
                        mapped.update(_MAPPED.findall(_text(site / f"{finder[0]}.py")))
                elif line and not line.startswith("#"):
                    folder = site / line
                    if folder.is_dir():
                        folders.append(folder)
    shared = re.search(r"include-system-site-packages\s*=\s*true", _text(home / "pyvenv.cfg"), re.IGNORECASE)
    return Environment(tuple(dict.fromkeys(folders)), frozenset(mapped), bool(packages) and not shared)


def _text(path: Path) -> str:
    return (content(path, _LARGEST) or b"").decode("utf-8", "replace")
