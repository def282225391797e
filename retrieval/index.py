"""The reader that the server and the commands hold."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devflow.analysis.facts import Symbol, SymbolKind
from devflow.retrieval import history, relations
from devflow.retrieval.base import (
    Hit,
    IndexedReference,
    IndexedSymbol,
    IndexStatus,
    VectorSearch,
)
from devflow.retrieval.fuzzy import candidates, rank
from devflow.retrieval.nearness import Nearness, counting
from devflow.retrieval.open_root import OpenRoot
from devflow.retrieval.pool import Pool, pool_of, read
from devflow.retrieval.relations import UseCounts
from devflow.retrieval.search import Searched, SearchOptions, search_root
from devflow.retrieval.similar import similar_in_root
from devflow.retrieval.status import read_status
from devflow.retrieval.store import Reader, index_directory
from devflow.retrieval.words import storable

if TYPE_CHECKING:
    from devflow.retrieval.graph.open_graph import CodeGraph

_SHORTEST_PART = 3

__all__ = ["Index", "index_directory"]

log = logging.getLogger(__name__)

_SYMBOL = (
    's.name, s.kind, s.start, s."end", s.name_start, s.name_end, s.container, s.signature, s.doc, '
    "f.path, f.language, s.line"
)


class Index:
    """What all roots' stores know. Every answer is as of one generation per root; a store that is
    missing, damaged or being made again answers nothing and raises nothing."""

    def __init__(self, directories: Sequence[tuple[Path, Path]], vectors: VectorSearch | None) -> None:
        """`directories`: each root with the folder its store is in."""
        self._open = [OpenRoot(root, Reader(directory)) for root, directory in directories]
        self._directories = tuple(directories)
        self._vectors = vectors
        self._graph: CodeGraph | None = None

    @property
    def graph(self) -> CodeGraph:
        """Who calls, extends, tests and reaches whom."""
        if self._graph is None:
            from devflow.retrieval.graph.open_graph import CodeGraph  # search needs none of it

            self._graph = CodeGraph(self._directories)
        return self._graph

    @classmethod
    async def open(cls, roots: Sequence[Path], vectors: VectorSearch | None = None) -> Index:
        """The stores need not exist yet."""
        directories = await asyncio.to_thread(lambda: [(root, index_directory(root)) for root in roots])
        return cls(directories, vectors)

    def within(self, roots: Sequence[Path]) -> Index:
        """The same index for somebody who may see only these roots: of every other one it knows nothing,
        and no answer or count tells that it is there. Close it as well."""
        allowed = set(roots)
        directories = [(root, directory) for root, directory in self._directories if root in allowed]
        return Index(directories, _Within(self._vectors, allowed) if self._vectors is not None else None)

    async def symbols_named(self, name: str, limit: int = 50) -> list[IndexedSymbol]:
        """Definitions of exactly this name."""
        return await self._symbols(
            "s.lower = ? AND s.name = ? ORDER BY f.path, s.start LIMIT ?", (name.lower(), name, limit)
        )

    async def symbols_matching(self, query: str, limit: int = 100) -> list[IndexedSymbol]:
        """Definitions whose name fits: same, prefix, camelCase initials, substring, letters in order;
        best first. A query `a.b` asks for `b` inside something like `a`. "" gives top-level symbols."""
        query = storable(query)
        found: list[IndexedSymbol] = []
        for root in self._open:
            with _guarded():
                async with root.store.snapshot() as db:
                    if db is None:
                        continue
                    rows = await candidates(db, root.vocabulary, query, _SYMBOL, 3 * limit)
                    found += [_symbol(root.path, row) for row in rows]
        return rank(query, found)[:limit]

    async def symbols_in(self, path: Path) -> list[IndexedSymbol]:
        """The symbols of one file in order."""
        return await self._symbols("f.path = ? ORDER BY s.start", (), path=path)

    async def methods_of(self, class_name: str, limit: int = 200) -> list[IndexedSymbol]:
        """Definitions directly inside classes (or other symbols) of this name."""
        name = class_name.rpartition(".")[2]
        return await self._symbols(
            "s.owner = ? AND s.owner <> '' ORDER BY f.path, s.start LIMIT ?", (name, limit)
        )

    async def references_to(self, name: str, limit: int = 500) -> list[IndexedReference]:
        """Uses of this name anywhere; whether they mean the same thing is not known here."""
        rows = await self._rows(
            'SELECT f.path, r.name, r.kind, r.start, r."end", r.line, r.receiver, r.container '
            "FROM refs r JOIN files f ON f.id = r.file WHERE r.name = ? LIMIT ?",
            (name, limit),
        )
        return [IndexedReference(root / row[0], *row[1:]) for root, row in rows][:limit]

    async def uses_of(self, name: str, most: int = 2_000, language: str = "") -> UseCounts:
        """How often this name is used, in tests and elsewhere; counted up to `most` in each root. With a
        `language`, in files whose code can use its names."""
        rows = await self._rows(relations.USES, (name, most))
        counted = [(path, kind, times) for _, (path, kind, times) in rows]
        if language:
            counted = [each for each in counted if relations.is_kin(each[0], language)]
        return relations.counted(counted, most)

    async def members_shared(self, owners: Sequence[str], names: Sequence[str]) -> dict[str, int]:
        """How many of `names` each class of `owners` defines; both at most some dozens."""
        sql = relations.SHARED.format(owners=", ".join("?" * len(owners)), names=", ".join("?" * len(names)))
        return _summed(await self._rows(sql, (*owners, *names)))

    async def owners_of_all(self, names: Sequence[str]) -> list[str]:
        """Names of the classes (or other owners) that define every one of `names`, at most some dozens."""
        sql = relations.OWNERS.format(marks=", ".join("?" * len(names)), lowers=", ".join("?" * len(names)))
        lowers = [name.lower() for name in names]
        rows = await self._rows(sql, (*lowers, *names, len(names)))
        return list(dict.fromkeys(owner for _, (owner,) in rows))

    async def classes_naming(self, name: str, limit: int = 200) -> list[IndexedSymbol]:
        """Classes, interfaces and the like whose head mentions this name, as a base or otherwise."""
        return await self._symbols(relations.EXTENDING, (name, limit))

    async def imports_called(self, alias: str, limit: int = 50) -> list[tuple[str, str, int]]:
        """What files import under this name: `(module, name, files)`, most often first; no `name` when it is
        the module itself."""
        rows = await self._rows(
            "SELECT module, name, count(DISTINCT file) FROM imports WHERE alias = ? OR "
            "(alias = '' AND name = '' AND module = ?) GROUP BY module, name ORDER BY 3 DESC LIMIT ?",
            (alias, alias, limit),
        )
        found: dict[tuple[str, str], int] = {}
        for _, (module, name, times) in rows:
            found[module, name] = found.get((module, name), 0) + times
        return sorted(((*key, times) for key, times in found.items()), key=lambda each: -each[2])

    async def files_importing(self, name: str, limit: int = 20_000) -> list[Path]:
        """Files with an import that names `name`, or has it somewhere in its module's name."""
        rows = await self._rows(
            "SELECT DISTINCT f.path FROM imports i JOIN files f ON f.id = i.file "
            "WHERE i.name = ? OR instr(i.module, ?) > 0 LIMIT ?",
            (name, name, limit),
        )
        return [root / row[0] for root, row in rows]

    async def members_of(self, *receivers: str, limit: int = 200) -> dict[str, int]:
        """Attribute names seen on any of these receiver texts, with how often, most frequent first."""
        marks = ", ".join("?" * len(receivers))
        rows = await self._rows(
            f"SELECT name, sum(times) FROM members WHERE receiver IN ({marks}) GROUP BY name "
            "ORDER BY 2 DESC LIMIT ?",
            (*receivers, limit),
        )
        return dict(list(_summed(rows).items())[:limit])

    async def attribute_counts(self, names: Sequence[str]) -> dict[str, int]:
        """How often each name is seen behind a dot; names never seen are left out."""
        counts: dict[str, int] = {}
        for at in range(0, len(names), 500):
            some = names[at : at + 500]
            marks = ", ".join("?" * len(some))
            rows = await self._rows(
                f"SELECT name, times FROM attributes WHERE times > 0 AND name IN ({marks})", tuple(some)
            )
            for name, times in _summed(rows).items():
                counts[name] = counts.get(name, 0) + times
        return counts

    async def symbols_of(self, names: Sequence[str], limit: int = 400) -> list[IndexedSymbol]:
        """Definitions of any of these names, asked at once."""
        some = list(dict.fromkeys(names))[:200]
        marks = ", ".join("?" * len(some))
        lower, exact = [name.lower() for name in some], list(some)
        return await self._symbols(
            f"s.lower IN ({marks}) AND s.name IN ({marks}) LIMIT ?", (*lower, *exact, limit)
        )

    async def members_in(self, classes: Sequence[str], limit: int = 600) -> list[IndexedSymbol]:
        """Definitions directly inside classes (or other symbols) of these names."""
        some = list(dict.fromkeys(name.rpartition(".")[2] for name in classes if name))[:50]
        marks = ", ".join("?" * len(some))
        return await self._symbols(f"s.owner IN ({marks}) AND s.owner <> '' LIMIT ?", (*some, limit))

    async def frequent_members(self, limit: int = 3000) -> dict[str, int]:
        """Names that stand behind a dot somewhere, or that a class defines, with how often, the most
        frequent first. Reads all there are: ask once in a while."""
        rows = await self._rows(
            "SELECT name, sum(times) AS every FROM (SELECT name, times FROM attributes WHERE times > 0 "
            "UNION ALL SELECT name, count(*) FROM symbols WHERE owner <> '' GROUP BY name) GROUP BY name "
            "ORDER BY every DESC LIMIT ?",
            (limit,),
        )
        return dict(list(_summed(rows).items())[:limit])

    async def search(
        self,
        query: str,
        limit: int = 10,
        deadline: float | None = None,
        options: SearchOptions = SearchOptions(),  # noqa: B008  # frozen
        near: Sequence[Path] = (),
    ) -> list[Hit]:
        """Chunks that answer the query, best first: by full text, names, paths and vectors. After `deadline`
        seconds the sources that have answered count, in all roots. `near`: the files that are open, the one
        that is asked from first; of hits that answer alike those are first that imports and commits bring
        near to them. `searched` says why there is nothing."""
        return list((await self.searched(query, limit, deadline, options, near)).hits)

    async def searched(
        self,
        query: str,
        limit: int = 10,
        deadline: float | None = None,
        options: SearchOptions = SearchOptions(),  # noqa: B008  # frozen
        near: Sequence[Path] = (),
    ) -> Searched:
        """As `search`, with the reason when there is nothing."""
        query = storable(query)
        near = counting(near)

        async def in_root(root: OpenRoot) -> Searched:
            telling = partial(self._nearness, root, near, wait=deadline is None)
            with _guarded():
                return await search_root(root, self._vectors, query, limit, deadline, options, telling)
            return Searched(())

        found = await asyncio.gather(*(in_root(root) for root in self._open))
        best = sorted((hit for each in found for hit in each.hits), key=lambda hit: -hit.score)[:limit]
        if not best and (name := await self._name_with(query)):
            return await self.searched(name, limit, deadline, options, near)
        reasons = dict.fromkeys(each.reason for each in found if each.reason)
        return Searched(tuple(best), "" if best else " ".join(reasons))

    async def prepare(self, near: Sequence[Path]) -> None:
        """Have ready what a search near these files does not wait for, for who asks but once."""
        with _guarded():
            if near:
                await self.graph.centrality(counting(near))

    async def _nearness(self, root: OpenRoot, near: Sequence[Path], *, wait: bool) -> Nearness:
        """Who does not `wait` has the imports as they were last read, or none."""

        async def central() -> Mapping[Path, float]:
            if not near:
                return {}
            # Importing the graph would keep the event loop.
            await asyncio.to_thread(import_module, "devflow.retrieval.graph.open_graph")
            return await self.graph.centrality(near, wait=wait)

        ranks, changed = await asyncio.gather(central(), root.changes.now(root.store))
        inside = (path.relative_to(root.path).as_posix() for path in near if path.is_relative_to(root.path))
        return Nearness(root.path, tuple(inside), ranks, changed)

    async def _name_with(self, part: str) -> str:
        """The likeliest name that has `part`, a word of three letters or more, inside; "" without."""
        part = part.strip()
        if len(part) < _SHORTEST_PART or not part.isidentifier():
            return ""
        found = (each.symbol.name for each in await self.symbols_matching(part, 20))
        return next((name for name in found if part.lower() in name.lower() != part.lower()), "")

    async def pools(self, query: str, options: SearchOptions = SearchOptions()) -> list[Pool]:  # noqa: B008
        """All candidates of each root, unordered: what the learned order is learned from."""
        found = []
        for root in self._open:
            pool = await pool_of(root, self._vectors, storable(query), None, options.sources)
            await read(root.store, pool.order)
            found.append(pool)
        return found

    async def similar_functions(self, text: str, limit: int = 5) -> list[Hit]:
        """Functions whose code resembles `text`; `score` is the share of common word triples, 0 to 1."""
        text = storable(text)
        hits: list[Hit] = []
        for root in self._open:
            with _guarded():
                hits += await similar_in_root(root, text, limit)
        return sorted(hits, key=lambda hit: -hit.score)[:limit]

    async def changed_with(self, path: Path, limit: int = 10) -> list[tuple[Path, int]]:
        """Indexed files that commits changed together with this one, and in how many; most often first."""
        rows = await self._rows(history.TOGETHER, (history.WIDEST, limit), path=path)
        return [(root / other, times) for root, (other, times) in rows][:limit]

    async def status(self) -> list[IndexStatus]:
        """One per root, as the stores say it; whether a worker is alive is the worker's to say."""
        return [await read_status(each.store, each.path, index_directory(each.path)) for each in self._open]

    async def close(self) -> None:
        """Close the stores."""
        if self._graph is not None:
            await self._graph.close()
        for root in self._open:
            await root.close()

    async def _symbols(
        self, where: str, arguments: tuple[object, ...], path: Path | None = None
    ) -> list[IndexedSymbol]:
        rows = await self._rows(
            f"SELECT {_SYMBOL} FROM symbols s JOIN files f ON f.id = s.file WHERE {where}", arguments, path
        )
        return [_symbol(root, row) for root, row in rows]

    async def _rows(
        self, sql: str, arguments: tuple[object, ...], path: Path | None = None
    ) -> list[tuple[Path, tuple[Any, ...]]]:
        """Rows of all roots; with `path`, of the roots that hold it, its relative form first of the
        arguments."""
        found: list[tuple[Path, tuple[Any, ...]]] = []
        for root in self._open:
            values = arguments
            if path is not None:
                if not path.is_relative_to(root.path):
                    continue
                values = (path.relative_to(root.path).as_posix(), *arguments)
            values = tuple(storable(value) if isinstance(value, str) else value for value in values)
            with _guarded():
                found += [(root.path, row) for row in await root.store.rows(sql, values)]
        return found


class _Within:
    """Vectors of some roots only."""

    def __init__(self, vectors: VectorSearch, roots: Collection[Path]) -> None:
        self._vectors = vectors
        self._roots = roots

    async def nearest(self, root: Path, query: str, limit: int) -> list[tuple[int, float]]:
        return await self._vectors.nearest(root, query, limit) if root in self._roots else []


@contextlib.contextmanager
def _guarded() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        log.warning("the index could not be read: %s", error)


def _summed(rows: list[tuple[Path, tuple[Any, ...]]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for _, (name, times) in rows:
        counts[name] = counts.get(name, 0) + times
    return dict(sorted(counts.items(), key=lambda item: -item[1]))


@lru_cache(4_096)
def _joined(root: Path, path: str) -> Path:
    # Hundreds of symbols are of a few files, and joining takes as long as the rest of a symbol.
    return root / path


def _symbol(root: Path, row: Sequence[Any]) -> IndexedSymbol:
    name, kind, start, end, name_start, name_end, container, signature, doc, path, language, line = row
    return IndexedSymbol(
        path=_joined(root, path),
        language=language,
        line=line,
        symbol=Symbol(name, SymbolKind(kind), start, end, name_start, name_end, container, signature, doc),
    )
