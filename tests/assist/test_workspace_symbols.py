"""Symbols by a part of their name: ranked, placed, and there without an index."""

from __future__ import annotations

from pathlib import Path

import pytest

from devflow.server.assist.workspace_symbols import workspace_symbols
from support.codebase import workspace

FILES = """
#- shapes.py
class Circle:
    def area(self): ...

def circle_area(r): ...

def make_circle(): ...
#- main.py
class CircleArea: ...
x = 1<|>
"""


async def names(root: Path, query: str, *, indexed: bool = True) -> list[str]:
    async with workspace(root, FILES, indexed=indexed) as made:
        return [
            each.found.symbol.qualified_name
            for each in await workspace_symbols(query, 20, [made.doc], made.code)
        ]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("circle", "Circle"),
        ("Circle", "Circle"),
        ("ca", "CircleArea"),
        ("crar", "CircleArea"),
        ("area", "Circle.area"),
        ("kecir", "make_circle"),
        ("Circle.a", "Circle.area"),
    ],
)
async def test_the_best_fit_is_first(tmp_path: Path, query: str, first: str) -> None:
    assert (await names(tmp_path, query))[0] == first


async def test_what_does_not_fit_is_not_there(tmp_path: Path) -> None:
    assert await names(tmp_path, "zzz") == []
    assert "make_circle" not in await names(tmp_path, "area")


async def test_without_an_index_the_open_documents_are_searched(tmp_path: Path) -> None:
    assert await names(tmp_path, "circ", indexed=False) == ["CircleArea"]
    assert await names(tmp_path, "zz", indexed=False) == []


async def test_a_name_is_placed_in_the_text_as_it_is_now(tmp_path: Path) -> None:
    async with workspace(tmp_path, FILES, indexed=True) as made:
        [found] = await workspace_symbols("make_circle", 5, [], made.code)
        assert (found.line, found.before) == (5, "def ")
        (tmp_path / "shapes.py").write_text("# another line\n" + (tmp_path / "shapes.py").read_text())
        [found] = await workspace_symbols("make_circle", 5, [], made.code)
        assert (found.line, found.before) == (5, None)
        (tmp_path / "shapes.py").unlink()
        assert await workspace_symbols("make_circle", 5, [], made.code) == []


async def test_a_name_of_many_places_does_not_crowd_out_others(tmp_path: Path) -> None:
    many = "".join(f"#- m{n}.py\ndef setup_entry(): ...\n" for n in range(40))
    async with workspace(
        tmp_path, many + "#- main.py\ndef setup_entry_two(): ...<|>\n", indexed=True
    ) as made:
        found = await workspace_symbols("setup", 20, [], made.code)
    assert "setup_entry_two" in {each.found.symbol.name for each in found}
