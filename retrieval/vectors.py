"""Vectors of chunks in Chroma: one collection for each embedder.

Texts stay in the SQLite store; here are only ids and the vectors that an embedder makes of them. While the
chunks are embedded again by another embedder, the vectors of the one before answer. Everything is synchronous
and blocks, and one thread at a time may use it.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from devflow.models.base import Embedder
from devflow.retrieval.base import VectorOptions
from devflow.retrieval.chroma import Chroma, VectorsUnavailable, connect, explained

__all__ = ["Vectors", "VectorsUnavailable", "open_vectors"]

log = logging.getLogger(__name__)

_SYNC = 5_000
"""Vectors after which Chroma writes its graph to the disk. Until then they wait in a log that every write
reads whole (6 µs each), that every opening puts into the graph again (0.5 ms each), and that takes
as much room. With Chroma's default of 1,000, a million lines have their graph rewritten eighty times."""


class Vectors:
    """The vectors of one store. Open them with `open_vectors`."""

    def __init__(self, chroma: Chroma, made: _Made, before: _Made | None) -> None:
        self._chroma = chroma
        self._made = made
        self._before = before
        """Complete, of another embedder: answers until `made` is complete."""
        self.embedder = made.embedder.name
        """Names what makes the vectors."""
        self.problem = ""

    @property
    def serving(self) -> str:
        """Names what made the vectors that answer."""
        return (self._before or self._made).embedder.name

    def add(self, ids: Sequence[int], texts: Sequence[str], paths: Sequence[str] = ()) -> None:
        """Add or replace the vectors of `texts`, which stand in `paths`."""
        if not ids:
            return
        self._put(self._made, ids, texts, paths)
        if self._before is not None:
            with explained(self._chroma.place, "read"):
                there = set(self._before.collection.get(ids=list(map(str, ids)), include=[])["ids"])
            new = [at for at, number in enumerate(ids) if str(number) not in there]
            if new:
                self._put(
                    self._before,
                    [ids[at] for at in new],
                    [texts[at] for at in new],
                    [paths[at] for at in new] if paths else (),
                )

    def delete(self, ids: Sequence[int]) -> None:
        """Unknown ids are no error."""
        if ids:
            with explained(self._chroma.place, "written"):
                for each in filter(None, (self._made, self._before)):
                    each.collection.delete(ids=[str(number) for number in ids])

    def nearest(self, query: str, limit: int) -> list[tuple[int, float]]:
        """`(chunk id, cosine similarity)`, best first; nothing for a query without a word."""
        serving = self._before or self._made
        [vector] = serving.embedder.embed([query])
        if not any(vector):
            return []
        with explained(self._chroma.place, "searched"):
            found = serving.collection.query(
                query_embeddings=[vector], n_results=max(1, limit), include=["distances"]
            )
        return [
            (int(number), 1.0 - float(distance))
            for number, distance in zip(found["ids"][0], found["distances"][0], strict=True)
        ]

    def count(self) -> int:
        """Vectors of `embedder`."""
        with explained(self._chroma.place, "read"):
            return int(self._made.collection.count())

    def finish(self) -> None:
        """Every chunk has a vector of `embedder`: they answer from now on."""
        with explained(self._chroma.place, "written"):
            if not self._made.collection.metadata.get("complete"):
                self._made.collection.modify(metadata={**self._made.collection.metadata, "complete": True})
            if self._before is not None:
                self._chroma.client.delete_collection(self._before.collection.name)
                self._before = None

    def close(self) -> None:
        """Give the folder free."""
        self._chroma.close()

    def _put(self, made: _Made, ids: Sequence[int], texts: Sequence[str], paths: Sequence[str] = ()) -> None:
        vectors = made.embedder.embed(texts, paths)
        with explained(self._chroma.place, "written"):
            made.collection.upsert(ids=[str(number) for number in ids], embeddings=vectors)


class _Made:
    """A collection and what its vectors are made by."""

    def __init__(self, collection: Any, embedder: Embedder) -> None:
        self.collection = collection
        self.embedder = embedder


def open_vectors(
    directory: Path,
    store: str,
    embedder: Embedder,
    *,
    choice: str = "",
    options: VectorOptions = VectorOptions(),  # noqa: B008  # frozen
    load: Callable[[str], Embedder] | None = None,
) -> Vectors:
    """Open or create the vectors of this store by `embedder`, on `directory` or the server that `options`
    name. Vectors of other stores are deleted. Complete ones of another embedder answer until these are, where
    `load` makes that embedder again from the `choice` it was opened with. Raises VectorsUnavailable, as
    `connect`."""
    chroma = connect(directory, options)
    try:
        with explained(chroma.place, "opened"):
            made = _Made(_collection(chroma, store, embedder, choice), embedder)
            return Vectors(chroma, made, _before(chroma, store, made, load))
    except BaseException:
        chroma.close()
        raise


def _collection(chroma: Chroma, store: str, embedder: Embedder, choice: str) -> Any:
    name = chroma.prefix + hashlib.blake2b(embedder.name.encode(), digest_size=8).hexdigest()
    about = {
        "embedder": embedder.name,
        "choice": choice,
        "store": store,
        "dimensions": int(embedder.dimensions),
    }

    def made() -> Any:
        return chroma.client.get_or_create_collection(
            name,
            metadata={**about, "complete": False},
            embedding_function=None,
            configuration={"hnsw": {"space": "cosine", "batch_size": _SYNC, "sync_threshold": _SYNC}},
        )

    there = {each.name: each.metadata or {} for each in _collections(chroma)}
    known = there.get(name)
    if known is not None and any(known.get(key) != about[key] for key in ("store", "dimensions")):
        chroma.client.delete_collection(name)
    return made()


def _before(chroma: Chroma, store: str, made: _Made, load: Callable[[str], Embedder] | None) -> _Made | None:
    """Of the other collections the complete one to answer meanwhile; the rest are deleted."""
    complete = bool((made.collection.metadata or {}).get("complete"))
    found: _Made | None = None
    for each in _collections(chroma):
        if each.name == made.collection.name:
            continue
        about = each.metadata or {}
        if found is None and not complete and about.get("complete") and about.get("store") == store and load:
            try:
                embedder = load(str(about.get("choice", "")))
            except Exception as error:  # noqa: BLE001  # any reason is one to do without
                log.info("the vectors of %s cannot answer any more: %s", about.get("embedder"), error)
            else:
                if embedder.name == about.get("embedder"):
                    found = _Made(each, embedder)
                    continue
        chroma.client.delete_collection(each.name)
    return found


def _collections(chroma: Chroma) -> list[Any]:
    """Of this index; a folder holds nothing else, a server's others are none of ours."""
    return [
        each
        for each in chroma.client.list_collections()
        if each.name.startswith(chroma.prefix) or chroma.prefix == "chunks-"
    ]
