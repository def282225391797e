from __future__ import annotations

import pytest

from devflow.server.assist import hover, navigate, prose, resolve, signature_help, static_names


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine must not change what these tests see; deadlines have tests of their own."""
    monkeypatch.setattr(hover, "COUNT_SECONDS", 20.0)
    monkeypatch.setattr(navigate, "ENGINE_SECONDS", 20.0)
    monkeypatch.setattr(navigate, "DEADLINE_SECONDS", 20.0)
    monkeypatch.setattr(navigate, "REFERENCES_SECONDS", 20.0)
    for module in (navigate, prose, resolve, signature_help):
        monkeypatch.setattr(module, "INDEX_SECONDS", 20.0)
    monkeypatch.setattr(signature_help, "ENGINE_SECONDS", 20.0)
    monkeypatch.setattr(static_names, "SECONDS", 20.0)
    monkeypatch.setattr(static_names, "SEARCH_SECONDS", 20.0)
