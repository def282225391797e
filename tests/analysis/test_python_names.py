"""The scopes of names, checked against Python's own symbol tables."""

from __future__ import annotations

import ast
import collections
import symtable
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from devflow.analysis.python_names import python_names
from devflow.analysis.python_scopes import MODULE, PythonNames
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Text
from support import fixture

LIBRARY = Path(sysconfig.get_path("stdlib"))
FILES = sorted(LIBRARY.glob("*.py"))[::6] + sorted((LIBRARY / "asyncio").glob("*.py"))[::3]


def read(source: str) -> PythonNames:
    tree = parse(Text(source), "python")
    assert tree is not None
    return python_names(tree)


def tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from tables(child)


def unmangled(name: str, classes: set[str]) -> str:
    for each in classes:
        if name.startswith(f"_{each.lstrip('_')}__"):
            return name[len(each.lstrip("_")) + 1 :]
    return name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_scopes_bind_what_the_compiler_says(path: Path) -> None:
    source = path.read_text("utf-8")
    names = read(source)
    classes = {each.name for each in ast.walk(ast.parse(source)) if isinstance(each, ast.ClassDef)}
    declared = {name for scope in names.scopes for name in scope.declared_global}
    theirs, ours = collections.Counter[tuple[str, frozenset[str]]](), collections.Counter[object]()
    for table in tables(symtable.symtable(source, str(path), "exec")):
        module = table.get_type() == "module"
        bound = {
            unmangled(each.get_name(), classes)
            for each in table.get_symbols()
            if (each.is_assigned() or each.is_imported() or each.is_parameter() or each.is_namespace())
            and (module or not (each.is_declared_global() or each.is_nonlocal()))
            and not each.get_name().startswith(".")
        }
        theirs[str(table.get_type()), frozenset(bound - declared if module else bound)] += 1
    for scope in names.scopes:
        if scope.node.type == "call":
            continue  # `namedtuple("P", "x y")`: a class to us, a call to the compiler
        kind = scope.kind if scope.kind in ("module", "class") else "function"
        outside = declared if kind == "module" else scope.declared_nonlocal | scope.declared_global
        ours[kind, frozenset(scope.bound.keys() - outside)] += 1
    assert ours == theirs


@pytest.mark.parametrize("path", FILES[:12], ids=lambda path: path.name)
def test_every_plain_name_of_the_compilers_tree_is_seen(path: Path) -> None:
    source = path.read_text("utf-8")
    names = read(source)
    theirs = collections.Counter(
        node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)
    )
    ours = collections.Counter(
        each.name
        for each in names.occurrences
        if each.how not in ("parameter", "import", "quoted") and each.role != "declare"
    )
    assert theirs - ours == {}


def home_of(snippet: str) -> str:
    """The kind of the scope that the name at the cursor belongs to, or `nowhere`."""
    case = fixture.parse(snippet)
    _, at = case.cursor
    names = read(case.text())
    found = names.at(at)
    assert found is not None
    home = names.home(found)
    return names.scopes[home].kind if names.is_bound(found.name, home) else "nowhere"


@pytest.mark.parametrize(
    ("snippet", "kind"),
    [
        ("x = 1\ndef f():\n    return <|>x\n", "module"),
        ("def f():\n    x = 1\n    return <|>x\n", "function"),
        ("def f(x):\n    return lambda: <|>x\n", "function"),
        ("class A:\n    x = 1\n    def f(self):\n        return <|>x\n", "nowhere"),
        ("x = 2\nclass A:\n    x = <|>x\n", "module"),
        ("x = 2\nclass A:\n    x = 1\n    y = <|>x\n", "class"),
        ("x = 2\ndef f():\n    x = 1\n    class A:\n        x = <|>x\n", "module"),
        ("class A:\n    x = [1]\n    y = [i for i in <|>x]\n", "class"),
        ("x = 0\nclass A:\n    x = [1]\n    y = [<|>x for i in x]\n", "module"),
        ("def f():\n    [y := i for i in r]\n    return <|>y\n", "function"),
        ("[<|>i for i in r]\n", "comprehension"),
        ("i = 1\n[i for i in <|>i]\n", "module"),
        ("def f(x, y=<|>x): ...\nx = 1\n", "module"),
        ("x = 1\ndef f():\n    global x\n    <|>x = 2\n", "module"),
        ("def f():\n    x = 1\n    def g():\n        nonlocal x\n        <|>x = 2\n", "function"),
        ("try: ...\nexcept E as <|>e: ...\n", "module"),
        ("def f(v):\n    match v:\n        case [<|>x, *_]: ...\n", "function"),
        ("def f(v):\n    match v:\n        case A(b=<|>x): ...\n", "function"),
        ("def f(v):\n    match v:\n        case {'a': 1, **<|>x}: ...\n", "function"),
        ("def f(v):\n    match v:\n        case <|>A.B: ...\n", "nowhere"),
        ("def f[T](x: <|>T): ...\n", "types"),
        ("class A[T]:\n    def f(self) -> <|>T: ...\n", "types"),
        ("type X[T] = list[<|>T]\n", "types"),
        ("def f(x: 'list[<|>A]'): ...\nclass A: ...\n", "module"),
        ("from m import a as <|>b\n", "module"),
        ("import <|>a.b\n", "module"),
        ("def f():\n    for <|>x in r: ...\n", "function"),
        ("def f():\n    with open(p) as <|>x: ...\n", "function"),
        ("def f():\n    with (open(p) as <|>x): ...\n", "function"),
        ("def f():\n    (x, *<|>y), z = r\n", "function"),
        ("def f(*<|>a, **k): ...\n", "function"),
        ("@<|>d\ndef f(d): ...\nd = 1\n", "module"),
        ("def f(x):\n    return f'{<|>x!r:>{x}}'\n", "function"),
    ],
)
def test_a_name_belongs_to(snippet: str, kind: str) -> None:
    assert home_of(snippet) == kind


def test_strings_of_literals_are_no_names() -> None:
    names = read("def f(x: Literal['a'], y: 'b'): ...\n")
    assert {each.name for each in names.occurrences if each.how == "quoted"} == {"b"}


def test_the_names_a_module_exports_are_known() -> None:
    names = read("__all__ = ['a', \"b\"]\n__all__ += ['c']\n")
    assert [name for name, _, _ in names.exported] == ["a", "b", "c"]


def test_a_sum_of_ten_thousand_terms_is_read() -> None:
    assert len(read("x = " + " + ".join(["a"] * 10_000)).of("a", MODULE)) == 10_000


@pytest.mark.parametrize(
    "source", ["def f(:\n", "class\n", "import\nfrom . import\n", "lambda x", "x = = y", "match"]
)
def test_broken_code_is_read(source: str) -> None:
    read(source)
