"""The call the cursor is in, finished or not, and all calls of a file."""

from __future__ import annotations

import pytest

from devflow.analysis.calls import CallSite, call_at, calls
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Text
from support import fixture


def site_at(snippet: str, language: str = "python") -> CallSite | None:
    case = fixture.parse(snippet)
    tree = parse(Text(case.text()), language)
    assert tree
    return call_at(tree, case.cursor[1])


@pytest.mark.parametrize(
    ("snippet", "name", "receiver", "active"),
    [
        ("f(<|>)", "f", None, 0),
        ("f(a, <|>", "f", None, 1),
        ("f(a, b<|>, c)", "f", None, 1),
        ("self.client.get(url, timeout=<|>", "get", "self.client", 1),
        ("f(g(1, 2), <|>)", "f", None, 1),
        ("f(g(1, <|>2), 3)", "g", None, 1),
        ("f([1, 2, <|>])", "f", None, 0),
        ("f({'a': (1, 2)}, <|>)", "f", None, 1),
        ("f('a, (b', <|>", "f", None, 1),
        ("f('a, <|>b')", "f", None, 0),
        ("f(\n    a,\n    <|>\n)", "f", None, 1),
        ("f(a,\n  <|>\nreturn x", "f", None, 1),
        ("f()(a, <|>)", "", None, 1),
        ("f().g(<|>", "g", None, 0),
    ],
)
def test_the_call_around_the_cursor(snippet: str, name: str, receiver: str | None, active: int) -> None:
    site = site_at(snippet)
    assert site
    assert (site.name, site.receiver, site.active) == (name, receiver, active)


@pytest.mark.parametrize(
    "snippet", ["def f(<|>)", "class A(<|>)", "(a, <|>)", "x = <|>", "f()<|>", "if (<|>", "[<|>]"]
)
def test_no_call_is_around_the_cursor(snippet: str) -> None:
    assert site_at(snippet) is None


def test_arguments_of_an_unfinished_call_are_read() -> None:
    source = "obj.send(first, *rest, key=1 + 2, <|>"
    site = site_at(source)
    assert site
    text = source.replace("<|>", "")
    assert [text[a.start : a.end] for a in site.arguments] == ["first", "*rest", "key=1 + 2"]
    assert [(a.keyword, a.starred) for a in site.arguments] == [(None, False), (None, True), ("key", False)]
    assert text[site.start :].startswith("obj.send(")
    assert site.end == len(text)


def test_an_unclosed_call_ends_where_a_statement_begins() -> None:
    source = "f(a, <|>\n\ndef g(x):\n    return x\n"
    site = site_at(source)
    assert site
    assert len(site.arguments) == 1


def test_all_calls_of_a_file() -> None:
    source = "f(1, *a, k=2, **o)\nx.y.g(h(), (i for i in j))\nm(i for i in j)\nq()()\nt(# no\n  1,\n)\n"
    tree = parse(Text(source), "python")
    assert tree
    found = {site.name: site for site in calls(tree)}
    assert [(a.keyword, a.starred) for a in found["f"].arguments] == [
        (None, False),
        (None, True),
        ("k", False),
        (None, True),
    ]
    assert found["g"].receiver == "x.y"
    assert source[found["g"].start : found["g"].end] == "x.y.g(h(), (i for i in j))"
    assert len(found["m"].arguments) == 1
    assert len(found["t"].arguments) == 1
    assert not found[""].plain
    assert found["f"].plain


@pytest.mark.parametrize(
    ("language", "source", "expected"),
    [
        ("typescript", "a.b(c, ...d); new E<F>(1);", [("b", "a", 2), ("E", None, 1)]),
        ("go", "package p\nfunc f() { fmt.Println(a, b...) }", [("Println", "fmt", 2)]),
        ("java", "class A { void m() { x.y(1, 2); new B(); } }", [("y", "x", 2), ("B", None, 0)]),
        ("rust", "fn f() { a::b(1); c.d(); }", [("b", "a", 1), ("d", "c", 0)]),
        ("cpp", "void f() { a->b(1); std::c<int>(2); }", [("b", "a", 1), ("c", "std", 1)]),
        ("csharp", "class A { void M() { x.Y(1, name: 2); } }", [("Y", "x", 2)]),
        ("ruby", "a.b(1, k: 2)\n", [("b", "a", 2)]),
    ],
)
def test_calls_of_other_languages(
    language: str, source: str, expected: list[tuple[str, str | None, int]]
) -> None:
    tree = parse(Text(source), language)
    assert tree
    assert [(site.name, site.receiver, len(site.arguments)) for site in calls(tree)] == expected
