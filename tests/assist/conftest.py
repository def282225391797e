from __future__ import annotations

import pytest

from devflow.server.assist import hover, navigate, signature_help, static_names, waiting


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine must not change what these tests see; deadlines have tests of their own."""
    monkeypatch.setattr(waiting, "PATIENCE", 100.0)
    # What waits until a moment, not for a while.
    monkeypatch.setattr(hover, "COUNT_SECONDS", 20.0)
    monkeypatch.setattr(navigate, "DEADLINE_SECONDS", 20.0)
    monkeypatch.setattr(signature_help, "ENGINE_SECONDS", 20.0)
    monkeypatch.setattr(static_names, "SEARCH_SECONDS", 20.0)
