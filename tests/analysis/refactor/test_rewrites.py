# ruff: noqa: E501
"""Small rewrites: the text, and what is refused."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import pytest

from devflow.analysis.python_names import python_names
from devflow.analysis.refactor.f_strings import to_f_string
from devflow.analysis.refactor.import_forms import from_import_to_import, import_to_from_import
from devflow.analysis.refactor.refused import Refused
from devflow.analysis.refactor.rewrites import invert_if, surround_with_try
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Text
from support import fixture

CASES: dict[str, tuple[Callable[..., Any], str, str | None]] = {
    "an if is inverted": (invert_if, "i<|>f a:\n    b\nelse:\n    c\n", "if not a:\n    c\nelse:\n    b\n"),
    "a not goes": (invert_if, "i<|>f not a:\n    b\nelse:\n    c\n", "if a:\n    c\nelse:\n    b\n"),
    "an == becomes !=": (
        invert_if,
        "<|>if a == b:\n    b\nelse:\n    c\n",
        "if a != b:\n    c\nelse:\n    b\n",
    ),
    "an in becomes not in": (
        invert_if,
        "<|>if a in b:\n    b\nelse:\n    c\n",
        "if a not in b:\n    c\nelse:\n    b\n",
    ),
    "an is not becomes is": (
        invert_if,
        "<|>if a is not b:\n    b\nelse:\n    c\n",
        "if a is b:\n    c\nelse:\n    b\n",
    ),
    "a < is negated whole": (
        invert_if,
        "<|>if a < b:\n    b\nelse:\n    c\n",
        "if not a < b:\n    c\nelse:\n    b\n",
    ),
    "an and is negated whole": (
        invert_if,
        "<|>if a and b:\n    b\nelse:\n    c\n",
        "if not (a and b):\n    c\nelse:\n    b\n",
    ),
    "branches of several lines": (
        invert_if,
        "def f():\n    i<|>f a:\n        b\n\n        c\n    else:\n        d\n",
        "def f():\n    if not a:\n        d\n    else:\n        b\n\n        c\n",
    ),
    "no else": (invert_if, "i<|>f a:\n    b\n", None),
    "an elif": (invert_if, "i<|>f a:\n    b\nelif c:\n    d\nelse:\n    e\n", None),
    "an if on one line": (invert_if, "i<|>f a: b\nelse: c\n", None),
    "a format": (to_f_string, "x = '{} is {}'.for<|>mat(a, b.c)\n", "x = f'{a} is {b.c}'\n"),
    "numbered fields": (to_f_string, "'{1}{0}'.for<|>mat(a, b)\n", "f'{b}{a}'\n"),
    "named fields": (to_f_string, "'{x}{y}'.for<|>mat(x=a, y=b)\n", "f'{a}{b}'\n"),
    "conversions and specifications": (to_f_string, "'{!r:>5}'.for<|>mat(a)\n", "f'{a!r:>5}'\n"),
    "attributes and items": (to_f_string, "'{0.x[1]}'.for<|>mat(a)\n", "f'{a.x[1]}'\n"),
    "braces": (to_f_string, "'{{}} {}'.for<|>mat(a)\n", "f'{{}} {a}'\n"),
    "a per cent": (to_f_string, "'%s %r %% %.2f' % (a<|>, b, c)\n", "f'{a} {b!r} % {c:.2f}'\n"),
    "braces with a per cent": (to_f_string, "'{%s}' % (<|>a,)\n", "f'{{{a}}}'\n"),
    "a single value of a per cent": (to_f_string, "'%s' % <|>a\n", None),
    "a rounding per cent": (to_f_string, "'%d' % (<|>a,)\n", None),
    "a quote in a value": (to_f_string, "'{}'.for<|>mat(a['b'])\n", None),
    "too few values": (to_f_string, "'{} {}'.for<|>mat(a)\n", None),
    "starred values": (to_f_string, "'{}'.for<|>mat(*a)\n", None),
    "calls in another order": (to_f_string, "'{1}{0}'.for<|>mat(f(), g())\n", None),
    "a nested field": (to_f_string, "'{:{}}'.for<|>mat(a, b)\n", None),
    "dictionary items by name": (to_f_string, "'{0[x]}'.for<|>mat(a)\n", None),
    "a format method of something else": (to_f_string, "x.for<|>mat(a)\n", None),
    "an import of names": (
        import_to_from_import,
        "impo<|>rt os\nos.getcwd(); os.sep\n",
        "from os import getcwd, sep\ngetcwd(); sep\n",
    ),
    "an import of a submodule's names": (
        import_to_from_import,
        "impo<|>rt os.path\nos.path.join\n",
        "from os.path import join\njoin\n",
    ),
    "an alias": (import_to_from_import, "impo<|>rt os as o\no.sep\n", "from os import sep\nsep\n"),
    "a module used itself": (import_to_from_import, "impo<|>rt os\nos.sep\nf(os)\n", None),
    "a name that is taken": (import_to_from_import, "impo<|>rt os\nsep = os.sep\n", None),
    "an assignment to a module's name": (import_to_from_import, "impo<|>rt os\nos.sep = 1\n", None),
    "names of a module": (
        from_import_to_import,
        "from o<|>s import sep, getcwd\nsep; getcwd()\n",
        "import os\nos.sep; os.getcwd()\n",
    ),
    "renamed names of a module": (
        from_import_to_import,
        "from o<|>s.path import join as j\nj(1)\n",
        "import os.path\nos.path.join(1)\n",
    ),
    "a relative import": (from_import_to_import, "from .o<|>s import sep\nsep\n", None),
    "a name bound again": (from_import_to_import, "from o<|>s import sep\nsep = 1\n", None),
    "an exported name": (from_import_to_import, "from o<|>s import sep\n__all__ = ['sep']\n", None),
    "a module that is taken": (from_import_to_import, "from o<|>s import sep\nos = sep\n", None),
    "a try": (surround_with_try, "<|>a\nb<|>\n", "try:\n    a\n    b\nexcept Exception:\n    raise\n"),
    "a try in a block": (
        surround_with_try,
        'if x:\n    <|>a = """\n"""<|>  # why\n    c\n',
        'if x:\n    try:\n        a = """\n"""  # why\n    except Exception:\n        raise\n    c\n',
    ),
    "a try around half a statement": (surround_with_try, "f(<|>a<|>)\n", None),
}


@pytest.mark.parametrize("name", CASES)
def test_rewriting(name: str) -> None:
    rewrite, before, after = CASES[name]
    case = fixture.parse(before)
    tree = parse(Text(case.text()), "python")
    assert tree is not None
    place = case.selection[1:] if len(case.cursors) == 2 else (case.cursor[1],)
    if after is None:
        with pytest.raises(Refused, match=r"\.$"):
            rewrite(python_names(tree), *place)
        return
    result = tree.text.replaced(rewrite(python_names(tree), *place)).source
    assert result == after
    ast.parse(result)


@pytest.mark.parametrize(
    "source",
    [
        "'{:>{w}}'", "'{}|{!r}|{:.1f}'.format('a' * 2, [1], 2.55)", "'%s-%r-%5.1f-%x' % (1, x, 2.25, 255)",
        "'{0}{0}{1}'.format(x, 3)", "'{a}{{{b:>4}}}'.format(a=1, b=x)", "'{.real}'.format(5)", "'{}'.format(-1)",
        "'{0[0]}'.format([7])", "'%s' % ((1, 2),)", "'{:,}'.format(10 ** 6)", "'{}'.format(x if x else 1)",
    ],
)  # fmt: skip
def test_an_f_string_says_the_same(source: str) -> None:
    tree = parse(Text(source), "python")
    assert tree is not None
    try:
        changed = tree.text.replaced(to_f_string(python_names(tree), 3)).source
    except Refused:
        return
    assert changed.startswith("f'")
    assert eval(changed, {"x": "ä"}) == eval(source, {"x": "ä"})
