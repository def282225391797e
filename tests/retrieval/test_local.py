from __future__ import annotations

from pathlib import Path

import pytest

from devflow.retrieval.base import VectorOptions
from devflow.retrieval.compared import BruteForce
from devflow.retrieval.embedders.static import StaticEmbedder
from devflow.retrieval.index import Index, build
from devflow.retrieval.local import local_vectors
from devflow.retrieval.walk import IndexOptions


async def test_a_command_searches_with_vectors_when_nobody_owns_them(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def read_ignore_file(path):\n    return path.read_text()\n")
    async with local_vectors(tmp_path) as (vectors, problem):
        assert vectors is None
        assert "no vectors" in problem
    status = await build(tmp_path, IndexOptions())
    assert (status.vectors, status.embedder) == (1, StaticEmbedder().name)
    async with local_vectors(tmp_path) as (vectors, problem):
        assert problem == ""
        async with local_vectors(tmp_path) as (second, refusal):
            assert second is None
            assert "in use by another process" in refusal
        index = await Index.open([tmp_path], vectors)
        [hit] = await index.search("read the ignore file")
        assert hit.sources == ("text", "symbols", "vectors") or "vectors" in hit.sources
        await index.close()


async def test_a_few_chunks_are_compared_one_by_one_whoever_owns_the_vectors(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def read_ignore_file(path):\n    return path.read_text()\n")
    (tmp_path / "b.py").write_text("class Colour:\n    red = 1\n")
    await build(tmp_path, IndexOptions())
    async with local_vectors(tmp_path) as (stored, _), local_vectors(tmp_path, few=10) as (vectors, problem):
        assert stored is not None
        assert vectors is not None
        assert problem == ""
        query = "load a list of excluded paths"
        ours, theirs = await vectors.nearest(tmp_path, query, 2), await stored.nearest(tmp_path, query, 2)
        assert [id_ for id_, _ in ours] == [id_ for id_, _ in theirs]
        assert [near for _, near in ours] == pytest.approx([near for _, near in theirs], abs=1e-4)
    async with local_vectors(tmp_path, VectorOptions(embedder="devflow-hashed"), few=10) as (vectors, _):
        assert not isinstance(vectors, BruteForce)


async def test_a_rebuilt_store_does_not_find_the_old_stores_vectors(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def read_ignore_file(path):\n    return path.read_text()\n")
    await build(tmp_path, IndexOptions())
    (tmp_path / "a.py").write_text("class Colour: ...\n")
    status = await build(tmp_path, IndexOptions(), rebuild=True)
    assert status.vectors == 1
    async with local_vectors(tmp_path) as (vectors, _):
        assert vectors is not None
        [(_, similarity)] = await vectors.nearest(tmp_path, "class Colour", 5)
        assert similarity > 0.5


async def test_another_embedder_embeds_a_store_again(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def read_ignore_file(path):\n    return path.read_text()\n")
    hashed = VectorOptions(embedder="devflow-hashed")
    before = await build(tmp_path, IndexOptions(), vectors=hashed)
    after = await build(tmp_path, IndexOptions())
    assert (before.embedder, after.embedder) == ("devflow-hashed-v1", StaticEmbedder().name)
    async with local_vectors(tmp_path) as (vectors, _):
        assert vectors is not None
        [(_, similarity)] = await vectors.nearest(tmp_path, "load a list of excluded paths", 5)
        assert similarity > 0.2
    back = await build(tmp_path, IndexOptions(), vectors=hashed)
    assert (back.embedder, back.vectors) == ("devflow-hashed-v1", 1)
