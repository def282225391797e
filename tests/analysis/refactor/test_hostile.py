# ruff: noqa: E501
"""Refactorings on unusual Python: each refuses, or gives text that still compiles."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator

import pytest

from devflow.analysis.python_names import python_names
from devflow.analysis.python_scopes import PythonNames
from devflow.analysis.refactor.extract_function import extract_function
from devflow.analysis.refactor.extract_variable import extract_variable
from devflow.analysis.refactor.f_strings import to_f_string
from devflow.analysis.refactor.import_forms import from_import_to_import, import_to_from_import
from devflow.analysis.refactor.inline import inline_variable
from devflow.analysis.refactor.organise_imports import organised
from devflow.analysis.refactor.refused import Refused
from devflow.analysis.refactor.rewrites import invert_if, surround_with_try
from devflow.analysis.refactor.unused_imports import unused_imports, without
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Edit, Text

Refactoring = Callable[[PythonNames, int, int], list[Edit]]

TYPE_PARAMETERS = "type L[T] = list[T]\nclass A[T: int]:\n    def m[U](self, u: U) -> T:\n        v = self.x + u\n        return v\n"
"""Not compiled before Python 3.12: there only that nothing fails is checked."""
SNIPPETS = {
    "one line, no end": "x = f(1 + 2)",
    "semicolons": "def f(a):\n    b = a + 1; c = b * 2; return c\n",
    "tabs": "def f(a):\n\tb = a + 1\n\tif b:\n\t\tc = b * 2\n\t\treturn c\n\treturn b\n",
    "crlf": "def f(a):\r\n    b = a + 1\r\n    return b * 2\r\n",
    "unicode": "def größe(länge):\n    breite = länge + 1\n    return breite * länge\n",
    "astral": "def f(a):\n    t = '😀' + a\n    u = t + '𝒳'; return u + t\n",
    "decorators": "import functools\n@functools.lru_cache(maxsize=1 + 2)\ndef f(a=1 + 2):\n    return a + 1\n",
    "f-strings": "def f(a):\n    b = a + 1\n    return f\"{b!r:>{a + 2}} {f'{b + a}'} {{x}} {a=}\"\n",
    "walrus": "def f(a):\n    if (n := a + 1) > 2:\n        return n + a\n    return [m for i in a if (m := i + 1)]\n",
    "match": (
        "def f(a):\n    match a + 1:\n        case {'k': [x, *rest], **more} if x + 1:\n"
        "            y = x + 2\n            return y\n        case int(v) | str(v):\n            return v + 1\n"
    ),
    "async": (
        "async def f(a):\n    async with a.b(1) as c, c.d() as e:\n        x = [i + c async for i in e if await i]\n"
        "        async for y in x:\n            z = await y + 1\n            print(z)\n    return [await q for q in a]\n"
    ),
    "global and nonlocal": (
        "g = 1\ndef f(a):\n    global g\n    n = a + 1\n    def h():\n        nonlocal n\n        n += g + 1\n"
        "    g = n + 2\n    return h\n"
    ),
    "del": "def f(a):\n    b = a + 1\n    del b\n    b = a + 2\n    del a[b + 1], b\n    return a\n",
    "class scope": "class A:\n    x = 1 + 2\n    y = [x + i for i in range(x + 1)]\n    def m(self, z=x + 1):\n        return self.x + z\n",
    "conditional definition": (
        "try:\n    import a\nexcept ImportError:\n    a = None\nif a:\n    def f(b): return b + 1\nelse:\n"
        "    def f(b):\n        return b + 2\n"
    ),
    "one-line blocks": "def f(a): return a + 1\nfor i in [1 + 2]: print(i + 1)\nwhile g(i + 1): break\nclass A: x = 1 + 2\n",
    "lambda and star": "def f(*a, k=1 + 2, **kw):\n    g = lambda p, *q: p + k\n    return g(*a, *[k + 1], **{'x': k + 2, **kw})\n",
    "slices": "def f(a):\n    a[1 + 2 : a[0] + 1, ...] = a[::-1] + [1]\n    a.b[0].c += a.d + 1\n    return a[1:2][0]\n",
    "strings joined": "def f(a):\n    b = 'x' 'y' f'{a + 1}'\n    return ('p'\n            'q') + b + '''r\n s''' + a\n",
    "continued lines": "def f(a):\n    b = a + \\\n        1\n    return (a +  # why\n            b +\n            2)\n",
    "try and with": (
        "def f(a):\n    with (a.b() as c, a.d(c) as e):\n        try:\n            x = c + e\n        except (A, B) as w:\n"
        "            x = w + 1\n        else:\n            x += 1\n        finally:\n            print(x + 2)\n    return x\n"
    ),
    "yield": "def f(a):\n    b = yield a + 1\n    yield from [b + 1]\n    return (yield)\n",
    "annotations": "from __future__ import annotations\nx: int = 1 + 2\ndef f(a: 'list[int]' = []) -> int | None:\n    b: int\n    b = a[0] + 1\n    return b\n",
    "raise and assert": "def f(a):\n    assert a + 1, a + 2\n    raise E(a + 3) from a.b(4)\n",
    "docstring only": '"""What it is."""\n',
    "comments": "# first\ndef f(a):  # second\n    # third\n    b = a + 1  # fourth\n    # fifth\n    return b  # sixth",
    "ternary, chain": "def f(a, b):\n    return a + 1 if b + 2 else a < b + 3 < a.c(4) or not (a and b[5])\n",
    "form feed": "import os\n\x0c\ndef f(a):\n    return os.sep + a\n",
    "byte order mark": "\ufeffx = 1 + 2\ny = x + 1\n",
    "old formatting": "def f(a):\n    b = '%s {}' % a + '{0!r} {x}'.format(a, x=a + 1) + '%d%%\\n' % (a['k'],)\n    return '{}'.format('😀')\n",
    "imports": "import os.path as p, sys; import re\nfrom a import (b,  # why\n    c as d)\nif sys: from . import e\ndef f():\n    import json\n    return json, p.sep, b, re.compile\n",
    "type parameters": TYPE_PARAMETERS,
    "broken": "def f(a:\n    b = a + 1\n    return b +\n\nclass\n",
    "broken string": "def f(a):\n    b = 'x\n    return f'{b + a\n",
    "empty": "",
}


def _compiles(source: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        try:
            compile(source.removeprefix("\ufeff"), "snippet", "exec", dont_inherit=True)
        except (SyntaxError, ValueError):
            return False
    return True


def _selections(names: PythonNames) -> Iterator[tuple[int, int]]:
    pending = [names.tree.root]
    while pending:
        node = pending.pop()
        pending += node.named_children
        span = names.tree.span(node)
        yield span.start, span.end
        following = node.next_named_sibling
        if following is not None:
            yield span.start, names.tree.span(following).end
        yield span.start, span.start
        yield span.start, min(span.start + 3, len(names.tree.text.source))


def _organise(names: PythonNames, start: int, end: int) -> list[Edit]:
    return organised(names.tree)


def _remove_unused(names: PythonNames, start: int, end: int) -> list[Edit]:
    return without(names, unused_imports(names))


def _inline(names: PythonNames, start: int, end: int) -> list[Edit]:
    return inline_variable(names, start)


REFACTORINGS: list[Refactoring] = [
    extract_variable,
    extract_function,
    _inline,
    _organise,
    _remove_unused,
    to_f_string,
    import_to_from_import,
    from_import_to_import,
    invert_if,
    surround_with_try,
]


@pytest.mark.parametrize("refactoring", REFACTORINGS)
@pytest.mark.parametrize("case", SNIPPETS)
def test_unusual_code_still_compiles_after(case: str, refactoring: Refactoring) -> None:
    source = SNIPPETS[case]
    text = Text(source)
    tree = parse(text, "python")
    assert tree is not None
    names = python_names(tree)
    before = _compiles(source)
    for start, end in set(_selections(names)):
        try:
            edits = refactoring(names, start, end)
        except Refused:
            continue
        after = text.replaced(edits).source
        assert not before or _compiles(after), (source[start:end], after)
