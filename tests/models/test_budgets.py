"""What a budget lets out, and what is said when it does not."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from devflow.models.base import Health
from devflow.models.engines.openai import OpenAIModel
from devflow.models.engines.remote import Server
from devflow.models.errors import NotAllowed, OverBudget, RateLimited
from devflow.models.fake import FakeModel
from devflow.models.guard.accounting import AUDIT, LEDGER
from devflow.models.guard.books import Books, Budget, Price, Rates
from devflow.models.guard.counted import Counted
from devflow.models.outbound import Outbound
from support.books import REMOTE, Provider, chat, guard, said


@pytest.mark.parametrize("day", [0.5, 3.1, 10.0])
async def test_fifty_calls_at_once_do_not_overspend(tmp_path: Path, day: float) -> None:
    guarded = guard(tmp_path, budget=Budget(day=day))
    provider = Provider()
    answers = await asyncio.gather(
        *(said(guarded.chat("m", REMOTE, chat(), provider)) for _ in range(50)), return_exceptions=True
    )
    assert all(answer == "an answer" or isinstance(answer, OverBudget) for answer in answers)
    spent = guarded.accounts.ledger().spent(0.0)  # type: ignore[union-attr]
    assert spent <= day
    assert len(provider.asked) == sum(answer == "an answer" for answer in answers)
    if day > 2:  # nor is money left over that would have covered a call at its highest
        assert day - spent < 2


async def test_a_request_dearer_than_one_may_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OverBudget, match=r"models\.budget\.request"):
        await said(guard(tmp_path, budget=Budget(request=0.5)).chat("m", REMOTE, chat(), Provider()))


async def test_stop_is_final_and_downgrade_is_not(tmp_path: Path) -> None:
    for when, final in (("stop", True), ("downgrade", False)):
        guarded = guard(tmp_path, budget=Budget(day=0.0, when_spent=when))  # type: ignore[arg-type]
        with pytest.raises(OverBudget) as caught:
            await said(guarded.chat("m", REMOTE, chat(), Provider()))
        assert caught.value.final is final


async def test_a_model_without_a_price_is_not_asked_under_a_budget(tmp_path: Path) -> None:
    guarded = Outbound(False, books=Books(folder=str(tmp_path), budget=Budget(day=1.0)))
    with pytest.raises(NotAllowed, match="has no price"):
        await said(guarded.chat("unknown", REMOTE, chat(), Provider()))


async def test_a_model_that_the_budget_refuses_says_so_until_it_is_let_again(tmp_path: Path) -> None:
    budget = Budget(day=5.0)
    guarded = guard(tmp_path, budget=budget)
    model = OpenAIModel(Server("m", "m-1", REMOTE, "k"), guarded)
    assert not model.status().refused
    with pytest.raises(OverBudget):
        await said(guarded.chat("m", REMOTE, chat("x" * 50_000), Provider()))
    assert model.status().refused
    assert "The budget for today" in model.status().detail
    assert model.status().health is Health.READY
    await said(guarded.chat("m", REMOTE, chat(), Provider()))
    assert not model.status().refused


async def test_a_budget_that_cannot_be_kept_lets_nothing_out(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    nowhere = Outbound(False, books=Books(budget=Budget(day=1.0), prices={"m": Price(1.0, 1.0)}))
    for guarded in (guard(tmp_path / "state", budget=Budget(day=1.0)), nowhere):
        with pytest.raises(NotAllowed):
            await said(guarded.chat("m", REMOTE, chat(), Provider()))
    await said(guard(tmp_path / "state").chat("m", REMOTE, chat(), Provider()))  # without a budget it goes on


async def test_why_a_budget_cannot_be_kept_is_said(tmp_path: Path) -> None:
    (tmp_path / LEDGER).mkdir()
    unkept = Outbound(False, books=Books(budget=Budget(day=1.0), prices={"m": Price(1.0, 1.0)}))
    for guarded, why in (
        (guard(tmp_path, budget=Budget(day=1.0)), f"{LEDGER} cannot be used"),
        (unkept, r"models\.ledger = false"),
    ):
        with pytest.raises(NotAllowed, match=f"{why}.* A budget is set, so nothing is sent"):
            await said(guarded.chat("m", REMOTE, chat(), Provider()))


async def test_a_limit_gives_the_money_back(tmp_path: Path) -> None:
    guarded = guard(tmp_path, budget=Budget(day=10.0), rates=Rates(provider_requests=1))
    await said(guarded.chat("m", REMOTE, chat(), Provider()))
    with pytest.raises(RateLimited):
        await said(guarded.chat("m", REMOTE, chat(), Provider()))
    [reserved] = sqlite3.connect(tmp_path / LEDGER).execute("SELECT COUNT(*) FROM reservations").fetchone()
    assert reserved == 0


async def test_asking_what_a_budget_lets_out_takes_no_room_of_a_rate_limit(tmp_path: Path) -> None:
    guarded = guard(tmp_path, budget=Budget(day=10.0), rates=Rates(provider_requests=1))
    for _ in range(3):
        assert guarded.refusal("m", REMOTE, chat()) == ""
    assert await said(guarded.chat("m", REMOTE, chat(), Provider())) == "an answer"
    assert guarded.refusal("m", REMOTE, chat()) == "", "it tells of the budget"


@pytest.mark.parametrize("way", ["loopback", "native"])
async def test_a_model_on_this_machine_costs_what_the_user_says_it_does(way: str, tmp_path: Path) -> None:
    guarded = guard(tmp_path, budget=Budget(day=0.7))
    model = Counted(FakeModel("an answer", name="m"), guarded.accounts)

    def asked() -> AsyncIterator[str]:
        if way == "native":
            return model.chat(chat())
        return guarded.chat("m", "http://127.0.0.1:8080/v1", chat(), Provider())

    with pytest.raises(OverBudget):  # 100 tokens of an answer cost 1
        await said(asked())
    guarded = guard(tmp_path, budget=Budget(day=70.0))
    model = Counted(FakeModel("an answer", name="m"), guarded.accounts)
    await said(asked())
    refused, answered = guarded.accounts.ledger().calls()  # type: ignore[union-attr]
    assert (refused.outcome, refused.cost) == ("refused", 0.0)
    assert (answered.outcome, answered.host) == ("answered", "")
    assert answered.cost > 0
    assert not (tmp_path / AUDIT).exists(), "nothing left this machine"


async def test_the_warning_is_logged_once_and_shown_with_the_model(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    guarded = guard(tmp_path, budget=Budget(day=5.0, warn_at=0.1))
    for _ in range(3):
        await said(guarded.chat("m", REMOTE, chat(), Provider()))
    assert caplog.text.count("of the budget for today") == 1
    assert guarded.accounts.warning.startswith("10% of the budget for today (5.00)")


async def test_the_user_is_told_once_a_period_whatever_process_spends(tmp_path: Path) -> None:
    told: list[str] = []
    silent, first, second = (guard(tmp_path, budget=Budget(day=5.0, warn_at=0.1)) for _ in range(3))
    first.accounts.tell = second.accounts.tell = told.append
    for guarded in (silent, silent, first, first, second, silent):
        await said(guarded.chat("m", REMOTE, chat(), Provider()))
    assert told == ["10% of the budget for today (5.00) is spent."]
