"""The word at the cursor and the names that can stand there."""

from __future__ import annotations

import pytest

from devflow.analysis.scope import place_at, visible_names, word_before
from devflow.analysis.syntax.parse import SyntaxTree, parse
from devflow.analysis.text import Text
from support import fixture


def at_cursor(snippet: str, path: str = "main.py", language: str = "python") -> tuple[SyntaxTree, int]:
    case = fixture.parse(snippet, path)
    tree = parse(Text(case.text()), language)
    assert tree
    return tree, case.cursor[1]


def names_at(snippet: str, language: str = "python") -> list[str]:
    return [found.name for found in visible_names(*at_cursor(snippet, language=language))]


@pytest.mark.parametrize(
    ("snippet", "prefix", "receiver", "after_dot"),
    [
        ("pri<|>", "pri", None, False),
        ("<|>", "", None, False),
        ("x = <|>", "", None, False),
        ("self.client.ge<|>t", "ge", "self.client", True),
        ("foo.<|>", "", "foo", True),
        ("foo().<|>", "", None, True),
        ("a[0].b<|>", "b", None, True),
        ("'x'.jo<|>", "jo", None, True),
        ("f().a.b<|>", "b", None, True),
        ("x = 1.<|>", "", None, False),
        ("x1.<|>", "", "x1", True),
        ("from . import a<|>", "a", None, False),
        ("from .<|>", "", None, False),
        ("...<|>", "", None, False),
        ("(\n    query\n    .filter<|>", "filter", "query", True),
        ("naïve.é<|>", "é", "naïve", True),
        ("a.b[<|>", "", None, False),
        ("a .b<|>", "b", "a", True),
    ],
)
def test_the_word_knows_what_it_is_read_from(
    snippet: str, prefix: str, receiver: str | None, after_dot: bool
) -> None:
    case = fixture.parse(snippet)
    word = word_before(Text(case.text()), case.cursor[1])
    assert (word.prefix, word.receiver, word.after_dot) == (prefix, receiver, after_dot)
    assert word.start == case.cursor[1] - len(prefix)


@pytest.mark.parametrize(
    ("snippet", "receiver"),
    [
        ("c->it<|>", "c"),
        ("f(...this.it<|>", "this"),
        ("[...a.b.it<|>", "a.b"),
        ("handlers ...gin.Hand<|>", "gin"),
        ("std::vec<|>", "std"),
        ("a?.b<|>", "a"),
        ("a!.b<|>", "a"),
        ("this.x.y<|>", "this.x"),
    ],
)
def test_other_languages_operators_are_dots_too(snippet: str, receiver: str) -> None:
    case = fixture.parse(snippet)
    assert word_before(Text(case.text()), case.cursor[1]).receiver == receiver


def test_parameters_locals_globals_and_imports_are_visible_nearest_first() -> None:
    tree, at = at_cursor(
        """
        import os.path
        from a import b as c
        LIMIT = 1

        def outer(first, *rest, key: int = 2, **options):
            local, (other, third) = 1, (2, 3)
            for item in rest:
                with open(item) as file:
                    def inner(x): ...
                    <|>
            later = 1

        class Shape: ...
        """
    )
    found = visible_names(tree, at)
    by_name = {name.name: name for name in found}
    assert {"first", "rest", "key", "options", "local", "other", "third", "item", "file", "inner"} <= set(
        by_name
    )
    assert {"os", "c", "LIMIT", "outer", "Shape"} <= set(by_name)
    assert not {"later", "x", "path", "b", "self"} & set(by_name)
    assert by_name["first"].distance == 0
    assert by_name["first"].kind.value == "parameter"
    assert by_name["LIMIT"].distance == 1
    assert by_name["LIMIT"].kind.value == "constant"
    assert by_name["inner"].kind.value == "function"
    assert [name.distance for name in found] == sorted(name.distance for name in found)


def test_names_of_a_class_body_are_not_visible_in_its_methods() -> None:
    names = names_at("class A:\n    field = 1\n    def f(self):\n        <|>\n")
    assert "field" not in names
    assert {"self", "A"} <= set(names)
    assert "field" in names_at("class A:\n    field = 1\n    other = <|>\n")


def test_the_cursor_on_an_indented_line_behind_a_function_is_in_it() -> None:
    assert "arg" in names_at("def f(arg):\n    x = 1\n    <|>")
    assert "arg" in names_at("def f(arg):\n    <|>\n\ny = 2\n")
    assert "arg" not in names_at("def f(arg):\n    x = 1\n\n<|>")


def test_an_open_bracket_hides_no_global_name() -> None:
    names = names_at(
        """
        from a import (
            one,
            two as three,
        )
        import x.y, z as w
        def f(a):
            call(a, <|>

        LIMIT: int = 1
        class After(
            Base): ...
        async def later(): ...
        """
    )
    assert {"one", "three", "x", "w", "f", "a", "LIMIT", "After", "later"} <= set(names)
    assert not {"two", "y", "z"} & set(names)


def test_the_name_being_typed_is_not_offered() -> None:
    assert "lo" not in names_at("import os\nlo<|> = 1\n")


@pytest.mark.parametrize(
    "snippet",
    [
        "def f(own, x=y<|>): ...\n",
        "def f(own, x: <|>T = 1): ...\n",
        "def f(own, *, x: <|>T): ...\n",
        "def f(\n    own,\n    x=<|>y,\n): ...\n",
        "def f(own) -> <|>T: ...\n",
        "x = lambda own, y=<|>z: own\n",
        "[own for own in <|>r]\n",
        "f(own for own in <|>r if own)\n",
        "class A(<|>B):\n    own = 1\n",
    ],
)
def test_names_are_not_visible_in_what_is_evaluated_around_their_scope(snippet: str) -> None:
    assert "own" not in names_at(snippet)


@pytest.mark.parametrize(
    "snippet",
    [
        "x = lambda own, y=z: <|>own\n",
        "[<|>own for own in r]\n",
        "[x for own in r for x in <|>own]\n",
        "[own for own in r if <|>own]\n",
        "class A:\n    own = 1\n    def f(self, x=<|>own): ...\n",
    ],
)
def test_names_are_visible_in_the_rest_of_their_scope(snippet: str) -> None:
    assert "own" in names_at(snippet)


def test_a_comprehension_s_names_stay_in_it() -> None:
    assert "item" in names_at("x = [item.<|> for item in y]\n")
    assert "item" not in names_at("x = [item for item in y]\n<|>")


@pytest.mark.parametrize(
    ("language", "snippet", "expected"),
    [
        (
            "typescript",
            "import { a as b } from 'm';\nclass C { m(p: number, {q, r}: T) { const l = 1; <|> } }\n",
            {"b", "C", "p", "q", "r", "l"},
        ),
        (
            "javascript",
            "const x = 1;\nfunction f(a, b = 2, ...c) {\n  let d;\n  <|>\n}\n",
            {"x", "f", "a", "b", "c", "d"},
        ),
        (
            "go",
            'package p\nimport "net/http"\nfunc f(a int) {\n  b := 1\n  <|>\n}\n',
            {"http", "f", "a", "b"},
        ),
        ("java", "class C { int f; void m(int a) { int b = 1; <|> } }\n", {"C", "f", "m", "a", "b"}),
        ("rust", "use m::T;\nfn f(a: u8) {\n  let b = 1;\n  <|>\n}\n", {"T", "f", "a", "b"}),
        ("c", "int g;\nint f(int a, char *b) {\n  int c = 1;\n  <|>\n}\n", {"g", "f", "a", "b", "c"}),
        ("cpp", "int g;\nint f(const T& a) {\n  auto c = 1;\n  <|>\n}\n", {"g", "f", "a", "c"}),
        ("csharp", "class C { int f; void M(int a) { var b = 1; <|> } }\n", {"C", "f", "M", "a", "b"}),
        ("ruby", "def m(a, k: 1)\n  b = 1\n  <|>\nend\n", {"m", "a", "k", "b"}),
    ],
)
def test_every_language_has_visible_names(language: str, snippet: str, expected: set[str]) -> None:
    assert expected <= set(names_at(snippet, language))


@pytest.mark.parametrize(
    ("snippet", "place"),
    [
        ("x = 1  # no<|>te", "comment"),
        ("x = 'te<|>xt'", "string"),
        ("x = f'te{na<|>me}xt'", "code"),
        ("x = 'text'<|>", "code"),
        ("na<|>me", "code"),
        ("<|>", "code"),
        ('"""doc<|>', "string"),
        ('"""doc\nit\'s a<|>', "string"),
        ("def f(\n    x = 'te<|>", "string"),
        ("def f(\n    x = 'text', b.<|>", "code"),
        ("x = ('a\\\nb <|>", "string"),
        ('it = f("""a\n\'b""" + c.<|>', "code"),
    ],
)
def test_comments_and_strings_are_told_from_code(snippet: str, place: str) -> None:
    assert place_at(*at_cursor(snippet)) == place


@pytest.mark.parametrize(
    "snippet",
    ["function f(a, ...rest) { <|> }", "const {a, ...rest} = made;\n<|>", "const [a, ...rest] = made;\n<|>"],
)
@pytest.mark.parametrize("language", ["javascript", "typescript"])
def test_what_a_script_gathers_with_dots_is_a_name(snippet: str, language: str) -> None:
    assert {"a", "rest"} <= set(names_at(snippet, language))
