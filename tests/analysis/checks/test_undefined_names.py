"""Undefined names: found where Python would fail, silent everywhere else."""

from __future__ import annotations

import textwrap

import pytest

from devflow.analysis.checks.undefined_names import NOTEBOOK, undefined_names
from devflow.analysis.python_names import python_names
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Text


def undefined(source: str, known: frozenset[str] = frozenset()) -> list[str]:
    text = Text(textwrap.dedent(source))
    tree = parse(text, "python")
    assert tree is not None
    return [text.source[f.start : f.end] for f in undefined_names(python_names(tree), known)]


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("print(nothing)\n", ["nothing"]),
        ("def f():\n    return nothing.here\n", ["nothing"]),
        ("class A:\n    x = 1\n    def f(self):\n        return x\n", ["x"]),
        ("[i for i in range(3)]\nprint(i)\n", ["i"]),
        ("def f(a: Missing) -> Gone: ...\n", ["Missing", "Gone"]),
        ('def f(a: "Missing"): ...\n', ["Missing"]),
        ("def f():\n    x = 1\ndef g():\n    return x\n", ["x"]),
        ("@decorated\nclass A(Base, metaclass=Meta): ...\n", ["decorated", "Base", "Meta"]),
        ("x = f'{a} {b!r:>{c}}'\n", ["a", "b", "c"]),
        ("match x:\n    case Point(y=0): ...\n", ["x", "Point"]),
        ("lambda a, b=c: a + b + d\n", ["c", "d"]),
        ("class A:\n    x = x\n", ["x"]),
        ("def f[T](a: T) -> U: ...\nT\n", ["U", "T"]),
        ("try:\n    a\nexcept ValueError:\n    b\n", ["a", "b"]),
        ("class A:\n    ys = [1]\n    zs = [y + n for y in ys]\n    n = 1\n", ["n"]),
    ],
)
def test_a_name_bound_nowhere_is_found(source: str, names: list[str]) -> None:
    assert undefined(source) == names


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n    return later\nlater = 1\n",
        "if c():\n    x = 1\n".replace("c()", "len([])") + "print(x)\n",
        "from os.path import *\nprint(join)\n",
        "print(__file__, __name__, __doc__, __builtins__)\n",
        "class A:\n    def f(self):\n        return __class__\n    name = __qualname__\n",
        "def f():\n    global made\n    made = 1\nprint(made)\n",
        "def f():\n    global made\n    return made\n",
        "try:\n    unicode\nexcept NameError:\n    unicode = str\n",
        "import sys\nif sys.version_info[0] < 3:\n    x = unicode\n",
        "globals()['made'] = 1\nprint(made)\n",
        "exec('made = 1')\nprint(made)\n",
        "def f(x):\n    match x:\n        case [a, *b] | {'k': a, **b} if a: return a, b\n"
        "        case int() as c: return c\n",
        "if (n := 3) > 2:\n    print(n)\n",
        "print([m := 1 for _ in 'a'], m)\n",
        "with open('f') as (a, b):\n    print(a, b)\n",
        "for a, (b, *c) in []:\n    print(a, b, c)\nelse:\n    print(a)\n",
        "type A[T] = list[T]\nclass B[T: int]:\n    x: T\n    def f[U](self, u: U) -> T: ...\n",
        "def f(a: 'list[int] | None', b: \"any words here\"): ...\n",
        "from typing import Literal, Annotated\nx: Literal['a']\n"
        "y: Annotated[int, 'some words']\nz: Annotated[int, 'word']\n",
        "view = memoryview(b'')\nview.cast('B')\n",
        "nothing  # noqa: F821\nnothing  # type: ignore\n",
        "import a.b\nprint(a.b.c)\n",
        "del x\n",
        "print(_('translated'), reveal_type)\n",
        "async def f(x):\n    async with x as y:\n        return [z async for z in y]\n",
        "x: int\ndef f():\n    return x\n",
        "def f(*args, key=None, **kwargs):\n    return args, key, kwargs\n",
        "def f():\n    def g():\n        nonlocal x\n        x = 2\n    x = 1\n    return g\n",
        "try:\n    pass\nexcept* ValueError as group:\n    print(group)\n",
        "x = 1\nprint(f'{x=}', f'{x:{x}}')\n",
        "f = print\nf(undefined_key=1, a=f)\n",
    ],
)
def test_what_python_knows_is_not_reported(source: str) -> None:
    assert undefined(source) == []


@pytest.mark.parametrize(
    "source",
    [
        "import os\nprint(os.\ndef f():\n    return path\n",
        "from a import (b,\nc\nprint(c)\n",
        "x = (y +\n",
        "def f(a, b:\n    return a + b\n",
        "for item in :\n    print(item)\n",
    ],
)
def test_broken_code_is_passed_over(source: str) -> None:
    assert undefined(source) == []


def test_whole_code_beside_broken_code_is_judged() -> None:
    assert undefined("def f():\n    return nothing\n\nx = [1\n") == ["nothing"]


def test_what_a_notebook_knows_is_not_reported() -> None:
    assert undefined("get_ipython().run()\ndisplay(earlier)\n", NOTEBOOK | {"earlier"}) == []
