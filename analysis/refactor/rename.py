"""Rename a Python symbol over a project, or say in one sentence why not.

The places come from scopes, imports and class hierarchies (`variables.py`); a type engine is asked about
receivers that syntax leaves open. A wrong rename is worse than none: what would change the meaning of
another name is refused.
"""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from devflow.analysis.refactor.arguments import with_arguments
from devflow.analysis.refactor.classes import ClassRef
from devflow.analysis.refactor.conflicts import check_inside, check_member, check_scopes
from devflow.analysis.refactor.project import PythonProject
from devflow.analysis.refactor.receivers import Receivers
from devflow.analysis.refactor.refused import Refused
from devflow.analysis.refactor.targets import Attribute, target_at
from devflow.analysis.refactor.variables import Place, Uses, check_keys, member_uses, variable_uses
from devflow.analysis.text import Edit, Text

_BUILTIN_TYPES = (str, bytes, int, float, list, dict, set, tuple, object, type, Exception, property)
_COMMON = frozenset(name for each in _BUILTIN_TYPES for name in dir(each)) | {
    "close",
    "read",
    "write",
    "run",
    "start",
}


@dataclass(frozen=True, slots=True)
class Renaming:
    """The edits of a rename. `doubtful` ones are likely, but nobody could tell for certain."""

    edits: dict[Path, list[Edit]]
    doubtful: dict[Path, list[Edit]]
    warning: str = ""
    """A sentence for the user, "" for none."""
    texts: Mapping[Path, Text] = field(default_factory=dict)
    """The texts the edits are for."""


def rename(project: PythonProject, path: Path, at: int, new: str) -> Renaming:
    """The edits that give the name at `at` (where it begins) of `path` the name `new`. Raises Refused."""
    check_name(new)
    names = project.names(path)
    if names is None:
        raise Refused(f"{path.name} cannot be read, so nothing is renamed.")
    classes = Receivers(project)
    target = target_at(project, classes, path, at)
    check_inside(project, target, path)
    if isinstance(target, Attribute):
        uses = member_uses(project, classes, target.owner, target.name)
        check_keys(classes, uses.classes, target.name)
        check_member(project, classes, uses, target, new)
        keywords = set[Place]()
    else:
        check_scopes(project, Uses(frozenset(), frozenset({target})), target.name, new)
        uses = variable_uses(project, target)
        uses, keywords = with_arguments(project, classes, target, uses, new)
    places = set(uses.places) | keywords
    check_scopes(project, uses, target.name, new)
    sure = _edits(project, places, target.name, new)
    likely, left = _likely(project, uses, target.name)
    doubtful = _edits(project, likely - places, target.name, new)
    texts = {
        path: known.tree.text for path in {*sure, *doubtful} if (known := project.names(path)) is not None
    }
    return Renaming(sure, doubtful, _warning(target.name, new, left, uses.this_file_only), texts)


def check_name(new: str) -> None:
    """Raise Refused when `new` cannot be a name in Python."""
    shown = new if len(new) <= 40 else new[:40] + "…"
    if not new.isidentifier():
        raise Refused(f"{shown!r} is not a valid name in Python.")
    if keyword.iskeyword(new):
        raise Refused(f"{new} is a reserved word in Python.")


def _edits(project: PythonProject, places: Iterable[Place], old: str, new: str) -> dict[Path, list[Edit]]:
    edits: dict[Path, list[Edit]] = {}
    for place in sorted(places, key=lambda each: (str(each.path), each.start)):
        names = project.names(place.path)
        if names is None or names.tree.text.source[place.start : place.end] != old:
            raise Refused(
                f"{place.path.name} has changed since it was read, so {old} is left as it is; try again."
            )
        if not project.is_inside(place.path) and any(project.is_inside(each.path) for each in places):
            raise Refused(
                f"{old} is used in {place.path.name}, outside this workspace, so it is not renamed."
            )
        text = f"{old} as {new}" if place.adds_alias else new
        edits.setdefault(place.path, []).append(Edit(place.start, place.end, text))
    return edits


def _likely(project: PythonProject, uses: Uses, old: str) -> tuple[set[Place], int]:
    """The doubtful places that are renamed after all, for no other class has a member of that name, and how
    many are left."""
    if not uses.doubtful:
        return set(), 0
    if old in _COMMON or _others_define(project, uses, old):
        return set(), len(uses.doubtful)
    return set(uses.doubtful), 0


def _others_define(project: PythonProject, uses: Uses, old: str) -> bool:
    family = set(uses.classes)
    classes = Receivers(project)
    for path in project.sources.files_with(old):
        names = project.names(path)
        if names is None:
            continue
        made = [ClassRef(path, scope.number) for scope in names.scopes if scope.kind == "class"]
        if any(each not in family and classes.defines(each, old) for each in made):
            return True
    return False


def _warning(old: str, new: str, left: int, this_file_only: bool) -> str:
    if this_file_only:
        return (
            f"The workspace is not indexed yet: keyword arguments {old} in other files are left as they are."
        )
    if left:
        return (
            f"{left} more place{'s' if left > 1 else ''} with a member {old} may or may not mean this one; "
            "what could not be told for certain was left as it is."
        )
    return f"{new} is also the name of a builtin." if hasattr(builtins, new) else ""
