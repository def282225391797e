"""Definitions of Go packages outside the workspace, from their sources: what a value of theirs offers, where
a name of theirs is made. They belong to no store: their root and file are -1."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from devflow.analysis.facts import Import, Symbol
from devflow.analysis.go_packages import builtins, declarations, package_folder, standard_library
from devflow.retrieval.graph.base import Definition
from devflow.retrieval.graph.stored import File

_HEAD = 20_000
_DEEPEST = 4
_IMPORTED = re.compile(r"^(?:import )?\s*(?:([\w.]+) )?\"([^\"\n]+)\"", re.MULTILINE)
_IMPORTS = re.compile(r"^import (?:\([^)]*\)|[^\n]*)", re.MULTILINE)


def package_name(made: Import) -> str:
    """What a file calls a package that it imports, by the habits of naming repositories."""
    last = re.sub(r"/v\d+$", "", made.module).rpartition("/")[2]
    return made.alias or re.sub(r"\.v\d+$|^go[-.]|[-.]go$", "", last)


def named(file: File, qualifier: str, name: str, root: Path) -> Definition | None:
    """What `qualifier.name`, written in `file`, is in a library; without a qualifier, in the library that
    `file` is of itself."""
    if not qualifier:
        folder = file.path.parent if file.root < 0 else None
    else:
        modules = (made.module for made in file.imports if package_name(made) == qualifier)
        module = next(modules, "")
        folder = package_folder(module, root, standard_library()) if module else None
    found = declarations(folder)[""].get(name) if folder is not None and "" in declarations(folder) else None
    return _definition(*found) if found is not None else None


def exported(file: File, qualifier: str, root: Path) -> list[Definition]:
    """What the library that `file` imports as `qualifier` exports."""
    for made in file.imports:
        if package_name(made) == qualifier:
            folder = package_folder(made.module, root, standard_library())
            every = declarations(folder).get("", {}) if folder is not None else {}
            return [_definition(*each) for name, each in every.items() if name[:1].isupper()]
    return []


def built_in(name: str) -> tuple[Path, Symbol] | None:
    """What Go has of itself under a name."""
    return builtins(standard_library()).get(name)


def read(module: str, root: Path) -> None:
    """Read a package before it is asked for."""
    if (folder := package_folder(module, root, standard_library())) is not None:
        declarations(folder)


def members(owner: Definition, depth: int = 0) -> list[Definition]:
    """The exported fields and methods of a library's type, those of what it embeds behind its own."""
    own = [_definition(*each) for each in declarations(owner.path.parent).get(owner.name, {}).values()]
    found = {each.name: each for each in own if each.name[:1].isupper()}
    for each in own if depth < _DEEPEST else ():
        written = each.signature.lstrip("*")
        if written.rpartition(".")[2] == each.name:
            qualifier = written.rpartition(".")[0]
            base = named(library_file(each.path), qualifier, each.name, each.path.parent)
            for inherited in members(base, depth + 1) if base is not None else ():
                found.setdefault(inherited.name, inherited)
    return list(found.values())


def symbol_of(definition: Definition) -> Symbol | None:
    """The definition with its documentation."""
    found = declarations(definition.path.parent).get(definition.container, {}).get(definition.name)
    return found[1] if found is not None else None


@lru_cache(128)
def library_file(path: Path) -> File:
    """A library's file with what it imports."""
    file = File(-1, -1, path, path.name, "go")
    with contextlib.suppress(OSError), path.open("rb") as opened:
        file.imports += _imports(opened.read(_HEAD).decode("utf-8", "replace"))
    return file


def _imports(source: str) -> Iterator[Import]:
    for block in _IMPORTS.finditer(source):
        for found in _IMPORTED.finditer(block[0]):
            yield Import(found[2], "", found[1] or "", block.start(), block.end())


def _definition(path: Path, symbol: Symbol) -> Definition:
    return Definition(
        -1, -1, symbol.start, symbol.name, path, "go", symbol.kind, symbol.container, symbol.end,
        symbol.name_start, 0, symbol.signature,
    )  # fmt: skip
