"""Scenarios in which nothing follows: what people do all day."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Callable, Iterator

from devflow.analysis.text import Edit

from .python_file import SIMPLE, Made, Source, taken_out
from .right import rename_variables

# -- silence ------------------------------------------------------------------------------------------------


def _quiet_other_variable(file: Source) -> Iterator[Made]:
    """One use of a variable becomes the use of another one of the same function."""
    of: dict[int, list[str]] = defaultdict(list)
    for (name, scope), places in file.groups.items():
        if scope and len(places) >= 3 and name not in ("self", "cls"):
            of[scope].append(name)
    for scope, names in of.items():
        if len(names) < 2:
            continue
        one, other = file.dice.sample(names, 2)
        reads = [at for at in sorted(file.groups[one, scope]) if at not in file.binds]
        if reads:
            at = file.dice.choice(reads)
            yield file.source, [Edit(at, at + len(one), other)], []


def _quiet_other_member(file: Source) -> Iterator[Made]:
    """One member becomes another one."""
    names = sorted(file.attributes)
    if len(names) < 2:
        return
    for name in file.dice.sample(names, min(len(names), 4)):
        each = file.dice.choice(file.attributes[name])
        start, end = file.name_of(each)
        other = file.dice.choice([e for e in names if e != name])
        yield file.source, [Edit(start, end, other)], []


def _quiet_new_call(file: Source) -> Iterator[Made]:
    """One call asks for a function that is still to be written."""
    calls = [e for e in file.nodes if isinstance(e, ast.Call) and isinstance(e.func, ast.Name)]
    for each in file.dice.sample(calls, min(len(calls), 2)):
        start, end = file.start(each.func), file.end(each.func)
        yield file.source, [Edit(start, end, f"{file.source[start:end]}_fast")], []


def _quiet_literals(file: Source) -> Iterator[Made]:
    """One or two equal numbers or texts are changed."""
    found: dict[str, list[ast.Constant]] = defaultdict(list)
    for each in file.nodes:
        if not isinstance(each, ast.Constant) or each.lineno != each.end_lineno:
            continue
        written = file.written(each)
        if len(written) < 30 and written[0] in "'\"0123456789":
            found[written].append(each)
    for written, places in found.items():
        ordered = sorted(places, key=file.start)[: file.dice.choice((1, 2))]
        new = '"another"' if written[0] in "'\"" else "4711"
        yield file.source, [Edit(file.start(e), file.end(e), new) for e in ordered], []


def _quiet_line_gone(file: Source) -> Iterator[Made]:
    """A statement is deleted."""
    for span in _lines(file):
        yield file.source, [Edit(span[0], span[1], "")], []


def _quiet_line_more(file: Source) -> Iterator[Made]:
    """A statement is written that its authors wrote there."""
    for span in _lines(file):
        before, places = taken_out(file.source, [span])
        yield before, [Edit(places[0], places[0], file.source[span[0] : span[1]])], []


def _quiet_function_more(file: Source) -> Iterator[Made]:
    """A whole function is written that its authors wrote there."""
    for each in file.tree.body:
        if isinstance(each, ast.FunctionDef) and not each.decorator_list and 3 <= len(each.body) <= 12:
            start, end = file.start(each), file.text.line_start(each.end_lineno or 0)
            if end - start < 900:
                before, places = taken_out(file.source, [(start, end)])
                yield before, [Edit(places[0], places[0], file.source[start:end])], []


def _quiet_default(file: Source) -> Iterator[Made]:
    """A parameter with a default is added."""
    for each in file.functions():
        # What a constructor is given is kept: there an edit does follow.
        if (
            each.name != "__init__"
            and each.args.args
            and not (each.args.vararg or each.args.kwarg or each.args.kwonlyargs)
        ):
            last = each.args.defaults[-1] if each.args.defaults else each.args.args[-1]
            at = file.end(last)
            if file.source[at] == ")":
                yield file.source, [Edit(at, at, ", extra=None")], []


def _quiet_argument(file: Source) -> Iterator[Made]:
    """One call gets a further argument."""
    for each in file.nodes:
        if isinstance(each, ast.Call) and each.args and file.source[file.end(each) - 2] not in ",\n ":
            at = file.end(each) - 1
            yield file.source, [Edit(at, at, ", extra=1")], []


def _quiet_done(file: Source) -> Iterator[Made]:
    """A variable is renamed, and every place of it is done."""
    for before, first, rest in rename_variables(file):
        if len(rest) <= 6:
            yield before, [*first, *rest], []


def _quiet_comment(file: Source) -> Iterator[Made]:
    """A comment is written."""
    for start, _ in _lines(file):
        indent = re.compile(r"[ ]*").match(file.source, start)
        assert indent is not None
        yield file.source, [Edit(start, start, f"{indent[0]}# what is done here matters\n")], []


def _lines(file: Source) -> list[tuple[int, int]]:
    found = []
    for function in file.functions():
        for each in function.body:
            if (
                isinstance(each, SIMPLE)
                and len(function.body) > 1
                and (span := file.line_of(each)) is not None
            ):
                found.append(span)
    return file.dice.sample(found, min(len(found), 5))


QUIET: dict[str, Callable[[Source], Iterator[Made]]] = {
    "quiet-other-variable": _quiet_other_variable,
    "quiet-other-member": _quiet_other_member,
    "quiet-new-call": _quiet_new_call,
    "quiet-literals": _quiet_literals,
    "quiet-line-gone": _quiet_line_gone,
    "quiet-line-more": _quiet_line_more,
    "quiet-function-more": _quiet_function_more,
    "quiet-default": _quiet_default,
    "quiet-argument": _quiet_argument,
    "quiet-done": _quiet_done,
    "quiet-comment": _quiet_comment,
}
