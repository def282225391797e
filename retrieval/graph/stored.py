"""What the stores of some roots hold, read file by file and kept as long as the file stays as it is.

Synchronous, for one thread: a question of the graph follows hundreds of rows, and each hop of an event
loop would cost more than the row. `open_graph` puts a thread around it.
"""

from __future__ import annotations

import json
import sqlite3
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from devflow.analysis.facts import Import, SymbolKind
from devflow.analysis.roles import is_test
from devflow.analysis.symbols import CLASS_LIKE, FUNCTION_LIKE
from devflow.retrieval.graph.base import Definition, Use

HOLDERS = CLASS_LIKE | FUNCTION_LIKE | {SymbolKind.MODULE}
_MOST_FILES = 2_500
_MOST_SOURCE = 16_000_000
"""Code points of source text that are kept."""
_MOST_USED = 200
"""Files whose uses are kept."""
_SOURCE = "SELECT devflow_piece(text, 0, 2147483647) FROM texts WHERE file = ?"
_USES = (
    "SELECT u.file, devflow_uses(u.name, u.places, a.words) FROM uses u "
    "JOIN around_uses a ON a.file = u.file WHERE u.name = ?"
)
_USES_IN = (
    "SELECT u.name, devflow_uses(u.name, u.places, a.words) FROM around_uses a "
    "CROSS JOIN json_each(devflow_names(a.names)) n "
    "CROSS JOIN uses u ON u.name = n.value AND u.file = a.file WHERE a.file = ?"
)


class File:
    """One file's definitions and imports."""

    __slots__ = (
        "_bound",
        "_holder_starts",
        "_holders",
        "_starts",
        "definitions",
        "id",
        "imports",
        "language",
        "members",
        "path",
        "relative",
        "root",
    )

    def __init__(self, root: int, id_: int, path: Path, relative: str, language: str) -> None:
        self.root = root
        self.id = id_
        self.path = path
        self.relative = relative
        self.language = language
        self.definitions: list[Definition] = []
        """In the order of the text, outer before inner."""
        self.members: dict[str, dict[str, list[Definition]]] = {}
        """Qualified name of a container (`""`: the file) → name → definitions."""
        self.imports: list[Import] = []
        self._starts: list[int] = []
        self._holders: list[Definition] = []
        self._holder_starts: list[int] = []
        self._bound: dict[str, list[tuple[Import, Definition | None]]] | None = None

    def add(self, made: Definition) -> None:
        """The next definition of the text."""
        self.definitions.append(made)
        self.members.setdefault(made.container, {}).setdefault(made.name, []).append(made)
        self._starts.append(made.start)
        if made.kind in HOLDERS:
            self._holders.append(made)
            self._holder_starts.append(made.start)

    def named(self, container: str, name: str) -> list[Definition]:
        """Definitions of this name directly inside `container`."""
        return self.members.get(container, {}).get(name, [])

    def imported_as(self, name: str) -> list[tuple[Import, Definition | None]]:
        """Imports that bind `name`, each with the innermost function it stands in."""
        if self._bound is None:
            self._bound = {}
            for each in self.imports:
                bound = each.alias or (each.module.partition(".")[0] if not each.name else "")
                inside = [one for one in self.around(each.start) if one.kind in FUNCTION_LIKE]
                self._bound.setdefault(bound, []).append((each, inside[-1] if inside else None))
        return self._bound.get(name, [])

    def around(self, at: int) -> list[Definition]:
        """The classes and functions that hold `at`, outermost first."""
        found: list[Definition] = []
        place = bisect_right(self._holder_starts, at) - 1
        if place < 0:
            return found
        last = self._holders[place]
        if at < last.end:
            found.append(last)
        name = last.container
        while name:
            container, _, own = name.rpartition(".")
            holder = next((each for each in self.named(container, own) if each.start <= at < each.end), None)
            if holder is not None and holder.kind in HOLDERS:
                found.append(holder)
            name = container
        found.reverse()
        return found

    def holder(self, at: int) -> Definition:
        """What a use at `at` belongs to: the innermost class or function, else the variable of the file
        whose value it stands in, else the file itself."""
        found = self.around(at)
        if found:
            return found[-1]
        place = bisect_right(self._starts, at) - 1
        if place >= 0 and at < self.definitions[place].end:
            return self.definitions[place]
        return self.whole()

    def whole(self) -> Definition:
        """The code of the file outside its definitions."""
        return Definition(
            self.root,
            self.id,
            -1,
            self.path.name,
            self.path,
            self.language,
            SymbolKind.MODULE,
            "",
            -1,
            0,
            0,
            "",
        )


class Stored:
    """The stores of `roots`, through one read-only connection each. `begin` and `end` stand around a
    question: within it everything is of one generation a root."""

    def __init__(self, roots: Sequence[Path], connections: Sequence[sqlite3.Connection]) -> None:
        self.roots = tuple(roots)
        self._connections = tuple(connections)
        self._files: dict[tuple[int, int], File] = {}
        self._sources: dict[tuple[int, int], str] = {}
        self._source_size = 0
        self._uses: dict[tuple[int, int], list[Use]] = {}
        self._listed: dict[int, dict[str, int]] = {}
        self._languages: dict[int, dict[int, str]] = {}
        self._paths: dict[int, dict[int, str]] = {}
        self._whole_paths: dict[int, dict[int, Path]] = {}
        self._generations: tuple[int, ...] = ()
        self._file_generations: dict[tuple[int, int], int] = {}

    @property
    def generations(self) -> tuple[int, ...]:
        """The generation of each root that the current question sees."""
        return self._generations

    def begin(self) -> bool:
        """Start a question; whether a store has changed since the last one. What is kept of files that
        changed is dropped."""
        for connection in self._connections:
            connection.execute("BEGIN")
        now = tuple(
            int(connection.execute("SELECT value FROM meta WHERE key = 'generation'").fetchone()[0])
            for connection in self._connections
        )
        if now == self._generations:
            return False
        self._generations = now
        self._listed.clear()
        self._languages.clear()
        self._paths.clear()
        for root, connection in enumerate(self._connections):
            current = dict(connection.execute("SELECT id, generation FROM files"))
            for key in [key for key in self._file_generations if key[0] == root]:
                if current.get(key[1]) != self._file_generations[key]:
                    self._drop(key)
        return True

    def end(self) -> None:
        """End the question."""
        for connection in self._connections:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    def rows(self, root: int, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """What a statement finds in one root's store."""
        return self._connections[root].execute(sql, tuple(values)).fetchall()

    def paths(self, root: int) -> dict[str, int]:
        """Every file of a root: relative path → id."""
        known = self._listed.get(root)
        if known is None:
            rows = (
                self._connections[root]
                .execute("SELECT path, id, language FROM files ORDER BY path")
                .fetchall()
            )
            known = self._listed[root] = {path: id_ for path, id_, _ in rows}
            self._paths[root] = {id_: path for path, id_, _ in rows}
            self._whole_paths[root] = {}
            self._languages[root] = {id_: language for _, id_, language in rows}
        return known

    def relative(self, root: int, id_: int) -> str:
        """The path of a file below its root."""
        self.paths(root)
        return self._paths[root].get(id_, "")

    def path(self, root: int, id_: int) -> Path:
        """The whole path of a file."""
        self.paths(root)
        known = self._whole_paths[root].get(id_)
        if known is None:  # joining costs more than everything else of a row
            known = self._whole_paths[root][id_] = self.roots[root] / self._paths[root][id_]
        return known

    def is_test(self, definition: Definition) -> bool:
        """Whether a definition lies in a file of tests."""
        return is_test(definition.path.relative_to(self.roots[definition.root]))

    def language(self, root: int, id_: int) -> str:
        """The language of a file."""
        self.paths(root)
        return self._languages[root].get(id_, "")

    def file(self, root: int, id_: int) -> File:
        """A file's definitions and imports."""
        known = self._files.get((root, id_))
        if known is None:
            self.load(root, [id_])
            known = self._files[root, id_]
        return known

    def load(self, root: int, ids: Iterable[int]) -> None:
        """Read several files at once."""
        missing = [id_ for id_ in dict.fromkeys(ids) if (root, id_) not in self._files]
        if not missing:
            return
        while len(self._files) > _MOST_FILES:
            self._drop(next(iter(self._files)))
        self.paths(root)
        wanted = json.dumps(missing)
        connection = self._connections[root]
        some = "(SELECT value FROM json_each(?))"
        for id_, generation in connection.execute(
            f"SELECT id, generation FROM files WHERE id IN {some}", (wanted,)
        ):
            self._file_generations[root, id_] = generation
        for id_ in missing:
            relative = self.relative(root, id_)
            self._files[root, id_] = File(root, id_, self.path(root, id_), relative, self.language(root, id_))
        for row in connection.execute(
            f'SELECT {_DEFINITION} FROM symbols WHERE file IN {some} ORDER BY file, start, "end" DESC',
            (wanted,),
        ):
            made = self._definition(root, row)
            self._files[root, made.file].add(made)
        for id_, module, name, alias, start, end in connection.execute(
            f'SELECT file, module, name, alias, start, "end" FROM imports WHERE file IN {some} '
            "ORDER BY file, start",
            (wanted,),
        ):
            self._files[root, id_].imports.append(Import(module, name, alias, start, end))

    def source(self, file: File) -> str:
        """The file's text."""
        key = (file.root, file.id)
        known = self._sources.get(key)
        if known is None:
            [row] = self.rows(file.root, _SOURCE, (file.id,)) or [("",)]
            known = self._sources[key] = row[0]
            self._file_generations.setdefault(key, self._generation_of(file))
            self._source_size += len(known)
            while self._source_size > _MOST_SOURCE and len(self._sources) > 1:
                oldest = next(iter(self._sources))
                self._source_size -= len(self._sources.pop(oldest))
        return known

    def named(self, name: str, language: str = "", limit: int = 2_000) -> list[Definition]:
        """Definitions of this name in all roots, of one language when it is given."""
        found: list[Definition] = []
        for root, connection in enumerate(self._connections):
            self.paths(root)
            rows = connection.execute(
                f"SELECT {_DEFINITION} FROM symbols WHERE lower = ? AND name = ? "
                "ORDER BY file, start LIMIT ?",
                (name.lower(), name, limit),
            )
            found += [self._definition(root, row) for row in rows]
        return [each for each in found if each.language == language] if language else found

    def uses(self, name: str, limit: int = 20_000) -> list[Use]:
        """Uses of this name in all roots."""
        found: list[Use] = []
        for root, connection in enumerate(self._connections):
            for id_, places in connection.execute(_USES, (name,)):
                found += _uses(root, id_, name, places)
                if len(found) > limit:
                    break
        return found[:limit]

    def uses_in(self, definition: Definition) -> list[Use]:
        """Uses of names inside a definition, in order; of a file's own code, those of the whole file."""
        key = (definition.root, definition.file)
        known = self._uses.get(key)
        if known is None:
            known = []
            for name, places in self._connections[definition.root].execute(_USES_IN, (definition.file,)):
                known += _uses(definition.root, definition.file, name, places)
            known.sort(key=lambda use: use.start)
            while len(self._uses) >= _MOST_USED:
                del self._uses[next(iter(self._uses))]
            self._uses[key] = known
            self._file_generations.setdefault(key, self._generation_of(self.file(*key)))
        if definition.start < 0:
            return known
        low = bisect_left(known, definition.start, key=lambda use: use.start)
        high = bisect_left(known, definition.end, key=lambda use: use.start)
        return known[low:high]

    def _definition(self, root: int, row: Sequence[Any]) -> Definition:
        id_, start, end, name_start, line, name, kind, container, signature = row
        return Definition(
            root,
            id_,
            start,
            name,
            self.path(root, id_),
            self._languages[root][id_],
            SymbolKind(kind),
            container,
            end,
            name_start,
            line,
            signature,
        )

    def _generation_of(self, file: File) -> int:
        row = (
            self._connections[file.root]
            .execute("SELECT generation FROM files WHERE id = ?", (file.id,))
            .fetchone()
        )
        return int(row[0]) if row else 0

    def _drop(self, key: tuple[int, int]) -> None:
        self._files.pop(key, None)
        self._uses.pop(key, None)
        self._source_size -= len(self._sources.pop(key, ""))
        self._file_generations.pop(key, None)


def _uses(root: int, file: int, name: str, places: str) -> list[Use]:
    return [
        Use(root, file, start, end, kind, line, name, receiver, container)
        for start, end, kind, line, receiver, container in json.loads(places)
    ]


_DEFINITION = 'file, start, "end", name_start, line, name, kind, container, signature'
