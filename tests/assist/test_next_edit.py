"""The next edit: what the rules offer, what they keep quiet about, and what is left of it as one types on."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from devflow.analysis.changes import Change, History
from devflow.analysis.document import Document
from devflow.analysis.languages import language_of
from devflow.analysis.syntax.parse import parse as parse_tree
from devflow.analysis.text import Edit, Text
from devflow.models.fake import FakeModel
from devflow.models.router import Router
from devflow.server.assist.base import Codebase
from devflow.server.assist.next_edit.base import NextEdit, Prediction
from devflow.server.assist.next_edit.by_model import CURSOR
from devflow.server.assist.next_edit.causes import causes_of
from devflow.server.assist.next_edit.offers import SHOWN_AT_MOST, Offers
from devflow.server.assist.next_edit.predict import predict

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

from next_edit.scenario import parse, read, run  # noqa: E402 - from the benchmarks' folder

SCENARIOS = sorted((ROOT / "benchmarks/next_edit/scenarios").glob("*.txt"))


class _Texts:
    async def text_of(self, path: Path) -> Text | None:
        return None


def document(source: str, version: int = 1, path: str = "/a.py") -> Document:
    text = Text(source)
    known = language_of(Path(path))
    language = known.name if known is not None else ""
    return Document(f"file://{path}", Path(path), language, version, text, parse_tree(text, language))


def code(model: FakeModel | None = None) -> Codebase:
    models = Router([], [model]) if model is not None else None
    return Codebase((Path("/"),), _Texts(), models=models)


def typed(source: str, *changes: Change) -> tuple[str, History]:
    """The text after the changes, and the history of them."""
    history = History()
    for change in changes:
        assert source[change.start : change.old_end] == change.old
        source = source[: change.start] + change.new + source[change.old_end :]
        history.add(change)
    return source, history


async def asked(source: str, history: History, at: int, **more: object) -> Prediction:
    return await predict(document(source), at, history.recent(), code(), patience=0.0)


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
async def test_what_is_right_is_offered_edit_by_edit_and_nothing_else(path: Path) -> None:
    scenario = read(path)
    result = await run(scenario)
    assert (result.right, result.wrong) == (len(scenario.right), 0), result.offered


def test_there_are_scenarios_of_every_kind_and_a_third_of_them_asks_for_silence() -> None:
    read_ones = [read(path) for path in SCENARIOS]
    assert len(read_ones) >= 60
    assert sum(each.quiet for each in read_ones) >= len(read_ones) / 4


DEF = "def load(path):\n    return path\n\n\nload('a')\nload('b')\n"
RENAMED = Change(4, "load", "read")


async def test_what_lies_below_the_cursor_comes_before_what_lies_above() -> None:
    source, history = typed(
        "load('a')\n\n\ndef load(path):\n    return path\n\n\nload('b')\n", Change(16, "load", "read")
    )
    found = await asked(source, history, 20)
    assert [each.edit.start for each in found.edits] == [46, 0]


async def test_nothing_is_offered_for_a_document_nobody_has_edited() -> None:
    assert await asked(DEF, History(), 0) == Prediction()


async def test_a_renaming_that_was_undone_is_over() -> None:
    source, history = typed(DEF, RENAMED, Change(4, "read", "load"))
    assert await asked(source, history, 8) == Prediction()


async def test_what_would_break_the_syntax_is_not_offered() -> None:
    result = await run(parse("# x\n== a.py\ndef ⟨load→class⟩(path):\n    return path\n\n\nload('a')\n"))
    assert result.first == "none"


async def test_a_word_that_is_still_being_deleted_names_nothing_for_a_moment() -> None:
    source, history = typed(DEF, Change(7, "d", ""))
    waited = asyncio.create_task(predict(document(source), 7, history.recent(), code(), patience=30.0))
    done, _ = await asyncio.wait([waited], timeout=0.3)
    assert not done
    waited.cancel()


async def test_broken_code_and_astral_letters_do_no_harm() -> None:
    for before in ("def load(:\n  'é𝒳' load((\n", "𝒳 = '𝒳'\ndef load(𝒳):\n    return 𝒳\n"):
        at = before.index("load")
        source, history = typed(before, Change(at, "load", "read"))
        await asked(source, history, at + 4)


@pytest.mark.parametrize("name", ["a.py", "a.ts", "A.java", "a.go", "a.rs", "a.c", "a.cpp", "A.cs", "a.rb"])
async def test_no_place_of_an_edit_breaks_it(name: str) -> None:
    before = "f(a, b)\ng(a)\nclass A { int a; }\n"
    for at in range(len(before) - 2):
        source, history = typed(before, Change(at, before[at : at + 2], "xy"))
        await predict(document(source, path=f"/{name}"), at, history.recent(), code(), patience=0.0)


def test_an_edit_is_read_by_whole_tokens() -> None:
    source, history = typed("total = width\n", Change(13, "", "_px"))
    [cause] = causes_of(Text(source), history.recent(), "python")
    assert cause.renamed == ("width", "width_px")
    assert (cause.start, cause.end) == (8, 16)


def test_an_edit_of_spaces_or_a_comment_causes_nothing() -> None:
    source, history = typed("a = 1\n", Change(1, " ", "  "), Change(6, "", "  # one"))
    assert causes_of(Text(source), history.recent(), "python") == []


# -- what is not wanted ------------------------------------------------------------------------------------

EDIT = NextEdit(Edit(4, 8, "read"), "rename", "Rename load to read")


def test_what_was_rejected_is_not_offered_again_wherever_its_line_goes() -> None:
    offers = Offers()
    offers.offered("id", document(DEF), EDIT)
    offers.rejected("id")
    moved = NextEdit(Edit(6, 10, "read"), "rename", "Rename load to read")
    assert not offers.wanted(document("\n\n" + DEF, 2), moved)


def test_what_was_seen_and_passed_over_often_is_not_offered_any_more() -> None:
    offers = Offers()
    for version in range(SHOWN_AT_MOST):
        assert offers.wanted(document(DEF, version), EDIT)
        offers.offered(f"id {version}", document(DEF, version), EDIT)
    assert offers.wanted(document(DEF, SHOWN_AT_MOST - 1), EDIT)  # it is on the screen
    assert not offers.wanted(document(DEF, SHOWN_AT_MOST), EDIT)


def test_an_accepted_edit_may_be_wanted_in_the_next_line_that_reads_so() -> None:
    offers = Offers()
    for version in range(10):
        assert offers.wanted(document(DEF, version), EDIT)
        offers.offered(f"id {version}", document(DEF, version), EDIT)
        offers.accepted(f"id {version}")


# -- with a model -------------------------------------------------------------------------------------------

SUM = (
    "def total(rows):\n    result = 0\n    for row in rows:\n        result += row.price\n    return result\n"
)


async def with_model(reply: str, path: str = "/a.py") -> tuple[Prediction, FakeModel]:
    at = SUM.index("price") + 5
    source, history = typed(SUM, Change(at, "", " * row.count"))
    model = FakeModel(reply)
    at += len(" * row.count")
    doc = document(source, path=path)
    found = await predict(doc, at, history.recent(), code(model), with_model=True, patience=0.0)
    return found, model


async def test_a_chat_model_is_shown_the_edit_and_the_cursor_and_its_edit_is_the_difference() -> None:
    window = SUM.replace("price", "price * row.count").replace("result = 0", "result = Decimal(0)")
    found, model = await with_model(f"Here:\n```python\n{window}```\n")
    assert [(each.rule, each.edit.new) for each in found.edits] == [("model", "Decimal(0)")]
    prompt = model.requests[0].messages[-1].content  # type: ignore[union-attr]
    assert f"row.count{CURSOR}" in prompt
    assert "-        result += row.price\n+        result += row.price * row.count" in prompt


async def test_the_model_is_sent_no_file_that_a_link_hides_from_path_rules(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(SUM)
    (tmp_path / "plain.py").symlink_to(tmp_path / ".env")
    _, model = await with_model("nothing", str(tmp_path / "plain.py"))
    named = {Path(path).name for path in model.requests[0].paths}  # type: ignore[union-attr]
    assert {"plain.py", ".env"} <= named


@pytest.mark.parametrize(
    "reply",
    [
        "no code at all",
        f"```python\n{SUM.replace('price', 'price * row.count')}```",
        "```python\nimport os\n" + "os.remove('x')\n" * 40 + "```",
        f"```python\n{SUM.replace('price', 'price * row.count').replace('return', 'return (')}```",
        "```python\n```",
    ],
    ids=["prose", "unchanged", "rewritten", "broken", "empty"],
)
async def test_an_answer_that_is_no_small_whole_edit_is_nothing(reply: str) -> None:
    found, _ = await with_model(reply)
    assert found == Prediction()


async def test_what_a_model_said_is_carried_over_typing_and_it_is_not_asked_again() -> None:
    at = SUM.index("price") + 5
    source, history = typed(SUM, Change(at, "", " * row.count"))
    window = source.replace("result = 0", "result = Decimal(0)")
    model = FakeModel(f"```python\n{window}```")
    base = code(model)
    for typed_above in ("", "# more\n"):
        doc = document(typed_above + source)
        found = await predict(doc, at, history.recent(), base, with_model=True, patience=0.0)
        [each] = found.edits
        assert doc.text.replaced([each.edit]).source == typed_above + window
    assert len(model.requests) == 1


async def test_no_model_is_asked_where_a_rule_knows() -> None:
    source, history = typed(DEF, RENAMED)
    model = FakeModel("```python\n```")
    found = await predict(document(source), 8, history.recent(), code(model), with_model=True, patience=0.0)
    assert found.edits
    assert model.requests == []
