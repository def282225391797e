"""Asked again: the cache, typing as suggested, joining a stream, writing ahead."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from devflow.models.base import FillRequest, Health, ModelStatus
from devflow.models.fake import FakeModel
from devflow.models.router import Router, Routing
from devflow.models.routing.rules import Rule
from devflow.server.assist.inline import Suggestion, inline
from devflow.server.assist.inline.ghost import ghost_of
from devflow.server.assist.inline.known import with_suggestion
from devflow.server.assist.inline.trigger import Silence
from devflow.server.settings import Inline
from support.codebase import Workspace, document, workspace
from support.ghost import Writer
from support.patience import HANGS


async def test_the_same_place_is_answered_from_the_cache(tmp_path: Path) -> None:
    writer = Writer("+ b")
    async with workspace(tmp_path, "b = 1\na = 2\ntotal = a <|>\n", models=writer) as space:
        first = await inline(space.doc, space.at, space.code, Inline())
        second = await inline(space.doc, space.at, space.code, Inline())
    assert first is not None
    assert second is not None
    assert first.edit == second.edit
    assert len(writer.requests) == 1


async def test_what_stands_in_a_closed_bracket_is_shown_whole_again_and_again(tmp_path: Path) -> None:
    code = "xs = []\n" + "print(len(xs))\n" * 3 + "print(<|>)\n"
    async with workspace(tmp_path, code) as space:
        found = [await inline(space.doc, space.at, space.code, Inline()) for _ in range(3)]
    assert [each and each.edit.new for each in found] == ["len(xs)"] * 3


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
