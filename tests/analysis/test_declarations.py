"""What the declarations of a name say that it holds. `<|>` is the cursor: the text before it is asked."""

from __future__ import annotations

import pytest

from devflow.analysis.declarations import CalledFor, SetFrom, Written, binds, declarations
from devflow.analysis.written_types import Type, type_stated
from support.fixture import CURSOR


def said(language: str, text: str, *, field: bool = False) -> list[str]:
    """What the declarations of `x` before the cursor say, the last first."""
    end = text.find(CURSOR) if CURSOR in text else len(text)
    source = text.replace(CURSOR, "")
    return [shown(source, each) for each in declarations(source, "x", 0, end, language, field=field)]


def shown(source: str, declaration: Written | SetFrom | CalledFor) -> str:
    if isinstance(declaration, Written):
        return f"is {declaration.type.name}" if declaration.type is not None else "unknown"
    if isinstance(declaration, CalledFor):
        assert declaration.holder is not None
        return f"called for {declaration.holder.steps[0].text}"
    value = source[declaration.start : declaration.end].strip()
    taken = declaration.member or (declaration.number if declaration.take in ("result", "range") else "")
    return f"{declaration.take} {taken} of {value}".replace("  ", " ")


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("go", "func f(x *Foo) { <|> }"),
        ("go", "var x, y Foo\n"),
        ("java", "void f(final Foo x) { <|> }"),
        ("java", "Foo x = y();"),
        ("typescript", "function f(x?: Foo) { <|> }"),
        ("typescript", "const x: Foo = y()\n"),
    ],
)
def test_a_written_type_is_told(language: str, text: str) -> None:
    assert said(language, text) == ["is Foo"]


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("go", "x := y.z()\n", "result 0 of y.z()"),
        ("java", "var x = y.z();", "whole of y.z()"),
        ("typescript", "const x = y.z();", "whole of y.z()"),
    ],
)
def test_a_variable_without_a_type_is_what_it_is_set_from(language: str, text: str, expected: str) -> None:
    assert said(language, text) == [expected]


def test_go_sets_several_names_from_the_results_of_one_call() -> None:
    assert said("go", "err, x := y(1, 2)\n") == ["result 1 of y(1, 2)"]


def test_go_s_range_gives_its_first_name_the_place_and_its_second_what_is_there() -> None:
    assert said("go", "for x := range y {<|>}") == ["range 0 of y"]
    assert said("go", "for _, x := range y {<|>}") == ["range 1 of y"]


def test_go_s_assertion_says_the_type_of_its_first_name_only() -> None:
    assert said("go", "x, ok := y.(Foo)\n") == ["is Foo"]
    assert said("go", "ok, x := y.(Foo)\n") == ["unknown"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x *Foo", ["is Foo"]),
        ("*pkg.x", ["is pkg.x"]),
        ("x = y.z()", ["whole of y.z()"]),
        ("z", []),
    ],
)
def test_a_field_of_go_has_the_type_behind_it_is_embedded_or_set(text: str, expected: list[str]) -> None:
    assert said("go", text, field=True) == expected


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("typescript", "for (const x of y) { <|> }", "element of y"),
        ("java", "for (var x : y) { <|> }", "loop of y"),
    ],
)
def test_a_loop_takes_what_another_holds(language: str, text: str, expected: str) -> None:
    assert said(language, text) == [expected]


def test_a_part_of_an_object_is_its_member_under_its_own_name_there() -> None:
    assert said("typescript", "const { a, x } = y;") == ["member x of y"]
    assert said("typescript", "const { a: x } = y;") == ["member a of y"]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("typescript", "ys.forEach(async (x, i) => <|>"),
        ("typescript", "ys.sort((a, x) => <|>"),
        ("java", "ys.filter(x -> <|>"),
    ],
)
def test_a_callback_s_parameter_is_one_of_what_its_holder_holds(language: str, text: str) -> None:
    assert said(language, text) == ["called for ys"]


def test_the_last_declaration_is_told_first() -> None:
    assert said("typescript", "let x: Foo;\nx = y();\n") == ["whole of y()", "is Foo"]


def test_a_block_that_is_closed_again_is_not_seen_and_of_a_field_is() -> None:
    assert said("typescript", "{ const x = y; } <|>") == []
    assert said("typescript", "{ const x = y; }", field=True) == ["whole of y"]


def test_a_case_does_not_see_what_another_declares() -> None:
    assert said("go", "switch {\ncase a:\n x := y\ncase b:\n<|>}") == []


def test_a_key_of_an_object_is_no_declaration() -> None:
    assert said("typescript", "call({ x: Foo, <|>") == []


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("go", "x, err := f()"),
        ("typescript", "const { x } = f()"),
        ("typescript", "f((a, x) => a)"),
        ("java", "f(x -> 1)"),
    ],
)
def test_a_name_can_be_bound_where_nothing_tells_its_type(language: str, text: str) -> None:
    assert binds(text, "x", language)
    assert not binds(text, "other", language)


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("go", "&[]Foo{}", "[]Foo"),
        ("go", "make(chan Foo, 1)", "chan Foo"),
        ("java", "(Foo<A>) y", "Foo<A>"),
        ("typescript", "y as Foo", "Foo"),
        ("typescript", "y as const", None),
        ("java", "(y)", None),
    ],
)
def test_a_cast_or_a_literal_states_its_type(language: str, text: str, expected: str | None) -> None:
    assert type_stated(text, language) == expected


def test_what_is_written_is_read_with_its_arguments() -> None:
    source = "const x: Map<string, Foo[]> = y"
    written = Type("Map", (Type("string"), Type("[]", (Type("Foo"),))))
    assert list(declarations(source, "x", 0, len(source), "typescript")) == [Written(written)]
