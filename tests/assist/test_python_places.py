"""What Python writes in more ways than a plain name is one thing to every request, from each of its places.

`‹name›` makes it, `«name»` uses it. Asked: definition, references, highlights, rename; without a type engine.
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from devflow.analysis.facts import Location
from devflow.server.assist.highlight import highlights
from devflow.server.assist.hover import hover
from devflow.server.assist.navigate import definition, references
from devflow.server.assist.rename import RenameRefused, rename
from devflow.server.settings import Hover
from support.codebase import workspace

PLACES = {
    "the fields of a named tuple": """
        from collections import namedtuple
        P = namedtuple("P", "‹x› y")
        p = P(«x»=1, y=2)
        p.«x» + p._replace(«x»=3).y
        """,
    "the fields of a named tuple in a list": """
        import collections
        P = collections.namedtuple("P", ["‹x›", "y"])
        P(1, 2).«x»
        """,
    "the fields of a class made of a named tuple": """
        from collections import namedtuple
        class P(namedtuple("P", "‹x› y")):
            def f(self): return self.«x»
        """,
    "the fields of a typed named tuple": """
        from typing import NamedTuple
        P = NamedTuple("P", [("‹x›", int), ("y", int)])
        P(«x»=1, y=2).«x»
        """,
    "the fields of a named tuple of another file": """
        #- shapes.py
        from collections import namedtuple
        Point = namedtuple("Point", "‹left› y")
        #- main.py
        from shapes import Point
        def f(p: Point): return p.«left»
        """,
    "the members of an enumeration made by a call": """
        from enum import Enum
        Color = Enum("Color", "‹RED› BLUE")
        Color.«RED»
        """,
    "slots": """
        class A:
            __slots__ = ("«left»", "b")
            def __init__(self): self.‹left› = 1
        """,
    "the order of a pattern": """
        class A:
            __match_args__ = ("«left»",)
            ‹left›: int
        """,
    "names that a module exports": """
        #- shapes.py
        __all__ = ["«area»"]
        __all__ += ["other"]
        def ‹area›(): ...
        #- main.py
        from shapes import «area»
        «area»()
        """,
    "names that a package exports from inside": """
        #- pkg/__init__.py
        from .inner import «thing»
        __all__ = ["«thing»"]
        #- pkg/inner.py
        def ‹thing›(): ...
        #- main.py
        import pkg
        pkg.«thing»()
        """,
    "names of a star import behind a star import": """
        #- pkg/__init__.py
        from .inner import *
        #- pkg/inner.py
        def ‹thing›(): ...
        #- main.py
        from pkg import «thing»
        «thing»()
        """,
    "a copy with other fields": """
        from dataclasses import dataclass, replace
        @dataclass
        class P:
            ‹x›: int
        def f(p: P): return replace(p, «x»=p.«x» + 1)
        """,
    "a copy with other fields, by the module": """
        import dataclasses
        @dataclasses.dataclass
        class P:
            ‹x›: int
        p = P(«x»=1)
        dataclasses.replace(p, «x»=2)
        """,
    "a copy of attrs": """
        import attrs
        @attrs.define
        class P:
            ‹x›: int
        attrs.evolve(P(1), «x»=2)
        """,
    "patterns": """
        from dataclasses import dataclass
        @dataclass
        class P:
            ‹x›: int
        def f(p):
            match p:
                case P(«x»=0): return 1
                case P(«x»=a): return a
        """,
    "the keywords of a partial function": """
        from functools import partial
        def f(‹width›, b): return «width»
        g = partial(f, «width»=3)
        """,
    "the types of comments": """
        class ‹Thing›: ...
        a = None  # type: list[«Thing»]
        def f(a):
            # type: («Thing») -> None
            pass
        """,
    "what a class sets from the name of its module": """
        ‹size› = 3
        class A:
            size = «size»
        """,
    "a name of a class that is set from its module's": """
        size = 3
        class A:
            ‹size› = size
        A().«size»
        """,
    "the name that a type variable is told": """
        from typing import TypeVar
        ‹T› = TypeVar("«T»")
        def f(x: «T») -> «T»: ...
        """,
    "the parameters that a test is given values for": """
        import pytest
        @pytest.mark.parametrize("«size», unit", [(1, 2)])
        @pytest.mark.parametrize(["kind"], [(1,)])
        def test_a(‹size›, unit, kind): return «size»
        """,
    "what is caught": """
        class E(Exception):
            def ‹why›(self): ...
        try: ...
        except E as e:
            e.«why»()
        """,
}
KEYS = {
    "of a TypedDict": """
        from typing import TypedDict
        class D(TypedDict):
            ‹key›: int
            other: str
        d: D = {"«key»": 1, "other": ""}
        def f(d: D): return d["«key»"], d.get("«key»"), D(«key»=1)
        """,
    "of a TypedDict that another one goes on from": """
        from typing import TypedDict
        class B(TypedDict):
            ‹key›: int
        class D(B):
            other: str
        def f(d: D): return d["«key»"]
        """,
    "of a TypedDict made by a call": """
        from typing import TypedDict
        D = TypedDict("D", {"‹key›": int})
        def f(d: D): return d["«key»"]
        """,
}


def marked(snippet: str) -> tuple[str, list[tuple[str, int]], tuple[str, int]]:
    """The snippet without marks; where the places begin, by file and offset, and where it is made."""
    name, files, places = "main.py", dict[str, str](), list[tuple[str, int]]()
    made = ("", 0)
    for line in textwrap.dedent(snippet).lstrip("\n").splitlines(keepends=True):
        if line.startswith("#- "):
            name = line[3:].strip()
        plain = files.setdefault(name, "")
        for piece in re.split(r"([«‹»›])", line if not line.startswith("#- ") else ""):
            if piece in ("«", "‹"):
                places.append((name, len(plain)))
                made = (name, len(plain)) if piece == "‹" else made
            elif piece not in ("»", "›"):
                plain += piece
        files[name] = plain
    return "".join(f"#- {each}\n{text}" for each, text in files.items()), places, made


def with_cursor(text: str, place: tuple[str, int]) -> str:
    """The files of `text` with the cursor one sign behind `place`."""
    before, head, rest = text.partition(f"#- {place[0]}\n")
    return before + head + rest[: place[1] + 1] + "<|>" + rest[place[1] + 1 :]


@pytest.mark.parametrize("name", [*PLACES, *KEYS])
async def test_each_place_leads_to_all(name: str, tmp_path: Path) -> None:
    text, places, made = marked({**PLACES, **KEYS}[name])

    def shown(root: Path, found: list[Location]) -> set[tuple[str, int]]:
        return {(each.path.relative_to(root).as_posix(), each.start) for each in found}

    for number, place in enumerate(places):
        root = tmp_path / str(number)
        async with workspace(root, with_cursor(text, place), indexed=True) as space:
            told = await definition(space.doc, space.at, space.code)
            assert shown(root, list(told.locations)) == {made}, f"definition from {place}"
            used = await references(space.doc, space.at, space.code, include_declaration=True)
            assert shown(root, used) == set(places), f"references from {place}"
            lit = {each.start for each in await highlights(space.doc, space.at, space.code)}
            assert lit == {start for path, start in places if path == place[0]}, f"highlights from {place}"
            if name in KEYS:
                with pytest.raises(RenameRefused):
                    await rename(space.doc, space.at, "renamed", space.code)
            else:
                done = await rename(space.doc, space.at, "renamed", space.code)
                changed = {
                    (path.relative_to(root).as_posix(), edit.start)
                    for path, edits in done.edits.items()
                    for edit in edits
                }
                assert changed == set(places), f"rename from {place}"


FIXTURES = """
#- conftest.py
import pytest
@pytest.fixture
def client():
    '''A client of the shop.'''
@pytest.fixture(name="shop")
def _make_shop(): ...
#- sub/conftest.py
import pytest
@pytest.fixture
def client(client): ...
#- test_main.py
import pytest
class TestShop:
    @pytest.fixture
    def basket(self, shop): ...
    {method}
{function}
"""


@pytest.mark.parametrize(
    ("method", "function", "made"),
    [
        ("", "def test_a(cl<|>ient): ...", "conftest.py: def [client]():"),
        ("", "async def test_a(a, cl<|>ient: object): ...", "conftest.py: def [client]():"),
        ("", "def test_a(sh<|>op): ...", "conftest.py: def [_make_shop](): ..."),
        ("def test_b(self, bas<|>ket): ...", "", "test_main.py: def [basket](self, shop): ..."),
        ("", "@pytest.mark.usefixtures('cl<|>ient')\ndef test_a(): ...", "conftest.py: def [client]():"),
        ("", "def helper(cl<|>ient): ...", "test_main.py: def helper([client]): ..."),
        ("", "def test_a(unkn<|>own): ...", "test_main.py: def test_a([unknown]): ..."),
        ("", "def test_a(client=cl<|>ient): ...\nclient = 1", "test_main.py: [client] = 1"),
    ],
)
async def test_the_parameter_of_a_test_leads_to_its_fixture(
    method: str, function: str, made: str, tmp_path: Path
) -> None:
    async with workspace(tmp_path, FIXTURES.format(method=method, function=function)) as space:
        told = await definition(space.doc, space.at, space.code)
        assert [space.shown(each) for each in told.locations] == [made]


async def test_a_fixture_that_asks_for_its_own_name_gets_the_one_it_hides(tmp_path: Path) -> None:
    snippet = FIXTURES.format(method="", function="").replace("def client(client)", "def client(cl<|>ient)")
    async with workspace(tmp_path, snippet) as space:
        told = await definition(space.doc, space.at, space.code)
        assert [space.shown(each) for each in told.locations] == ["conftest.py: def [client]():"]


async def test_the_card_of_a_tests_parameter_is_its_fixtures(tmp_path: Path) -> None:
    snippet = FIXTURES.format(method="", function="def test_a(cl<|>ient): ...")
    async with workspace(tmp_path, snippet) as space:
        card = await hover(space.doc, space.at, space.code, Hover())
        assert card is not None
        assert "A client of the shop." in card.markdown
