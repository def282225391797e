from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from devflow.analysis.facts import Symbol, SymbolKind
from devflow.server.assist.signature_help import parameters_of, signature_help, signature_of
from devflow.server.assist.static_names import static_callables
from support.codebase import workspace


async def shown(root: Path, snippet: str, path: str = "main.py", **options: Any) -> list[str]:
    """Each signature with its active parameter in brackets."""
    async with workspace(root, snippet, path, **options) as space:
        lines = []
        for signature in await signature_help(space.doc, space.at, space.code):
            parts = [
                f"[{each.label}]" if number == signature.active else each.label
                for number, each in enumerate(signature.parameters)
            ]
            lines.append(f"{signature.label.split('(')[0]}({', '.join(parts)})")
        return lines


@pytest.mark.parametrize("engine", [True, False])
async def test_the_active_parameter_is_the_one_the_cursor_is_in(tmp_path: Path, engine: bool) -> None:
    found = await shown(tmp_path, "def area(w, h=1): ...\narea(1, <|>)\n", engine=engine)
    assert [line.removeprefix("def ") for line in found] == ["area(w, [h=1])"]


@pytest.mark.parametrize("engine", [True, False])
async def test_a_keyword_names_its_parameter(tmp_path: Path, engine: bool) -> None:
    found = await shown(tmp_path, "def area(w, h=1): ...\narea(h=1, w=<|>2)\n", engine=engine)
    assert [line.removeprefix("def ") for line in found] == ["area([w], h=1)"]


async def test_surplus_arguments_belong_to_the_star(tmp_path: Path) -> None:
    assert await shown(tmp_path, "def f(a, *rest): ...\nf(1, 2, 3<|>)\n") == ["f(a, [*rest])"]


async def test_too_many_arguments_have_no_parameter(tmp_path: Path) -> None:
    assert await shown(tmp_path, "def f(a): ...\nf(1, 2<|>)\n") == ["f(a)"]


async def test_a_class_shows_its_constructor(tmp_path: Path) -> None:
    found = await shown(tmp_path, "class Box:\n    def __init__(self, w, h): ...\nBox(<|>)\n")
    assert found == ["Box([w], h)"]


async def test_a_method_is_found_by_the_class_of_its_receiver(tmp_path: Path) -> None:
    found = await shown(
        tmp_path,
        """
        class Box:
            def put(self, thing): ...
        class Hole:
            def put(self, nothing): ...
        box = Box()
        box.put(<|>)
        """,
    )
    assert found == ["put([thing])"]


async def test_a_function_of_another_file_is_found(tmp_path: Path) -> None:
    found = await shown(
        tmp_path,
        """
        #- shapes.py
        def area(w, h): ...
        #- main.py
        from shapes import area
        area(<|>)
        """,
        indexed=True,
    )
    assert found == ["area([w], h)"]


async def test_there_is_nothing_outside_a_call(tmp_path: Path) -> None:
    assert await shown(tmp_path, "def area(w): ...\narea(1)<|>\n") == []


async def test_the_inner_call_counts(tmp_path: Path) -> None:
    assert await shown(tmp_path, "def f(a): ...\ndef g(b): ...\nf(g(<|>))\n") == ["g([b])"]


async def test_an_unclosed_call_has_its_signature(tmp_path: Path) -> None:
    assert await shown(tmp_path, "def f(a, b): ...\nf(1, <|>") == ["f(a, [b])"]


@pytest.mark.parametrize(
    ("path", "snippet", "expected"),
    [
        ("a.ts", "function f(a: number, b?: string) {}\nf(1, <|>)\n", "f(a: number, [b?: string])"),
        ("a.go", "package m\nfunc f(a int, b string) {}\nfunc g() { f(1, <|>) }\n", "f(a int, [b string])"),
        (
            "A.java",
            "class A { void f(int a, String b) {} void g() { f(1, <|>); } }\n",
            "f(int a, [String b])",
        ),
        ("a.rs", "fn f(a: u8, b: &str) {}\nfn g() { f(1, <|>) }\n", "f(a: u8, [b: &str])"),
        ("a.c", "void f(int a, char *b) {}\nvoid g() { f(1, <|>); }\n", "f(int a, [char *b])"),
        ("a.rb", "def f(a, b = 1)\nend\nf(1, <|>)\n", "f(a, [b = 1])"),
    ],
)
async def test_other_languages_have_signatures(
    path: str, snippet: str, expected: str, tmp_path: Path
) -> None:
    assert await shown(tmp_path, snippet, path) == [expected]


@pytest.mark.parametrize(
    ("signature", "names"),
    [
        (
            "def f(a, /, b, *, c=1, **d)",
            "a:positional-only b:positional-or-keyword c:keyword-only d:var-keyword",
        ),
        ("def f(self, a)", "a:positional-or-keyword"),
        ("def f(a: dict[str, int] = {}, b=(1, 2))", "a:positional-or-keyword b:positional-or-keyword"),
        ("def f(sep=', ', end=')')", "sep:positional-or-keyword end:positional-or-keyword"),
        (
            "func (s *Server) f(ctx context.Context, n int) error",
            "ctx:positional-or-keyword n:positional-or-keyword",
        ),
        (
            "public static int f(final String name, int... rest)",
            "name:positional-or-keyword rest:var-positional",
        ),
        ("fn f<T: Into<U>>(a: T, b: Vec<(u8, u8)>) -> u8", "a:positional-or-keyword b:positional-or-keyword"),
        ("const f = (a, b) => a", "a:positional-or-keyword b:positional-or-keyword"),
        ("def f()", ""),
    ],
)
def test_parameters_are_read_from_a_head(signature: str, names: str) -> None:
    found = parameters_of(signature, "f")
    assert found is not None
    assert " ".join(f"{each.name}:{each.kind}" for each in found) == names


def test_a_head_without_parameters_has_none() -> None:
    assert parameters_of("f = 1", "f") is None


OVERLOADED = """
from typing import overload
@overload
def area(a: int) -> int: ...
@overload
def area(a: str, unit: str) -> str: ...
def area(a, unit=None): ...
area({arguments})
"""


@pytest.mark.parametrize("engine", [True, False])
async def test_overloads_are_shown_one_by_one(tmp_path: Path, engine: bool) -> None:
    found = await shown(tmp_path, OVERLOADED.format(arguments="<|>"), engine=engine)
    assert found == ["area([a: int])", "area([a: str], unit: str)"]


async def test_the_overload_that_takes_the_arguments_comes_first(tmp_path: Path) -> None:
    found = await shown(tmp_path, OVERLOADED.format(arguments="1, <|>2"))
    assert found == ["area(a: str, [unit: str])", "area(a: int)"]


async def test_a_constructor_of_a_base_in_another_file_is_shown_at_once(tmp_path: Path) -> None:
    found = await shown(
        tmp_path,
        """
        #- shapes.py
        class Shape:
            def __init__(self, width, height=1): ...
        #- main.py
        from shapes import Shape
        class Square(Shape): ...
        Square(1, hei<|>ght=2)
        """,
    )
    assert found == ["Shape(width, [height=1])"]


async def test_the_constructor_of_a_dataclass_is_left_to_the_engine(tmp_path: Path) -> None:
    found = await shown(
        tmp_path,
        """
        from dataclasses import dataclass
        @dataclass
        class Box:
            width: int
            height: int = 1
        Box(<|>)
        """,
        engine=True,
    )
    assert len(found) == 1
    assert "width" in found[0]


@pytest.mark.parametrize(
    "head",
    [
        "class Meta(type):\n    def __call__(cls, a, b): ...\nclass Box(metaclass=Meta):",
        "class Meta(type):\n    def __call__(cls): ...\nclass Base(metaclass=Meta): ...\nclass Box(Base):",
        "from enum import Enum\nclass Box(Enum):",
        "from nowhere import Base\nclass Box(Base):",
    ],
)
async def test_a_call_that_may_not_run_the_constructor_is_left_to_the_engine(
    tmp_path: Path, head: str
) -> None:
    source = f"{head}\n    def __init__(self, z): ...\nB<|>ox(1)\n"
    async with workspace(tmp_path, source) as space:
        assert await static_callables(space.doc, space.at, space.code) == []


async def test_a_class_of_a_plain_base_is_certain(tmp_path: Path) -> None:
    source = "class Base:\n    def __init__(self, z): ...\nclass Box(Base): ...\nB<|>ox(1)\n"
    async with workspace(tmp_path, source) as space:
        assert len(await static_callables(space.doc, space.at, space.code)) == 1


async def test_the_parameters_of_a_lambda_are_no_arguments(tmp_path: Path) -> None:
    assert await shown(tmp_path, "def f(key, width): ...\nf(lambda a, b: <|>)\n") == ["f([key], width)"]
    assert await shown(tmp_path, "def f(key, width): ...\nf(lambda a, b: a, <|>)\n") == ["f(key, [width])"]


@pytest.mark.parametrize("engine", [True, False])
async def test_an_argument_that_is_begun_tells_overloads_apart(tmp_path: Path, engine: bool) -> None:
    snippet = """
        from typing import overload

        @overload
        def ov(a: str) -> str: ...
        @overload
        def ov(a: str, b: int) -> int: ...
        def ov(a, b=0): ...

        ov("a", <|>)
        """
    found = await shown(tmp_path, snippet, engine=engine)
    assert found[0].removeprefix("def ") == "ov(a: str, [b: int])"


async def test_the_marks_between_parameters_are_shown(tmp_path: Path) -> None:
    async with workspace(tmp_path, "def f(a, /, b, *, c=1): ...\nf(<|>)\n", engine=False) as space:
        [signature] = await signature_help(space.doc, space.at, space.code)
    assert signature.label == "f(a, /, b, *, c=1)"


async def test_a_method_s_annotated_self_is_no_argument(tmp_path: Path) -> None:
    snippet = "class A:\n    def f(self: 'A', a): ...\nA().f(<|>)\n"
    assert await shown(tmp_path, snippet, engine=False) == ["f([a])"]


def test_a_go_function_s_results_are_shown() -> None:
    head = "func (t *T) find(name string, f func(x int) bool) (*T, error)"
    found = signature_of(Symbol("find", SymbolKind.METHOD, 0, 0, 0, 0, "T", head))
    assert found is not None
    assert found.label == "find(name string, f func(x int) bool) (*T, error)"
