"""Ghost text from the code itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from devflow.analysis.tokens import lex
from devflow.analysis.usage import UsageModel
from devflow.models.errors import Unreachable
from devflow.server.assist.inline import Suggestion, inline
from devflow.server.settings import Inline
from support.codebase import workspace
from support.ghost import Writer, shown, text


async def test_without_its_model_the_document_itself_continues(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    writer = Writer(error=Unreachable("api.example refused the connection; check the address."))
    async with workspace(
        tmp_path,
        "self.assert_equal(first, second)\n" * 3 + "self.assert_equal(<|>\n",
        models=writer,
    ) as space:
        found = await inline(space.doc, space.at, space.code, Inline())
    assert found is not None
    assert (found.edit.new, found.engine) == ("first, second)", "document")
    assert "refused" in caplog.text


@pytest.mark.parametrize("typed", ["ass", "assert_equal", "asEq", ""])
async def test_behind_the_popup_s_choice_the_code_goes_on_as_elsewhere(typed: str, tmp_path: Path) -> None:
    code = "class T:\n    def a(self):\n" + "        self.assert_equal(first, second)\n" * 3
    found = await shown(tmp_path, f"{code}        self.{typed}<|>\n", selected="assert_equal")
    assert found is not None
    assert found.edit.new == "assert_equal(first, second)"


async def test_a_word_that_is_typed_in_full_is_gone_on_from(tmp_path: Path) -> None:
    code = "class T:\n    def a(self, first, second):\n" + "        self.compare(first, second)\n" * 3
    assert await text(tmp_path, f"{code}        self.compare<|>\n") == "(first, second)"


async def test_repeated_code_is_continued_without_any_model(tmp_path: Path) -> None:
    found = await shown(
        tmp_path,
        """
        parser.add_argument("--one", action="store_true")
        parser.add_argument("--two", action="store_true")
        parser.add_argument("--three", action="store_true")
        parser.add_argument("--three", action=<|>
        """,
    )
    assert found is not None
    assert (found.edit.new, found.engine) == ('"store_true")', "document")
    assert 0.25 <= found.confidence <= 1


async def test_the_spacing_of_the_code_is_kept(tmp_path: Path) -> None:
    assert (
        await text(
            tmp_path,
            "for a in range(3):\n    x = a + b * 2  # why\n" * 3 + "for a in range(3):\n    x =<|>\n",
        )
        == " a + b * 2"
    )


async def test_a_rare_continuation_is_not_shown(tmp_path: Path) -> None:
    assert await text(tmp_path, "a = f(1)\nb = g(2)\nc = <|>\n") is None


@pytest.mark.parametrize(("times", "shown"), [(1, None), (2, 'Error("Autoscale is not enabled")')])
async def test_a_sentence_is_proposed_again_only_where_it_was_said_twice(
    times: int, shown: str | None, tmp_path: Path
) -> None:
    said = 'def f():\n    raise ValueError("Autoscale is not enabled")\n' * times
    assert await text(tmp_path, f"{said}def g():\n    raise Value<|>\n") == shown


class Elsewhere:
    """The workspace holds `source`, once or several times."""

    def __init__(self, source: str, times: int) -> None:
        self._model = UsageModel.build([lex(source, "python")] * times)

    def usage_of(self, *_: object) -> UsageModel:
        return self._model


async def from_elsewhere(
    root: Path, snippet: str, source: str, least: float | None = None
) -> Suggestion | None:
    config = Inline() if least is None else Inline(min_confidence=least)
    async with workspace(root, snippet) as space:
        code = replace(space.code, usage=Elsewhere(source, 6))
        return await inline(space.doc, space.at, code, config)


async def test_the_workspace_continues_what_the_document_has_not(tmp_path: Path) -> None:
    found = await from_elsewhere(
        tmp_path,
        "import json\n\ndef save(data, out):\n    json.dump(data, out, <|>\n",
        "def keep(data, out):\n    json.dump(data, out, indent=2)\n",
    )
    assert found is not None
    assert (found.edit.new, found.engine) == ("indent=2)", "usage")
    assert 0.25 <= found.confidence <= 1


async def test_an_assignment_has_its_spaces_though_arguments_elsewhere_have_none(tmp_path: Path) -> None:
    code = (
        "class T:\n    def __init__(self, width, style):\n        self.width = width\n        self.style<|>\n"
    )
    found = await from_elsewhere(tmp_path, code, "draw(style=style)\n", least=0.01)
    assert found is not None
    assert found.edit.new == " = style"
    code = code.replace("self.style<|>", "draw(\n            width,\n            style<|>")
    found = await from_elsewhere(tmp_path, code, "draw(\n    width,\n    style=style\n)\n", least=0.01)
    assert found is not None
    assert found.edit.new.startswith("=style")


async def test_names_nobody_knows_here_are_not_proposed(tmp_path: Path) -> None:
    assert await from_elsewhere(tmp_path, "print(out, <|>\n", "print(out, foreign_name)\n") is None


async def test_a_name_that_is_an_attribute_here_is_not_proposed_as_a_variable(tmp_path: Path) -> None:
    code = "class Box:\n    def keep(self):\n        print(self.size)\n        self.width = <|>\n"
    elsewhere = "class Other:\n    def keep(self, size):\n        self.width = size\n"
    assert await from_elsewhere(tmp_path, code, elsewhere) is None


async def test_a_name_is_not_proposed_as_its_own_first_value(tmp_path: Path) -> None:
    code = "def root(node):\n    current = <|>\n    return current\n"
    elsewhere = "def climb(current):\n    current = current.parent\n    return current\n"
    assert await from_elsewhere(tmp_path, code, elsewhere) is None
    found = await from_elsewhere(tmp_path, code.replace("root(node", "climb(current"), elsewhere)
    assert found is not None
    assert found.edit.new == "current.parent"


async def test_names_the_suggestion_binds_itself_are_known(tmp_path: Path) -> None:
    found = await from_elsewhere(
        tmp_path,
        "def f(items):\n    return sum(<|>\n",
        "def g(items):\n    return sum(item.size for item in items)\n",
    )
    assert found is not None
    assert found.edit.new == "item.size for item in items)"


async def test_a_rest_that_does_not_parse_gives_way_to_one_that_does(tmp_path: Path) -> None:
    found = await from_elsewhere(
        tmp_path,
        "def f(items, key):\n    x = items.get(<|>\n    return x\n",
        "if items.get(key):\n    pass\n" * 2 + "y = items.get(key)\n",
        least=0.05,
    )
    assert found is not None
    assert found.edit.new == "key)"


@pytest.mark.parametrize(
    ("path", "function"),
    [
        ("main.go", "func {0}(p string) error {{\n\t_, err := os.Open(p)\n\t{1}\n\treturn nil\n}}\n"),
        ("main.c", "int {0}(char *p) {{\n    err = open(p);\n    {1}\n    return 0;\n}}\n"),
    ],
)
async def test_the_head_of_a_block_that_others_have_is_offered(
    path: str, function: str, tmp_path: Path
) -> None:
    go = path.endswith(".go")
    head, tail = (
        ("if err != nil {", "\n\t\treturn err\n\t}")
        if go
        else ("if (err != 0) {", "\n        return err;\n    }")
    )
    others = "".join(function.format(name, head + tail) for name in ("first", "second"))
    code = ("package main\n" if go else "") + others + function.format("third", "if <|>")
    found = await shown(tmp_path, code, path=path)
    assert found is not None
    assert found.edit.new == head.removeprefix("if ")


async def test_half_a_word_is_completed_and_the_line_with_it(tmp_path: Path) -> None:
    found = await from_elsewhere(
        tmp_path,
        "def save(log, data):\n    log.deb<|>\n",
        "def keep(log, data):\n    log.debug(data)\n",
    )
    assert found is not None
    assert found.edit.new == "ug(data)"


async def test_without_a_model_a_line_goes_on_as_one_like_it_with_its_own_names(tmp_path: Path) -> None:
    head = "class Box:\n    def __init__(self, width, height):\n"
    lines = "        self.width = width\n        self.height = <|>\n"
    async with workspace(tmp_path, head + lines) as space:
        found = await inline(space.doc, space.at, space.code, Inline())
    assert found is not None
    assert found.edit.new == "height"
