"""What a name in a Python project stands for, as far as renaming it goes."""

from __future__ import annotations

import builtins
from dataclasses import dataclass
from pathlib import Path

import tree_sitter

from devflow.analysis.python_scopes import MODULE, Keyword, PythonNames
from devflow.analysis.refactor.classes import ClassRef
from devflow.analysis.refactor.project import PythonProject
from devflow.analysis.refactor.receivers import Receivers
from devflow.analysis.refactor.refused import Refused
from devflow.analysis.refactor.variables import Variable, first_argument, keyword_class


@dataclass(frozen=True, slots=True)
class Attribute:
    """A member of a class, as a target."""

    owner: ClassRef
    name: str


def target_at(
    project: PythonProject, classes: Receivers, path: Path, at: int, asked: bool = False
) -> Variable | Attribute:
    """What the name that begins at `at` stands for. Raises Refused when it is nothing of the workspace's, or
    cannot be told. `asked`: the type engine has had its say."""
    names = project.names(path)
    if names is None:
        raise Refused(f"{path.name} cannot be read, so nothing is renamed.")
    occurrence = names.at(at)
    if occurrence is not None:
        return _named(project, names, path, occurrence.name, names.home(occurrence))
    for member in names.members:
        if member.start == at:
            module = project.module_named(path, member.scope, member.owner)
            if module is not None:
                known = project.names(module)
                if known is None or not known.is_bound(member.name, MODULE):
                    return _by_engine(project, classes, path, at, member.name, asked)
                return _named(project, known, module, member.name, MODULE)
            owner = classes.receiver(path, member)
            if isinstance(owner, ClassRef) and (made := classes.definer(owner, member.name)) is not None:
                return Attribute(made, member.name)
            return _by_engine(project, classes, path, at, member.name, asked)
    for given in names.keywords:
        if given.start == at:
            found = _parameter_named(project, classes, path, given)
            return found or _by_engine(project, classes, path, at, given.name, asked)
    for brought in names.imports:
        if brought.start == at and brought.name and brought.name != "*":
            source = project.imported_from(brought, path)
            if source is None:
                raise Refused(f"{brought.name} is defined outside this workspace, so it is not renamed.")
            known = project.names(source)
            if known is None or not (known.is_bound(brought.name, MODULE) or known.has_star()):
                raise _is_module(brought.name)
            return _named(project, known, source, brought.name, MODULE)
    for key in names.keys:
        if key.start == at:
            holder = classes.receiver(path, key)
            owner = classes.definer(holder, key.name) if isinstance(holder, ClassRef) else None
            if owner is not None and classes.is_typed_dict(owner):
                return Attribute(owner, key.name)
    start, end = names.tree.text.word_at(at)
    if any(
        brought.statement.start_byte <= names.tree.byte(at) < brought.statement.end_byte
        for brought in names.imports
    ):
        raise _is_module(names.tree.text.source[start:end])
    raise Refused("There is no name to rename here.")


def _is_module(name: str) -> Refused:
    return Refused(f"{name} is a module; rename its file or folder to rename it everywhere.")


def _named(
    project: PythonProject, names: PythonNames, path: Path, name: str, home: int
) -> Variable | Attribute:
    if names.scopes[home].kind == "class":
        return Attribute(ClassRef(path, home), name)
    made = project.definition(path, name, home)
    known = project.names(made[0])
    if known is None or not known.is_bound(made[2], made[1]):
        if hasattr(builtins, name):
            raise Refused(f"{name} is built in and cannot be renamed.")
        raise Refused(f"It cannot be told what {name} is here, so it is not renamed.")
    if made[2] == name:
        binds = [each for each in known.of(name, made[1]) if each.role == "bind"]
        brought = [each for each in project.imports_of(name, made[1], made[0]) if not each.has_alias]
        if brought and len(brought) == len(binds):
            if any(not each.name for each in brought) or any(
                (source := project.imported_from(each, made[0])) is not None
                and project.submodule(source, name) is not None
                for each in brought
            ):
                raise _is_module(name)
            raise Refused(f"{name} is defined outside this workspace, so it is not renamed.")
    if known.scopes[made[1]].kind == "class":
        return Attribute(ClassRef(made[0], made[1]), made[2])
    return Variable(made[0], made[1], made[2]) if made[2] == name else Variable(path, home, name)


def _by_engine(
    project: PythonProject, classes: Receivers, path: Path, at: int, name: str, asked: bool
) -> Variable | Attribute:
    made = None if asked else project.sources.defined(path, at)
    inside = [each for each in made or () if project.is_inside(each.path)]
    if made and not inside:
        raise Refused(
            f"{name} is defined outside this workspace ({made[0].path.name}), so it is not renamed."
        )
    found: list[Variable | Attribute] = []
    for each in inside:
        known = project.names(each.path)
        if known is not None and known.tree.text.source[each.start : each.end] == name:
            target = target_at(project, classes, each.path, each.start, asked=True)
            if not any(_is_same(classes, target, other) for other in found):
                found.append(target)
    if len(found) > 1:
        raise Refused(f"{name} may be any of {len(found)} things here, so it is not renamed.")
    if found:
        return found[0]
    raise Refused(f"It cannot be told what {name} is here, so it is not renamed.")


def _is_same(classes: Receivers, one: Variable | Attribute, other: Variable | Attribute) -> bool:
    """Whether a rename of one is a rename of the other: a member that a subclass overrides is."""
    if isinstance(one, Attribute) and isinstance(other, Attribute):
        return other.owner in classes.family(one.owner, one.name)
    return one == other


def _parameter_named(
    project: PythonProject, classes: Receivers, path: Path, given: Keyword
) -> Variable | Attribute | None:
    """The parameter, or the field of a constructor's class, that a keyword argument names."""
    function, names = given.call.child_by_field_name("function"), project.names(path)
    if function is None or names is None:
        return None
    if names.tree.slice(function).rpartition(".")[2] == "partial":
        function = first_argument(given.call) or function
    made = project.denoted(path, given.scope, function)
    owner = classes.of_variable(*made) if made is not None else None
    method = "__init__"
    if made is not None and owner is None and (node := project.definition_node(*made)) is not None:
        return parameter_of(project.names(made[0]), made[0], node, given.name)
    if owner is None and function.type == "attribute":
        attribute, receiver = (
            function.child_by_field_name("attribute"),
            function.child_by_field_name("object"),
        )
        found = classes.class_of(path, given.scope, receiver) if receiver is not None else None
        if isinstance(found, ClassRef) and attribute is not None:
            owner, method = found, names.tree.slice(attribute)
    for each in (owner, *classes.ancestors(owner)) if owner is not None else ():
        node = project.definition_node(each.path, each.scope, method)
        if (parameter := parameter_of(project.names(each.path), each.path, node, given.name)) is not None:
            return parameter
        if method == "__init__" and classes.defines(each, given.name):
            return Attribute(each, given.name)
    copied = keyword_class(project, classes, path, given)
    owner = classes.definer(copied, given.name) if copied is not None else None
    return Attribute(owner, given.name) if owner is not None else None


def parameter_of(
    names: PythonNames | None, path: Path, node: tree_sitter.Node | None, name: str
) -> Variable | None:
    """The parameter `name` of the function at `node`."""
    if names is None or node is None:
        return None
    for scope in names.scopes:
        if scope.node == node and scope.kind == "function":
            is_parameter = any(each.how == "parameter" for each in names.of(name, scope.number))
            return Variable(path, scope.number, name) if is_parameter else None
    return None
