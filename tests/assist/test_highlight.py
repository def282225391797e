"""`read` and `write` mark where the name under the cursor stands; nothing else is highlighted."""

from __future__ import annotations

import ast
import symtable
import sysconfig
from dataclasses import replace
from pathlib import Path

import pytest

from devflow.analysis.facts import Location
from devflow.analysis.text import Text
from devflow.server.assist.base import Codebase
from devflow.server.assist.highlight import highlights
from devflow.server.assist.project import names_in
from support.codebase import document, workspace

CASES = {
    "a local": """
        size = 1
        def f():
            size = 2
        #   ^^^^ write
            return si<|>ze
        #          ^^^^ read
        """,
    "a parameter": """
        def f(size, other):
        #     ^^^^ write
            print(si<|>ze, other.size)
        #         ^^^^ read
        """,
    "a name bound by a loop": """
        for it<|>em in items:
        #   ^^^^ write
            print(item)
        #         ^^^^ read
        """,
    "a comprehension's own name": """
        x = 1
        y = [<|>x for x in z]
        #    ^ read
        #          ^ write
        """,
    "a name that is augmented": """
        def f():
            n = 0
        #   ^ write
            <|>n += 1
        #   ^ write
            return n
        #          ^ read
        """,
    "a nonlocal name": """
        def f():
            n = 0
        #   ^ write
            def g():
                nonlocal n
        #                ^ write
                n<|> = 1
        #       ^ write
        """,
    "a field through self": """
        class A:
            def __init__(self):
                self.w<|> = 1
        #            ^ write
            def area(self, other):
                return self.w * other.w
        #                   ^ read
        """,
    "a name that is a keyword elsewhere": """
        with f(1) as match:
        #            ^^^^^ write
            match ma<|>tch:
        #         ^^^^^ read
                case _: ...
        """,
    "nothing on a word that is a keyword here": """
        mat<|>ch match:
            case _: ...
        """,
    "a method through self": """
        class A:
            def ar<|>ea(self): ...
        #       ^^^^ write
            def twice(self):
                self.area()
        #            ^^^^ read
        """,
    "an attribute of another receiver": """
        a.w<|>
        # ^ read
        b.w
        a.w = 1
        # ^ write
        """,
    "nothing in a string": """
        size = "si<|>ze"
        """,
    "nothing on a keyword": """
        ret<|>urn
        """,
}
TYPESCRIPT = """
function area(width: number) {
//            ^^^^^ write
  const other = 1;
  return wi<|>dth * other;
//       ^^^^^ read
}
function two(width: number) { return width; }
"""


@pytest.mark.parametrize("name", CASES)
async def test_marks(name: str, tmp_path: Path) -> None:
    async with workspace(tmp_path, CASES[name]) as space:
        found = await highlights(space.doc, space.at, space.code)
        expected = sorted((label.start, label.end, label.text) for label in space.case.labels)
        assert [(each.start, each.end, each.kind) for each in found] == expected


async def test_a_global_is_marked_in_the_function_that_reads_it(tmp_path: Path) -> None:
    async with workspace(tmp_path, "size = 1\ndef f():\n    return si<|>ze\n") as space:
        found = await highlights(space.doc, space.at, space.code)
        assert [(each.start, each.kind) for each in found] == [(0, "write"), (29, "read")]


async def test_another_languages_local_is_marked_in_its_function_only(tmp_path: Path) -> None:
    async with workspace(tmp_path, TYPESCRIPT, "main.ts") as space:
        found = await highlights(space.doc, space.at, space.code)
        expected = sorted((label.start, label.end, label.text) for label in space.case.labels)
        assert [(each.start, each.end, each.kind) for each in found] == expected


@pytest.mark.parametrize("module", ["textwrap", "fnmatch", "bisect", "shlex", "queue", "sched"])
def test_scopes_agree_with_the_compiler(module: str, tmp_path: Path) -> None:
    """Each plain name of a real file is local, global or free as `symtable` has it."""
    path = Path(sysconfig.get_path("stdlib")) / f"{module}.py"
    source = path.read_text("utf-8")
    doc = document(source, tmp_path / "a.py")

    class Nothing:
        async def text_of(self, path: Path) -> Text | None:
            return None

    names = names_in(doc, Codebase((tmp_path,), Nothing()))
    tables: dict[tuple[str, int], list[symtable.SymbolTable]] = {}

    def collect(table: symtable.SymbolTable) -> None:
        tables.setdefault((table.get_name(), table.get_lineno()), []).append(table)
        for child in table.get_children():
            collect(child)

    collect(symtable.symtable(source, str(path), "exec"))
    checked = 0
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef):
            continue
        first = min([function.lineno, *(each.lineno for each in function.decorator_list)])
        known = tables.get((function.name, function.lineno), []) or tables.get((function.name, first), [])
        if len(known) != 1:
            continue
        for node in _own_names(function):
            symbol = known[0].lookup(node.id)
            here = names.at(doc.text.offset(node.lineno - 1, node.col_offset, "utf-8"))
            assert here is not None
            home = names.scopes[names.home(here)]
            if symbol.is_local():
                assert home.kind == "function", (module, node.id, node.lineno)
                assert home.number == here.scope
            elif symbol.is_free():
                assert home.number not in (0, here.scope), (module, node.id, node.lineno)
            else:
                assert home.kind == "module", (module, node.id, node.lineno)
            checked += 1
    assert checked > 20


def _own_names(function: ast.FunctionDef) -> list[ast.Name]:
    """Names in the body that stand in no inner scope."""
    found: list[ast.Name] = []
    pending: list[ast.AST] = list(function.body)
    inner = (
        ast.FunctionDef,
        ast.Lambda,
        ast.ClassDef,
        ast.ListComp,
        ast.GeneratorExp,
        ast.DictComp,
        ast.SetComp,
    )
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Name):
            found.append(node)
        if not isinstance(node, inner):
            pending += ast.iter_child_nodes(node)
    return found


class Typed:
    """A fast engine that knows the places of one name."""

    def __init__(self, places: list[Location]) -> None:
        self.places = places

    async def highlights(self, path: Path, source: str, at: int) -> list[Location]:
        return self.places


async def test_a_method_is_marked_where_it_is_called_too(tmp_path: Path) -> None:
    snippet = "class A:\n    def ru<|>n(self): ...\ndef f(one: A):\n    one.run()\n"
    path, source = tmp_path / "main.py", snippet.replace("<|>", "")
    made, called = source.index("run"), source.rindex("run")
    python = Typed([Location(path, made, made + 3), Location(path, called, called + 3)])
    async with workspace(tmp_path, snippet, python=python) as space:
        found = await highlights(space.doc, space.at, replace(space.code, types_are_fast=True))
    assert [(each.start, each.kind) for each in found] == [(made, "write"), (called, "read")]
