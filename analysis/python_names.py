"""Every name of a Python file and the scope it belongs to, by Python's own rules.

The rules are those of the language reference, 4.2 "Naming and binding": functions, lambdas, comprehensions
and type parameter lists make scopes; a class body's names are not seen from the functions inside it; the
first iterable of a comprehension is evaluated around it; `:=` binds outside comprehensions. It works on
broken code too, for whatever part of it the tree holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

import tree_sitter

from devflow.analysis.named_strings import made_class, parametrized, plain_string, told_name, type_comment
from devflow.analysis.python_scopes import (
    MODULE,
    ImportedName,
    Keyword,
    Kind,
    Member,
    Occurrence,
    PythonNames,
    Role,
    Scope,
)
from devflow.analysis.syntax.parse import SyntaxTree


def python_names(tree: SyntaxTree) -> PythonNames:
    """Resolve the names of a parsed Python file."""
    return _Walk(tree).run()


_SCOPED = {
    "list_comprehension": "comprehension",
    "set_comprehension": "comprehension",
    "dictionary_comprehension": "comprehension",
    "generator_expression": "comprehension",
}
_WORD = re.compile(r"(?<![\w.])[^\W\d]\w*")
_NOT_NAMES = frozenset({"Literal"})
_GENERICS = frozenset(
    {"Union", "Optional", "Callable", "List", "Dict", "Set", "Tuple", "Type", "Sequence", "Iterable"}
    | {"Iterator", "Mapping", "Awaitable", "AsyncIterator", "Generator", "ClassVar", "Final"}
)
_PATTERNS = frozenset(
    {"pattern_list", "tuple_pattern", "list_pattern", "list_splat_pattern", "tuple", "list", "list_splat"}
    | {"expression_list", "parenthesized_expression", "dictionary_splat_pattern"}
)
_SLOTS = frozenset({"__slots__", "__match_args__"})
_BY_KEY = frozenset({"get", "pop", "setdefault"})
_RESERVED = frozenset({"None", "True", "False", "and", "or", "not", "in", "is", "if", "else", "lambda"})

Mode = Literal[
    "read", "bind", "loop", "delete", "case", "annotation", "augmented", "parameter", "exported", "slots"
]


class _Walk:
    """One pass over the tree with a stack of its own: a sum of 10,000 terms is as deep as it is long."""

    def __init__(self, tree: SyntaxTree) -> None:
        self.tree = tree
        self.names = PythonNames(tree, [], [], [], [], [], [], [])
        self.stack: list[tuple[tree_sitter.Node, int, Mode]] = []

    def run(self) -> PythonNames:
        root = self.tree.root
        self._scope("module", MODULE, root)
        self.stack.append((root, MODULE, "read"))
        while self.stack:
            node, scope, mode = self.stack.pop()
            self._visit(node, scope, mode)
        self.names.settle()
        return self.names

    # -- values ------------------------------------------------------------------------------------

    def _scope(self, kind: Kind, parent: int, node: tree_sitter.Node) -> int:
        span = self.tree.span(node)
        made = Scope(len(self.names.scopes), kind, parent, span.start, span.end, node)
        self.names.scopes.append(made)
        return made.number

    def _occurs(self, node: tree_sitter.Node, scope: int, role: Role, how: str = "") -> None:
        span = self.tree.span(node)
        name = self.tree.text.source[span.start : span.end]
        self._add(Occurrence(name, span.start, span.end, scope, role, how))

    def _add(self, made: Occurrence) -> None:
        scopes = self.names.scopes
        if made.role in ("bind", "delete"):
            home = scopes[made.scope]
            if made.name not in home.declared_global and made.name not in home.declared_nonlocal:
                home.bound.setdefault(made.name, len(self.names.occurrences))
            elif made.name in home.declared_global:
                scopes[MODULE].bound.setdefault(made.name, len(self.names.occurrences))
        self.names.occurrences.append(made)

    def _push(self, nodes: Iterable[tree_sitter.Node | None], scope: int, mode: Mode = "read") -> None:
        for node in reversed([each for each in nodes if each is not None]):
            self.stack.append((node, scope, mode))

    # -- the visit ---------------------------------------------------------------------------------

    def _visit(self, node: tree_sitter.Node, scope: int, mode: Mode) -> None:
        kind = node.type
        if kind == "identifier":
            self._identifier(node, scope, mode)
            return
        named = getattr(self, "_at_" + kind, None)
        if named is not None:
            named(node, scope, mode)
        elif kind in _SCOPED:
            self._comprehension(node, scope)
        elif mode in ("bind", "loop", "delete", "augmented", "parameter"):
            self._push(node.named_children, scope, mode if kind in _PATTERNS else "read")
        else:
            self._push(node.named_children, scope, mode)

    def _identifier(self, node: tree_sitter.Node, scope: int, mode: Mode) -> None:
        if mode in ("read", "annotation", "exported", "slots"):
            self._occurs(node, scope, "read")
        elif mode == "delete":
            self._occurs(node, scope, "delete")
        else:
            self._occurs(node, scope, "bind", mode if mode in ("loop", "augmented", "parameter") else "")

    def _at_attribute(self, node: tree_sitter.Node, scope: int, mode: Mode) -> None:
        owner, name = node.child_by_field_name("object"), node.child_by_field_name("attribute")
        if owner is not None and name is not None:
            span = self.tree.span(name)
            bound = mode in ("bind", "loop", "delete", "augmented")
            self.names.members.append(
                Member(self.tree.slice(name), span.start, span.end, scope, owner, bound)
            )
        self._push([owner], scope)

    def _at_subscript(self, node: tree_sitter.Node, scope: int, mode: Mode) -> None:
        value = node.child_by_field_name("value")
        rest = [each for each in node.named_children if each != value]
        if value is not None and len(rest) == 1:
            self._key(rest[0], value, scope)
        inner: Mode = "read"
        typed = value is not None and self.tree.slice(value).rpartition(".")[2] in _GENERICS
        if (mode == "annotation" or typed) and value is not None and not self._is_literal(value):
            inner = "annotation"
        self._push(rest, scope, inner)
        self._push([value], scope, "read")

    def _key(self, node: tree_sitter.Node, owner: tree_sitter.Node, scope: int) -> None:
        text = plain_string(node)
        if text is not None and self.tree.slice(text).isidentifier():
            span = self.tree.span(text)
            self.names.keys.append(Member(self.tree.slice(text), span.start, span.end, scope, owner))

    def _at_generic_type(self, node: tree_sitter.Node, scope: int, mode: Mode) -> None:
        children = node.named_children
        literal = bool(children) and self._is_literal(children[0])
        self._push(children[1:], scope, "read" if literal else mode)
        self._push(children[:1], scope, "read")

    def _is_literal(self, node: tree_sitter.Node) -> bool:
        return self.tree.slice(node).rpartition(".")[2] in _NOT_NAMES

    def _at_type(self, node: tree_sitter.Node, scope: int, mode: Mode) -> None:
        self._push(
            node.named_children, scope, "read" if mode == "read" and _in_literal(node) else "annotation"
        )

    def _at_string(self, node: tree_sitter.Node, scope: int, mode: Mode) -> None:
        content = [each for each in node.named_children if each.type == "string_content"]
        plain = not any(each.type == "interpolation" for each in node.named_children)
        if mode == "annotation" and plain and len(content) == 1 and not content[0].named_children:
            span = self.tree.span(content[0])
            self._quoted(self.tree.text.source[span.start : span.end], span.start, scope)
            return
        if mode in ("exported", "slots") and plain and len(content) == 1:
            span, name = self.tree.span(content[0]), self.tree.slice(content[0])
            if mode == "exported":
                self.names.exported.append((name, span.start, span.end))
            if name.isidentifier():
                how = "exported" if mode == "exported" else "slot"
                self._add(Occurrence(name, span.start, span.end, scope, "declare", how))
            return
        self._push(node.named_children, scope)

    def _quoted(self, written: str, start: int, scope: int) -> None:
        for word in _WORD.finditer(written):
            if word[0] not in _RESERVED:
                at = start + word.start()
                self._add(Occurrence(word[0], at, at + len(word[0]), scope, "read", "quoted"))

    def _at_comment(self, node: tree_sitter.Node, scope: int, mode: Mode) -> None:
        if (types := type_comment(self.tree.slice(node))) is not None:
            self._quoted(types[0], self.tree.span(node).start + types[1], scope)

    def _at_keyword_argument(self, node: tree_sitter.Node, scope: int, mode: Mode) -> None:
        name, arguments = node.child_by_field_name("name"), node.parent
        if name is not None and arguments is not None and arguments.parent is not None:
            span = self.tree.span(name)
            self.names.keywords.append(
                Keyword(self.tree.slice(name), span.start, span.end, scope, arguments.parent)
            )
        self._push([node.child_by_field_name("value")], scope)

    def _at_call(self, node: tree_sitter.Node, scope: int, mode: Mode) -> None:
        function = node.child_by_field_name("function")
        arguments = node.child_by_field_name("arguments")
        if (made := made_class(self.tree, node)) is not None:
            inner = self._scope("class", scope, node)
            self.names.scopes[inner].start, self.names.scopes[inner].end = made.start, made.end
            for each in made.fields:
                self._add(Occurrence(each.name, each.start, each.end, inner, "bind", "field"))
        if arguments is not None and function is not None and arguments.type == "argument_list":
            parts = arguments.named_children
            if parts and function.type == "attribute" and self._last(function) in _BY_KEY:
                self._key(parts[0], function.named_children[0], scope)
            if parts and self.tree.slice(function).rpartition(".")[2] == "cast":
                self._push(parts[1:], scope)
                self._push(parts[:1], scope, "annotation")
            elif mode in ("exported", "slots"):
                self._push(parts, scope, mode)
            else:
                self._push(parts, scope)
        else:
            self._push([arguments], scope)
        self._push([function], scope)

    def _last(self, function: tree_sitter.Node) -> str:
        return self.tree.slice(function).rpartition(".")[2]

    # -- statements --------------------------------------------------------------------------------

    def _at_assignment(self, node: tree_sitter.Node, scope: int, mode: Mode) -> None:
        left = node.child_by_field_name("left")
        right = node.child_by_field_name("right")
        annotation = node.child_by_field_name("type")
        if left is not None and annotation is not None and right is not None and right.type == "dictionary":
            for pair in right.named_children:
                if pair.type == "pair":
                    self._key(pair.named_children[0], left, scope)
        told = told_name(self.tree, right) if right is not None else None
        if left is not None and told is not None and self.tree.slice(told) == self.tree.slice(left):
            self._occurs(told, scope, "declare", "named")
        self._push([left], scope, "bind")
        self._push([annotation], scope, "annotation")
        self._push([right], scope, self._listing(left, scope))

    def _listing(self, left: tree_sitter.Node | None, scope: int) -> Mode:
        """What strings in the value of `left` are: names that the module exports, slots of the class."""
        name = self.tree.slice(left) if left is not None and left.type == "identifier" else ""
        if scope == MODULE and name == "__all__":
            return "exported"
        return "slots" if name in _SLOTS and self.names.scopes[scope].kind == "class" else "read"

    def _at_augmented_assignment(self, node: tree_sitter.Node, scope: int, mode: Mode) -> None:
        left = node.child_by_field_name("left")
        self._push([left], scope, "augmented")
        self._push([node.child_by_field_name("right")], scope, self._listing(left, scope))

    def _at_named_expression(self, node: tree_sitter.Node, scope: int, mode: Mode) -> None:
        target = scope
        while self.names.scopes[target].kind == "comprehension":
            target = self.names.scopes[target].parent
        self._push([node.child_by_field_name("name")], target, "bind")
        self._push([node.child_by_field_name("value")], scope)

    def _at_for_statement(self, node: tree_sitter.Node, scope: int, mode: Mode) -> None:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        self._push([each for each in node.named_children if each not in (left, right)], scope)
        self._push([left], scope, "loop")
        self._push([right], scope)

    def _at_delete_statement(self, node: tree_sitter.Node, scope: int, mode: Mode) -> None:
        self._push(node.named_children, scope, "delete")

    def _at_as_pattern(self, node: tree_sitter.Node, scope: int, mode: Mode) -> None:
        alias = node.child_by_field_name("alias")
        if alias is not None:
            self._push(alias.named_children, scope, "bind")
            self._push([each for each in node.named_children if each != alias], scope)
        else:
            *inner, last = node.named_children
            self._push([last], scope, "bind")
            self._push(inner, scope, "case")

    def _at_global_statement(self, node: tree_sitter.Node, scope: int, mode: Mode) -> None:
        for each in node.named_children:
            self.names.scopes[scope].declared_global.add(self.tree.slice(each))
            self._occurs(each, scope, "declare")

    def _at_nonlocal_statement(self, node: tree_sitter.Node, scope: int, mode: Mode) -> None:
        for each in node.named_children:
            self.names.scopes[scope].declared_nonlocal.add(self.tree.slice(each))
            self._occurs(each, scope, "declare")

    # -- scopes ------------------------------------------------------------------------------------

    def _comprehension(self, node: tree_sitter.Node, scope: int) -> None:
        inner = self._scope("comprehension", scope, node)
        clauses = [each for each in node.named_children if each.type in ("for_in_clause", "if_clause")]
        self._push([each for each in node.named_children if each not in clauses], inner)
        for clause in reversed(clauses):
            if clause.type == "if_clause":
                self._push(clause.named_children, inner)
                continue
            left = clause.child_by_field_name("left")
            first = clause == clauses[0]
            rights = [each for each in clause.named_children if each != left]
            self._push([left], inner, "loop")
            self._push(rights, scope if first else inner)

    def _at_lambda(self, node: tree_sitter.Node, scope: int, mode: Mode) -> None:
        inner = self._scope("lambda", scope, node)
        self._push([node.child_by_field_name("body")], inner)
        self._parameters_of(node.child_by_field_name("parameters"), scope, inner)

    def _at_function_definition(self, node: tree_sitter.Node, scope: int, mode: Mode) -> None:
        name = node.child_by_field_name("name")
        around = self._type_scope(node, scope)
        inner = self._scope("function", around, node)
        for told in parametrized(self.tree, node):
            self._add(Occurrence(told.name, told.start, told.end, inner, "declare", "parametrized"))
        self._push([node.child_by_field_name("body")], inner)
        if name is not None:
            self.stack.append((name, scope, "bind"))
        self._push([each for each in node.named_children if each.type == "comment"], around)
        self._push([node.child_by_field_name("return_type")], around)
        self._parameters_of(node.child_by_field_name("parameters"), around, inner)

    def _at_class_definition(self, node: tree_sitter.Node, scope: int, mode: Mode) -> None:
        name = node.child_by_field_name("name")
        around = self._type_scope(node, scope)
        inner = self._scope("class", around, node)
        if name is not None:
            self.stack.append((name, scope, "bind"))
        self._push([node.child_by_field_name("body")], inner)
        self._push([node.child_by_field_name("superclasses")], around)

    def _at_type_alias_statement(self, node: tree_sitter.Node, scope: int, mode: Mode) -> None:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        head = left.named_children[0] if left is not None and left.named_children else None
        inner = self._scope("types", scope, node)
        if head is not None and head.type == "generic_type":
            self._push(head.named_children[:1], scope, "bind")
            for each in head.named_children[1:]:
                self._type_parameters(each, inner)
        else:
            self._push([head], scope, "bind")
        self._push([right], inner, "annotation")

    def _type_scope(self, node: tree_sitter.Node, scope: int) -> int:
        """The scope of a definition's type parameters (PEP 695); `scope` where it has none."""
        types = node.child_by_field_name("type_parameters")
        if types is None:
            return scope
        around = self._scope("types", scope, node)
        self._type_parameters(types, around)
        return around

    def _type_parameters(self, node: tree_sitter.Node, scope: int) -> None:
        for each in node.named_children:
            at: tree_sitter.Node | None = each
            while at is not None and at.type != "identifier":
                first, rest = at.named_children[:1], at.named_children[1:]
                self._push(rest, scope, "annotation")
                at = first[0] if first else None
            if at is not None:
                self._occurs(at, scope, "bind")

    def _parameters_of(self, node: tree_sitter.Node | None, around: int, inner: int) -> None:
        if node is None:
            return
        for each in reversed(node.named_children):
            kind = each.type
            if kind in ("default_parameter", "typed_default_parameter"):
                self._push([each.child_by_field_name("name")], inner, "parameter")
                self._push([each.child_by_field_name("value"), each.child_by_field_name("type")], around)
            elif kind == "typed_parameter":
                self._push(each.named_children[:1], inner, "parameter")
                self._push([each.child_by_field_name("type")], around)
            elif kind not in ("comment", "keyword_separator", "positional_separator"):
                self._push([each], inner, "parameter")

    # -- match -------------------------------------------------------------------------------------

    def _at_case_clause(self, node: tree_sitter.Node, scope: int, mode: Mode) -> None:
        patterns = [each for each in node.named_children if each.type == "case_pattern"]
        self._push([each for each in node.named_children if each not in patterns], scope)
        self._push(patterns, scope, "case")

    def _at_dotted_name(self, node: tree_sitter.Node, scope: int, mode: Mode) -> None:
        parts = [each for each in node.named_children if each.type == "identifier"]
        if mode == "case" and len(parts) == 1:
            self._occurs(parts[0], scope, "bind")
            return
        for number, each in enumerate(parts):
            if number == 0:
                self._occurs(each, scope, "read")
            else:
                span = self.tree.span(each)
                self.names.members.append(
                    Member(self.tree.slice(each), span.start, span.end, scope, parts[number - 1])
                )

    def _at_class_pattern(self, node: tree_sitter.Node, scope: int, mode: Mode) -> None:
        self._push(node.named_children[1:], scope, "case")
        self._push(node.named_children[:1], scope, "read")

    def _at_keyword_pattern(self, node: tree_sitter.Node, scope: int, mode: Mode) -> None:
        name = node.named_children[0]
        holder: tree_sitter.Node | None = node
        while holder is not None and holder.type != "class_pattern":
            holder = holder.parent
        if holder is not None:
            span = self.tree.span(name)
            owner = holder.named_children[0]
            if owner.type == "dotted_name" and len(owner.named_children) == 1:
                owner = owner.named_children[0]
            self.names.members.append(Member(self.tree.slice(name), span.start, span.end, scope, owner))
        self._push(node.named_children[1:], scope, "case")

    def _at_splat_pattern(self, node: tree_sitter.Node, scope: int, mode: Mode) -> None:
        self._push(node.named_children, scope, "bind")

    # -- imports -----------------------------------------------------------------------------------

    def _at_import_statement(self, node: tree_sitter.Node, scope: int, mode: Mode) -> None:
        for each in node.children_by_field_name("name"):
            alias = each.child_by_field_name("alias") if each.type == "aliased_import" else None
            module = each.child_by_field_name("name") if alias is not None else each
            if module is None or not module.named_children:
                continue
            bound = alias if alias is not None else module.named_children[0]
            self._occurs(bound, scope, "bind", "import")
            self._imported("".join(self.tree.slice(module).split()), 0, "", bound, module, alias, scope, node)

    def _at_import_from_statement(self, node: tree_sitter.Node, scope: int, mode: Mode) -> None:
        source = node.child_by_field_name("module_name")
        written = "".join(self.tree.slice(source).split()) if source is not None else "__future__"
        module = written.lstrip(".")
        level = len(written) - len(module)
        for each in node.children_by_field_name("name"):
            alias = each.child_by_field_name("alias") if each.type == "aliased_import" else None
            name = each.child_by_field_name("name") if alias is not None else each
            if name is None:
                continue
            bound = alias or (name.named_children[0] if name.named_children else name)
            if written != "__future__":
                self._occurs(bound, scope, "bind", "import")
            self._imported(module, level, self.tree.slice(name), bound, name, alias, scope, node)
        for each in node.named_children:
            if each.type == "wildcard_import":
                span = self.tree.span(each)
                self.names.imports.append(
                    ImportedName(module, level, "*", "*", span.start, span.end, False, scope, node)
                )

    _at_future_import_statement = _at_import_from_statement

    def _imported(
        self,
        module: str,
        level: int,
        name: str,
        bound: tree_sitter.Node,
        at: tree_sitter.Node,
        alias: tree_sitter.Node | None,
        scope: int,
        statement: tree_sitter.Node,
    ) -> None:
        span = self.tree.span(at)
        self.names.imports.append(
            ImportedName(
                module,
                level,
                name,
                self.tree.slice(bound),
                span.start,
                span.end,
                alias is not None,
                scope,
                statement,
            )
        )


def _in_literal(node: tree_sitter.Node) -> bool:
    """Whether a `type` node is an argument of `Literal[…]`, which holds values."""
    above = node.parent
    if above is None or above.type != "type_parameter" or above.parent is None:
        return False
    text = above.parent.named_children[0].text or b""
    return text.rpartition(b".")[2] == b"Literal"
