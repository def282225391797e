"""The calls in one file that run a function of it for certain, told by names and classes.

A class that inherits a constructor or a method runs it as its own, and one that overrides it reaches it by
`super()`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from devflow.analysis.calls import CallSite, calls
from devflow.analysis.facts import Symbol, SymbolKind
from devflow.analysis.syntax.parse import SyntaxTree
from devflow.server.assist.receivers import bases_of

FUNCTIONS = frozenset({SymbolKind.FUNCTION, SymbolKind.METHOD, SymbolKind.CONSTRUCTOR})
CONSTRUCTORS = frozenset({"__init__", "constructor"})
IMPLICIT = frozenset({"self", "cls", "this"})
_COMMON = frozenset(name for each in (str, bytes, list, dict, set) for name in dir(each))
_OWN_OBJECT = re.compile(r"\(\s*self\b")
_SUPER = ("super().", "super.")


def calls_in_file(tree: SyntaxTree, symbol: Symbol, every: Sequence[Symbol]) -> list[CallSite]:
    """The calls that run `symbol`. `every`: the symbols of the file."""
    owner = next((each for each in every if each.qualified_name == symbol.container), None)
    if owner is None or owner.kind is not SymbolKind.CLASS:
        return _of_function(tree, symbol, owner, every)
    if not _is_alone(owner.name, every):
        return []
    heirs = _heirs(owner, symbol.name, every)
    found = [each for each in calls(tree) if _runs_parents(tree, each, symbol, heirs, every)]
    if symbol.name in CONSTRUCTORS:
        made = {each.name for each in heirs}
        found += [each for each in calls(tree) if each.name in made and each.receiver is None and each.plain]
    elif _is_alone(symbol.name, every):
        found += [each for each in calls(tree) if _runs_method(tree, each, symbol, heirs)]
    return sorted(found, key=lambda site: site.start)


def _of_function(
    tree: SyntaxTree, symbol: Symbol, owner: Symbol | None, every: Sequence[Symbol]
) -> list[CallSite]:
    if not _is_alone(symbol.name, every):
        return []
    return [
        site
        for site in calls(tree)
        if site.name == symbol.name
        and not symbol.start <= site.start < symbol.name_end
        and site.receiver is None
        and site.plain
        and (owner is None or owner.start <= site.start < owner.end)
    ]


def _is_alone(name: str, every: Sequence[Symbol]) -> bool:
    kinds = (*FUNCTIONS, SymbolKind.CLASS)
    return sum(each.name == name and each.kind in kinds for each in every) == 1


def _runs_method(tree: SyntaxTree, site: CallSite, symbol: Symbol, heirs: Sequence[Symbol]) -> bool:
    """Whether a call through an object runs the only method of its name in the file."""
    if site.name != symbol.name or symbol.start <= site.start < symbol.name_end:
        return False
    if site.receiver in IMPLICIT:
        return any(each.start <= site.start < each.end for each in heirs)
    if site.receiver is None:
        before = tree.text.source[site.start : site.name_start]
        return not site.plain and before.endswith(".") and before not in _SUPER and symbol.name not in _COMMON
    if site.receiver.rpartition(".")[2] in {each.name for each in heirs}:
        # Through the class the object is an argument: `Page.draw(page, text)`.
        return tree.language != "python" or _OWN_OBJECT.search(symbol.signature) is None
    return symbol.name not in _COMMON and site.receiver != "super"


def _runs_parents(
    tree: SyntaxTree, site: CallSite, symbol: Symbol, heirs: Sequence[Symbol], every: Sequence[Symbol]
) -> bool:
    """Whether a call of `super` runs `symbol`, which one of `heirs` has or inherits."""
    if symbol.name == "constructor":
        if site.name != "super" or site.receiver is not None:
            return False
    elif site.name != symbol.name or tree.text.source[site.start : site.name_start] not in _SUPER:
        return False
    around = [each for each in every if each.kind is SymbolKind.CLASS and each.start < site.start < each.end]
    inside = max(around, key=lambda each: each.start, default=None)
    return inside is not None and bases_of(inside)[:1] in [[each.name] for each in heirs]


def _heirs(owner: Symbol, name: str, every: Sequence[Symbol]) -> list[Symbol]:
    """`owner` and the classes of the file that have its member `name` from it, as their first base has."""
    having = {each.container for each in every if each.name == name}
    heirs = [owner]
    for each in every:  # a base stands above its class
        inherits = each.kind is SymbolKind.CLASS and each.qualified_name not in having
        if inherits and _is_alone(each.name, every) and bases_of(each)[:1] in [[heir.name] for heir in heirs]:
            heirs.append(each)
    return heirs
