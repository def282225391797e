from __future__ import annotations

import pytest

from devflow.server.assist import hover, navigate, signature_help


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine must not change what these tests see; deadlines have tests of their own."""
    monkeypatch.setattr(hover, "ENGINE_SECONDS", 20.0)
    monkeypatch.setattr(hover, "COUNT_SECONDS", 20.0)
    monkeypatch.setattr(navigate, "ENGINE_SECONDS", 20.0)
    monkeypatch.setattr(navigate, "PATIENCE_SECONDS", 20.0)
    monkeypatch.setattr(navigate, "INDEX_SECONDS", 20.0)
    monkeypatch.setattr(navigate, "REFERENCES_SECONDS", 20.0)
    monkeypatch.setattr(signature_help, "ENGINE_SECONDS", 20.0)
    monkeypatch.setattr(signature_help, "INDEX_SECONDS", 20.0)
