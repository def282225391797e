"""Classes of a Python workspace: what they inherit and what they define."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import tree_sitter

from devflow.analysis.python_scopes import PythonNames
from devflow.analysis.refactor.project import PythonProject


@dataclass(frozen=True, slots=True)
class ClassRef:
    """A class: its file and the number of its scope."""

    path: Path
    scope: int


class Classes:
    """What a project's classes are to each other."""

    def __init__(self, project: PythonProject) -> None:
        self.project = project
        self._own: dict[ClassRef, frozenset[str]] = {}
        self._bases: dict[ClassRef, tuple[list[ClassRef], list[str]]] = {}
        self._subclasses: dict[ClassRef, list[ClassRef]] = {}

    # -- the classes -------------------------------------------------------------------------------

    def of_variable(self, path: Path, home: int, name: str) -> ClassRef | None:
        """The class that a variable (after `PythonProject.definition`) is bound to by a `class` statement."""
        node = self.project.definition_node(path, home, name)
        names = self.project.names(path)
        if node is None or names is None or node.type not in ("class_definition", "call"):
            return None
        return self._made_by(path, names, node)

    def _made_by(self, path: Path, names: PythonNames, node: tree_sitter.Node) -> ClassRef | None:
        """The class of a `class` statement, or of a call such as `namedtuple("P", "x y")`."""
        return next(
            (ClassRef(path, s.number) for s in names.scopes if s.node == node and s.kind == "class"), None
        )

    def name_of(self, each: ClassRef) -> str:
        """The class's name."""
        names = self.names_of(each)
        node = names.scopes[each.scope].node
        if node.type == "call" and node.parent is not None and node.parent.type == "assignment":
            name = node.parent.child_by_field_name("left")
        else:
            name = node.child_by_field_name("name")
        return names.tree.slice(name) if name is not None else ""

    def bases(self, each: ClassRef) -> tuple[list[ClassRef], list[str]]:
        """The bases in the workspace, and the others as they are written."""
        if each not in self._bases:
            inside: list[ClassRef] = []
            outside: list[str] = []
            names = self.names_of(each)
            scope = names.scopes[each.scope]
            maker = scope.node.child_by_field_name("function")  # of `namedtuple("P", "x y")`
            outside += [names.tree.slice(maker)] if maker is not None else []
            arguments = scope.node.child_by_field_name("superclasses")
            for base in arguments.named_children if arguments is not None else ():
                if base.type in ("keyword_argument", "comment"):
                    continue
                value = base.child_by_field_name("value") if base.type == "subscript" else base
                found = self.class_denoted(each.path, scope.parent, value) if value is not None else None
                if found is not None and found != each:
                    inside.append(found)
                elif value is not None:
                    outside.append(names.tree.slice(value))
            self._bases[each] = inside, outside
        return self._bases[each]

    def subclasses(self, each: ClassRef) -> list[ClassRef]:
        """The classes of the workspace that name this one as a base."""
        if each not in self._subclasses:
            found: list[ClassRef] = []
            for path in {each.path, *self.project.sources.files_with(self.name_of(each))}:
                names = self.project.names(path)
                for scope in names.scopes if names is not None else ():
                    if scope.kind == "class":
                        other = ClassRef(path, scope.number)
                        if other != each and each in self.bases(other)[0]:
                            found.append(other)
            self._subclasses[each] = sorted(found, key=lambda other: (str(other.path), other.scope))
        return self._subclasses[each]

    def ancestors(self, each: ClassRef) -> list[ClassRef]:
        """All bases in the workspace, the nearest first."""
        found: list[ClassRef] = []
        pending = list(self.bases(each)[0])
        while pending:
            base = pending.pop(0)
            if base not in found and base != each:
                found.append(base)
                pending += self.bases(base)[0]
        return found

    def definer(self, each: ClassRef, name: str) -> ClassRef | None:
        """The class that a member is looked up in for values of `each`: itself or one of its bases."""
        return next((one for one in (each, *self.ancestors(each)) if self.defines(one, name)), None)

    def is_typed_dict(self, each: ClassRef) -> bool:
        """Whether the names of its body are keys."""
        return any(
            base.rpartition(".")[2] == "TypedDict"
            for one in (each, *self.ancestors(each))
            for base in self.bases(one)[1]
        )

    def defines(self, each: ClassRef, name: str) -> bool:
        """Whether the class's body binds `name`, or a method of it binds `self.name`."""
        names = self.names_of(each)
        return name in names.scopes[each.scope].bound or name in self._bound_on_self(each)

    def family(self, start: ClassRef, name: str) -> list[ClassRef]:
        """The classes among which `name` is one and the same member: those below, and those above that
        define it or use it on `self`, with all below them."""
        found = [start]
        for each in found:  # grows
            more = self.subclasses(each)
            more += [
                base
                for base in self.ancestors(each)
                if self.defines(base, name) or self._uses_on_self(base, name)
            ]
            found += [other for other in more if other not in found]
        return found

    def _bound_on_self(self, each: ClassRef) -> frozenset[str]:
        if each not in self._own:
            names = self.names_of(each)
            self._own[each] = frozenset(
                member.name
                for member in names.members
                if member.bound and self.self_class(each.path, member.scope, member.owner) == each
            )
        return self._own[each]

    def _uses_on_self(self, each: ClassRef, name: str) -> bool:
        return any(
            member.name == name and self.self_class(each.path, member.scope, member.owner) == each
            for member in self.names_of(each).members
        )

    def names_of(self, each: ClassRef) -> PythonNames:
        """The names of the class's file."""
        names = self.project.names(each.path)
        assert names is not None  # a ClassRef is made from them
        return names

    # -- receivers ---------------------------------------------------------------------------------

    def self_class(self, path: Path, scope: int, owner: tree_sitter.Node) -> ClassRef | None:
        """The class whose `self` or `cls` (a method's first parameter) or `super()` the expression is."""
        names = self.project.names(path)
        if names is None:
            return None
        if owner.type == "call":
            function = owner.child_by_field_name("function")
            if function is None or names.tree.slice(function) != "super":
                return None
            home: int | None = next(
                (s for s in names.around(scope) if names.scopes[s].kind == "function"), None
            )
        elif owner.type == "identifier":
            home = names.lookup(names.tree.slice(owner), scope)
            if first_parameter(names, home) != names.tree.slice(owner):
                return None
        else:
            return None
        if home is None:
            return None
        around = names.scopes[home].parent
        while names.scopes[around].kind == "types":
            around = names.scopes[around].parent
        if names.scopes[around].kind != "class" or home == around:
            return None
        return ClassRef(path, around)

    def class_denoted(self, path: Path, scope: int, node: tree_sitter.Node) -> ClassRef | None:
        """The class that an expression (`C`, `m.C`) names, or makes (`namedtuple("P", "x y")`)."""
        names = self.project.names(path)
        if node.type == "call":
            return self._made_by(path, names, node) if names is not None else None
        made = self.project.denoted(path, scope, node)
        return self.of_variable(*made) if made is not None else None


def first_parameter(names: PythonNames, scope: int) -> str:
    """The name of a function's first parameter, "" for a static method and for what is no function."""
    node = names.scopes[scope].node
    if names.scopes[scope].kind != "function":
        return ""
    if any(each.rpartition(".")[2] == "staticmethod" for each in decorators(names, node)):
        return ""
    parameters = node.child_by_field_name("parameters")
    for each in parameters.named_children if parameters is not None else ():
        if each.type == "comment":
            continue
        at: tree_sitter.Node | None = each
        while at is not None and at.type != "identifier":
            at = at.named_children[0] if at.named_children else None
        return names.tree.slice(at) if at is not None and "splat" not in each.type else ""
    return ""


def decorators(names: PythonNames, node: tree_sitter.Node) -> Iterator[str]:
    """The decorators of a `def` or `class` as written, without their arguments."""
    above = node.parent
    if above is None or above.type != "decorated_definition":
        return
    for each in above.named_children:
        if each.type == "decorator":
            yield names.tree.slice(each).lstrip("@").partition("(")[0].strip()
