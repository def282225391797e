"""Selections grow from the cursor; each step is shown as the text it takes in."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devflow.analysis.selection import selections
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Text

CASES = {
    "a word, an attribute, a call": (
        "python",
        "x = self.na<|>me(1)\n",
        ["name", "self.name", "self.name(1)", "x = self.name(1)"],
    ),
    "an argument and all arguments": ("python", "f(a, b<|>c)\n", ["bc", "a, bc", "(a, bc)", "f(a, bc)"]),
    "inside quotes, then with them": ("python", 'x = "one t<|>wo"\n', ["two", "one two", '"one two"']),
    "inside brackets": ("python", "x = [1, <|>2]\n", ["2", "1, 2", "[1, 2]", "x = [1, 2]"]),
    "a block before its function": (
        "python",
        "def f():\n    a<|>b\n    c\n",
        ["ab", "ab\n    c", "def f():\n    ab\n    c"],
    ),
    "a brace's content before the braces": (
        "typescript",
        "f({a: <|>1})",
        ["1", "a: 1", "{a: 1}", "({a: 1})", "f({a: 1})"],
    ),
    "a Go statement": (
        "go",
        "package a\nfunc f() {\n\tx := <|>y\n}\n",
        ["y", "x := y", "x := y\n", "\n\tx := y\n", "{\n\tx := y\n}"],
    ),
    "plain text by line": ("", "one two<|>\nthree\n", ["two", "one two", "one two\nthree\n"]),
}


@pytest.mark.parametrize("name", CASES)
def test_the_selection_grows_by(name: str) -> None:
    language, marked, wanted = CASES[name]
    at = marked.index("<|>")
    text = Text(marked.replace("<|>", ""))
    found = selections(text, parse(text, language) if language else None, at)
    assert [text.source[start:end] for start, end in found][: len(wanted)] == wanted


@given(st.text(st.sampled_from("{}()[]\n\r\"' aé😀:.="), max_size=50), st.data())
def test_each_selection_is_inside_the_next(source: str, data: st.DataObject) -> None:
    text = Text(source)
    at = data.draw(st.integers(0, len(source)))
    found = selections(text, parse(text, "python"), at)
    assert found[-1] == (0, len(source))
    for (start, end), (outer_start, outer_end) in itertools.pairwise(found):
        assert outer_start <= start <= at <= end <= outer_end
        assert (start, end) != (outer_start, outer_end)
