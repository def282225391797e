"""A real GGUF model in a real worker process."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
import os
import shutil
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from devflow.models.base import ChatRequest, Excerpt, FillRequest, Health, Message, ModelSpec
from devflow.models.errors import ModelError, NotConfigured, WorkerDied
from devflow.models.fake import FakeModel
from devflow.models.profiles import profile_of
from devflow.models.prompt import Prompt
from devflow.models.router import Router
from devflow.server.assist.inline import inline
from devflow.server.assist.inline.ahead import cursor_at, finished
from devflow.server.assist.inline.ghost import ghost_of
from devflow.server.settings import Inline
from devflow.server.workers import model as model_worker
from devflow.server.workers.model import WorkerModel
from support import tiny_gguf
from support.codebase import document, workspace
from support.patience import HANGS, quickest
from support.processes import children

pytest.importorskip("ctransformers", reason="needs the extra `gguf`")

# One loop for the file, so that tests which leave the process alive share it: loading takes a second or two.
pytestmark = pytest.mark.asyncio(loop_scope="module")

HOLE = FillRequest("def f(x):\n    return ", "\n", max_tokens=40)
LONG = FillRequest("x = ", "\n", max_tokens=1000)


@pytest.fixture(scope="session")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_gguf.write(tmp_path_factory.mktemp("model") / "tiny codellama.gguf")


@pytest.fixture(scope="module", autouse=True)
def processes() -> Iterator[None]:
    """Worker processes import the sources, and none of them outlives the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[2] / "src"))
        yield
    assert not children("workers.model")


def spec(path: Path, name: str = "local", context: int = tiny_gguf.CONTEXT) -> ModelSpec:
    return ModelSpec(name, "ctransformers", str(path), context=context, options={"threads": "1"})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def model(gguf: Path) -> AsyncIterator[WorkerModel]:
    model = WorkerModel(spec(gguf))
    yield model
    await model.close()


async def listen(model: WorkerModel, heard: asyncio.Event) -> None:
    async for _ in model.fill(LONG):
        heard.set()


async def text(pieces: AsyncIterator[str]) -> str:
    return "".join([piece async for piece in pieces])


async def test_a_model_streams_and_says_the_same_again(model: WorkerModel) -> None:
    first = [piece async for piece in model.fill(HOLE)]
    assert len(first) > 10, "in pieces, not at the end"
    assert await text(model.fill(HOLE)) == "".join(first)
    assert model.status().detail.endswith("is loaded.")
    assert not model.remote
    assert await text(model.chat(ChatRequest((Message("user", "Hé 😋 <PRE>"),), max_tokens=20)))


async def test_a_prompt_far_beyond_the_context_is_trimmed(model: WorkerModel) -> None:
    context = (Excerpt("z\n" * 4000, "z.py"),)
    long = FillRequest("x = 'é😋日本'\n" * 800, "y = 1\n" * 400, context=context, max_tokens=30)
    assert await text(model.fill(long))


async def test_an_answer_ends_before_a_stop_string(model: WorkerModel) -> None:
    whole = await text(model.fill(HOLE))
    stop = whole[3:5]
    stopped = await text(model.fill(FillRequest(HOLE.prefix, HOLE.suffix, max_tokens=40, stop=(stop,))))
    assert stopped == whole[: whole.index(stop)]


async def test_cancelling_stops_the_model_within_50_ms_and_frees_it(model: WorkerModel) -> None:
    await model.warm()
    pid = model.pid

    async def stopping() -> float:
        heard = asyncio.Event()
        listening = asyncio.create_task(listen(model, heard))
        await asyncio.wait_for(heard.wait(), HANGS)
        started = time.perf_counter()
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening
        # The next answer waits for its turn, so its first piece tells when the model left the last one.
        await text(model.fill(FillRequest("x = ", "\n", max_tokens=1)))
        return time.perf_counter() - started

    assert await quickest(stopping, 0.05) <= 0.05
    assert await text(model.fill(HOLE))
    assert model.pid == pid, "a cancelled request costs no restart"


async def test_requests_wait_for_their_turn(model: WorkerModel) -> None:
    await model.warm()
    alone = await text(model.fill(HOLE))
    together = await asyncio.gather(*(text(model.fill(HOLE)) for _ in range(3)))
    assert together == [alone] * 3


async def test_a_conversation_steps_aside_for_a_fill_and_says_what_it_would_have_said(
    model: WorkerModel,
) -> None:
    question = ChatRequest((Message("user", "Who?"),), max_tokens=400)
    alone = await text(model.chat(question))
    pieces = model.chat(question)
    said = [await anext(pieces)]
    order: list[str] = []

    async def talk() -> None:
        async for piece in pieces:
            said.append(piece)
        order.append("chat")

    talking = asyncio.create_task(talk())
    assert await text(model.fill(HOLE))
    order.append("fill")
    await talking
    assert order == ["fill", "chat"]
    assert "".join(said) == alone


async def test_what_was_read_ahead_is_not_read_again(model: WorkerModel) -> None:
    attempts = itertools.count()

    async def share() -> float:
        """The time the answer took to that of reading."""
        lines = f"x_{next(attempts)} = compute(y)\n" * 60
        request = FillRequest(f"# read ahead\n{lines}", "\n", max_tokens=2)
        started = time.perf_counter()
        await model.prime(request)
        ahead = time.perf_counter() - started
        started = time.perf_counter()
        assert await text(model.fill(request))
        return (time.perf_counter() - started) / ahead

    assert await quickest(share, 1.0) <= 1


async def test_a_place_where_the_cursor_rested_is_answered_sooner(model: WorkerModel, tmp_path: Path) -> None:
    """Through every stage: what is read ahead is, token for token, what is asked for at the first key."""
    config = Inline(speculate=False, max_tokens=4)
    attempts = itertools.count()

    async def share() -> float:
        """The time of the model after a rest to that without one."""
        attempt = next(attempts)
        times: dict[bool, float] = {}
        for ahead in (False, True):
            root = tmp_path / f"{attempt} {ahead}"
            lines = f"value_{attempt}_{ahead} = compute(first, second)\n" * 30
            async with workspace(root, f"{lines}total = <|>\n", models=Router([model], [])) as space:
                if ahead:
                    cursor_at(space.doc, space.at, space.code, config, rest=0.0)
                    await asyncio.wait_for(finished(space.code.memory), HANGS)
                source, at = space.doc.text.source, space.at
                typed = document(f"{source[:at]}v{source[at:]}", root / "main.py", 2)
                await inline(typed, at + 1, space.code, config, manual=True)
                report = ghost_of(space.code.memory, typed.uri).report
                assert report is not None
                times[ahead] = report.milliseconds["model"]
        return times[True] / times[False]

    assert await quickest(share, 0.5) <= 0.5


async def test_a_fill_ends_what_is_read_ahead_and_goes_on_where_it_was(model: WorkerModel) -> None:
    router = Router([model], [])
    request = FillRequest("# to be ended\n" + "x = compute(y)\n" * 100, "\n", max_tokens=1)
    alone = await text(model.fill(request))
    await text(model.fill(HOLE))
    reading = asyncio.create_task(router.prime(request))
    await asyncio.sleep(0)
    assert await text(router.fill(request)) == alone
    assert await reading is False


async def test_an_edit_at_the_cursor_costs_a_fraction_of_the_first_fill(model: WorkerModel) -> None:
    lines = "".join(f"total_{number} = compute(first_{number}, second_{number})\n" for number in range(24))
    attempts = itertools.count()

    async def share() -> float:
        """The time of the fill after the edit to that of the first."""
        attempt = next(attempts)
        times = []
        for prefix in (f"# {attempt}\n{lines}x = ", f"# {attempt}\n{lines}value = 1\nx = "):
            started = time.perf_counter()
            await text(model.fill(FillRequest(prefix, "\ny = 1\n", max_tokens=2)))
            times.append(time.perf_counter() - started)
        return times[1] / times[0]

    assert await quickest(share, 0.35) <= 0.35


async def test_a_killed_process_is_told_and_the_next_request_is_answered(model: WorkerModel) -> None:
    whole = await text(model.fill(HOLE))
    pid = model.pid
    assert pid is not None
    said = ""

    async def listen() -> None:
        nonlocal said
        async for piece in model.fill(LONG):
            if not said:
                os.kill(pid, signal.SIGKILL)
            said += piece

    with pytest.raises(WorkerDied, match=r"The process of the model local ended in the middle of an answer"):
        await asyncio.wait_for(listen(), HANGS)
    assert said
    assert await asyncio.wait_for(text(model.fill(HOLE)), HANGS) == whole
    assert model.pid != pid


async def test_the_router_goes_on_when_a_file_is_damaged(gguf: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.gguf"
    await asyncio.to_thread(lambda: cut.write_bytes(gguf.read_bytes()[:-1000]))
    broken = WorkerModel(spec(cut))
    router = Router([broken, FakeModel("2", name="second")], [])
    assert await text(router.fill(HOLE)) == "2"
    [status, _] = router.statuses()
    assert status.health is Health.UNAVAILABLE
    assert "is damaged (1,000 bytes are missing at its end); download it again." in status.detail

    await asyncio.to_thread(shutil.copy, gguf, cut)
    assert router.statuses()[0].health is Health.READY, "a mended file is tried again"
    assert await text(router.fill(HOLE)) not in ("", "2")
    await router.close()


async def test_a_model_that_is_not_there_says_so_without_a_process(tmp_path: Path) -> None:
    model = WorkerModel(spec(tmp_path / "none.gguf"))
    assert model.status().health is Health.UNAVAILABLE
    with pytest.raises(NotConfigured, match=r"none.gguf does not exist; correct `model`, or download"):
        await text(model.fill(HOLE))
    assert model.pid is None


async def test_a_request_cancelled_while_loading_does_not_stop_the_loading(gguf: Path) -> None:
    model = WorkerModel(spec(gguf))
    assert model.status().health is Health.READY
    assert model.pid is None, "nothing is started before it is needed"
    asking = asyncio.create_task(text(model.fill(HOLE)))
    while model.status().health is not Health.LOADING:  # noqa: ASYNC110  # a status has no event
        await asyncio.sleep(0)
    asking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asking
    assert model.status().health is Health.LOADING
    await model.warm()
    assert model.status().detail.endswith("is loaded.")

    pid = model.pid
    assert pid is not None
    async with asyncio.timeout(HANGS):
        await model.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_model_that_kills_its_process_at_every_load_is_given_up(gguf: Path) -> None:
    model = WorkerModel(spec(gguf))

    async def kill_each() -> None:
        killed = None
        while True:
            if (pid := model.pid) is not None and pid != killed:
                killed = pid
                os.kill(pid, signal.SIGKILL)
            await asyncio.sleep(0.005)

    killing = asyncio.create_task(kill_each())
    for _ in range(3):
        with pytest.raises(WorkerDied, match=r"ended while loading .*; it is being restarted"):
            await text(model.fill(HOLE))
    killing.cancel()
    assert model.status().health is Health.UNAVAILABLE
    assert "ended 3 times while loading" in model.status().detail
    with pytest.raises(NotConfigured, match="ended 3 times"):
        await text(model.fill(HOLE))
    await model.close()


async def test_a_context_too_small_for_anything_is_one_sentence(gguf: Path) -> None:
    model = WorkerModel(spec(gguf, context=8))
    request = ChatRequest((Message("user", "x"),) * 20, max_tokens=4)
    with pytest.raises(ModelError, match=r"context of 8 tokens has no room"):
        await text(model.chat(request))
    await model.close()


async def test_an_engine_that_is_beyond_use_costs_its_process_and_says_so_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Broken:
        context, suffix_first, together = 512, False, False
        control: tuple[str, ...] = ()

        def count(self, prompt: Prompt) -> int:
            return 1

        def generate(self, *_: object) -> Iterator[str]:
            yield "a"
            raise WorkerDied("The GPU gave up (CUDA out of memory); the model is being loaded again.")

    class Server:
        def notify(self, method: str, params: dict[str, object]) -> None: ...

    ended = asyncio.Event()
    monkeypatch.setattr(model_worker.os, "_exit", lambda code: ended.set())
    host = model_worker._Host(Server())  # type: ignore[arg-type]  # a stand-in
    host._engine, host._profile = Broken(), profile_of("llama", "")
    with pytest.raises(WorkerDied, match="The GPU gave up"):
        await host.generate({"stream": 1, "fill": dataclasses.asdict(HOLE)})
    await asyncio.wait_for(ended.wait(), HANGS)
