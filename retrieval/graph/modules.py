"""Which indexed file an import means: by the names of files, and by what Go's `go.mod` calls its folder."""

from __future__ import annotations

import contextlib
import os
import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from devflow.analysis.regular_files import content
from devflow.retrieval.graph.stored import Stored

_BASES = frozenset({"", "src", "lib", "python"})
"""Folders that are on Python's path without saying so."""
_SCRIPT_ENDINGS = (
    "", ".ts", ".tsx", ".d.ts", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts",
    "/index.ts", "/index.tsx", "/index.js", "/index.jsx", "/index.mjs",
)  # fmt: skip
_DEEPEST_TOP = 2
"""Slashes in the path of the `__init__` of a package that is looked into for links."""
_GO_MODULE = re.compile(r"^module[ \t]+\"?([^\s\"]+)", re.MULTILINE)
_GO_STANDARD = frozenset(
    """archive bufio builtin bytes cmp compress container context crypto database debug embed encoding
    errors expvar flag fmt go hash html image index internal io iter log maps math mime net os path plugin
    reflect regexp runtime slices sort strconv strings sync syscall testing text time unicode unique
    unsafe""".split()  # noqa: SIM905
)


class Modules:
    """The files of all roots by what imports call them. Made again with each generation: 0.1 s for
    10,000 files."""

    def __init__(self, stored: Stored) -> None:
        self._stored = stored
        self._python: list[_PythonNames] = []
        self._folders: list[dict[str, list[int]]] = []
        self._java: list[dict[str, list[tuple[str, int]]]] = []
        for root in range(len(stored.roots)):
            paths = stored.paths(root)
            names = _python_modules(paths, stored.roots[root].name)
            _name_linked(names, paths, stored.roots[root])
            self._python.append(names)
            folders: dict[str, list[int]] = {}
            java: dict[str, list[tuple[str, int]]] = {}
            for path, id_ in paths.items():
                if path.endswith(".go"):
                    folders.setdefault(posixpath.dirname(path), []).append(id_)
                elif path.endswith(".java"):
                    java.setdefault(posixpath.basename(path), []).append((path, id_))
            self._folders.append(folders)
            self._java.append(java)
        self._go_modules = sorted(self._go_modules_of(stored.roots), reverse=True)

    def python(self, root: int, importer: str, module: str) -> tuple[int, int] | None:
        """The file of a Python module as `importer` (relative path) names it: `(root, file)`."""
        if module.startswith("."):
            level = len(module) - len(module.lstrip("."))
            folder = importer
            for _ in range(level):
                if not folder:
                    return None
                folder = posixpath.dirname(folder)
            rest = module[level:].replace(".", "/")
            base = posixpath.join(folder, rest) if rest else folder
            return self._file(root, _python_files(base))
        for other in (root, *(each for each in range(len(self._python)) if each != root)):
            names = self._python[other]
            found: list[tuple[bool, int, int]] = []
            for base, id_ in names.exact.get(module, ()):
                near = other == root and (not base or importer.startswith(base + "/"))
                if near or "." in module or base in _BASES or self._is_package(other, id_):
                    found.append((near, len(base), id_))
            if not found:
                found += self._in_a_namespace(other, module, other == root)
            if not found and other == root:
                for name, id_ in names.loose.get(module.rpartition(".")[2], ()):
                    folder = name[: -len(module) - 1].replace(".", "/")
                    if name.endswith("." + module) and importer.startswith(folder + "/"):
                        found.append((True, len(folder), id_))
            if found:
                return other, max(found)[2]
        return None

    def _in_a_namespace(self, root: int, module: str, near: bool) -> Iterator[tuple[bool, int, int]]:
        """The module where the first folders on the way to it have no `__init__`."""
        parts = module.split(".")
        for at in range(1, len(parts)):
            folder = "/".join(parts[:at])
            for base, id_ in self._python[root].exact.get(".".join(parts[at:]), ()):
                if f"/{base}".endswith(f"/{folder}"):
                    yield near, len(base), id_

    def submodule(self, root: int, package: str, name: str) -> tuple[int, int] | None:
        """The module `name` in the package whose `__init__` is `package`, or that is the folder `package`."""
        folder = posixpath.dirname(package) if package.endswith((".py", ".pyi")) else package
        if package.endswith((".py", ".pyi")) and not posixpath.basename(package).startswith("__init__."):
            return None
        return self._file(root, _python_files(posixpath.join(folder, name)))

    def script(self, root: int, importer: str, module: str) -> tuple[int, int] | None:
        """The file of a TypeScript or JavaScript module."""
        if module.startswith("."):
            base = posixpath.normpath(posixpath.join(posixpath.dirname(importer), module))
            return self._file(root, _script_files(base))
        tail = module.removeprefix("@/").removeprefix("~/")
        if tail == module and ("/" not in module or module.startswith("@")):
            return None  # a package
        folder = posixpath.dirname(importer)
        while True:  # `paths` and `baseUrl` of a tsconfig.json lead to a folder above, or its `src`
            for base in (posixpath.join(folder, tail), posixpath.join(folder, "src", tail)):
                found = self._file(root, _script_files(base))
                if found is not None:
                    return found
            if not folder:
                return None
            folder = posixpath.dirname(folder)

    def go(self, root: int, module: str) -> list[tuple[int, int]]:
        """The files of a Go package: the deepest folder that the import path ends in."""
        parts = module.split("/")
        if parts[0] in _GO_STANDARD:
            return []
        for name, other, base in self._go_modules:
            if f"{module}/".startswith(f"{name}/"):
                folder = posixpath.join(base, module[len(name) + 1 :]).rstrip("/")
                return [(other, id_) for id_ in self._folders[other].get(folder, ())]
        for at in range(len(parts)):
            folder = "/".join(parts[at:])
            for other in (root, *(each for each in range(len(self._folders)) if each != root)):
                if folder in self._folders[other] and (at <= 1 or "." in parts[0]):
                    return [(other, id_) for id_ in self._folders[other][folder]]
        return []

    def folder(self, root: int, path: str) -> list[tuple[int, int]]:
        """The Go files beside one."""
        return [(root, id_) for id_ in self._folders[root].get(posixpath.dirname(path), ())]

    def java(self, root: int, qualified: str) -> tuple[int, int] | None:
        """The file of a Java class by its full name."""
        wanted = qualified.replace(".", "/") + ".java"
        for other in (root, *(each for each in range(len(self._java)) if each != root)):
            for path, id_ in self._java[other].get(posixpath.basename(wanted), ()):
                if path == wanted or path.endswith("/" + wanted):
                    return other, id_
        return None

    def _go_modules_of(self, roots: Sequence[Path]) -> Iterator[tuple[str, int, str]]:
        """`(module path, root, folder)` of each `go.mod` that is at most two folders deep."""
        for root, folder in enumerate(roots):
            known = {part for each in self._folders[root] for part in _heads(each)}
            for base in known:
                told = content(folder / base / "go.mod") or b""
                if found := _GO_MODULE.search(told.decode("utf-8", "replace")):
                    yield found[1], root, base

    def _file(self, root: int, candidates: Iterable[str]) -> tuple[int, int] | None:
        paths = self._stored.paths(root)
        for candidate in candidates:
            if (id_ := paths.get(candidate)) is not None:
                return root, id_
        return None

    def _is_package(self, root: int, id_: int) -> bool:
        return posixpath.basename(self._stored.relative(root, id_)).startswith("__init__.")


def _heads(folder: str) -> Iterator[str]:
    """The first folders on the way to `folder`: none, one, two."""
    parts = folder.split("/") if folder else []
    return ("/".join(parts[:depth]) for depth in range(min(len(parts), 2) + 1))


def _python_files(base: str) -> tuple[str, ...]:
    return (f"{base}/__init__.py", f"{base}.py", f"{base}.pyi", f"{base}/__init__.pyi")


def _script_files(base: str) -> list[str]:
    found = [base + ending for ending in _SCRIPT_ENDINGS]
    stem, dot, ending = base.rpartition(".")
    if dot and ending in ("js", "jsx", "mjs", "cjs"):  # TypeScript names what it is compiled to
        found += [f"{stem}.{ending.replace('js', 'ts')}", f"{stem}.tsx"]
    return found


@dataclass(frozen=True, slots=True)
class _PythonNames:
    """What the Python files of a root are called."""

    exact: dict[str, list[tuple[str, int]]]
    """Name from the top package → `(folder it is found from, file)`."""
    loose: dict[str, list[tuple[str, int]]]
    """Files in no package, whose names may begin at any folder: last part → `(name from the root, file)`."""


def _python_modules(paths: dict[str, int], root: str) -> _PythonNames:
    """Each Python file by its full name from its top package; without packages, from the root. A root
    that is a package itself is called by its folder's name."""
    prefix = f"{root}." if "__init__.py" in paths else ""
    found = _PythonNames({}, {})
    tops: dict[str, str] = {}

    def base_of(folder: str) -> str:
        known = tops.get(folder)
        if known is None:
            inside = bool(folder) and (f"{folder}/__init__.py" in paths or f"{folder}/__init__.pyi" in paths)
            known = tops[folder] = base_of(posixpath.dirname(folder)) if inside else folder
        return known

    for path, id_ in paths.items():
        if not path.endswith((".py", ".pyi")):
            continue
        folder = posixpath.dirname(path)
        base = base_of(folder)
        loose = base == folder  # in no package: every folder above may be one without an `__init__`
        if loose:
            base = ""
        inside = path[len(base) + 1 :] if base else path
        name = inside.rpartition(".")[0].replace("/", ".").removesuffix(".__init__")
        if not base:
            name = prefix.rstrip(".") if name == "__init__" else prefix + name
        found.exact.setdefault(name, []).append((base, id_))
        if loose and folder:
            found.loose.setdefault(name.rpartition(".")[2], []).append((name, id_))
    return found


def _name_linked(names: _PythonNames, paths: dict[str, int], root: Path) -> None:
    """Name what top packages hold as links to folders of the same root, whose files are indexed where they
    lie: `devflow.retrieval` for `retrieval`, where `src/devflow/retrieval` leads there."""
    tops = [path for path in paths if path.endswith("/__init__.py") and path.count("/") <= _DEEPEST_TOP]
    for package in (posixpath.dirname(path) for path in tops):
        linked: list[tuple[str, str]] = []
        with contextlib.suppress(OSError, ValueError):
            for entry in os.scandir(root / package):
                if entry.is_symlink():
                    target = Path(os.path.realpath(entry.path)).relative_to(os.path.realpath(root))
                    linked.append((entry.name, target.as_posix()))
        for name, folder in linked:
            for path, id_ in paths.items():
                if path.endswith(".py") and path.startswith(f"{folder}/"):
                    inside = path[len(folder) : -3].replace("/", ".").removesuffix(".__init__")
                    full = f"{posixpath.basename(package)}.{name}{inside}"
                    names.exact.setdefault(full, []).append((posixpath.dirname(package), id_))
