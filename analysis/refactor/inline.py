"""Put the value of a Python variable, or of a one-line function, where it is used."""

from __future__ import annotations

import tree_sitter

from devflow.analysis.python_scopes import Occurrence, PythonNames
from devflow.analysis.refactor.flow import loops_around
from devflow.analysis.refactor.project import node_of, parent_of
from devflow.analysis.refactor.refused import Refused
from devflow.analysis.refactor.selection import ATOMS, is_impure, is_literal, walk, whole_lines
from devflow.analysis.text import Edit

_CHANGING = frozenset({"call", "await", "yield", "assignment", "augmented_assignment", "delete_statement"})
_OPEN = frozenset({"expression_statement", "argument_list", "parenthesized_expression", "keyword_argument"})
_VALUES = frozenset(
    {"return_statement", "assignment", "augmented_assignment", "list", "tuple", "set", "pair"}
)

_CLOSED = frozenset(
    {"expression_list", "await", "yield", "generator_expression", "lambda", "conditional_expression"}
)
_FRESH = frozenset(
    {"list", "dictionary", "set", "list_comprehension", "dictionary_comprehension", "set_comprehension"}
    | {"generator_expression"}
)


def inline_variable(names: PythonNames, at: int) -> list[Edit]:
    """The edits that replace every use of the variable at `at` by its value and remove its assignment.
    Raises Refused when that could change what the code does."""
    occurrence = names.at(at)
    if occurrence is None:
        raise Refused("There is no variable to inline here.")
    home = names.home(occurrence)
    uses = names.of(occurrence.name, home)
    name = occurrence.name
    binds = [each for each in uses if each.role != "read"]
    if not names.is_bound(name, home):
        raise Refused(f"{name} is not assigned in this file.")
    if len(binds) != 1 or binds[0].how:
        raise Refused(f"{name} is not assigned exactly once, by a plain assignment.")
    if names.scopes[home].kind not in ("function", "module"):
        raise Refused(f"{name} is an attribute of a class.")
    assignment = parent_of(names, binds[0])
    value = assignment.child_by_field_name("right") if assignment is not None else None
    if assignment is None or assignment.type != "assignment" or value is None:
        raise Refused(f"{name} is not assigned exactly once, by a plain assignment.")
    statement = assignment.parent
    if any(each.type == "named_expression" for each in walk(value)):
        raise Refused(f"The value of {name} sets another variable.")
    if statement is None or statement.type != "expression_statement" or value.type == "assignment":
        raise Refused(f"{name} is not assigned exactly once, by a plain assignment.")
    if names.scopes[home].kind == "module" and any(text == name for text, _, _ in names.exported):
        raise Refused(f"{name} is in __all__, so other files may use it.")
    reads = [each for each in uses if each.role == "read"]
    if not reads:
        raise Refused(f"{name} is never used.")
    for each in reads:
        _check(names, name, home, each, statement, value, len(reads))
    first, last = _statement_lines(names, statement)
    return [Edit(first, last, ""), *(_replaced(names, each, value) for each in reads)]


def _check(
    names: PythonNames,
    name: str,
    home: int,
    read: Occurrence,
    statement: tree_sitter.Node,
    value: tree_sitter.Node,
    count: int,
) -> None:
    """Raise Refused when the value at the place of `read` need not be what was assigned."""
    tree = names.tree
    node = node_of(names, read)
    block = statement.parent
    holder: tree_sitter.Node | None = node
    while holder is not None and holder.parent != block:
        holder = holder.parent
    if read.how == "quoted":
        raise Refused(f"{name} is used in an annotation in quotes.")
    if holder is None or holder.start_byte < statement.end_byte:
        raise Refused(f"{name} is used where it need not be assigned yet.")
    constant = is_literal(value)
    scope = read.scope
    while scope != home:
        if names.scopes[scope].kind != "comprehension" and not constant:
            raise Refused(f"{name} is used in a function inside, which may run later.")
        scope = names.scopes[scope].parent
    span = tree.span(value)
    for used in names.occurrences:
        if span.start <= used.start < span.end and used.role == "read":
            if names.lookup(used.name, read.scope) != names.home(used) and used.scope == home:
                raise Refused(f"{used.name} means something else where {name} is used.")
            for other in names.of(used.name, names.home(used)):
                if other.role == "read" or constant:
                    continue
                later = tree.offset(statement.end_byte) <= other.start
                around = [loop for loop in loops_around(node) if loop.start_byte > statement.start_byte]
                in_loop = any(loop.start_byte <= tree.byte(other.start) < loop.end_byte for loop in around)
                if (
                    (later and other.start < read.start)
                    or in_loop
                    or (other.scope != names.home(used) and names.scopes[other.scope].kind == "function")
                ):
                    raise Refused(f"{used.name} is changed between the assignment of {name} and its use.")
            meant = names.home(used)
            elsewhere = any(o.role == "bind" and o.scope != meant for o in names.of(used.name, meant))
            if meant != home and names.scopes[meant].kind == "module" and elsewhere and not constant:
                raise Refused(f"{used.name} is changed between the assignment of {name} and its use.")
    if constant:
        return
    if is_impure(value):
        repeated = any(loop.start_byte > statement.start_byte for loop in loops_around(node))
        if count > 1 or repeated or read.scope != home:
            raise Refused(f"The value of {name} calls something, and would do so more than once.")
        if _is_conditional(node, holder):
            raise Refused(f"The value of {name} calls something, and would do so only under a condition.")
    depends = any(each.type in ("attribute", "subscript", "call", "await") for each in walk(value))
    fresh = any(each.type in _FRESH for each in walk(value))
    if fresh and (count > 1 or _is_repeated(node, statement, read, home)):
        raise Refused(f"The value of {name} is a new object each time; its uses share one.")
    if (depends or fresh) and _changes_between(tree.root, statement.end_byte, node):
        raise Refused(f"What the value of {name} depends on may change before it is used.")


def _is_repeated(node: tree_sitter.Node, statement: tree_sitter.Node, read: Occurrence, home: int) -> bool:
    return read.scope != home or any(loop.start_byte > statement.start_byte for loop in loops_around(node))


def _is_conditional(node: tree_sitter.Node, holder: tree_sitter.Node) -> bool:
    """Whether evaluating the statement `holder` need not evaluate `node`, or does it later."""
    below, at = node, node.parent
    while at is not None and below != holder:
        if at.type == "block" or at.type in ("boolean_operator", "conditional_expression", "elif_clause"):
            first = at.named_children[1 if at.type == "conditional_expression" else 0]
            if at.type in ("block", "elif_clause") or below != first:
                return True
        if at.type in ("while_statement", "lambda", "assert_statement"):
            return True
        if at.type == "comparison_operator" and below not in at.named_children[:2]:
            return True
        below, at = at, at.parent
    return False


def _changes_between(root: tree_sitter.Node, start: int, node: tree_sitter.Node) -> bool:
    """Whether something between the byte `start` and the use of a variable may change objects: a call or an
    assignment that is over before the use, or one in a loop around it."""
    for loop in loops_around(node):
        if loop.start_byte >= start:
            return True
    for each in walk(root):
        if each.type in _CHANGING and each.start_byte >= start and each.end_byte <= node.start_byte:
            return True
    return False


def _replaced(names: PythonNames, read: Occurrence, value: tree_sitter.Node) -> Edit:
    node = node_of(names, read)
    above = node.parent
    written = names.tree.slice(value)
    at: tree_sitter.Node | None = above
    while at is not None and at.type not in ("block", "module"):
        if at.type == "interpolation":
            if any(sign in written for sign in "\"'\\\n#") or above is None:
                raise Refused("The variable stands in an f-string that cannot hold its value.")
            return Edit(read.start, read.end, f"({written})")
        at = at.parent
    bare = value.type in ATOMS and not (
        above is not None and above.type == "attribute" and value.type in ("integer", "float")
    )
    roomy = above is not None and above.type in _OPEN | _VALUES
    if roomy and value.type not in _CLOSED:
        bare = True
    if "\n" in written and value.type in ("attribute", "call", "subscript"):
        bare = False
    if value.type == "string" and above is not None and above.type == "concatenated_string":
        bare = False
    return Edit(read.start, read.end, written if bare else f"({written})")


def _statement_lines(names: PythonNames, statement: tree_sitter.Node) -> tuple[int, int]:
    span = names.tree.span(statement)
    text = names.tree.text
    block = statement.parent
    if block is not None and len([c for c in block.named_children if c.type != "comment"]) == 1:
        raise Refused("The block would be empty without the assignment.")
    first, last = whole_lines(text, span.start, span.end)
    comment = text.source[span.end : last].strip()
    if comment:
        raise Refused("A comment stands behind the assignment; move it first.")
    return first, text.line_start(text.line_at(last) + 1)
