"""Which file a Python module's name means, found by looking at folders: nothing is imported or run."""

from __future__ import annotations

import importlib.util
import os
import sys
import sysconfig
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from devflow.analysis.python_environment import environment_folder, package_folders

_MODULES = (".py", ".pyi", ".so", ".pyd")


def search_path(roots: Sequence[Path]) -> tuple[Path, ...]:
    """The folders modules are looked for in: the workspace, the packages of its environment (else of
    ours), the standard library, and its stubs for what is compiled."""
    folders: list[Path] = []
    packages: list[Path] = []
    for root in roots:
        folders += [root, *([root / "src"] if (root / "src").is_dir() else [])]
        home = environment_folder(root)
        packages += package_folders(home) if home is not None else []
    if not packages:
        packages = [Path(sysconfig.get_path("purelib"))]
    folders += [*packages, _library()]
    if (stubs := _typeshed()) is not None:
        folders.append(stubs)
    return tuple(dict.fromkeys(folders))


def module_file(name: str, folders: Sequence[Path]) -> Path | None:
    """The file of the absolute module `name`: `a/b.py`, `a/b/__init__.py` or their stubs; the folder of
    a namespace package; None when there is none."""
    parts = name.split(".")
    if not all(part.isidentifier() for part in parts):
        return None
    for folder in folders:
        if (found := _in_folder(folder, parts)) is not None:
            return found
    return None


def modules_in(module: str, folders: Sequence[Path]) -> set[str]:
    """The names of the public modules directly under the absolute `module`, "" for all there are."""
    parts = module.split(".") if module else []
    found: set[str] = (
        set() if parts else {name for name in sys.stdlib_module_names if not name.startswith("_")}
    )
    for folder in folders if all(part.isidentifier() for part in parts) else ():
        found |= modules_beside(folder.joinpath(*parts))
    return found


def modules_beside(folder: Path) -> set[str]:
    """The names of the public modules in `folder`."""
    found: set[str] = set()
    with suppress(OSError), os.scandir(folder) as entries:
        for each in entries:
            name, dot, _ = each.name.partition(".")
            holds = each.name.endswith(_MODULES) if dot else each.is_dir()
            if holds and name.isidentifier() and not name.startswith("_"):
                found.add(name)
    return found


def relative_module(name: str, path: Path) -> Path | None:
    """The file of a relative module (`.a.b`, `..`) as the file `path` names it."""
    level = len(name) - len(name.lstrip("."))
    if not 0 < level <= len(path.parents):
        return None
    folder = path.parents[level - 1]
    parts = [part for part in name[level:].split(".") if part]
    if not all(part.isidentifier() for part in parts):
        return None
    return _in_folder(folder, parts) if parts else _package_file(folder)


def submodule(path: Path, name: str) -> Path | None:
    """The file of the module `name` inside the package whose file is `path`."""
    folder = path.parent if path.stem == "__init__" else path
    return _in_folder(folder, [name]) if name.isidentifier() and folder.is_dir() else None


def stub_of(path: Path) -> Path | None:
    """The stub that is shipped beside a file, or that of a file of the standard library, which also has what
    is compiled."""
    if path.suffix != ".py":
        return None
    beside = path.with_suffix(".pyi")
    if beside.is_file():
        return beside
    library, stubs = _library(), _typeshed()
    if stubs is None or not path.is_relative_to(library):
        return None
    found = stubs / path.relative_to(library).with_suffix(".pyi")
    if not found.is_file():  # one of the two is a package
        found = (
            found.parent.with_suffix(".pyi")
            if path.stem == "__init__"
            else found.with_suffix("") / "__init__.pyi"
        )
    return found if found.is_file() else None


@lru_cache(maxsize=1)
def typing_stub() -> Path | None:
    """The stub of `typing`, whose classes have the methods of the abstract collections."""
    stubs = _typeshed()
    return stubs / "typing.pyi" if stubs is not None else None


def _in_folder(folder: Path, parts: Sequence[str]) -> Path | None:
    try:
        return _found_in(folder, parts)
    except OSError:  # a name that is too long for the file system
        return None


def _found_in(folder: Path, parts: Sequence[str]) -> Path | None:
    base = folder.joinpath(*parts)
    for candidate in (base.with_name(base.name + ".py"), base.with_name(base.name + ".pyi")):
        package = _package_file(base) if base.is_dir() else None
        if package is not None and package.suffix:
            return package
        if candidate.is_file():
            return candidate
    return base if base.is_dir() else None


def _package_file(folder: Path) -> Path | None:
    for name in ("__init__.py", "__init__.pyi"):
        if (folder / name).is_file():
            return folder / name
    return folder if folder.is_dir() else None


@lru_cache(maxsize=1)
def _library() -> Path:
    return Path(sysconfig.get_path("stdlib"))


@lru_cache(maxsize=1)
def _typeshed() -> Path | None:
    """jedi brings the stubs of the standard library; found without importing it."""
    found = importlib.util.find_spec("jedi")
    for place in (found.submodule_search_locations or ()) if found else ():
        stubs = Path(place) / "third_party" / "typeshed" / "stdlib"
        if stubs.is_dir():
            return stubs
    return None
