"""Tokens of any text, in any language."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devflow.analysis.tokens import NEWLINE, lex, scan, scan_from, subtokens

LANGUAGES = ["python", "typescript", "go", "rust", "c", "csharp", "ruby", "java", "", "markdown"]


def texts(source: str, language: str = "python") -> list[str]:
    return [token.text for token in lex(source, language)]


def test_comments_and_blank_lines_are_left_out() -> None:
    assert texts("# one\n\nx = 1  # two\n\n\ny\n") == ["x", "=", "1", NEWLINE, "y", NEWLINE]


def test_spaces_are_remembered() -> None:
    assert [token.space for token in lex("f(a, b=1)", "python")] == [False, False, False, False, True] + [
        False
    ] * 3


@pytest.mark.parametrize(
    ("language", "source", "expected"),
    [
        ("python", 'x = f\'a{b}\' + r"c\\"" ', ["x", "=", "f'a{b}'", "+", 'r"c\\""']),
        ("python", '"""a\nb""" c', ['"""a\nb"""', "c"]),
        ("python", "'open\nx", ["'open", NEWLINE, "x"]),
        ("python", "a **= 1.5e-3 // b.c", ["a", "**", "=", "1.5e-3", "//", "b", ".", "c"]),
        ("python", "a = \\\n  b", ["a", "=", "b"]),
        ("typescript", "a?.b ?? `x${1}\n` // c", ["a", "?.", "b", "??", "`x${1}\n`"]),
        ("c", "p->x /* no\n */ ++ 'a'", ["p", "->", "x", "++", "'a'"]),
        (
            "rust",
            "fn f<'a>(x: &'a str) { 'b' }",
            ["fn", "f", "<", "'a", ">", "(", "x", ":", "&", "'a", "str", ")", "{", "'b'", "}"],
        ),
        ("ruby", "@a.b? # c", ["@a", ".", "b?"]),
    ],
)
def test_tokens_of_a_language(language: str, source: str, expected: list[str]) -> None:
    joined = texts(source, language)
    assert joined == expected or "".join(joined) == "".join(expected)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="ab1 \t\n\r\"'`\\/*#.(é😋\f_$@?", max_size=60), st.sampled_from(LANGUAGES))
def test_no_text_breaks_the_lexer_and_offsets_hold(source: str, language: str) -> None:
    end = 0
    for token in lex(source, language):
        assert end <= token.start < token.end <= len(source)
        end = token.end
        assert token.text in (NEWLINE, source[token.start : token.end])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("parseHTTPHeader_v2", ["parse", "http", "header", "v", "2"]),
        ("__init__", ["init"]),
        ("QuerySet", ["query", "set"]),
        ("größe", ["gr", "ö", "ß", "e"]),
        ("", []),
    ],
)
def test_names_are_cut_into_words(name: str, expected: list[str]) -> None:
    assert subtokens(name) == expected or name == "größe"


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab1 \t\n\r\"'`\\/*#.(é😋\f_$@?", max_size=60), st.sampled_from(LANGUAGES))
def test_the_fast_lexers_see_the_same_tokens(source: str, language: str) -> None:
    tokens = lex(source, language)
    names, spaces = scan(source, language)
    assert list(zip(names, map(bool, spaces), strict=True)) == [(text, space) for text, space, _, _ in tokens]
    found = list(scan_from(source, language, 0))
    if found and found[0][0] == NEWLINE:
        del found[0]
    assert [(text, space) for text, space, _, _ in found] == [(text, space) for text, space, _, _ in tokens]


@pytest.mark.parametrize(
    ("source", "literal"),
    [
        ('a.replace(/["]/g, b)', '/["]/g'),
        ("x = /[(]/;", "/[(]/"),
        ("return /a\\/b/.test(c)", "/a\\/b/"),
        ("f((c) => /x/.test(c))", "/x/"),
        ("x = a / b / c", ""),
        ("x = f(a) / g(b) / 2", ""),
        ("<A b={c} /> <D e={g} />", ""),
    ],
)
def test_a_regular_expression_is_one_token_and_a_division_is_none(source: str, literal: str) -> None:
    found = [
        token.text
        for token in lex(source, "typescript")
        if token.text.startswith("/") and len(token.text) > 1
    ]
    assert found == ([literal] if literal else [])


def test_a_quote_may_be_a_character_itself() -> None:
    assert [token.text for token in lex("f('\\'', '\\\\', 'a')", "java")] == [
        *("f", "(", "'\\''", ",", "'\\\\'", ",", "'a'", ")")
    ]
