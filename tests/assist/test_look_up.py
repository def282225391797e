from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from devflow.analysis.facts import Symbol, SymbolKind
from devflow.analysis.types.base import Definition
from devflow.server.assist import look_up
from devflow.server.assist.base import Codebase
from devflow.server.assist.found import Found
from support.codebase import document

DOC = document("name\n", Path("/a.py"))
SAID = Definition("name", SymbolKind.VARIABLE, "name", "name", "", None)
Asked = dict[str, asyncio.Task[Any]]


def guess(source: str) -> Found:
    symbol = Symbol("name", SymbolKind.VARIABLE, 0, 4, 0, 4, "", "name", "")
    return Found(symbol, None, 1, source)


async def never() -> None:
    await asyncio.Event().wait()


async def nothing() -> None:
    return None


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Asked]:
    """Has the three say what these coroutines return; hands out their tasks."""

    def with_these(**answers: Coroutine[Any, Any, Any]) -> Asked:
        tasks = {who: asyncio.create_task(answer) for who, answer in answers.items()}
        for who, task in tasks.items():
            monkeypatch.setattr(look_up, f"ask_{who}", lambda *_, task=task: task)
        monkeypatch.setattr(look_up, "HEAD_START_SECONDS", 0.0)
        return tasks

    return with_these


async def known() -> look_up.Known:
    return await look_up.look_up(DOC, 0, Codebase((), None))  # type: ignore[arg-type]


async def test_tree_and_index_end_when_the_engine_knows(ask: Callable[..., Asked]) -> None:
    async def says() -> list[Definition]:
        return [SAID]

    tasks = ask(text=nothing(), definition=says(), nearby=never())
    assert (await known()).definitions == (SAID,)
    await asyncio.wait([tasks["nearby"]])
    assert tasks["nearby"].cancelled()


async def test_a_guess_of_the_text_is_told_at_the_deadline_and_the_others_go_on(
    ask: Callable[..., Asked], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def guesses() -> tuple[Found, bool]:
        return guess("files"), False

    monkeypatch.setattr(look_up, "DEADLINE_SECONDS", 0.0)
    tasks = ask(text=guesses(), definition=never(), nearby=never())
    await asyncio.wait([tasks["text"]])
    assert (await known()).engine == "files"
    assert not tasks["definition"].done()
    assert not tasks["nearby"].done()
    tasks["definition"].cancel()
    tasks["nearby"].cancel()


async def test_on_a_busy_machine_the_first_guess_is_told_and_a_slow_engine_not_waited_for(
    ask: Callable[..., Asked], monkeypatch: pytest.MonkeyPatch
) -> None:
    late = asyncio.Event()

    async def guesses() -> tuple[float, list[Found]]:
        await late.wait()
        return 0.0, [guess("index"), guess("index")]

    monkeypatch.setattr(look_up, "DEADLINE_SECONDS", 0.0)
    monkeypatch.setattr(look_up, "LAST_SECONDS", 0.0)
    monkeypatch.setattr(look_up, "OWN_SECONDS", 3_600.0)
    tasks = ask(text=nothing(), definition=never(), nearby=guesses())
    asking = asyncio.create_task(known())
    await asyncio.sleep(0)
    late.set()
    assert (await asking).engine == "index"
    tasks["definition"].cancel()


async def test_a_cancelled_question_leaves_the_others_at_work(ask: Callable[..., Asked]) -> None:
    tasks = ask(text=nothing(), definition=never(), nearby=never())
    asking = asyncio.create_task(known())
    await asyncio.wait([tasks["text"]])
    asking.cancel()
    await asyncio.wait([asking])
    assert not tasks["definition"].done()
    assert not tasks["nearby"].done()
    tasks["definition"].cancel()
    tasks["nearby"].cancel()
