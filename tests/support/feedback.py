"""What became of suggestions, kept in a folder of the test's own."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from devflow.models.fake import FakeModel
from devflow.models.feedback import Feedback, Kind, Outcomes
from devflow.server.services import Services
from support.services import Scripted


def keeping(folder: Path, model: FakeModel) -> Services:
    """Services with `model` that keep in `folder` what became of its suggestions."""
    return replace(Scripted(model).services, feedback=lambda: _store(folder))


async def outcomes(folder: Path, kind: Kind | None = None) -> Outcomes:
    """What was kept in `folder`, once the server is closed."""

    def read() -> Outcomes:
        store = _store(folder)
        try:
            return store.outcomes(kind=kind)
        finally:
            store.close()

    return await asyncio.to_thread(read)


def _store(folder: Path) -> Feedback:
    return Feedback(folder / "feedback.sqlite3")
