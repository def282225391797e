"""What the compiler says of the names of a Python file: `ast` for where they stand, `symtable` for the
scope each belongs to. An independent view to hold ours against; it reads whole files only."""

from __future__ import annotations

import ast
import re
import symtable
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from devflow.analysis.python_names import python_names
from devflow.analysis.python_scopes import IN_STRINGS
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Text

Groups = dict[tuple[str, int], frozenset[int]]
"""(Name, number of a scope) → where the name of that scope stands, in code points."""

_COMPREHENSIONS = {
    ast.ListComp: "listcomp",
    ast.SetComp: "setcomp",
    ast.DictComp: "dictcomp",
    ast.GeneratorExp: "genexpr",
}


@dataclass(slots=True)
class _Scope:
    number: int
    table: symtable.SymbolTable
    outer: _Scope | None
    left: list[symtable.SymbolTable]
    of_class: str
    """The class that private names are mangled with."""


def same_names(source: str) -> Groups:
    """Which names of a file are one name. The scope 0 is the module, or what is bound nowhere."""
    view = _View(source)
    view.walk(view.tree.body, view.module)
    return {key: frozenset(places) for key, places in view.places.items()}


def differences(source: str) -> tuple[int, list[str]]:
    """How ours and the compiler's groups differ: how many because a class body reads a name that it binds
    later (`name = name`: one entry in the table, but Python reads the file's name first), and the others."""
    tree = parse(Text(source), "python")
    assert tree is not None
    names = python_names(tree)
    theirs = same_names(source)
    at = {place: key for key, places in theirs.items() for place in places}
    ours: dict[tuple[str, int], set[int]] = defaultdict(set)
    for each in names.occurrences:
        if each.how not in IN_STRINGS:  # strings are no names to the compiler
            ours[each.name, names.home(each)].add(each.start)
    early, other = 0, []
    groups = set(theirs.values())
    for (name, home), places in ours.items():
        if places in groups:
            continue
        held = {at.get(place) for place in places}
        scopes = {names.scopes[here.scope].kind for place in places if (here := names.at(place))}
        if None not in held and "class" in scopes and (home == 0 or names.scopes[home].kind == "class"):
            early += 1
        else:
            other.append(f"{name} in line {tree.text.line_at(min(places)) + 1}")
    missing = at.keys() - {place for places in ours.values() for place in places}
    other += [f"no name in line {tree.text.line_at(place) + 1}" for place in missing]
    return early, other


class _View:
    """A walk over the tree in the order in which the compiler makes its tables."""

    def __init__(self, source: str) -> None:
        self.text = Text(source)
        self.tree = ast.parse(source)
        table = symtable.symtable(source, "a.py", "exec")
        self.scopes = 0
        self.module = _Scope(0, table, None, list(table.get_children()), "")
        self.places: dict[tuple[str, int], set[int]] = defaultdict(set)

    def walk(self, nodes: Iterable[ast.AST | None], scope: _Scope) -> None:
        for node in nodes:
            if node is None:
                continue
            special = getattr(self, "_" + type(node).__name__.lower(), None)
            if type(node) in _COMPREHENSIONS:
                self._generated(node, scope)
            elif special is not None:
                special(node, scope)
            else:
                self.walk(ast.iter_child_nodes(node), scope)

    def _enter(self, name: str, scope: _Scope, of_class: str = "") -> _Scope:
        while scope.left and scope.left[0].get_name() == "__annotate__":
            scope.left.pop(0)
        table = scope.left.pop(0)
        assert table.get_name() == name, (table, name)
        self.scopes += 1
        return _Scope(self.scopes, table, scope, list(table.get_children()), of_class or scope.of_class)

    def _home(self, name: str, scope: _Scope) -> int:
        written = name
        if scope.of_class.strip("_") and name.startswith("__") and not name.endswith("__"):
            written = f"_{scope.of_class.lstrip('_')}{name}"
        at: _Scope | None = scope
        while at is not None and at.outer is not None:
            symbol = at.table.lookup(written) if written in at.table.get_identifiers() else None
            if symbol is not None and (at is scope or at.table.get_type() != "class"):
                if symbol.is_global():
                    return 0
                if symbol.is_local():
                    return at.number
            at = at.outer
        return 0

    def _stands(self, name: str, at: int, scope: _Scope) -> None:
        assert self.text.source.startswith(name, at), (name, at)
        self.places[name, self._home(name, scope)].add(at)

    def _offset(self, line: int, column: int) -> int:
        return self.text.offset(line - 1, column, "utf-8")

    def _start(self, node: Any) -> int:
        return self._offset(node.lineno, node.col_offset)

    def _end(self, node: Any) -> int:
        return self._offset(node.end_lineno, node.end_col_offset)

    def _behind(self, pattern: str, start: int) -> int:
        found = re.compile(pattern).search(self.text.source, start)
        assert found is not None
        return found.end()

    # -- names -------------------------------------------------------------------------------------

    def _name(self, node: ast.Name, scope: _Scope) -> None:
        self._stands(node.id, self._start(node), scope)

    def _arg(self, node: ast.arg, scope: _Scope) -> None:
        self._stands(node.arg, self._start(node), scope)

    def _global(self, node: ast.Global | ast.Nonlocal, scope: _Scope) -> None:
        at = self._start(node)
        for name in node.names:
            at = self._behind(rf"\b{name}\b", at)
            self._stands(name, at - len(name), scope)

    _nonlocal = _global

    def _import(self, node: ast.Import, scope: _Scope) -> None:
        for each in node.names:
            if each.asname:
                self._stands(each.asname, self._end(each) - len(each.asname), scope)
            else:
                self._stands(each.name.partition(".")[0], self._start(each), scope)

    def _importfrom(self, node: ast.ImportFrom, scope: _Scope) -> None:
        if node.module == "__future__" or node.names[0].name == "*":
            return
        for each in node.names:
            name = each.asname or each.name
            self._stands(name, self._end(each) - len(name), scope)

    def _excepthandler(self, node: ast.ExceptHandler, scope: _Scope) -> None:
        self.walk([node.type], scope)
        if node.name and node.type is not None:
            end = self._behind(rf"\bas\s+{node.name}\b", self._end(node.type))
            self._stands(node.name, end - len(node.name), scope)
        self.walk(node.body, scope)

    def _matchas(self, node: ast.MatchAs, scope: _Scope) -> None:
        self.walk([node.pattern], scope)
        if node.name:
            self._stands(node.name, self._end(node) - len(node.name), scope)

    def _matchstar(self, node: ast.MatchStar, scope: _Scope) -> None:
        if node.name:
            self._stands(node.name, self._end(node) - len(node.name), scope)

    def _matchmapping(self, node: ast.MatchMapping, scope: _Scope) -> None:
        self.walk([*node.keys, *node.patterns], scope)
        if node.rest:
            start = self._end(node.patterns[-1]) if node.patterns else self._start(node)
            self._stands(node.rest, self._behind(rf"\*\*\s*{node.rest}\b", start) - len(node.rest), scope)

    # -- scopes ------------------------------------------------------------------------------------

    def _try(self, node: Any, scope: _Scope) -> None:
        self.walk([*node.body, *node.orelse, *node.handlers, *node.finalbody], scope)

    _trystar = _try

    def _namedexpr(self, node: ast.NamedExpr, scope: _Scope) -> None:
        self.walk([node.value, node.target], scope)

    def _functiondef(self, node: Any, scope: _Scope) -> None:
        first = self._behind(rf"\bdef\s+{node.name}\b", self._start(node))
        self._stands(node.name, first - len(node.name), scope)
        self._defaults(node.args, scope)
        if getattr(node, "type_params", ()):
            self.walk(node.decorator_list, scope)
        scope = self._type_parameters(node, scope)
        own = _arguments(node.args)
        self.walk([*(each.annotation for each in own), node.returns], scope)
        if not getattr(node, "type_params", ()):
            self.walk(node.decorator_list, scope)
        inner = self._enter(node.name, scope)
        self.walk([*own, *node.body], inner)

    _asyncfunctiondef = _functiondef

    def _classdef(self, node: ast.ClassDef, scope: _Scope) -> None:
        end = self._behind(rf"\bclass\s+{node.name}\b", self._start(node))
        self._stands(node.name, end - len(node.name), scope)
        if getattr(node, "type_params", ()):
            self.walk(node.decorator_list, scope)
        scope = self._type_parameters(node, scope)
        self.walk([*node.bases, *node.keywords], scope)
        if not getattr(node, "type_params", ()):
            self.walk(node.decorator_list, scope)
        self.walk(node.body, self._enter(node.name, scope, node.name))

    def _type_parameters(self, node: Any, scope: _Scope) -> _Scope:
        parameters = getattr(node, "type_params", ())
        if not parameters:
            return scope
        around = self._enter(node.name, scope)
        for each in parameters:
            start = self._start(each)
            self._stands(each.name, start + (2 if self.text.source.startswith("**", start) else 0), around)
        return around

    def _lambda(self, node: ast.Lambda, scope: _Scope) -> None:
        self._defaults(node.args, scope)
        self.walk([*_arguments(node.args), node.body], self._enter("lambda", scope))

    def _defaults(self, arguments: ast.arguments, scope: _Scope) -> None:
        self.walk([*arguments.defaults, *arguments.kw_defaults], scope)

    def _generated(self, node: Any, scope: _Scope) -> None:
        first, *others = node.generators
        self.walk([first.iter], scope)
        inner = self._enter(_COMPREHENSIONS[type(node)], scope)
        self.walk([first.target, *first.ifs, *others], inner)
        self.walk([node.value, node.key] if isinstance(node, ast.DictComp) else [node.elt], inner)


def _arguments(arguments: ast.arguments) -> Sequence[ast.arg]:
    found = [
        *arguments.posonlyargs,
        *arguments.args,
        arguments.vararg,
        *arguments.kwonlyargs,
        arguments.kwarg,
    ]
    return [each for each in found if each is not None]
