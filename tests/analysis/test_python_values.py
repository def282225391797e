"""What an expression offers behind a dot is told by the text alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from devflow.analysis import module_table, python_files
from devflow.analysis.expressions import python_before
from devflow.analysis.facts import SymbolKind
from devflow.analysis.module_table import table_of
from devflow.analysis.python_resolver import PythonResolver
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Text
from support.steps import steps

BASE = """
from __future__ import annotations
import contextlib
from typing import Generic, Iterator, TypeVar
T = TypeVar("T")
class Node:
    def __init__(self):
        self.kids: list[Node] = []
        self.part = self.make()
    def make(self):
        made = Part()
        return made
    def visit(self):
        return self
    def __enter__(self):
        return self
class Part:
    weight = 0
    @property
    def owner(self):
        return Node()
class Box(Generic[T]):
    def get(self) -> T: ...
    def all(self) -> list[T]: ...
class NodeBox(Box[Node]): ...
@contextlib.contextmanager
def opened() -> Iterator[Node]:
    yield Node()
N = TypeVar("N", bound=Node)
"""
MAIN = """
from __future__ import annotations
import asyncio, enum, errno, os, pathlib, pickle, re, subprocess, sys
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from typing import Dict, Optional
from base import *
class Color(enum.Enum):
    RED = 1
PATTERN = re.compile(LONG)
class Kid(Node):
    def visit(self, n: list[Node], d: Dict[str, Part], m: Mapping[str, Node], box: Box[Part],
              call: Callable[[int], Part], some, *args: Node, opt: Optional[Node] = None, **kwargs):
""".replace("LONG", '"' + "x" * 500 + '"')
OFFERED = {
    "what a loop goes over": "for x in n:\n            x.|visit",
    "a loop with a count": "for i, x in enumerate(n):\n            x.|visit",
    "the values of a mapping's pairs": "for k, v in d.items():\n            v.|weight",
    "the keys of a mapping's pairs": "for k, v in d.items():\n            k.|casefold",
    "the values of a mapping": "for v in d.values():\n            v.|weight",
    "two sequences side by side": "for a, b in zip(n, d.values()):\n            b.|weight",
    "a comprehension": "x = [p.|visit for p in n]",
    "a comprehension with a condition": "x = [p.|visit for p in n if p]",
    "an item of a list": "n[0].|visit",
    "a slice of a list": "n[1:].|append",
    "an item of a mapping": 'd["a"].|weight',
    "an item of an abstract mapping": 'm["a"].|visit',
    "what a mapping may have": 'd.get("a").|weight',
    "a list that was sorted": "sorted(n)[0].|visit",
    "a list that was written": "[Node()][0].|visit",
    "a value of a generic class": "box.get().|weight",
    "a list that a generic class gives": "box.all()[0].|weight",
    "a base with a type argument": "NodeBox().get().|visit",
    "what a callable parameter gives": "call(1).|weight",
    "parameters with a star": "args[0].|visit",
    "parameters with two stars": "kwargs.|setdefault",
    "a type that may be none": "opt.|visit",
    "one or the other": "(opt or Node()).|visit",
    "a generator as a context manager": "with opened() as o:\n            o.|visit",
    "a context manager that gives itself": "with Node() as o:\n            o.|visit",
    "a file": 'with open("x") as f:\n            f.|readline',
    "a line of a file": 'with open("x") as f:\n            for line in f:\n                line.|casefold',
    "a function without an annotation": "self.make().|weight",
    "an attribute that a method's value is given to": "self.part.|weight",
    "a property without an annotation": "self.part.owner.|visit",
    "names that are unpacked": "a, b = Node(), Part()\n        b.|weight",
    "a member of an enumeration": "Color.RED.|name",
    "what the bases have": "super().|visit",
    "what isinstance says": "if isinstance(some, Node):\n            some.|visit",
    "what isinstance says on the same line": "x = isinstance(some, Node) and some.|visit",
    "what an assertion says": "assert isinstance(some, Node)\n        some.|visit",
    "a function of the standard library": 're.match("x", "y").|groups',
    "a value that is too long to keep": "PATTERN.|search",
    "a variable of the standard library": "os.environ.|setdefault",
    "what the standard library compiles": "os.|WEXITED",
    "a package of star imports": "asyncio.|LifoQueue",
    "a module's names in an else": "pickle.|load",
    "a compiled module": "errno.|EINTR",
    "a compiled class": "todo = deque([1])\n        todo.|popleft",
    "a property of the standard library": 'pathlib.Path("x").parent.|stem',
    "an attribute of a result": 'subprocess.run(["x"]).|stdout',
    "a text": '"a".join(n).split()[0].|casefold',
    "a method": "self.make.|__code__",
}


def offered(root: Path, body: str) -> tuple[dict[str, tuple[SymbolKind, int]], bool, str]:
    """What is offered at the `|` of a method's body, whether that is sure, and the name that stood there."""
    before, _, after = body.partition("|")
    name = after.split(" ")[0]
    source = f"{MAIN}        {before}{after.removeprefix(name)}\n        return None\n"
    at = len(MAIN) + 8 + len(before)
    (root / "base.py").write_text(BASE)
    tree = parse(Text(source), "python")
    assert tree is not None
    text = python_before(source, at - 1)
    found, sure = PythonResolver([root]).members_of(root / "main.py", tree, at, text)
    return found, sure, name


@pytest.mark.parametrize("body", OFFERED.values(), ids=OFFERED)
def test_members_are_told_of(body: str, tmp_path: Path) -> None:
    found, _, name = offered(tmp_path, body)
    assert name in found


SURE = ("what a loop goes over", "an item of a mapping", "what the bases have", "a text")


@pytest.mark.parametrize("title", SURE)
def test_what_is_annotated_is_sure(title: str, tmp_path: Path) -> None:
    assert offered(tmp_path, OFFERED[title])[1]


@pytest.mark.parametrize(
    "title", ["a function without an annotation", "one or the other", "names that are unpacked"]
)
def test_what_is_concluded_from_bodies_and_alternatives_is_not_sure(title: str, tmp_path: Path) -> None:
    assert not offered(tmp_path, OFFERED[title])[1]


@pytest.mark.parametrize(
    "body",
    [
        "if not isinstance(some, Node):\n            some.|visit",
        "if isinstance(some, Node) or args:\n            some.|visit",
        "if isinstance(some, Node):\n            pass\n        else:\n            some.|visit",
        "if isinstance(some, Node):\n            pass\n        some.|visit",
    ],
)
def test_what_isinstance_does_not_say_is_not_told(body: str, tmp_path: Path) -> None:
    assert offered(tmp_path, body)[0] == {}


def test_a_member_says_how_many_bases_up_it_is(tmp_path: Path) -> None:
    found, _, _ = offered(tmp_path, "self.|visit")
    assert [found[name][1] for name in ("visit", "make", "__eq__")] == [0, 1, 2]
    assert found["make"][0] is SymbolKind.METHOD
    assert found["kids"][0] is SymbolKind.FIELD


def test_functions_that_call_each_other_in_a_circle_end(tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text(
        "def a():\n    return b()\n\ndef b():\n    x = x.y\n    return a() or x\n"
    )
    source = "from other import a\na()."
    tree = parse(Text(source), "python")
    assert tree is not None
    assert PythonResolver([tmp_path]).members_of(tmp_path / "m.py", tree, len(source), "a()") == ({}, False)


def test_files_of_star_imports_with_a_list_of_names_are_not_parsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = [f"part{number}" for number in range(20)]
    for each in many:
        text = f"__all__ = [\n    'Of_{each}',\n]\nimport os\nclass Of_{each}: ...\nclass Other: ...\n"
        (tmp_path / f"{each}.py").write_text(text)
    (tmp_path / "whole.py").write_text("".join(f"from {each} import *\n" for each in many))
    tree = parse(Text("import whole\nwhole."), "python")
    assert tree is not None
    parsed: list[str] = []
    read = python_files.parse

    def counting(text: Text, language: str) -> object:
        parsed.append(text.source)
        return read(text, language)

    monkeypatch.setattr(python_files, "parse", counting)
    resolver = PythonResolver([tmp_path])
    found, _ = resolver.members_of(tmp_path / "m.py", tree, 19, "whole")
    assert {f"Of_{each}" for each in many} <= set(found)
    assert "Other" not in found
    assert found["Of_part3"][0] is SymbolKind.CLASS
    assert not any("Of_" in text for text in parsed)
    one = resolver.dotted(tmp_path / "m.py", tree, 19, ["whole", "Of_part3"])
    assert one is not None
    assert one.path == tmp_path / "part3.py"
    assert sum("Of_" in text for text in parsed) == 1


def test_a_list_of_names_that_is_added_to_is_read_as_code(tmp_path: Path) -> None:
    (tmp_path / "part.py").write_text("__all__ = ['A']\n__all__ += ['B']\nclass A: ...\nclass B: ...\n")
    (tmp_path / "whole.py").write_text("from part import *\n")
    tree = parse(Text("import whole\nwhole."), "python")
    assert tree is not None
    assert {"A", "B"} <= set(PythonResolver([tmp_path]).members_of(tmp_path / "m.py", tree, 19, "whole")[0])


def test_a_stub_beside_a_file_says_what_its_functions_give(tmp_path: Path) -> None:
    (tmp_path / "fast.py").write_text("def make(x):\n    return _made(x)\n")
    (tmp_path / "fast.pyi").write_text("class Made:\n    size: int\ndef make(x: int) -> Made: ...\n")
    source = "import fast\nfast.make(1)."
    tree = parse(Text(source), "python")
    assert tree is not None
    found, sure = PythonResolver([tmp_path]).members_of(tmp_path / "m.py", tree, len(source), "fast.make(1)")
    assert "size" in found
    assert sure


def test_a_document_s_classes_are_read_when_their_members_are_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tree = parse(Text("class A:\n    def a(self):\n        self.b = 1\nclass B:\n    c = 1\n"), "python")
    assert tree is not None
    walked: list[object] = []
    walk = module_table._walk
    monkeypatch.setattr(
        module_table, "_walk", lambda *args, **more: (walked.append(args), walk(*args, **more))
    )
    table = table_of(tree, deferred=True)
    assert len(walked) == 1
    assert list(table.names["A"][0].members) == ["a", "b"]
    assert len(walked) == 2
    assert table.names["A"][0].members["b"][0].value == "1"
    assert len(walked) == 2


def told(root: Path, source: str, text: str) -> tuple[set[str], bool]:
    """What `text` offers at the end of `source`, and whether that is sure."""
    tree = parse(Text(source), "python")
    assert tree is not None
    found, sure = PythonResolver([root]).members_of(root / "m.py", tree, len(source), text)
    return set(found), sure


def test_alternatives_that_multiply_line_by_line_are_given_up(tmp_path: Path) -> None:
    lines = [f"v{each} = " + " or ".join([f"v{each + 1}"] * 6) for each in range(30)]
    resolver, source = PythonResolver([tmp_path]), "\n".join(lines) + "\nv0."
    tree = parse(Text(source), "python")
    assert tree is not None
    path = tmp_path / "m.py"
    assert steps(lambda: resolver.members_of(path, tree, len(source), "v0")) < 2_000_000
    functions = [f"def f{each}():\n    return " + " or ".join([f"f{each + 1}()"] * 30) for each in range(14)]
    assert told(tmp_path, "\n".join(functions) + "\nf0().", "f0()") == (set(), False)


@pytest.mark.parametrize(
    "classes",
    [
        "class A(A.x): pass",
        "class A(B.x): pass\nclass B(A.x): pass",
        "class A(A().f()): pass",
        "from ast import A\nclass A(A.B): pass",
    ],
)
def test_a_class_whose_base_is_told_by_itself_ends(classes: str, tmp_path: Path) -> None:
    _, sure = told(tmp_path, f"{classes}\nA().", "A()")
    assert not sure
    source = f"{classes}\nA().run"
    tree = parse(Text(source), "python")
    assert tree is not None
    assert PythonResolver([tmp_path]).at(tmp_path / "m.py", tree, len(source) - 1) is None


TWO = "class A:\n    def run(self): ...\nclass B:\n    def go(self): ...\n"


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("for x in [A(), B()]:\n    x.", "x"),
        ("[A(), B()][1].", "[A(), B()][1]"),
        ("{'b': A, 'c': B}['c']().", "{'b': A, 'c': B}['c']()"),
        ("xs = [A()]\nxs.append(B())\nxs[0].", "xs[0]"),
        ("for x in (A(), B()):\n    x.", "x"),
        ("z = []\nx = (A(), *z, B())\nx[2].", "x[2]"),
        ("z = []\nx = (B(), *z, A())\nx[-1].", "x[-1]"),
    ],
)
def test_an_element_does_not_speak_for_the_others_of_its_container(
    code: str, text: str, tmp_path: Path
) -> None:
    assert not told(tmp_path, TWO + code, text)[1]


def test_a_tuple_s_places_are_sure(tmp_path: Path) -> None:
    found, sure = told(tmp_path, f"{TWO}x = (A(), B())\nx[1].", "x[1]")
    assert "go" in found
    assert sure


@pytest.mark.parametrize("name", ["next", "iter"])
def test_a_function_of_the_code_s_own_is_not_taken_for_a_built_in_one(name: str, tmp_path: Path) -> None:
    text = "next(iter((A(),)))"
    source = f"{TWO}def {name}(x) -> B: ...\n"
    assert "run" not in told(tmp_path, f"{source}{text}.", text)[0]
    assert "run" in told(tmp_path, f"{source}for x in (A(),):\n    x.", "x")[0]


def test_what_a_coroutine_gives_is_sure_only_behind_await(tmp_path: Path) -> None:
    source = f"{TWO}async def g() -> A: ...\n"
    assert not told(tmp_path, f"{source}x = g()\nx.", "x")[1]
    assert told(tmp_path, f"{source}async def f():\n    x = await g()\n    x.", "x")[1]


def test_a_return_of_a_function_inside_or_of_a_docstring_is_not_the_function_s(tmp_path: Path) -> None:
    body = 'def g():\n    """\n    return A()\n    """\n    def h():\n        return A()\n    return B()\n'
    found, _ = told(tmp_path, f"{TWO}{body}g().", "g()")
    assert "go" in found
    assert "run" not in found


def test_a_body_with_a_very_long_line_is_not_looked_at(tmp_path: Path) -> None:
    body = f"def g():\n    x = A()\n{' ' * 15_000}y\n    return x\n"
    assert told(tmp_path, f"{TWO}{body}g().", "g()") == (set(), False)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("if isinstance(x, A):\n    x = B()\n    x.", "x"),
        ("if 1:\n    assert isinstance(x, A)\n    x = B()\n    x.", "x"),
        ("if isinstance(x, A):\n    for x in [B()]:\n        x.run", "x"),
        ("if isinstance(x, A):\n    [x.run for x in [B()]]", "x"),
        ("if isinstance(x, A):\n    lambda x: x.run", "x"),
        ("if isinstance(x, A):\n    while y:\n        x.run\n        x = B()", "x"),
        ("if isinstance(x, A):\n    import x\n    x.run", "x"),
        ("if not (isinstance(x, A)):\n    x.run", "x"),
        ("if isinstance(x, A) is False:\n    x.run", "x"),
        ("if isinstance(x, A) == 0:\n    x.run", "x"),
        ("if not any(isinstance(x, A) for x in y):\n    x.run", "x"),
        ("while not (isinstance(x, A) and y):\n    x.run", "x"),
        ("if isinstance(x, A) if y else z:\n    x.run", "x"),
    ],
)
def test_isinstance_says_nothing_of_a_name_that_is_bound_anew_or_of_a_test_that_may_fail(
    code: str, text: str, tmp_path: Path
) -> None:
    before = "".join(f"    {line}\n" for line in code.split("\n"))[:-1]
    source = f"{TWO}def f(x, y, z):\n{before}"
    at = source.rindex("x.run") + 2 if "x.run" in source else len(source)
    tree = parse(Text(source), "python")
    assert tree is not None
    found, _ = PythonResolver([tmp_path]).members_of(tmp_path / "m.py", tree, at, text)
    assert "run" not in found
    assert PythonResolver([tmp_path]).at(tmp_path / "m.py", tree, at) is None
    names, complete = PythonResolver([tmp_path]).offered_at(tmp_path / "m.py", tree, at)
    assert "run" not in names or not complete


@pytest.mark.parametrize(
    "code",
    [
        "if (isinstance(x, A)) and y:\n    x.",
        "if y and isinstance(x, A):\n    x.",
        "while isinstance(x, A):\n    x.",
        "if y:\n    pass\nelif isinstance(x, A):\n    x.",
        "if isinstance(x, A):\n    for y in z:\n        [z for z in x.",
    ],
)
def test_isinstance_says_what_a_name_is_where_its_condition_needs_it(code: str, tmp_path: Path) -> None:
    before = "".join(f"    {line}\n" for line in code.split("\n"))[:-1]
    found, sure = told(tmp_path, f"{TWO}def f(x, y, z):\n{before}", "x")
    assert "run" in found
    assert sure


def test_a_class_with_the_name_of_its_base_does_not_say_that_its_members_are_all(tmp_path: Path) -> None:
    (tmp_path / "base.py").write_text("class A:\n    def go(self): ...\n")
    source = "from base import *\nclass A(A): pass\nA().go"
    tree = parse(Text(source), "python")
    assert tree is not None
    names, complete = PythonResolver([tmp_path]).offered_at(tmp_path / "m.py", tree, len(source) - 1)
    assert "go" in names or not complete
    found, sure = told(tmp_path, source[:-2], "A()")
    assert "go" in found or not sure


def test_a_base_that_two_bases_share_leaves_the_members_sure(tmp_path: Path) -> None:
    source = f"{TWO}class C(A): pass\nclass D(A): pass\nclass E(C, D): pass\nE()."
    found, sure = told(tmp_path, source, "E()")
    assert "run" in found
    assert sure
