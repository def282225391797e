from __future__ import annotations

from pathlib import Path

import pytest

from devflow.analysis.facts import SymbolKind
from devflow.server.assist.base import Codebase
from devflow.server.assist.complete import complete
from devflow.server.settings import Completion
from support.codebase import workspace
from support.completions import UNHURRIED, asked, labels


async def test_members_seen_on_the_receiver_come_first(tmp_path: Path) -> None:
    found = await labels(
        tmp_path,
        """
        client.send(1)
        client.send(2)
        client.close()
        other.abort()
        client.<|>
        """,
    )
    assert found[:2] == ["send", "close"]
    assert "abort" in found


async def test_a_module_offers_what_it_defines_and_says_what_it_is(tmp_path: Path) -> None:
    snippet = """
        #- pack/shapes.py
        LIMIT = 3
        def area(w): ...
        class Circle:
            def radius(self): ...
        #- pack/main.py
        from . import shapes
        shapes.<|>
        """
    async with workspace(tmp_path, snippet, "pack/main.py", indexed=True, engine=False) as space:
        kinds = {item.label: item.kind for item in (await asked(space)).items}
    assert kinds["area"] is SymbolKind.FUNCTION
    assert kinds["Circle"] is SymbolKind.CLASS
    assert "LIMIT" in kinds
    assert "radius" not in kinds


async def test_self_offers_the_members_of_its_class(tmp_path: Path) -> None:
    found = await labels(
        tmp_path,
        """
        class Shape:
            def __init__(self):
                self.width = 1
            def area(self):
                return self.<|>
        class Other:
            def unrelated(self): ...
        """,
    )
    assert {"width", "area"} <= set(found[:3])


async def test_an_assigned_constructor_tells_the_class(tmp_path: Path) -> None:
    found = await labels(
        tmp_path,
        """
        class Shape:
            def area(self): ...
        class Zoo:
            def beasts(self): ...
        thing = Shape()
        thing.<|>
        """,
    )
    assert found[0] == "area"


async def test_a_parameter_s_annotation_tells_the_class(tmp_path: Path) -> None:
    found = await labels(
        tmp_path,
        """
        class Shape:
            def area(self): ...
        def show(shape: "Shape | None"):
            shape.<|>
        """,
    )
    assert found[0] == "area"


async def test_an_attribute_set_from_an_annotated_parameter_tells_the_class(tmp_path: Path) -> None:
    found = await labels(
        tmp_path,
        """
        class Shape:
            def area(self): ...
        class Frame:
            def __init__(self, shape: Shape):
                self.shape = shape
            def show(self):
                self.shape.<|>
        """,
    )
    assert found[0] == "area"


async def test_the_engine_adds_what_only_types_tell(tmp_path: Path) -> None:
    found = await labels(tmp_path, "text = 'abc'\ntext.upp<|>\n", engine=True)
    assert found[0] == "upper"


async def test_what_is_typed_filters_and_the_edit_replaces_it(tmp_path: Path) -> None:
    async with workspace(tmp_path, "box.open()\nbox.shut()\nbox.op<|>\n") as space:
        answer = await asked(space)
        assert [item.label for item in answer.items] == ["open"]
        assert space.applied(answer.items[0].edit).endswith("box.open\n")


async def test_locals_come_before_builtins(tmp_path: Path) -> None:
    found = await labels(
        tmp_path,
        """
        def show(pretty):
            pr<|>
        """,
    )
    assert found[0] == "pretty"
    assert "print" in found


async def test_keywords_are_offered(tmp_path: Path) -> None:
    assert "return" in await labels(tmp_path, "def f():\n    retu<|>\n")


async def test_nothing_in_a_comment(tmp_path: Path) -> None:
    assert await labels(tmp_path, "name = 1\n# see na<|>\n") == []


async def test_nothing_in_a_string(tmp_path: Path) -> None:
    assert await labels(tmp_path, "name = 1\nx = 'see na<|>'\n") == []


async def test_names_inside_an_f_string_s_braces(tmp_path: Path) -> None:
    assert "name" in await labels(tmp_path, "name = 1\nx = f'see {na<|>}'\n")


@pytest.mark.parametrize("snippet", ["define = 1\ndef de<|>\n", "Classy = 1\nclass Cl<|>\n"])
async def test_nothing_where_a_new_name_is_made(snippet: str, tmp_path: Path) -> None:
    assert await labels(tmp_path, snippet) == []


async def test_nothing_after_a_number_s_dot(tmp_path: Path) -> None:
    assert await labels(tmp_path, "x = 1.<|>\n") == []


async def test_keyword_arguments_of_the_call(tmp_path: Path) -> None:
    async with workspace(tmp_path, "def draw(shape, colour=1, *, width=2): ...\ndraw(1, <|>)\n") as space:
        items = (await asked(space)).items
        found = [item.label for item in items]
        assert {"colour=", "width="} <= set(found[:3])
        assert "shape=" not in found


async def test_keyword_arguments_are_those_of_the_method_s_own_class(tmp_path: Path) -> None:
    snippet = """
        #- other.py
        class Deprecated:
            def warning(self, description=None, removal=None): ...
        #- main.py
        import logging

        def log():
            return logging.getLogger("a")

        log().warning("%s", <|>)
        """
    async with workspace(tmp_path, snippet, engine=True, indexed=True) as space:
        found = [item.label for item in (await asked(space)).items]
    assert "removal=" not in found


async def test_a_given_keyword_argument_is_not_offered_again(tmp_path: Path) -> None:
    found = await labels(tmp_path, "def draw(shape, width=2): ...\ndraw(width=3, <|>)\n")
    assert "width=" not in found
    assert "shape=" in found


async def test_a_workspace_symbol_comes_with_its_import(tmp_path: Path) -> None:
    async with workspace(
        tmp_path,
        """
        #- shapes/round.py
        class Circle: ...
        #- main.py
        import os

        Circ<|>
        """,
        indexed=True,
    ) as space:
        [item, *_] = (await asked(space)).items
        assert item.label == "Circle"
        assert space.applied(item.edit, *item.additional) == (
            "import os\n\nfrom shapes.round import Circle\n\nCircle\n"
        )


async def test_what_is_imported_already_is_not_imported_again(tmp_path: Path) -> None:
    async with workspace(
        tmp_path,
        """
        #- shapes.py
        class Circle: ...
        #- main.py
        from shapes import Circle
        Circ<|>
        """,
        indexed=True,
    ) as space:
        found = [item for item in (await asked(space)).items if item.label == "Circle"]
        assert [item.additional for item in found] == [()]


async def test_members_of_a_class_in_another_file(tmp_path: Path) -> None:
    found = await labels(
        tmp_path,
        """
        #- shapes.py
        class Circle:
            def area(self): ...
        #- main.py
        from shapes import Circle
        shape = Circle()
        shape.<|>
        """,
        indexed=True,
    )
    assert found[0] == "area"


async def test_members_seen_on_the_receiver_in_other_files(tmp_path: Path) -> None:
    found = await labels(
        tmp_path,
        """
        #- other.py
        def f(request):
            request.session.flush()
        #- main.py
        def g(request):
            request.<|>
        """,
        indexed=True,
    )
    assert found[0] == "session"


async def test_the_list_is_no_longer_than_asked_and_then_incomplete(tmp_path: Path) -> None:
    names = "\n".join(f"box.name{number}()" for number in range(30))
    async with workspace(tmp_path, f"{names}\nbox.<|>\n") as space:
        answer = await asked(space, Completion(max_items=10))
        assert len(answer.items) == 10
        assert answer.incomplete


@pytest.mark.parametrize(
    ("path", "snippet", "expected"),
    [
        ("a.ts", "class Shape { area() {} }\nconst s = new Shape();\ns.<|>\n", "area"),
        ("a.js", "class Shape { area() { this.<|> } width() {} }\n", "width"),
        ("a.go", "package m\nfunc f(c *Client) {\n\tc.Send()\n\tc.<|>\n}\n", "Send"),
        ("A.java", "class A { int area; int f() { return this.<|>; } }\n", "area"),
        ("a.rs", "fn f(c: Client) {\n    c.send();\n    c.<|>\n}\n", "send"),
        ("a.c", "void f(struct box *b) {\n  b->width = 1;\n  b-><|>\n}\n", "width"),
        ("a.cpp", "void f(Box *b) {\n  b->width();\n  b-><|>\n}\n", "width"),
        ("a.cs", "class A { int Area; int F() { return this.<|>; } }\n", "Area"),
        ("a.rb", "client.send_all\nclient.<|>\n", "send_all"),
    ],
)
async def test_members_in_every_language(path: str, snippet: str, expected: str, tmp_path: Path) -> None:
    assert expected in (await labels(tmp_path, snippet, path))[:2]


@pytest.mark.parametrize(
    ("path", "snippet", "expected"),
    [
        ("a.ts", "function show(colour: string) {\n  co<|>\n}\n", "colour"),
        ("a.go", "package m\nfunc show(colour string) {\n\tco<|>\n}\n", "colour"),
        ("A.java", "class A { void show(int colour) { co<|> } }\n", "colour"),
        ("a.rs", "fn show(colour: u8) {\n    co<|>\n}\n", "colour"),
        ("a.c", "void show(int colour) {\n  co<|>\n}\n", "colour"),
        ("a.rb", "def show(colour)\n  co<|>\nend\n", "colour"),
    ],
)
async def test_names_in_every_language(path: str, snippet: str, expected: str, tmp_path: Path) -> None:
    assert (await labels(tmp_path, snippet, path))[0] == expected


async def test_a_document_without_a_grammar_offers_its_words(tmp_path: Path) -> None:
    assert "something" in await labels(tmp_path, "something = 1\nsom<|>\n", "a.unknown")


async def test_an_untitled_document_is_completed(tmp_path: Path) -> None:
    from dataclasses import replace

    async with workspace(tmp_path, "box.open()\nbox.<|>\n") as space:
        doc = replace(space.doc, path=None, uri="untitled:1")
        answer = await complete(doc, space.at, Codebase((), space), UNHURRIED)
        assert [item.label for item in answer.items] == ["open"]


async def test_behind_a_value_of_a_known_type_only_its_members_are_offered(tmp_path: Path) -> None:
    snippet = """
        //- parts.ts
        export class Part { size = 0; weigh(): number { return 1; } private hidden = 1; }
        export class Other { unrelated = 1; }
        export function open(): Part { return new Part(); }
        //- main.ts
        import { open } from "./parts";
        other.unrelated();
        open().<|>
    """
    async with workspace(tmp_path, snippet, indexed=True) as space:
        answer = await complete(space.doc, space.at, space.code, Completion(deadline_ms=5_000))
        assert {item.label for item in answer.items} == {"size", "weigh"}


async def test_a_java_package_goes_on_as_the_file_s_folders_do(tmp_path: Path) -> None:
    snippet = "//- src/main/java/org/shop/parts/Box.java\npackage org.shop.<|>;\nclass Box {}\n"
    async with workspace(tmp_path, snippet) as space:
        answer = await complete(space.doc, space.at, space.code, UNHURRIED)
        assert [item.label for item in answer.items] == ["parts"]


async def test_what_may_be_of_an_unknown_class_too_is_offered_more_than_the_known_one_has(
    tmp_path: Path,
) -> None:
    snippet = """
        //- main.ts
        class Part { size = 0; }
        other.trim();
        function f(part: string | Part) { part.<|> }
    """
    async with workspace(tmp_path, snippet, indexed=True) as space:
        answer = await complete(space.doc, space.at, space.code, UNHURRIED)
        assert {"size", "trim"} <= {item.label for item in answer.items}
