"""Code actions: what is offered, and edits that change nothing they should not."""

from __future__ import annotations

import argparse
import ast
import inspect
from pathlib import Path
from typing import Any

import pytest

from devflow.models.fake import FakeModel
from devflow.models.router import Router
from devflow.server.assist.edit import (
    Action,
    ActionRefused,
    FileEdits,
    action_edit,
    actions,
    import_actions,
)
from support.codebase import Workspace, workspace


def offered(made: Workspace) -> list[str]:
    return [
        ("- " if action.disabled else "") + action.title
        for action in actions(made.doc, made.at, made.at, made.code)
    ]


async def done(made: Workspace, name: str, start: int | None = None) -> FileEdits:
    at = made.at if start is None else start
    [action] = [one for one in actions(made.doc, at, made.at, made.code) if one.id == name]
    return await action_edit(action, made.doc, made.code)


async def documented(root: Path, snippet: str, *said: str, **options: Any) -> str:
    """The text after "Document" at the cursor, with a model that says `said` where that is given."""
    models = Router([], [FakeModel(*said)]) if said else None
    async with workspace(root, snippet, models=models, **options) as made:
        edits = await done(made, "document")
        assert not edits.others
        assert not edits.new
        return made.applied(*edits.document)


# -- what is offered -----------------------------------------------------------------------------------


async def test_what_is_offered_on_a_function_without_a_model(tmp_path: Path) -> None:
    async with workspace(tmp_path, "def area(w):\n    ret<|>urn w\n") as made:
        assert offered(made) == ["Explain area()", "Document area()", "- Generate tests for area()"]


async def test_what_is_offered_on_a_function_with_a_model(tmp_path: Path) -> None:
    models = Router([], [FakeModel("x")])
    async with workspace(tmp_path, "def area(w):\n    ret<|>urn w\n", models=models) as made:
        assert offered(made) == ["Explain area()", "Document area()", "Generate tests for area()"]


async def test_what_is_disabled_says_why_and_how_to_change_it(tmp_path: Path) -> None:
    async with workspace(tmp_path, "def area(w):\n    ret<|>urn w\n") as made:
        tests = actions(made.doc, made.at, made.at, made.code)[-1]
        assert tests.disabled.startswith("Generating tests needs a chat model; add one under")
        with pytest.raises(ActionRefused, match="chat model"):
            await action_edit(tests, made.doc, made.code)


async def test_the_innermost_definition_is_meant(tmp_path: Path) -> None:
    snippet = "class A:\n    x = 1\n    def f(self):\n        return<|> 1\n"
    async with workspace(tmp_path, snippet) as made:
        assert offered(made)[0] == "Explain f()"


async def test_the_class_is_meant_on_its_own_line(tmp_path: Path) -> None:
    async with workspace(tmp_path, "<|>class A:\n    def f(self): ...\n") as made:
        assert offered(made)[0] == "Explain A"


async def test_selected_lines_can_be_explained(tmp_path: Path) -> None:
    async with workspace(tmp_path, "def f():\n    a = 1\n    b = 2\n    return a<|>\n") as made:
        start = made.doc.text.source.index("a = 1")
        assert [a.title for a in actions(made.doc, start, made.at, made.code)] == [
            "Explain the selection",
            "Extract function",
            "Surround with try",
        ]


async def test_nothing_is_offered_where_there_is_nothing(tmp_path: Path) -> None:
    async with workspace(tmp_path, "x = 1\n\n<|>\ny = 2\n") as made:
        assert offered(made) == []


async def test_what_is_offered_in_a_language_without_a_grammar(tmp_path: Path) -> None:
    async with workspace(tmp_path, "some <|>text\n", path="notes.txt") as made:
        assert offered(made) == []


async def test_other_languages_are_documented_by_a_model_only(tmp_path: Path) -> None:
    async with workspace(tmp_path, "function area(w) {\n  ret<|>urn w;\n}\n", path="a.js") as made:
        assert offered(made) == ["Explain area()", "- Document area()", "- Generate tests for area()"]


# -- "Document" without a model -----------------------------------------------------------------------


async def test_a_docstring_is_worked_out_of_the_code(tmp_path: Path) -> None:
    assert await documented(
        tmp_path,
        """
        def parse_header(line: str, limit: int = 80, *rest, strict=False, **options) -> dict[str, str]:
            if len(line) > limit:
                raise ValueError("too long")
            if strict:
                for part in line:
                    raise errors.BadHeader(part)
            def inner():
                raise KeyError
            return {}<|>
        """,
    ) == (
        "def parse_header(line: str, limit: int = 80, *rest, strict=False, **options) -> dict[str, str]:\n"
        '    """Parse the header.\n'
        "\n"
        "    Args:\n"
        "        line (str): The line.\n"
        "        limit (int): The limit. Defaults to 80.\n"
        "        *rest: Further positional arguments.\n"
        "        strict: The strict. Defaults to False.\n"
        "        **options: Further keyword arguments.\n"
        "\n"
        "    Returns:\n"
        "        dict[str, str]: The result.\n"
        "\n"
        "    Raises:\n"
        "        ValueError: If `len(line) > limit`.\n"
        "        errors.BadHeader:\n"
        '    """\n'
        "    if len(line) > limit:\n"
        '        raise ValueError("too long")\n'
        "    if strict:\n"
        "        for part in line:\n"
        "            raise errors.BadHeader(part)\n"
        "    def inner():\n"
        "        raise KeyError\n"
        "    return {}\n"
    )


@pytest.mark.parametrize(
    ("head", "summary"),
    [
        ("def is_valid(self): return x", "Tell whether it is valid."),
        ("def get_user_name(): return x", "Return the user name."),
        ("def HTTPServer(): ...", "HTTP server."),
        ("def fetchAll(): ...", "Fetch all."),
        ("def total(): return x", "Return the total."),
        ("def on_close(): ...", "Handle close."),
        ("def __len__(self): return 1", "Return the number of items."),
        ("class HttpClient: ...", "A http client."),
        ("def __init__(): ...", "Create the object."),
        ("def _(): ...", "Implement `_`."),
    ],
)
async def test_the_summary_comes_from_the_name(tmp_path: Path, head: str, summary: str) -> None:
    text = await documented(tmp_path, head.replace("def ", "def <|>").replace("class ", "class <|>") + "\n")
    tree = ast.parse(text)
    [node] = tree.body
    assert isinstance(node, ast.FunctionDef | ast.ClassDef)
    assert (ast.get_docstring(node) or "").split("\n")[0] == summary


async def test_a_body_on_the_line_of_its_head_moves_below_the_docstring(tmp_path: Path) -> None:
    assert await documented(tmp_path, "def reset(): x = 1; y<|> = 2\nz = 3\n") == (
        'def reset():\n    """Reset."""\n    x = 1; y = 2\nz = 3\n'
    )


async def test_decorators_comments_long_heads_and_tabs_are_kept(tmp_path: Path) -> None:
    assert await documented(
        tmp_path,
        "class A:\n\t@deco\n\tdef reset(\n\t\tself,\n\t) -> None:  # why\n\t\t# first\n\t\tself.x = 1<|>\n",
    ) == (
        'class A:\n\t@deco\n\tdef reset(\n\t\tself,\n\t) -> None:  # why\n\t\t"""Reset the a."""\n'
        "\t\t# first\n\t\tself.x = 1\n"
    )


async def test_line_ends_stay(tmp_path: Path) -> None:
    text = await documented(tmp_path, "def area(w):\r\n    return w<|>\r\n")
    assert text.count("\n") == text.count("\r\n") > 4


@pytest.mark.parametrize(
    ("sign", "expected"),
    [
        ("Parameters\n    ----------\n    a : int\n", "Parameters\n    ----------\n    w : float\n"),
        (":param a: The a.\n", ":param w: The w.\n    :type w: float\n"),
        ("Args:\n        a: The a.\n", "Args:\n        w (float): The w.\n"),
    ],
)
async def test_the_style_of_the_document_is_kept(tmp_path: Path, sign: str, expected: str) -> None:
    other = f'def other(a):\n    """Do it.\n\n    {sign}    """\n'
    assert expected in await documented(tmp_path, f"{other}\ndef area(w: float):\n    return w<|>\n")


async def test_the_style_of_the_files_beside_it_is_kept(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text('def f(a):\n    """Do.\n\n    :param a: It.\n    """\n')
    assert ":param w:" in await documented(tmp_path, "def area(w):\n    return w<|>\n")


async def test_a_documented_function_is_left_alone_without_a_model(tmp_path: Path) -> None:
    async with workspace(tmp_path, 'def area(w):\n    """Area."""\n    return w<|>\n') as made:
        assert "- Document area()" in offered(made)
        action = Action("document", "Document area()", "refactor", made.at, made.at)
        with pytest.raises(ActionRefused, match="has a docstring"):
            await action_edit(action, made.doc, made.code)


async def test_broken_code_is_refused_or_documented_without_harm(tmp_path: Path) -> None:
    text = await documented(tmp_path, "def area(w):\n    return w<|>\n\ndef broken(:\n    pass\n")
    assert text.startswith('def area(w):\n    """Return the area.')
    assert text.endswith("def broken(:\n    pass\n")


async def test_every_function_of_a_real_module_can_be_documented(tmp_path: Path) -> None:
    """And the module is still the same code: the edit itself compares."""
    from devflow.analysis.symbols import symbols

    source = inspect.getsource(argparse)[:40_000].rpartition("\ndef ")[0] + "\n"
    done_ones = 0
    async with workspace(tmp_path, "x<|>\n") as made:
        from support.codebase import document

        doc = document(source, tmp_path / "subprocess_copy.py")
        assert doc.tree is not None
        for symbol in symbols(doc.tree):
            if symbol.kind not in ("function", "method", "class") or symbol.doc:
                continue
            action = Action("document", "", "", symbol.name_start, symbol.name_start)
            edits = await action_edit(action, doc, made.code)
            ast.parse(doc.text.replaced(edits.document).source)
            done_ones += 1
            if done_ones == 12:
                break
    assert done_ones == 12


# -- "Document" with a model ----------------------------------------------------------------------------


async def test_the_models_text_becomes_the_docstring(tmp_path: Path) -> None:
    assert (
        await documented(
            tmp_path, "def area(w):\n    return w<|>\n", "```\nThe area.\n\n", "Args:\n    w: Width.\n```"
        )
        == 'def area(w):\n    """The area.\n\n    Args:\n        w: Width.\n    """\n    return w\n'
    )


async def test_an_old_docstring_is_replaced(tmp_path: Path) -> None:
    assert (
        await documented(tmp_path, "def area(w):\n    '''Old.'''\n    return w<|>\n", "```\nNew.\n```")
        == 'def area(w):\n    """New."""\n    return w\n'
    )


async def test_code_in_the_reply_never_reaches_the_document(tmp_path: Path) -> None:
    """A model that repeats the function, changed, gives its docstring and nothing else."""
    reply = '```python\ndef area(w):\n    """The area."""\n    import os; os.system("x")\n```'
    assert await documented(tmp_path, "def area(w):\n    return w<|>\n", reply) == (
        'def area(w):\n    """The area."""\n    return w\n'
    )


@pytest.mark.parametrize(
    "said",
    [
        '"""\nimport os\n"""',
        'Ends with "',
        "A back\\slash\\",
        "a\n\n\nb",
        "'''quoted'''",
        'x """ y = 1 """',
        "{\0}x",
    ],
)
async def test_no_text_can_leave_the_docstring(tmp_path: Path, said: str) -> None:
    source = "def area(w):\n    return w\n"
    try:
        text = await documented(tmp_path, source.replace("w\n", "w<|>\n"), f"````\n{said}\n````")
    except ActionRefused:
        return
    [node] = ast.parse(text).body
    assert isinstance(node, ast.FunctionDef)
    assert [ast.unparse(one) for one in node.body[1:]] == ["return w"]
    assert len(ast.parse(text).body) == 1


@pytest.mark.parametrize(
    "reply", ["", "```\n```", "x" * 9_000, "Sure! Here is the docstring: ...", "Sorry, I cannot."]
)
async def test_an_answer_without_documentation_is_refused(tmp_path: Path, reply: str) -> None:
    with pytest.raises(ActionRefused, match="held no documentation"):
        await documented(tmp_path, "def area(w):\n    return w<|>\n", reply)


async def test_typescript_gets_a_comment_above(tmp_path: Path) -> None:
    assert (
        await documented(
            tmp_path,
            "class A {\n  area(w: number) {\n    return w;<|>\n  }\n}\n",
            "```\n/**\n * The area.\n * @param w width */\n```",
            path="a.ts",
        )
        == "class A {\n  /**\n   * The area.\n   * @param w width\n   */\n"
        "  area(w: number) {\n    return w;\n  }\n}\n"
    )


async def test_a_comment_cannot_be_closed_early(tmp_path: Path) -> None:
    text = await documented(
        tmp_path, "function area(w) {\n  return w;<|>\n}\n", "```\na */ evil(); /* b\n```", path="a.js"
    )
    assert text.startswith("/**\n * a * / evil(); /* b\n */\nfunction")


async def test_go_and_rust_get_comments_of_their_own_form(tmp_path: Path) -> None:
    go = await documented(
        tmp_path,
        "package a\n\nfunc Area(w int) int {\n\treturn w<|>\n}\n",
        "```\nArea is it.\n```",
        path="a.go",
    )
    assert "// Area is it.\nfunc Area" in go
    rust = await documented(
        tmp_path, "pub fn area(w: i32) -> i32 {\n    w<|>\n}\n", "```\nThe area.\n```", path="a.rs"
    )
    assert rust.startswith("/// The area.\npub fn area")


# -- "Generate tests" -------------------------------------------------------------------------------------

TESTS = "```python\nfrom shapes import area\n\n\ndef test_area():\n    assert area(2) == 2\n```"


async def test_tests_go_into_a_new_file(tmp_path: Path) -> None:
    models = Router([], [FakeModel("Here they are:\n", TESTS, name="writer")])
    async with workspace(
        tmp_path, "def area(w):\n    return w<|>\n", path="shapes.py", models=models
    ) as made:
        edits = await done(made, "generate-tests")
    [(path, text)] = edits.new.items()
    assert path == tmp_path / "test_shapes.py"
    assert edits.engine == "writer"
    assert not edits.document
    assert text == TESTS.removeprefix("```python\n").removesuffix("```")


async def test_tests_go_to_the_end_of_the_file_there_is(tmp_path: Path) -> None:
    (tmp_path / "tests" / "unit").mkdir(parents=True)
    there = tmp_path / "tests" / "unit" / "test_shapes.py"
    there.write_text('"""Tests."""\nimport shapes\n\n\ndef test_old():\n    assert shapes\n')
    models = Router(
        [], [FakeModel(TESTS.replace("def test_area", "def test_old():\n    1\n\n\ndef test_area"))]
    )
    async with workspace(
        tmp_path, "def area(w):\n    return w<|>\n", path="shapes.py", models=models
    ) as made:
        edits = await done(made, "generate-tests")
        [(path, changes)] = edits.others.items()
        text = await made.text_of(path)
    assert text is not None
    assert path == there
    assert text.replaced(changes).source == (
        '"""Tests."""\nimport shapes\nfrom shapes import area\n\n\ndef test_old():\n    assert shapes\n\n\n'
        "def test_area():\n    assert area(2) == 2\n"
    )


@pytest.mark.parametrize(
    "reply",
    [
        "I cannot do that.",
        "```python\ndef test_area(:\n```",
        "```python\nprint(area(1))\n```",
        "```python\ndef test_other():\n    assert 1\n```",
        "",
    ],
)
async def test_unusable_tests_are_refused(tmp_path: Path, reply: str) -> None:
    models = Router([], [FakeModel(reply)])
    async with workspace(tmp_path, "def area(w):\n    return w<|>\n", models=models) as made:
        with pytest.raises(ActionRefused, match="nothing was changed"):
            await done(made, "generate-tests")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("src/a.ts", "src/a.test.ts"),
        ("pkg/a.go", "pkg/a_test.go"),
        ("src/main/java/x/A.java", "src/test/java/x/ATest.java"),
        ("lib/a.rb", "spec/a_spec.rb"),
        ("a.rs", None),
    ],
)
def test_where_tests_live(tmp_path: Path, path: str, expected: str | None) -> None:
    from devflow.analysis.languages import language_of
    from devflow.server.assist.generate_tests import test_file as place

    language = language_of(Path(path))
    assert language is not None
    found = place(tmp_path / path, (tmp_path,), language.name)
    assert found == (tmp_path / expected if expected else None)


# -- "Import … from …" --------------------------------------------------------------------------------------


async def test_an_undefined_name_is_imported_from_where_the_index_knows_it(tmp_path: Path) -> None:
    snippet = """
        #- pkg/__init__.py
        #- pkg/shapes.py
        def area(w): ...
        #- main.py
        import os

        print(ar<|>ea(1))
    """
    async with workspace(tmp_path, snippet, indexed=True) as made:
        [action] = await import_actions(made.doc, made.at, made.at, made.code)
        assert action.title == "Import area from pkg.shapes"
        edits = await action_edit(action, made.doc, made.code)
        assert made.applied(*edits.document).startswith("import os\n\nfrom pkg.shapes import area\n")


@pytest.mark.parametrize(
    "main",
    [
        "area = 1\nprint(ar<|>ea)\n",
        "x.ar<|>ea()\n",
        "f(ar<|>ea=1)\n",
        "from y import *\nar<|>ea()\n",
        "le<|>n(x)\n",
    ],
)
async def test_a_name_that_may_be_defined_is_not_imported(tmp_path: Path, main: str) -> None:
    snippet = f"#- shapes.py\ndef area(w): ...\ndef len(x): ...\n#- main.py\n{main}"
    async with workspace(tmp_path, snippet, indexed=True) as made:
        assert await import_actions(made.doc, made.at, made.at, made.code) == []


async def test_without_an_index_nothing_is_imported(tmp_path: Path) -> None:
    async with workspace(tmp_path, "print(ar<|>ea(1))\n") as made:
        assert await import_actions(made.doc, made.at, made.at, made.code) == []
