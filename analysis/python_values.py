"""What expressions and annotations of Python stand for, told from the text."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

from devflow.analysis.module_table import Binding, each_of
from devflow.analysis.python_effort import Effort
from devflow.analysis.python_elements import awaited, element, item, iterated, managing, of_elements, zipped
from devflow.analysis.python_files import DEEPEST, Later, Lookup, PythonFiles, Target, bound, is_property
from devflow.analysis.python_locals import local, type_parameter
from devflow.analysis.python_modules import module_file, stub_of, typing_stub
from devflow.analysis.python_narrowing import narrowed
from devflow.analysis.python_returned import Body
from devflow.analysis.scope import visible_names
from devflow.analysis.syntax.parse import SyntaxTree

_TRANSPARENT = frozenset(
    {"Optional", "Annotated", "Final", "ClassVar", "Required", "NotRequired", "ReadOnly"}
)
PLAIN = frozenset({"staticmethod", "classmethod", "property", "abstractmethod", "override", "final"})
"""Decorators that leave what a function returns."""
_VARIABLES_OF_TYPES = frozenset({"TypeVar", "ParamSpec", "TypeVarTuple", "NewType"})

_BUILT_IN = frozenset({"List", "Dict", "Set", "FrozenSet", "Tuple"})
"""What `typing` calls them beside the built-in types."""
_SELF_TYPED = frozenset({"__enter__", "__aenter__", "__new__", "__iter__", "__aiter__"})
"""Methods that mostly give the value they are called on."""
_ITERATED = frozenset({"list", "set", "frozenset", "tuple", "sorted", "reversed", "iter", "enumerate"})
"""Functions whose first argument says what their value holds."""
_MANAGED = frozenset({"contextmanager", "asynccontextmanager"})
_BEHIND = 200
_ENDS_LOOP = re.compile(r"\s(?:if|for)\s")
_INFERRED = 4
"""How much deeper one is behind a function whose body is read."""


class PythonValues:
    """Evaluates what is written in `files`, as far as their text tells."""

    def __init__(self, files: PythonFiles) -> None:
        self.files = files
        self._effort = Effort()

    def scope(self, path: Path, tree: SyntaxTree, at: int) -> Lookup:
        """Names as code at `at` of the document sees them."""
        table = self.files.own(path, tree)
        visible = {each.name: each for each in visible_names(tree, at)}

        narrows = "isinstance(" in tree.text.source

        def lookup(name: str) -> Target | None:
            if narrows and (kind := narrowed(tree, at, name)):
                found = self.value(self.evaluated(kind.strip("()").split(",")[0], outer))
                if found is not None and found.binding is not None and found.binding.kind == "class":
                    return replace(found, instance=True, sure=found.sure and "," not in kind)
            return outer(name)

        def outer(name: str) -> Target | None:
            bound = visible.get(name)
            parameter = type_parameter(tree, at, name) if "[" in tree.text.source else None
            if parameter is not None and (bound is None or bound.start not in parameter[1]):
                return Target(path, parameter[0])
            if bound is None:
                return self.files.module_name(path, name)
            for each in table.names.get(name, ()):
                if each.name_start == bound.start:
                    return self.files.module_name(path, name)
            made = local(tree, bound.start, name)
            if made is None:
                return None
            binding, owner, instance, sure = made
            return self.files.followed(Target(path, binding, owner, instance, sure))

        return lookup

    def completed_scope(self, path: Path, tree: SyntaxTree, at: int) -> Lookup:
        """The same behind a dot whose name is not written yet: the tree may not know the comprehension."""
        scope = self.scope(path, tree, at)
        behind = tree.text.source[at : at + _BEHIND]

        def lookup(name: str) -> Target | None:
            looped = re.match(rf"[^\n]*?\bfor\s+{re.escape(name)}\s+in\s+([^\n\])]+)", behind)
            if looped is None:
                return scope(name)
            over = _parsed(each_of(re.split(_ENDS_LOOP, looped[1])[0]))
            return self.expression(over, scope, 1) if over is not None else None

        return lookup

    def evaluated(self, text: str, scope: Lookup, depth: int = 0) -> Target | None:
        """What the expression `text` stands for where names mean what `scope` says."""
        tree = _parsed(text.strip())
        return self.expression(tree, scope, depth) if tree is not None else None

    def expression(self, node: ast.expr, scope: Lookup, depth: int) -> Target | None:
        """What `node` stands for; None where the text does not tell, or only after too much reading."""
        if depth > DEEPEST:
            return None
        with self._effort as may_go:
            return self._expression(node, scope, depth) if may_go else None

    def _expression(self, node: ast.expr, scope: Lookup, depth: int) -> Target | None:
        match node:
            case ast.Name(name):
                return scope(name)
            case ast.Attribute(inner, name):
                base = self.value(self.expression(inner, scope, depth + 1), depth)
                return self.attribute(base, name)
            case ast.Call(ast.Name("super"), []):
                return self._super(scope)
            case ast.Call(ast.Constant(value), [inner]) if value is ...:  # see `each_of`
                return element(self, self.value(self.expression(inner, scope, depth + 1), depth), depth + 1)
            case ast.Call(
                ast.Name("next" | "anext" as step), [ast.Call(ast.Name("iter" | "aiter" as name), [inner])]
            ) if _is_built_in(scope, step) and _is_built_in(scope, name):
                return element(self, self.value(self.expression(inner, scope, depth + 1), depth), depth + 1)
            case ast.Call(ast.Name(name), [first, *_]) if name in _ITERATED and _is_built_in(scope, name):
                return iterated(self, name, first, scope, depth)
            case ast.Call(ast.Name("zip"), some) if _is_built_in(scope, "zip"):
                return zipped(self, some, scope, depth)
            case ast.Call(function):
                return self.called(self.expression(function, scope, depth + 1), depth)
            case ast.Subscript(inner, index):
                return item(self, self.value(self.expression(inner, scope, depth + 1), depth), index, depth)
            case ast.Await(inner):
                if isinstance(inner, ast.Call):
                    made = self.called(self.expression(inner.func, scope, depth + 2), depth + 1, waited=True)
                    return awaited(self, made)
                return awaited(self, self.expression(inner, scope, depth + 1))
            case ast.Constant(value):
                return self.files.builtin(type(value).__name__)
            case ast.JoinedStr():
                return self.files.builtin("str")
            case ast.List(some):
                return of_elements(self, "list", some[:1], scope, depth)
            case ast.Set(some):
                return of_elements(self, "set", some[:1], scope, depth)
            case ast.Tuple(some):
                return of_elements(self, "tuple", some, scope, depth)
            case ast.Dict([ast.expr() as key, *_], [value, *_]):
                return of_elements(self, "dict", [key, value], scope, depth)
            case ast.ListComp():
                return self.files.builtin("list")
            case ast.Dict() | ast.DictComp():
                return self.files.builtin("dict")
            case ast.SetComp():
                return self.files.builtin("set")
            case ast.BinOp(ast.Constant(str()), ast.Mod()):
                return self.files.builtin("str")
            case ast.BoolOp(_, values):
                for each in values:
                    found = self.value(self.expression(each, scope, depth + 1), depth)
                    if found is not None and found.binding is not None and found.binding.name != "NoneType":
                        return replace(found, sure=False)
            case ast.IfExp(_, body, other):
                for each in (body, other):
                    found = self.value(self.expression(each, scope, depth + 1), depth)
                    if found is not None and found.binding is not None and found.binding.name != "NoneType":
                        return replace(found, sure=False)
        return None

    def _super(self, scope: Lookup) -> Target | None:
        around = scope("self") or scope("cls")
        if around is None or around.binding is None or not around.binding.bases:
            return None
        # The class without its own members: what is left is what its bases have.
        return replace(around, binding=replace(around.binding, members={}))

    def called(self, target: Target | None, depth: int, *, waited: bool = False) -> Target | None:
        """What a call of `target` gives; `waited`: behind `await`."""
        if target is None or target.binding is None or depth > DEEPEST:
            return None
        binding = target.binding
        if binding.kind == "class":
            if not target.instance:
                return replace(target, instance=True)
            if binding.name == "FunctionType" and target.arguments:
                return target.arguments[-1]()
            return self.called(self.attribute(target, "__call__"), depth + 1, waited=waited)
        if binding.kind == "function":
            made_by = {each.split("(")[0].rsplit(".", 1)[-1] for each in binding.decorators}
            found = self._returned(target, depth + 1)
            if made_by & _MANAGED and found is not None:
                return managing(self, found, depth)
            known = made_by <= PLAIN and (waited or not self._is_coroutine(target, found))
            return replace(found, sure=found.sure and known) if found is not None else None
        return self.called(self.value(target, depth + 1), depth + 1, waited=waited)

    def _is_coroutine(self, function: Target, given: Target | None) -> bool:
        """Whether calling the function gives something to wait for, and `given` only then."""
        binding, table = function.binding, self.files.table(function.path)
        if binding is None or table is None or not table.text.source.startswith("async", binding.start):
            return False
        return given is None or given.binding is None or not given.binding.name.startswith("Async")

    def _returned(self, target: Target, depth: int) -> Target | None:
        """What the function `target` returns, by its annotation, its stub's or its body."""
        binding = target.binding
        if binding is None or depth > DEEPEST:
            return None
        if binding.value:
            found = self._annotated(binding.value, target, depth)
            if found is None and binding.name in _SELF_TYPED and target.through is not None:
                return replace(target.through, sure=False)
            return found
        twin = self._twin(target)
        if twin is not None and twin.binding is not None and twin.binding.value:
            return self._returned(twin, depth + 1)
        return self._by_body(target, depth + _INFERRED)

    def _twin(self, target: Target) -> Target | None:
        """The member or function as the stub of its file has it."""
        stub = stub_of(target.path)
        if stub is None or target.binding is None:
            return None
        found = self.files.in_module(stub, (*target.owner, target.binding.name)[0])
        for name in (*target.owner, target.binding.name)[1:]:
            inner = (
                found.binding.members.get(name) if found is not None and found.binding is not None else None
            )
            if found is None or found.binding is None or not inner:
                return None
            found = bound(found.path, inner, (*found.owner, found.binding.name))
        return replace(found, given=target.given, through=target.through) if found is not None else None

    def _by_body(self, target: Target, depth: int) -> Target | None:
        """What the first `return` of a function that says something gives; never sure."""
        binding, table = target.binding, self.files.table(target.path)
        if binding is None or table is None or depth > DEEPEST:
            return None
        body = Body(table.text.source[binding.start : binding.end])
        owner = target.through or self._around(target)
        names = self.files.module_scope(target.path)
        asked: set[str] = set()

        def scope(name: str) -> Target | None:
            if name in ("self", "cls") and owner is not None:
                return replace(owner, instance=name == "self")
            value = body.assigned(name)
            if value is None:
                return names(name)
            if not value or name in asked:
                return None
            asked.add(name)
            return self.value(self.evaluated(value, scope, depth + 1), depth + 1)

        for text in body.returned():
            found = self.value(self.evaluated(text, scope, depth), depth)
            if found is not None and found.binding is not None and found.binding.name != "NoneType":
                return replace(found, sure=False)
        return None

    def value(self, target: Target | None, depth: int = 0) -> Target | None:
        """The class (or module) whose attributes a name has: what a variable holds, a property returns."""
        if target is None or target.binding is None or depth > DEEPEST:
            return target
        binding = target.binding
        if binding.kind == "function" and is_property(binding):
            return self._returned(target, depth + 1)
        if binding.kind != "variable":
            return target
        if binding.annotation:
            found = self._annotated(binding.annotation, target, depth + 1)
        elif (member := _enum_member(target)) is not None:
            return member
        elif (
            (twin := self._twin(target)) is not None and twin.binding is not None and twin.binding.annotation
        ):
            return self.value(twin, depth + 1)
        else:
            scope = self._scope_of(target)
            found = self.evaluated(binding.value, scope, depth + 1) if binding.value else None
            found = self.value(found, depth + 1)
        known = target.sure and (target.alone or bool(binding.annotation))
        return replace(found, sure=found.sure and known) if found is not None else None

    def _scope_of(self, target: Target) -> Lookup:
        """Names as the right side of a binding sees them."""
        tree, binding = self.files.tree_of(target.path), target.binding
        if tree is not None and binding is not None:
            return self.scope(target.path, tree, binding.start)
        names = self.files.module_scope(target.path)
        if not target.owner:
            return names

        def in_class(name: str) -> Target | None:
            if name not in ("self", "cls"):
                return names(name)
            around = target.through or self._around(target)
            return replace(around, instance=name == "self") if around is not None else None

        return in_class

    def _annotated(self, text: str, target: Target, depth: int) -> Target | None:
        node = _parsed(text.strip().strip("'\""))
        return self._of_type(node, target, depth) if node is not None else None

    def _of_type(self, node: ast.expr, target: Target, depth: int) -> Target | None:
        """An instance of the type written as `node` where `target` stands."""
        if depth > DEEPEST:
            return None
        match node:
            case ast.Constant(str(inner)):
                return self._annotated(inner, target, depth + 1)
            case ast.Subscript(base, inner):
                name = _last_name(base)
                if name == "Callable" and isinstance(inner, ast.Tuple):
                    made = self.function()
                    given = (self._later(inner.elts[-1], target, depth),)
                    return replace(made, arguments=given) if made is not None else None
                some = inner.elts if isinstance(inner, ast.Tuple) else [inner]
                if name in _TRANSPARENT and some:
                    return self._of_type(some[0], target, depth + 1)
                if name == "Union":
                    return self._one_of(some, target, depth)
                if name in ("type", "Type"):
                    found = self._of_type(some[0], target, depth + 1)
                    return replace(found, instance=False) if found is not None else None
                found = self._of_type(base, target, depth + 1)
                if found is None:
                    return None
                if name in ("Tuple", "tuple") and isinstance(some[-1], ast.Constant):
                    some = some[:1]  # `tuple[int, ...]`
                return replace(found, arguments=tuple(self._later(each, target, depth) for each in some))
            case ast.BinOp(left, ast.BitOr(), right):
                return self._one_of([left, right], target, depth)
            case ast.Name("AnyStr" | "LiteralString" as name) if name not in target.given:
                found = self.files.builtin("str")
                return replace(found, sure=name != "AnyStr") if found is not None else None
            case ast.Name("Self"):
                through = target.through
                return replace(through, instance=True) if through is not None else self._around(target)
            case ast.Name(name) if name in target.given:
                return target.given[name]()
            case ast.Name() | ast.Attribute():
                name = _last_name(node)
                found = self.expression(node, self.files.module_scope(target.path), depth + 1)
                abstract = found is None or found.binding is None or found.path.stem in _OF_TYPING
                if abstract and (known := self._of_typing(name)) is not None:
                    return known
                if found is None or found.binding is None:
                    return None
                if found.binding.kind == "class":
                    return replace(found, instance=True)
                maker = found.binding.value.split("(")[0].rsplit(".", 1)[-1]
                if found.binding.kind == "variable" and maker not in _VARIABLES_OF_TYPES:
                    return self._annotated(found.binding.value, found, depth + 1)
                limit = _limit(found.binding.value) if maker == "TypeVar" else None
                if limit is not None:
                    return self._of_type(limit, found, depth + 1)
        return None

    def _later(self, node: ast.expr, target: Target, depth: int) -> Later:
        return partial(self._of_type, node, target, depth + 1)

    def _of_typing(self, name: str) -> Target | None:
        """A value of the type that `typing` or `collections.abc` calls `name`."""
        if name in _BUILT_IN:
            return self.files.builtin(name.lower())
        module = typing_stub()
        table = self.files.table(module) if module is not None else None
        if module is None or table is None or name not in table.names:
            return None
        found = bound(module, table.names[name])
        made = found.binding is not None and found.binding.kind == "class"
        return replace(found, instance=True) if made else None

    def function(self) -> Target | None:
        """A function, as a value with attributes of its own."""
        module = module_file("types", self.files.folders)
        stub = stub_of(module) if module is not None else None
        found = self.files.in_module(stub, "FunctionType") if stub is not None else None
        return replace(found, instance=True) if found is not None else None

    def _given(self, target: Target) -> Mapping[str, Later]:
        """What the type variables of a class stand for in `target`."""
        binding = target.binding
        if binding is None or not target.arguments:
            return {}
        names: dict[str, None] = {}
        for base in binding.bases:
            node = _parsed(base) if "[" in base else None
            if not isinstance(node, ast.Subscript):
                continue
            found = [each.id for each in ast.walk(node.slice) if isinstance(each, ast.Name)]
            found = [each for each in found if self._is_variable(target.path, each)]
            if _last_name(node.value) in ("Generic", "Protocol"):
                names = dict.fromkeys(found)
                break
            names |= dict.fromkeys(found)
        return dict(zip(names, target.arguments, strict=False))

    def _is_variable(self, path: Path, name: str) -> bool:
        found = self.files.module_name(path, name)
        return found is not None and found.binding is not None and "TypeVar(" in found.binding.value

    def _base(self, text: str, target: Target) -> Target | None:
        """The base written as `text` of the class `target`, with its type arguments."""
        reached = self.evaluated(text.split("[")[0], self.files.module_scope(target.path))
        if reached is None or "[" not in text:
            return reached
        node = _parsed(text)
        if not isinstance(node, ast.Subscript):
            return reached
        some = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        inside = replace(target, given=self._given(target))
        return replace(reached, arguments=tuple(self._later(each, inside, 0) for each in some))

    def _one_of(self, nodes: Sequence[ast.expr], target: Target, depth: int) -> Target | None:
        some = [each for each in nodes if not (isinstance(each, ast.Constant) and each.value is None)]
        found = self._of_type(some[0], target, depth + 1) if some else None
        return replace(found, sure=found.sure and len(some) == 1) if found is not None else None

    def _around(self, target: Target) -> Target | None:
        """An instance of the class around a target."""
        table = self.files.table(target.path)
        known: Mapping[str, list[Binding]] = table.names if table is not None else {}
        found: Binding | None = None
        for name in target.owner:
            if name not in known:
                return None
            found = bound(target.path, known[name]).binding
            known = found.members if found is not None else {}
        return Target(target.path, found, target.owner[:-1], instance=True) if found is not None else None

    def attribute(self, target: Target | None, name: str, *, plain: bool = True) -> Target | None:
        """The attribute `name` of a module, a class or a value of a class, bases included. `plain`:
        what every object has counts too."""
        if target is None:
            return None
        if target.binding is None:
            return self.files.in_module(target.path, name)
        if target.binding.kind == "function":
            target = self.function()
        if target is None or target.binding is None or target.binding.kind != "class":
            return None
        pending, seen = [target], set[tuple[Path, int]]()
        while pending and len(seen) < 4 * DEEPEST:
            each = pending.pop(0)
            binding = each.binding
            if binding is None or binding.kind != "class" or (each.path, binding.start) in seen:
                continue
            seen.add((each.path, binding.start))
            if name in binding.members:
                owner = (*each.owner, binding.name)
                found = bound(each.path, binding.members[name], owner, sure=target.sure)
                return self.files.followed(replace(found, given=self._given(each), through=target))
            stub = stub_of(each.path)
            if stub is not None and not each.owner:
                twin = self.files.in_module(stub, binding.name, DEEPEST - 1)
                pending += [replace(twin, arguments=each.arguments)] if twin is not None else []
            for base in binding.bases:
                if (reached := self._base(base, each)) is not None:
                    pending.append(reached)
        last = self.files.builtin("object" if target.instance else "type") if plain else None
        if last is not None and last.binding is not None and last.binding.start != target.binding.start:
            chosen_of_all = last.binding.members.get(name)
            if chosen_of_all:
                found = bound(last.path, chosen_of_all, (last.binding.name,), sure=target.sure)
                return replace(found, through=target)
        return None


def _is_built_in(scope: Lookup, name: str) -> bool:
    """Whether `name` is Python's own there, not something of the code's."""
    found = scope(name)
    return found is not None and found.path.name == "builtins.pyi"


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


_OF_TYPING = frozenset({"typing", "typing_extensions", "_collections_abc"})


@lru_cache(4096)
def _parsed(text: str) -> ast.expr | None:
    """The expression `text`; nobody changes its tree."""
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _limit(made: str) -> ast.expr | None:
    """The bound of a type variable, as `TypeVar("T", bound=…)` has it."""
    node = _parsed(made)
    given = node.keywords if isinstance(node, ast.Call) else []
    return next((each.value for each in given if each.arg == "bound"), None)


def _enum_member(target: Target) -> Target | None:
    """The value of an enumeration that a name in its class is; None of anything else."""
    through, binding = target.through, target.binding
    around = through.binding if through is not None else None
    if through is None or around is None or binding is None or binding.name.startswith("_"):
        return None
    enumerates = any(each.rsplit(".", 1)[-1].endswith(("Enum", "Flag")) for each in around.bases)
    if not enumerates or binding not in around.members.get(binding.name, ()) or not binding.value:
        return None
    return replace(through, instance=True)
