"""Nothing in the server may block the event loop."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from blockbuster import BlockBuster, blockbuster_ctx

from support.patience import HANGS


@pytest.fixture(autouse=True)
def patient_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may take its time to look vectors up."""
    monkeypatch.setattr("devflow.server.workers.index._NEAREST_TIMEOUT", HANGS)


@pytest.fixture
def nothing_blocks() -> Iterator[BlockBuster]:
    """Blocking calls from our own modules, on the event loop, fail the test."""
    with blockbuster_ctx("devflow") as guard:
        # One stat of a file in the user's own cache, before each question to the index: microseconds.
        guard.functions["os.stat"].can_block_in("retrieval/store.py", {"_take"})
        yield guard
