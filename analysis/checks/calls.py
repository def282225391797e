"""`call-does-not-fit`: a Python call that cannot fit the function it resolves to.

A finding is made only when the callee is certain: one unconditional definition, reached through
imports that lead to one file, with no decorator, base class or rebinding that could change how it is
called. Names the check cannot follow are passed over in silence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from devflow.analysis.checks.call_sites import Site, python_calls
from devflow.analysis.checks.callee import Resolver, Target
from devflow.analysis.checks.python_module import Function, Module
from devflow.analysis.facts import Finding, Location

__all__ = ["CODE", "Site", "misfit", "python_calls", "unfit_calls"]

CODE = "call-does-not-fit"


def unfit_calls(
    sites: Sequence[Site], module: Module, roots: Sequence[Path], files: Mapping[Path, Module | None]
) -> tuple[list[Finding], frozenset[Path]]:
    """The findings, and the files that would have to be in `files` (None: does not exist) to decide more.

    Call it again with those until it wants no more.
    """
    resolver = Resolver(module, roots, files)
    findings = []
    for site in sites:
        target = resolver.method(site) if site.own else resolver.callable(module, site.callee)
        if target and (problem := misfit(site, target.function, target.bound)):
            findings.append(_finding(site, target, problem))
    return findings, frozenset(resolver.wanted)


def _finding(site: Site, target: Target, problem: str) -> Finding:
    related: tuple[tuple[Location, str], ...] = ()
    if target.module.path is not None and target.function.start >= 0:
        place = Location(target.module.path, target.function.start, target.function.end)
        related = ((place, f"{target.shown} is defined here"),)
    return Finding(site.start, site.end, CODE, f"{target.shown}() {problem}", "error", related)


def misfit(site: Site, function: Function, bound: bool) -> str:
    """Why the call cannot fit, "" when it can; to be put behind `name()`. `bound`: the receiver fills the
    first parameter."""
    parameters = list(function.parameters)
    if bound:
        if parameters and parameters[0].kind != "keyword-only":
            del parameters[0]
        elif not function.takes_more:
            return ""  # a `def method():` that someone wraps; not ours to judge
    by_place = [p for p in parameters if p.kind != "keyword-only"]
    if site.positional > len(by_place) and not function.takes_more:
        return _too_many(len(by_place), site.positional, exactly=all(p.required for p in by_place))
    by_name = {p.name for p in parameters if p.kind != "positional-only"}
    for keyword in site.keywords:
        if keyword not in by_name and not function.takes_keywords:
            return f"has no parameter {keyword!r}"
    filled = {p.name for p in by_place[: site.positional]}
    for keyword in site.keywords:
        if keyword in filled & by_name:
            return f"gets {keyword!r} twice, by position and by name"
    if site.double_starred:
        return ""
    filled |= set(site.keywords) & by_name
    missing = [
        p.name
        for p in parameters
        if p.required and p.name not in filled and not (site.starred and p.kind != "keyword-only")
    ]
    if not missing:
        return ""
    names = ", ".join(repr(name) for name in missing)
    return f"is called without its required argument{'' if len(missing) == 1 else 's'} {names}"


def _too_many(most: int, given: int, *, exactly: bool) -> str:
    if not most:
        return f"takes no positional arguments, {given} given"
    count = f"{most}" if exactly else f"at most {most}"
    return f"takes {count} positional argument{'' if most == 1 else 's'}, {given} given"
