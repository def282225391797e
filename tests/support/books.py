"""A guard that keeps books, and a provider behind it that says what it used."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from devflow.models.base import ChatRequest, FillRequest, Message, Meter
from devflow.models.guard.books import Books, Price
from devflow.models.outbound import Outbound

REMOTE = "https://api.example.com/v1"


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
