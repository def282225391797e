"""A model on this machine whose calls are written into the ledger: what they cost is time, and money only
where the user says so."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any, Protocol, TypeVar

from devflow.models.base import ChatModel, ChatRequest, FillModel, FillRequest, ModelStatus
from devflow.models.errors import ModelError
from devflow.models.guard.accounting import Accounts, Sent
from devflow.models.streams import closing

_Request = TypeVar("_Request", FillRequest, ChatRequest)


class _Both(FillModel, ChatModel, Protocol):
    """What every local engine is."""


class Counted:
    """A FillModel and ChatModel that asks another and counts."""

    remote = False

    def __init__(self, model: _Both, accounts: Accounts) -> None:
        self.name = model.name
        self._model = model
        self._accounts = accounts

    def __repr__(self) -> str:
        return f"Counted({self._model!r})"

    def __getattr__(self, name: str) -> Any:
        # What only some engines have: `warm`, `prime`.
        return getattr(self._model, name)

    def status(self) -> ModelStatus:
        """As the model says."""
        return self._model.status()

    async def close(self) -> None:
        """Close the model."""
        await self._model.close()

    def fill(self, request: FillRequest) -> AsyncIterator[str]:
        """Stream what belongs in the hole. Raises ModelError."""
        return self._counted(request, self._model.fill(request), "fill")

    def chat(self, request: ChatRequest) -> AsyncIterator[str]:
        """Stream the answer. Raises ModelError."""
        return self._counted(request, self._model.chat(request), request.task)

    def refusal(self, request: FillRequest | ChatRequest) -> str:
        """Why the budget would not let it be asked, "" where it would. Waits for the disk."""
        feature = "fill" if isinstance(request, FillRequest) else request.task
        return self._accounts.refusal(self._sent(request, feature))

    def _sent(self, request: FillRequest | ChatRequest, feature: str) -> Sent:
        characters, turns = sum(map(len, request.texts)), len(request.texts)
        most = 4 * characters
        return Sent(
            feature, self.name, "", "", characters, most, turns, request.max_tokens, request.language,
            unit=request.unit,
        )  # fmt: skip

    async def _counted(
        self, request: _Request, pieces: AsyncIterator[str], feature: str
    ) -> AsyncIterator[str]:
        sent = self._sent(request, feature)
        entry = self._accounts.entry(sent)
        if self._accounts.price(sent) is not None:
            await self._accounts.admit(entry)
        entry.called = time.monotonic()
        outcome = "cancelled"
        try:
            async with closing(pieces):
                async for piece in pieces:
                    entry.heard(len(piece))
                    yield piece
            outcome = "answered"
        except ModelError:
            outcome = "failed"
            raise
        finally:
            await self._accounts.settle(entry, outcome)
