"""What expressions and annotations of Python stand for, told from the text."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from devflow.analysis.module_table import Binding
from devflow.analysis.python_files import DEEPEST, Lookup, PythonFiles, Target, bound, is_property
from devflow.analysis.python_locals import local, type_parameter
from devflow.analysis.python_modules import stub_of
from devflow.analysis.scope import visible_names
from devflow.analysis.syntax.parse import SyntaxTree

_TRANSPARENT = frozenset(
    {"Optional", "Annotated", "Final", "ClassVar", "Required", "NotRequired", "ReadOnly"}
)
PLAIN = frozenset({"staticmethod", "classmethod", "property", "abstractmethod", "override", "final"})
"""Decorators that leave what a function returns."""
_VARIABLES_OF_TYPES = frozenset({"TypeVar", "ParamSpec", "TypeVarTuple", "NewType"})

_WITHOUT_MEMBERS = frozenset({"Generic", "Protocol", "ABC", "object"})


class PythonValues:
    """Evaluates what is written in `files`, as far as their text tells."""

    def __init__(self, files: PythonFiles) -> None:
        self._files = files

    def scope(self, path: Path, tree: SyntaxTree, at: int) -> Lookup:
        """Names as code at `at` of the document sees them."""
        table = self._files.own(path, tree)
        visible = {each.name: each for each in visible_names(tree, at)}

        def lookup(name: str) -> Target | None:
            bound = visible.get(name)
            parameter = type_parameter(tree, at, name) if "[" in tree.text.source else None
            if parameter is not None and (bound is None or bound.start not in parameter[1]):
                return Target(path, parameter[0])
            if bound is None:
                return self._files.module_name(path, name)
            for each in table.names.get(name, ()):
                if each.name_start == bound.start:
                    return self._files.module_name(path, name)
            made = local(tree, bound.start, name)
            if made is None:
                return None
            binding, owner, instance, sure = made
            return self._files.followed(Target(path, binding, owner, instance, sure))

        return lookup

    def evaluated(self, text: str, scope: Lookup, depth: int = 0) -> Target | None:
        """What the expression `text` stands for where names mean what `scope` says."""
        try:
            tree = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
        return self._expression(tree, scope, depth)

    def _expression(self, node: ast.expr, scope: Lookup, depth: int) -> Target | None:
        if depth > DEEPEST:
            return None
        match node:
            case ast.Name(name):
                return scope(name)
            case ast.Attribute(inner, name):
                base = self.value(self._expression(inner, scope, depth + 1), depth)
                return self.attribute(base, name)
            case ast.Call(ast.Name("super"), []):
                return self._super(scope)
            case ast.Call(function):
                return self.called(self._expression(function, scope, depth + 1), depth)
            case ast.Await(inner):
                return self._expression(inner, scope, depth + 1)
            case ast.Constant(value):
                return self._files.builtin(type(value).__name__)
            case ast.JoinedStr():
                return self._files.builtin("str")
            case ast.List() | ast.ListComp():
                return self._files.builtin("list")
            case ast.Dict() | ast.DictComp():
                return self._files.builtin("dict")
            case ast.Set() | ast.SetComp():
                return self._files.builtin("set")
            case ast.Tuple():
                return self._files.builtin("tuple")
            case ast.BinOp(ast.Constant(str()), ast.Mod()):
                return self._files.builtin("str")
            case ast.BoolOp(_, values):
                for each in values:
                    found = self.value(self._expression(each, scope, depth + 1), depth)
                    if found is not None and found.binding is not None and found.binding.name != "NoneType":
                        return replace(found, sure=False)
            case ast.IfExp(_, body, other):
                for each in (body, other):
                    found = self.value(self._expression(each, scope, depth + 1), depth)
                    if found is not None and found.binding is not None and found.binding.name != "NoneType":
                        return replace(found, sure=False)
        return None

    def _super(self, scope: Lookup) -> Target | None:
        around = scope("self") or scope("cls")
        if around is None or around.binding is None or not around.binding.bases:
            return None
        base = self.evaluated(around.binding.bases[0], self._files.module_scope(around.path))
        return replace(base, instance=True) if base is not None else None

    def called(self, target: Target | None, depth: int) -> Target | None:
        """What a call of `target` gives."""
        if target is None or target.binding is None or depth > DEEPEST:
            return None
        binding = target.binding
        if binding.kind == "class":
            if not target.instance:
                return replace(target, instance=True)
            return self.called(self.attribute(target, "__call__"), depth + 1)
        if binding.kind == "function":
            if not binding.value:
                return None
            known = all(each.split("(")[0].rsplit(".", 1)[-1] in PLAIN for each in binding.decorators)
            found = self._annotated(binding.value, target, depth + 1)
            return replace(found, sure=found.sure and known) if found is not None else None
        return self.called(self.value(target, depth + 1), depth + 1)

    def value(self, target: Target | None, depth: int = 0) -> Target | None:
        """The class (or module) whose attributes a name has: what a variable holds, a property returns."""
        if target is None or target.binding is None or depth > DEEPEST:
            return target
        binding = target.binding
        if binding.kind == "function" and is_property(binding):
            return self._annotated(binding.value, target, depth + 1) if binding.value else None
        if binding.kind != "variable":
            return target
        if binding.annotation:
            found = self._annotated(binding.annotation, target, depth + 1)
        else:
            scope = self._scope_of(target)
            found = self.evaluated(binding.value, scope, depth + 1) if binding.value else None
            found = self.value(found, depth + 1)
        known = target.sure and (target.alone or bool(binding.annotation))
        return replace(found, sure=found.sure and known) if found is not None else None

    def _scope_of(self, target: Target) -> Lookup:
        """Names as the right side of a binding sees them."""
        tree, binding = self._files.tree_of(target.path), target.binding
        if tree is not None and binding is not None:
            return self.scope(target.path, tree, binding.start)
        return self._files.module_scope(target.path)

    def _annotated(self, text: str, target: Target, depth: int) -> Target | None:
        try:
            node = ast.parse(text.strip().strip("'\""), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
        return self._of_type(node, target, depth)

    def _of_type(self, node: ast.expr, target: Target, depth: int) -> Target | None:
        """An instance of the type written as `node` where `target` stands."""
        if depth > DEEPEST:
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
                found = self._expression(node, self._files.module_scope(target.path), depth + 1)
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
        table = self._files.table(target.path)
        known = table.names if table is not None else {}
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
            return self._files.in_module(target.path, name)
        if target.binding.kind != "class":
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
                return self._files.followed(bound(each.path, binding.members[name], owner, sure=target.sure))
            stub = stub_of(each.path)
            if stub is not None and not each.owner:
                twin = self._files.in_module(stub, binding.name, DEEPEST - 1)
                pending += [twin] if twin is not None else []
            scope = self._files.module_scope(each.path)
            for base in binding.bases:
                reached = self.evaluated(base.split("[")[0], scope)
                if reached is not None:
                    pending.append(reached)
        last = self._files.builtin("object" if target.instance else "type") if plain else None
        if last is not None and last.binding is not None and last.binding.start != target.binding.start:
            chosen_of_all = last.binding.members.get(name)
            if chosen_of_all:
                return bound(last.path, chosen_of_all, (last.binding.name,), sure=target.sure)
        return None

    def offered(self, target: Target | None) -> tuple[frozenset[str], bool]:
        """The attributes of a module, a class or a value of a class, and whether these are all it has: not
        where a base or a star import is not found, or attributes are made when they are asked for."""
        if target is None:
            return frozenset(), False
        if target.binding is None:
            return self._offered_by_module(target)
        if target.binding.kind != "class":
            return frozenset(), False
        found: set[str] = set()
        complete = target.sure
        pending, seen = [target], set[tuple[Path, int]]()
        while pending:
            each = pending.pop(0)
            binding = each.binding
            if binding is None or binding.kind != "class":
                complete = False
                continue
            if (each.path, binding.start) in seen:
                continue
            seen.add((each.path, binding.start))
            found.update(binding.members)
            if len(seen) > 4 * DEEPEST or binding.value.rsplit(".", 1)[-1] not in ("", "type", "ABCMeta"):
                complete = False
                break
            scope = self._files.module_scope(each.path)
            for base in binding.bases:
                reached = self.evaluated(base.split("[")[0], scope)
                if reached is None:
                    complete = complete and base.split("[")[0].rsplit(".", 1)[-1] in _WITHOUT_MEMBERS
                else:
                    pending.append(reached)
        if found & {"__getattr__", "__getattribute__", "__dict__"}:
            complete = False
        last = self._files.builtin("object" if target.instance else "type")
        if last is not None and last.binding is not None:
            found.update(last.binding.members)
        return frozenset(found), complete

    def _offered_by_module(self, target: Target) -> tuple[frozenset[str], bool]:
        table = self._files.table(target.path) if target.path.suffix else None
        if table is None:
            return frozenset(), False
        found = set(table.names)
        complete = target.sure and "__getattr__" not in found and stub_of(target.path) is None
        for star in table.stars:
            file = self._files.module(star, target.path)
            if file is None:
                complete = False
            else:
                found |= set(self._files.public_names(file))
        if target.path.stem == "__init__":
            with contextlib.suppress(OSError):
                found |= {each.stem for each in target.path.parent.iterdir()}
        return frozenset(found), complete


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
