"""Money, limits and books: what may be spent, what was, and the log of what left."""

from __future__ import annotations

import asyncio
import json
import math
import resource
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from devflow.models.base import ChatRequest, FillRequest, Health, Message, Meter
from devflow.models.engines.openai import OpenAIModel
from devflow.models.engines.remote import Server
from devflow.models.errors import NotAllowed, OverBudget, RateLimited, Unreachable
from devflow.models.fake import FakeModel
from devflow.models.guard.accounting import AUDIT, LEDGER, Accounts, Sent
from devflow.models.guard.audit import AuditLog, verify
from devflow.models.guard.books import Books, Budget, Price, Rates, books_from, start_of_day, start_of_month
from devflow.models.guard.counted import Counted
from devflow.models.guard.ledger import RESERVED_FOR, Busy, Call, Ledger, LedgerUnusable
from devflow.models.guard.limits import Limiter, TokenBucket
from devflow.models.guard.prices import list_price
from devflow.models.guard.traces import Traces
from devflow.models.outbound import Outbound

NOON = 1_760_011_200.0  # 2025-10-09 12:00 UTC
REMOTE = "https://api.example.com/v1"
TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"


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


def test_the_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    accounts = Accounts(Books(folder=str(tmp_path / "state")))
    entry = accounts.entry(sent())
    accounts.begin(entry)
    accounts.end(entry, "answered")
    for name in (LEDGER, f"{LEDGER}-wal", AUDIT):
        assert stat.S_IMODE((tmp_path / "state" / name).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    accounts.close()


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


def test_a_bucket_lets_bursts_pass_and_holds_the_average() -> None:
    bucket = TokenBucket(60, at=0.0)
    for _ in range(60):
        assert bucket.wait(1, 0.0) == 0
        bucket.take(1)
    assert bucket.wait(1, 0.0) == pytest.approx(1.0)
    assert bucket.wait(1, 1.0) == 0
    assert bucket.wait(500, 1e9) == 0  # more than a bucket holds passes when it is full


def test_providers_and_the_user_have_limits_of_their_own() -> None:
    now = [0.0]
    limiter = Limiter(Rates(provider_requests=1, user_requests=2), clock=lambda: now[0])
    limiter.take("a", "u", 10)
    with pytest.raises(RateLimited, match="for a is reached") as caught:
        limiter.take("a", "u", 10)
    assert caught.value.retry_after == pytest.approx(60.0)
    limiter.take("b", "u", 10)
    with pytest.raises(RateLimited, match="Your limit of 2 requests a minute is"):
        limiter.take("c", "u", 10)
    now[0] = 60.0
    limiter.take("a", "u", 10)


# The audit log


def entries(path: Path, count: int) -> AuditLog:
    log = AuditLog(path)
    for number in range(count):
        log.append({"id": f"c-{number}", "to": "api.example.com", "why": "éxplain"})
    return log


def test_an_untouched_log_is_whole(tmp_path: Path) -> None:
    log = entries(tmp_path / AUDIT, 3)
    other = AuditLog(tmp_path / AUDIT)  # another process
    head = other.append({"id": "c-3"})
    assert log.append({"id": "c-4"}) != head
    verdict = verify(tmp_path / AUDIT, head)
    assert verdict.whole
    assert verdict.lines == 5
    assert verify(tmp_path / "none").whole


def changed(lines: list[bytes]) -> list[bytes]:
    return [lines[0], lines[1].replace(b"c-1", b"c-9"), *lines[2:]]


def removed(lines: list[bytes]) -> list[bytes]:
    return [lines[0], *lines[2:]]


def swapped(lines: list[bytes]) -> list[bytes]:
    return [lines[0], lines[2], lines[1], *lines[3:]]


def garbage(lines: list[bytes]) -> list[bytes]:
    return [lines[0], b"\xff\x00 not JSON\n", *lines[1:]]


def rehashed(lines: list[bytes]) -> list[bytes]:
    body = json.loads(lines[1]) | {"to": "elsewhere"}
    return [lines[0], json.dumps(body).encode() + b"\n", *lines[2:]]


@pytest.mark.parametrize("harm", [changed, removed, swapped, garbage, rehashed])
def test_the_first_line_that_is_not_as_it_was_written_is_named(tmp_path: Path, harm: object) -> None:
    path = tmp_path / AUDIT
    entries(path, 4)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(harm(lines)))  # type: ignore[operator]
    verdict = verify(path)
    assert (verdict.broken, verdict.lines) == (2, 1)
    assert verdict.why


def test_lines_missing_at_the_end_are_seen_by_what_the_ledger_remembers(tmp_path: Path) -> None:
    path = tmp_path / AUDIT
    entries(path, 3)
    head = verify(path).head
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))
    assert verify(path).whole
    assert verify(path, head).broken == 3
    path.unlink()
    assert verify(path, head).broken == 1


def test_what_a_writer_that_died_left_of_its_line_is_cut(tmp_path: Path) -> None:
    path = tmp_path / AUDIT
    entries(path, 2)
    with path.open("ab") as file:
        file.write(b'{"id": "c-2", "pr' + b"x" * 100_000)
    assert verify(path).broken == 3
    verdict = verify(path, AuditLog(path).append({"id": "c-3"}))
    assert (verdict.whole, verdict.lines) == (True, 3)


def test_processes_that_write_at_the_same_time_keep_one_chain(tmp_path: Path) -> None:
    path = tmp_path / AUDIT
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from devflow.models.guard.audit import AuditLog\n"
        "log = AuditLog(Path(sys.argv[1]))\n"
        "sys.stdin.read(1)\n"
        "for number in range(200): log.append({'id': sys.argv[2], 'number': number})\n"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", code, str(path), name], stdin=subprocess.PIPE)
        for name in "ab"
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.close()
    assert [writer.wait(30) for writer in writers] == [0, 0]
    verdict = verify(path)
    assert (verdict.whole, verdict.lines) == (True, 400)


def test_a_full_disk_does_not_break_the_chain(tmp_path: Path) -> None:
    path = tmp_path / AUDIT
    log = entries(path, 2)
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:  # the system then writes ten bytes of the line, and after those none
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 10, limits[1]))
        with pytest.raises(OSError, match="No space left"):
            log.append({"id": "c-2"})
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before), limits[1]))
        with pytest.raises(OSError, match="too large"):
            log.append({"id": "c-2"})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    verdict = verify(path, log.append({"id": "c-2"}))
    assert (verdict.whole, verdict.lines) == (True, 3)


# Through the guard


def sent(**values: object) -> Sent:
    return Sent("chat", "m", "m", "h", 400, 400, 1, 100, **values)  # type: ignore[arg-type]


class Provider:
    """Answers, and says what it used."""

    def __init__(self, read: int = 100, written: int = 50) -> None:
        self.used = (read, written)
        self.asked: list[ChatRequest | FillRequest] = []
        self.most = self.now = 0

    async def __call__(self, request: ChatRequest | FillRequest, meter: Meter) -> AsyncIterator[str]:
        self.asked.append(request)
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0)
        yield "an "
        yield "answer"
        meter.read, meter.written = self.used
        self.now -= 1


def chat(text: str = "why?", **values: object) -> ChatRequest:
    return ChatRequest((Message("user", text),), max_tokens=100, **values)  # type: ignore[arg-type]


def guard(folder: Path, **books: object) -> Outbound:
    prices = {"m": Price(1_000.0, 10_000.0)}
    return Outbound(False, books=Books(folder=str(folder), prices=prices, **books))  # type: ignore[arg-type]


async def said(pieces: AsyncIterator[str]) -> str:
    return "".join([piece async for piece in pieces])


async def test_a_call_is_written_down_with_what_it_used(tmp_path: Path) -> None:
    guarded = guard(tmp_path, workspace="/w", user="u")
    asked = chat(f"key = '{TOKEN}'", task="explain", language="python", paths=("a.py",))
    assert await said(guarded.chat("m", REMOTE, asked, Provider(), model="big-1")) == "an answer"
    [call] = guarded.accounts.ledger().calls()  # type: ignore[union-attr]
    assert (call.feature, call.model, call.host, call.language) == (
        "explain",
        "m",
        "api.example.com",
        "python",
    )
    assert (call.read, call.written, call.counted, call.outcome) == (100, 50, True, "answered")
    assert call.cost == pytest.approx(0.6)
    assert 0 < call.first <= call.total
    [line] = (tmp_path / AUDIT).read_text("utf-8").splitlines()
    audited = json.loads(line)
    assert audited["files"] == ["a.py"]
    assert audited["redacted"] == {"SECRET": 1}
    assert audited["id"] == call.id
    assert TOKEN not in line
    assert "content" not in audited
    assert verify(tmp_path / AUDIT, guarded.accounts.ledger().noted("audit")).whole  # type: ignore[union-attr]


async def test_content_is_audited_only_when_asked_and_without_its_secrets(tmp_path: Path) -> None:
    guarded = guard(tmp_path, keep_content=True)
    await said(guarded.chat("m", REMOTE, chat(f"the key is '{TOKEN}'"), Provider()))
    line = (tmp_path / AUDIT).read_text("utf-8")
    assert "the key is 'DEVFLOW_SECRET_1_'" in line
    assert TOKEN not in line


async def test_what_policy_refuses_is_audited_and_costs_nothing(tmp_path: Path) -> None:
    guarded = Outbound(True, books=Books(folder=str(tmp_path)))
    with pytest.raises(NotAllowed):
        await said(guarded.chat("m", REMOTE, chat(), Provider()))
    assert json.loads((tmp_path / AUDIT).read_text("utf-8"))["outcome"] == "refused"
    assert guarded.accounts.ledger().spent(0.0) == 0  # type: ignore[union-attr]


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


async def test_a_limit_gives_the_money_back(tmp_path: Path) -> None:
    guarded = guard(tmp_path, budget=Budget(day=10.0), rates=Rates(provider_requests=1))
    await said(guarded.chat("m", REMOTE, chat(), Provider()))
    with pytest.raises(RateLimited):
        await said(guarded.chat("m", REMOTE, chat(), Provider()))
    [reserved] = sqlite3.connect(tmp_path / LEDGER).execute("SELECT COUNT(*) FROM reservations").fetchone()
    assert reserved == 0


async def test_a_cancelled_call_is_settled_with_what_was_heard(tmp_path: Path) -> None:
    guarded = guard(tmp_path)
    pieces = guarded.chat("m", REMOTE, chat(), Provider())
    assert await anext(pieces) == "an "
    await pieces.aclose()  # type: ignore[attr-defined]
    [call] = guarded.accounts.ledger().calls()  # type: ignore[union-attr]
    assert (call.outcome, call.counted) == ("cancelled", False)
    assert call.cost > 0


async def test_a_call_that_fails_before_it_says_anything_costs_nothing(tmp_path: Path) -> None:
    async def broken(request: ChatRequest, meter: Meter) -> AsyncIterator[str]:
        raise Unreachable("It is down.")
        yield ""

    guarded = guard(tmp_path)
    with pytest.raises(Unreachable):
        await said(guarded.chat("m", REMOTE, chat(), broken))
    [call] = guarded.accounts.ledger().calls()  # type: ignore[union-attr]
    assert (call.outcome, call.cost) == ("failed", 0.0)


async def test_a_call_on_this_machine_is_free_and_not_audited(tmp_path: Path) -> None:
    guarded = guard(tmp_path, budget=Budget(day=0.0))
    await said(guarded.chat("m", "http://127.0.0.1:1/v1", chat(), Provider()))
    [call] = guarded.accounts.ledger().calls()  # type: ignore[union-attr]
    assert (call.host, call.cost, call.read) == ("", 0.0, 100)
    assert not (tmp_path / AUDIT).exists()


def test_nothing_is_written_where_no_books_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    asyncio.run(said(Outbound(False).chat("m", REMOTE, chat(), Provider())))
    assert list(tmp_path.iterdir()) == []


def test_books_cross_to_another_process_as_json() -> None:
    from dataclasses import asdict

    books = Books(folder="/f", budget=Budget(day=1.0), rates=Rates(3), prices={"m": Price(1, 2, 0.5)})
    assert books_from(json.loads(json.dumps(asdict(books)))) == books


async def test_metrics_are_written_without_text(tmp_path: Path) -> None:
    guarded = guard(tmp_path, metrics_file=str(tmp_path / "devflow.prom"))
    await said(guarded.chat("m", REMOTE, chat("a secret thought", paths=("private.py",)), Provider()))
    text = (tmp_path / "devflow.prom").read_text("utf-8")
    assert 'devflow_model_calls_total{feature="chat",model="m",outcome="answered"} 1' in text
    assert "thought" not in text
    assert "private.py" not in text


async def test_a_model_on_this_machine_is_in_the_ledger(tmp_path: Path) -> None:
    accounts = Accounts(Books(folder=str(tmp_path)))
    model = Counted(FakeModel("an answer", name="small"), accounts)
    assert await said(model.chat(chat(task="review", language="python"))) == "an answer"
    pieces = model.fill(FillRequest("a", "b"))
    await anext(pieces)
    await pieces.aclose()  # type: ignore[attr-defined]
    first, second = accounts.ledger().calls()  # type: ignore[union-attr]
    assert (first.feature, first.model, first.language, first.cost) == ("review", "small", "python", 0.0)
    assert (second.feature, second.outcome) == ("fill", "cancelled")
    assert model.status().name == "small"
    await model.close()


def test_a_trace_tells_numbers_and_no_text() -> None:
    memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    exporter = memory.InMemorySpanExporter()
    traces = Traces("http://127.0.0.1:4317", exporter)
    traces.record(
        call(0.25, host="h", workspace="/home/jane/secret-project", user="jane", read=10, total=2.0)
    )
    traces.close()
    [span] = exporter.get_finished_spans()
    assert span.name == "chat m"
    assert (span.attributes["gen_ai.usage.input_tokens"], span.attributes["devflow.cost"]) == (10, 0.25)
    assert span.end_time - span.start_time == 2_000_000_000
    assert "jane" not in span.to_json()
