"""What speaks against giving a Python symbol another name."""

from __future__ import annotations

import builtins
from collections.abc import Iterable
from pathlib import Path

from devflow.analysis.python_scopes import MODULE, PythonNames
from devflow.analysis.refactor.classes import ClassRef
from devflow.analysis.refactor.project import PythonProject
from devflow.analysis.refactor.receivers import Receivers
from devflow.analysis.refactor.refused import Refused
from devflow.analysis.refactor.targets import Attribute
from devflow.analysis.refactor.variables import Uses, Variable


def check_inside(project: PythonProject, target: Variable | Attribute, path: Path) -> None:
    """Raise Refused when the target is made outside the workspace."""
    made = target.path if isinstance(target, Variable) else target.owner.path
    if made != path and not project.is_inside(made):
        raise Refused(f"{target.name} is defined outside this workspace ({made.name}), so it is not renamed.")


def check_member(project: PythonProject, classes: Receivers, uses: Uses, target: Attribute, new: str) -> None:
    """Raise Refused where the new name is a member already, or the old one is not the workspace's alone."""
    old = target.name
    if old.startswith("__") and old.endswith("__"):
        raise Refused(f"{old} has a meaning of its own in Python, so it is not renamed.")
    for each in uses.classes:
        if classes.defines(each, new):
            raise Refused(f"{classes.name_of(each)} has a member {new} already; choose another name.")
        for base in classes.ancestors(each):
            if classes.defines(base, new):
                raise Refused(
                    f"{classes.name_of(each)} inherits a member {new} from {classes.name_of(base)}; "
                    "choose another name."
                )
        for written in classes.bases(each)[1]:
            if old in _members_of(project, each.path, written) or _calls_beyond(project, classes, each, old):
                raise Refused(
                    f"{old} stands for a member of {written}, which is outside this workspace, "
                    "so it is not renamed."
                )


def _calls_beyond(project: PythonProject, classes: Receivers, each: ClassRef, old: str) -> bool:
    """Whether a method of the class calls `super().old`, which no base in the workspace has."""
    names = project.names(each.path)
    if names is None or any(classes.defines(base, old) for base in classes.ancestors(each)):
        return False
    return any(
        member.name == old
        and member.owner.type == "call"
        and classes.self_class(each.path, member.scope, member.owner) == each
        for member in names.members
    )


def _members_of(project: PythonProject, path: Path, written: str) -> frozenset[str]:
    known = getattr(builtins, written, None)
    if isinstance(known, type):
        return frozenset(dir(known))
    if written.rpartition(".")[2] in ("Generic", "Protocol", "ABC"):
        return frozenset()
    return frozenset(project.sources.members(path, written) or ())


def check_scopes(project: PythonProject, uses: Uses, old: str, new: str) -> None:
    """Raise Refused where `new` would be taken for something else, or something else for `new`."""
    homes: dict[Path, set[int]] = {}
    for variable in uses.variables:
        homes.setdefault(variable.path, set()).add(variable.home)
    for each in uses.classes:
        homes.setdefault(each.path, set()).add(each.scope)
    for path, found in homes.items():
        names = project.names(path)
        if names is None:
            continue
        for home in found:
            if names.is_bound(new, home):
                raise _taken(names, path, new, names.of(new, home)[0].start)
            for use in names.of(old, home):
                inner = _between(names, use.scope, home)
                for scope in inner:
                    if names.is_bound(new, scope):
                        raise _taken(names, path, new, names.of(new, scope)[0].start)
                if _mangles(new) and any(names.scopes[s].kind == "class" for s in _chain(names, use.scope)):
                    raise Refused(f"{new} would be private to a class where {old} is used, in {path.name}.")
            for use in names.occurrences:
                if use.name != new:
                    continue
                meant = names.home(use)
                if home == meant or home in _between(names, use.scope, meant):
                    raise _taken(names, path, new, use.start)


def _between(names: PythonNames, scope: int, home: int) -> list[int]:
    """The scopes whose names the code in `scope` sees before those of `home`."""
    found: list[int] = []
    for each in names.around(scope):
        if each == home:
            return found
        found.append(each)
    return found


def _chain(names: PythonNames, scope: int) -> Iterable[int]:
    while scope != MODULE:
        yield scope
        scope = names.scopes[scope].parent


def _mangles(name: str) -> bool:
    return name.startswith("__") and not name.endswith("__")


def _taken(names: PythonNames, path: Path, new: str, start: int) -> Refused:
    line = names.tree.text.line_at(start) + 1
    return Refused(f"{new} already means something else in {path.name}, line {line}; choose another name.")
