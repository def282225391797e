"""What a Python function's text binds, reads and returns."""

from __future__ import annotations

import pytest

from devflow.analysis.local_values import may_bind, read_attributes, read_function


@pytest.mark.parametrize(
    ("body", "how"),
    [
        ("x = 1", "value"),
        ("x: int = 1", "value"),
        ("(x, y) = 1, 2", "value"),
        ("x, y = z", "other"),
        ("*x, y = z", "other"),
        ("print(x := 1)", "value"),
        ("for x in y: pass", "element"),
        ("[x for x in y]", "element"),
        ("with y as x: pass", "with"),
        ("try: pass\n    except E as x: pass", "caught"),
        ("match y:\n        case [x, *_]: pass", "other"),
    ],
)
def test_each_way_to_bind_a_name(body: str, how: str) -> None:
    text = f"def f(y):\n    {body}\n"
    found = read_function(text)
    assert found is not None
    assert [each.how for each in found.names["x"]] == [how]
    assert may_bind(text, "x")


def test_inner_functions_are_left_to_themselves_and_global_names_to_the_module() -> None:
    found = read_function(
        "def f(a, *b, c=1, **d):\n    global g\n    g = 1\n    def h():\n        i = 1\n    return a\n"
    )
    assert found is not None
    assert (sorted(found.names), found.parameters, found.elsewhere) == (
        ["a", "b", "c", "d"],
        [*"abcd"],
        {"g"},
    )
    assert len(found.returns) == 1


@pytest.mark.parametrize("body", ["x()", "y.x = 1", "f(x)(1)", "print(x.y)", "x + 1"])
def test_what_cannot_bind_is_told_without_parsing(body: str) -> None:
    found = read_function(f"def f(y):\n    {body}\n")
    assert found is not None
    assert "x" not in found.names


def test_an_indented_function_is_read_as_it_stands() -> None:
    text = "    @wraps\n    def f(self):\n        return self.é.go\n"
    found = read_function(text)
    assert found is not None
    column = len("        return self.é.go".encode())
    assert (4, column) in found.attributes()
    assert (2, 7) in read_attributes("    a.b()\n") or (2, 7) in read_attributes("    a.b\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "def f(",
        "class A: ...",
        "def f():\n    return " + "a." * 3_000 + "b\n",
        "def f():\n    return " + "(" * 300 + "a" + ")" * 300,
        "def f():\n    \0",
    ],
)
def test_what_is_no_function_or_too_deep_is_none(text: str) -> None:
    assert read_function(text) is None
