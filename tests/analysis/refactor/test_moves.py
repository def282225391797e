# ruff: noqa: E501
"""Imports after modules have moved: the files as they must be, `old -> new` first."""

from __future__ import annotations

import textwrap

import pytest

from devflow.analysis.refactor.moves import moved_imports
from support import fixture
from support.sources import ROOT, project


def run(moves: str, snippet: str) -> str:
    files = fixture.parse(textwrap.dedent(snippet)).files
    pairs = [each.split(" -> ") for each in moves.split(", ")]
    moved = {}
    for old, new in pairs:
        for file in files:
            if file == old or file.startswith(old + "/"):
                moved[ROOT / file] = ROOT / (new + file[len(old) :])
    made = project(files)
    edits = moved_imports(made, moved, [ROOT / file for file in files])
    shown = ""
    for path, changes in edits.items():
        names = made.names(path)
        assert names is not None
        shown += f"#- {path.relative_to(ROOT).as_posix()}\n" + names.tree.text.replaced(changes).source
    return shown


CASES = [
    ("a.py -> b.py", "#- a.py\n#- main.py\nimport a\na.f()\n", "#- main.py\nimport b\nb.f()\n"),
    ("a.py -> b.py", "#- a.py\n#- main.py\nimport a as m\nm.f()\n", "#- main.py\nimport b as m\nm.f()\n"),
    ("a.py -> b.py", "#- a.py\n#- main.py\nfrom a import f\nf()\n", "#- main.py\nfrom b import f\nf()\n"),
    ("a.py -> b.py", "#- a.py\n#- main.py\nfrom a import *\n", "#- main.py\nfrom b import *\n"),
    (
        "a.py -> b.py",
        "#- a.py\n#- main.py\nimport os, a\nprint('a', a.x)\n",
        "#- main.py\nimport os, b\nprint('a', b.x)\n",
    ),
    ("a.py -> b.py", "#- a.py\n#- main.py\nx.a = 1\nimport ab\n", ""),
    (
        "p/a.py -> p/b.py",
        "#- p/__init__.py\n#- p/a.py\n#- main.py\nimport p.a\np.a.f()\np.c\n",
        "#- main.py\nimport p.b\np.b.f()\np.c\n",
    ),
    (
        "p/a.py -> p/b.py",
        "#- p/__init__.py\nfrom .a import f\n#- p/a.py\n#- p/c.py\nfrom . import a\nfrom p import a as x\na.f()\n",
        "#- p/__init__.py\nfrom .b import f\n#- p/c.py\nfrom . import b\nfrom p import b as x\nb.f()\n",
    ),
    (
        "p/a.py -> q/a.py",
        "#- p/__init__.py\n#- q/__init__.py\n#- p/a.py\n#- main.py\nfrom p import a, c\nfrom p.a import f\na.f()\n",
        "#- main.py\nfrom p import c\nfrom q import a\nfrom q.a import f\na.f()\n",
    ),
    (
        "p/a.py -> q/b.py",
        "#- p/__init__.py\n#- q/__init__.py\n#- p/a.py\n#- main.py\nfrom p import a\na.f()\n",
        "#- main.py\nfrom q import b\nb.f()\n",
    ),
    (
        "p/a.py -> p/sub/a.py",
        "#- p/__init__.py\n#- p/sub/__init__.py\n#- p/c.py\n#- p/a.py\nfrom . import c\nfrom .c import f\nfrom os import path\n",
        "#- p/a.py\nfrom .. import c\nfrom ..c import f\nfrom os import path\n",
    ),
    (
        "p/sub/a.py -> p/a.py",
        "#- p/__init__.py\n#- p/sub/__init__.py\n#- p/c.py\n#- p/sub/d.py\n#- p/sub/a.py\nfrom ..c import f\nfrom .d import g\n",
        "#- p/sub/a.py\nfrom .c import f\nfrom .sub.d import g\n",
    ),
    (
        "p -> q",
        "#- p/__init__.py\nfrom .a import f\n#- p/a.py\nfrom p import b\nfrom . import b\n#- p/b.py\n#- main.py\nimport p\nfrom p.a import f\nimport p.b\np.b.x; p.f\n",
        "#- main.py\nimport q\nfrom q.a import f\nimport q.b\nq.b.x; q.f\n#- p/a.py\nfrom q import b\nfrom . import b\n",
    ),
    (
        "p/sub -> p/other",
        "#- p/__init__.py\n#- p/sub/__init__.py\n#- p/sub/a.py\nfrom .. import c\n#- p/c.py\nfrom .sub.a import f\nfrom .sub import a\n",
        "#- p/c.py\nfrom .other.a import f\nfrom .other import a\n",
    ),
    (
        "a.py -> b.py",
        "#- a.py\n#- main.py\nimport a\nb = 1\na.f(b)\n",
        "#- main.py\nimport b as a\nb = 1\na.f(b)\n",
    ),
    (
        "p/a.py -> p/b.py",
        "#- p/__init__.py\n#- p/a.py\n#- main.py\nfrom p import a\nb = 1\na.f(b)\n",
        "#- main.py\nfrom p import b as a\nb = 1\na.f(b)\n",
    ),
    (
        "src/p/a.py -> src/p/b.py",
        "#- src/p/__init__.py\n#- src/p/a.py\n#- tests/test_a.py\nfrom p.a import f\n",
        "#- tests/test_a.py\nfrom p.b import f\n",
    ),
    (
        "n/a.py -> n/b.py",
        "#- n/a.py\n#- main.py\nfrom n import a\nfrom n.a import f\nimport n.a\nn.a.g(a)\n",
        "#- main.py\nfrom n import b\nfrom n.b import f\nimport n.b\nn.b.g(b)\n",
    ),
    (
        "p/a.py -> p/b.py",
        "#- p/__init__.py\n#- p/a.py\n#- p/c.py\ndef f():\n    from .a import (  # why\n        g,\n    )\n",
        "#- p/c.py\ndef f():\n    from .b import (  # why\n        g,\n    )\n",
    ),
    (
        "p/a.py -> q.py",
        "#- p/__init__.py\n#- p/c.py\nfrom .a import f\n#- p/a.py\nfrom .c import g\n",
        "#- p/a.py\nfrom p.c import g\n#- p/c.py\nfrom q import f\n",
    ),
    (
        "p/__init__.py -> q/__init__.py",
        "#- p/__init__.py\n#- main.py\nfrom p import f\n",
        "#- main.py\nfrom q import f\n",
    ),
    (
        "p/a.py -> other/b.py",
        "#- p/__init__.py\nfrom .a import f\n#- p/a.py\n#- p/c.py\nfrom . import a\na.f()\n",
        "#- p/__init__.py\nfrom other.b import f\n#- p/c.py\nfrom other import b\nb.f()\n",
    ),
    (
        "p/a.py -> a.py",
        "#- p/__init__.py\n#- p/a.py\n#- p/c.py\n#- main.py\nfrom p import c as s, a\na.f(s)\n",
        "#- main.py\nfrom p import c as s\nimport a\na.f(s)\n",
    ),
    (
        "p/a.py -> p/bad-name.py",
        "#- p/__init__.py\nfrom .a import f\n#- p/a.py\n#- main.py\nfrom p import a\nimport p.a\n",
        "",
    ),
]


@pytest.mark.parametrize(("moves", "before", "after"), CASES, ids=range(len(CASES)))
def test_imports_follow(moves: str, before: str, after: str) -> None:
    assert run(moves, before) == after
