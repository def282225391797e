"""Which function a call of a dotted name runs, where that is certain: one unconditional definition, reached
through imports that lead to one file, with nothing that could change how it is called."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from devflow.analysis.checks.call_sites import Site
from devflow.analysis.checks.python_module import Class, Function, Imported, Module

_TRANSPARENT = frozenset(
    (
        *("staticmethod", "classmethod", "deprecated", "warnings.deprecated"),
        *("override", "typing.override", "typing_extensions.override", "final", "typing.final"),
        *("cache", "lru_cache", "functools.cache", "functools.lru_cache"),
    )
)
"""Decorators that leave a function's parameters alone."""
_PLAIN_METACLASSES = frozenset(("", "ABCMeta", "abc.ABCMeta"))
PLAIN_CLASS_DECORATORS = frozenset(
    ("final", "typing.final", "runtime_checkable", "typing.runtime_checkable", "total_ordering")
)
_PLAIN_BASES = frozenset(
    (
        "abc.ABC",
        "typing.Generic",
        "typing.Protocol",
        "typing_extensions.Generic",
        "typing_extensions.Protocol",
    )
)
_OPEN_BASES = frozenset(
    {"dict", "list", "set"}
    | {
        name
        for name, value in vars(builtins).items()
        if isinstance(value, type) and issubclass(value, BaseException)
    }
)
"""Builtins whose `__new__` takes anything: only an `__init__` of our own restricts the call."""
_MAX_HOPS = 8


@dataclass(frozen=True, slots=True)
class Target:
    """The function a call runs."""

    module: Module
    function: Function
    bound: bool
    """The first parameter is filled by the call's receiver."""
    shown: str


class Resolver:
    """Follows names through modules; notes the files it would need in `wanted`."""

    def __init__(self, module: Module, roots: Sequence[Path], files: Mapping[Path, Module | None]) -> None:
        self.wanted: set[Path] = set()
        self._home = module
        self._files = files
        self._bases = _search_path(module.path, roots)

    def callable(self, module: Module, callee: str) -> Target | None:
        """The function that calling `callee` in `module` runs, when it is certain."""
        found = self._value(module, callee)
        if found is None:
            return None
        where, value = found
        if isinstance(value, Function):
            holder = callee.rpartition(".")[0]
            owner = self._value(module, holder) if holder else None
            if owner and isinstance(owner[1], Class):
                # Class.method(...): only static and class methods are called this way without self.
                kind = method_kind(value)
                if kind not in ("static", "class") or owner[1].metaclass:
                    return None
                return Target(where, value, kind == "class", callee)
            return Target(where, value, False, callee) if is_plain(value) else None
        if isinstance(value, Class):
            return self._constructor(where, value, callee)
        return None

    def is_made_by_init(self, module: Module, made: Class) -> bool:
        """Whether a call of the class runs its `__init__`: no decorator, metaclass or `__new__` of it or of a
        base comes between. False where a base is not known."""
        return all(
            owner is not None
            and owner.metaclass in _PLAIN_METACLASSES
            and "__new__" not in owner.members
            and set(owner.decorators) <= PLAIN_CLASS_DECORATORS
            for _, owner in self._family(module, made)
        )

    def method(self, site: Site) -> Target | None:
        """The method of the own class that `self.name(...)` runs."""
        assert site.own is not None
        name = site.callee.rpartition(".")[2]
        for where, owner in self._family(self._home, site.own):
            if owner is None:
                return None
            found = owner.members.get(name, ())
            if not found:
                if "__getattr__" in owner.members or "__getattribute__" in owner.members:
                    return None
                continue
            if len(found) != 1 or not isinstance(found[0], Function):
                return None
            kind = method_kind(found[0])
            if kind == "" or found[0].empty or (site.class_level and kind == "instance"):
                return None
            return Target(where, found[0], kind != "static", f"{owner.name}.{name}")
        return None

    def _constructor(self, module: Module, made: Class, shown: str) -> Target | None:
        if not self.is_made_by_init(module, made):
            return None
        family = list(self._family(module, made))
        initialisers: list[tuple[Module, Function]] = []
        restricted = True
        for where, owner in family:
            assert owner is not None
            if _OPEN_BASES & set(owner.bases):
                restricted = False
            found = owner.members.get("__init__", ())
            if len(found) > 1 or (found and not (isinstance(found[0], Function) and is_plain(found[0]))):
                return None
            if found and isinstance(found[0], Function):
                initialisers.append((where, found[0]))
        if not initialisers:
            if not restricted:
                return None
            bare = Function(made.name, made.start, made.end, (), False, False, (), False)
            return Target(module, bare, False, shown)
        first_is_own = bool(made.members.get("__init__"))
        if not first_is_own and any(owner and len(owner.bases) > 1 for _, owner in family):
            return None  # the method resolution order is more than we follow
        where, function = initialisers[0]
        return Target(where, function, True, shown)

    def _family(self, module: Module, made: Class) -> Iterator[tuple[Module, Class | None]]:
        """The class and its bases, nearest first; None for a base that is not known."""
        yield module, made
        pending = [(module, base, 1) for base in made.bases]
        while pending:
            where, base, depth = pending.pop(0)
            if self._plain_base(where, base):
                continue
            found = self._value(where, base) if depth < _MAX_HOPS else None
            if found is None or not isinstance(found[1], Class) or found[1] is made:
                yield where, None
                return
            yield found[0], found[1]
            pending += [(found[0], next_base, depth + 1) for next_base in found[1].bases]

    def _plain_base(self, module: Module, base: str) -> bool:
        head, _, rest = base.partition(".")
        meaning = module.meaning(head)
        if meaning is None:
            return base == "object" or base in _OPEN_BASES
        if isinstance(meaning, Imported) and not meaning.level:
            full = ".".join(part for part in (meaning.module, meaning.name, rest) if part)
            return full in _PLAIN_BASES
        return False

    def _value(self, module: Module, name: str) -> tuple[Module, Function | Class | Module] | None:
        """What the dotted `name` means in `module`, and the module that defines it."""
        head, *rest = name.split(".")
        found = self._name(module, head, _MAX_HOPS)
        for part in rest:
            if found is None:
                return None
            where, value = found
            if isinstance(value, Module):
                found = self._name(value, part, _MAX_HOPS)
            elif isinstance(value, Class):
                members = value.members.get(part, ())
                if len(members) != 1 or not isinstance(members[0], Function):
                    return None
                found = (where, members[0])
            else:
                return None
        return found

    def _name(self, module: Module, name: str, hops: int) -> tuple[Module, Function | Class | Module] | None:
        meaning = module.meaning(name)
        if meaning is None:
            return self._submodule(module, name)
        if isinstance(meaning, Function | Class):
            return module, meaning
        if not isinstance(meaning, Imported) or not hops:
            return None
        source = self._module(module, meaning.module, meaning.level)
        if source is None:
            return None
        if not meaning.name:
            return source, source
        if source is module:  # `from . import x` in a package's own __init__
            return self._submodule(module, meaning.name)
        return self._name(source, meaning.name, hops - 1)

    def _submodule(self, module: Module, name: str) -> tuple[Module, Module] | None:
        if module.path is None or module.path.name != "__init__.py":
            return None
        found = self._file(module.path.parent, [name])
        return (found, found) if found else None

    def _module(self, module: Module, name: str, level: int) -> Module | None:
        parts = name.split(".") if name else []
        if level:
            if module.path is None:
                return None
            folder = module.path.parent
            for _ in range(level - 1):
                folder = folder.parent
            return self._file(folder, parts)
        if parts and parts[0] in sys.stdlib_module_names:
            return None  # a file of that name may hide the library's module or not, as the program is started
        found = [made for base in self._bases if (made := self._file(base, parts))]
        distinct = {made.path for made in found}
        return found[0] if len(distinct) == 1 else None

    def _file(self, folder: Path, parts: list[str]) -> Module | None:
        target = folder.joinpath(*parts)
        candidates = [target / "__init__.py"]
        if parts:
            candidates.append(target.with_name(f"{parts[-1]}.py"))
        for path in candidates:
            if path == self._home.path:
                return self._home
            if path not in self._files:
                self.wanted.add(path)
            elif made := self._files[path]:
                return made
        return None


def _search_path(path: Path | None, roots: Sequence[Path]) -> tuple[Path, ...]:
    """Folders that absolute imports may start from: the one above the document's package, the roots,
    their `src`."""
    bases: list[Path] = []
    if path is not None:
        folder = path.parent
        while (folder / "__init__.py").exists() and folder.parent != folder:
            folder = folder.parent
        bases.append(folder)
    for root in roots:
        bases += [root, root / "src"]
    return tuple(dict.fromkeys(bases))


def is_plain(function: Function) -> bool:
    """Whether no decorator changes how a function is called."""
    return set(function.decorators) <= _TRANSPARENT - {"staticmethod", "classmethod"}


def method_kind(function: Function) -> str:
    """`instance`, `class`, `static`, or "" when decorators make it something else."""
    if not set(function.decorators) <= _TRANSPARENT:
        return ""
    if "staticmethod" in function.decorators:
        return "static"
    return "class" if "classmethod" in function.decorators else "instance"
