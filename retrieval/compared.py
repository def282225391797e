"""Vectors in memory, compared one by one: exact, and where there are few, there before a database opens."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from devflow.retrieval.store import Reader, index_directory

if TYPE_CHECKING:
    import numpy as np

_AT_ONCE = 512


class Embeds(Protocol):
    """What turns texts into vectors of unit length."""

    def embed(self, texts: Sequence[str]) -> np.ndarray | Sequence[Sequence[float]]: ...


class BruteForce:
    """`VectorSearch` over all chunks of one root."""

    def __init__(self, root: Path, ids: np.ndarray, vectors: np.ndarray, embedder: Embeds) -> None:
        self._root = root
        self._ids = ids
        self._vectors = vectors
        self._embedder = embedder

    async def nearest(self, root: Path, query: str, limit: int) -> list[tuple[int, float]]:
        """The chunks most similar to `query`."""
        import numpy as np

        if root != self._root or not len(self._ids):
            return []
        similar = self._vectors @ np.asarray(self._embedder.embed([query]))[0]
        best = np.argsort(-similar, kind="stable")[:limit]
        return [(int(self._ids[place]), float(similar[place])) for place in best]


async def texts_of(root: Path) -> list[tuple[int, str]]:
    """Id and text of every chunk of the index of `root`, as it is embedded."""
    reader = Reader(index_directory(root), connections=1)
    try:
        return await reader.rows(
            "SELECT c.id, f.path || ' ' || c.symbol || char(10) || c.text FROM chunks c "
            "JOIN files f ON f.id = c.file ORDER BY c.id",
            (),
        )
    finally:
        await reader.close()


def embedded_texts(embedder: Embeds, texts: Sequence[str]) -> np.ndarray:
    """One row a text."""
    import numpy as np

    made = [np.asarray(embedder.embed(texts[at : at + _AT_ONCE])) for at in range(0, len(texts), _AT_ONCE)]
    return np.concatenate(made) if made else np.zeros((0, 1), np.float32)
