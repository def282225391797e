from __future__ import annotations

from pathlib import Path

import pytest

from devflow.server.assist.code_lens import counted, lenses
from devflow.server.assist.document_link import links
from devflow.server.assist.navigate import definition
from support.codebase import workspace

LINKED = {
    "an address": ("main.py", "# see https://example.org/a_(b), or not\n", ["https://example.org/a_(b)"]),
    "an address in brackets": ("main.py", "# (https://example.org/a).\n", ["https://example.org/a"]),
    "a file beside": ("main.py", "#- data.json\n{}\n#- main.py\nopen('data.json')\n", ["data.json"]),
    "a file under the root": (
        "a/main.py",
        "#- conf/x.toml\n#- a/main.py\nopen('conf/x.toml')\n",
        ["conf/x.toml"],
    ),
    "a module in a string": (
        "main.py",
        "#- pkg/__init__.py\n#- pkg/jobs.py\n#- main.py\nX = 'pkg.jobs'\n",
        ["pkg.jobs"],
    ),
    "a name in a module in a string": (
        "main.py",
        "#- pkg/__init__.py\n#- pkg/jobs.py\nrun = 1\n#- main.py\nX = 'pkg.jobs:run'\n",
        ["pkg.jobs:run"],
    ),
    "a role": (
        "main.py",
        "#- shapes.py\nclass Shape: ...\n#- main.py\n'''See :class:`~shapes.Shape`.'''\n",
        ["shapes.Shape"],
    ),
    "a relative import of TypeScript": (
        "main.ts",
        "//- lib/index.ts\n//- main.ts\nimport { a } from './lib';\n",
        ["./lib"],
    ),
    "an include": ("main.c", '//- include/a.h\n//- main.c\n#include "a.h"\n#include <stdio.h>\n', ["a.h"]),
    "nothing that is not there": ("main.py", "open('nothing.json')\nx = 'a.b.c'\n", []),
    "nothing outside the workspace": ("main.py", "open('../../../../etc/passwd')\nopen('/etc/passwd')\n", []),
}


@pytest.mark.parametrize("name", LINKED)
async def test_is_linked(name: str, tmp_path: Path) -> None:
    path, snippet, expected = LINKED[name]
    async with workspace(tmp_path, snippet.rstrip("\n") + "<|>\n", path) as space:
        found = await links(space.doc, space.code)
        assert [space.doc.text.source[each.start : each.end] for each in found] == expected


async def test_a_role_leads_to_the_place_in_the_file(tmp_path: Path) -> None:
    async with workspace(tmp_path, LINKED["a role"][1] + "<|>") as space:
        [link] = await links(space.doc, space.code)
        assert (link.path, link.at) == (tmp_path / "shapes.py", 6)


async def test_an_alias_of_tsconfig_is_followed(tmp_path: Path) -> None:
    snippet = """
    //- tsconfig.json
    {"compilerOptions": {"paths": {"@/*": ["./src/*"]}}}
    //- src/shapes.ts
    export const a = 1;
    //- app/main.ts
    import { a } from "@/sha<|>pes";
    """
    async with workspace(tmp_path, snippet, "app/main.ts") as space:
        [place] = (await definition(space.doc, space.at, space.code)).locations
        assert place.path == tmp_path / "src/shapes.ts"


LENSED = """
#- shapes.py
def area(w): ...
class Box:
    def fill(self):
        return area(1)
    def __len__(self): ...
def unused():
    def inner(): ...
#- test_shapes.py
from shapes import area
def test_area():
    assert area(1) == area(2)
#- main.py
from shapes import area, Box
area(Box())
<|>
"""


async def test_callers_and_tests_are_counted(tmp_path: Path) -> None:
    async with workspace(tmp_path, LENSED, indexed=True) as space:
        from support.codebase import document

        doc = document((tmp_path / "shapes.py").read_text(), tmp_path / "shapes.py")
        said = [
            (each.symbol.name, await counted(doc, each.symbol.name_start, each.of, space.code))
            for each in await lenses(doc, space.code)
        ]
        assert said == [
            ("area", "2 callers"),
            ("area", "1 test"),
            ("Box", "1 use"),
            ("Box", "0 tests"),
            ("fill", "0 callers"),
            ("fill", "0 tests"),
            ("unused", "0 callers"),
            ("unused", "0 tests"),
        ]


async def test_without_an_index_there_are_no_lenses(tmp_path: Path) -> None:
    async with workspace(tmp_path, "def f(): ...\n<|>") as space:
        assert await lenses(space.doc, space.code) == []


async def test_tests_have_no_lens_for_tests(tmp_path: Path) -> None:
    async with workspace(tmp_path, "def test_f(): ...\n<|>", "test_a.py", indexed=True) as space:
        assert [each.of for each in await lenses(space.doc, space.code)] == ["callers"]
