# ruff: noqa: E501
"""Renames of Python symbols: `«name»` marks each place that must change, and no other may."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from devflow.analysis.refactor.refused import Refused
from devflow.analysis.refactor.rename import Renaming, rename
from support import fixture
from support.sources import ROOT, project
from support.steps import steps

NEW = "renamed"


def split(
    snippet: str, path: str = "main.py"
) -> tuple[dict[str, str], tuple[str, int], set[tuple[str, int]]]:
    """The files without marks, the cursor, and where the marked places begin."""
    case = fixture.parse(textwrap.dedent(snippet).replace("«<|>", "<|>«"), path)
    files: dict[str, str] = {}
    marks: set[tuple[str, int]] = set()
    name, at = case.cursor
    for file, text in case.files.items():
        plain = ""
        cursor = at if file == name else -1
        for number, char in enumerate(text):
            if number == cursor:
                cursor, at = -1, len(plain)
            if char == "«":
                marks.add((file, len(plain)))
            elif char != "»":
                plain += char
        files[file] = plain
    return files, (name, at), marks


def run(files: dict[str, str], cursor: tuple[str, int], new: str = NEW) -> Renaming:
    path, at = cursor
    start = re.search(r"\w*\Z", files[path][:at])
    assert start is not None
    return rename(project(files), ROOT / path, start.start(), new)


def check(snippet: str) -> None:
    files, cursor, marks = split(snippet)
    made = run(files, cursor)
    changed = {
        (path.relative_to(ROOT).as_posix(), edit.start)
        for edits in (made.edits, made.doubtful)
        for path, changes in edits.items()
        for edit in changes
    }
    assert changed == marks


CASES = {
    "a function and its call": "def «f<|>»(): ...\n«f»()\n",
    "a local and not the global": "x = 1\ndef f():\n    «<|>x» = 2\n    return «x»\nprint(x)\n",
    "a global read in a function": "«<|>x» = 1\ndef f():\n    return «x»\n",
    "a global bound in a function": "«x» = 1\ndef f():\n    global «x»\n    «<|>x» = 2\n",
    "a nonlocal": "def f():\n    «<|>x» = 1\n    def g():\n        nonlocal «x»\n        «x» = 2\n",
    "a parameter and its keyword arguments": "def f(«<|>a», b): return «a»\nf(1, 2)\nf(b=1, «a»=2)\n",
    "a parameter from a keyword argument": "def f(«a»): return «a»\nf(«<|>a»=2)\n",
    "a keyword argument of another function stays": "def f(«<|>a»): ...\ndef g(a): ...\ng(a=1)\nf(«a»=1)\n",
    "a keyword of a partial": "from functools import partial\ndef f(«<|>a»): ...\npartial(f, «a»=1)\n",
    "a variable of a comprehension": "i = 0\n[«i» for «<|>i» in range(i)]\n",
    "a walrus": "def f(d):\n    if «<|>n» := len(d):\n        return «n»\n",
    "a loop variable": "for «<|>i» in r:\n    print(«i»)\nprint(«i»)\n",
    "an exception": "try: ...\nexcept E as «<|>e»:\n    raise «e»\n",
    "a deleted name": "«<|>x» = 1\ndel «x»\n",
    "a decorated function": "@d\ndef «<|>f»(): ...\n@«f»\ndef g(): ...\n",
    "a default": "«<|>x» = 1\ndef f(x=«x»): return x\n",
    "a lambda's parameter": "x = 1\nf = lambda «<|>x»: «x» + 1\n",
    "a string is left": "«<|>x» = 1\nprint('x', «x»)  # x\n",
    "inside an f-string": "«<|>x» = 1\nprint(f'x {«x»!r:>{«x»}}')\n",
    "a quoted annotation": "class «<|>A»:\n    def f(self) -> 'list[«A»]': ...\n",
    "a quoted literal stays": "from typing import Literal\nclass «<|>A»: ...\ndef f(x: Literal['A']): ...\n",
    "a cast": "from typing import cast\nclass «<|>A»: ...\ncast('«A»', 1)\n",
    "a union of quoted names": "from typing import Union\nclass «<|>A»: ...\nX = Union['«A»', str]\n",
    "a type variable and its string": "from typing import TypeVar\n«<|>T» = TypeVar('«T»')\n",
    "a named tuple and its string": "from collections import namedtuple\n«<|>P» = namedtuple('«P»', 'x y')\n",
    "what a module exports": "__all__ = ['«f»']\ndef «<|>f»(): ...\n",
    "a match capture": "match v:\n    case [«<|>x», y]:\n        print(«x», y)\n",
    "a type parameter": "def f[«<|>T»](x: «T») -> «T»: ...\n",
    "a function of a module in a folder alone": """
        #- ns/one/mod.py
        def «f»(): ...
        #- main.py
        from ns.one import mod
        mod.«<|>f»()
        """,
    "a function of a module behind folders alone": """
        #- ns/one/mod.py
        def «<|>f»(): ...
        #- main.py
        import ns.one.mod
        ns.one.mod.«f»()
        """,
    "a parameter with its overloads": """
        from typing import overload
        @overload
        def f(*, «key»: int) -> int: ...
        @overload
        def f(*, «key»: str) -> str: ...
        def f(*, «<|>key»): return «key»
        f(«key»=1)
        """,
    "names in other files": """
        #- a.py
        def «f»(): ...
        #- main.py
        from a import «f<|>»
        «f»()
        """,
    "an alias keeps its name": """
        #- a.py
        def «f<|>»(): ...
        #- main.py
        from a import «f» as g
        g()
        """,
    "an alias alone": """
        #- a.py
        def f(): ...
        #- main.py
        from a import f as «<|>g»
        «g»()
        """,
    "a name that is offered further under its own name": """
        #- a/core.py
        def «f»(): ...
        #- a/__init__.py
        from .core import «f» as «f<|>»
        #- main.py
        from a import «f»
        «f»()
        """,
    "a name behind its module": """
        #- a.py
        def «f<|>»(): ...
        #- main.py
        import a
        a.«f»()
        other.f()
        """,
    "a module under another name": """
        #- pkg/__init__.py
        #- pkg/a.py
        def «f<|>»(): ...
        #- main.py
        import pkg.a as m
        from pkg import a
        import pkg.a
        m.«f»(); a.«f»(); pkg.a.«f»()
        """,
    "a name that a package hands on": """
        #- pkg/__init__.py
        from .a import «f»
        __all__ = ["«f»"]
        #- pkg/a.py
        def «f<|>»(): ...
        #- main.py
        import pkg
        from pkg import «f»
        pkg.«f»(); «f»()
        """,
    "a star import": """
        #- a.py
        def «f<|>»(): ...
        #- main.py
        from a import *
        «f»()
        """,
    "a star import and a name of its own": """
        #- a.py
        def «f<|>»(): ...
        #- main.py
        from a import *
        def f(): ...
        f()
        """,
    "the same name in another file": """
        #- a.py
        def f(): ...
        #- main.py
        def «f<|>»(): ...
        «f»()
        """,
    "an import inside a function": """
        #- a.py
        def «f»(): ...
        #- main.py
        def g():
            from a import «f»
            return «<|>f»()
        f = 1
        """,
    "a parameter over files": """
        #- a.py
        def f(«<|>width»): return «width»
        #- main.py
        from a import f as area
        area(«width»=1)
        """,
    "a relative import from a parent": """
        #- pkg/__init__.py
        #- pkg/a.py
        «<|>LIMIT» = 1
        #- pkg/sub/__init__.py
        #- pkg/sub/b.py
        from ..a import «LIMIT»
        from .. import a
        print(«LIMIT», a.«LIMIT»)
        """,
    "an import that falls back": """
        #- a.py
        def «f<|>»(): ...
        #- main.py
        try:
            from a import «f»
        except ImportError:
            «f» = None
        """,
    "an import from outside that falls back": "try:\n    from json import «loads»\nexcept ImportError:\n"
    "    «<|>loads» = None\n",
    "a method and its uses on self": "class A:\n    def «f<|>»(self): return self.«f»()\n    def g(self): self.«f»()\n",
    "a method and not the function": "def f(): ...\nclass A:\n    def «f<|>»(self): return f()\n",
    "a method from its use": "class A:\n    def «f»(self): ...\n    def g(self): self.«<|>f»()\n",
    "a method on a new instance": "class A:\n    def «f<|>»(self): ...\nA().«f»()\na = A()\na.«f»()\n",
    "a method on an annotated parameter": "class A:\n    def «f<|>»(self): ...\ndef g(a: A, b: 'A | None'):\n"
    "    a.«f»(); b.«f»()\n",
    "a method of another class stays": "class A:\n    def «f<|>»(self): ...\nclass B:\n    def f(self): ...\nB().f()\n"
    "A().«f»()\n",
    "an overriding method": "class A:\n    def «f<|>»(self): ...\nclass B(A):\n    def «f»(self): super().«f»()\n",
    "an overridden method": "class A:\n    def «f»(self): ...\nclass B(A):\n    def «<|>f»(self): ...\n",
    "a method that a base calls": "class Base:\n    def run(self): self.«f»()\nclass A(Base):\n    def «<|>f»(self): ...\n",
    "two siblings under one base": "class A:\n    def «f»(self): ...\nclass B(A):\n    def «<|>f»(self): ...\n"
    "class C(A):\n    def «f»(self): ...\n",
    "a method over files": """
        #- a.py
        class A:
            def «f<|>»(self): ...
        #- main.py
        from a import A
        class B(A):
            def «f»(self): ...
        B().«f»()
        """,
    "an attribute of self": "class A:\n    def __init__(self): self.«<|>x» = 1\n    def f(self): return self.«x»\n",
    "an attribute of self over a base": "class A:\n    def __init__(self): self.«x» = 1\nclass B(A):\n"
    "    def f(self): return self.«<|>x»\n",
    "a class attribute": "class A:\n    «<|>x» = 1\n    y = «x»\n    def f(self): return self.«x» + A.«x»\n",
    "an attribute of an attribute": "class B:\n    def «f<|>»(self): ...\nclass A:\n    def __init__(self):\n"
    "        self.b = B()\n    def g(self): self.b.«f»()\n",
    "an attribute with an annotation": "class B:\n    def «f<|>»(self): ...\nclass A:\n    b: B\n"
    "    def g(self): self.b.«f»()\n",
    "what a function returns": "class A:\n    def «f<|>»(self): ...\ndef make() -> A: ...\nmake().«f»()\n",
    "a context manager's class is not known": "class A:\n    def «f<|>»(self): ...\nwith A() as a:\n    a.«f»()\n",
    "a slot": "class A:\n    __slots__ = ('«x»', 'y')\n    def __init__(self): self.«<|>x» = 1\n",
    "a field of a data class": "from dataclasses import dataclass\n@dataclass\nclass A:\n    «<|>x»: int\n"
    "A(«x»=1).«x»\n",
    "a field of a named tuple": "from typing import NamedTuple\nclass A(NamedTuple):\n    «<|>x»: int\nA(«x»=1)\n",
    "a replaced field": "from dataclasses import dataclass, replace\n@dataclass\nclass A:\n    «<|>x»: int\n"
    "replace(A(1), «x»=1)\n",
    "a class pattern": "class A:\n    «<|>x»: int\nmatch v:\n    case A(«x»=1): ...\n",
    "a private attribute of one class": "class A:\n    def f(self): self.«<|>__x» = 1\nclass B(A):\n"
    "    def f(self): self.__x = 1\n",
    "a property": "class A:\n    @property\n    def «x<|>»(self): ...\n    @«x».setter\n    def «x»(self, v): ...\n"
    "A().«x»\n",
    "a member on a literal stays": "class A:\n    def «upper<|>»(self): ...\n'a'.upper()\nA().«upper»()\n",
    "a member behind a module stays": "import os\nclass A:\n    def «getcwd<|>»(self): ...\nos.getcwd()\n",
    "a parameter of a method": "class A:\n    def f(self, «<|>x»): return «x»\nA().f(«x»=1)\n",
    "a parameter of an overriding method": "class A:\n    def f(self, «<|>x»): ...\nclass B(A):\n"
    "    def f(self, «x»): return «x»\nB().f(«x»=1)\n",
    "a parameter of a constructor": "class A:\n    def __init__(self, «<|>x»): self.x = «x»\nA(«x»=1).x\n",
    "a parameter of an inherited constructor": "class A:\n    def __init__(self, «<|>x»): ...\nclass B(A): ...\n"
    "class C(A):\n    def __init__(self):\n        super().__init__(«x»=1)\nB(«x»=1)\n",
    "a parameter of cls()": "class A:\n    def __init__(self, «<|>x»): ...\n    @classmethod\n"
    "    def make(cls): return cls(«x»=1)\n",
    "self itself": "class A:\n    def f(«<|>self»): return «self»\n    def g(self): ...\n",
    "a variable captured by a closure": "def f():\n    «<|>x» = 1\n    return [«x» for y in r if «x»]\n",
    "a class variable read in a comprehension": "class A:\n    «<|>x» = [1]\n    y = [i for i in «x»]\n",
    "broken code around it": "«<|>x» = 1\nprint(«x»)\ny = = 2\n",
    "an enumeration's member": "import enum\nclass E(enum.Enum):\n    «<|>RED» = 1\nE.«RED».value\n",
}


@pytest.mark.parametrize("name", CASES)
def test_renaming(name: str) -> None:
    check(CASES[name])


REFUSED = {
    "is not a valid name": ("<|>x = 1\n", "1a"),
    "is a reserved word": ("<|>x = 1\n", "class"),
    "is built in": ("<|>print(1)\n", NEW),
    "what nobody is here": ("<|>nobody(1)\n", NEW),
    "is a module": ("import <|>os\n", NEW),
    "is defined outside": ("from os import <|>path\n", NEW),
    "no name to rename": ("x = <|>1\n", NEW),
    "y already means something else in main.py, line 2": ("<|>x = 1\ny = 2\n", "y"),
    "y already means something else in main.py, line 3": (
        "<|>x = 1\ndef f():\n    y = 2\n    return x\n",
        "y",
    ),
    "y already means something else in main.py, line 4": (
        "y = 1\ndef f():\n    <|>x = 2\n    return y\n",
        "y",
    ),
    "len already means": ("<|>x = 1\nlen(x)\n", "len"),
    "A has a member y already": ("class A:\n    def <|>x(self): ...\n    def y(self): ...\n", "y"),
    "inherits a member y": ("class B:\n    def y(self): ...\nclass A(B):\n    def <|>x(self): ...\n", "y"),
    "has a meaning of its own": ("class A:\n    def <|>__init__(self): ...\n", NEW),
    "get stands for a member of dict": ("class A(dict):\n    def <|>get(self): ...\n", NEW),
    "run stands for a member of Thread": (
        "from threading import Thread\nclass A(Thread):\n    def <|>run(self): super().run()\n",
        NEW,
    ),
    "is also what import a.… binds": ("<|>a = 1\nimport a.b\n", NEW),
    "passes both": ("def f(<|>x, **k): ...\nf(x=1, y=2)\n", "y"),
    "would be private": ("<|>x = 1\nclass A:\n    def f(self): return x\n", "__y"),
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_refusing(sentence: str) -> None:
    snippet, new = REFUSED[sentence]
    files, cursor, _ = split(snippet)
    with pytest.raises(Refused) as error:
        run(files, cursor, new)
    if not sentence.startswith("what"):
        assert sentence in str(error.value)
    assert str(error.value).endswith(".")


def test_a_shadowed_builtin_that_is_not_used_is_told() -> None:
    files, cursor, _ = split("def f():\n    <|>x = 1\n    return x\n")
    assert run(files, cursor, "list").warning == "list is also the name of a builtin."


def test_a_member_of_several_classes_is_left_where_its_receiver_is_unknown() -> None:
    files, cursor, marks = split(
        "class A:\n    def «f<|>»(self): ...\nclass B:\n    def f(self): ...\ndef g(x): x.f()\n"
    )
    made = run(files, cursor)
    assert {edit.start for edit in made.edits[ROOT / "main.py"]} == {at for _, at in marks}
    assert not made.doubtful
    assert "1 more place with a member f" in made.warning


def test_the_only_member_of_its_name_is_likely_where_its_receiver_is_unknown() -> None:
    files, cursor, _ = split("class A:\n    def ar<|>ea(self): ...\ndef g(x): x.area()\n")
    assert [edit.start for edit in run(files, cursor).doubtful[ROOT / "main.py"]] == [45]


def test_a_name_brought_from_outside_gets_an_alias() -> None:
    files, cursor, _ = split("try:\n    from json import loads\nexcept ImportError:\n    lo<|>ads = None\n")
    made = run(files, cursor)
    assert [edit.new for edit in made.edits[ROOT / "main.py"]] == [f"loads as {NEW}", NEW]


def test_a_type_engine_settles_an_unknown_receiver() -> None:
    from devflow.analysis.facts import Location
    from devflow.analysis.refactor.project import PythonProject
    from support.sources import MemorySources

    path = Path("/project/main.py")
    source = "class A:\n    def f(self): ...\nclass B:\n    def f(self): ...\ndef g(x): x.f()\n"
    sources = MemorySources({path: source})
    sources.define = lambda path, at: [Location(path, 17, 18)]
    made = rename(PythonProject(sources), path, 17, NEW)
    assert [edit.start for edit in made.edits[path]] == [17, source.rindex("f()")]
    assert made.warning == ""


def test_a_name_that_twice_as_many_files_import_is_twice_the_work() -> None:
    def work(files: int) -> int:
        uses = {f"use{n}.py": "from core import send\n\nsend()\n" for n in range(files)}
        return steps(lambda: run({"core.py": "def send(): ...\n"} | uses, ("core.py", 5)))

    assert work(80) < 2.5 * work(40)
