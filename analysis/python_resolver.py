"""What a Python name stands for, told from the text alone: scopes, imports, annotations, constructors.

A small part of what a type engine knows, in a millisecond instead of a hundred: chains through modules
and classes, annotated names, `x = Class(...)`, `self`. It runs nothing and imports nothing; what it
cannot tell it leaves to the engine and the index.
"""

from __future__ import annotations

import ast
import math
import os
import stat
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from types import MappingProxyType

import tree_sitter

from devflow.analysis.facts import Symbol, SymbolKind
from devflow.analysis.module_table import Binding, ModuleTable, class_of, imported, table_of
from devflow.analysis.python_modules import module_file, relative_module, search_path, stub_of, submodule
from devflow.analysis.scope import visible_names
from devflow.analysis.symbols import symbols
from devflow.analysis.syntax.parse import SyntaxTree, parse
from devflow.analysis.text import Text

_DEEPEST = 12
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
_LONGEST_CHAIN = 400
_HEAD = 6_000
_TRANSPARENT = frozenset(
    {"Optional", "Annotated", "Final", "ClassVar", "Required", "NotRequired", "ReadOnly"}
)
_PLAIN = frozenset({"staticmethod", "classmethod", "property", "abstractmethod", "override", "final"})
_PROPERTIES = ("property", "cached_property", "locked_cached_property")
_PATTERNS = frozenset(
    {"pattern_list", "tuple_pattern", "list_pattern", "list_splat_pattern", "dictionary_splat_pattern"}
)
_BINDING = MappingProxyType(
    {
        "assignment": "left",
        "for_statement": "left",
        "for_in_clause": "left",
        "named_expression": "name",
        "default_parameter": "name",
        "typed_default_parameter": "name",
    }
)
"""The field of what a node binds."""
_VARIABLES_OF_TYPES = frozenset({"TypeVar", "ParamSpec", "TypeVarTuple", "NewType"})


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


class PythonResolver:
    """Answers for one set of roots. Keeps the tables of the files it has read as long as those stay as
    they are. Synchronous; may be called from several threads."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self._folders = search_path(roots)
        self._tables: OrderedDict[Path, tuple[object, ModuleTable | None]] = OrderedDict()
        self._lock = Lock()

    def released(self, path: Path) -> None:
        """The document `path` is closed: its file says what it binds again."""
        with self._lock:
            self._tables.pop(path, None)

    def at(self, path: Path, tree: SyntaxTree, at: int) -> Target | None:
        """What the name at `at` in the document `path` stands for; None when the text does not tell."""
        start, end = tree.text.word_at(at)
        if start == end:
            return None
        node = tree.smallest(start, end)
        name = tree.text.source[start:end]
        scope = self._scope(path, tree, end)
        parent = node.parent
        if parent is None or node.type != "identifier":
            return None
        if parent.type == "attribute" and _is_field(parent, "attribute", node):
            holder = parent.child_by_field_name("object")
            if holder is None or holder.end_byte - holder.start_byte > _LONGEST_CHAIN:
                return None
            base = self._evaluated(tree.slice(holder), scope)
            return self._attribute(self._value(base), name) if base is not None else None
        if (found := self._in_import(path, tree, node, name)) is not None:
            return found
        if parent.type == "keyword_argument" and _is_field(parent, "name", node):
            return None
        if parent.type in ("class_definition", "function_definition") and _is_field(parent, "name", node):
            binding, owner = _class_binding(tree, parent)
            return Target(path, binding, owner) if binding is not None else None
        if _is_bound_here(node):
            made = _local(tree, start, name)
            if made is not None and made[0].name_start == start and made[0].kind == "variable":
                return Target(path, made[0])
        return scope(name)

    def callables_at(self, path: Path, tree: SyntaxTree, at: int) -> list[Target]:
        """The functions a call of the name at `at` runs: the overloads, a class's constructor; [] where
        the text does not tell for certain."""
        found = self.at(path, tree, at)
        if found is None or found.binding is None or not found.sure:
            return []
        if found.binding.kind == "class":
            if found.binding.decorators or self._is_made_otherwise(found):
                return []  # a decorator such as `dataclass` makes the constructor, or a metaclass the call
            made = self._attribute(replace(found, instance=True), "__init__", plain=False)
            found = made or self._attribute(replace(found, instance=True), "__new__", plain=False)
        if found is None or found.binding is None or found.binding.kind != "function" or not found.sure:
            return []
        table = self.table(found.path)
        known = table.names if table is not None else {}
        for name in found.owner:
            known = known[name][0].members if name in known else {}
        overloads = [
            each
            for each in known.get(found.binding.name, ())
            if any(one.split("(")[0].rsplit(".", 1)[-1] == "overload" for one in each.decorators)
        ]
        plain = all(each.split("(")[0].rsplit(".", 1)[-1] in _PLAIN for each in found.binding.decorators)
        if overloads:
            return [replace(found, binding=each) for each in overloads]
        return [found] if plain else []

    def _is_made_otherwise(self, target: Target) -> bool:
        """Whether calling a class may run something else than its constructor: it or one of its bases has
        a metaclass of its own, or a base makes the constructor from fields, or is not known."""
        pending, seen = [target], set[tuple[Path, int]]()
        while pending and len(seen) < 4 * _DEEPEST:
            each = pending.pop()
            binding = each.binding
            if binding is None or binding.kind != "class" or (each.path, binding.start) in seen:
                continue
            seen.add((each.path, binding.start))
            if binding.value.rsplit(".", 1)[-1] not in ("", "type", "ABCMeta") or binding.decorators:
                return True
            scope = self._module_scope(each.path)
            for base in binding.bases:
                if base.split("[")[0].rsplit(".", 1)[-1] in ("Generic", "Protocol", "object"):
                    continue
                reached = self._evaluated(base.split("[")[0], scope)
                if reached is None or reached.binding is None or reached.binding.kind != "class":
                    return True
                pending.append(reached)
        return False

    def type_at(self, path: Path, tree: SyntaxTree, at: int) -> Target | None:
        """The class of what the name at `at` holds; of a class the class itself."""
        found = self._value(self.at(path, tree, at))
        if found is not None and found.binding is not None and found.binding.kind == "function":
            found = self._called(found, 0)
        return found if found is not None and found.binding is not None else None

    def dotted(self, path: Path, tree: SyntaxTree, at: int, parts: Sequence[str]) -> Target | None:
        """What `a.b.c`, written in prose at `at`, stands for: a module's path from outside, or names as
        code at that place would see them."""
        scope = self._scope(path, tree, at)
        first: list[Target | None] = [scope(parts[0])]
        outside = module_file(parts[0], self._folders)
        if outside is not None:
            first.append(Target(outside, None))
        for begun in first:
            found = begun
            for part in parts[1:]:
                found = self._attribute(self._value(found), part) if found is not None else None
            if found is not None:
                return found
        return None

    def symbol(self, target: Target) -> Symbol | None:
        """The target as a symbol of its file, with signature and documentation; None for a module."""
        binding, table = target.binding, self.table(target.path)
        if binding is None or table is None:
            return None
        source = table.text.source
        start = source.rfind("\n", 0, binding.start) + 1
        if binding.kind in ("class", "function"):
            piece = Text(_dedented(source[start : min(binding.end, start + _HEAD)]))
            tree = parse(piece, "python")
            for symbol in symbols(tree) if tree is not None else ():
                if symbol.name == binding.name:
                    kind = symbol.kind
                    if kind is SymbolKind.FUNCTION and target.owner:
                        kind = SymbolKind.CONSTRUCTOR if binding.name == "__init__" else SymbolKind.METHOD
                        kind = SymbolKind.PROPERTY if _is_property(binding) else kind
                    return _placed(replace(symbol, kind=kind), binding, target.owner)
        kind = SymbolKind.FIELD if target.owner else SymbolKind.VARIABLE
        if binding.name.isupper() and len(binding.name) > 1:
            kind = SymbolKind.CONSTANT
        head = source[binding.start : binding.end].split("\n", 1)[0][:_LONGEST_CHAIN].strip()
        return _placed(Symbol(binding.name, kind, 0, 0, 0, 0, "", head), binding, target.owner)

    def module(self, name: str, path: Path | None) -> Path | None:
        """The file of a module as an import in `path` names it."""
        if name.startswith("."):
            return relative_module(name, path) if path is not None else None
        return module_file(name, self._folders)

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

    def members_named(
        self, path: Path, tree: SyntaxTree, name: str, until: float = math.inf
    ) -> Iterable[Target]:
        """Members called `name` of the classes that the imports of a document reach, and of the
        built-in types: what an attribute of an unknown receiver may be. Ends at `until`
        (`time.monotonic()`), give or take a file that is read for the first time."""
        table = self._own(path, tree)
        modules: dict[Path, None] = {}
        for bindings in list(table.names.values()):
            for binding in bindings:
                if binding.kind != "import":
                    continue
                if time.monotonic() > until:
                    return
                found = self._followed(Target(path, binding))
                if found is None:
                    continue
                if found.binding is not None and found.binding.kind == "class":
                    member = self._attribute(replace(found, instance=True), name, plain=False)
                    if member is not None:
                        yield member
                modules.setdefault(found.path)
        builtins = module_file("builtins", self._folders)
        if builtins is not None:
            modules.setdefault(builtins)
        for each in modules:
            if time.monotonic() > until:
                return
            known = self.table(each) if each != path and each.is_file() else None
            if known is None or name not in known.text.source:
                continue
            for bindings in known.names.values():
                for binding in bindings:
                    if binding.kind == "class" and name in binding.members:
                        yield _bound(each, binding.members[name], (binding.name,))

    def attribute_of(self, path: Path, classes: Sequence[str], name: str) -> Target | None:
        """The attribute `name` of a value of the class that `classes` (outermost first) names in `path`."""
        found = self._module_name(path, classes[0]) if classes else None
        for inner in classes[1:]:
            found = self._attribute(found, inner)
        if found is None or found.binding is None or found.binding.kind != "class":
            return None
        return self._attribute(replace(found, instance=True), name, plain=False)

    def warm(self, path: Path, tree: SyntaxTree) -> None:
        """Read what the imports of a document name, and the bases of the classes among it, so that its
        first question does not wait for it."""
        for bindings in list(self._own(path, tree).names.values()):
            for binding in bindings:
                if binding.kind == "import":
                    self._followed(Target(path, binding))
        self._builtin("object")
        for _ in self.members_named(path, tree, ""):
            pass  # no member is called so: all of them are looked at

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

    def _own(self, path: Path, tree: SyntaxTree) -> ModuleTable:
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

    # -- scopes --------------------------------------------------------------------------------------

    def _scope(self, path: Path, tree: SyntaxTree, at: int) -> Lookup:
        """Names as code at `at` of the document sees them."""
        table = self._own(path, tree)
        visible = {each.name: each for each in visible_names(tree, at)}

        def lookup(name: str) -> Target | None:
            bound = visible.get(name)
            if bound is None:
                return self._module_name(path, name)
            for each in table.names.get(name, ()):
                if each.name_start == bound.start:
                    return self._module_name(path, name)
            made = _local(tree, bound.start, name)
            if made is None:
                return None
            binding, owner, instance, sure = made
            return self._followed(Target(path, binding, owner, instance, sure))

        return lookup

    def _module_scope(self, path: Path) -> Lookup:
        return lambda name: self._module_name(path, name)

    def _module_name(self, path: Path, name: str, depth: int = 0) -> Target | None:
        table = self.table(path)
        if table is not None and name in table.names:
            return self._followed(_bound(path, table.names[name]), depth)
        if table is not None and depth < _DEEPEST:
            found = self._from_stars(table, path, name, depth)
            if found is not None:
                return found
        builtins = module_file("builtins", self._folders)
        if builtins is None or builtins == path or depth:
            return None
        return self._in_module(builtins, name, depth + 1)

    def _from_stars(self, table: ModuleTable, path: Path, name: str, depth: int) -> Target | None:
        for star in table.stars:
            file = self.module(star, path)
            found = self._in_module(file, name, depth + 1) if file is not None else None
            if found is not None:
                return found
        return None

    def _in_module(self, path: Path, name: str, depth: int = 0) -> Target | None:
        """The name `name` of the module `path`, imports followed; a submodule where it is none."""
        table = self.table(path) if path.suffix else None
        if depth < _DEEPEST and table is not None:
            if name in table.names:
                found = self._followed(_bound(path, table.names[name]), depth + 1)
                if found is not None:
                    return found
            found = self._from_stars(table, path, name, depth)
            if found is not None:
                return found
        inner = submodule(path, name)
        if inner is not None:
            return Target(inner, None)
        stub = stub_of(path)
        return self._in_module(stub, name, depth + 1) if stub is not None and depth < _DEEPEST else None

    def _followed(self, target: Target, depth: int = 0) -> Target | None:
        """Where an import leads; what is no import leads to itself."""
        binding = target.binding
        if binding is None or binding.kind != "import":
            return target
        file = self.module(binding.value, target.path) if depth < _DEEPEST else None
        if file is None:
            return None
        if not binding.annotation:
            return Target(file, None, sure=target.sure)
        found = self._in_module(file, binding.annotation, depth + 1)
        return replace(found, sure=found.sure and target.sure) if found is not None else None

    def _in_import(self, path: Path, tree: SyntaxTree, node: tree_sitter.Node, name: str) -> Target | None:
        """The module or name that a word of an import statement means."""
        up = node
        while up.parent is not None and up.type not in ("import_statement", "import_from_statement"):
            if up.type not in ("identifier", "dotted_name", "aliased_import", "relative_import"):
                return None
            up = up.parent
        if up.type not in ("import_statement", "import_from_statement"):
            return None
        source = up.child_by_field_name("module_name")
        holder = node.parent
        if holder is None:
            return None
        inside = source is None or (source.start_byte <= node.start_byte < source.end_byte)
        if holder.type == "aliased_import":
            stars: list[str] = []
            made = [each for each in imported(tree, up, stars) if each.name == name]
            return self._followed(Target(path, made[0])) if made else None
        begin = source if inside and source is not None else holder
        written = "".join(
            tree.text.source[tree.offset(begin.start_byte) : tree.offset(node.end_byte)].split()
        )
        if inside:
            file = self.module(written, path)
            return Target(file, None) if file is not None else None
        assert source is not None
        file = self.module("".join(tree.slice(source).split()), path)
        return self._in_module(file, name) if file is not None else None

    # -- values --------------------------------------------------------------------------------------

    def _evaluated(self, text: str, scope: Lookup, depth: int = 0) -> Target | None:
        try:
            tree = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
        return self._expression(tree, scope, depth)

    def _expression(self, node: ast.expr, scope: Lookup, depth: int) -> Target | None:
        if depth > _DEEPEST:
            return None
        match node:
            case ast.Name(name):
                return scope(name)
            case ast.Attribute(inner, name):
                base = self._value(self._expression(inner, scope, depth + 1), depth)
                return self._attribute(base, name)
            case ast.Call(ast.Name("super"), []):
                return self._super(scope)
            case ast.Call(function):
                return self._called(self._expression(function, scope, depth + 1), depth)
            case ast.Await(inner):
                return self._expression(inner, scope, depth + 1)
            case ast.Constant(value):
                return self._builtin(type(value).__name__)
            case ast.JoinedStr():
                return self._builtin("str")
            case ast.List() | ast.ListComp():
                return self._builtin("list")
            case ast.Dict() | ast.DictComp():
                return self._builtin("dict")
            case ast.Set() | ast.SetComp():
                return self._builtin("set")
            case ast.Tuple():
                return self._builtin("tuple")
            case ast.BinOp(ast.Constant(str()), ast.Mod()):
                return self._builtin("str")
            case ast.BoolOp(_, values):
                for each in values:
                    found = self._value(self._expression(each, scope, depth + 1), depth)
                    if found is not None and found.binding is not None and found.binding.name != "NoneType":
                        return replace(found, sure=False)
            case ast.IfExp(_, body, other):
                for each in (body, other):
                    found = self._value(self._expression(each, scope, depth + 1), depth)
                    if found is not None and found.binding is not None and found.binding.name != "NoneType":
                        return replace(found, sure=False)
        return None

    def _super(self, scope: Lookup) -> Target | None:
        around = scope("self") or scope("cls")
        if around is None or around.binding is None or not around.binding.bases:
            return None
        base = self._evaluated(around.binding.bases[0], self._module_scope(around.path))
        return replace(base, instance=True) if base is not None else None

    def _builtin(self, name: str) -> Target | None:
        builtins = module_file("builtins", self._folders)
        found = self._in_module(builtins, name) if builtins is not None else None
        return replace(found, instance=True) if found is not None else None

    def _called(self, target: Target | None, depth: int) -> Target | None:
        if target is None or target.binding is None or depth > _DEEPEST:
            return None
        binding = target.binding
        if binding.kind == "class":
            if not target.instance:
                return replace(target, instance=True)
            return self._called(self._attribute(target, "__call__"), depth + 1)
        if binding.kind == "function":
            if not binding.value:
                return None
            known = all(each.split("(")[0].rsplit(".", 1)[-1] in _PLAIN for each in binding.decorators)
            found = self._annotated(binding.value, target, depth + 1)
            return replace(found, sure=found.sure and known) if found is not None else None
        return self._called(self._value(target, depth + 1), depth + 1)

    def _value(self, target: Target | None, depth: int = 0) -> Target | None:
        """The class (or module) whose attributes a name has: what a variable holds, a property returns."""
        if target is None or target.binding is None or depth > _DEEPEST:
            return target
        binding = target.binding
        if binding.kind == "function" and _is_property(binding):
            return self._annotated(binding.value, target, depth + 1) if binding.value else None
        if binding.kind != "variable":
            return target
        if binding.annotation:
            found = self._annotated(binding.annotation, target, depth + 1)
        else:
            scope = self._scope_of(target)
            found = self._evaluated(binding.value, scope, depth + 1) if binding.value else None
            found = self._value(found, depth + 1)
        known = target.sure and (target.alone or bool(binding.annotation))
        return replace(found, sure=found.sure and known) if found is not None else None

    def _scope_of(self, target: Target) -> Lookup:
        """Names as the right side of a binding sees them."""
        with self._lock:
            kept = self._tables.get(target.path)
        tree = kept[0] if kept is not None else None
        binding = target.binding
        if isinstance(tree, SyntaxTree) and binding is not None:
            return self._scope(target.path, tree, binding.start)
        return self._module_scope(target.path)

    def _annotated(self, text: str, target: Target, depth: int) -> Target | None:
        try:
            node = ast.parse(text.strip().strip("'\""), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
        return self._of_type(node, target, depth)

    def _of_type(self, node: ast.expr, target: Target, depth: int) -> Target | None:
        """An instance of the type written as `node` where `target` stands."""
        if depth > _DEEPEST:
            return None
        match node:
            case ast.Constant(str(inner)):
                return self._annotated(inner, target, depth + 1)
            case ast.Subscript(base, inner):
                name = _last_name(base)
                some = inner.elts if isinstance(inner, ast.Tuple) else [inner]
                if name in _TRANSPARENT and some:
                    return self._of_type(some[0], target, depth + 1)
                if name == "Union":
                    return self._one_of(some, target, depth)
                if name in ("type", "Type"):
                    found = self._of_type(some[0], target, depth + 1)
                    return replace(found, instance=False) if found is not None else None
                return self._of_type(base, target, depth + 1)
            case ast.BinOp(left, ast.BitOr(), right):
                return self._one_of([left, right], target, depth)
            case ast.Name("Self"):
                return self._around(target)
            case ast.Name() | ast.Attribute():
                found = self._expression(node, self._module_scope(target.path), depth + 1)
                if found is None or found.binding is None:
                    return None
                if found.binding.kind == "class":
                    return replace(found, instance=True)
                made = found.binding.value.split("(")[0].rsplit(".", 1)[-1]
                if found.binding.kind == "variable" and made not in _VARIABLES_OF_TYPES:
                    return self._annotated(found.binding.value, found, depth + 1)
        return None

    def _one_of(self, nodes: Sequence[ast.expr], target: Target, depth: int) -> Target | None:
        some = [each for each in nodes if not (isinstance(each, ast.Constant) and each.value is None)]
        found = self._of_type(some[0], target, depth + 1) if some else None
        return replace(found, sure=found.sure and len(some) == 1) if found is not None else None

    def _around(self, target: Target) -> Target | None:
        """An instance of the class around a target."""
        table = self.table(target.path)
        known = table.names if table is not None else {}
        found: Binding | None = None
        for name in target.owner:
            if name not in known:
                return None
            found = _bound(target.path, known[name]).binding
            known = found.members if found is not None else {}
        return Target(target.path, found, target.owner[:-1], instance=True) if found is not None else None

    def _attribute(self, target: Target | None, name: str, *, plain: bool = True) -> Target | None:
        """The attribute `name` of a module, a class or a value of a class, bases included. `plain`:
        what every object has counts too."""
        if target is None:
            return None
        if target.binding is None:
            return self._in_module(target.path, name)
        if target.binding.kind != "class":
            return None
        pending, seen = [target], set[tuple[Path, int]]()
        while pending and len(seen) < 4 * _DEEPEST:
            each = pending.pop(0)
            binding = each.binding
            if binding is None or binding.kind != "class" or (each.path, binding.start) in seen:
                continue
            seen.add((each.path, binding.start))
            if name in binding.members:
                owner = (*each.owner, binding.name)
                return self._followed(_bound(each.path, binding.members[name], owner, sure=target.sure))
            stub = stub_of(each.path)
            if stub is not None and not each.owner:
                twin = self._in_module(stub, binding.name, _DEEPEST - 1)
                pending += [twin] if twin is not None else []
            scope = self._module_scope(each.path)
            for base in binding.bases:
                reached = self._evaluated(base.split("[")[0], scope)
                if reached is not None:
                    pending.append(reached)
        last = self._builtin("object" if target.instance else "type") if plain else None
        if last is not None and last.binding is not None and last.binding.start != target.binding.start:
            chosen_of_all = last.binding.members.get(name)
            if chosen_of_all:
                return _bound(last.path, chosen_of_all, (last.binding.name,), sure=target.sure)
        return None


def _local(tree: SyntaxTree, start: int, name: str) -> tuple[Binding, tuple[str, ...], bool, bool] | None:
    """The binding of a local name at `start`: `(binding, classes around it, it is an instance, sure)`."""
    node = tree.smallest(start, start + len(name))
    parent = node.parent
    if parent is None:
        return None
    span = tree.span(parent)
    made = Binding(name, "variable", start, span.end, start)

    def text(field: str, of: tree_sitter.Node = parent) -> str:
        found = of.child_by_field_name(field)
        return tree.slice(found)[:_LONGEST_CHAIN] if found is not None else ""

    kind = parent.type
    if kind in ("list_splat_pattern", "dictionary_splat_pattern"):
        return made, (), False, False
    if kind == "typed_parameter":
        if name in ("self", "cls") and parent.parent is not None:
            binding, owner = _class_binding(tree, _class_around(tree, parent.parent))
            if binding is not None:
                return binding, owner, name != "cls", True
        return replace(made, annotation=text("type")), (), False, True
    if kind == "typed_default_parameter":
        return replace(made, annotation=text("type")), (), False, True
    if kind == "default_parameter":
        value = text("value")
        return replace(made, value="" if value == "None" else value), (), False, False
    if kind == "parameters":
        first = parent.named_children[0].id == node.id if parent.named_children else False
        binding, owner = _class_binding(tree, _class_around(tree, parent) if first else None)
        if binding is not None:
            return binding, owner, name != "cls", True
        return made, (), False, True
    if kind == "assignment":
        return replace(made, value=text("right"), annotation=text("type")), (), False, True
    if kind == "named_expression":
        return replace(made, value=text("value")), (), False, True
    if kind == "as_pattern_target" and parent.parent is not None:
        pattern = parent.parent
        value = tree.slice(pattern.named_children[0])[:_LONGEST_CHAIN] if pattern.named_children else ""
        if pattern.parent is not None and pattern.parent.type == "except_clause":
            return replace(made, value="" if value.startswith("(") else f"{value}()"), (), False, True
        return replace(made, value=value), (), False, False
    up: tree_sitter.Node | None = parent
    while up is not None and up.type in ("dotted_name", "aliased_import"):
        up = up.parent
    if up is not None and up.type in ("import_statement", "import_from_statement"):
        for each in imported(tree, up, []):
            if each.name_start == start:
                return each, (), False, True
    return made, (), False, kind in ("for_statement", "for_in_clause")


def _class_around(tree: SyntaxTree, parameters: tree_sitter.Node) -> tree_sitter.Node | None:
    """The class whose method has these parameters."""
    up = parameters.parent
    if up is None or up.type != "function_definition":
        return None
    up = up.parent
    if up is not None and up.type == "decorated_definition":
        if any("staticmethod" in tree.slice(child) for child in up.children if child.type == "decorator"):
            return None
        up = up.parent
    while up is not None and up.type in ("block", "if_statement", "else_clause", "try_statement"):
        up = up.parent
    return up if up is not None and up.type == "class_definition" else None


def _class_binding(tree: SyntaxTree, node: tree_sitter.Node | None) -> tuple[Binding | None, tuple[str, ...]]:
    """The binding of the class `node`, and the classes around it."""
    names: list[str] = []
    if node is None:
        return None, ()
    up = node.parent
    while up is not None:
        if up.type == "class_definition" and (name := up.child_by_field_name("name")) is not None:
            names.append(tree.slice(name))
        up = up.parent
    return class_of(tree, node), tuple(reversed(names))


def _bound(
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
        if _is_property(defined[0]):
            return Target(path, defined[0], owner, sure=sure)
    return Target(path, defined[0], owner, sure=sure and alone, alone=alone)


def _is_bound_here(node: tree_sitter.Node) -> bool:
    """Whether the name is one that a parameter, an assignment, a loop or a pattern binds."""
    above = node.parent
    while above is not None and above.type in _PATTERNS:
        node, above = above, above.parent
    if above is None:
        return False
    if above.type == "typed_parameter":
        return above.named_children[0].id == node.id
    if above.type in ("parameters", "lambda_parameters", "as_pattern_target"):
        return True
    return above.type in _BINDING and _is_field(above, _BINDING[above.type], node)


def _is_property(binding: Binding) -> bool:
    return any(each.split("(")[0].rsplit(".", 1)[-1] in _PROPERTIES for each in binding.decorators)


def _is_field(parent: tree_sitter.Node, field: str, node: tree_sitter.Node) -> bool:
    found = parent.child_by_field_name(field)
    return found is not None and found.id == node.id


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _placed(symbol: Symbol, binding: Binding, owner: tuple[str, ...]) -> Symbol:
    end = binding.name_start + len(binding.name)
    return replace(
        symbol,
        start=binding.start,
        end=binding.end,
        name_start=binding.name_start,
        name_end=end,
        container=".".join(owner),
    )


def _dedented(piece: str) -> str:
    """`piece` with the indentation of its first line taken off every line that has it."""
    indent = piece[: len(piece) - len(piece.lstrip(" \t"))]
    return piece.removeprefix(indent).replace("\n" + indent, "\n") if indent else piece


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size) if stat.S_ISREG(found.st_mode) else None


def _read(path: Path) -> Text | None:
    """The text of a regular file; None when it is none, too large, or not UTF-8."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode) or found.st_size > _LARGEST:
                return None
            return Text(file.read().decode("utf-8-sig"))
    except (OSError, UnicodeDecodeError):
        return None
