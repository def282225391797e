"""What other files may no longer do with a module: calls that do not fit its functions, imports of names
that it does not have.

Told from the module as it is now and from the places that are known to use it (`retrieval/graph`): no former
version is compared, so what was broken long ago is found too. Where anything could make a call or an import
work after all, nothing is said.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from devflow.analysis.checks.call_sites import calls_at
from devflow.analysis.checks.callee import Resolver, is_plain, method_kind
from devflow.analysis.checks.calls import misfit
from devflow.analysis.checks.python_module import Class, Function, Module
from devflow.analysis.checks.undefined_names import is_meant
from devflow.analysis.checks.unresolved_imports import is_provided_for, may_fail
from devflow.analysis.python_names import python_names
from devflow.analysis.tokens import lex

if TYPE_CHECKING:
    from devflow.analysis.python_scopes import ImportedName
    from devflow.analysis.syntax.parse import SyntaxTree

CALLS = "callers-do-not-fit"
NAMES = "used-name-missing"

_OPEN = re.compile(
    r"\bglobals\(\)|\bvars\(\)|\blocals\(\)|\bexec\s*\(|\bsetattr\s*\(|\b__path__\b"
    r"|\blazy_?\w*|\b_?create_module\b",
    re.IGNORECASE,
)
"""What may give a Python module names that its text does not bind."""
_IMPORTED_BESIDE = 24
"""Tokens of one import statement that are looked at."""
_SCRIPT_OPEN = re.compile(
    r"\bexport\s*\*|\bmodule\s*\.\s*exports\b|(?<!\.)\bexports\s*[.\[=]|\bexport\s*=|\bdefineProperty\b"
)
_ATTRIBUTE_CATCHES = re.compile(r"\b(?:AttributeError|Exception|BaseException)\b")
_WORD = re.compile(r"[^\W\d][\w$]*")


@dataclass(frozen=True, slots=True)
class Callee:
    """A function of a module whose calls can be judged. `start:end` is its name."""

    qualified_name: str
    """As the index calls it: `area`, `Shape.grow`, `Shape.__init__`."""
    shown: str
    """`area`, `Shape.grow`, `Shape`."""
    function: Function
    ways: tuple[bool, ...]
    """Whether a call's receiver fills the first parameter; the second of two where it may be a class."""

    @property
    def key(self) -> tuple[object, ...]:
        """Changes when it must be called otherwise."""
        function = self.function
        return (self.qualified_name, function.parameters, function.takes_more, function.takes_keywords)


def callees(
    module: Module, roots: Sequence[Path], files: Mapping[Path, Module | None]
) -> tuple[list[Callee], frozenset[Path]]:
    """The functions, methods and constructors of a module that nothing else defines or changes; and, as
    `unfit_calls`, the files that would have to be in `files` to decide more: those of its classes' bases."""
    resolver = Resolver(module, roots, files)
    found: list[Callee] = []
    for name in module.bindings:
        meaning = module.meaning(name)
        if isinstance(meaning, Function) and is_plain(meaning):
            found.append(Callee(name, name, meaning, (False,)))
        elif isinstance(meaning, Class):
            found += _of_class(meaning, module, resolver)
    return found, frozenset(resolver.wanted)


def _of_class(made: Class, module: Module, resolver: Resolver) -> Iterator[Callee]:
    for name, found in made.members.items():
        if len(found) != 1 or not isinstance(found[0], Function):
            continue
        function = found[0]
        kind = method_kind(function)
        if name == "__init__":
            if kind == "instance" and resolver.is_made_by_init(module, made):
                yield Callee(f"{made.name}.{name}", made.name, function, (True, False))
        elif kind and not function.empty and not (name.startswith("__") and name.endswith("__")):
            # A method may be called with its object as an argument: `Shape.grow(shape, 2)`.
            ways = {"instance": (True, False), "class": (True,), "static": (False,)}[kind]
            yield Callee(f"{made.name}.{name}", f"{made.name}.{name}", function, ways)


def unfit_places(tree: SyntaxTree, places: frozenset[int], callee: Callee) -> list[tuple[int, int, str]]:
    """Of the calls of `callee` at `places` (where their names begin) those that cannot fit it: start, end
    and why."""
    found = []
    for site in calls_at(tree, places):
        ways = callee.ways if site.class_level else callee.ways[:1]
        problems = [misfit(site, callee.function, bound) for bound in ways]
        if all(problems):
            found.append((site.start, site.end, problems[0]))
    return found


def missing_names(module: Module, source: str, names: Collection[str]) -> set[str]:
    """Of the `names` that others import from a Python module those that it certainly does not have."""
    if "*" in module.bindings or "__getattr__" in module.bindings or _OPEN.search(source):
        return set()
    if _may_replace_itself(module, source):
        return set()
    return {
        name
        for name in names
        if module.meaning(name) is None and not (name.startswith("__") and name.endswith("__"))
    }


def _may_replace_itself(module: Module, source: str) -> bool:
    """Whether a Python module uses `sys.modules` for more than to look for others, or to get, set or drop
    them by name."""
    if "modules" not in source:
        return False
    path = module.path
    own = "" if path is None else path.parent.name if path.stem == "__init__" else path.stem
    tokens = ["", "", *(each.text for each in lex(source, "python")), "", "", "", ""]
    for at, text in enumerate(tokens):
        if text != "modules":
            continue
        if tokens[at - 1] != "." or tokens[at - 2].strip("_") != "sys":
            if ("from", "sys") in pairwise(tokens[max(0, at - _IMPORTED_BESIDE) : at]):
                return True  # `from sys import modules`
            continue
        before, behind = tokens[at - 3], tokens[at + 1]
        if before == "in" and behind not in (".", "["):
            continue
        given = ""
        if behind == "[":
            given = tokens[at + 2]
        elif tokens[at + 1 : at + 4] in ([".", "get", "("], [".", "pop", "("]):
            given = tokens[at + 4]
        named = given.strip("\"'")
        if len(given) - len(named) != 2 or named.rpartition(".")[2] in ("", own):
            return True
    return False


def missing_exports(source: str, names: Collection[str]) -> set[str]:
    """The same of a JavaScript or TypeScript module: names that stand nowhere in its text."""
    wanted = {name for name in names if _WORD.fullmatch(name) and name != "default"}
    if not wanted or _SCRIPT_OPEN.search(source):
        return set()
    return wanted - set(_WORD.findall(source))


def certain_imports(tree: SyntaxTree, modules: Collection[str], name: str) -> list[tuple[int, int]]:
    """Where a Python file imports `name` from one of the `modules` (as they are written there) and does not
    provide for its absence."""
    names = python_names(tree)
    return [
        (each.start, each.end)
        for each in names.imports
        if each.name == name
        and _written(each) in modules
        and not each.statement.has_error
        and not may_fail(names, each)
    ]


def certain_members(
    tree: SyntaxTree, modules: Collection[tuple[str, str]], name: str
) -> list[tuple[int, int]]:
    """Where a Python file reads `module.name` of a module that it imports as one of `modules` (module and
    name as they are written in the import) and does not provide for its absence."""
    names = python_names(tree)
    if re.search(rf"[\"']{name}[\"']", tree.text.source):
        return []  # it may be asked for, or put there
    members = [each for each in names.members if each.name == name]
    found = []
    for each in members:
        owner = tree.slice(each.owner)
        head = names.at(tree.span(each.owner).start)
        if head is None or not all(part.isidentifier() for part in owner.split(".")):
            continue
        home = names.home(head)
        made = [one for one in names.imports if one.bound == head.name and one.scope == home]
        bindings = [one for one in names.of(head.name, home) if one.role != "read"]
        if len(bindings) > len(made) or not all((_written(one), one.name) in modules for one in made):
            continue
        reached = {one.bound if one.name or one.has_alias else one.module for one in made}
        caught = is_provided_for(tree, each.owner, _ATTRIBUTE_CATCHES) or is_meant(tree, each.start)
        if owner in reached and not caught:
            found.append((each.start, each.end))
    return [] if any(each.bound for each in members) else found


def _written(each: ImportedName) -> str:
    return "." * each.level + each.module
