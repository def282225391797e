"""Vectors of chunks in an embedded Chroma collection.

Exactly one process may have a Chroma directory open: a second one can hang for minutes
(chroma-core/chroma#7040). So a lock file is taken first, and who does not get it has no vectors.
Texts stay in the SQLite store; here are only ids and the vectors that an embedder makes of them. Everything
is synchronous and blocks, and one thread at a time may use it.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from devflow.models.base import Embedder

log = logging.getLogger(__name__)

_COLLECTION = "chunks"
_BATCH, _SYNC = 5_000, 20_000
"""Chroma's defaults (100, 1000) rewrite the graph so often that adding is three times slower."""


class VectorsUnavailable(Exception):
    """There are no vectors; the message is a sentence for the user."""


class Vectors:
    """One Chroma directory that this process owns. Open it with `open_vectors`."""

    def __init__(self, client: Any, collection: Any, lock: FileLock, embedder: Embedder) -> None:
        # Any: chromadb is not typed and is imported late.
        self._client = client
        self._collection = collection
        self._lock = lock
        self._embedder = embedder
        self.embedder = embedder.name
        """Names what made the vectors."""

    def add(self, ids: Sequence[int], texts: Sequence[str]) -> None:
        """Add or replace the vectors of `texts`."""
        if ids:
            vectors = self._embedder.embed(texts)
            with _explained("written"):
                self._collection.upsert(ids=[str(number) for number in ids], embeddings=vectors)

    def delete(self, ids: Sequence[int]) -> None:
        """Unknown ids are no error."""
        if ids:
            with _explained("written"):
                self._collection.delete(ids=[str(number) for number in ids])

    def nearest(self, query: str, limit: int) -> list[tuple[int, float]]:
        """`(chunk id, cosine similarity)`, best first; nothing for a query without a word."""
        [vector] = self._embedder.embed([query])
        if not any(vector):
            return []
        with _explained("searched"):
            found = self._collection.query(
                query_embeddings=[vector], n_results=max(1, limit), include=["distances"]
            )
        return [
            (int(number), 1.0 - float(distance))
            for number, distance in zip(found["ids"][0], found["distances"][0], strict=True)
        ]

    def count(self) -> int:
        """Vectors there are."""
        with _explained("read"):
            return int(self._collection.count())

    def close(self) -> None:
        """Give the directory free."""
        try:
            self._client.close()
        finally:
            self._lock.release()


def open_vectors(directory: Path, store: str, embedder: Embedder) -> Vectors:
    """Open or create the collection for this store and embedder; a damaged directory, or one made for
    others, is started afresh. Raises VectorsUnavailable when another process owns it, or chromadb is
    missing, or nothing can be written there."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Opened in one thread, closed in another.
        lock = FileLock(directory.parent / f"{directory.name}.lock", mode=0o600, thread_local=False)
        lock.acquire(timeout=0)
    except Timeout:
        raise VectorsUnavailable(
            f"The vectors in {directory} are in use by another process; searching text and names only."
        ) from None
    except OSError as error:
        raise VectorsUnavailable(
            f"The vectors' folder {directory} cannot be written ({error.strerror}); "
            "searching text and names only."
        ) from error
    try:
        return _opened(directory, store, embedder, lock)
    except BaseException:
        lock.release()
        raise


def _opened(directory: Path, store: str, embedder: Embedder, lock: FileLock) -> Vectors:
    made_by = {"embedder": f"{embedder.name}/{store}", "dimensions": embedder.dimensions}
    with _explained("opened"):
        existing = sorted(path for path in directory.iterdir() if path.is_dir())
        try:
            folder = existing[-1] if existing else _fresh(directory)
            client, collection = _connect(folder, made_by)
        except ImportError as error:
            raise VectorsUnavailable(
                f"chromadb cannot be imported ({error}); searching text and names only."
            ) from error
        except Exception as error:  # noqa: BLE001  # chromadb documents none of what it raises
            log.warning("the vectors in %s are damaged (%s); they are made again", directory, error)
            for path in existing:
                shutil.rmtree(path, ignore_errors=True)
            client, collection = _connect(_fresh(directory), made_by)
    return Vectors(client, collection, lock, embedder)


def _fresh(directory: Path) -> Path:
    """A folder of a new name: chromadb remembers per path, for the life of the process, what it opened
    there, even when that failed."""
    folder = directory / f"{time.time_ns():020d}"
    folder.mkdir(mode=0o700)
    return folder


def _connect(directory: Path, made_by: dict[str, Any]) -> tuple[Any, Any]:
    import chromadb
    from chromadb.config import Settings

    client = chromadb.PersistentClient(directory, Settings(anonymized_telemetry=False))
    collection = client.get_or_create_collection(
        _COLLECTION,
        metadata=made_by,
        embedding_function=None,
        configuration={"hnsw": {"space": "cosine", "batch_size": _BATCH, "sync_threshold": _SYNC}},
    )
    if {key: (collection.metadata or {}).get(key) for key in made_by} != made_by:
        client.delete_collection(_COLLECTION)
        client.close()  # pyright: ignore[reportAttributeAccessIssue]  # the declared type lacks it
        return _connect(directory, made_by)
    collection.count()
    return client, collection


class _explained:  # noqa: N801  # reads as a word
    """Turns whatever chromadb raises (it documents little) into VectorsUnavailable."""

    def __init__(self, doing: str) -> None:
        self._doing = doing

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, VectorsUnavailable):
            raise VectorsUnavailable(
                f"The vectors could not be {self._doing} ({error}); searching text and names only."
            ) from error
