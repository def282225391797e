from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devflow.retrieval.embedders.choose import EmbedderUnusable, load_embedder
from devflow.retrieval.embedders.model2vec import Model2VecEmbedder
from devflow.retrieval.embedders.static import StaticEmbedder, pieces, shipped_name
from devflow.retrieval.embedders.tensors import read_tensors
from devflow.retrieval.embedders.transformer import TransformerEmbedder

DELETES = "src/users.py Users.remove\ndef remove(self, key):\n    self._rows.pop(key)"
READS = "src/config.py load\ndef load(path):\n    with open(path) as f:\n        return json.load(f)"


@pytest.fixture(scope="module")
def static() -> StaticEmbedder:
    return StaticEmbedder()


def test_a_name_is_cut_where_its_words_meet() -> None:
    assert pieces("getHTTPResponse_v2(größe)") == ["get", "HTTP", "Response", "v", "2", "gr", "öß", "e"]


def test_another_word_of_the_same_meaning_is_near(static: StaticEmbedder) -> None:
    questions = static.embed(["delete an account", "parse the settings file"])
    chunks = static.embed([DELETES, READS])
    assert ((questions @ chunks.T).argmax(axis=1) == [0, 1]).all()


def test_static_vectors_have_length_one_and_do_not_depend_on_their_company(static: StaticEmbedder) -> None:
    together = static.embed([DELETES, READS, ""] * 100)
    assert np.allclose(np.linalg.norm(together[:2], axis=1), 1.0)
    assert not together[2].any()
    assert np.allclose(together[0], StaticEmbedder().embed([DELETES])[0], atol=1e-6)
    assert np.allclose(together[0], together[-3], atol=1e-6)


def test_a_word_outside_the_vocabulary_is_made_of_words_in_it(static: StaticEmbedder) -> None:
    [glued, spelled] = static.embed(["remove useraccountfile", "remove user account file"])
    assert glued @ spelled > 0.9
    assert not static.embed(["qqzx"]).any()


def test_the_first_line_of_a_chunk_counts_more(static: StaticEmbedder) -> None:
    [name, above, below] = static.embed(["socket", "socket\nparse", "parse\nsocket"])
    assert name @ above > name @ below + 0.1


def test_the_static_model_is_named_after_its_weights(static: StaticEmbedder) -> None:
    # Stored vectors must stay comparable: with other weights comes another name.
    assert static.name == NAME
    assert static.dimensions == 96


def test_what_a_vector_leaves_out_changes_little(static: StaticEmbedder) -> None:
    found = static.embed([DELETES, READS, "delete an account", "parse the settings file"])
    static._principal, kept = np.eye(256, dtype=np.float32), static._principal
    try:
        whole = static.embed([DELETES, READS, "delete an account", "parse the settings file"])
    finally:
        static._principal = kept
    assert np.abs(found @ found.T - whole @ whole.T).max() < 0.15
    assert np.allclose(kept.T @ kept, np.eye(96), atol=1e-5)


def test_the_static_model_fits_into_the_wheel() -> None:
    file = files("devflow.retrieval.embedders") / "static.npz"
    assert len(file.read_bytes()) < 12_000_000
    assert shipped_name() == NAME


NAME = "devflow-static-2c2548c6-96"


def safetensors(path: Path, **tensors: Any) -> None:
    header: dict[str, Any] = {}
    content = b""
    for name, value in tensors.items():
        data = value.tobytes()
        kind = {"float32": "F32", "float16": "F16", "int64": "I64"}[str(value.dtype)]
        header[name] = {
            "dtype": kind,
            "shape": value.shape,
            "data_offsets": [len(content), len(content) + len(data)],
        }
        content += data
    head = json.dumps(header).encode()
    path.write_bytes(len(head).to_bytes(8, "little") + head + content)


def tokenizer(path: Path, words: list[str]) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    made = Tokenizer(models.WordLevel({word: at for at, word in enumerate(words)}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()  # type: ignore[assignment]
    made.save(str(path))


def test_tensors_are_read_as_they_were_written(tmp_path: Path) -> None:
    table = np.arange(6, dtype=np.float32).reshape(2, 3)
    safetensors(tmp_path / "t", table=table, half=table.astype(np.float16))
    read = read_tensors(tmp_path / "t")
    assert (read["table"] == table).all()
    assert (read["half"] == table).all()


@pytest.mark.parametrize(
    "content", [b"", b"garbage" * 10, b"\x05\0\0\0\0\0\0\0[1,2]", b"\x40\0\0\0\0\0\0\0{}"]
)
def test_a_file_that_holds_no_tensors_is_a_value_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t").write_bytes(content)
    with pytest.raises(ValueError, match="safetensors"):
        read_tensors(tmp_path / "t")


def model2vec(folder: Path, **more: Any) -> Path:
    folder.mkdir(exist_ok=True)
    tokenizer(folder / "tokenizer.json", ["[UNK]", "read", "file"])
    table = np.array([[9, 9], [1, 0], [0, 2]], np.float32)
    safetensors(folder / "model.safetensors", embeddings=table, **more)
    return folder


def test_a_model2vec_folder_gives_the_mean_of_its_tokens(tmp_path: Path) -> None:
    embedder = load_embedder(str(model2vec(tmp_path)))
    assert isinstance(embedder, Model2VecEmbedder)
    vectors = np.asarray(embedder.embed(["read read file", "unknown words", "file read read"]))
    assert np.allclose(vectors[0], np.array([2, 2]) / np.sqrt(8))
    assert not vectors[1].any()
    assert (vectors[2] == vectors[0]).all()


def test_a_model2vec_folder_may_weigh_and_share_rows(tmp_path: Path) -> None:
    folder = model2vec(
        tmp_path, weights=np.array([1, 3, 1], np.float32), mapping=np.array([0, 1, 1], np.int64)
    )
    vectors = np.asarray(load_embedder(str(folder)).embed(["read file"]))
    assert np.allclose(vectors, [[1, 0]])


def test_other_weights_in_the_same_folder_have_another_name(tmp_path: Path) -> None:
    before = load_embedder(str(model2vec(tmp_path))).name
    safetensors(tmp_path / "model.safetensors", embeddings=np.ones((3, 2), np.float32))
    assert load_embedder(str(tmp_path)).name != before


def bert(folder: Path) -> Path:
    """A BERT of two layers with random weights."""
    chance = np.random.default_rng(1)
    size, inner = 8, 16

    def made(*shape: int) -> Any:
        return chance.normal(0, 0.5, shape).astype(np.float32)

    tensors = {
        "embeddings.word_embeddings.weight": made(4, size),
        "embeddings.position_embeddings.weight": made(300, size),
        "embeddings.token_type_embeddings.weight": made(2, size),
    }
    layers = [f"encoder.layer.{layer}" for layer in range(2)]
    for name in ["embeddings.LayerNorm"] + [
        f"{layer}.{part}.LayerNorm" for layer in layers for part in ("attention.output", "output")
    ]:
        tensors |= {f"{name}.weight": made(size), f"{name}.bias": made(size)}
    for layer in layers:
        for part in ("self.query", "self.key", "self.value", "output.dense"):
            tensors |= {
                f"{layer}.attention.{part}.weight": made(size, size),
                f"{layer}.attention.{part}.bias": made(size),
            }
        tensors |= {
            f"{layer}.intermediate.dense.weight": made(inner, size),
            f"{layer}.intermediate.dense.bias": made(inner),
        }
        tensors |= {
            f"{layer}.output.dense.weight": made(size, inner),
            f"{layer}.output.dense.bias": made(size),
        }
    folder.mkdir(exist_ok=True)
    safetensors(folder / "model.safetensors", **tensors)
    tokenizer(folder / "tokenizer.json", ["[UNK]", "read", "the", "file"])
    about = {"model_type": "bert", "num_hidden_layers": 2, "num_attention_heads": 2}
    (folder / "config.json").write_text(json.dumps(about))
    return folder


def test_a_text_has_the_same_vector_beside_longer_ones(tmp_path: Path) -> None:
    embedder = load_embedder(str(bert(tmp_path)))
    assert isinstance(embedder, TransformerEmbedder)
    vectors = np.asarray(embedder.embed(["read", "read the file the the the", " "]))
    assert np.allclose(vectors[0], embedder.embed(["read"])[0], atol=1e-5)
    assert np.allclose(np.linalg.norm(vectors[:2], axis=1), 1.0, atol=1e-5)
    assert not vectors[2].any()
    assert not np.allclose(vectors[1], embedder.embed(["the read file the the the"])[0], atol=1e-3)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: (folder / "config.json").unlink(), "config.json"),
        (lambda folder: (folder / "tokenizer.json").write_text("{}"), "cannot be used"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"x"), "not a safetensors file"),
        (lambda folder: (folder / "model.onnx").write_bytes(b"x"), "onnxruntime"),
    ],
)
def test_a_folder_that_cannot_be_used_is_a_sentence(tmp_path: Path, spoil: Any, said: str) -> None:
    folder = bert(tmp_path / "model")
    spoil(folder)
    with pytest.raises(EmbedderUnusable, match=said):
        load_embedder(str(folder))


@pytest.mark.parametrize("choice", ["gpt", "relative/folder", "/no/such/folder"])
def test_an_embedder_nobody_knows_is_a_sentence(choice: str) -> None:
    with pytest.raises(EmbedderUnusable, match="devflow-static is used"):
        load_embedder(choice)
