"""A fill model that writes what a test tells it to, and what is shown of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from devflow.analysis.text import Edit
from devflow.models.base import FillRequest, Health, ModelStatus
from devflow.models.streams import Answer, answer_of
from devflow.server.assist.inline import Suggestion, inline
from devflow.server.settings import Inline
from support.codebase import workspace


class Writer:
    """A router with one fill model that writes what it is told to."""

    def __init__(self, *pieces: str, delay: float = 0.0, error: Exception | None = None) -> None:
        self.pieces = pieces
        self.delay = delay
        self.error = error
        self.requests: list[FillRequest] = []
        self.given = 0
        self.closed = 0
        self.began = asyncio.Event()
        self.twice = asyncio.Event()

    def has(self, task: str) -> bool:
        return task == "fill"

    def statuses(self) -> list[ModelStatus]:
        return [ModelStatus("writer", "fake", Health.READY, remote=True)]

    def fill(self, request: FillRequest) -> Answer:
        return answer_of("writer", self.write(request))

    async def write(self, request: FillRequest) -> AsyncIterator[str]:
        self.requests.append(request)
        self.began.set()
        if len(self.requests) == 2:
            self.twice.set()
        try:
            if self.error is not None:
                raise self.error
            for piece in self.pieces:
                await asyncio.sleep(self.delay)
                self.given += 1
                yield piece
        finally:
            self.closed += 1


async def shown(
    root: Path, snippet: str, *pieces: str, path: str = "main.py", selected: str | None = None, **options: Any
) -> Suggestion | None:
    writer = Writer(*pieces) if pieces else None
    async with workspace(root, snippet, path, models=writer, **options) as space:
        start, _ = space.doc.text.word_at(space.at)
        chosen = Edit(start, space.at, selected) if selected is not None else None
        return await inline(space.doc, space.at, space.code, Inline(), chosen)


async def text(root: Path, snippet: str, *pieces: str, **options: Any) -> str | None:
    found = await shown(root, snippet, *pieces, **options)
    return found.edit.new if found else None
