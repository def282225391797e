"""What names mean in the JDK, from its sources. They belong to no store: their root is -1, their file a
number of the files read so far."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import platformdirs

from devflow.analysis.facts import Symbol
from devflow.analysis.imports import imports
from devflow.analysis.jdk_sources import archive, classes, source_of
from devflow.analysis.regular_files import content
from devflow.analysis.symbols import CLASS_LIKE, symbols
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Text
from devflow.retrieval.graph.base import Definition
from devflow.retrieval.graph.stored import File

_LARGEST = 2_000_000
_numbers: dict[Path, int] = {}


def types(file: File, written: str) -> list[Definition]:
    """The class that a type's name means in `file`, of the workspace or of the JDK; [] where it is none of
    the JDK's."""
    first, *inner = written.split(".")
    if first[:1].islower():  # by its full name
        found = _class(written)
        return found[:1]
    found = _own(file, first) if file.root < 0 else []
    if not found:
        found = next((one for name in _candidates(file, first) if (one := _class(name))), [])
    for name in inner:
        found = [each for one in found for each in members(one).get(name, []) if each.kind in CLASS_LIKE]
    return found[:1]


def members(owner: Definition) -> dict[str, list[Definition]]:
    """What a class of the JDK declares itself, by name."""
    return dict(file_of(owner).members.get(owner.qualified_name, {}))


def file_of(definition: Definition) -> File:
    """The file that a class of the JDK stands in."""
    return _read(definition.path)[0]


def symbol_of(definition: Definition) -> Symbol:
    """The definition with its documentation."""
    return _read(definition.path)[1].get(definition.start, definition.symbol)


def _own(file: File, name: str) -> list[Definition]:
    return [each for each in file.definitions if each.name == name and each.kind in CLASS_LIKE][:1]


def _candidates(file: File, name: str) -> list[str]:
    """The full names that a plain one may stand for, by imports, its package, the language."""
    exact = [f"{each.module}.{name}" for each in file.imports if each.name == name]
    if exact:
        return exact
    starred = [f"{each.module}.{name}" for each in file.imports if each.name == "*"]
    if file.root < 0 and (package := re.search(r"/((?:java|javax)/.*)/[^/]+$", file.path.as_posix())):
        starred.insert(0, f"{package[1].replace('/', '.')}.{name}")
    return [*starred, f"java.lang.{name}"]


def _class(name: str) -> list[Definition]:
    sources = archive()
    if sources is None:
        return []
    parts = name.split(".")
    for end in range(len(parts), 1, -1):
        if "/".join(parts[:end]) in classes(sources):
            path = source_of(".".join(parts[:end]), sources, platformdirs.user_cache_path("devflow"))
            if path is None:
                return []
            found = _read(path)[0].named("", parts[end - 1])[:1]
            for inner in parts[end:]:
                found = [one for each in found for one in members(each).get(inner, [])][:1]
            return found
    return []


@lru_cache(160)
def _read(path: Path) -> tuple[File, dict[int, Symbol]]:
    number = _numbers.setdefault(path, len(_numbers))
    file = File(-1, number, path, path.name, "java")
    tree = parse(Text((content(path, _LARGEST) or b"").decode("utf-8", "replace")), "java")
    by_start: dict[int, Symbol] = {}
    for each in symbols(tree) if tree is not None else ():
        if re.search(r"\bprivate\b", each.signature.partition(each.name)[0]):
            continue
        by_start[each.start] = each
        file.add(
            Definition(
                -1, number, each.start, each.name, path, "java", each.kind, each.container, each.end,
                each.name_start, 0, each.signature,
            )
        )  # fmt: skip
    file.imports += imports(tree) if tree is not None else ()
    return file, by_start
