"""What stands behind a session in tests: scripted models, and an index service that remembers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

from devflow.models.base import ChatRequest, FillRequest
from devflow.models.fake import FakeModel
from devflow.models.router import Router
from devflow.retrieval.base import IndexStatus
from devflow.server.services import Host, Services
from devflow.server.settings import Settings


class RememberingIndex:
    """An `IndexService` without a process."""

    def __init__(self, host: Host, watch: bool) -> None:
        self.host = host
        self.watch = watch
        self.reader: Any = None
        self.calls: list[tuple[Any, ...]] = []
        self.read_roots: tuple[Path, ...] = ()
        self.closed = False

    async def start(self) -> None:
        self.calls.append(("start",))

    async def read(self, roots: Sequence[Path]) -> None:
        self.read_roots = tuple(roots)

    async def open(self, roots: Sequence[Path], settings: Settings) -> None:
        self.calls.append(("open", tuple(roots), settings))

    def update(self, paths: Sequence[Path]) -> None:
        self.calls.append(("update", tuple(paths)))

    def document(self, path: Path, text: str) -> None:
        self.calls.append(("document", path, text))

    def release(self, path: Path) -> None:
        self.calls.append(("release", path))

    def usage_of(self, language: str, besides: Path | None = None) -> None:
        return None

    async def statuses(self) -> list[IndexStatus]:
        opened = [call[1] for call in self.calls if call[0] == "open"]
        return [IndexStatus(root, root, "ready") for root in (opened[-1] if opened else ())]

    async def reindex(self) -> None:
        self.calls.append(("reindex",))

    async def close(self) -> None:
        self.closed = True


class HeldModel(FakeModel):
    """Says nothing before it is let go."""

    def __init__(self, *pieces: str) -> None:
        super().__init__(*pieces)
        self.go = asyncio.Event()

    async def _stream(self, request: FillRequest | ChatRequest) -> AsyncIterator[str]:
        pieces = super()._stream(request)
        async with aclosing(pieces):  # type: ignore[type-var]  # streams are async generators
            self.begun.set()
            await self.go.wait()
            async for piece in pieces:
                yield piece


class Scripted:
    """Services with a `model` for both tasks and a remembering index; `services` makes the server's."""

    def __init__(self, model: FakeModel | None = None) -> None:
        self.model = model
        self.indexes: list[RememberingIndex] = []

    @property
    def index(self) -> RememberingIndex:
        [index] = self.indexes
        return index

    @property
    def services(self) -> Services:
        def make_index(host: Host, watch: bool) -> RememberingIndex:
            self.indexes.append(RememberingIndex(host, watch))
            return self.indexes[-1]

        model = self.model
        return Services(
            index=make_index,
            models=lambda settings, tell: Router([model], [model]) if model is not None else Router([], []),
        )
