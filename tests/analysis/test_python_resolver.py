"""What a name stands for is told by the text alone; `target` marks where."""

from __future__ import annotations

from pathlib import Path

import pytest

from devflow.analysis.python_resolver import PythonResolver, Target
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Text
from support import fixture


def resolved(root: Path, snippet: str) -> tuple[fixture.Case, Target | None, PythonResolver]:
    case = fixture.parse(snippet)
    for name, text in case.files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode())
    name, at = case.cursor
    tree = parse(Text(case.files[name]), "python")
    assert tree is not None
    resolver = PythonResolver([root])
    return case, resolver.at(root / name, tree, at), resolver


FOUND = {
    "a type parameter of a function, not the class of its name": """
        def first[T](items: list[T]) -> <|>T: ...
        #         ^ target
        class T: ...
        """,
    "a type parameter of a class, in a method": """
        T = 1
        class Box[T: int]:
        #         ^ target
            def get[U](self, other: U) -> tuple[<|>T, U]: ...
        """,
    "a type parameter of an alias": """
        type Pair[K] = tuple[K, <|>K]
        #         ^ target
        K = 1
        """,
    "the attribute that a pattern looks at": """
        class Point:
            def __init__(self, x):
                self.x = x
        #            ^ target
        def f(shape):
            match shape:
                case Point(<|>x=0): ...
        """,
    "several types as one parameter": """
        def f[*Ts, **P](*args: *<|>Ts): ...
        #      ^^ target
        """,
    "a local of a type parameter's name": """
        def f[T](x):
            T = x
        #   ^ target
            return <|>T
        """,
    "a function of the file": """
        def area(): ...
        #   ^^^^ target
        ar<|>ea()
        """,
    "a class's method through self": """
        class Shape:
            def area(self): ...
            #   ^^^^ target
            def twice(self):
                return self.ar<|>ea()
        """,
    "a method of a base": """
        class Shape:
            def area(self): ...
            #   ^^^^ target
        class Square(Shape):
            def twice(self):
                return self.ar<|>ea()
        """,
    "a method of a base in another file": """
        #- shapes.py
        class Shape:
            def area(self): ...
            #   ^^^^ target
        #- main.py
        import shapes
        class Square(shapes.Shape):
            def twice(self):
                return self.ar<|>ea()
        """,
    "a base's method through super": """
        class Shape:
            def area(self): ...
            #   ^^^^ target
        class Square(Shape):
            def area(self):
                return super().ar<|>ea()
        """,
    "a field set in the constructor": """
        class Shape:
            def __init__(self):
                self.width = 1
            #        ^^^^^ target
            def area(self):
                return self.wi<|>dth
        """,
    "a member of an annotated parameter": """
        class Shape:
            def area(self): ...
            #   ^^^^ target
        def f(shape: Shape):
            shape.ar<|>ea()
        """,
    "a member of a parameter annotated with a string": """
        class Shape:
            def area(self): ...
            #   ^^^^ target
        def f(shape: "Shape | None"):
            shape.ar<|>ea()
        """,
    "a member of what a constructor makes": """
        class Shape:
            def area(self): ...
            #   ^^^^ target
        shape = Shape()
        shape.ar<|>ea()
        """,
    "a member of what a call returns": """
        class Shape:
            def area(self): ...
            #   ^^^^ target
        def make() -> Shape: ...
        make().ar<|>ea()
        """,
    "a member of what a method of a field returns": """
        #- shapes.py
        class Shape:
            def area(self): ...
            #   ^^^^ target
        class Maker:
            def make(self) -> Shape: ...
        #- main.py
        from shapes import Maker
        class Shop:
            def __init__(self):
                self.maker = Maker()
            def sell(self):
                self.maker.make().ar<|>ea()
        """,
    "a member of a field that is given an annotated parameter": """
        class Shape:
            def area(self): ...
            #   ^^^^ target
        class Shop:
            def __init__(self, shape: Shape):
                self.shape = shape
            def sell(self):
                self.shape.ar<|>ea()
        """,
    "a property's value": """
        class Shape:
            def area(self): ...
            #   ^^^^ target
        class Shop:
            @property
            def shape(self) -> Shape: ...
            def sell(self):
                self.shape.ar<|>ea()
        """,
    "a name imported from a package that brings it in": """
        #- pkg/__init__.py
        from .shapes import area
        #- pkg/shapes.py
        def area(): ...
        #   ^^^^ target
        #- main.py
        import pkg
        pkg.ar<|>ea()
        """,
    "a name that a star brings in": """
        #- pkg/__init__.py
        from .shapes import *
        #- pkg/shapes.py
        def area(): ...
        #   ^^^^ target
        #- main.py
        from pkg import area as size
        si<|>ze()
        """,
    "a name in an import": """
        #- shapes.py
        def area(): ...
        #   ^^^^ target
        #- main.py
        from shapes import ar<|>ea
        """,
    "the implementation of overloads": """
        from typing import overload
        @overload
        def area(a: int) -> int: ...
        @overload
        def area(a: str) -> str: ...
        def area(a): ...
        #   ^^^^ target
        are<|>a(1)
        """,
    "an exception that is caught": """
        class Wrong(Exception):
            def tell(self): ...
            #   ^^^^ target
        try: ...
        except Wrong as error:
            error.te<|>ll()
        """,
    "a member of a type alias": """
        class Shape:
            def area(self): ...
            #   ^^^^ target
        Figure = Shape
        def f(shape: Figure):
            shape.ar<|>ea()
        """,
    "a nested class": """
        class Shape:
            class Meta:
            #     ^^^^ target
                name = ""
        Shape.Me<|>ta
        """,
    "a method that returns its own class": """
        from typing import Self
        class Query:
            def where(self) -> Self: ...
            def run(self): ...
            #   ^^^ target
        Query().where().where().ru<|>n()
        """,
    "the definition under the cursor": """
        def are<|>a(): ...
        #   ^^^^ target
        """,
    "the parameter under the cursor": """
        def f(wid<|>th=1): ...
        #     ^^^^^ target
        """,
    "a local that hides a global": """
        width = 1
        def f():
            width = 2
        #   ^^^^^ target
            return wid<|>th
        """,
}


@pytest.mark.parametrize("name", FOUND)
def test_is_found(name: str, tmp_path: Path) -> None:
    case, target, _ = resolved(tmp_path, FOUND[name])
    [label] = case.labels
    assert target is not None
    assert target.binding is not None
    assert (target.path, target.binding.name_start) == (tmp_path / label.path, label.start)


UNKNOWN = {
    "a member of an unannotated parameter": "def f(shape):\n    shape.ar<|>ea()\n",
    "a member nobody defines": "class A: ...\nA().ar<|>ea()\n",
    "an import that leads nowhere": "import nowhere_at_all\nnowhere_at_all.ar<|>ea\n",
    "a circle of imports": "#- a.py\nfrom main import x\n#- main.py\nfrom a import x\nx<|>\n",
    "a keyword of a call": "def f(width): ...\nf(wi<|>dth=1)\n",
    "a class that is its own base": "class A(A): ...\nA().ar<|>ea\n",
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_is_left_to_others(name: str, tmp_path: Path) -> None:
    assert resolved(tmp_path, UNKNOWN[name])[1] is None


@pytest.mark.parametrize(
    ("code", "where"),
    [
        ("'a'.low<|>er()", "builtins.pyi"),
        ("import os\nos.path.jo<|>in", "posixpath.py"),
        ("import typing as t\nx: t.An<|>y", "typing.py"),
        ("from collections import deque\nd = deque()\nd.popl<|>eft()", "__init__.pyi"),
        ("import zlib\nzlib.decomp<|>ress", "zlib.pyi"),
    ],
)
def test_the_standard_library_is_read_without_importing_it(code: str, where: str, tmp_path: Path) -> None:
    _, target, resolver = resolved(tmp_path, code)
    assert target is not None
    assert target.path.name == where
    assert resolver.symbol(target) is not None


def test_a_name_that_is_bound_twice_is_not_sure(tmp_path: Path) -> None:
    _, target, _ = resolved(
        tmp_path,
        """
        if True:
            def area(): ...
        else:
            def area(): ...
        are<|>a()
        """,
    )
    assert target is not None
    assert not target.sure


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    _, target, resolver = resolved(tmp_path, "#- a.py\nx = 1\n#- main.py\nimport a\na.<|>x\n")
    assert target is not None
    (tmp_path / "a.py").write_text("long = 2\nx = 1\n")
    again = resolver.at(tmp_path / "main.py", parse_of("import a\na.x\n"), 12)
    assert again is not None
    assert again.binding is not None
    assert again.binding.name_start == 9


def test_a_document_that_was_closed_is_read_from_its_file_again(tmp_path: Path) -> None:
    _, _, resolver = resolved(tmp_path, "#- a.py\nx = 1\n#- main.py\nimport a\na.<|>x\n")
    assert resolver.at(tmp_path / "a.py", parse_of("long = 2\nx = 1\n"), 10) is not None  # not saved
    resolver.released(tmp_path / "a.py")
    again = resolver.at(tmp_path / "main.py", parse_of("import a\na.x\n"), 12)
    assert again is not None
    assert again.binding is not None
    assert again.binding.name_start == 0


def test_a_pipe_in_the_place_of_a_module_is_not_waited_for(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe.py")
    assert resolved(tmp_path, "import pipe\npipe.<|>x\n")[1] is None


@pytest.mark.parametrize("code", ["def f(a, args, b=3): return <|>args\n", "for args, b in x: <|>args\n"])
def test_the_signature_of_a_name_among_others_is_the_name(code: str, tmp_path: Path) -> None:
    at = code.index("<|>")
    path, text = tmp_path / "a.py", Text(code.replace("<|>", ""))
    path.write_text(text.source)
    tree = parse(text, "python")
    assert tree is not None
    names = PythonResolver([tmp_path])
    target = names.at(path, tree, at)
    assert target is not None
    symbol = names.symbol(target)
    assert symbol is not None
    assert symbol.signature == "args"


def test_signature_and_documentation_are_told(tmp_path: Path) -> None:
    _, target, resolver = resolved(
        tmp_path,
        '''
        class Shape:
            @property
            def area(self) -> int:
                """How large."""
                return 1
        Shape().ar<|>ea
        ''',
    )
    assert target is not None
    symbol = resolver.symbol(target)
    assert symbol is not None
    assert (symbol.kind, symbol.signature, symbol.doc, symbol.container) == (
        "property",
        "def area(self) -> int",
        "How large.",
        "Shape",
    )


def test_a_name_that_a_module_has_not_is_not_another_line_s(tmp_path: Path) -> None:
    code = "#- a.py\nx = 1\n#- main.py\nfrom dataclasses import field\nfrom a import fie<|>ld\n"
    _, target, _ = resolved(tmp_path, code)
    assert target is None


def parse_of(source: str):  # type: ignore[no-untyped-def]
    return parse(Text(source), "python")
