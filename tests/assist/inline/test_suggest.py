from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from devflow.analysis.text import Edit
from devflow.analysis.tokens import lex
from devflow.analysis.usage import UsageModel
from devflow.models.base import FillRequest, Health, ModelStatus
from devflow.models.errors import ModelError, NotAllowed, OverBudget, Rejected, TooLate, Unreachable
from devflow.models.fake import FakeModel
from devflow.models.router import Router, Routing
from devflow.models.routing.rules import Rule
from devflow.models.streams import Answer, answer_of
from devflow.server.assist.inline import Suggestion, inline
from devflow.server.assist.inline.ghost import Edited, ghost_of, mood_of
from devflow.server.assist.inline.known import with_suggestion
from devflow.server.assist.inline.site import fills_block
from devflow.server.assist.inline.trigger import Silence, worth_asking
from devflow.server.settings import Inline
from support.codebase import Workspace, document, workspace
from support.patience import HANGS


class Writer:
    """A router with one fill model that writes what it is told to."""

    def __init__(self, *pieces: str, delay: float = 0.0, error: Exception | None = None) -> None:
        self.pieces = pieces
        self.delay = delay
        self.error = error
        self.requests: list[FillRequest] = []
        self.given = 0
        self.closed = 0
        self.began = asyncio.Event()
        self.twice = asyncio.Event()

    def has(self, task: str) -> bool:
        return task == "fill"

    def statuses(self) -> list[ModelStatus]:
        return [ModelStatus("writer", "fake", Health.READY, remote=True)]

    def fill(self, request: FillRequest) -> Answer:
        return answer_of("writer", self.write(request))

    async def write(self, request: FillRequest) -> AsyncIterator[str]:
        self.requests.append(request)
        self.began.set()
        if len(self.requests) == 2:
            self.twice.set()
        try:
            if self.error is not None:
                raise self.error
            for piece in self.pieces:
                await asyncio.sleep(self.delay)
                self.given += 1
                yield piece
        finally:
            self.closed += 1


async def shown(
    root: Path, snippet: str, *pieces: str, path: str = "main.py", selected: str | None = None, **options: Any
) -> Suggestion | None:
    writer = Writer(*pieces) if pieces else None
    async with workspace(root, snippet, path, models=writer, **options) as space:
        start, _ = space.doc.text.word_at(space.at)
        chosen = Edit(start, space.at, selected) if selected is not None else None
        return await inline(space.doc, space.at, space.code, Inline(), chosen)


async def text(root: Path, snippet: str, *pieces: str, **options: Any) -> str | None:
    found = await shown(root, snippet, *pieces, **options)
    return found.edit.new if found else None


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


@pytest.mark.parametrize("typed", ["ass", "assert_equal", "asEq", ""])
async def test_behind_the_popup_s_choice_the_code_goes_on_as_elsewhere(typed: str, tmp_path: Path) -> None:
    code = "class T:\n    def a(self):\n" + "        self.assert_equal(first, second)\n" * 3
    found = await shown(tmp_path, f"{code}        self.{typed}<|>\n", selected="assert_equal")
    assert found is not None
    assert found.edit.new == "assert_equal(first, second)"


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


async def test_names_nobody_knows_here_are_not_proposed(tmp_path: Path) -> None:
    assert await from_elsewhere(tmp_path, "print(out, <|>\n", "print(out, foreign_name)\n") is None


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


async def test_the_same_place_is_answered_from_the_cache(tmp_path: Path) -> None:
    writer = Writer("+ b")
    async with workspace(tmp_path, "b = 1\na = 2\ntotal = a <|>\n", models=writer) as space:
        first = await inline(space.doc, space.at, space.code, Inline())
        second = await inline(space.doc, space.at, space.code, Inline())
    assert first is not None
    assert second is not None
    assert first.edit == second.edit
    assert len(writer.requests) == 1


async def typed(space: Workspace, letters: str) -> Suggestion | None:
    """Ask, type `letters` one by one, asking after each; the last answer."""
    found = await inline(space.doc, space.at, space.code, Inline())
    doc, at = space.doc, space.at
    for letter in letters:
        doc = with_suggestion(doc, at, letter)
        at += 1
        found = await inline(doc, at, space.code, Inline())
    return found


async def test_typing_as_suggested_shows_the_rest_without_asking_again(tmp_path: Path) -> None:
    writer = Writer("sorted(a)")
    async with workspace(tmp_path, "a = [2]\ntotal = <|>\n", models=writer) as space:
        found = await typed(space, "sorte")
    assert found is not None
    assert found.edit.new == "d(a)"
    assert len(writer.requests) == 1


async def test_a_bracket_the_editor_closed_while_typing_as_suggested_is_not_closed_twice(
    tmp_path: Path,
) -> None:
    async with workspace(tmp_path, "a = [2]\ntotal = <|>\n", models=Writer("sorted(a)")) as space:
        await inline(space.doc, space.at, space.code, Inline())
        doc = with_suggestion(space.doc, space.at, "sorted()")
        found = await inline(doc, space.at + len("sorted("), space.code, Inline())
    assert found is not None
    assert found.edit.new == "a"


@pytest.mark.parametrize("one_by_one", [False, True])
async def test_behind_an_accepted_line_the_rest_of_its_block_stays(one_by_one: bool, tmp_path: Path) -> None:
    line = "b = a + 1"
    writer = Writer(f"{line}\n    return b * 2")
    async with workspace(tmp_path, "def f(a):\n    <|>\n", models=writer) as space:
        if one_by_one:
            found = await typed(space, line)
        else:
            await inline(space.doc, space.at, space.code, Inline())
            doc = with_suggestion(space.doc, space.at, line)
            found = await inline(doc, space.at + len(line), space.code, Inline())
    assert found is not None
    assert found.edit.new == "\n    return b * 2"
    assert len(writer.requests) == 1


async def test_typing_something_else_asks_again_and_the_old_one_is_not_offered_there(tmp_path: Path) -> None:
    writer = Writer("sorted(a)")
    async with workspace(tmp_path, "a = [2]\ntotal = <|>\n", models=writer) as space:
        await typed(space, "x")
        doc = with_suggestion(space.doc, space.at, "\nb = 1")
        again = await inline(doc, space.at, space.code, Inline())
        report = ghost_of(space.code.memory, space.doc.uri).report
    assert again is None
    assert report is not None
    assert report.silence is Silence.REJECTED


async def test_a_request_that_goes_on_as_the_stream_says_joins_it(tmp_path: Path) -> None:
    class Slow(Writer):
        async def write(self, request: FillRequest) -> AsyncIterator[str]:
            self.requests.append(request)
            yield "sorted"
            self.began.set()
            await asyncio.sleep(0.05)
            yield "(a)\n"

    writer = Slow()
    async with workspace(tmp_path, "a = [2]\ntotal = <|>\n", models=writer) as space:
        first = asyncio.create_task(inline(space.doc, space.at, space.code, Inline()))
        await asyncio.wait_for(writer.began.wait(), HANGS)
        doc = with_suggestion(space.doc, space.at, "so")
        second = await inline(doc, space.at + 2, space.code, Inline())
        await first
    assert second is not None
    assert second.edit.new == "rted(a)"
    assert len(writer.requests) == 1


async def test_a_request_that_does_not_ends_it(tmp_path: Path) -> None:
    writer = Writer("sorted(a)", delay=30)
    async with workspace(tmp_path, "a = [2]\ntotal = <|>\n", models=writer) as space:
        first = asyncio.create_task(inline(space.doc, space.at, space.code, Inline()))
        await asyncio.wait_for(writer.began.wait(), HANGS)
        doc = with_suggestion(space.doc, space.at, "x")
        second = asyncio.create_task(inline(doc, space.at + 1, space.code, Inline()))
        assert await asyncio.wait_for(first, HANGS) is None
        assert writer.closed == 1
        await asyncio.wait_for(writer.twice.wait(), HANGS)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
    assert writer.closed == 2


class Halting(FakeModel):
    """Writes its second piece when it is let."""

    def __init__(self, *pieces: str, name: str) -> None:
        super().__init__(*pieces, name=name)
        self.half, self.go_on = asyncio.Event(), asyncio.Event()

    async def fill(self, request: FillRequest) -> AsyncIterator[str]:
        yield self.pieces[0]
        self.half.set()
        await self.go_on.wait()
        yield self.pieces[1]


async def test_a_suggestion_is_credited_to_its_own_model_whoever_answers_meanwhile(tmp_path: Path) -> None:
    slow, quick = Halting("sorted", "(a)", name="slow"), FakeModel("b + 1", name="quick")
    rule = Rule("scripts", languages=("javascript",), prefer=("quick",))
    router = Router([slow, quick], [], routing=Routing(rules=(rule,), hedge=False))
    async with workspace(tmp_path, "a = [2]\ntotal = <|>\n", models=router) as space:
        pending = asyncio.create_task(inline(space.doc, space.at, space.code, Inline()))
        await asyncio.wait_for(slow.half.wait(), HANGS)
        script = document("let b = 1\nlet total = \n", tmp_path / "main.js")
        other = await inline(script, len(script.text.source) - 1, space.code, Inline(), manual=True)
        slow.go_on.set()
        found = await pending
    assert other is not None
    assert found is not None
    assert (found.engine, other.engine) == ("slow", "quick")


async def test_a_local_model_writes_ahead_while_its_suggestion_is_shown(tmp_path: Path) -> None:
    class Local(Writer):
        def statuses(self) -> list[ModelStatus]:
            return [ModelStatus("writer", "fake", Health.READY)]

        async def write(self, request: FillRequest) -> AsyncIterator[str]:
            self.pieces = ("a)",) if request.prefix.endswith("sorted(") else ("sorted(",)
            async for piece in super().write(request):
                yield piece

    writer = Local()
    async with workspace(tmp_path, "a = [2]\ntotal = <|>\n", models=writer) as space:
        first = await inline(space.doc, space.at, space.code, Inline())
        assert first is not None
        await asyncio.wait_for(writer.twice.wait(), HANGS)
        assert writer.requests[1].prefix.endswith("total = sorted(")
        accepted = with_suggestion(space.doc, space.at, first.edit.new)
        then = await inline(accepted, space.at + len(first.edit.new), space.code, Inline())
        assert then is not None
        assert (then.edit.new, then.source) == ("a)", "stream"), "what was written ahead is shown"
        assert len(writer.requests) == 2, "and nobody was asked for it again"


async def test_nothing_is_written_ahead_where_it_costs(tmp_path: Path) -> None:
    writer = Writer("sorted(")
    async with workspace(tmp_path, "a = [2]\ntotal = <|>\n", models=writer) as space:
        await inline(space.doc, space.at, space.code, Inline())
        await asyncio.sleep(0)
    assert len(writer.requests) == 1


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


async def test_after_a_cancelled_request_the_next_is_answered(tmp_path: Path) -> None:
    writer = Writer("+ b", delay=0.2)
    async with workspace(tmp_path, "a = b = 1\ntotal = a <|>\n", models=writer) as space:
        first = asyncio.create_task(inline(space.doc, space.at, space.code, Inline()))
        await asyncio.wait_for(writer.began.wait(), HANGS)
        first.cancel()
        await asyncio.wait([first])
        assert first.cancelled()
        found = await inline(space.doc, space.at, space.code, Inline())
    assert found is not None
    assert found.edit.new == "+ b"
    assert len(writer.requests) == 2


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


async def test_without_a_model_a_line_goes_on_as_one_like_it_with_its_own_names(tmp_path: Path) -> None:
    head = "class Box:\n    def __init__(self, width, height):\n"
    lines = "        self.width = width\n        self.height = <|>\n"
    async with workspace(tmp_path, head + lines) as space:
        found = await inline(space.doc, space.at, space.code, Inline())
    assert found is not None
    assert found.edit.new == "height"


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
