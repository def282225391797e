"""Each case lists `text:type.modifier` of a snippet's tokens."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devflow.analysis.semantic_tokens import difference, encoded, semantic_tokens
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Text
from support.steps import steps

CASES = {
    "a function, its parameter and a local": (
        "python",
        "def f(a):\n    b = a\n    return b\n",
        "f:function.declaration a:parameter.declaration b:variable.declaration a:parameter b:variable",
    ),
    "a class and its method": (
        "python",
        "class C:\n    def m(self):\n        return self.x\n",
        "C:class.declaration m:method.declaration self:parameter.declaration self:parameter x:property",
    ),
    "a call of a method": ("python", "import a\na.b()\n", "a:namespace a:namespace b:method"),
    "an async function": ("python", "async def f():\n    pass\n", "f:function.declaration.async"),
    "a constant": ("python", "SIZE = 1\nSIZE\n", "SIZE:variable.declaration.readonly SIZE:variable.readonly"),
    "builtins": ("python", "len(str)\n", "len:function.defaultLibrary str:class.defaultLibrary"),
    "a builtin that is hidden": ("python", "len = 1\nlen\n", "len:variable.declaration len:variable"),
    "a keyword argument": (
        "python",
        "def f(a): ...\nf(a=1)\n",
        "f:function.declaration a:parameter.declaration f:function a:parameter",
    ),
    "an imported class": ("python", "from a import B\nB\n", "B:class B:class"),
    "a decorator": (
        "python",
        "def d(f): ...\n@d\ndef g(): ...\n",
        "d:function.declaration f:parameter.declaration d:decorator g:function.declaration",
    ),
    "an unknown name gets none": ("python", "unknown\n", ""),
    "a TypeScript class": (
        "typescript",
        "class A { b = 1; c(d: string) { return d; } }",
        "A:class.declaration b:property.declaration c:method.declaration d:parameter.declaration d:parameter",
    ),
    "a Go function": (
        "go",
        "package p\nfunc f(a int) int { return a }\n",
        "f:function.declaration a:parameter.declaration int:type int:type a:parameter",
    ),
    "a Java method": (
        "java",
        "class A { int b(int c) { return c; } }",
        "A:class.declaration b:method.declaration c:parameter.declaration c:parameter",
    ),
    "a Rust struct": (
        "rust",
        "struct A { b: u8 }\nfn f(a: A) {}\n",
        "A:struct.declaration b:property.declaration f:function.declaration a:parameter.declaration A:struct",
    ),
    "a C call": (
        "c",
        "int f(int a) { return g(a); }\n",
        "f:function.declaration a:parameter.declaration g:function a:parameter",
    ),
    "a Ruby method": (
        "ruby",
        "def a(b)\n  b\nend\n",
        "a:function.declaration b:parameter.declaration b:parameter",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_tokens(name: str) -> None:
    language, source, wanted = CASES[name]
    tree = parse(Text(source), language)
    assert tree is not None
    found = [
        ".".join((f"{source[each.start : each.end]}:{each.type}", *each.modifiers))
        for each in semantic_tokens(tree)
    ]
    assert " ".join(found) == wanted


@given(
    st.text(st.sampled_from("{}()[]\n\"' aéb😀:.=@"), max_size=50),
    st.sampled_from(["python", "go", "typescript", "ruby"]),
)
def test_tokens_lie_within_the_text_in_order_and_on_one_line(source: str, language: str) -> None:
    tree = parse(Text(source), language)
    assert tree is not None
    last = 0
    for each in semantic_tokens(tree):
        assert last <= each.start < each.end <= len(source)
        assert "\n" not in source[each.start : each.end]
        last = each.end


@given(st.lists(st.integers(0, 3), max_size=12), st.lists(st.integers(0, 3), max_size=12))
def test_a_difference_makes_the_new_of_the_old(old: list[int], new: list[int]) -> None:
    result = list(old)
    for start, deleted, inserted in difference(old, new):
        result[start : start + deleted] = inserted
    assert result == new


def test_the_numbers_are_relative_to_the_token_before() -> None:
    tree = parse(Text("def f(a):\n    return a\n"), "python")
    assert tree is not None
    tokens = semantic_tokens(tree)
    positions: Sequence[tuple[int, int]] = [tree.text.position(each.start) for each in tokens]
    numbers = encoded(tokens, positions, [each.end - each.start for each in tokens])
    assert [numbers[at : at + 3] for at in range(0, len(numbers), 5)] == [[0, 4, 1], [0, 2, 1], [1, 11, 1]]


def test_a_name_that_is_used_thousands_of_times_is_looked_up_once() -> None:
    def work(uses: int) -> int:
        tree = parse(Text("import np\n" + "np.f(np)\n" * uses), "python")
        assert tree is not None
        return steps(lambda: semantic_tokens(tree))

    assert work(1_000) < 11 * work(100)  # in proportion, not by the square: that is nearer 100
