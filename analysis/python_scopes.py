"""The names of a Python file as values: scopes, where names stand, and the scope each belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import tree_sitter

from devflow.analysis.syntax.parse import SyntaxTree

Role = Literal["read", "bind", "delete", "declare"]
Kind = Literal["module", "class", "function", "lambda", "comprehension", "types"]
IN_STRINGS = frozenset({"quoted", "exported", "slot", "field", "named", "parametrized"})
"""How names occur that stand in strings."""
MODULE = 0
"""The number of the file's own scope."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One place where a plain name stands."""

    name: str
    start: int
    end: int
    scope: int
    """The scope whose code it is in, which need not be the one it belongs to."""
    role: Role
    how: str = ""
    """For "bind": `parameter`, `import`, `def`, `class`, `loop`, `augmented`, `field` (in a string: of
    `namedtuple("P", "x y")`) or `` for the rest; for "read": `quoted` inside a string or comment that is an
    annotation; for "declare": `exported` in `__all__`, `slot` in `__slots__` and `__match_args__`,
    `named` in `T = TypeVar("T")`, `parametrized` in `@parametrize("x, y", …)`."""


@dataclass(frozen=True, slots=True)
class Member:
    """A name behind a dot; `owner` is the expression before it."""

    name: str
    start: int
    end: int
    scope: int
    owner: tree_sitter.Node
    bound: bool = False


@dataclass(frozen=True, slots=True)
class Keyword:
    """The name of a keyword argument in the arguments of `call`."""

    name: str
    start: int
    end: int
    scope: int
    call: tree_sitter.Node


@dataclass(frozen=True, slots=True)
class ImportedName:
    """One name an import statement brings in. `import a.b` has no `name` and binds `a`."""

    module: str
    level: int
    name: str
    """`*` for all of them."""
    bound: str
    start: int
    end: int
    """Where `name` stands, or for `import a.b` the whole of `a.b`."""
    has_alias: bool
    scope: int
    statement: tree_sitter.Node


@dataclass(slots=True)
class Scope:
    """What a scope binds and declares."""

    number: int
    kind: Kind
    parent: int
    start: int
    end: int
    node: tree_sitter.Node
    bound: dict[str, int] = field(default_factory=dict)
    """Name → the place of its first binding in the order of evaluation."""
    declared_global: set[str] = field(default_factory=set)
    declared_nonlocal: set[str] = field(default_factory=set)


@dataclass(slots=True)
class PythonNames:
    """The names of one file."""

    tree: SyntaxTree
    scopes: list[Scope]
    occurrences: list[Occurrence]
    """In the order of evaluation, about."""
    members: list[Member]
    keywords: list[Keyword]
    imports: list[ImportedName]
    exported: list[tuple[str, int, int]]
    """The strings in `__all__`, without their quotes."""
    keys: list[Member]
    """Strings that are keys of a mapping: `owner["name"]`, `owner.get("name")`, `owner: D = {"name": …}`."""
    _homes: dict[int, int] = field(default_factory=dict)
    _by_home: dict[tuple[str, int], list[Occurrence]] = field(default_factory=dict)
    _by_start: dict[int, Occurrence] = field(default_factory=dict)
    _first: dict[tuple[str, int], Occurrence | None] = field(default_factory=dict)

    def at(self, offset: int) -> Occurrence | None:
        """The plain name that begins at `offset`."""
        return self._by_start.get(offset)

    def is_in_string(self, offset: int) -> bool:
        """Whether the plain name that begins at `offset` stands in a string or a comment."""
        found = self._by_start.get(offset)
        return found is not None and found.how in IN_STRINGS

    def home(self, occurrence: Occurrence) -> int:
        """The scope the name belongs to; the file's own when it is bound nowhere."""
        return self._homes[occurrence.start]

    def of(self, name: str, home: int) -> list[Occurrence]:
        """All places of the name that belongs to the scope `home`, in the order of the text."""
        return sorted(self._by_home.get((name, home), ()), key=lambda each: each.start)

    def first_binding(self, name: str, home: int) -> Occurrence | None:
        """The first place in the text that binds the name; looked for once, for it is asked of every use."""
        key = (name, home)
        if key not in self._first:
            bindings = (each for each in self._by_home.get(key, ()) if each.role == "bind")
            self._first[key] = min(bindings, key=lambda each: each.start, default=None)
        return self._first[key]

    def is_bound(self, name: str, home: int) -> bool:
        """Whether the scope itself binds the name."""
        return name in self.scopes[home].bound

    def has_star(self) -> bool:
        """Whether a star import brings in names nobody sees."""
        return any(each.name == "*" for each in self.imports)

    def scope_at(self, offset: int) -> int:
        """The innermost scope whose code `offset` lies in, by the extent of its syntax."""
        holding = [each for each in self.scopes[1:] if each.start <= offset < each.end]
        return min(holding, key=lambda each: each.end - each.start).number if holding else MODULE

    def around(self, scope: int) -> Iterator[int]:
        """`scope` and those around it whose names its code sees, innermost first."""
        first = scope
        while True:
            if scope == first or self.scopes[scope].kind != "class":
                yield scope
            if scope == MODULE:
                return
            scope = self.scopes[scope].parent

    def lookup(self, name: str, scope: int) -> int:
        """The scope that `name`, used in `scope`, belongs to; the file's own when none binds it."""
        if name in self.scopes[scope].declared_global:
            return MODULE
        outward = list(self.around(scope))
        if name in self.scopes[scope].declared_nonlocal:
            outward = [each for each in outward[1:] if each != MODULE]
        for each in outward:
            if name in self.scopes[each].declared_global:
                return MODULE
            if name in self.scopes[each].bound and name not in self.scopes[each].declared_nonlocal:
                return each
        return MODULE

    def settle(self) -> None:
        """Give every occurrence its home; called once when all bindings are known."""
        for order, each in enumerate(self.occurrences):
            home = each.scope if each.how in ("slot", "parametrized") else self.lookup(each.name, each.scope)
            scope = self.scopes[home]
            if (
                scope.kind == "class"
                and home == each.scope
                and each.role == "read"
                and order < scope.bound[each.name]
            ):
                # Read before the class body binds it: `x = x` reads the file's name, never a function's.
                home = MODULE
            self._homes[each.start] = home
            self._by_home.setdefault((each.name, home), []).append(each)
            self._by_start[each.start] = each
