from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from devflow.analysis.facts import Location
from devflow.analysis.text import Text
from devflow.server.assist.navigate import references
from devflow.server.assist.rename import RenameRefused, prepare_rename, rename
from support.codebase import Workspace, workspace


async def renamed(space: Workspace, new: str) -> dict[str, str]:
    made = await rename(space.doc, space.at, new, space.code)
    result = {}
    for path, changes in made.edits.items():
        text = await space.text_of(path)
        assert text is not None
        result[path.relative_to(space.root).as_posix()] = text.replaced(changes).source
    return result


async def check(
    root: Path, snippet: str, new: str, expected: dict[str, str], path: str = "main.py", **options: Any
) -> None:
    async with workspace(root, snippet, path, **options) as space:
        assert await renamed(space, new) == expected


async def refused(root: Path, snippet: str, new: str, path: str = "main.py", **options: Any) -> str:
    async with workspace(root, snippet, path, **options) as space:
        with pytest.raises(RenameRefused) as error:
            await rename(space.doc, space.at, new, space.code)
        sentence = str(error.value)
        assert sentence.endswith(".")
        return sentence


async def test_a_name_that_is_a_keyword_elsewhere_is_renamed(tmp_path: Path) -> None:
    await check(
        tmp_path, "def f(type):\n    return ty<|>pe\n", "kind", {"main.py": "def f(kind):\n    return kind\n"}
    )


async def test_a_function_is_renamed_with_its_calls(tmp_path: Path) -> None:
    await check(
        tmp_path,
        "def <|>f(): ...\nf()\n",
        "g",
        {"main.py": "def g(): ...\ng()\n"},
        engine=True,
    )


async def test_uses_in_other_files_are_renamed_too(tmp_path: Path) -> None:
    await check(
        tmp_path,
        """
        #- shapes.py
        def area(w): ...
        #- main.py
        from shapes import area
        are<|>a(1)
        """,
        "size",
        {"main.py": "from shapes import size\nsize(1)\n", "shapes.py": "def size(w): ...\n"},
        engine=True,
    )


async def test_a_name_in_a_quoted_annotation_is_one(tmp_path: Path) -> None:
    await check(
        tmp_path,
        """
        #- models.py
        class User: ...
        #- main.py
        from models import User

        def f(user: "list[Us<|>er]", other: "User"): ...
        """,
        "Person",
        {
            "models.py": "class Person: ...\n",
            "main.py": 'from models import Person\n\ndef f(user: "list[Person]", other: "Person"): ...\n',
        },
        indexed=True,
    )


@pytest.mark.parametrize(
    "made", ["@model\nclass P:", "@dataclass_transform()\nclass B: ...\n\nclass P(B):", "class P(Unknown):"]
)
async def test_a_field_is_renamed_with_the_keywords_of_a_constructor_nobody_wrote(
    tmp_path: Path, made: str
) -> None:
    await check(
        tmp_path,
        f"{made}\n    <|>x: int\n\np = P(x=1)\nprint(p.x)\n",
        "y",
        {"main.py": f"{made}\n    y: int\n\np = P(y=1)\nprint(p.y)\n"},
        indexed=True,
    )


async def test_a_key_of_a_typed_dict_is_refused(tmp_path: Path) -> None:
    snippet = """
        from typing import TypedDict

        class Movie(TypedDict):
            <|>title: str

        made: Movie = {"title": "x"}
        """
    assert "is a key of the TypedDict Movie" in await refused(tmp_path, snippet, "name", indexed=True)


async def test_a_member_of_one_of_two_classes_is_refused(tmp_path: Path) -> None:
    snippet = """
        class A:
            def run(self): ...

        class B:
            def run(self): ...

        def f(x: A | B):
            return x.ru<|>n()
        """
    assert "may be any of 2 things" in await refused(tmp_path, snippet, "go", engine=True)


async def test_strings_and_comments_stay(tmp_path: Path) -> None:
    await check(
        tmp_path,
        "def ar<|>ea(): ...\n# area\nprint('area', area)\n",
        "size",
        {"main.py": "def size(): ...\n# area\nprint('area', size)\n"},
        engine=True,
    )


async def test_a_local_leaves_the_global_alone(tmp_path: Path) -> None:
    await check(
        tmp_path,
        "size = 1\ndef f():\n    si<|>ze = 2\n    return size\nprint(size)\n",
        "width",
        {"main.py": "size = 1\ndef f():\n    width = 2\n    return width\nprint(size)\n"},
        engine=True,
    )


async def test_renaming_back_restores_the_text(tmp_path: Path) -> None:
    source = "def area(w):\n    return area(w - 1)\n"
    await check(
        tmp_path,
        source.replace("area(w):", "ar<|>ea(w):"),
        "size",
        {"main.py": source.replace("area", "size")},
        engine=True,
    )
    await check(
        tmp_path,
        source.replace("area(w):", "si<|>ze(w):").replace("area", "size"),
        "area",
        {"main.py": source},
        engine=True,
    )


async def test_the_same_name_changes_nothing(tmp_path: Path) -> None:
    await check(tmp_path, "def ar<|>ea(): ...\n", "area", {}, engine=True)


@pytest.mark.parametrize("new", ["1a", "a b", "", "a-b", "class", "a.b"])
async def test_an_invalid_name_is_refused(new: str, tmp_path: Path) -> None:
    await refused(tmp_path, "def ar<|>ea(): ...\n", new, engine=True)


async def test_a_builtin_is_refused(tmp_path: Path) -> None:
    assert "print" in await refused(tmp_path, "pri<|>nt(1)\n", "show", engine=True)


async def test_a_definition_outside_the_workspace_is_refused(tmp_path: Path) -> None:
    assert "outside" in await refused(tmp_path, "import json\njson.dum<|>ps(1)\n", "show", engine=True)


async def test_a_name_that_is_taken_is_refused(tmp_path: Path) -> None:
    assert "already" in await refused(tmp_path, "size = 1\ndef ar<|>ea(): ...\n", "size", engine=True)


@pytest.mark.parametrize("snippet", ["# ar<|>ea\n", "x = 'ar<|>ea'\n", "ret<|>urn\n", "<|>\n"])
async def test_no_name_is_refused(snippet: str, tmp_path: Path) -> None:
    await refused(tmp_path, snippet, "size", engine=True)
    async with workspace(tmp_path, snippet) as space:
        assert await prepare_rename(space.doc, space.at, space.code) is None


async def test_an_unknown_name_is_refused(tmp_path: Path) -> None:
    await refused(tmp_path, "unkno<|>wn()\n", "known", engine=True)


async def test_a_file_that_changed_under_us_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with workspace(
        tmp_path,
        """
        //- other.ts
        import { area } from "./main";
        area(1);
        //- main.ts
        export function ar<|>ea(w: number) {}
        """,
        indexed=True,
    ) as space:
        real = space.text_of
        changed = False

        async def found(*about: Any, **how: Any) -> list[Location]:
            nonlocal changed
            places = await references(*about, **how)
            changed = True
            return places

        async def changing(path: Path) -> Text | None:
            text = await real(path)
            return Text(" " + text.source) if text and path != space.doc.path and changed else text

        monkeypatch.setattr("devflow.server.assist.rename.references", found)
        space.text_of = changing  # type: ignore[method-assign]
        with pytest.raises(RenameRefused, match="changed"):
            await rename(space.doc, space.at, "size", space.code)


async def test_preparing_gives_the_range_of_the_name(tmp_path: Path) -> None:
    async with workspace(tmp_path, "def ar<|>ea(): ...\n#   ^^^^ name\n") as space:
        [label] = space.case.labels
        assert await prepare_rename(space.doc, space.at, space.code) == (label.start, label.end)


async def test_another_language_is_renamed_over_files_by_the_index(tmp_path: Path) -> None:
    await check(
        tmp_path,
        """
        //- shapes.ts
        export function area(w: number) {}
        //- main.ts
        import { area } from "./shapes";
        // area
        ar<|>ea(1); log("area");
        """,
        "size",
        {
            "main.ts": 'import { size } from "./shapes";\n// area\nsize(1); log("area");\n',
            "shapes.ts": "export function size(w: number) {}\n",
        },
        indexed=True,
    )


async def test_another_language_refuses_what_is_not_unique(tmp_path: Path) -> None:
    sentence = await refused(
        tmp_path,
        """
        //- shapes.ts
        export function area(w: number) {}
        //- other.ts
        export function area(w: number) {}
        //- main.ts
        import { area } from "./shapes";
        ar<|>ea(1);
        """,
        "size",
        indexed=True,
    )
    assert "area" in sentence


async def test_another_language_without_an_index_renames_locals_only(tmp_path: Path) -> None:
    await check(
        tmp_path,
        "function f(width: number) {\n  return wi<|>dth;\n}\n",
        "size",
        {"a.ts": "function f(size: number) {\n  return size;\n}\n"},
        "a.ts",
    )
    await refused(tmp_path, "function ar<|>ea() {}\n", "size", "a.ts")
