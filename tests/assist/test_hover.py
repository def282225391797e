from __future__ import annotations

import asyncio
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from devflow.analysis.facts import SymbolKind
from devflow.analysis.roles import is_test
from devflow.analysis.types.base import Definition
from devflow.server.assist import look_up
from devflow.server.assist.base import Codebase
from devflow.server.assist.hover import Card, hover
from devflow.server.settings import Hover
from support.codebase import workspace


async def card(root: Path, snippet: str, path: str = "main.py", **options: Any) -> Card | None:
    async with workspace(root, snippet, path, **options) as space:
        found = await hover(space.doc, space.at, space.code, Hover())
        if found is not None and space.case.labels:
            [label] = space.case.labels
            assert (found.start, found.end) == (label.start, label.end)
        return found


@pytest.mark.parametrize(
    ("path", "snippet"),
    [
        ("main.py", "def f(match: int):\n    return mat<|>ch\n"),
        ("main.ts", "function f() { const type = 1; return ty<|>pe; }\n"),
    ],
)
async def test_a_name_that_is_a_keyword_elsewhere_has_a_card(path: str, snippet: str, tmp_path: Path) -> None:
    assert await card(tmp_path, snippet, path) is not None


async def test_a_word_that_is_a_keyword_here_has_no_card(tmp_path: Path) -> None:
    assert await card(tmp_path, "match = 1\nma<|>tch match:\n    case _: ...\n") is None


async def test_the_card_of_a_function_without_any_engine(tmp_path: Path) -> None:
    found = await card(
        tmp_path,
        '''
        def area(w, h=1):
            """The size."""
        print(ar<|>ea(2))
        #     ^^^^
        ''',
    )
    assert found == Card(
        found.start if found else 0,
        found.end if found else 0,
        "```python\ndef area(w, h=1)\n```\n\nThe size.\n\nDefined in `main.py:1`",
        "document",
    )


@pytest.mark.parametrize("engine", [True, False])
async def test_a_definition_in_another_file_is_named(tmp_path: Path, engine: bool) -> None:
    found = await card(
        tmp_path,
        '''
        #- pkg/shapes.py

        def area(w: int) -> int:
            """The size."""
        #- main.py
        from pkg.shapes import area
        are<|>a(2)
        ''',
        engine=engine,
        indexed=True,
    )
    assert found is not None
    assert "def area(w: int) -> int" in found.markdown
    assert "Defined in `pkg/shapes.py:2`" in found.markdown
    assert found.engine == "files"


async def test_calls_are_counted_with_those_in_tests(tmp_path: Path) -> None:
    found = await card(
        tmp_path,
        """
        #- shapes.py
        def area(w): ...
        #- tests/test_shapes.py
        from shapes import area
        area(1)
        area(2)
        #- main.py
        from shapes import area
        a<|>rea(3)
        """,
        indexed=True,
    )
    assert found is not None
    assert "3 calls, 2 in tests" in found.markdown


async def test_a_builtin_is_described_by_the_engine(tmp_path: Path) -> None:
    found = await card(tmp_path, "le<|>n([1])\n", engine=True)
    assert found is not None
    assert "len(" in found.markdown


@pytest.mark.parametrize("snippet", ["x = 'wo<|>rd'\n", "# wo<|>rd\n", "x = 1<|>2\n", "re<|>turn\n", "<|>\n"])
async def test_no_card_where_there_is_no_name(snippet: str, tmp_path: Path) -> None:
    assert await card(tmp_path, snippet) is None


async def test_an_unknown_name_has_no_card(tmp_path: Path) -> None:
    assert await card(tmp_path, "unkn<|>own.thing\n") is None


@pytest.mark.parametrize(
    ("path", "snippet", "signature"),
    [
        ("a.ts", "function area(w: number): number { return w }\nar<|>ea(1)\n", "area(w: number): number"),
        (
            "a.go",
            "package m\n\n// Area is a size.\nfunc Area(w int) int { return w }\n\nvar x = Ar<|>ea(1)\n",
            "func Area(w int) int",
        ),
        (
            "A.java",
            "class A { int area(int w) { return w; } int x() { return this.ar<|>ea(1); } }\n",
            "int area(int w)",
        ),
        ("a.rs", "fn area(w: u8) -> u8 { w }\nfn f() { ar<|>ea(1); }\n", "fn area(w: u8) -> u8"),
    ],
)
async def test_the_card_in_other_languages(path: str, snippet: str, signature: str, tmp_path: Path) -> None:
    found = await card(tmp_path, snippet, path)
    assert found is not None
    assert signature in found.markdown


async def test_an_untitled_document_has_cards(tmp_path: Path) -> None:
    async with workspace(tmp_path, "def area(w): ...\nar<|>ea(1)\n") as space:
        doc = replace(space.doc, path=None, uri="untitled:1")
        found = await hover(doc, space.at, Codebase((), space), Hover())
        assert found is not None
        assert "Defined" not in found.markdown


@pytest.mark.parametrize(
    ("path", "yes"),
    [
        ("tests/a.py", True),
        ("test_a.py", True),
        ("a_test.go", True),
        ("a.test.ts", True),
        ("contest.py", False),
        ("src/a.py", False),
    ],
)
def test_what_a_test_file_is(path: str, yes: bool) -> None:
    assert is_test(Path(path)) is yes


class Stuck:
    """An engine that never answers."""

    async def define(self, path: Path | None, source: str, at: int) -> list[Any]:
        await asyncio.Event().wait()
        return []


async def test_a_stuck_engine_does_not_hold_the_card_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look_up, "DEADLINE_SECONDS", 0.0)
    found = await card(tmp_path, "def area(w): ...\nar<|>ea(1)\n", python=Stuck())
    assert found is not None
    assert found.engine == "document"


async def test_a_stuck_engine_leaves_an_unknown_name_without_a_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look_up, "DEADLINE_SECONDS", 0.0)
    monkeypatch.setattr(look_up, "LAST_SECONDS", 0.0)
    assert await card(tmp_path, "unkn<|>own\n", python=Stuck()) is None


async def test_the_second_card_tells_the_last_change(tmp_path: Path) -> None:
    snippet = "def area(w):\n    return w\nar<|>ea(1)\n"
    (tmp_path / "main.py").write_text(snippet.replace("<|>", ""))
    identity = ["-c", "user.name=Ada", "-c", "user.email=a@example.org"]
    for arguments in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "Measure"]):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)  # noqa: ASYNC221
    found = await card(tmp_path, snippet, indexed=True)
    assert found is not None
    assert "Last changed" in found.markdown
    assert "by Ada: Measure" in found.markdown


class Typed:
    """A fast engine that knows one type."""

    def __init__(self, signature: str) -> None:
        self.signature = signature

    async def define(self, path: Path, source: str, at: int) -> list[Definition]:
        return [Definition("", SymbolKind.VARIABLE, "", self.signature, "", None, "types")]


@pytest.mark.parametrize(
    ("snippet", "type_", "head"),
    [
        (
            "class A:\n    def __init__(self, mime): self.mime = mime\n    def f(self): self.mi<|>me\n",
            "mime: str",
            "mime: str\nself.mime = mime",
        ),
        ("def f(args):\n    return ar<|>gs\n", "args: list[int]", "args: list[int]\nargs"),
        ("x: int = 1\nprint(<|>x)\n", "x: Literal[1]", "x: int = 1"),
        ("x = 1\nprint(<|>x)\n", "Unknown", "x = 1"),
    ],
)
async def test_the_card_of_a_value_tells_the_type_that_its_definition_does_not_write(
    snippet: str, type_: str, head: str, tmp_path: Path
) -> None:
    async with workspace(tmp_path, snippet, python=Typed(type_)) as space:
        found = await hover(space.doc, space.at, replace(space.code, types_are_fast=True), Hover())
        assert found is not None
        assert found.markdown.startswith(f"```python\n{head}\n```")


@pytest.mark.parametrize(
    "line",
    [
        "for shape in shapes:\n    shape.ar<|>ea\n",
        "for name, shape in named.items():\n    shape.ar<|>ea\n",
        "named['a'].ar<|>ea\n",
        "with opened() as shape:\n    shape.ar<|>ea\n",
        "made().ar<|>ea\n",
        "if isinstance(thing, Shape):\n    thing.ar<|>ea\n",
    ],
)
async def test_a_member_of_a_value_whose_type_is_written_somewhere_has_a_card(
    line: str, tmp_path: Path
) -> None:
    files = """#- shapes.py
from contextlib import contextmanager
from typing import Iterator
class Shape:
    def area(self) -> int: ...
@contextmanager
def opened() -> Iterator[Shape]: ...
def made():
    return Shape()
#- main.py
from shapes import Shape, made, opened
shapes: list[Shape] = []
named: dict[str, Shape] = {}
thing = eval("1")
"""
    found = await card(tmp_path, files + line)
    assert found is not None
    assert "area(self) -> int" in found.markdown
