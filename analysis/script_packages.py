"""Where the types of TypeScript's and JavaScript's libraries are written: `lib.*.d.ts` beside an installed
compiler, what `@types` and the packages of `node_modules` ship. Nothing is run, nothing is fetched.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from devflow.analysis.regular_files import content

_MOST_BYTES = 4_000_000
_MOST_FILES = 300
_MOST_TOTAL = 12_000_000
_LIBS = re.compile(r"lib\.(?:es.*|dom.*|decorators.*)\.d\.ts$")
_WHOLE = re.compile(r"lib\.es(?:\d+|next)(?:\.full)?\.d\.ts$|lib\.es6\.d\.ts$")
"""Those that only name others."""
_REFERENCE = re.compile(r"^///\s*<reference\s+(path|types)=[\"']([^\"']+)", re.MULTILINE)
_ENDINGS = (".d.ts", ".ts", ".tsx", ".d.mts", ".d.cts", "/index.d.ts", "/index.ts")
_CONDITIONS = ("types", "import", "require", "node", "default")
_INSTALLERS = ("", ".package-lock.json", ".yarn-integrity", ".modules.yaml")
"""What in `node_modules` is written anew when packages change: itself, what npm, Yarn and pnpm keep there."""
_PROGRAMS = ("tsc", "typescript-language-server", "node", "code", "codium", "cursor", "code-server")
_BESIDE = (
    "lib/node_modules",
    "lib/node_modules/typescript-language-server/node_modules",
    "extensions/node_modules",
    "resources/app/extensions/node_modules",
)
"""Where what such a program brings along may lie, from a folder above it."""
_PLACES = (
    "/usr/lib/node_modules",
    "/usr/local/lib/node_modules",
    "/opt/homebrew/lib/node_modules",
    "/usr/share/nodejs",
    "/usr/share/code/resources/app/extensions/node_modules",
)


_installed: dict[Path, tuple[int, ...]] = {}
"""When each `node_modules` that was read was last written."""
_installations = 0


@lru_cache(24)
def text_of(path: Path) -> str:
    """A library's file as it stands on disk; "" where it cannot be read. Kept until `installation` grows."""
    return (content(path, _MOST_BYTES) or b"").decode("utf-8-sig", "replace")


@lru_cache(64)
def modules_above(folder: Path) -> tuple[Path, ...]:
    """The `node_modules` that code in `folder` takes packages from, the nearest first. Looked for once
    between two calls of `installation`."""
    return tuple(
        each / "node_modules" for each in (folder, *folder.parents) if (each / "node_modules").is_dir()
    )


def installation(folders: Iterable[Path]) -> int:
    """A number that grows when packages that code in `folders` sees, or that were read before, are installed,
    changed or removed. What was read is forgotten here then; who keeps more forgets it too."""
    global _installations
    modules_above.cache_clear()
    compilers.cache_clear()
    places = {each for folder in folders for each in modules_above(folder)} | set(_installed)
    changed = False
    for place in places:
        times = tuple(_written(place / each) for each in _INSTALLERS)
        changed = _installed.get(place) != times or changed
        _installed[place] = times
    if changed:
        _installations += 1
        text_of.cache_clear()
        _types_of.cache_clear()
    return _installations


def _written(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


@lru_cache(1)
def compilers() -> tuple[Path, ...]:
    """Where a compiler may be installed for all of the machine: folders of packages. Looked for once between
    two calls of `installation`."""
    found: dict[Path, None] = {}
    for name in _PROGRAMS:
        program = shutil.which(name)
        folders = Path(program).resolve().parents if program else ()
        found |= dict.fromkeys(each for each in folders if each.name == "node_modules")
        found |= dict.fromkeys(each / inner for each in folders[:3] for inner in _BESIDE)
    return (*found, *map(Path, _PLACES))


def compiler_files(places: Iterable[Path]) -> list[Path]:
    """The files that declare the language's own names, of the first compiler in `places`."""
    for place in places:
        library = place / "typescript" / "lib"
        if (library / "lib.es5.d.ts").is_file():
            named = [path for path in library.iterdir() if _LIBS.fullmatch(path.name)]
            names = sorted(named, key=lambda path: (path.name != "lib.es5.d.ts", path.name))
            return [path for path in names if path.name == "lib.es5.d.ts" or not _WHOLE.fullmatch(path.name)]
    return []


def ambient_files(places: Iterable[Path]) -> list[Path]:
    """The files of the `@types` packages in `places`, each package's entry before what it refers to."""
    entries: dict[str, Path] = {}
    for place in places:
        with contextlib.suppress(OSError):
            for package in sorted((place / "@types").iterdir()):
                if package.name not in entries and (entry := _entry(package, ".")) is not None:
                    entries[package.name] = entry
    found: dict[Path, None] = {}
    total = 0
    ahead = list(entries.values())[::-1]
    while ahead and len(found) < _MOST_FILES and total < _MOST_TOTAL:
        path = ahead.pop()
        if path in found:
            continue
        found[path] = None
        text = text_of(path)
        total += len(text)
        for kind, named in _REFERENCE.findall(text[:20_000]):
            if kind == "path":
                with contextlib.suppress(OSError, RuntimeError):
                    ahead.append((path.parent / named).resolve(strict=True))
    return list(found)


def types_of(module: str, folder: Path) -> Path | None:
    """The file that says what a file in `folder` gets of `module`; None where no installed package does."""
    places = () if module.startswith(".") else modules_above(folder)
    for place in places:
        if place not in _installed and "node_modules" not in place.parent.parts:
            _installed[place] = tuple(_written(place / each) for each in _INSTALLERS)
    with contextlib.suppress(OSError):  # a name that no file can have
        return _types_of(module, folder, places)
    return None


@lru_cache(512)
def _types_of(module: str, folder: Path, places: tuple[Path, ...]) -> Path | None:
    if module.startswith("."):
        return _file(folder / module)
    parts = module.split("/")
    length = 2 if module.startswith("@") else 1
    name, inner = "/".join(parts[:length]), "/".join([".", *parts[length:]])
    typed = "@types/" + name.removeprefix("@").replace("/", "__")
    for place in places:
        for package in (place / name, place / typed):
            if package.is_dir() and (found := _entry(package, inner)) is not None:
                return found
    return None


def _entry(package: Path, inner: str) -> Path | None:
    """The declarations of what a package gives as `inner`, `.` for the package itself. None as well where its
    `package.json` goes down too deep, or names what no file can be called."""
    with contextlib.suppress(OSError, RecursionError):
        return _entry_told(package, inner)
    return None


def _entry_told(package: Path, inner: str) -> Path | None:
    told: Any = {}
    with contextlib.suppress(ValueError, UnicodeError):
        told = json.loads((content(package / "package.json", 1_000_000) or b"{}").decode())
    if not isinstance(told, dict):
        return None
    for written in _exported(told.get("exports"), inner):
        if (found := _declarations(package / written)) is not None:
            return found
    if inner != ".":
        return _file(package / inner)
    for key in ("types", "typings", "main"):
        place = told.get(key)
        if isinstance(place, str) and (found := _declarations(package / place)) is not None:
            return found
    return _file(package / "index")


def _exported(exports: Any, inner: str) -> Iterator[str]:
    """The files that `exports` of a `package.json` names, those of types before others."""
    if isinstance(exports, dict) and any(str(key).startswith(".") for key in exports):
        for key, value in exports.items():
            head, star, tail = str(key).partition("*")
            if key == inner:
                yield from _exported(value, ".")
            elif star and inner.startswith(head) and inner.endswith(tail) and len(inner) > len(head):
                taken = inner[len(head) : len(inner) - len(tail)]
                yield from (each.replace("*", taken) for each in _exported(value, "."))
    elif inner != ".":
        return
    elif isinstance(exports, str):
        yield exports
    elif isinstance(exports, dict):
        for condition in _CONDITIONS:
            yield from _exported(exports.get(condition), ".")


def _declarations(path: Path) -> Path | None:
    if path.name.endswith((".ts", ".mts", ".cts")):
        return path.resolve() if path.is_file() else _file(path)
    return _file(path.with_suffix("") if path.suffix in (".js", ".mjs", ".cjs") else path)


def _file(path: Path) -> Path | None:
    base = re.sub(r"\.[mc]?js$", "", path.as_posix())
    return next((found.resolve() for end in _ENDINGS if (found := Path(base + end)).is_file()), None)
