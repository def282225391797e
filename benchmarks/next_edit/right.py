"""Scenarios in which an edit follows: most by taking out of the code what its authors wrote next."""

from __future__ import annotations

import ast
import keyword
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from devflow.analysis.text import Edit

from .python_file import SIMPLE, Made, Source, holds, taken_out

# -- renaming ------------------------------------------------------------------------------------------


def rename_variables(file: Source) -> Iterator[Made]:
    every = {name for name, _ in file.groups}
    for (name, _), places in file.groups.items():
        ordered = sorted(places)
        new = f"new_{name.lstrip('_')}"
        if (
            not 3 <= len(ordered) <= 30
            or name in ("self", "cls")
            or name.startswith("__")
            or new in every
            or ordered[0] not in file.binds
            or name in file.keywords
            or re.search(rf"[\"']{re.escape(name)}[\"']", file.source)
        ):
            continue
        yield _renamed(file.source, ordered[:1], ordered[1:], name, new)


def _rename_methods(file: Source) -> Iterator[Made]:
    for owner in file.classes():
        for method in owner.body:
            if not isinstance(method, ast.FunctionDef) or method.name.startswith("__"):
                continue
            plain = any(name == method.name and len(places) > 1 for (name, _), places in file.groups.items())
            once = sum(each.name == method.name for each in file.functions()) == 1
            if plain or not once or method.decorator_list:
                continue
            uses = file.attributes.get(method.name, [])
            inside = [
                each
                for each in uses
                if isinstance(each.value, ast.Name) and each.value.id == "self" and holds(owner, each)
            ]
            if inside and len(inside) == len(uses):
                rest = sorted(file.name_of(each)[0] for each in inside)
                yield _renamed(
                    file.source, [file.def_name(method)], rest, method.name, f"new_{method.name.lstrip('_')}"
                )


def _rename_attributes(file: Source) -> Iterator[Made]:
    for owner in file.classes():
        made = next((e for e in owner.body if isinstance(e, ast.FunctionDef) and e.name == "__init__"), None)
        if made is None:
            continue
        for statement in made.body:
            target = statement.targets[0] if isinstance(statement, ast.Assign) else None
            if not isinstance(target, ast.Attribute) or not isinstance(target.value, ast.Name):
                continue
            if target.value.id != "self" or any(e.name == target.attr for e in file.functions()):
                continue
            uses = file.attributes.get(target.attr, [])
            own = [
                e for e in uses if isinstance(e.value, ast.Name) and e.value.id == "self" and holds(owner, e)
            ]
            if len(own) < 3 or len(own) != len(uses) or target.attr in file.keywords:
                continue
            rest = sorted(file.name_of(e)[0] for e in own if e is not target)
            first = file.name_of(target)[0]
            if min(rest) > first and f"new_{target.attr.lstrip('_')}" not in file.attributes:
                yield _renamed(file.source, [first], rest, target.attr, f"new_{target.attr.lstrip('_')}")


def _renamed(source: str, first: Sequence[int], rest: Sequence[int], old: str, new: str) -> Made:
    def edits(places: Sequence[int]) -> list[Edit]:
        return [Edit(at, at + len(old), new) for at in places]

    return source, edits(first), edits(rest)


# -- repeating ------------------------------------------------------------------------------------------


def _repeat_names(file: Source) -> Iterator[Made]:
    """A function from elsewhere is called otherwise now; two calls are changed."""
    for (name, scope), places in file.groups.items():
        ordered = sorted(places)
        called = [
            file.start(e.func)
            for e in file.nodes
            if isinstance(e, ast.Call) and isinstance(e.func, ast.Name) and e.func.id == name
        ]
        calls = [at for at in ordered if at in called]
        if scope != 0 or set(ordered) & file.binds or keyword.iskeyword(name) or not 3 <= len(calls) <= 20:
            continue
        if len(name) < 3 or not name[0].islower():
            continue
        yield _renamed(file.source, calls[:2], calls[2:], name, f"fast_{name}")


def _repeat_attributes(file: Source) -> Iterator[Made]:
    """A member of something from elsewhere is called otherwise now; two places are changed."""
    for name, uses in file.attributes.items():
        own = any(isinstance(each.ctx, ast.Store) for each in uses)
        if own or any(each.name == name for each in file.functions()):
            continue
        of: dict[str, list[int]] = defaultdict(list)
        for each in uses:
            if isinstance(each.value, ast.Name) and each.value.id not in ("self", "cls"):
                of[each.value.id].append(file.name_of(each)[0])
        for places in of.values():
            if 3 <= len(places) <= 20:
                places.sort()
                yield _renamed(file.source, places[:2], places[2:], name, f"new_{name}")


def _repeat_arguments(file: Source) -> Iterator[Made]:
    """A keyword argument that several calls have: two of them get it."""
    given: dict[tuple[str, str], list[ast.Call]] = defaultdict(list)
    for each in file.nodes:
        if isinstance(each, ast.Call) and each.keywords and (each.args or len(each.keywords) > 1):
            last = each.keywords[-1]
            inside = each.end_lineno == each.lineno and last.arg and file.end(last) == file.end(each) - 1
            if inside and isinstance(each.func, ast.Name | ast.Attribute):
                given[file.written(each.func), file.written(last)].append(each)
    for (callee, written), calls in given.items():
        if not 3 <= len(calls) <= 12 or any(holds(a, b) for a in calls for b in calls if a is not b):
            continue
        if re.search(rf"(?<![\w.]){re.escape(callee)}\(", file.source) is None:
            continue
        gone = sorted(_argument_before(file, each) for each in calls)
        before, places = taken_out(file.source, gone)
        edits = [Edit(at, at, f", {written}") for at in places]
        yield before, edits[:2], edits[2:]


# -- signatures ------------------------------------------------------------------------------------------


def _signature_more(file: Source) -> Iterator[Made]:
    """A parameter is added that the callers pass under its own name: it was there, and was taken out."""
    for function, calls in _called(file):
        arguments = function.args.args
        if len(arguments) < 2 or function.args.defaults or function.args.vararg or function.args.kwarg:
            continue
        last = arguments[-1]
        place = len(arguments) - 1
        if not all(
            len(each.args) == place + 1
            and not each.keywords
            and isinstance(each.args[-1], ast.Name)
            and each.args[-1].id == last.arg
            and each.lineno == each.end_lineno
            for each in calls
        ):
            continue
        if file.source[file.end(last)] not in "),":
            continue
        gone = [(file.end(arguments[-2]), file.end(last))]
        gone += [(file.end(each.args[-2]), file.end(each.args[-1])) for each in calls]
        if len(gone) != len(set(gone)) or any(holds(a, b) for a in calls for b in calls if a is not b):
            continue
        texts = {start: file.source[start:end] for start, end in gone}
        before, places = taken_out(file.source, sorted(gone))
        order = sorted(texts)
        edits = [Edit(at, at, texts[start]) for at, start in zip(places, order, strict=True)]
        first = order.index(gone[0][0])
        yield before, [edits[first]], edits[:first] + edits[first + 1 :]


def _signature_less(file: Source) -> Iterator[Made]:
    """The last parameter is taken out, which all callers pass."""
    for function, calls in _called(file):
        arguments = function.args.args
        if len(arguments) < 2 or function.args.vararg or function.args.kwarg or function.args.kwonlyargs:
            continue
        last = arguments[-1]
        size = len(arguments)
        if not all(len(c.args) == size and not c.keywords and c.lineno == c.end_lineno for c in calls):
            continue
        if function.args.defaults or any(holds(a, b) for a in calls for b in calls if a is not b):
            continue
        edit = Edit(file.end(arguments[-2]), file.end(last), "")
        right = [Edit(file.end(c.args[-2]), file.end(c.args[-1]), "") for c in calls]
        if all(file.source[e.end] == ")" for e in right):
            yield file.source, [edit], right


def _called(file: Source) -> Iterator[tuple[ast.FunctionDef, list[ast.Call]]]:
    """The functions of the module with their calls in it, where every use is one."""
    for function in file.tree.body:
        if not isinstance(function, ast.FunctionDef) or function.decorator_list:
            continue
        places = file.groups.get((function.name, 0), frozenset())
        calls = [
            e
            for e in file.nodes
            if isinstance(e, ast.Call) and isinstance(e.func, ast.Name) and file.start(e.func) in places
        ]
        once = sum(e.name == function.name for e in file.functions()) == 1
        starred = any(isinstance(a, ast.Starred) for c in calls for a in c.args)
        if once and 1 <= len(calls) <= 12 and len(calls) == len(places) - 1 and not starred:
            yield function, calls


# -- fields and imports -------------------------------------------------------------------------------------


def _field_kept(file: Source) -> Iterator[Made]:
    """A constructor gets a parameter; its authors kept it in a field."""
    for made, argument, span in _kept(file):
        start, end = _with_comma(file, made, argument)
        gone = sorted([(start, end), span])
        before, places = taken_out(file.source, gone)
        parameter = Edit(places[0], places[0], file.source[start:end])
        line = Edit(places[1], places[1], file.source[span[0] : span[1]])
        yield before, [parameter], [line]


def _field_passed(file: Source) -> Iterator[Made]:
    """A constructor sets a field from a name; its authors made that a parameter."""
    for made, argument, span in _kept(file):
        needed = made.args.args[: len(made.args.args) - len(made.args.defaults)]
        if argument is not needed[-1] or argument.annotation is not None:
            continue
        start, end = _with_comma(file, made, argument)
        before, places = taken_out(file.source, sorted([(start, end), span]))
        parameter = Edit(places[0], places[0], file.source[start:end])
        line = Edit(places[1], places[1], file.source[span[0] : span[1]])
        yield before, [line], [parameter]


def _kept(file: Source) -> Iterator[tuple[ast.FunctionDef, ast.arg, tuple[int, int]]]:
    for owner in file.classes():
        made = next((e for e in owner.body if isinstance(e, ast.FunctionDef) and e.name == "__init__"), None)
        if made is None or len(made.args.args) < 3:
            continue
        body = file.source[file.start(made) : file.end(made)]
        simple = []
        for each in made.body:
            if isinstance(each, ast.Assign) and isinstance(each.value, ast.Name):
                target = each.targets[0]
                if isinstance(target, ast.Attribute) and target.attr.lstrip("_") == each.value.id:
                    simple.append(each)
        for each in simple[1:]:
            name = each.value.id  # type: ignore[attr-defined]
            argument = next((a for a in made.args.args[2:] if a.arg == name), None)
            span = file.line_of(each)
            if argument is None or span is None or argument.lineno != argument.end_lineno:
                continue
            if len(re.findall(rf"(?<![\w.]){re.escape(name)}\b", body)) == 2:
                yield made, argument, span


def _with_comma(file: Source, made: ast.FunctionDef, argument: ast.arg) -> tuple[int, int]:
    """A parameter with its default and the comma before it."""
    number = made.args.args.index(argument)
    before = made.args.args[number - 1]
    defaults = dict(zip(reversed(made.args.args), reversed(made.args.defaults), strict=False))
    start = file.end(defaults.get(before, before))
    return start, file.end(defaults.get(argument, argument))


def _imports(file: Source) -> Iterator[Made]:
    """A line is written that uses a module of the standard library, which is not imported yet."""
    lines = [e for e in file.tree.body if isinstance(e, ast.Import) and len(e.names) == 1]
    for each in lines:
        name = each.names[0].name
        span = file.line_of(each)
        if name not in sys.stdlib_module_names or each.names[0].asname or span is None:
            continue
        uses = [e for e in file.nodes if isinstance(e, ast.Name) and e.id == name]
        holding = [
            e
            for e in file.nodes
            if isinstance(e, SIMPLE) and any(holds(e, use) for use in uses) and file.line_of(e) is not None
        ]
        if len(holding) != 1 or len(uses) != sum(holds(holding[0], use) for use in uses):
            continue
        line = file.line_of(holding[0])
        assert line is not None
        before, places = taken_out(file.source, [span, line])
        written = file.source[line[0] : line[1]]
        yield before, [Edit(places[1], places[1], written)], [Edit(places[0], places[0], f"import {name}\n")]


def _argument_before(file: Source, call: ast.Call) -> tuple[int, int]:
    """The last keyword argument with the comma before it."""
    before = [*call.args, *(each.value for each in call.keywords[:-1])]
    return max(file.end(each) for each in before), file.end(call.keywords[-1])


RIGHT: dict[str, Callable[[Source], Iterator[Made]]] = {
    "rename-variable": rename_variables,
    "rename-method": _rename_methods,
    "rename-attribute": _rename_attributes,
    "repeat-name": _repeat_names,
    "repeat-member": _repeat_attributes,
    "repeat-argument": _repeat_arguments,
    "signature-more": _signature_more,
    "signature-less": _signature_less,
    "field-kept": _field_kept,
    "field-passed": _field_passed,
    "import": _imports,
}
