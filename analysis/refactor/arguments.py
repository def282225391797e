"""The keyword arguments that name a parameter, at the calls of its function."""

from __future__ import annotations

from collections.abc import Iterable

from devflow.analysis.python_scopes import Occurrence
from devflow.analysis.refactor.classes import ClassRef, decorators
from devflow.analysis.refactor.project import PythonProject, node_of
from devflow.analysis.refactor.receivers import Receivers
from devflow.analysis.refactor.refused import NotIndexed, Refused
from devflow.analysis.refactor.targets import parameter_of
from devflow.analysis.refactor.variables import Place, Uses, Variable, call_of, member_uses, variable_uses


def with_arguments(
    project: PythonProject, classes: Receivers, target: Variable, uses: Uses, new: str
) -> tuple[Uses, set[Place]]:
    """For a parameter: the same one of overriding methods, and the keyword arguments of the calls."""
    names = project.names(target.path)
    keywords: set[Place] = set()
    if names is None or not any(
        each.how == "parameter" and each.role == "bind" for each in names.of(target.name, target.home)
    ):
        return uses, keywords
    scope = names.scopes[target.home]
    name_node = scope.node.child_by_field_name("name")
    if scope.kind != "function" or name_node is None:
        return uses, keywords
    function = names.at(names.tree.span(name_node).start)
    if function is None:
        return uses, keywords
    home = names.home(function)
    variables, calls = {target, *_in_overloads(project, target, function, home)}, set[Place]()
    alone = False
    try:
        _shared(project, classes, target, function, home, variables, calls)
    except NotIndexed:
        alone = True
        calls |= {Place(target.path, each.start, each.end) for each in names.of(function.name, home)}
    places = set(uses.places)
    for variable in variables:
        places |= variable_uses(project, variable).places
    for place in calls | _under_other_names(project, calls):
        keywords |= set(_keyword_at(project, place, target.name, new))
    return Uses(frozenset(places), frozenset(variables), this_file_only=alone), keywords


def _in_overloads(
    project: PythonProject, target: Variable, function: Occurrence, home: int
) -> Iterable[Variable]:
    """The parameter in the overloads of its function, or in what they are overloads of."""
    names = project.names(target.path)
    if names is None:
        return
    made = [node_of(names, each).parent for each in names.of(function.name, home) if each.role == "bind"]
    if not any("overload" in text.split(".") for node in made if node for text in decorators(names, node)):
        return
    for node in made:
        same = parameter_of(names, target.path, node, target.name)
        if same is not None:
            yield same


def _shared(
    project: PythonProject,
    classes: Receivers,
    target: Variable,
    function: Occurrence,
    home: int,
    variables: set[Variable],
    calls: set[Place],
) -> None:
    """Add the parameters that are the same one, and where the function is called."""
    names = project.names(target.path)
    if names is not None and names.scopes[home].kind == "class":
        owner = ClassRef(target.path, home)
        if function.name in ("__init__", "__new__"):
            calls |= _constructions(project, classes, owner, function.name)
        elif not (function.name.startswith("__") and function.name.endswith("__")):
            found = member_uses(project, classes, owner, function.name)
            calls |= found.places
            for each in found.classes:
                node = project.definition_node(each.path, each.scope, function.name)
                same = parameter_of(project.names(each.path), each.path, node, target.name)
                if same is not None:
                    variables.add(same)
    else:
        calls |= variable_uses(project, Variable(target.path, home, function.name)).places


def _under_other_names(project: PythonProject, calls: set[Place]) -> set[Place]:
    """Where functions are used that an import gives another name: `from m import f as g`."""
    found: set[Place] = set()
    for place in calls:
        names = project.names(place.path)
        for brought in names.imports if names is not None else ():
            if brought.start == place.start and brought.has_alias and names is not None:
                home = names.lookup(brought.bound, brought.scope)
                found |= variable_uses(project, Variable(place.path, home, brought.bound)).places
    return found


def _keyword_at(project: PythonProject, place: Place, old: str, new: str) -> Iterable[Place]:
    names = project.names(place.path)
    call = call_of(names.tree, place.start, place.end) if names is not None else None
    if names is None or call is None:
        return
    given = {each.name: each for each in names.keywords if each.call == call}
    if old in given:
        if new in given:
            line = names.tree.text.line_at(place.start) + 1
            raise Refused(f"A call in {place.path.name}, line {line}, passes both {old} and {new}.")
        yield Place(place.path, given[old].start, given[old].end)


def _constructions(project: PythonProject, classes: Receivers, owner: ClassRef, method: str) -> set[Place]:
    """Where a class's constructor is called: by its name or that of a subclass without one of its own, by
    `super().__init__` in a direct subclass, by `cls(…)`."""
    built = [owner]
    places: set[Place] = set()
    for each in built:  # grows
        for below in classes.subclasses(each):
            names = project.names(below.path)
            if names is None or below in built:
                continue
            if not names.is_bound(method, below.scope):
                built.append(below)
            places.update(
                Place(below.path, member.start, member.end)
                for member in names.members
                if member.name == method
                and (member.owner.type == "call" or names.tree.slice(member.owner) == classes.name_of(each))
                and names.scopes[below.scope].start <= member.start < names.scopes[below.scope].end
            )
    for each in built:
        names = project.names(each.path)
        if names is None:
            continue
        home = names.lookup(classes.name_of(each), names.scopes[each.scope].parent)
        places |= variable_uses(project, Variable(each.path, home, classes.name_of(each))).places
        places.update(
            Place(each.path, use.start, use.end)
            for use in names.occurrences
            if use.name == "cls"
            and classes.self_class(each.path, use.scope, names.tree.smallest(use.start, use.end)) == each
        )
    return places
