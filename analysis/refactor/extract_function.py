"""Make a function or method of selected Python code.

Parameters are the variables the code needs, results those it changes that are needed afterwards; both by
the flow of data, see `flow.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import tree_sitter

from devflow.analysis.python_scopes import MODULE, Occurrence, PythonNames
from devflow.analysis.refactor.classes import decorators, first_parameter
from devflow.analysis.refactor.flow import (
    always_returns,
    is_set_before,
    jumps_out,
    loops_around,
    reads,
    sets_for_certain,
)
from devflow.analysis.refactor.refused import Refused
from devflow.analysis.refactor.selection import (
    NESTED,
    expression_at,
    free_name,
    indent_of,
    statement_of,
    statements_at,
    walk,
    whole_lines,
)
from devflow.analysis.text import Edit

_WATCHED = frozenset({"locals", "vars", "eval", "exec", "dir"})


@dataclass(frozen=True, slots=True)
class _Code:
    """The selected code: an expression, or statements."""

    nodes: tuple[tree_sitter.Node, ...]
    start: int
    end: int
    scope: int
    """The function (or the file) it is in."""
    is_expression: bool


def extract_function(names: PythonNames, start: int, end: int) -> list[Edit]:
    """The edits that move the selected expression or statements to a function of their own and call it.
    Raises Refused with the reason when they cannot be moved."""
    code = _selected(names, start, end)
    _check(names, code)
    needed, changed = _flow(names, code)
    returning = not code.is_expression and any(
        node.type == "return_statement" for each in code.nodes for node in walk(each, NESTED)
    )
    if returning:
        if not always_returns(code.nodes):
            raise Refused("The selection returns on some paths only.")
        changed = []
    method, receiver = _method_of(names, code.scope)
    if method == "static" or (method and code.is_expression and names.scopes[code.scope].kind != "function"):
        method = receiver = ""
    if method:
        needed = [each for each in needed if each != receiver]
    name = free_name(names, "extracted")
    is_async = _awaits(code)
    called = f"{receiver}.{name}" if method else name
    call = f"{called}({', '.join(needed)})"
    call = f"await {call}" if is_async else call
    if code.is_expression:
        replaced = Edit(code.start, code.end, f"({call})" if is_async else call)
    else:
        text = names.tree.text
        first, last = whole_lines(text, code.start, code.end)
        result = ", ".join(changed)
        line = f"return {call}" if returning else f"{result} = {call}" if changed else call
        replaced = Edit(first, last, indent_of(text, code.start) + line)
    return sorted(
        [_made(names, code, name, receiver if method else "", method, needed, changed, is_async), replaced],
        key=lambda edit: (edit.start, edit.end),
    )


# -- what is selected --------------------------------------------------------------------------------------


def _selected(names: PythonNames, start: int, end: int) -> _Code:
    tree = names.tree
    statements = statements_at(tree, start, end)
    node = expression_at(tree, start, end)
    whole = node is not None and node.parent is not None and node.parent.type == "expression_statement"
    if node is not None and not whole and node.type != "identifier":
        span = tree.span(node)
        return _Code((node,), span.start, span.end, _function_around(names, node), True)
    if statements:
        first, last = tree.span(statements[0]), tree.span(statements[-1])
        return _Code(tuple(statements), first.start, last.end, _function_around(names, statements[0]), False)
    raise Refused("Select one whole expression, or whole statements of one block.")


def _function_around(names: PythonNames, node: tree_sitter.Node) -> int:
    at = node.parent
    while at is not None and at.type not in ("function_definition", "class_definition", "module"):
        at = at.parent
    for each in names.scopes:
        if each.node == at and each.kind in ("function", "class", "module"):
            return each.number
    return MODULE


def _check(names: PythonNames, code: _Code) -> None:
    if names.scopes[code.scope].kind == "class":
        raise Refused("Code in the body of a class cannot become a function.")
    for each in code.nodes:
        if each.type in ("import_from_statement",) and "wildcard_import" in {
            c.type for c in each.named_children
        }:
            raise Refused("The selection contains a star import.")
        if each.type == "future_import_statement":
            raise Refused("Imports from __future__ stay at the top of the file.")
        for node in walk(each, NESTED):
            if node.type == "yield":
                raise Refused("The selection contains yield.")
            if node.type in ("global_statement", "nonlocal_statement"):
                raise Refused("The selection declares a name global or nonlocal.")
            if node.type == "named_expression" and code.is_expression:
                raise Refused("The selection contains an assignment.")
    if not code.is_expression and jumps_out(code.nodes):
        raise Refused("The selection jumps out of a loop around it with break or continue.")
    if names.scopes[code.scope].kind == "module" and any(
        node.type == "return_statement" for each in code.nodes for node in walk(each, NESTED)
    ):
        raise Refused("The selection contains return.")
    for use in names.occurrences:
        if code.start <= use.start < code.end:
            if use.name in _WATCHED and use.role == "read" and not names.is_bound(use.name, names.home(use)):
                raise Refused(f"The selection calls {use.name}(), which sees the variables around it.")
            if use.role == "delete" and names.home(use) == code.scope:
                raise Refused(f"The selection deletes {use.name}.")


def _awaits(code: _Code) -> bool:
    for each in code.nodes:
        for node in walk(each, NESTED):
            if node.type == "await" or (node.children and node.children[0].type == "async"):
                return True
    return False


# -- the flow of data --------------------------------------------------------------------------------------


def _flow(names: PythonNames, code: _Code) -> tuple[list[str], list[str]]:
    """The variables the code needs, and those it changes that are needed afterwards; in order."""
    inner = _scopes_between(names, code)
    within = [use for use in names.occurrences if code.start <= use.start < code.end]
    needed: list[str] = []
    changed: list[str] = []
    seen: set[tuple[str, int]] = set()
    for use in sorted(within, key=lambda each: each.start):
        home = names.home(use)
        key = (use.name, home)
        if key in seen:
            continue
        seen.add(key)
        if home in inner:
            if use.name not in needed:
                needed.append(use.name)
            continue
        if home != code.scope:
            if names.scopes[home].kind == "types" and names.scopes[code.scope].parent == home:
                raise Refused(f"The selection uses {use.name}, a type parameter of the function.")
            if any(
                other.role == "bind" and names.home(other) == home and other.scope == code.scope
                for other in within
                if other.name == use.name
            ):
                raise Refused(f"The selection sets {use.name}, which belongs to code around the function.")
            continue
        everywhere = names.of(use.name, home)
        if not names.is_bound(use.name, home):
            continue
        is_module = names.scopes[home].kind == "module"
        written = [each for each in everywhere if code.start <= each.start < code.end and each.role == "bind"]
        outside = [each for each in everywhere if not code.start <= each.start < code.end]
        after = bool(written) and _is_needed_after(names, code, everywhere)
        if is_module and written and _is_seen_by_functions(names, everywhere, code):
            raise Refused(f"{use.name} is a global variable that functions use.")
        if is_module and written and outside and not after:
            after = True  # it may be imported from elsewhere
        certain = bool(written) and sets_for_certain(names, list(code.nodes), use.name, home)
        set_before = any(each.role == "bind" for each in outside) or (
            written and loops_around(code.nodes[0])  # by the code itself, in the round before
        )
        needs = _is_needed(names, code, everywhere, certain) and bool(set_before)
        if after and not certain and not needs:
            if not any(each.role == "bind" for each in outside):
                raise Refused(f"{use.name} may not be set on every path through the selection.")
            needs = True
        if needs and (written or not is_module):
            if not is_set_before(names, code.nodes[0], use.name, home):
                raise Refused(f"{use.name} may not be set before the selection.")
            needed.append(use.name)
        if after:
            changed.append(use.name)
    return needed, changed


def _scopes_between(names: PythonNames, code: _Code) -> set[int]:
    """The comprehensions and lambdas that a selected expression stands in."""
    found = set()
    for each in names.scopes:
        around = each.start <= code.start and code.end <= each.end and code.is_expression
        if around and each.kind in ("comprehension", "lambda") and each.node != code.nodes[0]:
            found.add(each.number)
    return found


def _is_needed(names: PythonNames, code: _Code, uses: Sequence[Occurrence], certain: bool) -> bool:
    """Whether the variable's value from before is read in the code."""
    inside = [each for each in uses if code.start <= each.start < code.end]
    first_read = min((each.start for each in inside if reads(each)), default=None)
    if first_read is None:
        return False
    if not certain:
        return True
    for number, node in enumerate(code.nodes):
        span = names.tree.span(node)
        if sets_for_certain(names, code.nodes[: number + 1], inside[0].name, code.scope):
            if any(reads(each) and each.start < span.start for each in inside):
                return True
            return _reads_first(names, node, [each for each in inside if span.start <= each.start < span.end])
    return True


def _reads_first(names: PythonNames, node: tree_sitter.Node, inside: Sequence[Occurrence]) -> bool:
    """Whether the statement that sets the variable reads it before."""
    order = {each.start: number for number, each in enumerate(names.occurrences)}
    if node.type not in (
        "expression_statement",
        "with_statement",
        "import_statement",
        "import_from_statement",
    ):
        return any(reads(each) for each in inside) and node.type not in (
            "function_definition",
            "class_definition",
        )
    in_order = sorted(inside, key=lambda each: order[each.start])
    first_bind = next((n for n, each in enumerate(in_order) if each.role == "bind"), len(in_order))
    return any(reads(each) for each in in_order[: first_bind + 1])


def _is_needed_after(names: PythonNames, code: _Code, uses: Sequence[Occurrence]) -> bool:
    outside = [
        each
        for each in uses
        if not code.start <= each.start < code.end and (reads(each) or each.role == "declare")
    ]
    if any(
        each.start >= code.end
        or (names.scopes[each.scope].number != code.scope and not _is_inline(names, each, code))
        for each in outside
    ):
        return True
    for loop in loops_around(code.nodes[0]):
        span = names.tree.span(loop)
        if any(span.start <= each.start < span.end for each in outside):
            return True
    # In the next round of a loop the code itself may read what it has set.
    if loops_around(code.nodes[0]) and any(
        reads(each) for each in uses if code.start <= each.start < code.end
    ):
        return not sets_first(names, code, uses)
    return False


def sets_first(names: PythonNames, code: _Code, uses: Sequence[Occurrence]) -> bool:
    """Whether the code sets the variable for certain before it reads it."""
    certain = sets_for_certain(names, list(code.nodes), uses[0].name, code.scope)
    return certain and not _is_needed(names, code, uses, certain)


def _is_inline(names: PythonNames, each: Occurrence, code: _Code) -> bool:
    """Whether the use stands in a comprehension, which is evaluated where it stands."""
    scope = each.scope
    while scope != code.scope and names.scopes[scope].kind == "comprehension":
        scope = names.scopes[scope].parent
    return scope == code.scope


def _is_seen_by_functions(names: PythonNames, uses: Sequence[Occurrence], code: _Code) -> bool:
    return any(each.scope != code.scope and not _is_inline(names, each, code) for each in uses)


# -- the function ------------------------------------------------------------------------------------------


def _method_of(names: PythonNames, scope: int) -> tuple[str, str]:
    """`("method" | "class" | "static" | "", the name of its first parameter)`."""
    if names.scopes[scope].kind != "function":
        return "", ""
    above = names.scopes[scope].parent
    while names.scopes[above].kind == "types":
        above = names.scopes[above].parent
    if names.scopes[above].kind != "class":
        return "", ""
    decorated = {each.rpartition(".")[2] for each in decorators(names, names.scopes[scope].node)}
    if "staticmethod" in decorated or not first_parameter(names, scope):
        return "static", ""
    return ("class" if "classmethod" in decorated else "method"), first_parameter(names, scope)


def _made(
    names: PythonNames,
    code: _Code,
    name: str,
    receiver: str,
    method: str,
    needed: Sequence[str],
    changed: Sequence[str],
    is_async: bool,
) -> Edit:
    tree, text = names.tree, names.tree.text
    ending = text.line_ending
    function = names.scopes[code.scope].node if names.scopes[code.scope].kind == "function" else None
    anchor = statement_of(code.nodes[0]) if function is None else function
    if function is None:
        while anchor.parent is not None and anchor.parent.type != "module":
            anchor = anchor.parent
    elif function.parent is not None and function.parent.type == "decorated_definition":
        anchor = function.parent
    static = function is not None and not method and _method_of(names, code.scope)[0] == "static"
    while static and anchor.parent is not None and anchor.parent.type != "module":
        anchor = anchor.parent  # beside the class
    span = tree.span(anchor)
    indent = indent_of(text, span.start)
    step = _step(names)
    parameters = ([receiver] if receiver else []) + [_annotated(names, code, each) for each in needed]
    head = [f"{indent}@classmethod"] if method == "class" else []
    head.append(f"{indent}{'async ' if is_async else ''}def {name}({', '.join(parameters)}):")
    body = _body(names, code, indent + step, ending)
    if changed:
        body.append(f"{indent}{step}return {', '.join(changed)}")
    made = ending.join([*head, *body])
    blank = ending * (3 if not indent else 2)
    if function is None:
        at = text.line_start(text.line_at(span.start))
        if text.source.startswith("\ufeff", at):
            at += 1  # a byte order mark stays first
        return Edit(at, at, made + blank)
    at = text.line_end(text.line_at(span.end))
    return Edit(at, at, blank + made)


def _body(names: PythonNames, code: _Code, indent: str, ending: str) -> list[str]:
    tree, text = names.tree, names.tree.text
    if code.is_expression:
        written = text.source[code.start : code.end]
        return [f"{indent}return ({written})" if "\n" in written else f"{indent}return {written}"]
    first, last = whole_lines(text, code.start, code.end)
    old = indent_of(text, code.start)
    inside = [
        tree.span(node)
        for each in code.nodes
        for node in walk(each)
        if node.type == "string" and node.start_point.row != node.end_point.row
    ]
    lines = []
    for number in range(text.line_at(first), text.line_at(last) + 1):
        start, line = text.line_start(number), text.line(number)
        if any(span.start < start < span.end for span in inside):
            lines.append(line)
        elif line.startswith(old):
            lines.append(indent + line[len(old) :] if line.strip() else "")
        else:
            lines.append(line if line.strip() else "")
    del ending
    return lines


def _annotated(names: PythonNames, code: _Code, name: str) -> str:
    """A parameter with the annotation it has in the function around."""
    scope = names.scopes[code.scope]
    for each in names.of(name, code.scope):
        if (
            each.how == "parameter"
            and scope.kind == "function"
            and names.scopes[scope.parent].kind != "types"
        ):
            above = names.tree.smallest(each.start, each.end).parent
            annotation = above.child_by_field_name("type") if above is not None else None
            if annotation is not None and above is not None and above.named_children[0].type == "identifier":
                return f"{name}: {names.tree.slice(annotation)}"
    return name


def _step(names: PythonNames) -> str:
    """One level of the file's indentation."""
    for scope in names.scopes:
        body = scope.node.child_by_field_name("body") if scope.kind in ("function", "class") else None
        if body is not None and body.start_point.row != scope.node.start_point.row:
            outer = indent_of(names.tree.text, scope.start)
            inner = indent_of(names.tree.text, names.tree.span(body).start)
            if inner.startswith(outer) and len(inner) > len(outer):
                return inner[len(outer) :]
    return "    "
