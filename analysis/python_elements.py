"""What Python's containers hold: what a loop over a value gives, an index, `await`, `with`."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from devflow.analysis.python_files import DEEPEST, Later, Lookup, Target
from devflow.analysis.python_modules import typing_stub

if TYPE_CHECKING:
    from devflow.analysis.python_values import PythonValues

_LISTED = frozenset({"sorted", "reversed", "iter"})
_ITERATORS = frozenset(
    {"Iterator", "Iterable", "Generator", "AsyncIterator", "AsyncIterable", "AsyncGenerator"}
)


def of_elements(
    values: PythonValues, name: str, some: Sequence[ast.expr], scope: Lookup, depth: int
) -> Target | None:
    """A value of the built-in type `name` that holds the values of `some`: for certain only in a tuple whose
    places are known."""
    known = name == "tuple" and not any(isinstance(each, ast.Starred) for each in some)

    def later(each: ast.expr) -> Target | None:
        inner = each.value if isinstance(each, ast.Starred) else each
        found = values.value(values.expression(inner, scope, depth + 1), depth)
        found = element(values, found, depth + 1) if isinstance(each, ast.Starred) else found
        return replace(found, sure=found.sure and known) if found is not None else None

    return holding(values, name, [partial(later, each) for each in some])


def holding(values: PythonValues, name: str, arguments: Sequence[Later]) -> Target | None:
    """A value of the built-in type `name` with these type arguments."""
    found = values.files.builtin(name)
    return replace(found, arguments=tuple(arguments)) if found is not None else None


def iterated(values: PythonValues, name: str, first: ast.expr, scope: Lookup, depth: int) -> Target | None:
    """What `list(first)`, `enumerate(first)` and their like give."""

    def held() -> Target | None:
        return element(values, values.value(values.expression(first, scope, depth + 1), depth), depth + 1)

    return holding(values, "list" if name in _LISTED else name, [held])


def zipped(values: PythonValues, some: Sequence[ast.expr], scope: Lookup, depth: int) -> Target | None:
    """What `zip` of `some` gives."""
    if any(isinstance(each, ast.Starred) for each in some):
        return values.files.builtin("list")

    def held(each: ast.expr) -> Target | None:
        return element(values, values.value(values.expression(each, scope, depth + 1), depth), depth + 1)

    tuples = holding(values, "tuple", [partial(held, each) for each in some])
    return holding(values, "list", [lambda: tuples])


def element(values: PythonValues, value: Target | None, depth: int = 0) -> Target | None:
    """What a loop over `value` gives."""
    for _ in range(3):
        if value is None or value.binding is None or depth > DEEPEST:
            return None
        name = value.binding.name
        if name == "enumerate" and value.arguments:
            return holding(values, "tuple", [partial(values.files.builtin, "int"), value.arguments[0]])
        if name in _ITERATORS:
            return value.arguments[0]() if value.arguments else None
        if name == "tuple" and len(value.arguments) > 1:
            return _one_of_several(value.arguments[0]())
        if name in ("list", "set", "frozenset", "tuple", "dict", "deque") and value.arguments:
            return value.arguments[0]()
        over = values.attribute(value, "__iter__") or values.attribute(value, "__aiter__")
        over = values.called(over, depth + 1)
        if over is None or over.binding is value.binding:
            step = values.attribute(value, "__next__") or values.attribute(value, "__anext__")
            return values.called(step, depth + 1, waited=True)
        value = over
    return None


def item(values: PythonValues, value: Target | None, index: ast.expr, depth: int) -> Target | None:
    """What `value[index]` gives."""
    if value is None or value.binding is None or not value.instance:
        return value  # `list[int]` is still the class
    if isinstance(index, ast.Slice):
        return value
    name, some = value.binding.name, value.arguments
    if name == "tuple" and some and isinstance(index, ast.Constant) and isinstance(index.value, int):
        return some[index.value]() if -len(some) <= index.value < len(some) else None
    if name == "tuple" and len(some) > 1:
        return _one_of_several(some[0]())
    if name in ("list", "tuple", "deque") and some:
        return some[0]()
    if name in ("dict", "defaultdict", "OrderedDict", "Mapping") and len(some) > 1:
        return some[1]()
    return values.called(values.attribute(value, "__getitem__"), depth + 1)


def _one_of_several(first: Target | None) -> Target | None:
    return replace(first, sure=False) if first is not None else None


def awaited(values: PythonValues, found: Target | None) -> Target | None:
    if found is None or found.binding is None or not found.arguments:
        return found
    if found.binding.name in ("Awaitable", "Coroutine", "Future", "Task"):
        return found.arguments[-1]()
    return found


def managing(values: PythonValues, found: Target, depth: int) -> Target | None:
    """The context manager that a generator which gives `found` is made into."""
    module = typing_stub()
    made = values.files.in_module(module, "ContextManager") if module is not None else None
    if made is None:
        return None
    return replace(made, instance=True, arguments=(partial(element, values, found, depth + 1),))
