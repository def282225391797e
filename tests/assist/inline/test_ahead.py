"""A model reads the place a cursor rests at."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from devflow.models.base import ChatRequest, Message
from devflow.models.fake import FakeModel
from devflow.models.router import Router
from devflow.server.assist.inline import inline
from devflow.server.assist.inline.ahead import cursor_at, finished
from devflow.server.assist.inline.ghost import mood_of
from devflow.server.settings import Inline
from support.codebase import Workspace, document, workspace
from support.patience import HANGS

CODE = "first = 1\nsecond = 2\ntotal = <|>\nprint(total)\n"


def local(delay: float = 0.0) -> FakeModel:
    return FakeModel("first", " + second\n", delay=delay, reads_ahead=True)


async def rest(space: Workspace, config: Inline | None = None) -> None:
    cursor_at(space.doc, space.at, space.code, config or Inline(), rest=0.0)
    await asyncio.wait_for(finished(space.code.memory), HANGS)


async def test_what_is_read_is_what_would_be_asked(tmp_path: Path) -> None:
    model = local()
    async with workspace(tmp_path, CODE, models=Router([model], [])) as space:
        await rest(space)
        await inline(space.doc, space.at, space.code, Inline(speculate=False))
    ahead, asked = model.requests
    names = ("prefix", "suffix", "context", "context_paths", "path", "language", "max_tokens")
    assert [getattr(ahead, name) for name in names] == [getattr(asked, name) for name in names]
    assert (ahead.ahead, asked.ahead) == (True, False)


async def test_the_next_key_s_request_goes_on_from_what_was_read(tmp_path: Path) -> None:
    model = local()
    long = "value = compute(1)\n" * 500 + CODE
    async with workspace(tmp_path, long, models=Router([model], [])) as space:
        await rest(space)
        source, at = space.doc.text.source, space.at
        typed = document(source[:at] + "f" + source[at:], tmp_path / "main.py", 2)
        await inline(typed, at + 1, space.code, Inline(speculate=False))
    ahead, asked = model.requests
    assert asked.prefix == ahead.prefix + "f", "it begins at the same line"
    assert (asked.suffix, asked.context) == (ahead.suffix, ahead.context)


async def test_a_place_is_read_once(tmp_path: Path) -> None:
    model = local()
    async with workspace(tmp_path, CODE, models=Router([model], [])) as space:
        await rest(space)
        await rest(space)
        assert len(model.requests) == 1
        await inline(space.doc, space.at, space.code, Inline(speculate=False))
        await rest(space)
        assert len(model.requests) == 2, "nor is one where a model was just asked"


async def test_asking_for_highlights_again_does_not_end_the_reading(tmp_path: Path) -> None:
    model = local(delay=0.05)
    async with workspace(tmp_path, CODE, models=Router([model], [])) as space:
        cursor_at(space.doc, space.at, space.code, Inline(), rest=0.0)
        await asyncio.wait_for(model.begun.wait(), HANGS)
        await rest(space)
        assert mood_of(space.code.memory).read[2] == space.at
    assert model.opened == model.closed == 1


async def test_what_could_not_be_read_for_a_conversation_is_read_after_it(tmp_path: Path) -> None:
    model = local(delay=60)
    router = Router([model], [model])
    async with workspace(tmp_path, CODE, models=router) as space:
        talk = asyncio.create_task(router.whole(ChatRequest((Message("user", "Hi"),))))
        await asyncio.wait_for(model.begun.wait(), HANGS)
        model.delay = 0
        await rest(space)
        talk.cancel()
        await asyncio.wait([talk])
        assert len(model.requests) == 1
        await rest(space)
        assert len(model.requests) == 2


async def test_a_request_ends_the_reading(tmp_path: Path) -> None:
    model = local(delay=60)
    async with workspace(tmp_path, CODE, models=Router([model], [])) as space:
        cursor_at(space.doc, space.at, space.code, Inline(), rest=0.0)
        await asyncio.wait_for(model.begun.wait(), HANGS)
        model.delay = 0
        found = await inline(space.doc, space.at, space.code, Inline(speculate=False))
        assert found is not None
        assert found.edit.new == "first + second"
    assert model.opened == model.closed == 2


async def test_a_cursor_that_moves_on_before_it_rests_costs_nothing(tmp_path: Path) -> None:
    model = local()
    async with workspace(tmp_path, CODE, models=Router([model], [])) as space:
        cursor_at(space.doc, space.at, space.code, Inline(), rest=60)
        cursor_at(space.doc, 0, space.code, Inline(), rest=60)
        task = mood_of(space.code.memory).ahead
        assert task is not None
        await inline(space.doc, space.at, space.code, Inline(speculate=False))
        await asyncio.wait([task])
        assert task.cancelled()
    assert not model.requests[0].ahead


async def test_nothing_is_read_while_a_generation_of_the_document_is_alive(tmp_path: Path) -> None:
    model = local(delay=0.05)
    async with workspace(tmp_path, CODE, models=Router([model], [])) as space:
        asking = asyncio.create_task(inline(space.doc, space.at, space.code, Inline(speculate=False)))
        await asyncio.wait_for(model.begun.wait(), HANGS)
        moved = document(space.doc.text.source, tmp_path / "main.py", 1)
        cursor_at(moved, space.at - 1, space.code, Inline(), rest=0.0)
        await asyncio.wait_for(finished(space.code.memory), HANGS)
        assert await asking is not None
    assert len(model.requests) == 1


@pytest.mark.parametrize(
    ("snippet", "config"),
    [
        (CODE, Inline(read_ahead=False)),
        (CODE, Inline(mode="manual")),
        (CODE, Inline(languages_off=("python",))),
        ("x = 1  # note <|>\n", Inline()),
        ("x = na<|>me\n", Inline()),
    ],
)
async def test_where_ghost_text_cannot_come_nothing_is_read(
    snippet: str, config: Inline, tmp_path: Path
) -> None:
    model = local()
    async with workspace(tmp_path, snippet, models=Router([model], [])) as space:
        await rest(space, config)
    assert not model.requests


async def test_no_model_at_a_server_is_asked(tmp_path: Path) -> None:
    model = FakeModel("x", remote=True, reads_ahead=True)
    async with workspace(tmp_path, CODE, models=Router([model], [])) as space:
        await rest(space)
    assert not model.requests
