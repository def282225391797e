"""Calls between functions, classes above and below, and what implements what, in several languages."""

from __future__ import annotations

from pathlib import Path

import pytest

from devflow.server.assist.call_hierarchy import Call, incoming, outgoing, prepared
from devflow.server.assist.declaration import declaration, type_definition
from devflow.server.assist.type_hierarchy import implementation, prepared_types, subtypes, supertypes
from support.codebase import Workspace, workspace

PYTHON_CALLS = """
#- shapes.py
def area(w): ...
def both():
    return area(1) + area(2)
#- main.py
from shapes import area
def draw():
    ar<|>ea(3)
class Box:
    def fill(self):
        draw()
        area(4)
area(5)
"""
CALLS = {
    "main.py": PYTHON_CALLS,
    "main.ts": """
//- shapes.ts
export function area(w: number) { return w; }
export function both() { return area(1) + area(2); }
//- main.ts
import { area } from "./shapes";
function draw() { ar<|>ea(3); }
class Box { fill() { draw(); area(4); } }
area(5);
""",
}


def named(calls: list[Call]) -> dict[str, int]:
    return {call.item.symbol.qualified_name: len(call.places) for call in calls}


async def from_item(space: Workspace) -> tuple[Workspace, int]:
    """The workspace with the document of the item under the cursor, as the editor asks next."""
    from support.codebase import document

    [item] = await prepared(space.doc, space.at, space.code)
    space.doc = document(item.path.read_text(), item.path)
    return space, item.symbol.name_start


@pytest.mark.parametrize("path", CALLS)
async def test_callers_are_told_with_their_calls(path: str, tmp_path: Path) -> None:
    async with workspace(tmp_path, CALLS[path], path, indexed=True) as space:
        moved, at = await from_item(space)
        found = named(await incoming(moved.doc, at, moved.code))
        assert found == {"both": 2, "draw": 1, "Box.fill": 1, path: 1}


@pytest.mark.parametrize("path", CALLS)
async def test_callees_are_told_with_their_calls(path: str, tmp_path: Path) -> None:
    snippet = CALLS[path].replace("ar<|>ea(3)", "area(3)").replace("fill(", "fi<|>ll(")
    async with workspace(tmp_path, snippet, path, indexed=True) as space:
        assert named(await outgoing(space.doc, space.at, space.code)) == {"draw": 1, "area": 1}


async def test_a_variable_has_no_call_hierarchy(tmp_path: Path) -> None:
    async with workspace(tmp_path, "si<|>ze = 1\n", indexed=True) as space:
        assert await prepared(space.doc, space.at, space.code) == []


async def test_a_method_of_another_class_is_no_caller(tmp_path: Path) -> None:
    snippet = """
    class Cat:
        def fe<|>ed(self): ...
        def morning(self):
            self.feed()
    class Dog:
        def feed(self): ...
        def morning(self):
            self.feed()
    """
    async with workspace(tmp_path, snippet, indexed=True) as space:
        assert "Cat.morning" in named(await incoming(space.doc, space.at, space.code))


TYPES = {
    "main.py": """
#- base.py
class Shape: ...
#- main.py
from base import Shape
class Squ<|>are(Shape): ...
class Tile(Square): ...
#- more.py
from main import Square
class Floor(Square): ...
""",
    "main.ts": """
//- base.ts
export interface Shape { area(): number }
//- main.ts
import { Shape } from "./base";
class Squ<|>are implements Shape { area() { return 1; } }
class Tile extends Square {}
//- more.ts
import { Square } from "./main";
class Floor extends Square {}
""",
    "Square.java": """
//- Shape.java
interface Shape { int area(); }
//- Square.java
class Squ<|>are implements Shape { public int area() { return 1; } }
//- Tile.java
class Tile extends Square {}
//- Floor.java
class Floor extends Square {}
""",
    "main.rb": """
#- base.rb
class Shape
end
#- main.rb
class Squ<|>are < Shape
end
class Tile < Square
end
#- more.rb
class Floor < Square
end
""",
    "main.cs": """
//- base.cs
class Shape { }
//- main.cs
class Squ<|>are : Shape { }
class Tile : Square { }
//- more.cs
class Floor : Square { }
""",
    "main.cpp": """
//- base.cpp
class Shape { };
//- main.cpp
class Squ<|>are : public Shape { };
class Tile : public Square { };
//- more.cpp
class Floor : public Square { };
""",
}


@pytest.mark.parametrize("path", TYPES)
async def test_the_classes_above_and_below_are_told(path: str, tmp_path: Path) -> None:
    async with workspace(tmp_path, TYPES[path], path, indexed=True) as space:
        [item] = await prepared_types(space.doc, space.at, space.code)
        assert item.symbol.name == "Square"
        above = await supertypes(space.doc, space.at, space.code)
        below = await subtypes(space.doc, space.at, space.code)
        assert [each.symbol.name for each in above] == ["Shape"]
        assert sorted(each.symbol.name for each in below) == ["Floor", "Tile"]


IMPLEMENTED = {
    "a method of a base": (
        "main.py",
        """
        class Shape:
            def ar<|>ea(self): ...
        class Square(Shape):
            def area(self): ...
            #   ^^^^ target
        class Tile(Square):
            def area(self): ...
            #   ^^^^ target
        class Cat:
            def area(self): ...
        """,
    ),
    "an interface": (
        "main.ts",
        """
        interface Sha<|>pe { area(): number }
        class Square implements Shape { area() { return 1; } }
        //    ^^^^^^ target
        class Cat { area() { return 1; } }
        """,
    ),
    "a method of an interface": (
        "A.java",
        """
        interface Shape { int ar<|>ea(); }
        class Square implements Shape { public int area() { return 1; } }
        //                                         ^^^^ target
        """,
    ),
    "a trait": (
        "main.rs",
        """
        trait Sha<|>pe { fn area(&self) -> i32; }
        struct Square { w: i32 }
        //     ^^^^^^ target
        impl Shape for Square { fn area(&self) -> i32 { self.w } }
        struct Cat { w: i32 }
        """,
    ),
    "an interface nobody names": (
        "main.go",
        """
        package main
        type Sha<|>pe interface { Area() int; Name() string }
        type Square struct { w int }
        //   ^^^^^^ target
        func (s Square) Area() int { return s.w }
        func (s Square) Name() string { return "" }
        type Cat struct { w int }
        func (c Cat) Name() string { return "" }
        """,
    ),
}


@pytest.mark.parametrize("indexed", [True, False])
@pytest.mark.parametrize("name", IMPLEMENTED)
async def test_implementations_are_found(name: str, indexed: bool, tmp_path: Path) -> None:
    path, snippet = IMPLEMENTED[name]
    async with workspace(tmp_path, snippet, path, indexed=indexed) as space:
        found = await implementation(space.doc, space.at, space.code)
        assert sorted((each.start, each.end) for each in found) == [
            (label.start, label.end) for label in space.case.labels
        ]


async def test_a_declaration_is_where_the_name_comes_into_the_file(tmp_path: Path) -> None:
    snippet = "#- a.py\ndef f(): ...\n#- main.py\nfrom a import f\n#             ^ target\nf<|>()\n"
    async with workspace(tmp_path, snippet) as space:
        [place] = (await declaration(space.doc, space.at, space.code)).locations
        [label] = space.case.labels
        assert (place.path.name, place.start) == (label.path, label.start)


async def test_a_c_functions_declaration_is_in_its_header(tmp_path: Path) -> None:
    snippet = (
        "//- a.h\nint area(int w);\n//- a.c\nint area(int w) { return w; }\n//- main.c\nint x = ar<|>ea(1);\n"
    )
    async with workspace(tmp_path, snippet, "main.c", indexed=True) as space:
        [place] = (await declaration(space.doc, space.at, space.code)).locations
        assert place.path.name == "a.h"


TYPED = {
    "a constructed variable": ("main.py", "class A: ...\n#     ^ target\na = A()\n<|>a\n"),
    "an annotated parameter": ("main.py", "class A: ...\n#     ^ target\ndef f(a: A):\n    <|>a\n"),
    "a function's value": ("main.py", "class A: ...\n#     ^ target\ndef f() -> A: ...\n<|>f()\n"),
    "a declared variable of Java": (
        "M.java",
        "class A {}\n//    ^ target\nclass M { void f(A a) { g(<|>a); } }\n",
    ),
    "a typed parameter of TypeScript": (
        "m.ts",
        "class A {}\n//    ^ target\nfunction f(a: A) { g(<|>a); }\n",
    ),
}


@pytest.mark.parametrize("name", TYPED)
async def test_the_type_of_a_name_is_found(name: str, tmp_path: Path) -> None:
    path, snippet = TYPED[name]
    async with workspace(tmp_path, snippet, path) as space:
        [place] = (await type_definition(space.doc, space.at, space.code)).locations
        [label] = space.case.labels
        assert (place.start, place.end) == (label.start, label.end)
