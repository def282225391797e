"""How near files are to given ones in the graph of imports: personalised PageRank."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from devflow.analysis.languages import SCRIPTS
from devflow.retrieval.graph.modules import Modules
from devflow.retrieval.graph.stored import Stored

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

_DAMPING = 0.85
_ROUNDS = 12
_BACK = 0.5
"""What a link counts for from the imported file to the importing one."""
_MOST_TARGETS = 40


@dataclass(frozen=True, slots=True)
class Imports:
    """Who imports whom, as arrays: the links that lead to file `i` are `starts[i]` up to the next start,
    each from the file `sources` names. Both directions are in, so every file has links; the weights of
    those that leave a file sum to 1."""

    files: tuple[Path, ...]
    places: Mapping[Path, int]
    sources: NDArray[numpy.int64]
    weights: NDArray[numpy.float32]
    starts: NDArray[numpy.int64]


def imported(stored: Stored, modules: Modules) -> tuple[list[Path], dict[tuple[int, int], float]]:
    """The files of all roots that import or are imported, and how often each imports each, by their places:
    `(importer, imported)`. Reads every import once: a second for a million lines."""
    files: list[Path] = []
    numbers: dict[tuple[int, int], int] = {}

    def number(root: int, id_: int) -> int:
        """Files that neither import nor are imported are in no array."""
        known = numbers.get((root, id_))
        if known is None:
            known = numbers[root, id_] = len(files)
            files.append(stored.path(root, id_))
        return known

    pairs: dict[tuple[int, int], float] = {}
    known: dict[tuple[int, str, str, str], tuple[tuple[int, int], ...]] = {}
    by_name: list[dict[str, list[int]]] = []
    for root in range(len(stored.roots)):
        headers: dict[str, list[int]] = {}
        for path, id_ in stored.paths(root).items():
            headers.setdefault(posixpath.basename(path), []).append(id_)
        by_name.append(headers)
    for root in range(len(stored.roots)):
        for id_, module, name in stored.rows(root, "SELECT DISTINCT file, module, name FROM imports"):
            importer = stored.relative(root, id_)
            key = (root, posixpath.dirname(importer), str(module), str(name))
            found = known.get(key)
            if found is None:
                found = known[key] = tuple(
                    _targets(stored, modules, by_name[root], (root, id_, importer), str(module), str(name))
                )
            for target in found:
                one, other = number(root, id_), number(*target)
                if one != other:
                    pairs[one, other] = pairs.get((one, other), 0.0) + 1.0
    return files, pairs


def import_links(stored: Stored, modules: Modules) -> Imports:
    """The imports of all roots."""
    import numpy

    files, pairs = imported(stored, modules)
    for (one, other), weight in list(pairs.items()):
        pairs[other, one] = pairs.get((other, one), 0.0) + _BACK * weight
    ordered = sorted(pairs, key=lambda pair: (pair[1], pair[0]))
    sources = numpy.fromiter((one for one, _ in ordered), numpy.int64, len(ordered))
    targets = numpy.fromiter((other for _, other in ordered), numpy.int64, len(ordered))
    weights = numpy.fromiter((pairs[pair] for pair in ordered), numpy.float64, len(ordered))
    if ordered:
        weights /= numpy.bincount(sources, weights, len(files))[sources]
    starts = numpy.searchsorted(targets, numpy.arange(len(files)))
    places = {path: place for place, path in enumerate(files)}
    return Imports(tuple(files), places, sources, weights.astype(numpy.float32), starts)


def centrality(imports: Imports, seeds: Iterable[Path], most: int = 500) -> dict[Path, float]:
    """Personalised PageRank (Page et al. 1999; restart at the seeds, damping .85, 12 rounds) of the files
    nearest to `seeds`, which are left out when they are not indexed; the weights of all files sum to 1."""
    import numpy

    places = [imports.places[path] for path in seeds if path in imports.places]
    if not places:
        return {}
    start = numpy.zeros(len(imports.files), numpy.float32)
    numpy.add.at(start, places, 1.0 / len(places))
    rank = start
    for _ in range(_ROUNDS):
        moved = rank[imports.sources]
        moved *= imports.weights
        rank = _DAMPING * numpy.add.reduceat(moved, imports.starts) + (1 - _DAMPING) * start
    best = numpy.argsort(-rank, kind="stable")[:most]
    return {imports.files[place]: float(rank[place]) for place in best if rank[place] > 0}


def _targets(
    stored: Stored,
    modules: Modules,
    by_name: dict[str, list[int]],
    importer: tuple[int, int, str],
    module: str,
    name: str,
) -> list[tuple[int, int]]:
    root, id_, path = importer
    language = stored.language(root, id_)
    if language == "python":
        joined = f"{module}{name}" if module.endswith(".") else f"{module}.{name}"
        found = modules.python(root, path, joined) if name and name != "*" else None
        found = found or modules.python(root, path, module)
        return [found] if found else []
    if language in SCRIPTS:
        found = modules.script(root, path, module)
        return [found] if found else []
    if language == "go":
        return modules.go(root, module)[:_MOST_TARGETS]
    if language == "java":
        found = modules.java(root, f"{module}.{name}") or modules.java(root, module)
        return [found] if found else []
    if language in ("c", "cpp", "ruby"):
        wanted = module if "." in posixpath.basename(module) else f"{module}.rb"
        ends = wanted.lstrip("./")
        near = [
            each
            for each in by_name.get(posixpath.basename(wanted), ())
            if f"/{stored.relative(root, each)}".endswith(f"/{ends}")
        ]
        return [(root, each) for each in near[:3]]
    return []
