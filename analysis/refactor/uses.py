"""What a Python name stands for and where it is used, as far as scopes, imports and classes tell for certain.

Navigation adds this to what a type engine says, which knows no strings in `__all__`, no `replace(p, x=1)` and
no `case P(x=1)`. Nothing here asks an engine.
"""

from __future__ import annotations

from pathlib import Path

from devflow.analysis.python_scopes import Member, Occurrence
from devflow.analysis.refactor.arguments import with_arguments
from devflow.analysis.refactor.project import PythonProject
from devflow.analysis.refactor.receivers import Receivers
from devflow.analysis.refactor.refused import Refused
from devflow.analysis.refactor.targets import Attribute, target_at
from devflow.analysis.refactor.variables import Place, Variable, certain_member_uses, variable_uses


def certain_uses(project: PythonProject, path: Path, at: int) -> set[Place]:
    """Where the name that begins at `at` stands, what binds it among it; empty where it cannot be told."""
    classes = Receivers(project)
    try:
        target = target_at(project, classes, path, at, asked=True)
        if isinstance(target, Attribute):
            return certain_member_uses(project, classes, target.owner, target.name)
        uses = variable_uses(project, target)
        if _is_method(project, target):
            return set(uses.places)
        _, keywords = with_arguments(project, classes, target, uses, "")  # not the same one of overloads
    except Refused:
        return set()
    return {*uses.places, *keywords}


def made_at(project: PythonProject, path: Path, at: int) -> Place | None:
    """Where what the name that begins at `at` stands for is bound first; None where it cannot be told."""
    classes = Receivers(project)
    try:
        target = target_at(project, classes, path, at, asked=True)
    except Refused:
        return None
    if isinstance(target, Variable):
        names, file, home = project.names(target.path), target.path, target.home
    else:
        names, file, home = project.names(target.owner.path), target.owner.path, target.owner.scope
    if names is None:
        return None
    found: Occurrence | Member | None = names.first_binding(target.name, home)
    if found is None and isinstance(target, Attribute):
        of_self = (
            each
            for each in names.members
            if each.bound
            and each.name == target.name
            and classes.self_class(file, each.scope, each.owner) == target.owner
        )
        found = next(of_self, None)
    return Place(file, found.start, found.end) if found is not None else None


def _is_method(project: PythonProject, target: Variable) -> bool:
    """Whether it is a name of a method: who calls that is a question of types."""
    names = project.names(target.path)
    if names is None:
        return False
    above = names.scopes[target.home].parent
    return any(names.scopes[each].kind == "class" for each in {target.home, above})
