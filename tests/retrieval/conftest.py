from __future__ import annotations

import pytest

from support.patience import HANGS


@pytest.fixture(autouse=True)
def patient_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may take its time to open vectors and to look them up."""
    monkeypatch.setattr("devflow.retrieval.vector_sync._OPENS_WITHIN", HANGS)
    monkeypatch.setattr("devflow.retrieval.shared_vectors._TIMEOUT", HANGS)
