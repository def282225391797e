"""What Python files bind, kept as long as they stay as they are, and where their imports lead."""

from __future__ import annotations

import re
import stat
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock

from devflow.analysis.facts import SymbolKind
from devflow.analysis.module_table import Binding, ModuleTable, table_of
from devflow.analysis.python_modules import (
    module_file,
    modules_beside,
    relative_module,
    search_path,
    stub_of,
    submodule,
)
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
_MOST_LISTS = 4_000
_LARGEST = 1_500_000
_PROPERTIES = ("property", "cached_property", "locked_cached_property")

Later = Callable[[], "Target | None"]
"""A type argument: what it stands for, looked up when somebody asks."""


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
    arguments: tuple[Later, ...] = field(default=(), compare=False)
    """Of a value of a generic class: its type arguments."""
    given: Mapping[str, Later] = field(default_factory=dict, compare=False)
    """Of a member: what the type variables of its class stand for in the value it is read from."""
    through: Target | None = field(default=None, compare=False)
    """Of a member: the value or class it is read from."""


Lookup = Callable[[str], Target | None]


class PythonFiles:
    """The files of one set of roots, their libraries and the standard library. Synchronous; threads may share
    it."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self.folders = search_path(roots)
        self._tables: OrderedDict[Path, tuple[object, ModuleTable | None]] = OrderedDict()
        self._lists: dict[Path, tuple[object, Mapping[str, SymbolKind] | None]] = {}
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

    def _imported(self, name: str, path: Path) -> Path | None:
        """The file that an import in `path` means: a stub's imports mean stubs."""
        file = self.module(name, path)
        stub = stub_of(file) if file is not None and path.suffix == ".pyi" else None
        return stub or file

    def public_names(self, path: Path, depth: int = 0) -> Mapping[str, SymbolKind]:
        """What the module `path` offers: the names without an underscore that it binds at its top level, and
        those of its star imports. What an import binds is not looked up: a variable."""
        if depth > _MOST_STARS or not path.suffix:
            return {}
        table = self.table(path)
        if table is None:
            return {}
        found: Mapping[str, SymbolKind] = {
            name: _KIND_OF[bindings[-1].kind]
            for name, bindings in list(table.names.items())
            if not name.startswith("_")
        }
        for star in table.stars:
            file = self._imported(star, path)
            if file is not None and file != path:
                listed = self._listed(file)
                more = self.public_names(file, depth + 1) if listed is None else listed
                found = {**more, **found}
        return found

    def _listed(self, path: Path) -> Mapping[str, SymbolKind] | None:
        """The names in the list `__all__` of a file, which are all that a star import takes; None where there
        is none, or not as a plain list. The file is not parsed for it: a package that is put together by star
        imports may have hundreds."""
        with self._lock:
            kept = self._tables.get(path)
            named = self._lists.get(path)
        if kept is not None and kept[1] is not None:
            stamp, text = kept[0], kept[1].text
        else:
            stamp, text = _stamp(path), None
        if named is not None and named[0] == stamp:
            return named[1]
        if text is None:
            text = _read(path) if stamp is not None and path.suffix else None
        found = _all_of(text.source) if text is not None else None
        with self._lock:
            if len(self._lists) >= _MOST_LISTS:
                self._lists.clear()
            self._lists[path] = (stamp, found)
        return found

    def names_in(self, path: Path) -> dict[str, SymbolKind]:
        """What can stand behind a dot after the module `path`: what it binds, private names too, what its
        stub and its star imports do, and the modules under it."""
        table = self.table(path) if path.suffix else None
        if table is None:
            return {}
        found = {name: _KIND_OF[bindings[-1].kind] for name, bindings in list(table.names.items())}
        stub = stub_of(path)
        for each in (path, *([stub] if stub is not None else [])):
            found = {**self.public_names(each), **found}
        if path.stem == "__init__":
            inside = modules_beside(path.parent)
            found = dict.fromkeys(inside, SymbolKind.MODULE) | found
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
            made = table_of(tree, deferred=True)
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
            file = self._imported(star, path)
            listed = self._listed(file) if file is not None else None
            if file is None or (listed is not None and name not in listed):
                continue
            found = self.in_module(file, name, depth + 1)
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
        file = self._imported(binding.value, target.path) if depth < DEEPEST else None
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


_ALL = re.compile(r"^__all__(?:\s*:[^=\n]+)?\s*=\s*[\[(]([^\])]*)[\])]", re.MULTILINE)
_STRING = re.compile(r"""[\"'](\w+)[\"']""")
_DEFINITION = re.compile(r"^(class|def|async def)\s+(\w+)", re.MULTILINE)


def _all_of(source: str) -> Mapping[str, SymbolKind] | None:
    """The names in the only `__all__` of a text, a plain list."""
    found = _ALL.search(source)
    rest = source[found.end() :].lstrip(" ") if found is not None else "+"
    if found is None or source.count("__all__") > 1 or rest.startswith(("+", ".")):
        return None
    kinds = {
        name: _KIND_OF["class" if word == "class" else "function"]
        for word, name in _DEFINITION.findall(source)
    }
    return {name: kinds.get(name, SymbolKind.VARIABLE) for name in _STRING.findall(found[1])}


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
