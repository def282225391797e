"""Vectors for a command in a terminal, which has no index worker to ask."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from devflow.retrieval.base import VectorOptions, VectorSearch
from devflow.retrieval.chroma import VectorsUnavailable
from devflow.retrieval.compared import BruteForce, embedded_texts, texts_of
from devflow.retrieval.embedders.choose import STATIC, load_embedder
from devflow.retrieval.store import Reader, index_directory
from devflow.retrieval.vector_process import VectorProcess

FEW = 3_000
"""Chunks that `devflow-static` embeds again in less time than it takes to import Chroma."""

_OPENS_WITHIN = 15.0
"""Seconds that who waits at a terminal waits for an embedder or a Chroma server that may never answer."""
_NOTED = (
    "SELECT (SELECT value FROM meta WHERE key = 'uid'), (SELECT count(*) FROM pieces), "
    "(SELECT count(*) FROM pieces WHERE embedded <> 0)"
)


@contextlib.asynccontextmanager
async def local_vectors(
    root: Path,
    options: VectorOptions = VectorOptions(),  # noqa: B008  # frozen
    *,
    few: int = 0,
    within: float = _OPENS_WITHIN,
) -> AsyncIterator[tuple[VectorSearch | None, str]]:
    """The vectors of `root`, or None and a sentence: an editor's server may own them, and nobody may open
    them beside it. With vectors, the sentence says what is not as configured, or how many are lost. Up to
    `few` chunks are embedded anew where our own embedder does it. Opening them may take `within` seconds."""
    directory = index_directory(root)
    reader = Reader(directory, connections=1)
    try:
        rows = await reader.rows(_NOTED, ())
    finally:
        await reader.close()
    uid, count, noted = rows[0] if rows else ("", 0, 0)
    there = bool(options.chroma_url) or await asyncio.to_thread(_is_folder, directory / "chroma")
    if 0 < count <= few and there and _ours(options):
        yield await _anew(root), options.problem
        return
    if not uid or not there:
        yield None, f"There are no vectors of {root} yet; searching text and names only."
        return
    try:
        vectors = await asyncio.to_thread(VectorProcess, directory / "chroma", uid, options, within)
    except VectorsUnavailable as error:
        yield None, str(error)
        return
    try:
        yield _Local(root, vectors), vectors.problem or await asyncio.to_thread(_lost, vectors, noted)
    finally:
        await asyncio.to_thread(vectors.close)


def _ours(options: VectorOptions) -> bool:
    return options.embedder in ("", STATIC) and options.endpoint is None and not options.chroma_url


async def _anew(root: Path) -> VectorSearch:
    rows = await texts_of(root)

    def made() -> VectorSearch:
        import numpy as np

        embedder = load_embedder(STATIC)
        vectors = embedded_texts(embedder, [text for _, text in rows])
        return BruteForce(root, np.array([row[0] for row in rows]), vectors, embedder)

    return await asyncio.to_thread(made)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # in a folder of somebody else's
        return False


def _lost(vectors: VectorProcess, noted: int) -> str:
    """The sentence when there are fewer vectors than were made."""
    try:
        there = vectors.count()
    except VectorsUnavailable as error:
        return str(error)
    if there >= noted:
        return ""
    return f"Of {noted:,} vectors {noted - there:,} are lost; `devflow index` makes them again."


class _Local:
    def __init__(self, root: Path, vectors: VectorProcess) -> None:
        self._root = root
        self._vectors = vectors

    async def nearest(self, root: Path, query: str, limit: int) -> list[tuple[int, float]]:
        if root != self._root:
            return []
        try:
            return await asyncio.to_thread(self._vectors.nearest, query, limit)
        except VectorsUnavailable:
            return []
