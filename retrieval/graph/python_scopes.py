"""Python's scopes over the index: which import, definition or local a name is bound to.

The text of a function is read (with `ast`) only when a name could be one of its locals; everything else
is told by definitions and imports. Nothing is run.
"""

from __future__ import annotations

import builtins
from dataclasses import dataclass
from types import MappingProxyType

from devflow.analysis.local_values import FunctionNames, may_bind, read_function
from devflow.analysis.symbols import CLASS_LIKE, FUNCTION_LIKE
from devflow.retrieval.graph.base import Definition
from devflow.retrieval.graph.modules import Modules
from devflow.retrieval.graph.stored import File, Stored

DEEPEST = 12
_BUILTIN = frozenset(dir(builtins))


@dataclass(frozen=True, slots=True)
class Value:
    """What an expression stands for."""

    what: str
    """`module`, `class`, `instance`, `function`, `super`, `holder` (of instances), `outside` (not of the
    workspace) or `variable`."""
    definition: Definition | None = None
    file: File | None = None
    confidence: float = 1.0
    why: str = ""


OUTSIDE = Value("outside")


@dataclass(frozen=True, slots=True)
class Local:
    """A local of a function, as a use on a line of the function's own text sees it."""

    scope: Definition
    read: FunctionNames
    name: str
    line: int


class PythonNames:
    """Answers for the stores as they are now: made again with each generation."""

    def __init__(self, stored: Stored, modules: Modules) -> None:
        self._stored = stored
        self._modules = modules
        self._functions: dict[Definition, tuple[FunctionNames | None, int]] = {}
        self._module_names: dict[tuple[int, int, str], Value | None] = {}

    def name(self, file: File, name: str, at: int, *, types: bool = False) -> Value | Local | None:
        """What a plain name means at `at`: functions around it inside out, the class whose body it is in,
        the module, the built-ins. `types`: it is an annotation, which no variable of a function is."""
        around = file.around(at)
        for place in range(len(around) - 1, -1, -1):
            scope = around[place]
            if at < scope.name_start and scope.kind in HOLDING_KINDS:
                continue  # a decorator stands outside what it decorates
            if scope.kind in CLASS_LIKE:
                if place == len(around) - 1 and (own := file.named(scope.qualified_name, name)):
                    return value_of(own[-1], file)
                continue
            inner = file.named(scope.qualified_name, name)
            imported = self._import_in(file, name, scope.start, scope.end)
            source = self._stored.source(file)
            if types or not may_bind(source[scope.name_start : scope.end], name):
                if inner:
                    return value_of(inner[-1], file)
                if imported is not None:
                    return imported
                continue
            read, first = self.function(scope)
            if read is None:
                return None
            if name in read.elsewhere:
                break
            if inner and (name not in read.names):
                return value_of(inner[-1], file)
            if imported is not None and name not in read.names:
                return imported
            if name in read.names:
                if inner or imported is not None:
                    return None  # bound in two ways
                line = source.count("\n", first, at) + read_shift(source, first)
                return Local(scope, read, name, line + 1)
        return self.module_name(file, name)

    def module_name(self, file: File, name: str, depth: int = 0) -> Value | None:
        """What a name means at the top of a module; `OUTSIDE` for built-ins and what is imported from
        outside the workspace."""
        key = (file.root, file.id, name)
        if key in self._module_names:
            return self._module_names[key]
        self._module_names[key] = None  # asked again while it is being told: a circle
        self._module_names[key] = found = self._module_name(file, name, depth)
        return found

    def _module_name(self, file: File, name: str, depth: int) -> Value | None:
        own = file.named("", name)
        plain = [each for each in own if each.kind in FUNCTION_LIKE or each.kind in CLASS_LIKE]
        if plain:
            return value_of(plain[-1], file)
        imported = self._import_in(file, name)
        if imported is not None:
            return imported
        if own:
            return value_of(own[0], file)
        if depth < DEEPEST:
            for each in file.imports:
                if each.name == "*":
                    target = self._modules.python(file.root, file.relative, each.module)
                    if target is None:
                        continue
                    found = self.module_name(self._stored.file(*target), name, depth + 1)
                    if found is not None and found is not OUTSIDE:
                        return found
        return OUTSIDE if name in _BUILTIN else None

    def import_at(self, file: File, at: int) -> tuple[str, str] | None:
        """The module and the name of the import that stands at `at`."""
        for each in file.imports:
            if each.start <= at < each.end and each.name:
                return each.module, each.name
        return None

    def _import_in(self, file: File, name: str, start: int = -1, end: int = -1) -> Value | None:
        """What an import binds the name to: one inside `start:end`, or outside all functions."""
        for each, inside in reversed(file.imported_as(name)):
            if (inside is not None) if start < 0 else not start <= each.start < end:
                continue
            if not each.name and not each.alias:
                return self._module(file, name)
            return self.imported(file, each.module, each.name)
        return None

    def imported(self, file: File, module: str, name: str) -> Value | None:
        """What an import of `name` out of `module` brings in; without a name the module."""
        target = self._modules.python(file.root, file.relative, module)
        if not name:
            return Value("module", file=self._stored.file(*target), why="import") if target else OUTSIDE
        if target is not None:
            other = self._stored.file(*target)
            if other is not file:
                found = self.module_name(other, name)
                if found is not None and found is not OUTSIDE:
                    return Value(
                        found.what, found.definition, found.file, min(found.confidence, 0.95), "import"
                    )
                inner = self._modules.submodule(target[0], other.relative, name)
                if inner is not None:
                    return Value("module", file=self._stored.file(*inner), why="import")
                return found
        joined = f"{module}{name}" if module.endswith(".") else f"{module}.{name}"
        inner = self._modules.python(file.root, file.relative, joined)
        if inner is not None and inner != (file.root, file.id):
            return Value("module", file=self._stored.file(*inner), why="import")
        return OUTSIDE if target is None and not module.startswith(".") else None

    def _module(self, file: File, name: str) -> Value:
        target = self._modules.python(file.root, file.relative, name)
        if target is None:
            # `import a.b` binds `a`, which may be a folder without a file.
            if any(
                each.module.startswith(name + ".")
                and self._modules.python(file.root, file.relative, each.module)
                for each in file.imports
                if not each.name and not each.alias
            ):
                return Value("package", None, file, why=name)
            return OUTSIDE
        return Value("module", file=self._stored.file(*target), why="import")

    def function(self, definition: Definition) -> tuple[FunctionNames | None, int]:
        """A function as read from its text, with the offset of its first line."""
        known = self._functions.get(definition)
        if known is None:
            if len(self._functions) > 20_000:
                self._functions.clear()
            source = self._stored.source(self._stored.file(definition.root, definition.file))
            first = source.rfind("\n", 0, definition.start) + 1
            text = source[first : definition.end]
            known = self._functions[definition] = (read_function(text), first)
        return known

    def owner(self, file: File, method: Definition) -> Definition | None:
        """The class whose body a method stands in."""
        container, _, name = method.container.rpartition(".")
        for each in file.named(container, name):
            if each.kind in CLASS_LIKE and each.start <= method.start < each.end:
                return each
        return None

    def offset(self, scope: Definition, line: int) -> int:
        """Where a line of a function's own text begins in the file."""
        source = self._stored.source(self._stored.file(scope.root, scope.file))
        first = self.function(scope)[1]
        at = first
        for _ in range(line - 1 - read_shift(source, first)):
            at = source.find("\n", at) + 1
            if at == 0:
                return scope.start
        return max(at, scope.name_start)


HOLDING_KINDS = CLASS_LIKE | FUNCTION_LIKE


def read_shift(source: str, first: int) -> int:
    """Lines that `read_function` puts before text that begins indented."""
    return 1 if source[first : first + 1] in (" ", "\t") else 0


_OF_KIND = MappingProxyType(
    {**dict.fromkeys(CLASS_LIKE, "class"), **dict.fromkeys(FUNCTION_LIKE, "function")}
)


def value_of(definition: Definition, file: File) -> Value:
    """A definition as a value."""
    return Value(_OF_KIND.get(definition.kind, "variable"), definition, file)
