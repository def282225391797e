"""Whatever a model writes stays inside the place it was asked for."""

from __future__ import annotations

import ast
import asyncio
from pathlib import Path
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from devflow.models.fake import FakeModel
from devflow.models.router import Router
from devflow.server.assist.base import Codebase
from devflow.server.assist.edit import ActionRefused, action_edit, actions
from devflow.server.assist.inline import inline
from devflow.server.settings import Inline
from support.codebase import document

PIECES = [
    *('"""', "'''", '"', "'", "\\", "\\u0000", "\n", "\r\n", "\r", "\f", "\u2028", "\x00", "\t", "    "),
    *("```", "```python", "def area(w):", "return 1", "import os", "os.system('x')", "# x", ":param w: x"),
    *("*/", "//", "{", "}", "(", ")", "é😋", "\ud800", "word ", "Args:", "<<", ">>", "..."),
]
written = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)


def codebase(reply: str) -> Codebase:
    model = FakeModel(reply)
    return Codebase(roots=(), texts=cast(Any, None), models=Router([model], [model]))


@given(written)
@settings(deadline=None, max_examples=150)
def test_ghost_text_is_inserted_at_the_cursor_and_replaces_nothing(reply: str) -> None:
    source = "def area(w):\n    return \n\n\ntotal = area(2)\n"
    at = source.index("return ") + len("return ")
    doc = document(source, Path("/w/a.py"))
    found = asyncio.run(inline(doc, at, codebase(reply), Inline()))
    if found is not None:
        assert (found.edit.start, found.edit.end) == (at, at)
        assert found.edit.new


@given(written)
@settings(deadline=None, max_examples=150)
def test_a_documented_function_runs_as_before(reply: str) -> None:
    source = "import os\n\n\ndef area(w):\n    return w * 2\n\n\nprint(area(1))\n"
    doc = document(source, Path("/w/a.py"))
    at = source.index("area(w)")

    async def edited() -> str:
        code = codebase(f"```\n{reply}\n```")
        [action] = [each for each in actions(doc, at, at, code) if each.id == "document"]
        made = await action_edit(action, doc, code)
        assert not made.others
        assert not made.new
        return doc.text.replaced(made.document).source

    try:
        text = asyncio.run(edited())
    except ActionRefused:
        return
    tree = ast.parse(text)
    function = tree.body[1]
    assert isinstance(function, ast.FunctionDef)
    assert ast.get_docstring(function) is not None
    del function.body[0]
    assert ast.dump(tree) == ast.dump(ast.parse(source))


def test_a_plain_reply_is_shown() -> None:
    doc = document("def area(w):\n    return \n", Path("/w/a.py"))
    found = asyncio.run(inline(doc, len("def area(w):\n    return "), codebase("w * 2"), Inline()))
    assert found is not None
    assert found.edit.new == "w * 2"
