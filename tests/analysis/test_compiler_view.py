# ruff: noqa: E501
"""Which names of a file are one name: by our scopes, and by the compiler's tables."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

import pytest

from support.compiler import differences

INSTALLED = Path(sysconfig.get_path("purelib"))
FILES = sorted(
    path
    for package in ("attr", "cattrs", "click", "httpx", "jedi", "pygls")
    for path in (INSTALLED / package).rglob("*.py")
    if 8_000 < path.stat().st_size < 60_000
)[::5]
MOST_READ_EARLY = 4
"""Over all the files: groups in which a class body reads a name that it binds later, `name = name`. The
table has one entry for both; Python reads the file's name first, and so do we."""


def test_names_of_installed_packages_are_one_name_where_the_compiler_says_so() -> None:
    early = 0
    assert len(FILES) > 12
    for path in FILES:
        more, other = differences(path.read_text("utf-8"))
        early += more
        assert other == [], path
    assert early <= MOST_READ_EARLY


FORMS = {
    "a comprehension's first iterable is evaluated around it": "x = 1\ndef f(x):\n    return [x for x in x if x]\n",
    "comprehensions nest": "def f(x):\n    return {y: [x for x in y for y in x] for y in x for x in y}\n",
    "a walrus binds outside the comprehension": "def f(x):\n    any((y := z) for z in x)\n    return y, z\n",
    "a walrus in a module's comprehension": "[y := x for x in z]\ny\n",
    "global and nonlocal": (
        "x = 1\ndef f():\n    x = 2\n    def g():\n        nonlocal x\n        x = 3\n"
        "        def h():\n            global x\n            x = 4\n        return x\n"
    ),
    "a class's names are not seen in its methods": "x = 1\nclass A:\n    x = 2\n    def f(self): return x\n    y = x\n",
    "a class in a function": "def f(x):\n    class A:\n        y = x\n        def g(self): return x\n    return A\n",
    "match captures": (
        "def f(x):\n    match x:\n        case {'a': y, **rest}: return y, rest\n"
        "        case [z, *more] | (z, more): return z, more\n        case A(b=c) as d if c: return d\n"
        "        case e: return e\n"
    ),
    "the name of an exception": "e = 1\ndef f():\n    try: ...\n    except E as e: print(e)\n    return e\n",
    "an except star": "try: ...\nexcept* E as e: e\ne\n",
    "a star import": "from m import *\nx\ndef f(): return x\n",
    "decorators see the scope around": "def d(f): return f\ndef g(d):\n    @d\n    def d(x=d): return d\n    return d\n",
    "defaults are evaluated around": "x = 1\ndef f(x, y=x, *, z=lambda x=x: x): return x, y, z\n",
    "annotations are evaluated around": "T = int\ndef f(T: T, *a: T, **k: T) -> T: return T\n",
    "a lambda": "def f(x):\n    return lambda y, *x, z=x: (x, y, z)\n",
    "loops, with and del": (
        "def f(r):\n    for i, (j, *k) in r:\n        with open(i) as (a, b), j as k[0]: del a\n    return i, j, k, b\n"
    ),
    "private names": "class A:\n    __x = 1\n    def f(self, __y): return __y, __x\n    z = __x\n",
    "imports": "import a.b, c.d as e\nfrom . import f as g, h\ndef i():\n    import a\n    return a, e, g, h\n",
    "interpolations": "def f(x, w):\n    return f'{x!r:>{w}} {[x for x in w]}'\n",
    "an augmented assignment": "x = 0\ndef f():\n    global x\n    x += 1\ndef g(x):\n    x += 1\n",
    "an asynchronous comprehension": "async def f(x):\n    return [y async for y in x if await y]\n",
}


@pytest.mark.parametrize("form", FORMS)
def test_a_form_binds_as_the_compiler_says(form: str) -> None:
    assert differences(FORMS[form]) == (0, [])


@pytest.mark.skipif(sys.version_info < (3, 12), reason="type parameters came with Python 3.12")
@pytest.mark.parametrize(
    "source",
    [
        "T = 1\ndef f[T](x: T = T) -> T: return T\nT\n",
        "class A[T](list[T]):\n    def f[U](self, x: T, y: U): return T, U\n",
    ],
)
def test_type_parameters_bind_as_the_compiler_says(source: str) -> None:
    assert differences(source) == (0, [])
