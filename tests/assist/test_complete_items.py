"""What an item of a list inserts, which signs accept it and what is told of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from devflow.server.assist.complete import document_item
from support.codebase import workspace
from support.completions import asked


async def test_documentation_is_filled_in_on_demand(tmp_path: Path) -> None:
    async with workspace(tmp_path, "'abc'.up<|>\n", engine=True) as space:
        assert "uppercase" in await document_item(space.doc, space.at, "upper", space.code)


async def test_documentation_without_an_engine_comes_from_the_index(tmp_path: Path) -> None:
    async with workspace(
        tmp_path,
        '''
        #- shapes.py
        def area(w, h):
            """The size of a shape."""
        #- main.py
        are<|>
        ''',
        indexed=True,
    ) as space:
        shown = await document_item(space.doc, space.at, "area", space.code)
        assert "def area(w, h)" in shown
        assert "The size of a shape." in shown


async def test_unknown_documentation_is_empty(tmp_path: Path) -> None:
    async with workspace(tmp_path, "x<|>\n") as space:
        assert await document_item(space.doc, space.at, "xyz", space.code) == ""


AREA = "def area(width, height): ...\ndef run(): ...\n"


@pytest.mark.parametrize(
    ("line", "call"),
    [
        ("ar<|>", "(|)"),
        ("size = ar<|>", "(|)"),
        ("if ar<|>:", "(|)"),
        ("ru<|>", "()"),
        ("ar<|>(1, 2)", ""),
        ("print(ar<|>)", ""),
        ("print(key=ar<|>)", ""),
        ("@ar<|>", ""),
        ("ar<|> is None", ""),
    ],
)
async def test_a_function_is_called_where_it_is_not_handed_over(tmp_path: Path, line: str, call: str) -> None:
    async with workspace(tmp_path, f"{AREA}{line}\n") as space:
        items = {item.label: item for item in (await asked(space)).items}
        assert items["run" if line.startswith("ru") else "area"].call == call


async def test_a_property_is_never_called(tmp_path: Path) -> None:
    source = """
        class Shape:
            @property
            def area(self): ...
            def move(self, by): ...
            def show(self):
                self.<|>
        """
    async with workspace(tmp_path, source) as space:
        items = {item.label: item for item in (await asked(space)).items}
        assert (items["area"].call, items["area"].parameters) == ("", "")
        assert (items["move"].call, items["move"].parameters) == ("(|)", "(by)")


async def test_only_what_is_nearly_certain_is_accepted_by_a_sign(tmp_path: Path) -> None:
    async with workspace(tmp_path, AREA + "area(1, 2)\narea(2, 3)\nare<|>\n") as space:
        first, *rest = (await asked(space)).items
        assert (first.label, first.preselect, first.commit) == ("area", True, ("(",))
        assert not any(item.commit for item in rest)


async def test_no_sign_accepts_a_plain_name_before_it_is_begun(tmp_path: Path) -> None:
    async with workspace(tmp_path, AREA + "area(1, 2)\n<|>\n") as space:
        assert not any(item.commit for item in (await asked(space)).items)
