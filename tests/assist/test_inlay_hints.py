"""Inlay hints: shown where the code does not say it itself, and only when certain."""

from __future__ import annotations

from pathlib import Path

import pytest

from devflow.server.assist.inlay_hints import inlay_hints
from support.codebase import workspace


async def shown(root: Path, snippet: str, path: str = "main.py") -> str:
    """The document with its hints in `‹›`."""
    async with workspace(root, snippet, path) as made:
        source = made.doc.text.source
        for hint in reversed(await inlay_hints(made.doc, 0, len(source), made.code)):
            source = f"{source[: hint.at]}‹{hint.label}›{source[hint.at :]}"
    return source


@pytest.mark.parametrize(
    ("snippet", "line"),
    [
        ("def area(width, height): ...\n<|>area(1, 2)\n", "area(‹width=›1, ‹height=›2)"),
        ("def area(width, height=1): ...\nheight = 2\n<|>area(1, height)\n", "area(‹width=›1, height)"),
        ("def area(width, *rest): ...\n<|>area(1, 2, 3)\n", "area(‹width=›1, 2, 3)"),
        ("def area(width, height): ...\n<|>area(1, height=2)\n", "area(‹width=›1, height=2)"),
        ("def area(width, height): ...\n<|>area(*sizes, 2)\n", "area(*sizes, 2)"),
        ("def area(_w, x): ...\n<|>area(1, 2)\n", "area(1, 2)"),
        ("class A:\n    def __init__(self, width): ...\n<|>A(1)\n", "A(‹width=›1)"),
        (
            "class A:\n    def f(self, width): ...\n    def g(self):\n        <|>self.f(1)\n",
            "        self.f(‹width=›1)",
        ),
        ("class A:\n    def f(self, width): ...\n<|>A.f(a, 1)\n", "A.f(a, 1)"),
        ("def area(width): ...\ndef area(height): ...\n<|>area(1)\n", "area(1)"),
        ("@wrapped\ndef area(width): ...\n<|>area(1)\n", "area(1)"),
        ("<|>unknown(1, 2)\n", "unknown(1, 2)"),
        ("class A: ...\ndef make() -> A: ...\n<|>a = make()\n", "a‹: A› = make()"),
        ("class A: ...\n<|>a = A()\n", "a = A()"),
        ("<|>a = 1\n", "a = 1"),
    ],
)
async def test_a_hint_says_what_the_code_does_not(tmp_path: Path, snippet: str, line: str) -> None:
    number = snippet.partition("<|>")[0].count("\n")
    assert (await shown(tmp_path, snippet)).splitlines()[number] == line


async def test_parameters_of_another_file_are_known(tmp_path: Path) -> None:
    snippet = (
        "#- shapes.py\ndef area(width, height): ...\n#- main.py\nfrom shapes import area\narea(1, 2)<|>\n"
    )
    assert "area(‹width=›1, ‹height=›2)" in await shown(tmp_path, snippet)


async def test_other_languages_know_the_functions_of_the_file(tmp_path: Path) -> None:
    snippet = "function area(width: number, height: number) {}\narea(1, 2);<|>\n"
    assert "area(‹width:›1, ‹height:›2)" in await shown(tmp_path, snippet, "main.ts")


async def test_only_the_part_asked_for_has_hints(tmp_path: Path) -> None:
    async with workspace(tmp_path, "def area(width): ...\narea(1)\narea(2)<|>\n") as made:
        start = made.doc.text.line_start(2)
        [hint] = await inlay_hints(made.doc, start, len(made.doc.text), made.code)
    assert hint.at == start + len("area(")


async def test_broken_code_has_hints_where_it_is_whole(tmp_path: Path) -> None:
    snippet = "def area(width): ...\narea(1)\narea(2<|>\n"
    assert "area(‹width=›1)" in await shown(tmp_path, snippet)
