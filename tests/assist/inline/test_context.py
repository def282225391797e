"""What goes into a prompt besides the document, from each source."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from blockbuster import blockbuster_ctx

from devflow.models.base import FillRequest
from devflow.server.assist.inline.context import Context, gather, names_around, search_gate
from devflow.server.assist.inline.ghost import Edited, Mood
from devflow.server.assist.inline.report import Search
from support.codebase import document, workspace


async def gathered(root: Path, snippet: str, *, indexed: bool = False) -> Context:
    async with workspace(root, snippet, indexed=indexed) as space:
        return await gather(space.doc, space.at, space.code, Mood())


def text_of(context: Context) -> str:
    return FillRequest("", "", context=context.excerpts).above()


def kinds(context: Context) -> list[tuple[str, str]]:
    return [(each.kind, each.name) for each in context.used]


async def test_what_is_imported_is_shown_by_its_head_and_its_members(tmp_path: Path) -> None:
    found = await gathered(
        tmp_path,
        '''
        #- shapes.py
        class Circle:
            """A round thing."""
            def area(self, digits=2):
                return round(3.14, digits)
        #- main.py
        from shapes import Circle
        circle = Circle()
        print(circle.<|>)
        ''',
        indexed=True,
    )
    assert kinds(found)[0] == ("import", "shapes.py")
    assert text_of(found).startswith(
        "# shapes.py\nclass Circle:\n    # A round thing.\n    def area(self, digits=2)\n"
    )
    assert found.paths == ("shapes.py",)


async def test_a_name_that_many_files_define_says_nothing(tmp_path: Path) -> None:
    files = "".join(f"#- part{n}.py\ndef convert(value):\n    return value * {n}\n" for n in range(4))
    found = await gathered(tmp_path, f"{files}#- main.py\ntotal = convert(<|>)\n", indexed=True)
    assert "definition" not in {kind for kind, _ in kinds(found)}


@pytest.mark.parametrize(
    ("test", "head", "focal", "code", "said"),
    [
        (
            "tests/test_prices.py",
            "from shop.prices import *\n",
            "shop/prices.py",
            "def discount(price, share):\n    return price\n",
            "def discount(price, share)",
        ),
        (
            "tests/test_billing.py",
            "import app\n",
            "app.py",
            "class Till:\n    def discount(self, price):\n        return price\n",
            "class Till\n    def discount(self, price)",
        ),
        (
            "prices.test.ts",
            "",
            "prices.ts",
            "export function discount(price: number) { return price }\n",
            "discount(price: number)",
        ),
        (
            "__tests__/price.test.ts",
            "import { discount } from '../src/price'\n",
            "src/price.ts",
            "export function discount(price: number) { return price }\n"
            "export function tax(rate: number) { return rate }\n",
            "tax(rate: number)",
        ),
        (
            "src/test/java/shop/PriceTest.java",
            "package shop;\n",
            "src/main/java/shop/Price.java",
            "package shop;\npublic class Price {\n  public int discount(int price) { return price; }\n}\n",
            "int discount(int price)",
        ),
    ],
)
async def test_a_test_is_shown_what_its_file_defines(
    tmp_path: Path, test: str, head: str, focal: str, code: str, said: str
) -> None:
    snippet = f"#- {focal}\n{code}#- {test}\n{head}x = 1\nif (x) {{\n  <|>\n"
    async with workspace(tmp_path, snippet, test, indexed=True) as space:
        with blockbuster_ctx("devflow") as guard:
            guard.functions["os.stat"].can_block_in("retrieval/store.py", {"_take"})
            found = await gather(space.doc, space.at, space.code, Mood())
    assert ("focal file", focal) in kinds(found)
    assert said in text_of(found)
    assert focal in found.paths


async def test_of_files_that_a_test_could_be_named_after_the_nearest_is_shown(tmp_path: Path) -> None:
    found = await gathered(
        tmp_path,
        """
        #- shop/prices.py
        def discount(price, share): ...
        #- bank/prices.py
        def interest(price, share): ...
        #- tests/bank/test_prices.py
        x = 1
        x = <|>
        """,
        indexed=True,
    )
    assert ("focal file", "bank/prices.py") in kinds(found)
    assert ("focal file", "shop/prices.py") not in kinds(found)


async def test_where_several_files_have_its_name_a_test_is_shown_what_it_imports(tmp_path: Path) -> None:
    found = await gathered(
        tmp_path,
        """
        #- shop/forms.py
        def order(): ...
        #- bank/forms.py
        def transfer(): ...
        #- post/__init__.py
        def send(): ...
        #- tests/test_forms.py
        import post
        x = 1
        x = <|>
        """,
        indexed=True,
    )
    focal = [name for kind, name in kinds(found) if kind == "focal file"]
    assert focal == ["post/__init__.py"]


async def test_a_file_that_is_no_test_has_none(tmp_path: Path) -> None:
    snippet = "#- tests/test_main.py\nimport main\ndef test_it(): ...\n#- main.py\nx = <|>\n"
    found = await gathered(tmp_path, snippet, indexed=True)
    assert "focal file" not in {kind for kind, _ in kinds(found)}


async def test_from_a_document_worked_in_lately_comes_what_follows_the_like_piece(tmp_path: Path) -> None:
    other = "width = height = depth = 1\narea = width * height\n" + "\n" * 8 + "volume = area * depth\n"
    unlike = "alpha = beta = gamma = 1\n" * 3 + "\n" * 8 + "delta = 2\n"
    seen = [document(source, tmp_path / name) for name, source in (("like.py", other), ("unlike.py", unlike))]
    async with workspace(tmp_path, "width = height = depth = 1\narea = width * <|>\n") as space:
        found = await gather(space.doc, space.at, replace(space.code, seen=lambda: seen), Mood())
    assert kinds(found) == [("recent file", "like.py")]
    assert "volume = area * depth" in text_of(found)


async def test_what_is_wrong_nearby_is_told(tmp_path: Path) -> None:
    found = await gathered(tmp_path, "total = 1\nprint(totl)\nx = <|>1\n")
    assert ("problem", "") in kinds(found)
    assert "totl" in text_of(found)


async def test_edits_are_told_as_diffs_without_the_one_being_typed(tmp_path: Path) -> None:
    async with workspace(tmp_path, "rate = 2\ntotal = <|>\n") as space:
        edit = Edited(space.doc.uri, space.doc.path, "python", "rate = 1", "rate = 3")
        typed = replace(edit, before="total", after="total = ")
        found = await gather(space.doc, space.at, space.code, Mood(edits=[edit, typed]))
    assert text_of(found) == "# main.py\n# - rate = 1\n# + rate = 3\n"


@pytest.mark.parametrize(
    ("snippet", "searched"),
    [
        ("from shapes import area\nx = y = 1\nx = x + y + y <|>\n", Search.IMPORTED),
        ("total = rate = 1\ntotal = total + rate + unheard <|>\n", Search.ONCE),
        ("total = rate = 1\ntotal = total + rate <|>\n", Search.KNOWN),
    ],
)
async def test_only_a_name_from_elsewhere_is_worth_a_search(
    tmp_path: Path, snippet: str, searched: Search
) -> None:
    async with workspace(tmp_path, snippet, indexed=True) as space:
        near = names_around(space.doc, space.at)
        assert search_gate(space.doc, near, space.code) is searched
        found = await gather(space.doc, space.at, space.code, Mood())
        assert found.search is searched
        without = await gather(space.doc, space.at, replace(space.code, index=None), Mood())
        assert without.search is Search.NO_INDEX


async def test_the_names_around_are_told_without_those_of_the_language(tmp_path: Path) -> None:
    async with workspace(tmp_path, "from shapes import area\nx = y = 1\nx = x + y + y <|>\n") as space:
        assert names_around(space.doc, space.at) == ["area", "shapes"]


@pytest.mark.usefixtures("hurried")
async def test_what_a_search_finds_too_late_is_left_out_and_told(tmp_path: Path) -> None:
    class Late:
        def __init__(self, index: Any) -> None:
            self.index = index

        def __getattr__(self, name: str) -> Any:
            return getattr(self.index, name)

        async def search(self, *given: Any, **named: Any) -> Any:
            await asyncio.sleep(3_600)

    snippet = "#- shapes.py\ndef area(): ...\n#- main.py\nfrom shapes import area\nx = area <|>\n"
    async with workspace(tmp_path, snippet, indexed=True) as space:
        found = await gather(
            space.doc, space.at, replace(space.code, index=cast(Any, Late(space.code.index))), Mood()
        )
    assert found.search is Search.LATE
    assert "search" not in {kind for kind, _ in kinds(found)}
