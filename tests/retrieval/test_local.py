from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from devflow.retrieval.base import VectorOptions
from devflow.retrieval.batch import Walked, list_files
from devflow.retrieval.build import build
from devflow.retrieval.compared import BruteForce
from devflow.retrieval.embedders.static import StaticEmbedder
from devflow.retrieval.index import Index
from devflow.retrieval.local import local_vectors
from devflow.retrieval.store import index_directory, indexes_in
from devflow.retrieval.walk import IndexOptions, IndexSettings, Rules


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


async def test_a_root_that_vanishes_while_it_is_indexed_is_said_and_not_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "a.py").write_text("def one(): ...\n")
    await build(root, IndexOptions(vectors=False))

    def vanishing(root: Path, settings: IndexSettings, rules: Rules) -> Walked:
        walked = list_files(root, settings, rules)
        shutil.rmtree(root)
        return walked

    monkeypatch.setattr("devflow.retrieval.indexer.list_files", vanishing)
    status = await build(root, IndexOptions(vectors=False))
    assert (status.state, status.files, "is gone" in status.problem) == ("failed", 1, True)


async def test_indexes_of_a_measurement_are_kept_apart_from_the_user_s_own(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.py").write_text("def one(): ...\n")
    own = index_directory(tmp_path / "files")
    with indexes_in(tmp_path / "kept"):
        status = await build(tmp_path / "files", IndexOptions())
        index = await Index.open([tmp_path / "files"])
        assert await index.symbols_named("one")
        await index.close()
    assert status.directory.is_relative_to(tmp_path / "kept")
    assert not own.exists()


async def test_a_change_that_keeps_size_and_time_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("def one(): ...\n")
    await build(tmp_path, IndexOptions(vectors=False))
    stamp = path.stat()
    path.write_text("def two(): ...\n")
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    await build(tmp_path, IndexOptions(vectors=False))
    index = await Index.open([tmp_path])
    assert (await index.symbols_named("one"), len(await index.symbols_named("two"))) == ([], 1)
    await index.close()
