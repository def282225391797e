"""Uses of a Python name over the workspace: what a type engine knows, what imports and `__all__` name, and
which guesses by the name stay."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from devflow.analysis.facts import Location, SymbolKind
from devflow.analysis.types.base import Definition
from devflow.server.assist.highlight import highlights
from devflow.server.assist.navigate import references
from support.codebase import Workspace, workspace


class Types:
    """A fast engine that knows the places marked in the snippet by what they are: `made`, `used`, `other`
    (a use of something else, made elsewhere)."""

    def __init__(self) -> None:
        self.space: Workspace | None = None

    def places(self, *labels: str) -> list[Location]:
        assert self.space is not None
        return [
            Location(self.space.root / each.path, each.start, each.end)
            for each in self.space.case.labels
            if each.text in labels
        ]

    async def references(self, path: Path, source: str, at: int) -> list[Location]:
        return self.places("made", "used")

    async def highlights(self, path: Path, source: str, at: int) -> list[Location]:
        return [each for each in self.places("made", "used") if each.path == path]

    async def define(self, path: Path, source: str, at: int) -> list[Definition]:
        here = {(each.path, each.start): each for each in self.places("other")}
        if (path, at) in here:
            elsewhere = Location(Path("/lib/builtins.pyi"), 0, 6)
            return [Definition("append", SymbolKind.METHOD, "append", "", "", elsewhere, "types")]
        known = {(each.path, each.start) for each in self.places("made", "used")}
        if (path, at) not in known:
            return []
        return [
            Definition("append", SymbolKind.METHOD, "append", "", "", each, "types")
            for each in self.places("made")
        ]


async def uses(root: Path, snippet: str, fast: bool = True) -> list[str]:
    types = Types()
    async with workspace(root, snippet, indexed=True, python=types) as space:
        types.space = space
        code = replace(space.code, types_are_fast=fast)
        found = await references(space.doc, space.at, code, include_declaration=True)
        return [space.shown(place) for place in found]


LINES = """
#- lines.py
class Lines:
    def append(self, line): ...
    #   ^^^^^^ made
#- main.py
from lines import Lines
lines = Lines()
lines.app<|>end(1)
#     ^^^^^^ used
names = []
names.append(2)
#     ^^^^^^ other
def f(unknown):
    unknown.append(3)
"""


async def test_what_the_engine_knows_to_be_another_s_is_no_use(tmp_path: Path) -> None:
    assert await uses(tmp_path, LINES) == [
        "lines.py: def [append](self, line): ...",
        "main.py: lines.[append](1)",
        "main.py: unknown.[append](3)",
    ]


async def test_a_slow_engine_is_not_asked_about_every_guess(tmp_path: Path) -> None:
    assert "main.py: names.[append](2)" in await uses(tmp_path, LINES, fast=False)


async def test_the_calls_that_pass_a_parameter_by_name_are_uses_of_it(tmp_path: Path) -> None:
    assert await uses(
        tmp_path,
        """
        def greet(na<|>me):
        #         ^^^^ made
            return name
        #          ^^^^ used
        greet(name=1)
        #     ^^^^ used
        """,
    ) == ["main.py: def greet([name]):", "main.py: return [name]", "main.py: greet([name]=1)"]


async def test_the_strings_of_all_are_uses(tmp_path: Path) -> None:
    assert await uses(
        tmp_path,
        """
        #- shapes.py
        __all__ = ["area"]
        def area(): ...
        #   ^^^^ made
        #- main.py
        from shapes import area
        #                  ^^^^ used
        x = ar<|>ea()
        #   ^^^^ used
        """,
    ) == [
        "main.py: from shapes import [area]",
        "main.py: x = [area]()",
        'shapes.py: __all__ = ["[area]"]',
        "shapes.py: def [area](): ...",
    ]


async def test_the_uses_of_a_module_are_what_names_it_and_no_namesakes(tmp_path: Path) -> None:
    assert await uses(
        tmp_path,
        """
        #- pack/__init__.py
        #- pack/dialect.py
        class Dialect: ...
        #- other.py
        from pack import dialect
        dialect.Dialect()
        #- third.py
        class Third:
            dialect = None
            def f(self): return self.dialect
        #- main.py
        from pack.dia<|>lect import Dialect
        def g(x): return x.dialect
        """,
    ) == [
        "main.py: from pack.[dialect] import Dialect",
        "other.py: from pack import [dialect]",
        "other.py: [dialect].Dialect()",
    ]


async def marks(root: Path, snippet: str) -> list[tuple[int, str]]:
    types = Types()
    async with workspace(root, snippet, python=types) as space:
        types.space = space
        found = await highlights(space.doc, space.at, replace(space.code, types_are_fast=True))
        expected = sorted(each.start for each in types.places("made", "used"))
        assert [each.start for each in found] == expected
        return [(each.start, each.kind) for each in found]


async def test_a_member_is_highlighted_behind_every_receiver_that_has_it(tmp_path: Path) -> None:
    found = await marks(
        tmp_path,
        """
        class Item:
            def __init__(self):
                self.size = 1
        #            ^^^^ made
        def f(one: Item, other: str):
            return one.si<|>ze + other.size
        #              ^^^^ used
        """,
    )
    assert [kind for _, kind in found] == ["write", "read"]


async def test_a_module_is_highlighted_in_the_imports_that_name_it(tmp_path: Path) -> None:
    await marks(
        tmp_path,
        """
        #- pack/__init__.py
        #- pack/shapes.py
        #- main.py
        from pack.shapes import area
        #    ^^^^ used
        from pa<|>ck import shapes
        #    ^^^^ used
        pack = 1
        """,
    )
