"""Lists while the type engine is slow, stuck or broken."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from devflow.analysis.document import Document
from devflow.analysis.facts import SymbolKind
from devflow.analysis.text import Edit
from devflow.analysis.types.base import Candidate
from devflow.server.assist import in_string
from devflow.server.assist import offered as offered_module
from devflow.server.assist.complete import _listed, complete
from devflow.server.assist.gather import gather
from devflow.server.assist.offered import names_offered
from devflow.server.assist.wanted import Wanted
from devflow.server.settings import Completion
from support.codebase import Workspace, document, workspace
from support.completions import UNHURRIED, asked, labels
from support.patience import HANGS


class SlowEngine:
    """An engine that answers when it is told to."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.asked = 0

    async def complete(self, path: Path | None, source: str, at: int) -> list[Candidate]:
        self.asked += 1
        await self.go.wait()
        return [Candidate("slowly", SymbolKind.METHOD)]

    async def signatures(self, path: Path | None, source: str, at: int) -> list[Any]:
        return []


@pytest.mark.usefixtures("hurried")
async def test_a_late_engine_makes_the_list_incomplete_and_is_used_at_the_next_keystroke(
    tmp_path: Path,
) -> None:
    engine = SlowEngine()
    async with workspace(tmp_path, "thing.<|>\n", python=engine) as space:
        first = await asked(space, Completion(deadline_ms=30))
        assert first.incomplete
        engine.go.set()
        typed = await _typed(space, "s")
        second = await complete(typed, space.at + 1, space.code, Completion(deadline_ms=100_000))
        assert [item.label for item in second.items] == ["slowly"]
        assert not second.incomplete
        assert engine.asked == 1


@pytest.mark.usefixtures("hurried")
async def test_the_list_is_out_at_the_deadline(tmp_path: Path) -> None:
    async with workspace(tmp_path, "thing.go()\nthing.<|>\n", python=SlowEngine()) as space:
        await asked(space, Completion(deadline_ms=5))
        async with asyncio.timeout(HANGS):  # the engine never answers
            answer = await asked(space, Completion(deadline_ms=40))
        assert [item.label for item in answer.items] == ["go"]


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize(
    "test", ["def test_a(cl<|>): ...", '@pytest.mark.usefixtures("cl<|>")\ndef test_a(): ...']
)
async def test_nobody_waits_for_fixtures_that_are_still_read(
    test: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = threading.Event()

    def reading(*_: object) -> list[str]:
        read.wait(HANGS)
        return ["client"]

    monkeypatch.setattr(in_string, "fixture_names", reading)
    async with workspace(tmp_path, f"#- test_main.py\n{test}\n") as space:
        try:
            async with asyncio.timeout(HANGS / 2):
                first = await asked(space, Completion(deadline_ms=40))
        finally:
            read.set()
        assert (first.items, first.incomplete) == ((), True)
        assert [item.label for item in (await asked(space)).items] == ["client"]


async def test_another_place_is_another_question(tmp_path: Path) -> None:
    engine = SlowEngine()
    engine.go.set()
    async with workspace(tmp_path, "thing.\nthing.<|>\n", python=engine) as space:
        await asked(space)
        await complete(space.doc, len("thing."), space.code, UNHURRIED)
        assert engine.asked == 2


async def test_names_that_only_ghost_text_makes_up_are_not_listed(tmp_path: Path) -> None:
    engine = SlowEngine()
    engine.go.set()
    async with workspace(tmp_path, "thing.<|>\n", python=engine) as space:
        ghost = space.doc.text.source.replace("thing.", "thing.total = 0\nthing.invented = 1")
        checked = names_offered(document(ghost, space.doc.path), space.at, space.at + 5, space.code)
        assert checked is not None
        await checked
        assert names_offered(space.doc, space.at, space.at, space.code) is not checked


async def test_what_the_engine_offered_long_ago_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = SlowEngine()
    async with workspace(tmp_path, "thing.<|>\n", python=engine) as space:

        def offered() -> asyncio.Task[list[Candidate]]:
            found = names_offered(space.doc, space.at, space.at, space.code)
            assert found is not None
            return found

        first = offered()
        engine.go.set()
        await first
        assert offered() is first
        monkeypatch.setattr(offered_module, "_GOOD_FOR", -1.0)
        again = offered()
        assert again is not first
        assert offered() is again, "one that is under way is not asked twice"
        await again


async def test_a_failing_engine_leaves_the_rest(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(SlowEngine):
        async def complete(self, path: Path | None, source: str, at: int) -> list[Candidate]:
            raise RuntimeError("broken")

    found = await labels(tmp_path, "thing.go()\nthing.<|>\n", python=Broken())
    assert found == ["go"]
    assert "failed" in caplog.text


async def test_an_engine_that_answers_while_the_list_is_made_is_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, made, loop = SlowEngine(), _listed, asyncio.get_running_loop()

    async def answered() -> None:
        engine.go.set()
        await asyncio.wait(space.code.memory._tasks.values())

    def listed(*given: Any) -> Any:
        asyncio.run_coroutine_threadsafe(answered(), loop).result()
        return made(*given)

    async with workspace(tmp_path, "thing.go()\nthing.<|>\n", python=engine) as space:
        monkeypatch.setattr("devflow.server.assist.complete._listed", listed)
        answer = await asked(space)
        assert "slowly" in [item.label for item in answer.items] or answer.incomplete


async def test_the_next_letters_of_a_member_ask_the_index_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_for: list[int] = []

    async def counted(wanted: Wanted, *rest: Any) -> Any:
        asked_for.append(wanted.start)
        return await gather(wanted, *rest)

    monkeypatch.setattr("devflow.server.assist.complete.gather", counted)
    text = (
        "class Engine:\n    def start(self): ...\n    def stop(self): ...\n    def run(self):\n        self."
    )
    async with workspace(tmp_path, f"{text}<|>\n", indexed=True) as space:
        assert {"start", "stop", "run"} <= {item.label for item in (await asked(space)).items}
        typed = await _typed(space, "sto")
        second = await complete(typed, space.at + 3, space.code, UNHURRIED)
        assert [item.label for item in second.items][:1] == ["stop"]
        assert second.items[0].edit == Edit(space.at, space.at + 3, "stop")
        assert len(asked_for) == 1
        assert space.doc.path is not None
        elsewhere = space.applied(Edit(space.at, space.at, "sto"), Edit(0, 0, "import os\n"))
        await complete(document(elsewhere, space.doc.path, 3), space.at + 13, space.code, UNHURRIED)
        assert len(asked_for) == 2


async def _typed(space: Workspace, more: str) -> Document:
    assert space.doc.path is not None
    return document(space.applied(Edit(space.at, space.at, more)), space.doc.path, 2)
