"""Prices, budgets and the ledger: what may be spent, and what was."""

from __future__ import annotations

import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from devflow.models.errors import OverBudget
from devflow.models.guard.accounting import LEDGER
from devflow.models.guard.books import Budget, Price, start_of_day, start_of_month
from devflow.models.guard.ledger import RESERVED_FOR, Busy, Call, Ledger, LedgerUnusable
from devflow.models.guard.prices import list_price

NOON = 1_760_011_200.0  # 2025-10-09 12:00 UTC


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "state" / LEDGER)


def call(cost: float = 1.0, at: float = NOON, **values: object) -> Call:
    return Call("c", at, "chat", "m", cost=cost, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize("price", [-1.0, math.nan, math.inf])
def test_a_price_that_is_none_is_refused(price: float) -> None:
    with pytest.raises(ValueError, match="no price"):
        Price(price, 1.0)
    with pytest.raises(ValueError, match="no limit"):
        Budget(day=price)


def test_tokens_from_the_provider_s_cache_have_their_own_price() -> None:
    assert Price(3.0, 15.0, 0.3).of(1_000_000, 0, 500_000) == pytest.approx(1.65)
    assert Price(3.0, 15.0).of(1_000_000, 1_000_000, 9_999_999) == pytest.approx(18.0)
    assert Price(3.0, 15.0).of(-5, -5) == 0.0


def test_known_models_have_a_list_price_and_others_none() -> None:
    assert list_price("gpt-4o-mini-2024-07-18") == Price(0.15, 0.6, 0.075)
    assert list_price("anthropic/claude-sonnet-4-5") == Price(3, 15, 0.3)
    assert list_price("my-own-model") is None


def test_days_and_months_begin_where_utc_s_do() -> None:
    assert start_of_day(NOON) == NOON - 12 * 3600
    assert start_of_month(NOON) == NOON - 12 * 3600 - 8 * 86_400


def test_a_limit_that_is_reached_refuses_what_would_pass_it(ledger: Ledger) -> None:
    budget = Budget(day=2.0)
    ledger.settle(ledger.reserve(1.5, budget, "w", NOON), call(1.5))
    assert ledger.reserve(0.5, budget, "w", NOON).amount == 0.5
    with pytest.raises(OverBudget, match="budget for today"):
        ledger.reserve(0.6, budget, "w", NOON)
    assert ledger.reserve(2.0, budget, "w", NOON + 86_400).amount == 2.0


def test_a_workspace_s_limit_is_its_own(ledger: Ledger) -> None:
    budget = Budget(workspace_month=1.0)
    ledger.settle(None, call(1.0, workspace="one"))
    with pytest.raises(OverBudget, match="this workspace"):
        ledger.reserve(0.1, budget, "one", NOON)
    assert ledger.reserve(0.1, budget, "two", NOON)


def test_money_that_running_calls_have_is_busy_and_not_spent(ledger: Ledger) -> None:
    budget = Budget(day=1.0)
    first = ledger.reserve(0.9, budget, "", NOON)
    with pytest.raises(Busy):
        ledger.reserve(0.9, budget, "", NOON)
    ledger.settle(first, call(0.05))
    assert ledger.reserve(0.9, budget, "", NOON)


def test_from_a_share_of_the_budget_on_there_is_a_warning(ledger: Ledger) -> None:
    budget = Budget(day=1.0)
    first = ledger.reserve(0.85, budget, "", NOON)
    assert first.warning == ""
    ledger.settle(first, call(0.85))
    assert "80% of the budget for today" in ledger.reserve(0.01, budget, "", NOON).warning


def test_each_period_and_each_limit_has_its_own_warning(ledger: Ledger) -> None:
    def news(limit: float, now: float) -> tuple[str, ...]:
        return ledger.reserve(0.0, Budget(day=limit, month=1_000.0), "w", now, tells=True).news

    ledger.settle(None, call(0.9))
    assert [len(news(1.0, NOON)), len(news(1.0, NOON + 60))] == [1, 0]
    ledger.settle(None, call(0.1))
    assert len(news(1.2, NOON + 120)) == 1, "the limit was raised, and is nearly reached again"
    ledger.settle(None, call(0.9, NOON + 86_400))
    assert [len(news(1.0, NOON + 86_400)), len(news(1.0, NOON + 86_500))] == [1, 0]


def test_setting_the_clock_back_frees_no_money(ledger: Ledger) -> None:
    ledger.settle(None, call(1.0))
    for earlier in (3600.0, 86_400.0, 400 * 86_400.0):
        with pytest.raises(OverBudget):
            ledger.reserve(0.1, Budget(day=1.0), "", NOON - earlier)


def test_what_a_process_reserved_before_it_died_counts_as_spent(ledger: Ledger) -> None:
    ledger.reserve(0.9, Budget(day=1.0), "", NOON)
    with pytest.raises(OverBudget):
        ledger.reserve(0.2, Budget(day=1.0), "", NOON + RESERVED_FOR + 1)


def test_a_file_that_is_no_ledger_is_put_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / LEDGER
    path.write_bytes(b"not a database at all, " * 100)
    ledger = Ledger(path)
    ledger.settle(None, call(1.0))
    assert ledger.spent(0.0) == 1.0
    assert (tmp_path / f"{LEDGER}.damaged").exists()
    assert "damaged" in caplog.text


def test_a_damaged_ledger_frees_no_money_before_the_next_period(tmp_path: Path) -> None:
    path = tmp_path / LEDGER
    for name in (f"{LEDGER}.damaged", f"{LEDGER}.damaged2"):
        path.write_bytes(b"not a database at all, " * 100)
        ledger = Ledger(path)
        assert (tmp_path / name).read_bytes() == b"not a database at all, " * 100
        ledger.close()
    ledger = Ledger(path)
    now = time.time()
    for _ in range(2):  # also when it is opened again
        with pytest.raises(LedgerUnusable, match="delete that file to begin at nothing"):
            ledger.reserve(0.1, Budget(month=100.0), "", now)
        ledger.close()
        ledger = Ledger(path)
    assert ledger.reserve(0.1, Budget(month=100.0), "", now + 40 * 86_400)
    assert ledger.reserve(0.1, Budget(), "", now)
    ledger.close()
    path.unlink()
    assert Ledger(path).reserve(0.1, Budget(month=100.0), "", now)


def test_fifty_threads_of_two_connections_do_not_overspend(tmp_path: Path) -> None:
    ledgers = [Ledger(tmp_path / LEDGER) for _ in range(2)]
    budget = Budget(day=1.0)
    start = threading.Barrier(50)

    def one(number: int) -> bool:
        start.wait()
        try:
            reserved = ledgers[number % 2].reserve(0.06, budget, "", NOON)
        except (OverBudget, Busy):
            return False
        ledgers[number % 2].settle(reserved, call(0.06))
        return True

    with ThreadPoolExecutor(50) as pool:
        passed = sum(pool.map(one, range(50)))
    assert ledgers[0].spent(0.0) <= 1.0
    assert 1 <= passed <= 16


def test_what_is_written_is_read_back(ledger: Ledger) -> None:
    counted = (10, 2, 3, True, 0.5, 0.1, 0.2, 0.3)
    written = Call("c-1", NOON, "explain", "m", "h", "python", "/w", "u", *counted, "exact", 0.7)
    ledger.settle(None, written)
    ledger.settle(None, call(at=NOON + 1, workspace="/other"))
    assert ledger.calls()[0] == written
    assert [each.workspace for each in ledger.calls(workspace="/other")] == ["/other"]
    assert ledger.calls(NOON + 2) == []
