"""Which model answers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from devflow.models.base import ChatRequest, FillRequest, Health, Message
from devflow.models.errors import (
    KeyRefused,
    ModelError,
    NotAllowed,
    NotConfigured,
    RateLimited,
    Rejected,
    Unreachable,
    Unsendable,
    WorkerDied,
)
from devflow.models.fake import FakeModel
from devflow.models.router import Router, Routing
from devflow.models.routing.health import FIRST_REST
from devflow.models.routing.rules import Assigned, Facts
from devflow.models.streams import Whole
from support.patience import HANGS
from support.routing import HOLE, Clock


def router(*models: FakeModel, clock: Clock | None = None) -> Router:
    return Router(models, models, clock or Clock())


async def answer(router: Router, request: FillRequest = HOLE) -> str:
    return "".join([piece async for piece in router.fill(request)])


async def routed_text(router: Router, request: ChatRequest) -> str:
    return "".join([piece async for piece in router.chat(request)])


async def test_the_first_model_answers() -> None:
    first, second = FakeModel("1", name="first"), FakeModel("2", name="second")
    routed = router(first, second)
    assert await answer(routed) == "1"
    assert not second.requests


async def test_the_next_model_answers_when_the_first_fails_before_a_word() -> None:
    first = FakeModel("1", name="first", failures=[Unreachable("No.")])
    routed = router(first, FakeModel("2", name="second"))
    assert await routed.whole(HOLE) == Whole("2", "second")
    assert first.closed == first.opened == 1


async def test_no_other_model_goes_on_where_one_broke_off() -> None:
    first = FakeModel("1", "1", name="first", failures=[WorkerDied("Died.")], fail_after=1)
    second = FakeModel("2", name="second")
    said: list[str] = []

    async def listen() -> None:
        async for piece in router(first, second).fill(HOLE):
            said.append(piece)

    with pytest.raises(WorkerDied, match=r"Died\."):
        await listen()
    assert said == ["1"]
    assert not second.requests


async def test_an_empty_answer_is_an_answer() -> None:
    second = FakeModel("2", name="second")
    routed = router(FakeModel(name="first"), second)
    assert await answer(routed) == ""
    assert not second.requests


async def test_when_nobody_answers_each_reason_is_told() -> None:
    first = FakeModel(name="local", failures=[WorkerDied("It died.")])
    second = FakeModel(name="openai", failures=[Rejected("Bad key.")])
    with pytest.raises(Rejected) as caught:
        await answer(router(first, second))
    assert str(caught.value) == "No model could answer: local: It died. openai: Bad key."


async def test_a_reason_that_names_its_model_is_told_as_it_is() -> None:
    only = FakeModel(name="cloud", failures=[Rejected("cloud (localhost) refused the API key.")])
    with pytest.raises(Rejected) as caught:
        await answer(router(only))
    assert str(caught.value) == "No model could answer: cloud (localhost) refused the API key."


REVOKED = "far (api.example) refused the API key; put a valid one into KEY."


def told(*models: FakeModel) -> tuple[Router, list[str], Clock]:
    sentences: list[str] = []
    clock = Clock()
    return Router(models, models, clock, routing=Routing(tell=sentences.append)), sentences, clock


async def test_a_revoked_key_is_told_at_the_first_refusal_and_again_only_after_it_worked() -> None:
    far = FakeModel("1", name="far", failures=[KeyRefused(REVOKED)] * 4)
    routed, sentences, clock = told(far, FakeModel("2", name="near"))
    assert await answer(routed) == "2"
    assert sentences == [REVOKED]
    assert routed.statuses()[0].health is Health.FAILING
    for _ in range(3):
        clock.now += 1_000
        assert await answer(routed) == "2"
    assert (len(far.requests), sentences) == (4, [REVOKED])
    clock.now += 1_000
    assert await answer(routed) == "1"
    far.failures.append(KeyRefused(REVOKED))
    assert await answer(routed) == "2"
    assert sentences == [REVOKED] * 2


async def test_a_revoked_key_of_two_models_is_told_once() -> None:
    other = KeyRefused(REVOKED.replace("far", "other"))
    models = FakeModel(name="far", failures=[KeyRefused(REVOKED)]), FakeModel(name="other", failures=[other])
    routed, sentences, _ = told(*models, FakeModel("2", name="near"))
    assert await answer(routed) == "2"
    assert sentences == [REVOKED]


async def test_a_revoked_key_is_told_once_when_the_answer_says_it() -> None:
    routed, sentences, clock = told(FakeModel(name="far", failures=[KeyRefused(REVOKED)] * 2))
    with pytest.raises(KeyRefused, match="refused the API key"):
        await routed_text(routed, ChatRequest((Message("user", "?"),)))
    clock.now += 1_000
    with pytest.raises(KeyRefused, match="refused the API key"):
        await answer(routed)
    assert sentences == []


async def test_a_revoked_key_is_told_though_another_question_fails_meanwhile() -> None:
    class Waiting(FakeModel):
        go = asyncio.Event()

        async def _stream(self, request: FillRequest | ChatRequest) -> AsyncIterator[str]:
            self.begun.set()
            await self.go.wait()
            yield "2"

    near = Waiting(name="near")
    broken = FakeModel(name="broken", failures=[Rejected("broken cannot.")])
    sentences: list[str] = []
    routing = Routing(tell=sentences.append)
    far = FakeModel("1", name="far", failures=[KeyRefused(REVOKED)])
    routed = Router((far, near), (broken,), Clock(), routing=routing)
    asked = asyncio.create_task(answer(routed))
    await near.begun.wait()
    with pytest.raises(Rejected):
        await routed_text(routed, ChatRequest((Message("user", "?"),)))
    near.go.set()
    assert await asked == "2"
    assert sentences == [REVOKED]


async def test_ghost_text_that_does_not_come_for_a_revoked_key_is_told() -> None:
    routed, sentences, _ = told(FakeModel(name="far", failures=[KeyRefused(REVOKED)]))
    with pytest.raises(KeyRefused):
        await answer(routed)
    assert sentences == [REVOKED]


async def test_without_models_the_user_is_told_to_configure_one() -> None:
    with pytest.raises(NotConfigured, match=r"No model is configured for fill; add one"):
        await answer(router())


async def test_a_model_that_keeps_failing_is_left_alone_for_a_growing_time() -> None:
    clock = Clock()
    first = FakeModel("1", name="first", failures=[Unreachable("No.")] * 5)
    routed = router(first, FakeModel("2", name="second"), clock=clock)
    for _ in range(5):
        assert await answer(routed) == "2"
    assert len(first.requests) == 3
    [status, _] = routed.statuses()
    assert status.health is Health.FAILING
    assert status.detail == "No. It is tried again in 5 s."
    clock.now += FIRST_REST + 0.1
    assert await answer(routed) == "2"
    assert len(first.requests) == 4
    clock.now += FIRST_REST + 0.1
    assert await answer(routed) == "2"
    assert len(first.requests) == 4, "the second rest is longer"
    clock.now += FIRST_REST
    assert await answer(routed) == "2"
    clock.now += 1000
    assert await answer(routed) == "1"
    assert routed.statuses()[0].health is Health.READY


async def test_a_rate_limited_model_rests_as_long_as_it_asked() -> None:
    clock = Clock()
    first = FakeModel("1", name="first", failures=[RateLimited("Slow down.", retry_after=30)])
    routed = router(first, clock=clock)
    with pytest.raises(RateLimited) as caught:
        await answer(routed)
    assert caught.value.retry_after == 30
    clock.now = 29
    with pytest.raises(ModelError, match=r"first: Slow down\."):
        await answer(routed)
    clock.now = 31
    assert await answer(routed) == "1"


async def test_a_file_that_may_not_be_sent_does_not_make_the_model_fail() -> None:
    first = FakeModel("1", name="first", failures=[NotAllowed("Never sent.")] * 4)
    routed = router(first)
    for _ in range(4):
        with pytest.raises(NotAllowed):
            await answer(routed)
    assert await answer(routed) == "1"


async def test_a_request_that_cannot_be_written_down_does_not_make_the_model_fail() -> None:
    first = FakeModel("1", name="first", failures=[Unsendable("No UTF-8.")] * 4)
    routed = router(first)
    for _ in range(4):
        with pytest.raises(ModelError):
            await answer(routed)
    assert routed.statuses()[0].health is Health.READY
    assert await answer(routed) == "1"


async def test_a_ready_model_goes_before_one_that_is_loading() -> None:
    loading = FakeModel("1", name="loading", health=Health.LOADING)
    routed = router(loading, FakeModel("2", name="ready"))
    assert await answer(routed) == "2"
    assert await answer(router(loading)) == "1"


async def test_has_counts_models_that_could_answer() -> None:
    assert not router().has("fill")
    assert not router(FakeModel(health=Health.UNAVAILABLE)).has("fill")
    assert router(FakeModel(health=Health.LOADING)).has("chat")


async def test_cancelling_closes_the_model_s_stream() -> None:
    model = FakeModel("1", "2", delay=30)
    pending = asyncio.create_task(answer(router(model)))
    await model.begun.wait()
    pending.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await pending
    assert model.closed == 1
    assert router(model).statuses()[0].health is Health.READY


async def test_leaving_the_stream_early_closes_the_model_s_stream() -> None:
    model = FakeModel("1", "2")
    pieces = router(model).chat(ChatRequest((Message("user", "?"),)))
    assert await anext(pieces) == "1"
    await pieces.aclose()
    assert model.closed == 1


async def test_an_engine_s_bug_is_logged_and_the_next_model_answers(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(FakeModel):
        def fill(self, request: FillRequest):  # type: ignore[no-untyped-def]
            raise_in_stream = FakeModel("x", failures=[KeyError("bug")])  # type: ignore[list-item]
            return raise_in_stream.fill(request)

    assert await answer(router(Broken(name="broken"), FakeModel("2"))) == "2"
    assert "the model broken failed in a way it should not" in caplog.text


async def test_warming_loads_the_first_usable_model_and_failing_is_no_error() -> None:
    class Slow(FakeModel):
        warmed = 0

        async def warm(self) -> None:
            self.warmed += 1
            raise WorkerDied("Died.")

    gone, first, second = Slow(health=Health.UNAVAILABLE), Slow(name="first"), Slow(name="second")
    await router(gone, first, second).warm()
    await router(FakeModel()).warm()
    assert (gone.warmed, first.warmed, second.warmed) == (0, 1, 0), "once, whatever its tasks"


async def test_closing_closes_each_model_once() -> None:
    model = FakeModel()
    routed = router(model)
    await routed.close()
    assert model.shut
    assert len(routed.statuses()) == 1


async def test_each_task_has_its_models() -> None:
    talker, reviewer = FakeModel("chat", name="talker"), FakeModel("review", name="reviewer")
    router = Router([], [talker], by_task={"review": [reviewer]})
    question = (Message("user", "?"),)
    assert await routed_text(router, ChatRequest(question)) == "chat"
    assert await routed_text(router, ChatRequest(question, task="explain")) == "chat"
    assert await routed_text(router, ChatRequest(question, task="review")) == "review"
    assert router.has("review")
    assert not router.has("embed")


async def test_text_of_a_file_that_is_kept_back_goes_to_a_local_model_only() -> None:
    cloud, home = FakeModel("cloud", name="cloud", remote=True), FakeModel("home", name="home")
    routing = Routing(kept_back=lambda path: path == ".env")
    router = Router([cloud, home], [], routing=routing)
    assert await answer(router, replace(HOLE, path=".env")) == "home"
    assert await answer(router, replace(HOLE, path="a.py")) == "cloud"
    with pytest.raises(NotAllowed, match="never leaves this machine"):
        await answer(Router([cloud], [], routing=routing), replace(HOLE, context_paths=(".env",)))
    assert len(cloud.requests) == 1


async def test_an_experiment_gives_a_file_its_model() -> None:
    one, two = FakeModel("1", name="one"), FakeModel("2", name="two")
    given = {"a.py": "two"}
    routing = Routing(assigned=lambda task, language, unit: Assigned("e", given.get(unit, "")))
    router = Router([one, two], [], routing=routing)
    assert await answer(router, replace(HOLE, path="a.py")) == "2"
    assert await answer(router, replace(HOLE, path="b.py")) == "1"


# Reading ahead


async def test_only_the_model_that_would_be_asked_reads_ahead() -> None:
    first, second = FakeModel("1", name="first"), FakeModel("2", name="second", reads_ahead=True)
    assert not router(first, second).reads_ahead("python")
    assert not await router(first, second).prime(HOLE)
    assert not second.requests
    assert router(second, first).reads_ahead("python")
    assert await router(second, first).prime(HOLE)
    assert second.requests == [replace(HOLE, ahead=True)]


async def test_no_model_elsewhere_reads_ahead() -> None:
    remote = FakeModel("1", remote=True, reads_ahead=True)
    assert not await router(remote).prime(HOLE)
    assert not remote.requests


async def test_path_rules_say_who_reads_ahead_as_who_is_asked() -> None:
    remote = FakeModel("1", name="remote", remote=True, reads_ahead=True)
    local = FakeModel("2", name="local", reads_ahead=True)
    facts = {"remote": Facts("remote", True), "local": Facts("local", False)}
    routed = Router([remote, local], [], routing=Routing(facts, kept_back=lambda path: path == "secret.py"))
    assert not await routed.prime(replace(HOLE, path="open.py"))
    assert await routed.prime(replace(HOLE, path="open.py", context_paths=("secret.py",)))
    assert not remote.requests
    assert len(local.requests) == 1


async def test_a_request_ends_what_is_read_ahead_and_is_answered() -> None:
    model = FakeModel("1", delay=60, reads_ahead=True)
    routed = router(model)
    reading = asyncio.create_task(routed.prime(HOLE))
    await asyncio.wait_for(model.begun.wait(), HANGS)
    model.delay = 0
    assert await answer(routed) == "1"
    assert await reading is False
    assert model.opened == model.closed == 2


async def test_nothing_is_read_ahead_beside_a_conversation() -> None:
    model = FakeModel("1", delay=60, reads_ahead=True)
    routed = router(model)
    talk = asyncio.create_task(routed.whole(ChatRequest((Message("user", "Hi"),))))
    await asyncio.wait_for(model.begun.wait(), HANGS)
    model.delay = 0
    assert not await routed.prime(HOLE)
    talk.cancel()
    await asyncio.wait([talk])
    assert await routed.prime(HOLE)


async def test_a_model_that_failed_to_read_ahead_is_not_troubled_again_until_it_has_answered() -> None:
    model = FakeModel("1", failures=[Unreachable("No.")], reads_ahead=True)
    routed = router(model)
    with pytest.raises(Unreachable):
        await routed.prime(HOLE)
    assert not await routed.prime(HOLE)
    assert await answer(routed) == "1"
    assert await routed.prime(HOLE)


class Broken(FakeModel):
    """Has a bug."""

    async def _stream(self, request: FillRequest | ChatRequest) -> AsyncIterator[str]:
        self.requests.append(request)
        raise KeyError("bug")
        yield ""


async def test_a_bug_here_is_logged_and_opens_no_breaker(caplog: pytest.LogCaptureFixture) -> None:
    broken, second = Broken(name="broken"), FakeModel("2", name="second")
    routed = router(broken, second)
    for _ in range(10):
        assert await answer(routed) == "2"
    assert len(broken.requests) == 10
    assert all(status.health is Health.READY for status in routed.statuses())
    assert "the model broken failed in a way it should not" in caplog.text
