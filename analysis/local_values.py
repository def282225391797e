"""What one Python function binds, reads attributes of and returns, as expressions somebody else evaluates."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from functools import lru_cache

from devflow.analysis.python_ast import python_ast

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_MOST = 400_000
"""Code points of a function that is still read."""


@dataclass(frozen=True, slots=True)
class Bound:
    """One binding of a local name. `line` is counted from 1 in the text that was read."""

    line: int
    how: str
    """`value`, `parameter`, `with` (what `value` gives on entering), `element` (one of what `value` holds),
    `caught` (an instance of `value`) or `other`: a value nobody knows."""
    value: ast.expr | None = None
    annotation: ast.expr | None = None


@dataclass(slots=True)
class FunctionNames:
    """What a function's text says; functions and classes inside it are left to themselves."""

    names: dict[str, list[Bound]] = field(default_factory=dict)
    elsewhere: set[str] = field(default_factory=set)
    """Names that `global` and `nonlocal` hand to a scope outside."""
    returns: list[ast.expr] = field(default_factory=list)
    parameters: list[str] = field(default_factory=list)
    decorators: list[ast.expr] = field(default_factory=list)
    _tree: ast.AST | None = None
    _attributes: dict[tuple[int, int], ast.expr] | None = None

    def attributes(self) -> dict[tuple[int, int], ast.expr]:
        """Where an attribute's name ends, `(line, column in UTF-8 bytes)`, and what it is read from; those
        of inner functions too."""
        if self._attributes is None:
            self._attributes = _attributes(self._tree) if self._tree is not None else {}
            self._tree = None
        return self._attributes


def read_function(text: str) -> FunctionNames | None:
    """The function whose lines `text` holds, indented as it stands in its file; None when the lines are
    no whole function. With the first line indented, line 1 of the answer is a line before it."""
    tree = _parsed("if 1:\n" + text if text[:1] in (" ", "\t") else text)
    if tree is None or not tree.body:
        return None
    node: ast.stmt = tree.body[0]
    if isinstance(node, ast.If):
        node = node.body[0]
    if not isinstance(node, _FUNCTIONS):
        return None
    found = FunctionNames(decorators=list(node.decorator_list), _tree=node)
    given = node.args
    for each in (*given.posonlyargs, *given.args, given.vararg, *given.kwonlyargs, given.kwarg):
        if each is not None:
            plain = each is not given.vararg and each is not given.kwarg
            found.parameters.append(each.arg)
            _bind(found, each.arg, Bound(0, "parameter", None, each.annotation if plain else None))
    try:
        for statement in node.body:
            _read(statement, found)
    except RecursionError:  # an expression of thousands of terms
        return None
    for name in found.elsewhere:
        found.names.pop(name, None)
    return found


def read_attributes(text: str) -> dict[tuple[int, int], ast.expr]:
    """The attributes in lines outside functions, as `FunctionNames.attributes` has them; {} when the
    lines are no whole statement."""
    tree = _parsed("if 1:\n" + text if text[:1] in (" ", "\t") else text)
    return _attributes(tree) if tree is not None else {}


def may_bind(text: str, name: str) -> bool:
    """Whether the lines of a function could bind `name`: False is certain, and told without parsing."""
    return _binding(name).search(text) is not None


@lru_cache(maxsize=8_192)
def _binding(name: str) -> re.Pattern[str]:
    # What binds a name stands before one of these; a call or an attribute of it before none.
    return re.compile(
        rf"(?<![\w.]){re.escape(name)}\s*(?:=(?!=)|[:,)\]]|(?:in|if)\b)|\b(?:global|nonlocal)\b[^\n]*\b{re.escape(name)}\b"
    )


def _attributes(tree: ast.AST) -> dict[tuple[int, int], ast.expr]:
    return {
        (part.end_lineno, part.end_col_offset): part.value
        for part in ast.walk(tree)
        if isinstance(part, ast.Attribute) and part.end_lineno is not None and part.end_col_offset is not None
    }


def _parsed(text: str) -> ast.Module | None:
    return python_ast(text) if len(text) <= _MOST else None


def _read(node: ast.AST, found: FunctionNames) -> None:
    """What `node` and what it holds bind, in the order of the text."""
    if isinstance(node, (*_FUNCTIONS, ast.ClassDef, ast.Lambda)):
        return
    if isinstance(node, ast.Assign):
        for target in node.targets:
            _targets(target, Bound(node.lineno, "value", node.value), found)
    elif isinstance(node, ast.AnnAssign):
        _targets(node.target, Bound(node.lineno, "value", node.value, node.annotation), found)
    elif isinstance(node, ast.NamedExpr):
        _targets(node.target, Bound(node.lineno, "value", node.value), found)
    elif isinstance(node, (ast.For, ast.AsyncFor)):
        _targets(node.target, Bound(node.lineno, "element", node.iter), found)
    elif isinstance(node, ast.comprehension):
        _targets(node.target, Bound(node.iter.lineno, "element", node.iter), found)
    elif isinstance(node, (ast.With, ast.AsyncWith)):
        for item in node.items:
            if item.optional_vars is not None:
                _targets(item.optional_vars, Bound(node.lineno, "with", item.context_expr), found)
    elif isinstance(node, ast.ExceptHandler):
        if node.name:
            _bind(found, node.name, Bound(node.lineno, "caught", node.type))
    elif isinstance(node, (ast.Global, ast.Nonlocal)):
        found.elsewhere.update(node.names)
    elif isinstance(node, (ast.MatchAs, ast.MatchStar)) and node.name:
        _bind(found, node.name, Bound(node.lineno, "other"))
    elif isinstance(node, ast.Return) and node.value is not None:
        found.returns.append(node.value)
    for child in ast.iter_child_nodes(node):
        _read(child, found)


def _targets(target: ast.expr, bound: Bound, found: FunctionNames) -> None:
    if isinstance(target, ast.Name):
        _bind(found, target.id, bound)
    elif isinstance(target, (ast.Tuple, ast.List)):
        values: list[ast.expr] | None = None
        if bound.how == "value" and isinstance(bound.value, (ast.Tuple, ast.List)):
            values = bound.value.elts if len(bound.value.elts) == len(target.elts) else None
        for place, each in enumerate(target.elts):
            inner = Bound(bound.line, "value", values[place]) if values else Bound(bound.line, "other")
            _targets(each, inner, found)
    elif isinstance(target, ast.Starred):
        _targets(target.value, Bound(bound.line, "other"), found)


def _bind(found: FunctionNames, name: str, bound: Bound) -> None:
    found.names.setdefault(name, []).append(bound)
