"""The vectors of one corpus by any embedder, kept: what it is worth, without a database."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from devflow.retrieval.compared import BruteForce, Embeds, embedded_texts, texts_of

if TYPE_CHECKING:
    import numpy as np


async def embedded(root: Path, embedder: Embeds, name: str, cache: Path | None) -> BruteForce:
    """All chunks of the index of `root`, embedded; kept in `cache`, if one is given, under what they are made
    of."""
    import numpy as np

    rows = await texts_of(root)
    digest = hashlib.blake2b(name.encode(), digest_size=12)
    for id_, text in rows:
        digest.update(f"{id_}\0{text}\0".encode("utf-8", "replace"))
    path = cache / "vectors" / f"{digest.hexdigest()}.npy" if cache is not None else None

    def vectors() -> np.ndarray:
        if path is not None and path.exists():
            kept: np.ndarray = np.load(path)
            return kept
        every = embedded_texts(embedder, [text for _, text in rows]).astype(np.float16)
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, every)
        return every

    matrix = await asyncio.to_thread(vectors)
    return BruteForce(root, np.array([row[0] for row in rows]), matrix.astype(np.float32), embedder)
