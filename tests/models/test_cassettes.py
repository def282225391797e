"""Recorded answers, played again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from devflow.models.base import ChatRequest, FillRequest, Message
from devflow.models.cassettes import Cassette, digest_of
from devflow.models.errors import NotConfigured, RateLimited
from devflow.models.fake import FakeModel

HOLE = FillRequest("secret = ", "\n", path="a.py")


async def heard(model: FakeModel | Cassette, request: FillRequest = HOLE) -> list[str]:
    return [piece async for piece in model.fill(request)]


async def test_what_was_said_is_said_again_in_the_same_pieces_and_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "answers.jsonl"
    recorder = Cassette(file, live=FakeModel("a", "é😋", "c", delay=0.02))
    assert await heard(recorder) == ["a", "é😋", "c"]
    assert "secret" not in file.read_text("utf-8"), "a cassette holds nothing of what was asked"
    waits: list[float] = []

    async def noted(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", noted)
    assert await heard(Cassette(file, speed=0)) == ["a", "é😋", "c"]
    assert waits == []
    assert await heard(Cassette(file)) == ["a", "é😋", "c"]
    recorded, waits = sum(waits), []
    assert recorded > 0.05
    assert await heard(Cassette(file, speed=2)) == ["a", "é😋", "c"]
    assert sum(waits) == pytest.approx(recorded / 2)


async def test_a_failure_is_played_again_too(tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"
    recorder = Cassette(file, live=FakeModel("a", failures=[RateLimited("Slow down.")], fail_after=1))
    with pytest.raises(RateLimited):
        await heard(recorder)
    assert await heard(recorder) == ["a"]
    cassette = Cassette(file, speed=0)
    with pytest.raises(RateLimited, match="Slow down"):
        await heard(cassette)
    assert await heard(cassette) == ["a"], "the same request gets the next recording"
    assert await heard(cassette) == ["a"]


async def test_what_was_not_recorded_is_not_made_up(tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"
    await heard(Cassette(file, live=FakeModel("a")))
    with pytest.raises(NotConfigured, match="holds no recording of this request"):
        await heard(Cassette(file), replace(HOLE, prefix="other"))
    assert await heard(Cassette(file, speed=0), replace(HOLE, deadline=3.0)) == ["a"]


def test_a_request_is_known_by_all_that_the_model_is_told() -> None:
    question = ChatRequest((Message("user", "?"),))
    digests = {
        digest_of(each)
        for each in (HOLE, replace(HOLE, suffix="x"), replace(HOLE, max_tokens=1), question,
                     replace(question, temperature=0.5))
    }  # fmt: skip
    assert len(digests) == 5


@pytest.mark.parametrize("text", ["{", '{"request": "x"}', '{"request": "x", "pieces": [1]}', "[]"])
async def test_a_damaged_cassette_is_one_sentence(tmp_path: Path, text: str) -> None:
    file = tmp_path / "answers.jsonl"
    file.write_text(text)
    with pytest.raises(NotConfigured, match="cannot be read"):
        await heard(Cassette(file))
