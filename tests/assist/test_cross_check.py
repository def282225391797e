"""Definition, references, highlights and renames over installed packages, held against two views that are
not ours: the compiler's tables and jedi's references."""

from __future__ import annotations

import re
import shutil
import sysconfig
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import jedi
import pytest
from jedi.api.environment import InterpreterEnvironment

from devflow.analysis.document import Document
from devflow.analysis.python_names import python_names
from devflow.analysis.python_scopes import PythonNames
from devflow.analysis.refactor.rename import Renaming
from devflow.server.assist.base import Codebase
from devflow.server.assist.highlight import highlights
from devflow.server.assist.navigate import definition, references
from devflow.server.assist.rename import RenameRefused, rename
from support.codebase import document, workspace
from support.compiler import same_names

INSTALLED = Path(sysconfig.get_path("purelib"))
PACKAGES = {"pygls": 13, "click": 23}
"""Every how manieth name of each file of middle size is looked at."""
REFUSALS = re.compile(
    r"is a module|is defined outside this workspace|has a meaning of its own|There is no name to rename here"
)
MOST_UNEXPLAINED = 2
"""Of jedi's answers: it takes imports of one module in several functions for one name."""


@dataclass(frozen=True)
class Spot:
    """A name of a file, looked at where it stands at `at`."""

    doc: Document
    names: PythonNames
    at: int
    name: str
    home: int
    kind: str
    places: frozenset[int]
    """Where the compiler says the same name stands, and inside strings that are annotations."""

    def __str__(self) -> str:
        path = self.doc.path
        assert path is not None
        return f"{path.name}:{self.doc.text.line_at(self.at) + 1} {self.name}"

    def binds(self) -> set[int]:
        return {each.start for each in self.names.of(self.name, self.home) if each.role == "bind"}

    def hows(self) -> set[str]:
        return {each.how for each in self.names.of(self.name, self.home)}

    def is_local(self) -> bool:
        return self.kind not in ("module", "class", "unbound")


def spots(folder: Path, step: int) -> list[Spot]:
    found = []
    for path in sorted(folder.rglob("*.py")):
        source = path.read_text("utf-8")
        if not 4_000 < len(source) < 30_000:
            continue
        doc = document(source, path)
        assert doc.tree is not None
        names = python_names(doc.tree)
        groups = same_names(source)
        for key in sorted(groups, key=lambda key: min(groups[key]))[::step]:
            places = sorted(groups[key])
            at = places[len(places) // 2]
            here = names.at(at)
            assert here is not None
            home = names.home(here)
            kind = names.scopes[home].kind if names.is_bound(key[0], home) else "unbound"
            quoted = {each.start for each in names.of(key[0], home) if each.how == "quoted"}
            found.append(Spot(doc, names, at, key[0], home, kind, frozenset(groups[key] | quoted)))
    return found


@dataclass(frozen=True)
class Package:
    code: Codebase
    spots: list[Spot]


@asynccontextmanager
async def opened(name: str, root: Path, *, indexed: bool = False) -> AsyncIterator[Package]:
    shutil.copytree(INSTALLED / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    async with workspace(root, "x = 1<|>\n", indexed=indexed) as space:
        found = spots(root / name, PACKAGES[name])
        assert len(found) > 60
        yield Package(space.code, found)


@pytest.fixture(params=PACKAGES)
async def package(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Package]:
    async with opened(request.param, tmp_path) as made:
        yield made


@pytest.fixture(params=PACKAGES)
async def indexed(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Package]:
    async with opened(request.param, tmp_path, indexed=True) as made:
        yield made


async def test_highlights_are_the_places_the_compiler_knows(package: Package) -> None:
    for spot in package.spots:
        if spot.kind != "class":  # those of a class are highlighted behind `self.` as well
            found = await highlights(spot.doc, spot.at, package.code)
            assert {each.start for each in found} == spot.places, str(spot)


async def test_a_local_is_defined_where_its_scope_binds_it(package: Package) -> None:
    for spot in package.spots:
        if not spot.is_local() or "import" in spot.hows() or spot.name in ("self", "cls"):
            continue  # what is imported is defined elsewhere; `self` stands for its class
        found = (await definition(spot.doc, spot.at, package.code)).locations
        assert found, str(spot)
        assert all(each.path == spot.doc.path and each.start in spot.binds() for each in found), str(spot)


async def test_references_hold_all_the_compiler_knows(indexed: Package) -> None:
    for spot in indexed.spots:
        if spot.kind == "unbound":
            continue
        found = await references(spot.doc, spot.at, indexed.code, True)
        here = {each.start for each in found if each.path == spot.doc.path}
        assert spot.places <= here, str(spot)
        if spot.is_local():  # members and imported names are used behind dots and in other files too
            assert here == spot.places, str(spot)


async def renamed(spot: Spot, code: Codebase) -> tuple[Renaming | None, str]:
    try:
        return await rename(spot.doc, spot.at, "brand_new", code), ""
    except RenameRefused as refusal:
        return None, str(refusal)


async def test_a_rename_takes_every_place_along_and_no_other_variable(indexed: Package) -> None:
    done: Counter[str] = Counter()
    for spot in indexed.spots:
        if spot.kind == "unbound":
            continue
        path = spot.doc.path
        assert path is not None
        made, reason = await renamed(spot, indexed.code)
        if made is None:
            plain = spot.is_local() and spot.name not in ("self", "cls") and "import" not in spot.hows()
            assert REFUSALS.search(reason), f"{spot}: {reason}"
            assert not plain, f"{spot}: {reason}"
            continue
        done[spot.kind] += 1
        here = {each.start for each in made.edits[path]}
        assert spot.places <= here, str(spot)
        for more in here - spot.places:
            other = spot.names.at(more)
            # Keyword arguments, members and strings; else the same parameter of a method that overrides.
            assert other is None or "parameter" in spot.hows() or spot.kind == "class", f"{spot}: {more}"
    assert done["function"] > 15
    assert done["module"] > 5


async def test_jedi_finds_the_same_uses_of_locals(package: Package) -> None:
    reasons: Counter[str] = Counter()
    scripts: dict[str, jedi.Script] = {}
    environment = InterpreterEnvironment()  # the default one leaves a process behind
    for spot in [each for each in package.spots if each.is_local()][::2]:
        text = spot.doc.text
        script = scripts.setdefault(
            spot.doc.uri, jedi.Script(text.source, path=spot.doc.path, environment=environment)
        )
        line = text.line_at(spot.at)
        column = spot.at - text.line_start(line)
        found = script.get_references(line + 1, column, scope="file")
        theirs = {text.offset(each.line - 1, each.column, "utf-32") for each in found}
        ours = {each.start for each in await references(spot.doc, spot.at, package.code, True)}
        keywords = {each.start for each in spot.names.keywords}
        quoted = {each.start for each in spot.names.occurrences if each.how == "quoted"}
        if theirs == ours:
            reasons["the same"] += 1
        elif theirs - ours <= keywords and ours - theirs <= quoted:
            reasons["keyword arguments, or annotations in quotes"] += 1
        else:
            reasons[f"unexplained: {spot}"] += 1
    unexplained = [reason for reason in reasons if reason.startswith("unexplained")]
    assert len(unexplained) <= MOST_UNEXPLAINED, unexplained
    assert reasons["the same"] > 4 * (sum(reasons.values()) - reasons["the same"])
