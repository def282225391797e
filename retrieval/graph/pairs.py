"""Which files test which: by their names, and by what test files import."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from devflow.analysis.languages import SCRIPTS
from devflow.analysis.roles import is_test
from devflow.retrieval.graph.links import Graph

_BY_NAME, _BY_IMPORT, _BY_BOTH = 0.7, 0.5, 0.95
_MARKS = re.compile(r"^(?:test_|tests_)|(?:_tests?|\.(?:test|spec)|Tests?|IT|Spec)$")


def sources_of_test(graph: Graph, path: Path) -> list[tuple[Path, float]]:
    """The files that a test file tests with how sure that is, surest first, of those as sure the ones in
    folders of the same names: the one it is named after, those it imports, both."""
    found: dict[Path, float] = {}
    for root, folder in enumerate(graph.stored.roots):
        if not path.is_relative_to(folder):
            continue
        relative = path.relative_to(folder).as_posix()
        paths = graph.stored.paths(root)
        if relative not in paths:
            continue
        stem = _MARKS.sub("", PurePosixPath(relative).stem)
        for other, id_ in paths.items():
            if stem not in other or other == relative:
                continue  # most are: a path is taken apart where it may fit
            if not is_test(PurePosixPath(other)) and _fit(relative, other):
                found[graph.stored.path(root, id_)] = _BY_NAME
        for at, id_ in _imported(graph, root, paths[relative]):
            other_path = graph.stored.path(at, id_)
            if not is_test(PurePosixPath(other_path)):
                found[other_path] = _BY_BOTH if other_path in found else _BY_IMPORT
    return sorted(found.items(), key=lambda each: (-each[1], -_shared(path, each[0]), each[0]))


def focal_files(graph: Graph, test: Path) -> list[Path]:
    """What a test is about, two files at most: the one it is named after, of several the nearest by its
    folders; where none is nearest, the first of those it imports."""
    sources = sources_of_test(graph, test)
    named = [(_shared(test, path), path) for path, sure in sources if sure > _BY_IMPORT]
    if (sources and sources[0][1] == _BY_BOTH) or len(named) == 1:
        return [sources[0][0]]
    if named and named[0][0] > named[1][0]:
        return [named[0][1]]
    return [path for path, sure in sources if sure == _BY_IMPORT][:2]


def _shared(one: Path, other: Path) -> int:
    return len(set(one.parts).intersection(other.parts))


def _fit(one: str, other: str) -> bool:
    """Whether two files have the same name but for what marks a test, and the same kind of ending."""
    first, second = PurePosixPath(one), PurePosixPath(other)
    if first.suffix != second.suffix or not first.suffix:
        return False
    stem = _MARKS.sub("", first.stem)
    if not stem or _MARKS.sub("", second.stem) != stem or stem in ("__init__", "index", "conftest"):
        return False
    return first.stem != second.stem


def _imported(graph: Graph, root: int, id_: int) -> set[tuple[int, int]]:
    file = graph.stored.file(root, id_)
    found: set[tuple[int, int]] = set()
    for made in file.imports:
        if file.language == "python":
            joined = (
                f"{made.module}{made.name}" if made.module.endswith(".") else f"{made.module}.{made.name}"
            )
            inner = graph.modules.python(root, file.relative, joined) if made.name not in ("", "*") else None
            target = inner or graph.modules.python(root, file.relative, made.module)
        elif file.language in SCRIPTS:
            target = graph.modules.script(root, file.relative, made.module)
        elif file.language == "java":
            target = graph.modules.java(root, f"{made.module}.{made.name}")
        else:
            target = None
        if target is not None:
            found.add(target)
    return found
