from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from devflow.server.assist import look_up
from devflow.server.assist.base import Codebase
from devflow.server.assist.navigate import definition, references
from support.codebase import workspace


async def check(root: Path, snippet: str, path: str = "main.py", **options: Any) -> None:
    """The definition of the name at the cursor is the label `target`, and nothing else."""
    async with workspace(root, snippet, path, **options) as space:
        found = (await definition(space.doc, space.at, space.code)).locations
        expected = [(root / label.path, label.start, label.end) for label in space.case.labels]
        assert [(each.path, each.start, each.end) for each in found] == expected


async def uses(
    root: Path, snippet: str, path: str = "main.py", declaration: bool = True, **options: Any
) -> list[str]:
    async with workspace(root, snippet, path, **options) as space:
        found = await references(space.doc, space.at, space.code, declaration)
        return [space.shown(place) for place in found]


BOTH = pytest.mark.parametrize("engine", [True, False])


@BOTH
async def test_a_function_in_the_same_file_is_found(tmp_path: Path, engine: bool) -> None:
    await check(
        tmp_path,
        """
        def area(w): ...
        #   ^^^^ target
        are<|>a(1)
        """,
        engine=engine,
    )


@BOTH
@pytest.mark.parametrize("annotation", ['"User"', '"list[User]"', "'dict[str, User]'"])
async def test_a_name_in_a_quoted_annotation_is_found(tmp_path: Path, annotation: str, engine: bool) -> None:
    marked = annotation.replace("User", "Us<|>er")
    snippet = f"""
        class User: ...
        #     ^^^^ target
        def f(user: {marked}): ...
        """
    await check(tmp_path, snippet, engine=engine)
    assert await uses(tmp_path, snippet, engine=engine) == [
        "main.py: class [User]: ...",
        f"main.py: def f(user: {annotation.replace('User', '[User]')}): ...",
    ]


@BOTH
async def test_a_local_shadows_a_global(tmp_path: Path, engine: bool) -> None:
    await check(
        tmp_path,
        """
        size = 1
        def f():
            size = 2
        #   ^^^^ target
            return si<|>ze
        """,
        engine=engine,
    )


@BOTH
async def test_a_parameter_is_found_in_the_head_of_its_function(tmp_path: Path, engine: bool) -> None:
    await check(
        tmp_path,
        """
        def f(size):
        #     ^^^^ target
            return si<|>ze
        """,
        engine=engine,
    )


@BOTH
async def test_an_imported_function_is_found_in_its_file(tmp_path: Path, engine: bool) -> None:
    await check(
        tmp_path,
        """
        #- other.py
        def area(w): ...
        #- shapes.py
        def area(w): ...
        #   ^^^^ target
        #- main.py
        from shapes import area
        are<|>a(1)
        """,
        engine=engine,
        indexed=True,
    )


@BOTH
async def test_a_function_behind_its_module_is_found(tmp_path: Path, engine: bool) -> None:
    await check(
        tmp_path,
        """
        #- other.py
        def area(w): ...
        #- shapes.py
        def area(w): ...
        #   ^^^^ target
        #- main.py
        import shapes
        shapes.are<|>a(1)
        """,
        engine=engine,
        indexed=True,
    )


@BOTH
async def test_a_relative_import_is_followed(tmp_path: Path, engine: bool) -> None:
    await check(
        tmp_path,
        """
        #- pkg/__init__.py

        #- pkg/shapes.py
        def area(w): ...
        #   ^^^^ target
        #- shapes.py
        def area(w): ...
        #- pkg/main.py
        from .shapes import area
        are<|>a(1)
        """,
        engine=engine,
        indexed=True,
    )


@BOTH
async def test_a_method_is_found_by_the_class_of_its_receiver(tmp_path: Path, engine: bool) -> None:
    await check(
        tmp_path,
        """
        #- shapes.py
        class Hole:
            def area(self): ...
        class Circle:
            def area(self): ...
        #       ^^^^ target
        #- main.py
        from shapes import Circle
        shape = Circle()
        shape.are<|>a()
        """,
        engine=engine,
        indexed=True,
    )


@BOTH
async def test_a_method_on_self_is_found_in_its_class(tmp_path: Path, engine: bool) -> None:
    await check(
        tmp_path,
        """
        class Circle:
            def area(self): ...
        #       ^^^^ target
            def show(self):
                self.are<|>a()
        """,
        engine=engine,
    )


async def test_an_inherited_method_is_found_without_an_engine(tmp_path: Path) -> None:
    await check(
        tmp_path,
        """
        #- shapes.py
        class Shape:
            def area(self): ...
        #       ^^^^ target
        class Garden:
            def area(self): ...
        #- main.py
        from shapes import Shape
        class Circle(Shape):
            def show(self):
                self.are<|>a()
        """,
        indexed=True,
    )


async def test_several_are_offered_when_they_cannot_be_told_apart(tmp_path: Path) -> None:
    async with workspace(
        tmp_path,
        """
        #- shapes.py
        class A:
            def area(self): ...
        class B:
            def area(self): ...
        #- main.py
        def f(thing):
            thing.are<|>a()
        """,
        indexed=True,
    ) as space:
        assert len((await definition(space.doc, space.at, space.code)).locations) == 2


async def test_a_definition_that_moved_since_it_was_indexed_is_found(tmp_path: Path) -> None:
    async with workspace(
        tmp_path,
        """
        #- shapes.py
        def area(w): ...
        #- main.py
        from shapes import area
        are<|>a(1)
        """,
        indexed=True,
    ) as space:
        (tmp_path / "shapes.py").write_text("import os\n\ndef area(w): ...\n")
        [found] = (await definition(space.doc, space.at, space.code)).locations
        assert space.shown(found) == "shapes.py: def [area](w): ..."


@pytest.mark.parametrize("snippet", ["# ar<|>ea\n", "x = 'are<|>a'\n", "<|>\n", "1<|>2\n"])
async def test_there_is_no_definition_where_there_is_no_name(snippet: str, tmp_path: Path) -> None:
    await check(tmp_path, "area = 1\n" + snippet)


@pytest.mark.parametrize(
    ("path", "snippet"),
    [
        ("a.ts", "function area(w: number) {}\n//       ^^^^ target\nar<|>ea(1)\n"),
        ("a.go", "package m\nfunc area(w int) {}\n//   ^^^^ target\nfunc f() { ar<|>ea(1) }\n"),
        ("A.java", "class A {\n  void area() {}\n//     ^^^^ target\n  void f() { this.ar<|>ea(); }\n}\n"),
        ("a.rs", "fn area() {}\n// ^^^^ target\nfn f() { ar<|>ea(); }\n"),
        ("a.c", "void area(void) {}\n//   ^^^^ target\nvoid f(void) { ar<|>ea(); }\n"),
    ],
)
async def test_definitions_in_other_languages_are_found(path: str, snippet: str, tmp_path: Path) -> None:
    await check(tmp_path, snippet, path)


@pytest.mark.parametrize(
    "snippet",
    [
        """
        //- shapes.ts
        export function area(w: number) {}
        //              ^^^^ target
        //- other.ts
        export function area(w: number) {}
        //- main.ts
        import { area } from "./shapes";
        ar<|>ea(1);
        """,
        """
        //- shapes/shapes.go
        package shapes
        func Area(w int) {}
        //   ^^^^ target
        //- other/other.go
        package other
        func Area(w int) {}
        //- main.go
        package main
        import "example.com/m/shapes"
        func f() { shapes.Ar<|>ea(1) }
        """,
        """
        //- com/x/Shape.java
        package com.x;
        public class Shape { }
        //           ^^^^^ target
        //- com/y/Shape.java
        package com.y;
        public class Shape { }
        //- Main.java
        import com.x.Shape;
        class Main { Sha<|>pe s; }
        """,
    ],
)
async def test_imports_of_other_languages_are_followed(snippet: str, tmp_path: Path) -> None:
    await check(tmp_path, snippet, indexed=True)


@BOTH
async def test_references_are_found_over_files(tmp_path: Path, engine: bool) -> None:
    assert await uses(
        tmp_path,
        """
        #- other.py
        def area(): ...
        area()
        #- shapes.py
        def area(w): ...
        area(1)
        #- main.py
        from shapes import area
        are<|>a(2)
        """,
        engine=engine,
        indexed=True,
    ) == [
        "main.py: from shapes import [area]",
        "main.py: [area](2)",
        "shapes.py: def [area](w): ...",
        "shapes.py: [area](1)",
    ]


@BOTH
async def test_references_leave_the_declaration_out_when_asked(tmp_path: Path, engine: bool) -> None:
    assert await uses(tmp_path, "def area(): ...\nar<|>ea()\n", declaration=False, engine=engine) == [
        "main.py: [area]()"
    ]


@pytest.mark.parametrize(
    "snippet",
    [
        "x = 1\ny = ', '.join(x for <|>x in z)\n#                   ^ target\n",
        "x = 1\ndef f(**<|>x): ...\n#       ^ target\n",
        "x = 1\ndef f():\n    y, <|>x = z\n#      ^ target\n",
        "x = 1\nf = lambda *<|>x: x\n#           ^ target\n",
        "x = 1\nfor i, (j, *<|>x) in z: ...\n#           ^ target\n",
        "if 1:\n    x = 1\n#   ^ target\ndef f(y=<|>x): ...\n",
        "if 1:\n    x = 1\n#   ^ target\ndef f(x, y=<|>x): ...\n",
        "if 1:\n    x = 1\n#   ^ target\ny = [x for x in <|>x]\n",
    ],
)
async def test_a_name_that_is_bound_here_is_its_own_definition(snippet: str, tmp_path: Path) -> None:
    await check(tmp_path, "#- other.py\nx = 2\n#- main.py\n" + snippet, indexed=True)


async def test_the_uses_of_a_name_from_outside_are_found_in_the_document(tmp_path: Path) -> None:
    assert await uses(tmp_path, "import outside\ndef f(): return out<|>side.x\n", indexed=True) == [
        "main.py: import [outside]",
        "main.py: def f(): return [outside].x",
    ]


async def test_references_of_a_local_stay_in_its_function(tmp_path: Path) -> None:
    assert await uses(
        tmp_path,
        """
        size = 1
        def f():
            size = 2
            return si<|>ze
        print(size)
        """,
    ) == ["main.py: [size] = 2", "main.py: return [size]"]


async def test_the_open_text_counts_not_the_indexed_one(tmp_path: Path) -> None:
    async with workspace(
        tmp_path,
        """
        #- other.py
        from main import area
        area()
        #- main.py
        def ar<|>ea(): ...
        """,
        indexed=True,
    ) as space:
        (tmp_path / "other.py").write_text("# nothing any more\n")
        found = await references(space.doc, space.at, space.code, True)
        assert [space.shown(each) for each in found] == ["main.py: def [area](): ..."]


async def test_the_document_alone_is_enough_for_its_own_names(tmp_path: Path) -> None:
    async with workspace(tmp_path, "def area(): ...\nar<|>ea()\n") as space:
        doc = replace(space.doc, path=None, tree=None)
        bare = Codebase((), space)
        assert (await definition(doc, space.at, bare)).locations == ()
        assert await references(doc, space.at, bare, True) == []


class Stuck:
    """An engine that never answers."""

    async def define(self, path: Path | None, source: str, at: int) -> list[Any]:
        await asyncio.Event().wait()
        return []


async def test_a_stuck_engine_is_not_waited_for_when_there_is_no_doubt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look_up, "DEADLINE_SECONDS", 0.0)
    await check(
        tmp_path,
        """
        def area(w): ...
        #   ^^^^ target
        are<|>a(1)
        """,
        python=Stuck(),
    )


async def test_a_stuck_engine_is_given_up_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look_up, "DEADLINE_SECONDS", 0.0)
    monkeypatch.setattr(look_up, "LAST_SECONDS", 0.0)
    await check(tmp_path, "unkn<|>own(1)\n", python=Stuck())


class Silent:
    """An engine that knows nothing, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def define(self, path: Path | None, source: str, at: int) -> list[Any]:
        self.asked += 1
        return []


@pytest.mark.parametrize(("fast", "times"), [(True, 1), (False, 2)])
async def test_a_fast_engine_that_knows_nothing_is_not_asked_again(
    tmp_path: Path, fast: bool, times: int
) -> None:
    engine = Silent()
    async with workspace(tmp_path, "def f(a):\n    a.unkn<|>own(1)\n", python=engine) as space:
        code = replace(space.code, types_are_fast=fast)
        for _ in range(2):
            assert (await definition(space.doc, space.at, code)).locations == ()
        assert engine.asked == times


async def test_a_parameter_that_makes_a_field_is_used_in_other_methods_too(tmp_path: Path) -> None:
    code = (
        "class Cart {\n  constructor(private sto<|>re: Store) {}\n  add() { return this.store.get(1); }\n}\n"
    )
    async with workspace(tmp_path, code, "main.ts", indexed=True) as space:
        found = await references(space.doc, space.at, space.code, True)
        source = space.doc.text.source
    assert [each.start for each in found] == [source.index("store"), source.rindex("store")]


async def test_uses_in_a_document_without_a_tree_are_those_that_the_engine_knows(tmp_path: Path) -> None:
    async with workspace(tmp_path, "size = 1\nprint(si<|>ze)\n", engine=True) as space:
        minified = replace(space.doc, tree=None)  # as one with a very long line
        found = await references(minified, space.at, space.code, True)
        assert [space.shown(place) for place in found] == ["main.py: [size] = 1", "main.py: print([size])"]
