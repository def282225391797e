"""What a model writes, from the request to what is shown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from devflow.models.base import FillRequest
from devflow.models.errors import ModelError, NotAllowed, OverBudget, Rejected, TooLate, Unreachable
from devflow.server.assist.complete import complete
from devflow.server.assist.inline import inline
from devflow.server.assist.inline.ghost import Edited, ghost_of, mood_of
from devflow.server.assist.inline.site import fills_block
from devflow.server.assist.inline.trigger import Silence, worth_asking
from devflow.server.settings import Completion, Inline
from support.codebase import document, workspace
from support.ghost import Writer, shown, text
from support.patience import HANGS


def gate(snippet: str, root: Path, path: str = "main.py") -> tuple[bool, bool]:
    from support import fixture

    case = fixture.parse(snippet, path)
    name, at = case.cursor
    doc = document(case.files[name], root / name)
    return worth_asking(doc, at), fills_block(doc, at)


@pytest.mark.parametrize(
    ("snippet", "expected"),
    [
        ("x = <|>\n", True),
        ("f(<|>)\n", True),
        ("f(a, <|>])  \n", True),
        ("x = na<|>me\n", False),
        ("x = <|>name\n", False),
        ("f(<|>) + g(2)\n", False),
        ("x = 1\n# note <|>\n", False),
        ("x = 'te<|>xt'\n", False),
        ("x = f'{na<|>}'\n", True),
        ("<|>", False),
        ("\n\n<|>\n", False),
        ("def f():\n    <|>\n", True),
    ],
)
def test_where_ghost_text_is_worth_asking_for(snippet: str, expected: bool, tmp_path: Path) -> None:
    assert gate(snippet, tmp_path)[0] is expected


@pytest.mark.parametrize(
    ("snippet", "expected"),
    [
        ("def f():\n    <|>\n", True),
        ("def f():<|>\n", True),
        ("if (a) {<|>\n", True),
        ("x = <|>\n", False),
        ("x = {<|>}\n", False),
        ("x = 1\n<|>\n", False),
        ("# note:<|>\n", False),
    ],
)
def test_where_a_block_may_be_written(snippet: str, expected: bool, tmp_path: Path) -> None:
    assert gate(snippet, tmp_path)[1] is expected


async def test_the_model_writes_the_rest_of_a_line(tmp_path: Path) -> None:
    found = await shown(tmp_path, "a = b = 1\ntotal = a <|>\n", "+ ", "b\n", "more")
    assert found is not None
    assert (found.edit.new, found.engine) == ("+ b", "writer")


async def test_the_stream_is_closed_at_the_end_of_the_line(tmp_path: Path) -> None:
    writer = Writer("+ b", "\n", "c", "d", "e")
    async with workspace(tmp_path, "total = a <|>\n", models=writer) as space:
        await inline(space.doc, space.at, space.code, Inline())
    assert writer.given == 2
    assert writer.closed == 1


async def test_the_model_writes_a_block_where_one_belongs(tmp_path: Path) -> None:
    assert (
        await text(tmp_path, "def f(a):\n    <|>\n", "b = a\n    return b\n\n\nprint(1)")
        == "b = a\n    return b"
    )


async def test_the_request_carries_what_is_around(tmp_path: Path) -> None:
    writer = Writer("+ b")
    async with workspace(tmp_path, "x = 1\ntotal = a <|>\ny = 2\n", models=writer) as space:
        await inline(space.doc, space.at, space.code, Inline(max_tokens=9))
    [request] = writer.requests
    assert (request.prefix, request.suffix) == ("x = 1\ntotal = a ", "\ny = 2\n")
    assert (request.path, request.language, request.max_tokens) == ("main.py", "python", 9)


async def test_the_request_has_a_budget(tmp_path: Path) -> None:
    writer = Writer("+ b")
    long = "value = 1\n" * 5_000
    async with workspace(tmp_path, f"{long}total = a <|>\n{long}", models=writer) as space:
        await inline(space.doc, space.at, space.code, Inline())
    [request] = writer.requests
    assert len(request.prefix) <= 6_000
    assert len(request.suffix) <= 2_000
    assert request.prefix.startswith("value")


async def test_code_from_other_files_is_named_with_its_path(tmp_path: Path) -> None:
    writer = Writer("+ b")
    async with workspace(
        tmp_path,
        """
        #- shapes.py
        def circumference(radius):
            return 2 * 3.14 * radius
        #- main.py
        radius = 2
        length = circumference(<|>
        """,
        models=writer,
        indexed=True,
    ) as space:
        await inline(space.doc, space.at, space.code, Inline())
    [request] = writer.requests
    assert "def circumference(radius)" in request.above()
    assert request.context_paths == ("shapes.py",)
    assert [each.path for each in request.context] == ["shapes.py"]
    assert (request.repository, request.comment) == (tmp_path.name, "#")


async def test_a_broken_suggestion_is_not_shown(tmp_path: Path) -> None:
    assert await text(tmp_path, "x = 1\n<|>\ny = 2\n", "def def def") is None


@pytest.mark.parametrize(
    ("snippet", "answer"),
    [
        ("x = <|>\ny = 1\n", "'a' +"),
        ("x = <|>\ny = 1\n", "y and"),
        ("x = f(<|>)\ny = 1\n", "y +"),
        ("y = 1\nx = <|>\n", 'str(y) + "abc'),
    ],
)
async def test_what_was_cut_off_before_its_right_side_is_not_shown(
    snippet: str, answer: str, tmp_path: Path
) -> None:
    assert await shown(tmp_path, snippet, answer) is None


async def test_a_sum_that_goes_on_below_may_end_with_its_operator(tmp_path: Path) -> None:
    assert await text(tmp_path, "a = b = 1\nx = (\n    <|>\n    b\n)\n", "a +") == "a +"


@pytest.mark.usefixtures("hurried")
async def test_a_slow_model_is_given_up_on(tmp_path: Path) -> None:
    writer = Writer("+ b", delay=HANGS)
    async with workspace(tmp_path, "total = a <|>\n", models=writer) as space:
        assert await inline(space.doc, space.at, space.code, Inline(timeout_ms=50)) is None
    assert writer.closed == 1


@pytest.mark.usefixtures("hurried")
async def test_whole_lines_before_the_timeout_are_shown(tmp_path: Path) -> None:
    class Stalls(Writer):
        async def write(self, request: FillRequest) -> AsyncIterator[str]:
            yield "b = a\n    c = b\n    ha"
            await asyncio.sleep(HANGS)

    async with workspace(tmp_path, "def f(a):\n    <|>\n", models=Stalls()) as space:
        found = await inline(space.doc, space.at, space.code, Inline(timeout_ms=50))
    assert found is not None
    assert found.edit.new == "b = a\n    c = b"


class Breaks(Writer):
    """Its connection is cut after what it was told to write."""

    async def write(self, request: FillRequest) -> AsyncIterator[str]:
        for piece in self.pieces:
            yield piece
        raise Unreachable("api.example ended its answer in the middle; try again.")


async def test_whole_lines_before_the_connection_is_cut_are_shown(tmp_path: Path) -> None:
    models = Breaks("b = a\n    c = b\n    ha")
    async with workspace(tmp_path, "def f(a):\n    <|>\n", models=models) as space:
        found = await inline(space.doc, space.at, space.code, Inline())
    assert found is not None
    assert found.edit.new == "b = a\n    c = b"


async def test_half_a_line_before_the_connection_is_cut_is_not_shown(tmp_path: Path) -> None:
    async with workspace(tmp_path, "total = a <|>\n", models=Breaks("+ b")) as space:
        assert await inline(space.doc, space.at, space.code, Inline()) is None
        report = ghost_of(space.code.memory, space.doc.uri).report
    assert report is not None
    assert (report.silence, report.problem.endswith("try again.")) == (Silence.MODEL, True)


async def test_a_server_that_minds_no_limit_is_stopped_at_the_limit(tmp_path: Path) -> None:
    lines = "".join(f"value_{n} = a\n    " for n in range(400))
    writer = Writer(*[lines[at : at + 8] for at in range(0, len(lines), 8)])
    async with workspace(tmp_path, "def f(a):\n    <|>\n", models=writer) as space:
        found = await inline(space.doc, space.at, space.code, Inline(max_tokens=32))
    assert found is not None
    assert len(found.edit.new) <= 32 * 6
    assert found.edit.new.endswith("= a")
    assert writer.given * 8 <= 32 * 6 + 8


async def test_a_server_that_minds_no_limit_and_says_all_at_once_is_cut_there(tmp_path: Path) -> None:
    writer = Writer("x = [" + "a, " * 800 + "a]")
    async with workspace(tmp_path, "a = 1\n<|>\n", models=writer) as space:
        found = await inline(space.doc, space.at, space.code, Inline(max_tokens=64), manual=True)
    assert found is None


async def test_cancelling_closes_the_stream(tmp_path: Path) -> None:
    writer = Writer("+ b", delay=10)
    async with workspace(tmp_path, "total = a <|>\n", models=writer) as space:
        pending = asyncio.create_task(inline(space.doc, space.at, space.code, Inline()))
        await asyncio.wait_for(writer.began.wait(), HANGS)
        pending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await pending
    assert writer.closed == 1


async def test_the_same_refusal_is_logged_once_until_the_model_answers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    writer = Writer("+ b", error=Unreachable("api.example refused the connection; check the address."))
    refused = writer.error
    async with workspace(tmp_path, "total = a <|>\n", models=writer) as space:
        for error, warnings in ((refused, 1), (refused, 1), (None, 1), (refused, 2)):
            writer.error = error
            ghost_of(space.code.memory, space.doc.uri).cache.forget("+ b")
            await inline(space.doc, space.at, space.code, Inline(), manual=True)
            logged = [each for each in caplog.records if each.levelname == "WARNING"]
            assert len(logged) == warnings


async def test_the_popup_s_choice_is_continued(tmp_path: Path) -> None:
    found = await shown(tmp_path, "items = []\ntotal = so<|>\n", "(items)", selected="sorted")
    assert found is not None
    assert found.edit.new == "sorted(items)"
    assert found.edit.start == len("items = []\ntotal = ")


async def test_a_choice_that_does_not_fit_what_is_typed_is_ignored(tmp_path: Path) -> None:
    assert await shown(tmp_path, "total = so<|>\n", "(items)", selected="filter") is None


async def test_why_nothing_is_shown_is_told(tmp_path: Path) -> None:
    async with workspace(tmp_path, "x = 1  # note <|>\n") as space:
        assert await inline(space.doc, space.at, space.code, Inline()) is None
        report = ghost_of(space.code.memory, space.doc.uri).report
    assert report is not None
    assert report.silence is Silence.COMMENT
    assert "trigger" in report.milliseconds


async def test_what_is_shown_is_told_with_its_context_and_times(tmp_path: Path) -> None:
    async with workspace(tmp_path, "a = [2]\ntotal = <|>\n", models=Writer("sorted(a)")) as space:
        await inline(space.doc, space.at, space.code, Inline())
        report = ghost_of(space.code.memory, space.doc.uri).report
    assert report is not None
    assert (report.text, report.engine, report.source) == ("sorted(a)", "writer", "model")
    assert report.tokens > 0
    assert {
        "trigger",
        "cache",
        "context",
        "model",
        "clean",
        "parse",
        "names",
        "all",
    } <= report.milliseconds.keys()


async def test_what_is_not_likely_to_be_accepted_is_not_shown(tmp_path: Path) -> None:
    async with workspace(tmp_path, "a = [2]\ntotal = <|>\n", models=Writer("sorted(a)")) as space:
        assert await inline(space.doc, space.at, space.code, Inline(min_acceptance=0.99)) is None
        assert (
            await inline(space.doc, space.at, space.code, Inline(min_acceptance=0.99), manual=True)
            is not None
        )


async def test_what_goes_on_behind_a_bracket_replaces_it(tmp_path: Path) -> None:
    found = await shown(tmp_path, "a = 'b'\ntotal = str(<|>)\n", "a).strip()")
    assert found is not None
    assert (found.edit.new, found.edit.end - found.edit.start) == ("a).strip()", 1)


@pytest.mark.parametrize(
    ("error", "silence"),
    [
        (OverBudget("The budget of this month is spent."), Silence.MODEL),
        (NotAllowed("main.py is never sent off this machine."), Silence.MODEL),
        (Rejected("api.example refused the API key."), Silence.MODEL),
        (TooLate("No answer to fill came in time."), Silence.LATE),
    ],
)
async def test_why_the_model_could_not_answer_is_reported(
    tmp_path: Path, error: ModelError, silence: Silence
) -> None:
    async with workspace(tmp_path, "a = b = 1\ntotal = a <|>\n", models=Writer(error=error)) as space:
        assert await inline(space.doc, space.at, space.code, Inline()) is None
        report = ghost_of(space.code.memory, space.doc.uri).report
    assert report is not None
    assert (report.silence, report.problem) == (silence, str(error))


async def test_the_request_names_a_document_that_is_no_file_for_path_rules(tmp_path: Path) -> None:
    writer = Writer("+ b")
    async with workspace(tmp_path, "total = a <|>\n", models=writer) as space:
        doc = replace(space.doc, uri="untitled:.env", path=None)
        await inline(doc, space.at, space.code, Inline())
    [request] = writer.requests
    assert ".env" in request.context_paths


async def test_edits_of_another_kind_of_file_stay_out_and_those_of_the_same_are_named(tmp_path: Path) -> None:
    writer = Writer("+ b")
    async with workspace(tmp_path, "total = a <|>\n", models=writer) as space:
        mood = mood_of(space.code.memory)
        env, other = tmp_path / ".env", tmp_path / "private" / "other.py"
        mood.edits += [
            Edited(env.as_uri(), env, "plaintext", "KEY=1", "KEY=geheim"),
            Edited("untitled:a", None, "python", "here = 1", "here = 2"),
            Edited(other.as_uri(), other, "python", "rate = 1", "rate = 2"),
        ]
        await inline(space.doc, space.at, space.code, Inline())
    [request] = writer.requests
    assert "rate = 2" in request.above()
    assert "geheim" not in request.above()
    assert "here = 2" not in request.above()
    assert "private/other.py" in request.context_paths


async def test_path_rules_hear_of_every_document_worked_in_lately_whose_text_is_sent(tmp_path: Path) -> None:
    writer = Writer("+ width")
    lately = "height = width = area = 1\ntotal = 2\n" + "\n" * 8 + "words_of_{} = 1\n"
    async with workspace(tmp_path, "height = width = area = 1\ntotal = area <|>\n", models=writer) as space:
        file = document(lately.format("a_file"), tmp_path / "shapes.py")
        cell = document(lately.format("a_cell"), tmp_path / "cell.py")
        cell = replace(cell, uri=f"vscode-notebook-cell:{tmp_path}/private/book.ipynb#c2", path=None)
        code = replace(space.code, seen=lambda: [file, cell])
        await inline(space.doc, space.at, code, Inline())
    [request] = writer.requests
    assert "words_of_a_file" in request.above()
    assert "words_of_a_cell" in request.above()
    assert {"shapes.py", "private/book.ipynb"} <= set(request.context_paths)


class KeptBack(Writer):
    """A router whose only model is remote, with a path rule for `private/`."""

    async def write(self, request: FillRequest) -> AsyncIterator[str]:
        if any(path.startswith("private/") for path in (request.path, *request.context_paths)):
            self.requests.append(request)
            raise NotAllowed("private/other.py is never sent off this machine.")
        async for piece in super().write(request):
            yield piece


async def test_a_file_that_is_never_sent_keeps_only_its_own_text_back(tmp_path: Path) -> None:
    writer = KeptBack("+ b")
    async with workspace(tmp_path, "b = 1\ntotal = b <|>\n", models=writer) as space:
        other = tmp_path / "private" / "other.py"
        edit = Edited(other.as_uri(), other, "python", "rate = 1", "rate = 2")
        mood_of(space.code.memory).edits.append(edit)
        found = await inline(space.doc, space.at, space.code, Inline())
        report = ghost_of(space.code.memory, space.doc.uri).report
    assert found is not None
    assert found.edit.new == "+ b"
    assert [bool(request.context) for request in writer.requests] == [True, False]
    assert report is not None
    assert report.context == ()


async def test_a_document_that_is_never_sent_is_not_asked_about_again(tmp_path: Path) -> None:
    writer = KeptBack("+ b")
    async with workspace(tmp_path, "b = 1\ntotal = b <|>\n", "private/main.py", models=writer) as space:
        found = await inline(space.doc, space.at, space.code, Inline())
    assert found is None or found.engine == "document"
    assert len(writer.requests) == 1


class Asked:
    """A type engine that notes where it was asked, and knows nothing."""

    def __init__(self, model: Writer) -> None:
        self.model = model
        self.before: list[int] = []
        """How many pieces the model had written at each question."""

    async def complete(self, path: Path | None, source: str, at: int) -> list[Any]:
        self.before.append(self.model.given)
        return []


@pytest.mark.parametrize("fast", [True, False])
async def test_a_fast_type_engine_reads_the_document_while_the_model_writes(
    fast: bool, tmp_path: Path
) -> None:
    writer = Writer("+ ", "b", delay=0.001)
    engine = Asked(writer)
    async with workspace(tmp_path, "a = b = 1\ntotal = a <|>\n", models=writer, python=engine) as space:
        code = replace(space.code, types_are_fast=fast)
        assert await inline(space.doc, space.at, code, Inline()) is not None
    assert engine.before[:1] == ([0] if fast else [])


async def test_of_the_word_at_the_cursor_the_type_engine_is_asked_once_for_list_and_ghost_text(
    tmp_path: Path,
) -> None:
    writer = Writer("unch()")
    engine = Asked(writer)
    async with workspace(tmp_path, "def f(thing):\n    thing.la<|>\n", models=writer, python=engine) as space:
        await complete(space.doc, space.at, space.code, Completion(deadline_ms=5_000))
        assert await inline(space.doc, space.at, space.code, Inline()) is not None
    assert len(engine.before) == 1
