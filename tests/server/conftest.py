"""Nothing in the server may block the event loop."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from blockbuster import BlockBuster, blockbuster_ctx


@pytest.fixture
def nothing_blocks() -> Iterator[BlockBuster]:
    """Blocking calls from our own modules, on the event loop, fail the test."""
    with blockbuster_ctx("devflow") as guard:
        # One stat of a file in the user's own cache, before each question to the index: microseconds.
        guard.functions["os.stat"].can_block_in("retrieval/store.py", {"_take"})
        yield guard
