"""Expressions read backwards, and types as they are written."""

from __future__ import annotations

import pytest

from devflow.analysis.expressions import chain_before, expression_end, split_top
from devflow.analysis.written_types import (
    Type,
    read_type,
    result_text,
    type_before,
    type_parameters,
    type_text,
)


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("this.items[0].find(x)", "name this, member items, index 0, member find, call x"),
        ("return new a.B(1, ')').run<T>(x)!", "new a.B, member run, call x"),
        ("x == (await get(1))", "inner await get(1)"),
        ("return &Options{Size: 1}", "new Options"),
        ("a\n  .map(x => x.y)\n  .first()", "name a, member map, call x => x.y, member first, call "),
        ("() -> Client.open()", "name Client, member open, call "),
        ("if (x) y", "name y"),
        ("f(a)(b)", "name f, call a, call b"),
    ],
)
def test_the_expression_that_ends_here_is_read_from_its_first_name(text: str, steps: str) -> None:
    chain = chain_before(text, len(text))
    assert chain is not None
    assert ", ".join(f"{step.kind} {step.text}" for step in chain.steps) == steps


@pytest.mark.parametrize("text", ["", "1", "a + ", "[1, 2]", "if (x)", ")", "x)", '"', "{}"])
def test_what_is_no_chain_is_none_or_begins_somewhere(text: str) -> None:
    for end in range(len(text) + 1):
        chain = chain_before(text, end)
        assert chain is None or 0 <= chain.start <= end


def test_an_expression_ends_with_its_line_unless_it_goes_on() -> None:
    text = "a.b(1,\n 2)\n  .c()\nd"
    assert text[: expression_end(text, 0)] == "a.b(1,\n 2)\n  .c()"
    assert split_top("a, b<c, d>, e(f, g)", ",") == ["a", "b<c, d>", "e(f, g)"]


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("go", "map[string][]*a.Foo", Type("map", (Type("string"), Type("[]", (Type("a.Foo"),))))),
        ("go", "(*Foo, error)", Type("Foo")),
        ("go", "func(x int) (*B, error)", Type("func", (Type("B"),))),
        ("typescript", "Promise<Foo[]> | null", Type("Promise", (Type("[]", (Type("Foo"),)),))),
        ("typescript", "(a: X) => Foo", Type("func", (Type("Foo"),))),
        ("typescript", "undefined | Foo | Bar", Type("|", (Type("Foo"), Type("Bar")))),
        ("java", "List<? extends Foo>", Type("List", (Type("Foo"),))),
        ("java", "final Foo...", Type("[]", (Type("Foo"),))),
        ("typescript", "{ a: 1 }", Type("{ a: 1 }")),
    ],
)
def test_types_are_read_as_they_are_written(language: str, text: str, expected: Type | None) -> None:
    assert read_type(text, language) == expected


def test_the_type_is_found_beside_a_name() -> None:
    assert type_text("x: Foo<A, B[]> | null = 3", 2) == "Foo<A, B[]> | null"
    assert type_before("return x; Map<A, B[]> found", 22) == "Map<A, B[]>"
    assert type_before("return found", 7) == ""
    assert type_parameters("export class Box<T, K extends X<T>> extends Y", "Box") == ["T", "K"]
    assert result_text("func (r *R) get(a int, f func(x) y) (*Foo, error)", "get", "go") == "(*Foo, error)"
    assert result_text("async find<T>(a: X = {}): Promise<T[]>", "find", "typescript") == "Promise<T[]>"
    assert result_text("public static <T> List<T> of(T... a)", "of", "java") == "List<T>"
