"""What the syntax before the cursor asks for, and what it rules out."""

from __future__ import annotations

import builtins
from dataclasses import replace
from pathlib import Path

import pytest

from devflow.analysis.document import Document
from devflow.server.assist import gather
from devflow.server.assist.base import Codebase
from devflow.server.assist.complete import complete
from devflow.server.settings import Completion
from support.codebase import workspace


async def labels(root: Path, snippet: str, path: str = "main.py", **options: bool) -> list[str]:
    options = {"engine": False} | options
    async with workspace(root, snippet, path, **options) as space:
        found = await complete(space.doc, space.at, space.code, Completion(deadline_ms=5_000))
        return [item.label for item in found.items]


@pytest.mark.parametrize(
    "snippet",
    [
        "import os as <|>",
        "from json import dumps as d<|>",
        "with open(p) as <|>",
        "try: ...\nexcept ValueError as <|>",
        "for <|>",
        "[x for <|>",
        "lambda <|>",
        "lambda a, b<|>",
        "def f(<|>",
        "def f(a, <|>",
        "def f(a: int = 1, *, b<|>",
        "async def f(\n    a: int,\n    b<|>",
        "class <|>",
    ],
)
async def test_no_name_is_offered_where_a_new_one_is_made(tmp_path: Path, snippet: str) -> None:
    assert await labels(tmp_path, "value = 1\nbase = 2\n" + snippet) == []


@pytest.mark.parametrize(
    "snippet",
    [
        "def f(a: va<|>",
        "def f(a=va<|>",
        "for x in va<|>",
        "lambda a: va<|>",
        "print(va<|>",
        "x = {k: va<|>",
    ],
)
async def test_a_known_name_is_offered_beside_a_new_one(tmp_path: Path, snippet: str) -> None:
    assert "value" in await labels(tmp_path, "value = 1\n" + snippet)


@pytest.mark.parametrize(
    ("snippet", "expected"),
    [
        ("if x is <|>", ["None", "not"]),
        ("if x is N<|>", ["None"]),
        ("x = 1\nasync <|>", ["def", "for", "with"]),
        ("if x not <|>", ["in"]),
    ],
)
async def test_the_keyword_that_must_follow_comes_first(
    tmp_path: Path, snippet: str, expected: list[str]
) -> None:
    found = await labels(tmp_path, "x = 1\n" + snippet)
    assert sorted(found[: len(expected)]) == sorted(expected)


@pytest.mark.parametrize("snippet", ["raise <|>", "try: ...\nexcept <|>"])
async def test_an_exception_comes_first_where_one_is_raised_or_caught(tmp_path: Path, snippet: str) -> None:
    found = await labels(tmp_path, "class Broken(Exception): ...\n" + snippet)
    assert found[0] == "Broken"
    assert all(name == "Broken" or issubclass(vars(builtins)[name], BaseException) for name in found[:10])


async def test_a_decorator_has_a_name(tmp_path: Path) -> None:
    assert "" not in await labels(tmp_path, "def cached(f): ...\n@<|>\ndef g(): ...\n")


@pytest.mark.parametrize("path", ["pkg/main.py", "main.py"])
async def test_an_import_offers_modules_not_its_own_words(tmp_path: Path, path: str) -> None:
    for name in ("__init__", "util", "__main__"):
        (tmp_path / "pkg").mkdir(exist_ok=True)
        (tmp_path / "pkg" / f"{name}.py").touch()
    (tmp_path / "pkg" / "__pycache__").mkdir()
    assert await labels(tmp_path, "from pkg.<|>", "main.py") == ["util"]
    found = await labels(tmp_path, "import sys\nfrom <|>", path)
    assert not {"from", "import", "__pycache__", "__main__"} & set(found)


async def test_a_keyword_argument_is_offered_once(tmp_path: Path) -> None:
    found = await labels(tmp_path, "def load(url, *, limit=1): ...\nload('x', li<|>)\n", engine=True)
    assert [name for name in found if name.startswith("limit")] == ["limit="]


async def test_a_keyword_argument_that_is_given_is_not_offered_again(tmp_path: Path) -> None:
    found = await labels(tmp_path, "def load(url, *, limit=1): ...\nload('x', limit=1, <|>)\n", engine=True)
    assert "limit=" not in found


async def test_an_overloaded_function_offers_each_keyword_argument_once(tmp_path: Path) -> None:
    found = await labels(tmp_path, "print(f<|>)\n", engine=True)
    assert sorted(name for name in found if name.endswith("=")) == ["file=", "flush="]


async def test_the_modules_an_import_names_are_no_members(tmp_path: Path) -> None:
    found = await labels(tmp_path, "from pkg.models import User\nimport a.helpers\nu = User()\nu.<|>\n")
    assert not {"models", "helpers"} & set(found)


async def test_what_every_object_has_comes_behind_what_its_type_has(tmp_path: Path) -> None:
    found = await labels(tmp_path, "x = [1]\nx.<|>\n", engine=True)
    first = found[:8]
    assert not [name for name in first if name.startswith("__")]
    assert "append" in first


@pytest.mark.parametrize("snippet", ["import os\nos.pa<|>", "a = 'x'\na.upp<|>"])
async def test_a_half_typed_name_is_not_offered(tmp_path: Path, snippet: str) -> None:
    found = await labels(tmp_path, snippet, engine=True, indexed=True)
    assert not {"pa", "upp"} & set(found)
    assert {"path", "upper"} & set(found)


async def test_a_library_s_module_offers_its_names_without_an_engine(tmp_path: Path) -> None:
    found = await labels(tmp_path, "import attr\nattr.<|>\n", indexed=True)
    assert {"define", "asdict", "Factory"} <= set(found)


async def test_a_module_under_another_name_offers_its_names(tmp_path: Path) -> None:
    found = await labels(tmp_path, "import xml.dom.minidom as dom\ndom.parse<|>\n", indexed=True)
    assert "parseString" in found


@pytest.mark.parametrize(
    ("snippet", "wanted"),
    [
        ("import textw<|>\n", "textwrap"),
        ("from textw<|> import dedent\n", "textwrap"),
        ("import concurrent.fu<|>\n", "futures"),
        ("from json import dum<|>\n", "dumps"),
        ("import attr\nfrom attr.val<|>\n", "validators"),
    ],
)
async def test_an_import_offers_modules_and_names_of_libraries_without_an_engine(
    tmp_path: Path, snippet: str, wanted: str
) -> None:
    assert wanted in await labels(tmp_path, snippet, indexed=True)


@pytest.mark.parametrize(
    ("snippet", "wanted"),
    [
        ("import json\njson.dumps(1, ind<|>)\n", "indent="),
        ("import json\nx = json.dumps(1, ind<|>=2)\n", "indent="),
        ("sorted([], re<|>)\n", "reverse="),
    ],
)
async def test_a_library_s_call_offers_its_own_keywords_not_a_namesake_s(
    tmp_path: Path, snippet: str, wanted: str
) -> None:
    own = "#- own.py\ndef dumps(index): ...\n#- main.py\n"
    found = await labels(tmp_path, own + snippet, indexed=True)
    assert wanted in found
    assert "index=" not in found


@pytest.mark.parametrize("snippet", ["from json <|>", "from pkg.mod i<|>", "if x:\n    from . im<|>"])
async def test_behind_the_module_of_a_from_only_import_can_stand(snippet: str, tmp_path: Path) -> None:
    assert await labels(tmp_path, f"import importlib\nimport io\n{snippet}\n", indexed=True) == ["import"]


async def test_an_import_from_a_module_offers_none_of_the_document_s_other_words(tmp_path: Path) -> None:
    code = "import logging\nfrom dataclasses import dataclass\nfrom json import <|>\n"
    found = await labels(tmp_path, code)
    assert {"dumps", "loads"} <= set(found)
    assert not {"logging", "dataclass", "dataclasses"} & set(found)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("for shape in shapes:\n    shape.<|>\n", "area_of_it"),
        ("for name, shape in named.items():\n    shape.<|>\n", "area_of_it"),
        ("shapes[0].<|>\n", "area_of_it"),
        ("[each.<|> for each in shapes]\n", "area_of_it"),
        ("made().<|>\n", "area_of_it"),
        ("'a'.join(named).<|>\n", "casefold"),
    ],
)
async def test_what_a_value_of_a_written_type_has_is_offered_without_an_engine(
    line: str, expected: str, tmp_path: Path
) -> None:
    files = """#- shapes.py
class Shape:
    def area_of_it(self): ...
def made():
    shape = Shape()
    return shape
#- main.py
from shapes import Shape, made
shapes: list[Shape] = []
named: dict[str, Shape] = {}
"""
    assert expected in await labels(tmp_path, files + line)


@pytest.mark.parametrize(("fast", "asked_of"), [(False, ["shapes[0]"]), (True, [])])
async def test_a_fast_engine_is_not_doubled_by_the_text(
    fast: bool, asked_of: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts: list[str] = []
    members_of = gather.members_of

    def noted(doc: Document, at: int, text: str, code: Codebase) -> object:
        texts.append(text)
        return members_of(doc, at, text, code)

    monkeypatch.setattr(gather, "members_of", noted)
    async with workspace(tmp_path, "shapes: list[str] = []\nshapes[0].<|>\n") as space:
        code = replace(space.code, types_are_fast=fast)
        await complete(space.doc, space.at, code, Completion(deadline_ms=5_000))
    assert texts == asked_of
