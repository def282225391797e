from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from devflow.retrieval.embedder import HashedEmbedder
from devflow.retrieval.vectors import VectorsUnavailable, open_vectors
from devflow.retrieval.words import parts, query_words, words

TEXTS = ["def parse_ignore_file(path)", "class ColourPicker", "read_ignore_rules from a file path"]


def test_the_same_text_has_the_same_vector_in_every_process() -> None:
    [vector] = HashedEmbedder().embed([TEXTS[0]])
    # Pinned: stored vectors must stay comparable; a change of these needs a new embedder name.
    assert np.flatnonzero(vector)[:6].tolist() == PINNED
    assert (HashedEmbedder().embed(TEXTS)[0] == vector).all()


PINNED = [3, 5, 15, 19, 24, 29]


def test_vectors_have_length_one_and_similar_texts_are_near() -> None:
    vectors = HashedEmbedder().embed(TEXTS)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0)
    assert vectors[0] @ vectors[2] > vectors[0] @ vectors[1] + 0.1


def test_a_text_without_a_word_is_all_zeros() -> None:
    assert not HashedEmbedder().embed(["", "+-*/"]).any()


def test_vectors_are_kept_replaced_and_deleted(tmp_path: Path) -> None:
    embedder = HashedEmbedder()
    vectors = open_vectors(tmp_path / "chroma", "e", embedder.dimensions)
    vectors.add([1, 2, 3], embedder.embed(TEXTS))
    vectors.add([2], embedder.embed([TEXTS[0]]))
    vectors.delete([3, 99])
    assert vectors.count() == 2
    assert {id_ for id_, similarity in vectors.nearest(embedder.embed(TEXTS)[0], 5) if similarity > 0.99} == {
        1,
        2,
    }
    vectors.close()
    again = open_vectors(tmp_path / "chroma", "e", embedder.dimensions)
    assert again.count() == 2
    again.close()


def test_a_second_owner_is_refused_at_once(tmp_path: Path) -> None:
    vectors = open_vectors(tmp_path / "chroma", "e", 256)
    with pytest.raises(VectorsUnavailable, match="in use by another process"):
        open_vectors(tmp_path / "chroma", "e", 256)
    vectors.close()


def test_another_embedder_starts_afresh(tmp_path: Path) -> None:
    vectors = open_vectors(tmp_path / "chroma", "e", 256)
    vectors.add([1], HashedEmbedder().embed(TEXTS[:1]))
    vectors.close()
    other = open_vectors(tmp_path / "chroma", "f", 256)
    assert other.count() == 0
    other.close()


def test_damaged_vectors_start_afresh(tmp_path: Path) -> None:
    vectors = open_vectors(tmp_path / "chroma", "e", 256)
    vectors.close()
    [database] = (tmp_path / "chroma").glob("*/chroma.sqlite3")
    database.write_bytes(b"garbage" * 1000)
    again = open_vectors(tmp_path / "chroma", "e", 256)
    assert again.count() == 0
    again.close()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("getHTTPResponse_v2", ["get", "http", "response", "v", "2"]),
        ("snake_case", ["snake", "case"]),
        ("XMLHttpRequest", ["xml", "http", "request"]),
        ("größe_naïve", ["größe", "naïve"]),
        ("__init__", ["init"]),
    ],
)
def test_parts_of_a_name(name: str, expected: list[str]) -> None:
    assert parts(name) == expected


def test_an_identifier_is_a_word_and_its_parts() -> None:
    assert words("openFile(path)") == ["openfile", "open", "file", "path"]


def test_a_question_loses_its_stop_words() -> None:
    assert query_words("where is the file opened") == ["file", "opened"]
    assert query_words("where is it") == ["where", "is", "it"]
