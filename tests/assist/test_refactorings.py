"""Refactorings as actions: what is offered where, the edits, missing imports, the workspace's style."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from devflow.analysis.refactor.organise_imports import ImportStyle
from devflow.analysis.refactor.refused import Refused
from devflow.server.assist.add_import import Importable, imports_for
from devflow.server.assist.edit import Action, ActionRefused, action_edit, actions
from devflow.server.assist.import_style import import_style
from support.codebase import Workspace, workspace


def offered(space: Workspace, *only: str) -> list[str]:
    start = space.case.cursors[0][1]
    found = actions(space.doc, start, space.at, space.code, only)
    return [
        ("- " if each.disabled else "") + each.title
        for each in found
        if each.id not in ("explain", "document", "generate-tests")
    ]


async def done(space: Workspace, id_: str) -> str:
    start = space.case.cursors[0][1]
    made = await action_edit(Action(id_, id_, "", start, space.at), space.doc, space.code)
    return space.applied(*made.document)


async def test_a_selected_expression_can_be_extracted(tmp_path: Path) -> None:
    async with workspace(tmp_path, "def f(a):\n    return g(<|>a + 1<|>)\n") as space:
        assert offered(space) == ["Extract variable", "Extract function"]
        assert await done(space, "extract-variable") == "def f(a):\n    value = a + 1\n    return g(value)\n"


async def test_what_cannot_be_extracted_says_why(tmp_path: Path) -> None:
    async with workspace(tmp_path, "def f():\n    <|>yield 1<|>\n") as space:
        assert offered(space) == ["- Extract function", "Surround with try"]
        with pytest.raises(ActionRefused, match="contains yield"):
            await done(space, "extract-function")


async def test_a_variable_can_be_inlined_where_the_cursor_is(tmp_path: Path) -> None:
    async with workspace(tmp_path, "def f(a):\n    val<|>ue = a + 1\n    return value\n") as space:
        assert offered(space) == ["Inline variable"]
        assert await done(space, "inline-variable") == "def f(a):\n    return a + 1\n"


async def test_only_the_kinds_that_are_asked_for_are_offered(tmp_path: Path) -> None:
    async with workspace(tmp_path, "def f(a):\n    return g(<|>a + 1<|>)\n") as space:
        assert offered(space, "refactor.extract.variable") == ["Extract variable"]
        assert offered(space, "refactor.extract.function") == ["Extract function"]
        assert offered(space, "refactor.inline") == []
        assert offered(space, "source.organizeImports") == ["Organise imports"]
        assert offered(space, "source") == [
            "Organise imports",
            "Remove unused imports",
            "Add all missing imports",
        ]


async def test_typescript_has_refactorings_of_its_own(tmp_path: Path) -> None:
    async with workspace(tmp_path, "f(<|>a + 1<|>);\n", "main.ts") as space:
        assert offered(space) == ["Extract constant"]
        assert await done(space, "extract-variable") == "const value = a + 1;\nf(value);\n"
    async with workspace(tmp_path, 'import b from "b";\nimport <|>a from "a";\na;\n', "main.ts") as space:
        assert offered(space) == ["Organise imports", "Remove unused imports"]
        assert await done(space, "organise-imports") == 'import a from "a";\nimport b from "b";\na;\n'
        assert await done(space, "remove-unused-imports") == 'import a from "a";\na;\n'
    async with workspace(tmp_path, "a && <|>f()<|>;\n", "main.js") as space:
        assert offered(space) == ["- Extract constant"]
        with pytest.raises(ActionRefused, match="exactly once"):
            await done(space, "extract-variable")


async def test_imports_are_organised_with_the_workspace_in_a_section_of_its_own(tmp_path: Path) -> None:
    snippet = "#- pkg/__init__.py\n#- main.py\n<|>import pkg\nimport numpy\nimport os\n"
    async with workspace(tmp_path, snippet) as space:
        assert "Organise imports" in offered(space)
        assert await done(space, "organise-imports") == "import os\n\nimport numpy\n\nimport pkg\n"


async def test_an_unused_import_can_be_removed_alone_or_with_all(tmp_path: Path) -> None:
    async with workspace(tmp_path, "import os\nimport <|>re\nimport sys\nsys\n") as space:
        assert "Remove unused import re" in offered(space)
        assert await done(space, "remove-unused-import") == "import os\nimport sys\nsys\n"
        assert await done(space, "remove-unused-imports") == "import sys\nsys\n"


async def test_an_import_that_another_file_imports_from_here_is_kept(tmp_path: Path) -> None:
    snippet = "#- other.py\nfrom main import dumps\n#- main.py\n<|>from json import dumps, loads\n"
    async with workspace(tmp_path, snippet, indexed=True) as space:
        assert await done(space, "remove-unused-imports") == "from json import dumps\n"


async def test_the_imports_of_a_package_are_left_alone(tmp_path: Path) -> None:
    async with workspace(tmp_path, "<|>import os\n", "pkg/__init__.py") as space:
        assert "Remove unused import os" not in offered(space)
        with pytest.raises(ActionRefused, match="what the package offers"):
            await done(space, "remove-unused-imports")


async def titles(space: Workspace) -> list[str]:
    _, found = await imports_for(space.doc, space.at, space.code)
    return [each.title for each in found]


async def test_what_other_files_import_comes_first(tmp_path: Path) -> None:
    snippet = """
        #- a.py
        from shapes import Path
        #- b.py
        from shapes import Path
        #- shapes.py
        class Path: ...
        #- main.py
        Pat<|>h()
        """
    async with workspace(tmp_path, snippet, indexed=True) as space:
        assert await titles(space) == ["Import Path from shapes", "Import Path from pathlib"]


async def test_a_module_under_another_name_is_imported_as_others_do(tmp_path: Path) -> None:
    snippet = "#- a.py\nimport numpy as np\n#- main.py\nn<|>p.array\n"
    async with workspace(tmp_path, snippet, indexed=True) as space:
        assert await titles(space) == ["Import numpy as np"]
        _, (best,) = await imports_for(space.doc, space.at, space.code)
        assert space.applied(best.edit(space.doc)) == "import numpy as np\nnp.array\n"


async def test_the_standard_library_is_known_without_an_index(tmp_path: Path) -> None:
    async with workspace(tmp_path, "js<|>on.dumps\n") as space:
        assert await titles(space) == ["Import json"]
    async with workspace(tmp_path, "default<|>dict(list)\n") as space:
        assert await titles(space) == ["Import defaultdict from collections"]


async def test_all_missing_imports_are_added_at_once(tmp_path: Path) -> None:
    snippet = (
        "#- shapes.py\nclass Square: ...\n#- main.py\n<|>Square(Path('a'), defaultdict(), json, unknown)\n"
    )
    async with workspace(tmp_path, snippet, indexed=True) as space:
        assert await done(space, "add-missing-imports") == (
            "import json\nfrom collections import defaultdict\nfrom pathlib import Path\n"
            "from shapes import Square\nSquare(Path('a'), defaultdict(), json, unknown)\n"
        )


async def test_nothing_missing_is_said(tmp_path: Path) -> None:
    async with workspace(tmp_path, "<|>x = unknown\n") as space:
        with pytest.raises(ActionRefused, match="No undefined name"):
            await done(space, "add-missing-imports")


@pytest.mark.parametrize("argument", ["", "os", "os; x", "os system\nx", "a b c d", "os sys-tem"])
def test_what_is_no_import_is_refused(argument: str) -> None:
    with pytest.raises(ActionRefused):
        Importable.told(argument)


def test_an_import_survives_the_way_to_the_client_and_back() -> None:
    for each in (Importable("a.b", "c"), Importable("a"), Importable("numpy", "", "np")):
        assert Importable.told(each.argument) == each


@pytest.mark.parametrize(
    ("written", "length", "first"),
    [
        ("", 88, set()),
        ("[tool.ruff]\nline-length = 100\n", 100, set()),
        ("[tool.ruff.lint.isort]\nknown-first-party = ['a']\n", 88, {"a"}),
        ("[tool.isort]\nprofile = 'black'\nknown_first_party = 'a,b'\n", 88, {"a", "b"}),
        ("[tool.isort]\nline_length = 120\n", 120, set()),
        ("[tool.isort]\n", 79, set()),
        ("[tool\n", 88, set()),
        ("tool = 3\n", 88, set()),
        ("[tool]\nruff = 3\n", 79, set()),
        ("[tool.ruff]\nline-length = 'x'\n", 88, set()),
    ],
)
def test_the_style_of_the_workspace_is_read(
    written: str, length: int, first: set[str], tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").write_text(written)
    style = import_style(tmp_path / "pkg" / "a.py", [tmp_path])
    assert (style.line_length, style.known_first_party) == (length, first)


def test_a_style_that_cannot_be_kept_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ruff.toml").write_text("[lint.isort]\nforce-single-line = true\n")
    with pytest.raises(Refused, match="force_single_line"):
        import_style(tmp_path / "a.py", [tmp_path])


def test_a_configuration_that_is_a_pipe_says_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pyproject.toml")
    assert import_style(tmp_path / "a.py", [tmp_path]) == ImportStyle()
