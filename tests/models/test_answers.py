"""Answers that are given again."""

from __future__ import annotations

import math
import sqlite3
import stat
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from devflow.models.base import ChatRequest, FillRequest, Message, Meter
from devflow.models.errors import NotAllowed
from devflow.models.guard.answers import FILE, Answers
from devflow.models.guard.books import Books, Keeping, Price
from devflow.models.outbound import Outbound

REMOTE = "https://api.example.com/v1"


def vectors(texts: Sequence[str]) -> list[list[float]]:
    """Directions of our own: questions about retries are alike, everything else is not."""
    known = {"retry": [1.0, 0.0, 0.0], "close": [0.0, 1.0, 0.0]}
    return [next((v for word, v in known.items() if word in text.lower()), [0.0, 0.0, 1.0]) for text in texts]


def asked(question: str, code: str = "def f(): pass", **values: object) -> ChatRequest:
    content = f"Answer.\n\nQuestion: {question}\n\n{code}"
    return ChatRequest((Message("user", content),), question=question, **values)  # type: ignore[arg-type]


@pytest.fixture
def answers(tmp_path: Path) -> Answers:
    return Answers(Keeping(str(tmp_path), checked=0.0), vectors)


def test_the_same_request_has_the_same_answer(answers: Answers) -> None:
    answers.keep("m", asked("where are retries?"), "in f", 0.5)
    kept = answers.find("m", asked("where are retries?"))
    assert kept is not None
    assert (kept.answer, kept.how, kept.cost) == ("in f", "exact", 0.5)


@pytest.mark.parametrize(
    "other",
    [
        asked("where are retries?", max_tokens=5),
        asked("where are retries?", temperature=0.5),
        asked("where are retries?", stop=("x",)),
        asked("where are retries?", code="def f(): return 1"),
        ChatRequest((Message("system", "Be rude."), *asked("where are retries?").messages)),
    ],
)
def test_a_request_that_differs_in_anything_has_none(answers: Answers, other: ChatRequest) -> None:
    answers.keep("m", asked("where are retries?"), "in f", 0.5)
    assert answers.find("m", other) is None
    assert answers.find("another model", asked("where are retries?")) is None


def test_a_question_in_other_words_about_the_same_material_has_the_same_answer(answers: Answers) -> None:
    answers.keep("m", asked("where do we retry requests"), "in f", 0.5)
    kept = answers.find("m", asked("where is a retry configured"))
    assert kept is not None
    assert kept.how == "semantic"


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ("where do we retry requests", "def f(): changed"),  # a cited piece has changed
        ("where do we not retry requests", "def f(): pass"),
        ("why do we retry requests", "def f(): pass"),
        ("where do we retry requests 3 times", "def f(): pass"),
        ("where does `send` retry requests", "def f(): pass"),
        ("where is retry_count kept", "def f(): pass"),
        ("where do we close sockets", "def f(): pass"),
    ],
)
def test_one_that_may_mean_something_else_has_none(answers: Answers, question: str, code: str) -> None:
    answers.keep("m", asked("where do we retry the requests"), "in f", 0.5)
    assert answers.find("m", asked(question, code)) is None


def test_without_a_question_only_the_same_request_counts(answers: Answers) -> None:
    answers.keep("m", ChatRequest((Message("user", "retry one"),)), "in f", 0.5)
    assert answers.find("m", ChatRequest((Message("user", "retry two"),))) is None


def test_an_answer_ends_with_its_time(tmp_path: Path) -> None:
    now = [0.0]
    answers = Answers(Keeping(str(tmp_path), ttl=10.0), vectors, clock=lambda: now[0])
    answers.keep("m", asked("retry?"), "in f", 0.5)
    now[0] = 9.0
    assert answers.find("m", asked("retry?")) is not None
    now[0] = 10.0
    assert answers.find("m", asked("retry?")) is None


def test_an_answer_of_another_form_is_another_answer(answers: Answers) -> None:
    answers.keep("m", asked("retry?"), "in f", 0.5)
    assert answers.find("m", replace(asked("retry?"), schema='{"type": "object"}')) is None


def test_answers_kept_by_an_earlier_version_go_on(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / FILE)
    db.execute(
        "CREATE TABLE answers (key TEXT PRIMARY KEY, at, inputs, question, vector, answer, cost, files)"
    )
    db.close()
    answers = Answers(Keeping(str(tmp_path)), vectors)
    answers.keep("m", asked("retry?"), "in f", 0.5)
    assert answers.find("m", asked("retry?")) is not None


def test_hits_are_checked_at_the_share_asked_for(tmp_path: Path) -> None:
    answers = Answers(Keeping(str(tmp_path), checked=0.25), vectors)
    answers.keep("m", asked("where do we retry requests"), "retry in f", 0.5)
    found = [answers.find("m", asked(f"where is a retry {word}")) for word in ("a", "b")]
    answers.close()
    answers = Answers(Keeping(str(tmp_path), checked=0.25), vectors)  # a command in a terminal is soon over
    found += [answers.find("m", asked(f"where is a retry {word}")) for word in ("c", "d", "e")]
    assert [kept.check for kept in found if kept is not None] == [True, False, False, False, True]
    assert answers.compared("retry in f", "a retry in f")
    assert not answers.compared("retry in f", "close in g")
    assert answers.checks() == (2, 1)
    assert answers.checks(since=math.inf) == (0, 0)


def test_a_damaged_file_is_begun_afresh(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"nonsense " * 500)
    answers = Answers(Keeping(str(tmp_path)), vectors)
    assert answers.find("m", asked("retry?")) is None
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


class Provider:
    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self, request: ChatRequest | FillRequest, meter: Meter) -> AsyncIterator[str]:
        self.asked += 1
        yield f"answer {self.asked}"


def guard(folder: Path, **keeping: float) -> Outbound:
    books = Books(folder=str(folder / "state"), prices={"m": Price(1.0, 1.0)})
    return Outbound(
        False, ("kept.py",), books=books, keeping=Keeping(str(folder / "cache"), **keeping), vectors=vectors
    )


async def said(pieces: AsyncIterator[str]) -> str:
    return "".join([piece async for piece in pieces])


async def test_the_second_time_nobody_is_asked_and_the_ledger_says_what_that_saved(tmp_path: Path) -> None:
    guarded, provider = guard(tmp_path), Provider()
    for _ in range(2):
        assert await said(guarded.chat("m", REMOTE, asked("retry?"), provider)) == "answer 1"
    first, second = guarded.accounts.ledger().calls()  # type: ignore[union-attr]
    assert (first.hit, second.hit, second.cost) == ("", "exact", 0.0)
    assert second.saved > 0


async def test_another_provider_s_model_of_the_same_name_is_another_model(tmp_path: Path) -> None:
    guarded, provider = guard(tmp_path), Provider()
    for number, url in ((1, REMOTE), (2, "https://gateway.example.org/v1"), (1, REMOTE)):
        asking = guarded.chat("m", url, asked("retry?"), provider, model="default")
        assert await said(asking) == f"answer {number}"


async def test_ghost_text_is_never_a_kept_answer(tmp_path: Path) -> None:
    guarded, provider = guard(tmp_path), Provider()
    for number in (1, 2):
        assert await said(guarded.fill("m", REMOTE, FillRequest("a", "b"), provider)) == f"answer {number}"


async def test_a_checked_hit_is_answered_by_the_model(tmp_path: Path) -> None:
    guarded, provider = guard(tmp_path, checked=1.0), Provider()
    await said(guarded.chat("m", REMOTE, asked("where do we retry requests"), provider))
    assert await said(guarded.chat("m", REMOTE, asked("where is a retry configured"), provider)) == "answer 2"
    assert guarded.answers.checks()[0] == 1  # type: ignore[union-attr]


async def test_what_may_not_be_sent_has_no_kept_answer_either(tmp_path: Path) -> None:
    guarded, provider = guard(tmp_path), Provider()
    with pytest.raises(NotAllowed):
        await said(guarded.chat("m", REMOTE, asked("retry?", paths=("kept.py",)), provider))


async def test_half_an_answer_is_not_kept(tmp_path: Path) -> None:
    guarded, provider = guard(tmp_path), Provider()
    pieces = guarded.chat("m", REMOTE, asked("retry?"), provider)
    await anext(pieces)
    await pieces.aclose()  # type: ignore[attr-defined]
    assert await said(guarded.chat("m", REMOTE, asked("retry?"), provider)) == "answer 2"
