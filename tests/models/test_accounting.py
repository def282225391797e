"""The books of the guard, kept by calls through it."""

from __future__ import annotations

import asyncio
import itertools
import json
import sqlite3
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from devflow.models.base import ChatRequest, FillRequest, Meter
from devflow.models.errors import NotAllowed, Stalled, Unreachable
from devflow.models.fake import FakeModel
from devflow.models.guard.accounting import AUDIT, LEDGER, Accounts, Sent
from devflow.models.guard.audit import verify
from devflow.models.guard.books import Books, Budget, Price, Rates, books_from
from devflow.models.guard.counted import Counted
from devflow.models.guard.spending import total
from devflow.models.outbound import Outbound
from devflow.models.router import Router, Routing
from devflow.models.routing import attempts
from devflow.models.routing.rules import Facts
from support.books import REMOTE, Provider, chat, guard, said
from support.patience import HANGS

TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"


def sent(**values: object) -> Sent:
    return Sent("chat", "m", "m", "h", 400, 400, 1, 100, **values)  # type: ignore[arg-type]


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
    assert verify(tmp_path / AUDIT, guarded.accounts.ledger().audited()).whole  # type: ignore[union-attr]


async def test_content_is_audited_only_when_asked_and_without_its_secrets(tmp_path: Path) -> None:
    guarded = guard(tmp_path, keep_content=True)
    await said(guarded.chat("m", REMOTE, chat(f"the key is '{TOKEN}'"), Provider()))
    line = (tmp_path / AUDIT).read_text("utf-8")
    assert "the key is 'DEVFLOW_SECRET_1_'" in line
    assert TOKEN not in line


async def test_a_secret_in_the_name_of_a_file_is_neither_sent_nor_audited(tmp_path: Path) -> None:
    guarded, provider = guard(tmp_path), Provider()
    named = f"certs/{TOKEN}.py"
    fill = FillRequest("x = ", "\n", "python", named, context_paths=(f"b/{TOKEN}",), repository=TOKEN)
    assert await said(guarded.fill("m", REMOTE, fill, provider)) == "an answer"
    [asked] = provider.asked
    assert TOKEN not in "".join(asked.texts)
    with pytest.raises(NotAllowed):
        await said(guarded.chat("m", REMOTE, chat(paths=(f"certs/{TOKEN}/.env",)), provider))
    assert TOKEN not in (tmp_path / AUDIT).read_text("utf-8")
    assert '.env"' in (tmp_path / AUDIT).read_text("utf-8")


async def test_what_policy_refuses_is_audited_and_costs_nothing(tmp_path: Path) -> None:
    guarded = Outbound(True, books=Books(folder=str(tmp_path)))
    with pytest.raises(NotAllowed):
        await said(guarded.chat("m", REMOTE, chat(), Provider()))
    assert json.loads((tmp_path / AUDIT).read_text("utf-8"))["outcome"] == "refused"
    assert guarded.accounts.ledger().spent(0.0) == 0  # type: ignore[union-attr]


async def test_that_the_audit_log_cannot_be_written_is_told_once(tmp_path: Path) -> None:
    guarded = guard(tmp_path)
    told: list[str] = []
    guarded.accounts.tell = told.append
    (tmp_path / AUDIT).mkdir()
    for _ in range(2):
        assert await said(guarded.chat("m", REMOTE, chat(), Provider())) == "an answer"
    [sentence] = told
    assert sentence.startswith(f"The audit log {tmp_path / AUDIT} cannot be written (Is a directory);")


async def test_a_ledger_that_could_not_be_opened_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guarded = guard(tmp_path)
    (tmp_path / LEDGER).mkdir()  # as one that another program has locked
    await said(guarded.chat("m", REMOTE, chat(), Provider()))
    (tmp_path / LEDGER).rmdir()
    assert guarded.accounts.ledger() is None
    monkeypatch.setattr(guarded.accounts, "_opens_again", 0.0)
    await said(guarded.chat("m", REMOTE, chat(), Provider()))
    assert len(guarded.accounts.ledger().calls()) == 1  # type: ignore[union-attr]


@pytest.mark.parametrize("counted", [(10**30, 1), (1, 10**30), (-5, 10**12), (-(10**30), -1)])
async def test_numbers_of_tokens_that_cannot_be_are_estimated(
    tmp_path: Path, counted: tuple[int, int]
) -> None:
    guarded = guard(tmp_path, budget=Budget(day=10.0))
    assert await said(guarded.chat("m", REMOTE, chat(), Provider(*counted))) == "an answer"
    [call] = guarded.accounts.ledger().calls()  # type: ignore[union-attr]
    assert 0 < call.read < 10
    assert 0 < call.written < 10
    assert call.cost < 1
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
    guarded = Outbound(False, books=Books(folder=str(tmp_path), budget=Budget(day=0.0)))
    # A provider's price for a model of that name is none of this server's.
    await said(guarded.chat("m", "http://127.0.0.1:1/v1", chat(), Provider(), model="gpt-4o"))
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


def test_the_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    accounts = Accounts(Books(folder=str(tmp_path / "state")))
    entry = accounts.entry(sent())
    accounts.begin(entry)
    accounts.end(entry, "answered")
    for name in (LEDGER, f"{LEDGER}-wal", AUDIT):
        assert stat.S_IMODE((tmp_path / "state" / name).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    accounts.close()


async def test_tokens_that_nobody_counted_are_estimated_as_those_before_were_counted(tmp_path: Path) -> None:
    """A stream that is left early, as most ghost text is, ends before the provider tells what it used."""
    guarded = guard(tmp_path)
    question = "x" * 400
    await said(guarded.chat("m", REMOTE, chat(question), Provider(read=200)))
    pieces = guarded.chat("m", REMOTE, chat(question), Provider(read=200))
    assert await anext(pieces) == "an "
    await pieces.aclose()  # type: ignore[attr-defined]
    left = guarded.accounts.ledger().calls()[-1]  # type: ignore[union-attr]
    assert (left.outcome, left.counted, left.read, left.written) == ("cancelled", False, 200, 2)


async def test_a_server_that_does_not_stop_is_stopped_and_the_ledger_says_so(tmp_path: Path) -> None:
    closed: list[int] = []

    async def endless(request: ChatRequest, meter: Meter) -> AsyncIterator[str]:
        for number in itertools.count():
            try:
                yield "more and "
            except GeneratorExit:
                closed.append(number)
                raise

    guarded = guard(tmp_path)
    async with asyncio.timeout(HANGS):
        assert len(await said(guarded.chat("m", REMOTE, chat(), endless))) == 8 * 100 + 200
    assert closed == [111]
    [call] = guarded.accounts.ledger().calls()  # type: ignore[union-attr]
    assert call.outcome == "overran"
    assert call.cost > 0


async def test_a_long_secret_in_an_answer_is_not_too_much(tmp_path: Path) -> None:
    key = "-----BEGIN PRIVATE KEY-----\n" + "MIIEvQIBADANBgkqhkiG9w0\n" * 200 + "-----END PRIVATE KEY-----"

    async def repeats(request: ChatRequest, meter: Meter) -> AsyncIterator[str]:
        yield request.messages[0].content

    asked = chat(f"key = '''{key}'''", task="edit")
    guarded = guard(tmp_path)
    assert key in await said(guarded.chat("m", REMOTE, asked, repeats))
    assert guarded.accounts.ledger().calls()[0].outcome == "answered"  # type: ignore[union-attr]


async def test_a_stall_that_the_router_gives_up_on_is_written_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "_LONGEST_GAP", 0.05)
    guarded = guard(tmp_path)

    async def stalls(request: ChatRequest, meter: Meter) -> AsyncIterator[str]:
        yield "an "
        await asyncio.Event().wait()

    class Stalling(FakeModel):
        def chat(self, request: ChatRequest) -> AsyncIterator[str]:
            return guarded.chat("m", REMOTE, request, stalls)

    router = Router([], [Stalling(name="m")], routing=Routing({"m": Facts("m", provider="p")}, hedge=False))
    answer = router.chat(chat())
    assert await anext(answer) == "an "
    with pytest.raises(Stalled, match="stopped in the middle"):
        await anext(answer)
    ledger = guarded.accounts.ledger()
    assert ledger is not None
    calls = ledger.calls()
    assert {call.outcome for call in calls} == {"stalled"}
    assert all(call.cost > 0 for call in calls), "what it said is paid for"
    assert total(calls).failed == len(calls)
    [left, *_] = [json.loads(line) for line in (tmp_path / AUDIT).read_text("utf-8").splitlines()]
    assert left["outcome"] == "stalled"
