"""What can stand behind a dot after what a Python name stands for, told from the text."""

from __future__ import annotations

import contextlib
from pathlib import Path

from devflow.analysis.facts import SymbolKind
from devflow.analysis.module_table import Binding
from devflow.analysis.python_files import DEEPEST, PythonFiles, Target, is_property
from devflow.analysis.python_modules import stub_of
from devflow.analysis.python_values import PythonValues

_WITHOUT_MEMBERS = frozenset({"Generic", "Protocol", "ABC", "object"})
_Line = frozenset[tuple[Path, int]]
"""The classes below one: where it is among them it is its own base, so not the class that is meant."""


def offered(files: PythonFiles, values: PythonValues, target: Target | None) -> tuple[frozenset[str], bool]:
    """The attributes of a module, a class or a value of a class, and whether these are all it has: not
    where a base or a star import is not found, or attributes are made when they are asked for."""
    if target is None:
        return frozenset(), False
    if target.binding is None:
        return _offered_by_module(files, target)
    if target.binding.kind != "class":
        return frozenset(), False
    found: set[str] = set()
    complete = target.sure
    pending: list[tuple[Target, _Line]] = [(target, frozenset())]
    seen: set[tuple[Path, int]] = set()
    while pending:
        each, line = pending.pop(0)
        binding = each.binding
        if binding is None or binding.kind != "class":
            complete = False
            continue
        place = (each.path, binding.start)
        if place in line:
            complete = False
        if place in seen:
            continue
        seen.add(place)
        found.update(binding.members)
        if len(seen) > 4 * DEEPEST or binding.value.rsplit(".", 1)[-1] not in ("", "type", "ABCMeta"):
            complete = False
            break
        scope = files.module_scope(each.path)
        for base in binding.bases:
            reached = values.evaluated(base.split("[")[0], scope)
            if reached is None:
                complete = complete and base.split("[")[0].rsplit(".", 1)[-1] in _WITHOUT_MEMBERS
            else:
                pending.append((reached, line | {place}))
    if found & {"__getattr__", "__getattribute__", "__dict__"}:
        complete = False
    last = files.builtin("object" if target.instance else "type")
    if last is not None and last.binding is not None:
        found.update(last.binding.members)
    return frozenset(found), complete


def members(
    files: PythonFiles, values: PythonValues, target: Target | None
) -> tuple[dict[str, tuple[SymbolKind, int]], bool]:
    """What can stand behind a dot after a module, a class or a value of a class: the kind of each name
    and the steps up to the base that has it; and whether these are all that can be read: not where a
    base is not found."""
    if target is None:
        return {}, False
    if target.binding is None:
        names = {name: (kind, 0) for name, kind in files.names_in(target.path).items()}
        return names, bool(names)
    if target.binding.kind == "function":
        target = values.function()
    found: dict[str, tuple[SymbolKind, int]] = {}
    here: list[tuple[Target, _Line]] = [(target, frozenset())] if target is not None else []
    seen: set[tuple[Path, int]] = set()
    depth, whole = 0, True
    while here and len(seen) < 4 * DEEPEST:
        above: list[tuple[Target, _Line]] = []
        for each, line in here:
            binding = each.binding
            place = (each.path, binding.start if binding is not None else -1)
            if binding is None or binding.kind != "class" or place in seen:
                whole = whole and binding is not None and binding.kind == "class" and place not in line
                continue
            seen.add(place)
            line |= {place}
            for name, [first, *_] in binding.members.items():
                found.setdefault(name, (kind_in_class(first), depth))
            stub = stub_of(each.path) if not each.owner else None
            twin = files.in_module(stub, binding.name) if stub is not None else None
            above += [(twin, line)] if twin is not None else []
            scope = files.module_scope(each.path)
            for base in (each.split("[")[0] for each in binding.bases):
                if base.rsplit(".", 1)[-1] in _WITHOUT_MEMBERS:
                    continue
                reached = values.evaluated(base, scope)
                above += [(reached, line)] if reached is not None else []
                whole = whole and reached is not None
        here, depth = above, depth + 1
    last = files.builtin("object" if target is not None and target.instance else "type")
    if found and last is not None and last.binding is not None:
        for name, [first, *_] in last.binding.members.items():
            found.setdefault(name, (kind_in_class(first), depth))
    return found, whole


def _offered_by_module(files: PythonFiles, target: Target) -> tuple[frozenset[str], bool]:
    table = files.table(target.path) if target.path.suffix else None
    if table is None:
        return frozenset(), False
    found = set(table.names)
    complete = target.sure and "__getattr__" not in found and stub_of(target.path) is None
    for star in table.stars:
        file = files.module(star, target.path)
        if file is None:
            complete = False
        else:
            found |= set(files.public_names(file))
    if target.path.stem == "__init__":
        with contextlib.suppress(OSError):
            found |= {each.stem for each in target.path.parent.iterdir()}
    return frozenset(found), complete


def kind_in_class(binding: Binding) -> SymbolKind:
    """What a member is called in a list."""
    if binding.kind == "class":
        return SymbolKind.CLASS
    if binding.kind == "function":
        return SymbolKind.PROPERTY if is_property(binding) else SymbolKind.METHOD
    return SymbolKind.FIELD
