"""What Python files bind, kept as long as they stay as they are, and where their imports lead."""

from __future__ import annotations

import stat
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

from devflow.analysis.facts import SymbolKind
from devflow.analysis.module_table import Binding, ModuleTable, table_of
from devflow.analysis.python_modules import module_file, relative_module, search_path, stub_of, submodule
from devflow.analysis.regular_files import content
from devflow.analysis.syntax.parse import SyntaxTree, parse
from devflow.analysis.text import Text

DEEPEST = 12
"""Imports, bases or values that are followed one behind the other."""
_MOST_STARS = 3
_KIND_OF = {
    "class": SymbolKind.CLASS,
    "function": SymbolKind.FUNCTION,
    "variable": SymbolKind.VARIABLE,
    "import": SymbolKind.VARIABLE,
}
_KEPT = 256
"""Files; about 45 kB each. With twelve documents open in one package 64 were read again and again."""
_LARGEST = 1_500_000
_PROPERTIES = ("property", "cached_property", "locked_cached_property")


@dataclass(frozen=True, slots=True)
class Target:
    """What a name stands for: a binding in a file, or (without one) the file itself, a module."""

    path: Path
    binding: Binding | None
    owner: tuple[str, ...] = ()
    """The classes around the binding, outermost first."""
    instance: bool = False
    """A value of the class, not the class."""
    sure: bool = True
    """False where another place could be meant."""
    alone: bool = True
    """False where the name is bound more than once there: its type is not known by one of them."""


Lookup = Callable[[str], Target | None]


class PythonFiles:
    """The files of one set of roots, their libraries and the standard library. Synchronous; threads may share
    it."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self.folders = search_path(roots)
        self._tables: OrderedDict[Path, tuple[object, ModuleTable | None]] = OrderedDict()
        self._lock = Lock()

    def released(self, path: Path) -> None:
        """The document `path` is closed: its file says what it binds again."""
        with self._lock:
            self._tables.pop(path, None)

    def module(self, name: str, path: Path | None) -> Path | None:
        """The file of a module as an import in `path` names it."""
        if name.startswith("."):
            return relative_module(name, path) if path is not None else None
        return module_file(name, self.folders)

    def public_names(self, path: Path, depth: int = 0) -> dict[str, SymbolKind]:
        """What the module `path` offers: the names without an underscore that it binds at its top level, and
        those of its star imports. What an import binds is not looked up: a variable."""
        table = self.table(path) if path.suffix else None
        if table is None or depth > _MOST_STARS:
            return {}
        found = {
            name: _KIND_OF[bindings[-1].kind]
            for name, bindings in list(table.names.items())
            if not name.startswith("_")
        }
        for star in table.stars:
            file = self.module(star, path)
            if file is not None and file != path:
                found = self.public_names(file, depth + 1) | found
        return found

    def table(self, path: Path) -> ModuleTable | None:
        """What the file binds; None when it cannot be read."""
        with self._lock:
            kept = self._tables.get(path)
            if kept is not None:
                self._tables.move_to_end(path)
        if kept is not None and isinstance(kept[0], SyntaxTree):
            return kept[1]
        stamp = _stamp(path)
        if kept is None or kept[0] != stamp:
            text = _read(path) if stamp is not None else None
            tree = parse(text, "python") if text is not None else None
            kept = (stamp, table_of(tree) if tree is not None else None)
            self._keep(path, kept)
        return kept[1]

    def own(self, path: Path, tree: SyntaxTree) -> ModuleTable:
        """The table of an open document: it stands for its file while the question lasts."""
        with self._lock:
            kept = self._tables.get(path)
        if kept is None or kept[0] is not tree or kept[1] is None:
            made = table_of(tree)
            self._keep(path, (tree, made))
            return made
        return kept[1]

    def _keep(self, path: Path, entry: tuple[object, ModuleTable | None]) -> None:
        with self._lock:
            self._tables[path] = entry
            self._tables.move_to_end(path)
            while len(self._tables) > _KEPT:
                self._tables.popitem(last=False)

    def module_scope(self, path: Path) -> Lookup:
        """Names as the top level of `path` sees them."""
        return lambda name: self.module_name(path, name)

    def module_name(self, path: Path, name: str, depth: int = 0) -> Target | None:
        """What `name` is at the top level of `path`, or among the built-in names."""
        table = self.table(path)
        if table is not None and name in table.names:
            return self.followed(bound(path, table.names[name]), depth)
        if table is not None and depth < DEEPEST:
            found = self._from_stars(table, path, name, depth)
            if found is not None:
                return found
        builtins = module_file("builtins", self.folders)
        if builtins is None or builtins == path or depth:
            return None
        return self.in_module(builtins, name, depth + 1)

    def _from_stars(self, table: ModuleTable, path: Path, name: str, depth: int) -> Target | None:
        for star in table.stars:
            file = self.module(star, path)
            found = self.in_module(file, name, depth + 1) if file is not None else None
            if found is not None:
                return found
        return None

    def in_module(self, path: Path, name: str, depth: int = 0) -> Target | None:
        """The name `name` of the module `path`, imports followed; a submodule where it is none."""
        table = self.table(path) if path.suffix else None
        if depth < DEEPEST and table is not None:
            if name in table.names:
                found = self.followed(bound(path, table.names[name]), depth + 1)
                if found is not None:
                    return found
            found = self._from_stars(table, path, name, depth)
            if found is not None:
                return found
        inner = submodule(path, name)
        if inner is not None:
            return Target(inner, None)
        stub = stub_of(path)
        return self.in_module(stub, name, depth + 1) if stub is not None and depth < DEEPEST else None

    def followed(self, target: Target, depth: int = 0) -> Target | None:
        """Where an import leads; what is no import leads to itself."""
        binding = target.binding
        if binding is None or binding.kind != "import":
            return target
        file = self.module(binding.value, target.path) if depth < DEEPEST else None
        if file is None:
            return None
        if not binding.annotation:
            return Target(file, None, sure=target.sure)
        found = self.in_module(file, binding.annotation, depth + 1)
        return replace(found, sure=found.sure and target.sure) if found is not None else None

    def builtin(self, name: str) -> Target | None:
        """A value of the built-in type `name`."""
        builtins = module_file("builtins", self.folders)
        found = self.in_module(builtins, name) if builtins is not None else None
        return replace(found, instance=True) if found is not None else None

    def tree_of(self, path: Path) -> SyntaxTree | None:
        """The tree of an open document that stands for its file."""
        with self._lock:
            kept = self._tables.get(path)
        tree = kept[0] if kept is not None else None
        return tree if isinstance(tree, SyntaxTree) else None


def bound(
    path: Path, bindings: Sequence[Binding], owner: tuple[str, ...] = (), *, sure: bool = True
) -> Target:
    """The target of a name with these bindings: the implementation of overloads, the getter of a
    property, else the first definition, else the first assignment of more than None."""
    defined = [each for each in bindings if each.kind in ("class", "function")]
    alone = len(bindings) == 1
    if not defined:
        useful = [each for each in bindings if each.value != "None" or each.annotation] or list(bindings)
        made = all(each.kind == "variable" for each in bindings)
        return Target(path, useful[0], owner, sure=sure and (alone or made), alone=alone)
    if len(defined) == len(bindings) and all(each.kind == "function" for each in defined):
        overloads = [each for each in defined if any("overload" in one for one in each.decorators)]
        if overloads:
            plain = [each for each in defined if each not in overloads]
            return Target(path, plain[-1] if plain else overloads[0], owner, sure=sure)
        if is_property(defined[0]):
            return Target(path, defined[0], owner, sure=sure)
    return Target(path, defined[0], owner, sure=sure and alone, alone=alone)


def is_property(binding: Binding) -> bool:
    """Whether a function is read like a variable."""
    return any(each.split("(")[0].rsplit(".", 1)[-1] in _PROPERTIES for each in binding.decorators)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size) if stat.S_ISREG(found.st_mode) else None


def _read(path: Path) -> Text | None:
    """The text of a regular file; None when it is none, too large, or not UTF-8."""
    data = content(path, _LARGEST)
    try:
        return Text(data.decode("utf-8-sig")) if data is not None else None
    except UnicodeDecodeError:
        return None
