"""The class that an expression of a Python file is, or is an instance of.

Only what annotations, constructor calls and `self` say for certain; None where a type engine is needed.
"""

from __future__ import annotations

import builtins
import re
from dataclasses import dataclass
from pathlib import Path

import tree_sitter

from devflow.analysis.python_scopes import MODULE, Member, PythonNames
from devflow.analysis.refactor.classes import Classes, ClassRef, decorators
from devflow.analysis.refactor.project import parent_of

_DEEPEST = 8
_LITERALS = frozenset(
    {
        "string",
        "concatenated_string",
        "integer",
        "float",
        "list",
        "dictionary",
        "set",
        "tuple",
        "true",
        "false",
    }
    | {"none", "list_comprehension", "dictionary_comprehension", "set_comprehension", "generator_expression"}
    | {"comparison_operator", "not_operator"}
)
_WRAPPERS = frozenset({"Optional", "Annotated", "Final", "ClassVar", "Required", "NotRequired"})


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Certainly no class of the workspace."""


class Receivers(Classes):
    """Classes, and which expressions are instances of them."""

    def receiver(self, path: Path, member: Member) -> ClassRef | Elsewhere | None:
        """The class that the member is read from; Elsewhere when it is no class of the workspace."""
        return self.class_of(path, member.scope, member.owner)

    def class_of(
        self, path: Path, scope: int, node: tree_sitter.Node, depth: int = 0
    ) -> ClassRef | Elsewhere | None:
        """The class an expression is, or is an instance of; None when that is not certain."""
        names = self.project.names(path)
        if names is None or depth > _DEEPEST:
            return None
        own = self.self_class(path, scope, node)
        if own is not None:
            return own
        if node.type in _LITERALS:
            return Elsewhere()
        if node.type in ("parenthesized_expression", "await") and node.named_children:
            return self.class_of(path, scope, node.named_children[0], depth + 1)
        if self.project.module_named(path, scope, node) is not None:
            return Elsewhere()
        if (known := self.class_denoted(path, scope, node)) is not None:
            return known
        if node.type == "call":
            return self._called(path, scope, node, depth)
        if node.type == "identifier":
            return self._outside(path, scope, node) or self._variable(
                path, scope, names.tree.slice(node), depth
            )
        if node.type == "attribute":
            owner, attribute = node.child_by_field_name("object"), node.child_by_field_name("attribute")
            if owner is None or attribute is None:
                return None
            holder = self.class_of(path, scope, owner, depth + 1)
            if isinstance(holder, ClassRef):
                return self._attribute(holder, names.tree.slice(attribute), depth)
            return self._outside(path, scope, node)
        return None

    def _outside(self, path: Path, scope: int, node: tree_sitter.Node) -> Elsewhere | None:
        """Elsewhere when the expression starts at an import of something that is not in the workspace."""
        names = self.project.names(path)
        root = node
        while root.type == "attribute" and root.child_by_field_name("object") is not None:
            root = root.child_by_field_name("object") or root
        if names is None or root.type != "identifier":
            return None
        name = names.tree.slice(root)
        home = names.lookup(name, scope)
        binds = [each for each in names.of(name, home) if each.role == "bind"]
        brought = self.project.imports_of(name, home, path)
        if brought and len(brought) == len(binds):
            files = [
                self.project.file_of(each.module.partition(".")[0], each.level, path) for each in brought
            ]
            if not any(files):
                return Elsewhere()
        return None

    def _called(
        self, path: Path, scope: int, node: tree_sitter.Node, depth: int
    ) -> ClassRef | Elsewhere | None:
        function = node.child_by_field_name("function")
        names = self.project.names(path)
        if function is None or names is None:
            return None
        if function.type == "identifier" and names.lookup(names.tree.slice(function), scope) == MODULE:
            name = names.tree.slice(function)
            if not names.is_bound(name, MODULE) and isinstance(getattr(builtins, name, None), type):
                return Elsewhere() if name not in ("super", "type", "object", "property") else None
        made = self.project.denoted(path, scope, function)
        if made is not None:
            if (known := self.of_variable(*made)) is not None:
                return known
            below = self.project.definition_node(*made)
            if below is not None and below.type == "function_definition":
                return self._annotated(made[0], made[1], below.child_by_field_name("return_type"), depth)
        if function.type == "attribute":
            owner, attribute = (
                function.child_by_field_name("object"),
                function.child_by_field_name("attribute"),
            )
            holder = self.class_of(path, scope, owner, depth + 1) if owner is not None else None
            if isinstance(holder, ClassRef) and attribute is not None:
                for each in (holder, *self.ancestors(holder)):
                    below = self.project.definition_node(each.path, each.scope, names.tree.slice(attribute))
                    if below is not None and below.type == "function_definition":
                        returns = below.child_by_field_name("return_type")
                        return self._annotated(each.path, each.scope, returns, depth, holder)
            elif isinstance(holder, Elsewhere) and owner is not None and owner.type in _LITERALS:
                return Elsewhere()
        return None

    def _variable(self, path: Path, scope: int, name: str, depth: int) -> ClassRef | Elsewhere | None:
        home = self.project.names(path)
        if home is None:
            return None
        made = self.project.definition(path, name, home.lookup(name, scope))
        names = self.project.names(made[0])
        if names is None:
            return None
        binds = [each for each in names.of(made[2], made[1]) if each.role == "bind"]
        kinds = {self._bound_to(made[0], names, parent_of(names, each), each.start, depth) for each in binds}
        kinds.discard(Elsewhere()) if len(kinds) > 1 and None not in kinds else None
        return kinds.pop() if len(kinds) == 1 else None

    def _attribute(self, holder: ClassRef, attribute: str, depth: int) -> ClassRef | Elsewhere | None:
        """The class of `self.attribute`, from its annotation or the assignments to it."""
        for each in (holder, *self.ancestors(holder)):
            names = self.names_of(each)
            for bind in names.of(attribute, each.scope):
                if bind.role != "bind":
                    continue
                node = parent_of(names, bind)
                if node is not None and node.type == "function_definition":
                    if self._is_property(names, node):
                        return self._annotated(
                            each.path, each.scope, node.child_by_field_name("return_type"), depth, each
                        )
                    return None
                if (found := self._bound_to(each.path, names, node, bind.start, depth)) is not None:
                    return found
            found_here = {
                self._bound_to(
                    each.path, names, member.owner.parent and member.owner.parent.parent, member.start, depth
                )
                for member in names.members
                if member.bound
                and member.name == attribute
                and self.self_class(each.path, member.scope, member.owner) == each
            }
            found_here.discard(Elsewhere()) if len(found_here) > 1 and None not in found_here else None
            if found_here:
                return found_here.pop() if len(found_here) == 1 else None
        return None

    def _is_property(self, names: PythonNames, node: tree_sitter.Node) -> bool:
        return any("property" in each for each in decorators(names, node))

    def _bound_to(
        self, path: Path, names: PythonNames, node: tree_sitter.Node | None, start: int, depth: int
    ) -> ClassRef | Elsewhere | None:
        """The class of what `node`, a statement or parameter that binds the name at `start`, binds it to."""
        if node is None or depth > _DEEPEST:
            return None
        scope = names.scope_at(start)
        if node.type == "assignment":
            left = node.child_by_field_name("left")
            if (
                left is None
                or names.tree.offset(left.end_byte) < start
                or left.type not in ("identifier", "attribute")
            ):
                return None
            if (annotation := node.child_by_field_name("type")) is not None:
                return self._annotated(path, scope, annotation, depth)
            value = node.child_by_field_name("right")
            if value is None or value.type == "none":
                return Elsewhere() if value is not None else None
            return self.class_of(path, scope, value, depth + 1)
        if node.type in ("typed_parameter", "typed_default_parameter"):
            return self._annotated(path, scope, node.child_by_field_name("type"), depth)
        if node.type == "as_pattern_target" and (pattern := node.parent) is not None:
            caught = pattern.parent is not None and pattern.parent.type == "except_clause"
            value = pattern.named_children[0]
            return self.class_denoted(path, scope, value) if caught else None
        if node.type == "named_expression" and (value := node.child_by_field_name("value")) is not None:
            return self.class_of(path, scope, value, depth + 1)
        return None

    def _annotated(
        self,
        path: Path,
        scope: int,
        annotation: tree_sitter.Node | None,
        depth: int,
        holder: ClassRef | None = None,
    ) -> ClassRef | Elsewhere | None:
        """The one class an annotation names: `C`, `"C"`, `m.C`, `C | None`, `Optional[C]`, `Self`."""
        names = self.project.names(path)
        if annotation is None or names is None:
            return None
        written = names.tree.slice(annotation).strip().strip("\"'")
        parts = {part.strip() for part in written.split("|")} - {"None"}
        if len(parts) != 1:
            return None
        [written] = parts
        if (found := re.fullmatch(r"(?:\w+\.)*(\w+)\[([\w.]+)(?:,.*)?\]", written)) and found[1] in _WRAPPERS:
            written = found[2]
        if written.rpartition(".")[2] == "Self":
            return holder
        written = re.sub(r"\[.*\]$", "", written)
        if not re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*", written):
            return None
        first, *rest = written.split(".")
        made = self.project.definition(path, first, names.lookup(first, scope))
        for number, part in enumerate(rest):
            module = self._module_path(path, scope, [first, *rest[:number]])
            if module is None:
                return None
            made = self.project.definition(module, part)
        if (known := self.of_variable(*made)) is not None:
            return known
        if (
            not rest
            and not names.is_bound(first, MODULE)
            and isinstance(getattr(builtins, first, None), type)
        ):
            return Elsewhere() if first != "object" else None
        return None

    def _module_path(self, path: Path, scope: int, parts: list[str]) -> Path | None:
        names = self.project.names(path)
        if names is None:
            return None
        for each in self.project.imports_of(parts[0], names.lookup(parts[0], scope), path):
            dotted = ".".join([each.module, *parts[1:]] if each.has_alias else parts)
            if not each.name:
                return self.project.file_of(dotted, 0, path)
            return self.project.file_of(".".join([each.module, each.name, *parts[1:]]), each.level, path)
        return None
