"""Where a Python variable or a member of a class stands, over all files of a project."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import tree_sitter

from devflow.analysis.python_fields import COPYING, DATA_BASES, DATA_DECORATORS
from devflow.analysis.python_scopes import MODULE, ImportedName, Keyword
from devflow.analysis.refactor.classes import ClassRef, decorators
from devflow.analysis.refactor.project import PythonProject
from devflow.analysis.refactor.receivers import Receivers
from devflow.analysis.refactor.refused import Refused
from devflow.analysis.syntax.parse import SyntaxTree

_QUESTIONS = 60
"""The most single places a type engine is asked about."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A name of one scope of one file."""

    path: Path
    home: int
    name: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a symbol's name stands. `adds_alias`: it is brought from outside the workspace, so that another
    name for it is `name as other`."""

    path: Path
    start: int
    end: int
    adds_alias: bool = False


@dataclass(frozen=True, slots=True)
class Uses:
    """The places of a symbol. `doubtful` are of the right name, and nobody can tell whether they mean it."""

    places: frozenset[Place]
    variables: frozenset[Variable] = frozenset()
    doubtful: frozenset[Place] = frozenset()
    classes: tuple[ClassRef, ...] = ()
    this_file_only: bool = False
    """Other files could not be looked at."""


def variable_uses(project: PythonProject, start: Variable) -> Uses:
    """Everywhere the variable is used: imports, re-exports, star imports, `module.name`, `__all__`."""
    path, home, name = project.definition(start.path, start.name, start.home)
    if name != start.name:  # its import gives it this name: it is a variable of its own
        path, home, name = start.path, start.home, start.name
    found: list[Variable] = [Variable(path, home, name)]
    known = set(found)
    places: set[Place] = set()
    candidates: list[Path] = []
    brought: dict[Path, list[tuple[Path, ImportedName]]] = {}
    for each in found:  # grows
        _in_own_file(project, each, places)
        if each.home != MODULE:
            continue
        if not candidates:
            candidates = sorted({path, start.path, *project.sources.files_with(name)})
            candidates += _offering(project, each, candidates)
            brought = _brought(project, name, candidates)
        for more in _through_imports(project, each, brought.get(each.path, ()), places):
            if more not in known:
                known.add(more)
                found.append(more)
    modules = {each.path for each in found if each.home == MODULE}
    for file in candidates:
        _behind_modules(project, modules, name, file, places)
    return Uses(frozenset(places), frozenset(found))


def _brought(
    project: PythonProject, name: str, files: Sequence[Path]
) -> dict[Path, list[tuple[Path, ImportedName]]]:
    """The imports of `files` that bring `name`, or everything, by the module that they bring it from."""
    result: dict[Path, list[tuple[Path, ImportedName]]] = {}
    for file in files:
        names = project.names(file)
        for each in names.imports if names is not None else ():
            if each.name in (name, "*") and (source := project.imported_from(each, file)) is not None:
                result.setdefault(source, []).append((file, each))
    return result


def _offering(project: PythonProject, each: Variable, files: Sequence[Path]) -> list[Path]:
    """The modules that offer the variable by a star import alone: its name is not written there."""
    found: dict[Path, None] = {}
    for file in files:
        names = project.names(file)
        for brought in names.imports if names is not None else ():
            source = project.imported_from(brought, file) if brought.name == each.name else None
            while source is not None and source not in files and source not in found:
                if project.definition(source, each.name) != (each.path, each.home, each.name):
                    break
                found[source] = None
                source = _star_source(project, source, each.name)
    return list(found)


def _star_source(project: PythonProject, file: Path, name: str) -> Path | None:
    """The module whose star import brings `name` into `file`."""
    names = project.names(file)
    for brought in names.imports if names is not None else ():
        source = project.imported_from(brought, file) if brought.name == "*" else None
        if source is not None:
            made = project.definition(source, name)
            known = project.names(made[0])
            if known is not None and known.is_bound(made[2], made[1]):
                return source
    return None


def _in_own_file(project: PythonProject, each: Variable, places: set[Place]) -> None:
    names = project.names(each.path)
    if names is None:
        return
    imports = project.imports_of(each.name, each.home, each.path)
    if any(not brought.name and not brought.has_alias and "." in brought.module for brought in imports):
        raise Refused(f"{each.name} is also what import {each.name}.… binds, so it is not renamed.")
    external = {
        brought.start
        for brought in imports
        if not brought.has_alias
        and (not brought.name or not _is_known(project, brought.module, brought.level, each))
    }
    for at in names.of(each.name, each.home):
        places.add(Place(each.path, at.start, at.end, at.start in external))


def _is_known(project: PythonProject, module: str, level: int, each: Variable) -> bool:
    """Whether the module an import names is in the workspace and has a variable of that name."""
    source = project.file_of(module, level, each.path)
    known = project.names(source) if source is not None else None
    return known is not None and (known.is_bound(each.name, MODULE) or known.has_star())


def _through_imports(
    project: PythonProject,
    each: Variable,
    imports: Iterable[tuple[Path, ImportedName]],
    places: set[Place],
) -> Iterable[Variable]:
    """The variables that `imports` from the module of `each` bind."""
    for file, brought in imports:
        names = project.names(file)
        if names is None:
            continue
        if brought.name == "*":
            if file != each.path and not names.is_bound(each.name, MODULE):
                yield Variable(file, MODULE, each.name)
            continue
        places.add(Place(file, brought.start, brought.end))
        if brought.bound == each.name:  # `a as a` too: it says that the name is offered further
            yield Variable(file, names.lookup(each.name, brought.scope), each.name)


def _behind_modules(
    project: PythonProject, modules: set[Path], name: str, file: Path, places: set[Place]
) -> None:
    names = project.names(file)
    for member in names.members if names is not None else ():
        if member.name == name and project.module_named(file, member.scope, member.owner) in modules:
            places.add(Place(file, member.start, member.end))


def member_uses(project: PythonProject, classes: Receivers, start: ClassRef, name: str) -> Uses:
    """Everywhere a member of a class is used, in the classes it is shared with too. A type engine is
    asked about what syntax leaves open; the rest is doubtful."""
    family = classes.family(start, name)
    related = {*family, *(base for each in family for base in classes.ancestors(each))}
    if name.startswith("__") and not name.endswith("__"):
        family, related = [start], {start}
    made: set[Place] = set()
    for each in family:
        names = project.names(each.path)
        if names is None:
            continue
        made.update(Place(each.path, at.start, at.end) for at in names.of(name, each.scope))
    places, open_ = set(made), list[Place]()
    is_data = any(_is_data(project, classes, each) for each in family)
    for file in sorted({each.path for each in family} | set(project.sources.files_with(name))):
        open_ += _behind(project, classes, file, name, related.__contains__, places, is_data)
    return _settled(project, family, name, places, open_)


def certain_member_uses(project: PythonProject, classes: Receivers, owner: ClassRef, name: str) -> set[Place]:
    """Where the member that `owner` itself defines is used for certain, its places in the class among them: a
    subclass's own member of that name is another one. No type engine is asked."""
    own = project.names(owner.path)
    places = {Place(owner.path, at.start, at.end) for at in own.of(name, owner.scope)} if own else set()
    is_data, keys = _is_data(project, classes, owner), classes.is_typed_dict(owner)
    for file in sorted({owner.path, *project.sources.files_with(name)}):
        names = project.names(file)

        def is_it(each: ClassRef) -> bool:
            return classes.definer(each, name) == owner

        _behind(project, classes, file, name, is_it, places, is_data)
        for key in names.keys if names is not None and keys else ():
            holder = classes.receiver(file, key) if key.name == name else None
            if isinstance(holder, ClassRef) and is_it(holder):
                places.add(Place(file, key.start, key.end))
    return places


def _behind(
    project: PythonProject,
    classes: Receivers,
    file: Path,
    name: str,
    is_it: Callable[[ClassRef], bool],
    places: set[Place],
    is_data: bool,
) -> list[Place]:
    """Add where `name` of a class that `is_it` stands in `file`; the places that may be anybody's."""
    open_: list[Place] = []
    names = project.names(file)
    for member in names.members if names is not None else ():
        if member.name != name:
            continue
        owner = classes.receiver(file, member)
        if isinstance(owner, ClassRef) and is_it(owner):
            places.add(Place(file, member.start, member.end))
        elif owner is None or (isinstance(owner, ClassRef) and classes.definer(owner, name) is None):
            open_.append(Place(file, member.start, member.end))
    for given in names.keywords if names is not None and is_data else ():
        if given.name == name:
            made = keyword_class(project, classes, file, given)
            if made is not None and is_it(made):
                places.add(Place(file, given.start, given.end))
    return open_


def check_keys(classes: Receivers, family: Iterable[ClassRef], name: str) -> None:
    """Raise Refused where the member is a key: the mappings it is a key of are made elsewhere too."""
    for one in family:
        if classes.is_typed_dict(one):
            raise Refused(f"{name} is a key of the TypedDict {classes.name_of(one)}, so it is not renamed.")


def _settled(
    project: PythonProject, family: list[ClassRef], name: str, places: set[Place], open_: list[Place]
) -> Uses:
    doubtful: set[Place] = set()
    if open_:
        starts = {(place.path, place.start) for place in places}
        first = min(places, key=lambda place: (str(place.path), place.start), default=None)
        told = project.sources.used(first.path, first.start) if first is not None else None
        used = {(each.path, each.start) for each in told or ()}
        for number, place in enumerate(open_):
            if (place.path, place.start) in used:
                places.add(place)
                continue
            asked = project.sources.defined(place.path, place.start) if number < _QUESTIONS else None
            if not asked:
                doubtful.add(place)
            elif any((each.path, each.start) in starts for each in asked):
                places.add(place)
    return Uses(frozenset(places), frozenset(), frozenset(doubtful), tuple(family))


def _is_data(project: PythonProject, classes: Receivers, each: ClassRef) -> bool:
    """Whether the class's fields are the parameters of its constructor: the keywords of one that is not
    written are fields."""
    made = (each, *classes.ancestors(each))
    if not any(classes.defines(one, method) for one in made for method in ("__init__", "__new__")):
        return True
    for one in made:
        names = project.names(one.path)
        if names is None:
            continue
        node = names.scopes[one.scope].node
        if {base.rpartition(".")[2] for base in classes.bases(one)[1]} & DATA_BASES:
            return True
        if {part for text in decorators(names, node) for part in text.split(".")} & DATA_DECORATORS:
            return True
    return False


def keyword_class(project: PythonProject, classes: Receivers, file: Path, given: Keyword) -> ClassRef | None:
    """The class whose field a keyword argument sets: of a constructor, of `replace(value, field=…)`."""
    names, function = project.names(file), given.call.child_by_field_name("function")
    if function is None or names is None:
        return None
    called = names.tree.slice(function).rpartition(".")[2]
    node: tree_sitter.Node | None = given.call
    if called in COPYING:
        node = (
            function.child_by_field_name("object") if called.startswith("_") else first_argument(given.call)
        )
    made = classes.class_of(file, given.scope, node) if node is not None else None
    return made if isinstance(made, ClassRef) else None


def first_argument(call: tree_sitter.Node) -> tree_sitter.Node | None:
    """The first argument of a call when it is positional."""
    arguments = call.child_by_field_name("arguments")
    given = (
        [each for each in arguments.named_children if each.type != "comment"] if arguments is not None else []
    )
    return given[0] if given and given[0].type != "keyword_argument" else None


def call_of(tree: SyntaxTree, start: int, end: int) -> tree_sitter.Node | None:
    """The call whose function is, or ends with, the name at `start:end`; also `partial(name, …)`."""
    node: tree_sitter.Node | None = tree.smallest(start, end)
    if (
        node is not None
        and node.parent is not None
        and node.parent.type == "attribute"
        and node.parent.child_by_field_name("attribute") == node
    ):
        node = node.parent
    above = node.parent if node is not None else None
    if node is None or above is None:
        return None
    if above.type == "call" and above.child_by_field_name("function") == node:
        return above
    call = above.parent if above.type == "argument_list" else None
    if call is not None and call.type == "call" and first_argument(call) == node:
        function = call.child_by_field_name("function")
        if function is not None and tree.slice(function).rpartition(".")[2] == "partial":
            return call
    return None
