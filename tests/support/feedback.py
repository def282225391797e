"""What became of suggestions, kept in a folder of the test's own."""

from __future__ import annotations

import asyncio
from dataclasses import astuple, replace
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
            return summed(store, kind=kind)
        finally:
            store.close()

    return await asyncio.to_thread(read)


def summed(
    store: Feedback, model: str = "", language: str = "", *, since: float = 0.0, kind: Kind | None = None
) -> Outcomes:
    """What became of the suggestions of `model` in `language` ("": of any) since a time in seconds."""
    groups = store.by_model(*((kind,) if kind else ()), since=since)
    wanted = [
        astuple(found)
        for (name, spoken), found in groups.items()
        if model in ("", name) and language in ("", spoken)
    ]
    return Outcomes(*map(sum, zip(*wanted, strict=True))) if wanted else Outcomes()


def _store(folder: Path) -> Feedback:
    return Feedback(folder / "feedback.sqlite3")
