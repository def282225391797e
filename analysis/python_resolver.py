"""What a Python name stands for, told from the text alone: scopes, imports, annotations, constructors.

A small part of what a type engine knows, in a millisecond instead of a hundred: chains through modules
and classes, annotated names, `x = Class(...)`, `self`. It runs nothing and imports nothing; what it
cannot tell it leaves to the engine and the index.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import tree_sitter

from devflow.analysis.calls import CallSite
from devflow.analysis.facts import Symbol, SymbolKind
from devflow.analysis.module_table import Binding, ModuleTable, imported
from devflow.analysis.pytest_fixtures import (
    fixture_name,
    fixtures,
    function_of_parameter,
    is_test_file,
    takes_fixtures,
)
from devflow.analysis.python_fields import keys_of, keywords_of, made_fields
from devflow.analysis.python_files import DEEPEST, Lookup, PythonFiles, Target, bound, is_property
from devflow.analysis.python_locals import class_binding, is_bound_here, is_field, local
from devflow.analysis.python_modules import module_file, modules_in
from devflow.analysis.python_offered import members, offered
from devflow.analysis.python_values import PLAIN, PythonValues
from devflow.analysis.symbols import symbols
from devflow.analysis.syntax.parse import SyntaxTree, parse
from devflow.analysis.text import Text
from devflow.analysis.types.base import Parameter

__all__ = ["PythonResolver", "Target"]

_IMPORTS = ("import_statement", "import_from_statement")
_LONGEST_CHAIN = 400
_HEAD = 6_000


class PythonResolver:
    """Answers for one set of roots. Keeps what it has read of files as long as those stay as they are.
    Synchronous; may be called from several threads."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self._files = PythonFiles(roots)
        self._values = PythonValues(self._files)

    def released(self, path: Path) -> None:
        """The document `path` is closed: its file says what it binds again."""
        self._files.released(path)

    def module(self, name: str, path: Path | None) -> Path | None:
        """The file of a module as an import in `path` names it."""
        return self._files.module(name, path)

    def modules_in(self, module: str) -> set[str]:
        """The names of the public modules directly under the absolute `module`, "" for all there are."""
        return modules_in(module, self._files.folders)

    def public_names(self, path: Path) -> Mapping[str, SymbolKind]:
        """What the module `path` offers at its top level."""
        return self._files.public_names(path)

    def table(self, path: Path) -> ModuleTable | None:
        """What the file binds; None when it cannot be read."""
        return self._files.table(path)

    def at(self, path: Path, tree: SyntaxTree, at: int) -> Target | None:
        """What the name at `at` in the document `path` stands for; None when the text does not tell."""
        start, end = tree.text.word_at(at)
        if start == end:
            return None
        node = tree.smallest(start, end)
        name = tree.text.source[start:end]
        scope = self._values.scope(path, tree, end)
        parent = node.parent
        if parent is None or node.type != "identifier":
            return None
        if parent.type == "attribute" and is_field(parent, "attribute", node):
            holder = parent.child_by_field_name("object")
            if holder is None or holder.end_byte - holder.start_byte > _LONGEST_CHAIN:
                return None
            base = self._values.evaluated(tree.slice(holder), scope)
            return self._values.attribute(self._values.value(base), name) if base is not None else None
        if (found := self._in_import(path, tree, node, name)) is not None:
            return found
        if parent.type == "dotted_name" and parent.parent is not None and parent.parent.type in _IMPORTS:
            return None  # what another line binds by that name is something else
        if parent.type == "keyword_argument" and is_field(parent, "name", node):
            return None
        if parent.type == "keyword_pattern" and parent.named_children[0].id == node.id:
            return self._matched(tree, parent, name, scope)
        if parent.type in ("class_definition", "function_definition") and is_field(parent, "name", node):
            binding, owner = class_binding(tree, parent)
            return Target(path, binding, owner) if binding is not None else None
        if (function := function_of_parameter(node)) is not None and takes_fixtures(tree, function):
            fixture = self.fixture(path, tree, start, name, besides=tree.span(function).start)
            if fixture is not None:
                return fixture
        if is_bound_here(node):
            made = local(tree, start, name)
            if made is not None and made[0].name_start == start and made[0].kind == "variable":
                return Target(path, made[0])
        return scope(name)

    def keywords_of(self, path: Path, tree: SyntaxTree, call: CallSite) -> list[Parameter]:
        """The fields that keyword arguments of `call` set: of a data class's constructor, of `replace`."""
        scope = self._values.scope(path, tree, call.start)
        return keywords_of(self._files, self._values, tree.text.source, scope, call)

    def keys_of(self, path: Path, tree: SyntaxTree, at: int, text: str) -> list[str]:
        """The keys of the TypedDict that the expression `text` at `at` is, or is a value of."""
        return keys_of(self._files, self._values, text, self._values.scope(path, tree, at))

    def made_fields(self, path: Path, tree: SyntaxTree, at: int, text: str) -> list[str]:
        """The fields of the expression `text` at `at`, whose class a call such as `namedtuple` makes."""
        return made_fields(self._files, self._values, text, self._values.scope(path, tree, at))

    def members_of(
        self, path: Path, tree: SyntaxTree, at: int, text: str
    ) -> tuple[dict[str, tuple[SymbolKind, int]], bool]:
        """What the expression `text` at `at` offers behind a dot, with the steps up to the base that has it,
        and whether that is certain: what the expression is, and that this is all it has."""
        scope = self._values.completed_scope(path, tree, at)
        found = self._values.value(self._values.evaluated(text, scope))
        names, whole = members(self._files, self._values, found)
        return names, whole and found is not None and found.sure

    def fixture(self, path: Path, tree: SyntaxTree, at: int, name: str, besides: int = -1) -> Target | None:
        """The fixture of pytest that code at `at` means by `name`, which is none around `besides`: one that
        asks for its own name gets the one it hides."""
        if not is_test_file(path):
            return None
        for found, target in fixtures(self._files, path, tree, at):
            binding = target.binding
            around = binding is not None and target.path == path and binding.start <= besides < binding.end
            if found == name and not around:
                return target
        return None

    def is_fixture(self, path: Path, tree: SyntaxTree, start: int, name: str) -> bool:
        """Whether the name at `start` is what tests ask for a fixture of pytest by."""
        target = self.at(path, tree, start)
        if target is not None and target.binding is not None and fixture_name(target.binding) == name:
            return True
        return any(  # where the function itself is named
            asked == name
            and made.path == path
            and made.binding is not None
            and made.binding.name_start == start
            for asked, made in fixtures(self._files, path, tree, start)
        )

    def fixture_names(self, path: Path, tree: SyntaxTree, at: int) -> list[str]:
        """The fixtures that a test at `at` can ask for, nearest first."""
        if not is_test_file(path):
            return []
        found = [name for name, _ in fixtures(self._files, path, tree, at)]
        return list(dict.fromkeys((*found, "request")))

    def _matched(
        self, tree: SyntaxTree, keyword: tree_sitter.Node, name: str, scope: Lookup
    ) -> Target | None:
        """The attribute that `name=` of a pattern such as `case Point(x=0)` looks at."""
        pattern = keyword.parent
        while pattern is not None and pattern.type != "class_pattern":
            pattern = pattern.parent
        if pattern is None or not pattern.named_children:
            return None
        made = self._values.evaluated(tree.slice(pattern.named_children[0]), scope)
        if made is None or made.binding is None or made.binding.kind != "class":
            return None
        return self._values.attribute(replace(made, instance=True), name)

    def offered(self, target: Target) -> tuple[frozenset[str], bool]:
        """The attributes of what a name stands for, and whether these are all it has."""
        return offered(self._files, self._values, self._values.value(target))

    def offered_at(self, path: Path, tree: SyntaxTree, at: int) -> tuple[frozenset[str], bool]:
        """The attributes of the receiver of the attribute that begins at `at`, and whether these are all."""
        start, end = tree.text.word_at(at)
        parent = tree.smallest(start, end).parent
        holder = parent.child_by_field_name("object") if parent is not None else None
        if holder is None or holder.end_byte - holder.start_byte > _LONGEST_CHAIN:
            return frozenset(), False
        base = self._values.evaluated(tree.slice(holder), self._values.scope(path, tree, start))
        return (
            offered(self._files, self._values, self._values.value(base))
            if base is not None
            else (frozenset(), False)
        )

    def callables_at(self, path: Path, tree: SyntaxTree, at: int) -> list[Target]:
        """The functions a call of the name at `at` runs: the overloads, a class's constructor; [] where
        the text does not tell for certain."""
        found = self.at(path, tree, at)
        if found is None or found.binding is None or not found.sure:
            return []
        if found.binding.kind == "class":
            if found.binding.decorators or self._is_made_otherwise(found):
                return []  # a decorator such as `dataclass` makes the constructor, or a metaclass the call
            made = self._values.attribute(replace(found, instance=True), "__init__", plain=False)
            found = made or self._values.attribute(replace(found, instance=True), "__new__", plain=False)
        if found is None or found.binding is None or found.binding.kind != "function" or not found.sure:
            return []
        table = self._files.table(found.path)
        known: Mapping[str, list[Binding]] = table.names if table is not None else {}
        for name in found.owner:
            known = known[name][0].members if name in known else {}
        overloads = [
            each
            for each in known.get(found.binding.name, ())
            if any(one.split("(")[0].rsplit(".", 1)[-1] == "overload" for one in each.decorators)
        ]
        plain = all(each.split("(")[0].rsplit(".", 1)[-1] in PLAIN for each in found.binding.decorators)
        if overloads:
            return [replace(found, binding=each) for each in overloads]
        return [found] if plain else []

    def _is_made_otherwise(self, target: Target) -> bool:
        """Whether calling a class may run something else than its constructor: it or one of its bases has
        a metaclass of its own, or a base makes the constructor from fields, or is not known."""
        pending, seen = [target], set[tuple[Path, int]]()
        while pending and len(seen) < 4 * DEEPEST:
            each = pending.pop()
            binding = each.binding
            if binding is None or binding.kind != "class" or (each.path, binding.start) in seen:
                continue
            seen.add((each.path, binding.start))
            if binding.value.rsplit(".", 1)[-1] not in ("", "type", "ABCMeta") or binding.decorators:
                return True
            scope = self._files.module_scope(each.path)
            for base in binding.bases:
                if base.split("[")[0].rsplit(".", 1)[-1] in ("Generic", "Protocol", "object"):
                    continue
                reached = self._values.evaluated(base.split("[")[0], scope)
                if reached is None or reached.binding is None or reached.binding.kind != "class":
                    return True
                pending.append(reached)
        return False

    def type_at(self, path: Path, tree: SyntaxTree, at: int) -> Target | None:
        """The class of what the name at `at` holds; of a class the class itself."""
        found = self._values.value(self.at(path, tree, at))
        if found is not None and found.binding is not None and found.binding.kind == "function":
            found = self._values.called(found, 0)
        return found if found is not None and found.binding is not None else None

    def dotted(self, path: Path, tree: SyntaxTree, at: int, parts: Sequence[str]) -> Target | None:
        """What `a.b.c`, written in prose at `at`, stands for: a module's path from outside, or names as
        code at that place would see them."""
        scope = self._values.scope(path, tree, at)
        first: list[Target | None] = [scope(parts[0])]
        outside = module_file(parts[0], self._files.folders)
        if outside is not None:
            first.append(Target(outside, None))
        for begun in first:
            found = begun
            for part in parts[1:]:
                found = self._values.attribute(self._values.value(found), part) if found is not None else None
            if found is not None:
                return found
        return None

    def symbol(self, target: Target) -> Symbol | None:
        """The target as a symbol of its file, with signature and documentation; None for a module."""
        binding, table = target.binding, self._files.table(target.path)
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
                        kind = SymbolKind.PROPERTY if is_property(binding) else kind
                    return _placed(replace(symbol, kind=kind), binding, target.owner)
        kind = SymbolKind.FIELD if target.owner else SymbolKind.VARIABLE
        if binding.name.isupper() and len(binding.name) > 1:
            kind = SymbolKind.CONSTANT
        head = source[binding.start : binding.end].split("\n", 1)[0][:_LONGEST_CHAIN].strip()
        return _placed(Symbol(binding.name, kind, 0, 0, 0, 0, "", head), binding, target.owner)

    def members_named(
        self, path: Path, tree: SyntaxTree, name: str, until: float = math.inf
    ) -> Iterable[Target]:
        """Members called `name` of the classes that the imports of a document reach, and of the
        built-in types: what an attribute of an unknown receiver may be. Ends at `until`
        (`time.monotonic()`), give or take a file that is read for the first time."""
        table = self._files.own(path, tree)
        modules: dict[Path, None] = {}
        for bindings in list(table.names.values()):
            for binding in bindings:
                if binding.kind != "import":
                    continue
                if time.monotonic() > until:
                    return
                found = self._files.followed(Target(path, binding))
                if found is None:
                    continue
                if found.binding is not None and found.binding.kind == "class":
                    member = self._values.attribute(replace(found, instance=True), name, plain=False)
                    if member is not None:
                        yield member
                modules.setdefault(found.path)
        builtins = module_file("builtins", self._files.folders)
        if builtins is not None:
            modules.setdefault(builtins)
        for each in modules:
            if time.monotonic() > until:
                return
            known = self._files.table(each) if each != path and each.is_file() else None
            if known is None or name not in known.text.source:
                continue
            for bindings in known.names.values():
                for binding in bindings:
                    if binding.kind == "class" and name in binding.members:
                        yield bound(each, binding.members[name], (binding.name,))

    def attribute_of(self, path: Path, classes: Sequence[str], name: str) -> Target | None:
        """The attribute `name` of a value of the class that `classes` (outermost first) names in `path`."""
        found = self._files.module_name(path, classes[0]) if classes else None
        for inner in classes[1:]:
            found = self._values.attribute(found, inner)
        if found is None or found.binding is None or found.binding.kind != "class":
            return None
        return self._values.attribute(replace(found, instance=True), name, plain=False)

    def warm(self, path: Path, tree: SyntaxTree) -> None:
        """Read what the imports of a document name, and the bases of the classes among it, so that its
        first question does not wait for it."""
        for bindings in list(self._files.own(path, tree).names.values()):
            for binding in bindings:
                if binding.kind == "import":
                    self._files.followed(Target(path, binding))
        self._files.builtin("object")
        for _ in self.members_named(path, tree, ""):
            pass  # no member is called so: all of them are looked at

    def _in_import(self, path: Path, tree: SyntaxTree, node: tree_sitter.Node, name: str) -> Target | None:
        """The module or name that a word of an import statement means."""
        up = node
        while up.parent is not None and up.type not in _IMPORTS:
            if up.type not in ("identifier", "dotted_name", "aliased_import", "relative_import"):
                return None
            up = up.parent
        if up.type not in _IMPORTS:
            return None
        source = up.child_by_field_name("module_name")
        holder = node.parent
        if holder is None:
            return None
        inside = source is None or (source.start_byte <= node.start_byte < source.end_byte)
        if holder.type == "aliased_import":
            stars: list[str] = []
            made = [each for each in imported(tree, up, stars) if each.name == name]
            return self._files.followed(Target(path, made[0])) if made else None
        begin = source if inside and source is not None else holder
        written = "".join(
            tree.text.source[tree.offset(begin.start_byte) : tree.offset(node.end_byte)].split()
        )
        if inside:
            file = self._files.module(written, path)
            return Target(file, None) if file is not None else None
        assert source is not None
        file = self._files.module("".join(tree.slice(source).split()), path)
        return self._files.in_module(file, name) if file is not None else None


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
