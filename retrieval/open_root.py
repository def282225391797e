"""A root whose store is open, with what is kept of it in memory between questions."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from devflow.retrieval.candidates import Frequencies
from devflow.retrieval.fuzzy import Vocabulary
from devflow.retrieval.nearness import Changes
from devflow.retrieval.paths import Paths
from devflow.retrieval.store import Reader


@dataclass(frozen=True, slots=True)
class OpenRoot:
    """What is kept brings itself up to date with the store when it is asked."""

    path: Path
    store: Reader
    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    frequencies: Frequencies = field(default_factory=Frequencies)
    paths: Paths = field(default_factory=Paths)
    changes: Changes = field(default_factory=Changes)

    async def close(self) -> None:
        """End what still reads, and close the store."""
        await self.changes.close()
        await self.store.close()
