"""What a Python module binds at its top level, as far as it is certain.

`calls.py` asks it which function a name stands for. A name that is bound twice, bound conditionally
or bound by something other than `def`, `class` and `import` is there without a meaning, so that
whoever asks says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from devflow.analysis.syntax.parse import SyntaxTree

Node = Any
"""A tree-sitter node; its bytes do not leave this package."""

_DEEPEST = 100
"""Classes inside classes that are read: Python allows no more levels of indentation."""
_GLOBAL = re.compile(r"^[ \t]*global[ \t]+([\w, \t]+)", re.MULTILINE)
_DEFINITIONS = ("function_definition", "class_definition", "decorated_definition")
COMPREHENSIONS = frozenset(
    {"list_comprehension", "set_comprehension", "dictionary_comprehension", "generator_expression", "lambda"}
)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter; `*args` and `**kwargs` are flags of the function."""

    name: str
    kind: Literal["positional-only", "positional", "keyword-only"]
    required: bool


@dataclass(frozen=True, slots=True)
class Function:
    """A `def` whose parameter list could be read. `start:end` is its name."""

    name: str
    start: int
    end: int
    parameters: tuple[Parameter, ...]
    takes_more: bool
    """It has `*args`."""
    takes_keywords: bool
    """It has `**kwargs`."""
    decorators: tuple[str, ...]
    """Dotted names without arguments; `?` for anything else."""
    empty: bool
    """The body is a docstring, `pass`, `...` or `raise`: made to be overridden."""


@dataclass(frozen=True, slots=True)
class Class:
    """A `class` statement. A base that is not a dotted name is `?`."""

    name: str
    start: int
    end: int
    bases: tuple[str, ...]
    decorators: tuple[str, ...]
    metaclass: str
    """`""` for none; `?` for keywords the class statement cannot be understood with."""
    members: Mapping[str, tuple[Binding, ...]]


@dataclass(frozen=True, slots=True)
class Imported:
    """`from module import name`, or `import module` when `name` is empty; `level` counts the dots."""

    module: str
    level: int
    name: str


@dataclass(frozen=True, slots=True)
class Other:
    """Bound to something else, or not for certain."""


Binding = Function | Class | Imported | Other


@dataclass(frozen=True, slots=True)
class Module:
    """The top level of one file."""

    path: Path | None
    bindings: Mapping[str, tuple[Binding, ...]] = field(default_factory=dict)

    def meaning(self, name: str) -> Binding | None:
        """What `name` is bound to when that is certain; None when it is not bound here."""
        found = self.bindings.get(name, ())
        if not found:
            # A star import or a module `__getattr__` could supply it.
            return Other() if "*" in self.bindings or "__getattr__" in self.bindings else None
        return found[0] if len(found) == 1 else Other()


def read_module(tree: SyntaxTree, path: Path | None) -> Module:
    """The bindings of a parsed Python file."""
    bindings: dict[str, list[Binding]] = {}
    _read_block(tree.root, tree, bindings)
    for names in _GLOBAL.finditer(tree.text.source):
        for name in re.findall(r"\w+", names[1]):
            bindings.setdefault(name, []).append(Other())
    in_order = list(bindings)
    for name in in_order[: in_order.index("*")] if "*" in bindings else ():
        bindings[name].append(Other())  # a star import behind a definition may replace it
    return Module(path, {name: tuple(found) for name, found in bindings.items()})


def read_class(node: Node, decorators: tuple[str, ...], tree: SyntaxTree, deep: int = 0) -> Class:
    """The class statement at `node`, which is inside `deep` others."""
    bases: list[str] = []
    metaclass = ""
    for base in _children(node.child_by_field_name("superclasses")):
        if base.type == "keyword_argument":
            key = node_text(base.child_by_field_name("name"), tree)
            metaclass = dotted(base.child_by_field_name("value"), tree) if key == "metaclass" else "?"
        elif base.type == "subscript":
            bases.append(dotted(base.child_by_field_name("value"), tree))
        elif base.type != "comment":
            bases.append(dotted(base, tree))
    members: dict[str, list[Binding]] = {}
    _read_block(node.child_by_field_name("body"), tree, members, deep + 1)
    start, end = _name_range(node, tree)
    return Class(
        node_text(node.child_by_field_name("name"), tree),
        start,
        end,
        tuple(bases),
        decorators,
        metaclass,
        {name: tuple(found) for name, found in members.items()},
    )


def read_function(node: Node, decorators: tuple[str, ...], tree: SyntaxTree) -> Function | Other:
    """The function at `node`; Other when its parameters cannot be read."""
    parameters: list[Parameter] = []
    more = keywords = after_star = False
    head = node.child_by_field_name("parameters")
    if head is None or head.has_error:
        return Other()
    for child in _children(head):
        inner = child
        if child.type == "typed_parameter":
            inner = child.named_children[0]
        match inner.type:
            case "comment":
                continue
            case "positional_separator":
                parameters = [Parameter(p.name, "positional-only", p.required) for p in parameters]
                continue
            case "keyword_separator":
                after_star = True
                continue
            case "list_splat_pattern":
                more = after_star = True
                continue
            case "dictionary_splat_pattern":
                keywords = True
                continue
            case "identifier":
                name, required = node_text(inner, tree), True
            case "default_parameter" | "typed_default_parameter":
                name, required = node_text(inner.child_by_field_name("name"), tree), False
            case _:
                return Other()
        parameters.append(Parameter(name, "keyword-only" if after_star else "positional", required))
    start, end = _name_range(node, tree)
    return Function(
        node_text(node.child_by_field_name("name"), tree),
        start,
        end,
        tuple(parameters),
        more,
        keywords,
        decorators,
        _is_empty(node.child_by_field_name("body")),
    )


def undecorated(node: Node, tree: SyntaxTree) -> tuple[Node, tuple[str, ...]]:
    """The definition inside a `decorated_definition` and its decorators; other nodes as they are."""
    if node.type != "decorated_definition":
        return node, ()
    decorators = []
    for child in _children(node):
        if child.type == "decorator":
            [made] = [part for part in child.named_children if part.type != "comment"][:1] or [None]
            if made is not None and made.type == "call":
                made = made.child_by_field_name("function")
            decorators.append(dotted(made, tree))
    return node.child_by_field_name("definition"), tuple(decorators)


def bound_names(node: Node, tree: SyntaxTree) -> frozenset[str]:
    """Every name that some statement anywhere inside `node` may bind: rather one too many."""
    names: set[str] = set()
    stack = [node]
    while stack:
        at = stack.pop()
        match at.type:
            case "assignment" | "augmented_assignment" | "for_statement" | "for_in_clause":
                _identifiers(at.child_by_field_name("left"), names, tree)
            case "parameters" | "lambda_parameters" | "as_pattern_target" | "case_pattern":
                _identifiers(at, names, tree)
            case "named_expression":
                _identifiers(at.child_by_field_name("name"), names, tree)
            case "function_definition" | "class_definition":
                names.add(node_text(at.child_by_field_name("name"), tree))
            case "global_statement" | "nonlocal_statement" | "delete_statement":
                _identifiers(at, names, tree)
            case "type_alias_statement":
                names.add(node_text(at.child_by_field_name("left"), tree).partition("[")[0].strip())
            case "import_statement" | "import_from_statement":
                names.update(name for name, _ in _imports(at, tree))
            case "type_parameter":
                _identifiers(at, names, tree)
        stack += at.named_children
    return frozenset(names)


def dotted(node: Node | None, tree: SyntaxTree) -> str:
    """`a.b.c` for a plain dotted name, `?` for anything else."""
    if node is None:
        return "?"
    if node.type == "identifier":
        return node_text(node, tree)
    if node.type == "attribute":
        left = dotted(node.child_by_field_name("object"), tree)
        return "?" if left == "?" else f"{left}.{node_text(node.child_by_field_name('attribute'), tree)}"
    return "?"


def node_text(node: Node | None, tree: SyntaxTree) -> str:
    """The source of `node`, "" for none.

    Not `Node.text`: of a text that was handed over in pieces py-tree-sitter 0.26 reads that through a call
    of Python, and ends the process when the call raises, as at the limit of recursion.
    """
    return "" if node is None else tree.slice(node)


def _read_block(
    block: Node | None, tree: SyntaxTree, bindings: dict[str, list[Binding]], deep: int = 0
) -> None:
    def bind(name: str, binding: Binding) -> None:
        bindings.setdefault(name, []).append(binding)

    for statement in _children(block):
        if statement.type in _DEFINITIONS:
            node, decorators = undecorated(statement, tree)
            if node is None or (node.has_error and node.child_by_field_name("name") is None):
                continue
            name = node_text(node.child_by_field_name("name"), tree)
            if node.type == "function_definition":
                bind(name, read_function(node, decorators, tree))
            else:
                bind(name, read_class(node, decorators, tree, deep) if deep < _DEEPEST else Other())
        elif statement.type in ("import_statement", "import_from_statement"):
            for name, imported in _imports(statement, tree):
                if name == "*":
                    bindings.pop("*", None)  # the last one counts
                # `import a.b` and `import a.c` both bind `a`: the same thing twice is no doubt.
                if imported not in bindings.get(name, ()):
                    bind(name, imported)
        else:
            for name in bound_names(statement, tree):
                bind(name, Other())


def _imports(statement: Node, tree: SyntaxTree) -> Iterator[tuple[str, Binding]]:
    if statement.type == "import_statement":
        for child in statement.children_by_field_name("name"):
            if child.type == "aliased_import":
                module = node_text(child.child_by_field_name("name"), tree)
                yield node_text(child.child_by_field_name("alias"), tree), Imported(module, 0, "")
            else:
                top = node_text(child, tree).partition(".")[0]
                yield top, Imported(top, 0, "")
        return
    source = statement.child_by_field_name("module_name")
    module, level = node_text(source, tree), 0
    if source is not None and source.type == "relative_import":
        level = len(module) - len(module.lstrip("."))
        module = module.lstrip(".").strip()
    for child in statement.children_by_field_name("name"):
        if child.type == "aliased_import":
            name = node_text(child.child_by_field_name("name"), tree)
            yield node_text(child.child_by_field_name("alias"), tree), Imported(module, level, name)
        else:
            yield node_text(child, tree), Imported(module, level, node_text(child, tree))
    if any(child.type == "wildcard_import" for child in _children(statement)):
        yield "*", Other()


def _identifiers(node: Node | None, names: set[str], tree: SyntaxTree) -> None:
    stack = [node] if node is not None else []
    while stack:
        at = stack.pop()
        if at.type == "identifier":
            names.add(node_text(at, tree))
        elif at.type not in ("attribute", "subscript", "type"):
            stack += at.named_children


def _is_empty(body: Node | None) -> bool:
    for statement in _children(body):
        match statement.type:
            case "comment" | "pass_statement" | "raise_statement":
                continue
            case "expression_statement" if all(
                child.type in ("string", "ellipsis", "concatenated_string") for child in _children(statement)
            ):
                continue
            case _:
                return False
    return True


def _name_range(node: Node, tree: SyntaxTree) -> tuple[int, int]:
    span = tree.span(node.child_by_field_name("name") or node)
    return span.start, span.end


def _children(node: Node | None) -> list[Node]:
    return list(node.named_children) if node is not None else []
