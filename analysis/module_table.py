"""The names a Python module binds at its top and in its classes, with what is written about each.

One walk over the statements, no inference: `python_resolver` does that. A table holds no tree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType

import tree_sitter

from devflow.analysis.named_strings import made_class
from devflow.analysis.syntax.parse import SyntaxTree
from devflow.analysis.text import Text

_LONGEST = 300
_DEEPEST = 100
"""Definitions inside definitions that are read: Python allows no more levels of indentation."""
_BLOCKS = frozenset(
    {
        "if_statement",
        "else_clause",
        "elif_clause",
        "try_statement",
        "except_clause",
        "finally_clause",
        "with_statement",
        "block",
        "for_statement",
        "while_statement",
    }
)

_EMPTY = MappingProxyType(
    {
        "list": "[]",
        "dictionary": "dict()",
        "set": "set()",
        "tuple": "()",
        "string": "''",
        "list_comprehension": "[]",
    }
)
"""What stands for a long value."""


@dataclass(frozen=True, slots=True)
class Binding:
    """One statement that binds a name. `start:end` spans it, decorators included."""

    name: str
    kind: str
    """`class`, `function`, `variable` or `import`."""
    start: int
    end: int
    name_start: int
    value: str = ""
    """Variable: the right side. Import: the module (`""`: none). Function: what it returns. Class: its
    metaclass, `""` where it names none."""
    annotation: str = ""
    """Variable: its annotation. Import: the name taken out of the module, `""` for the module itself."""
    decorators: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    members: Mapping[str, list[Binding]] = field(default_factory=dict)
    """What a class's body binds, and what its methods assign to `self`."""


class _Deferred(Mapping[str, "list[Binding]"]):
    """The members of a class, read from its tree when the first one is asked for."""

    def __init__(self, read: Callable[[], dict[str, list[Binding]]]) -> None:
        self._read = cache(read)

    def __getitem__(self, name: str) -> list[Binding]:
        return self._read()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())


@dataclass(frozen=True, slots=True)
class ModuleTable:
    """What a module binds; bindings of one name in the order of the text."""

    text: Text
    names: dict[str, list[Binding]]
    stars: tuple[str, ...] = ()
    """Modules of which every name is imported."""


def table_of(tree: SyntaxTree, *, deferred: bool = False) -> ModuleTable:
    """The table of a Python module's tree, broken code included. `deferred`: classes are read when somebody
    asks for their members and hold the tree until then: of a document, the next keystroke makes another."""
    names: dict[str, list[Binding]] = {}
    stars: list[str] = []
    _walk(tree, tree.root, names, stars, deferred=deferred)
    return ModuleTable(tree.text, names, tuple(stars))


def _walk(
    tree: SyntaxTree,
    block: tree_sitter.Node,
    names: dict[str, list[Binding]],
    stars: list[str],
    deep: int = 0,
    *,
    deferred: bool = False,
) -> None:
    pending = list(reversed(block.named_children))
    while pending:  # not by calls: text may be nested deeper than those can be
        node = pending.pop()
        kind = node.type
        if kind in _BLOCKS:
            for binding in _named_by_block(tree, node):
                names.setdefault(binding.name, []).append(binding)
            pending += reversed(node.named_children)
        elif kind == "expression_statement":
            for binding in _assigned(tree, node):
                names.setdefault(binding.name, []).append(binding)
        elif kind in ("import_statement", "import_from_statement"):
            for binding in imported(tree, node, stars):
                names.setdefault(binding.name, []).append(binding)
        elif kind in ("class_definition", "function_definition", "decorated_definition"):
            made = _definition(tree, node, deep, deferred=deferred)
            if made is not None:
                names.setdefault(made.name, []).append(made)
        elif kind == "type_alias_statement" and (left := node.child_by_field_name("left")) is not None:
            span = tree.span(left)
            right = node.child_by_field_name("right")
            name = tree.slice(left)
            whole = tree.span(node)
            names.setdefault(name, []).append(
                Binding(name, "variable", whole.start, whole.end, span.start, _short(tree, right))
            )


def _named_by_block(tree: SyntaxTree, node: tree_sitter.Node) -> list[Binding]:
    """What `with … as`, `except … as` and `for` bind."""
    patterns: list[tree_sitter.Node] = []
    if node.type == "except_clause":
        patterns = [child for child in node.named_children if child.type == "as_pattern"]
    elif node.type == "with_statement" and node.named_children[0].type == "with_clause":
        items = [
            item.named_children[0] for item in node.named_children[0].named_children if item.named_children
        ]
        patterns = [item for item in items if item.type == "as_pattern"]
    elif node.type == "for_statement":
        left, over = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is not None and left.type == "identifier":
            span = tree.span(left)
            value = each_of(_short(tree, over))
            return [Binding(tree.slice(left), "variable", span.start, span.end, span.start, value)]
    result: list[Binding] = []
    for pattern in patterns:
        alias = pattern.child_by_field_name("alias")
        if alias is None or not alias.named_children or alias.named_children[0].type != "identifier":
            continue
        span, whole = tree.span(alias.named_children[0]), tree.span(pattern)
        value = _short(tree, pattern.named_children[0])
        if node.type == "except_clause":
            value = "" if value.startswith("(") else f"{value}()"
        else:
            value = f"({value}).__{'a' * (node.children[0].type == 'async')}enter__()"
        name = tree.slice(alias.named_children[0])
        result.append(Binding(name, "variable", whole.start, whole.end, span.start, value))
    return result


def imported(tree: SyntaxTree, node: tree_sitter.Node, stars: list[str]) -> list[Binding]:
    """What one import statement binds; the modules of its stars are added to `stars`."""
    result: list[Binding] = []
    source = node.child_by_field_name("module_name")
    module = "".join(tree.slice(source).split()) if source is not None else ""
    for child in node.named_children:
        if source is not None and child.id == source.id:
            continue
        if child.type == "wildcard_import":
            stars.append(module)
            continue
        alias = child.child_by_field_name("alias")
        inner = child.child_by_field_name("name") or child
        if inner.type not in ("dotted_name", "identifier"):
            continue
        written = "".join(tree.slice(inner).split())
        bound = tree.slice(alias) if alias is not None else written.split(".")[0]
        at = tree.span(alias if alias is not None else inner)
        if source is not None:
            result.append(Binding(bound, "import", at.start, at.end, at.start, module, written))
        else:
            target = written if alias is not None else bound
            result.append(Binding(bound, "import", at.start, at.end, at.start, target))
    return result


def class_of(tree: SyntaxTree, node: tree_sitter.Node) -> Binding | None:
    """The binding of one class of a tree."""
    return _definition(tree, node)


def _definition(
    tree: SyntaxTree, node: tree_sitter.Node, deep: int = 0, *, deferred: bool = False
) -> Binding | None:
    """The definition at `node`, which is inside `deep` others."""
    inner = node.child_by_field_name("definition") if node.type == "decorated_definition" else node
    name = inner.child_by_field_name("name") if inner is not None else None
    if inner is None or name is None:
        return None
    decorators = tuple(
        tree.slice(child).lstrip("@").strip() for child in node.named_children if child.type == "decorator"
    )
    whole, at = tree.span(node), tree.span(name)
    if inner.type == "function_definition":
        returned = _short(tree, inner.child_by_field_name("return_type"))
        return Binding(
            tree.slice(name), "function", whole.start, whole.end, at.start, returned, "", decorators
        )
    given = inner.child_by_field_name("superclasses")
    bases = tuple(
        tree.slice(child)
        for child in (given.named_children if given is not None else ())
        if child.type not in ("keyword_argument", "comment", "list_splat", "dictionary_splat")
    )
    metaclass = ""
    for child in given.named_children if given is not None else ():
        argument, value = child.child_by_field_name("name"), child.child_by_field_name("value")
        if child.type == "keyword_argument" and argument is not None and value is not None:
            metaclass = tree.slice(value) if tree.slice(argument) == "metaclass" else metaclass
    body = inner.child_by_field_name("body")

    def read() -> dict[str, list[Binding]]:
        members: dict[str, list[Binding]] = {}
        for child in given.named_children if given is not None else ():
            members |= _made_members(tree, child)
        if body is not None and deep < _DEEPEST:
            _walk(tree, body, members, [], deep + 1)
            _add_fields(tree, body, members)
        return members

    members = _Deferred(read) if deferred else read()
    return Binding(
        tree.slice(name), "class", whole.start, whole.end, at.start, metaclass, "", decorators, bases, members
    )


def _made_members(tree: SyntaxTree, value: tree_sitter.Node) -> dict[str, list[Binding]]:
    """Attributes, or keys, of the class that a call such as `namedtuple("P", "x y")` makes; {} of others."""
    made = made_class(tree, value) if value.type == "call" else None
    if made is None:
        return {}
    return {
        each.name: [Binding(each.name, "variable", each.start, each.end, each.start, "", each.annotation)]
        for each in made.fields
    }


_FIELD = re.compile(
    r"(?<![\w.])(?:self|cls)\.([^\W\d]\w*)[ \t]*(?::[ \t]*([^=\n]+?))?[ \t]*(?:=(?!=)[ \t]*([^\n]*)|(?=\n))"
)


def _add_fields(tree: SyntaxTree, body: tree_sitter.Node, members: dict[str, list[Binding]]) -> None:
    """What the methods of a class assign to `self`. A field that is given a parameter has its type."""
    source = tree.text.source
    for statement in body.named_children:
        node = statement
        if node.type == "decorated_definition":
            node = node.child_by_field_name("definition") or node
        if node.type != "function_definition":
            continue
        span = tree.span(node)
        types: dict[str, str] | None = None
        for found in _FIELD.finditer(source, span.start, span.end):
            if found[2] is None and found[3] is None:
                continue
            name, annotation, value = found[1], (found[2] or "").strip(), (found[3] or "")[:_LONGEST].strip()
            if not annotation and value.isidentifier():
                types = _parameter_types(tree, node) if types is None else types
                annotation = types.get(value, "")
            made = Binding(name, "variable", found.start(), found.end(), found.start(1), value, annotation)
            known = members.setdefault(name, [])
            if not known or known[0].kind == "variable":
                at = 0 if known and annotation and not known[0].annotation else len(known)
                known.insert(at, made)


def _parameter_types(tree: SyntaxTree, function: tree_sitter.Node) -> dict[str, str]:
    """The annotations of a function's parameters."""
    types: dict[str, str] = {}
    given = function.child_by_field_name("parameters")
    for each in given.named_children if given is not None else ():
        kind = each.child_by_field_name("type")
        if kind is not None and each.named_children and each.named_children[0].type == "identifier":
            types[tree.slice(each.named_children[0])] = tree.slice(kind)[:_LONGEST]
    return types


def _assigned(tree: SyntaxTree, statement: tree_sitter.Node) -> list[Binding]:
    result: list[Binding] = []
    for node in statement.named_children:
        depth = 0
        while node is not None and node.type == "assignment" and depth < 20:
            left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
            annotation = _short(tree, node.child_by_field_name("type"))
            targets = [left] if left is not None else []
            if left is not None and left.type in ("pattern_list", "tuple_pattern"):
                targets = list(left.named_children)
            alone = len(targets) == 1
            whole = tree.span(statement)
            for place, target in enumerate(targets):
                if target.type == "identifier":
                    at = tree.span(target)
                    if alone and right is not None and (members := _made_members(tree, right)):
                        name, base = tree.slice(target), _short(tree, right.child_by_field_name("function"))
                        span = (whole.start, whole.end, at.start)
                        result.append(Binding(name, "class", *span, bases=(base,), members=members))
                        continue
                    value = _short(tree, right)
                    value = value if alone or not value else f"({value})[{place}]"
                    result.append(
                        Binding(
                            tree.slice(target),
                            "variable",
                            whole.start,
                            whole.end,
                            at.start,
                            value,
                            annotation,
                        )
                    )
            if right is None:
                break
            node = right
            depth += 1
    return result


def _short(tree: SyntaxTree, node: tree_sitter.Node | None) -> str:
    return shortened(tree, node, _LONGEST)


def each_of(value: str) -> str:
    """What a loop over the expression `value` gives, as an expression that no code can have: its `next` and
    `iter` may be other functions."""
    return f"...(({value}))"


def shortened(tree: SyntaxTree, node: tree_sitter.Node | None, most: int) -> str:
    """The text of an expression; of one longer than `most` what says of which kind it is."""
    if node is None:
        return ""
    text = tree.slice(node)
    if len(text) <= most:
        return text
    function = node.child_by_field_name("function") if node.type == "call" else None
    if function is not None and len(head := tree.slice(function)) <= most:
        return f"{head}()"
    return _EMPTY.get(node.type, text[:most])
