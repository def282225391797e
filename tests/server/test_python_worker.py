"""The Python engine in its process: right answers, and empty ones when it is slow, hung or dead."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from devflow.server.workers.python import PythonWorker
from support.patience import HANGS

TESTS = Path(__file__).parents[1]
SLOW = "support.slow_python_worker"


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", f"{TESTS}{os.pathsep}{TESTS.parent / 'src'}")


@pytest.fixture
async def slow() -> AsyncIterator[PythonWorker]:
    worker = PythonWorker(deadlines={"complete": HANGS}, hung_after=HANGS, module=SLOW)
    await worker.start()
    yield worker
    await worker.close()


async def test_jedi_answers_in_our_values(tmp_path: Path) -> None:
    (tmp_path / "shapes.py").write_text('def area(w, h=1):\n    """The area."""\n    return w * h\n')
    path = tmp_path / "main.py"
    source = "import shapes\nshapes.area(2, \n"
    worker = PythonWorker(
        [tmp_path],
        deadlines=dict.fromkeys(("complete", "define", "signatures", "document", "references"), HANGS),
        hung_after=HANGS,
    )
    await worker.start()
    try:
        at = source.index("area")
        assert "area" in [each.name for each in await worker.complete(path, source, at)]
        [made] = await worker.define(path, source, at + 1)
        assert made.qualified_name == "shapes.area"
        assert made.location is not None
        assert made.location.path == tmp_path / "shapes.py"
        [signature] = await worker.signatures(path, source, len(source) - 1)
        assert [parameter.label for parameter in signature.parameters] == ["w", "h=1"]
        assert signature.active == 1
        assert "The area." in await worker.document(path, source, at, "area")
        places = await worker.references(path, source, at + 1)
        assert {place.path.name for place in places} == {"shapes.py", "main.py"}
    finally:
        await worker.close()


async def test_an_answer_after_the_deadline_is_empty() -> None:
    worker = PythonWorker(deadlines={"complete": 0.05}, module=SLOW)
    await worker.start()
    try:
        assert await worker.complete(None, f"sleep {HANGS}", 0) == []
    finally:
        await worker.close()


async def test_a_question_that_waits_is_dropped_when_a_newer_one_comes(slow: PythonWorker) -> None:
    path = Path("/a.py")
    first = asyncio.create_task(slow.complete(path, "sleep 0.2", 0))
    await asyncio.sleep(0)
    second = asyncio.create_task(slow.complete(path, "sleep 0.11", 0))
    await asyncio.sleep(0)
    third = asyncio.create_task(slow.complete(path, "sleep 0.01", 0))
    assert await second == []
    assert [each.name for each in await third] == ["sleep 0.01"]
    assert len(await first) <= 1


async def test_a_cancelled_question_that_waits_is_not_asked(slow: PythonWorker) -> None:
    running = asyncio.create_task(slow.complete(Path("/a.py"), "sleep 0.1", 0))
    await asyncio.sleep(0)
    waiting = asyncio.create_task(slow.complete(Path("/b.py"), f"sleep {HANGS}", 0))
    await asyncio.sleep(0)
    waiting.cancel()
    await running
    assert await slow.complete(Path("/c.py"), "sleep 0", 0), "it would be late behind the other"


async def test_a_hung_process_is_replaced(slow: PythonWorker) -> None:
    [before] = await slow.complete(None, "sleep 0", 0)
    slow._quick._hung_after = 0.2
    assert await slow.complete(None, f"sleep {HANGS}", 0) == []
    slow._quick._hung_after = HANGS
    [after] = await slow.complete(None, "sleep 0", 0)
    assert before.detail != after.detail


async def test_a_dead_process_is_an_empty_answer_and_started_again(slow: PythonWorker) -> None:
    assert await slow.complete(None, "die", 0) == []
    async with asyncio.timeout(HANGS):
        while not await slow.complete(None, "sleep 0", 0):
            pass


async def test_closing_answers_what_waits(slow: PythonWorker) -> None:
    tasks = [asyncio.create_task(slow.complete(Path(f"/{n}.py"), "sleep 0.3", 0)) for n in range(3)]
    await asyncio.sleep(0)
    await slow.close()
    assert await asyncio.gather(*tasks) == [[], [], []]
    assert await slow.complete(None, "sleep 0", 0) == []
