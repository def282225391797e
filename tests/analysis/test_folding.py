"""Each case lists `first-last kind` of the folds of a snippet, lines from 0."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devflow.analysis.folding import folds
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Text

CASES = {
    "a function under its head": ("python", "def f():\n    a = 1\n    return a\n", "0-2"),
    "nested blocks": ("python", "class C:\n    def f(self):\n        pass\n", "0-2 1-2"),
    "an else of its own": ("python", "if a:\n    b\n    c\nelse:\n    d\n    e\n", "0-2 3-5"),
    "try and its handlers": ("python", "try:\n    a\nexcept E:\n    b\nfinally:\n    c\n", "0-1 2-3 4-5"),
    "a list up to the line before its bracket": ("python", "x = [\n    1,\n    2,\n]\n", "0-2"),
    "a docstring": ("python", 'def f():\n    """One.\n\n    Two.\n    """\n    return 1\n', "0-5 1-4"),
    "imports in a row": ("python", "import a\nimport b\nfrom c import d\n\nx = 1\n", "0-2 imports"),
    "one import alone is no fold": ("python", "import a\n\nx = 1\n", ""),
    "comments in a row": ("python", "# a\n# b\nx = 1\n", "0-1 comment"),
    "a region": ("python", "# region one\nx = 1\n# endregion\n", "0-2 region"),
    "a head over several lines": ("python", "def f(\n    a,\n    b,\n):\n    return a\n", "0-2 3-4"),
    "a one-line function is no fold": ("python", "def f(): return 1\n", ""),
    "braces": ("typescript", "function f() {\n  g();\n}\n", "0-1"),
    "if and else each": ("typescript", "if (a) {\n  b();\n} else {\n  c();\n}\n", "0-1 2-3"),
    "an object": ("javascript", "const a = {\n  b: 1,\n};\n", "0-1"),
    "a block comment": ("java", "/*\n * a\n */\nclass A {\n  int b;\n}\n", "0-2 comment 3-4"),
    "Java imports": ("java", "import a.B;\nimport a.C;\n\nclass D {\n}\n", "0-1 imports"),
    "a Go import list": ("go", 'package a\n\nimport (\n\t"b"\n\t"c"\n)\n', "2-4"),
    "a Go function": ("go", "package a\n\nfunc f() {\n\tg()\n}\n", "2-3"),
    "Rust uses": ("rust", "use a::B;\nuse a::C;\n\nfn f() {\n    g();\n}\n", "0-1 imports 3-4"),
    "C includes": ("c", '#include <a.h>\n#include "b.h"\n\nint f() {\n  return 1;\n}\n', "0-1 imports 3-4"),
    "C++ namespaces": ("cpp", "namespace a {\nint b;\n}\n", "0-1"),
    "a C# class": ("csharp", "class A\n{\n    int B;\n}\n", "1-2"),
    "Ruby up to the end": ("ruby", "class A\n  def b\n    c\n  end\nend\n", "0-3 1-2"),
}


@pytest.mark.parametrize("name", CASES)
def test_folds(name: str) -> None:
    language, source, wanted = CASES[name]
    tree = parse(Text(source), language)
    assert tree is not None
    found = " ".join(f"{each.first}-{each.last} {each.kind}".strip() for each in folds(tree))
    assert found == wanted


@given(
    st.text(st.sampled_from("{}()[]\n\r\"'# aé😀:/*"), max_size=60),
    st.sampled_from(["python", "go", "ruby", "java"]),
)
def test_every_fold_lies_within_the_text_and_begins_a_line_once(source: str, language: str) -> None:
    text = Text(textwrap.dedent(source))
    tree = parse(text, language)
    assert tree is not None
    found = folds(tree)
    assert all(0 <= each.first < each.last < text.line_count for each in found)
    assert len({each.first for each in found}) == len(found)
