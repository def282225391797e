"""Vectors of one corpus in memory, compared one by one: what any embedder is worth, without a database."""

from __future__ import annotations

import asyncio
import hashlib
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


async def embedded(root: Path, embedder: Embeds, name: str, cache: Path) -> BruteForce:
    """All chunks of the index of `root`, embedded; kept in `cache` under what they are made of."""
    import numpy as np

    reader = Reader(index_directory(root), connections=1)
    try:
        rows = await reader.rows(
            "SELECT c.id, f.path || ' ' || c.symbol || char(10) || c.text FROM chunks c "
            "JOIN files f ON f.id = c.file ORDER BY c.id",
            (),
        )
    finally:
        await reader.close()
    digest = hashlib.blake2b(name.encode(), digest_size=12)
    for id_, text in rows:
        digest.update(f"{id_}\0{text}\0".encode("utf-8", "replace"))
    path = cache / "vectors" / f"{digest.hexdigest()}.npy"

    def vectors() -> np.ndarray:
        if path.exists():
            kept: np.ndarray = np.load(path)
            return kept
        made = [
            np.asarray(embedder.embed([text for _, text in rows[at : at + _AT_ONCE]]))
            for at in range(0, len(rows), _AT_ONCE)
        ]
        every: np.ndarray = np.concatenate(made).astype(np.float16) if made else np.zeros((0, 1), np.float16)
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, every)
        return every

    matrix = await asyncio.to_thread(vectors)
    return BruteForce(root, np.array([row[0] for row in rows]), matrix.astype(np.float32), embedder)
