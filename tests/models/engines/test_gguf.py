"""Bad model files are told from good ones before native code sees them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from devflow.models.base import ModelSpec
from devflow.models.engines import ctransformers
from devflow.models.engines.gguf import problem_with, read_head
from devflow.models.errors import ModelError, NotConfigured
from support import tiny_gguf


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return tiny_gguf.write(tmp_path_factory.mktemp("gguf") / "good.gguf").read_bytes()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "model.gguf"


def test_the_head_of_a_good_file(good: bytes, file: Path) -> None:
    file.write_bytes(good)
    head = read_head(file)
    assert head.architecture == "llama"
    assert head.context == tiny_gguf.CONTEXT
    assert head.tokens["▁<PRE>"] == 260
    assert "<0x41>" not in head.tokens
    assert problem_with(file) is None


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", r"is damaged \(it is empty\)"),
        (b"GG", r"is not a GGUF file"),
        (b"GGUF\x03", r"is damaged \(it ends after"),
        (b"GGUF\x09\0\0\0", r"is GGUF version 9"),
        (b"GGUF" + b"\xa5" * 100, r"is damaged \(its head cannot be read\)"),
        (b"lmgg\x03\0\0\0", r"old GGML format"),
        (b"PK\x03\x04 a zip file", r"is not a GGUF file"),
        (b"version https://git-lfs.github.com/spec/v1\n", r"Git LFS pointer"),
    ],
)
def test_a_file_of_another_kind_is_named_for_what_it_is(file: Path, content: bytes, sentence: str) -> None:
    file.write_bytes(content)
    problem = problem_with(file)
    assert problem is not None
    assert str(file) in str(problem)
    with pytest.raises(NotConfigured, match=sentence):
        raise problem


def test_a_folder_and_a_missing_file_are_named(tmp_path: Path) -> None:
    assert "is a folder" in str(problem_with(tmp_path))
    assert "does not exist" in str(problem_with(tmp_path / "none.gguf"))
    assert "write its whole path" in str(problem_with(Path("models/none.gguf")))


@pytest.mark.parametrize("keep", [8, 24, 100, 2_000, 8_000, 100_000, -1])
def test_a_file_cut_anywhere_is_damaged(good: bytes, file: Path, keep: int) -> None:
    file.write_bytes(good[:keep])
    with pytest.raises(NotConfigured, match=r"model.gguf is damaged .*; download it again\."):
        read_head(file)


def test_garbage_in_the_head_is_a_sentence_and_never_a_crash(good: bytes, file: Path) -> None:
    chance = random.Random(7)
    told: list[str] = []
    for _ in range(200):
        data = bytearray(good)
        for _ in range(chance.randint(1, 8)):
            data[chance.randrange(8, 9_000)] = chance.randrange(256)
        file.write_bytes(data)
        try:
            read_head(file)  # some changes do no harm
        except NotConfigured as error:
            told.append(str(error))
    assert all(str(file) in sentence for sentence in told)
    assert 20 < len(told) < 200


@pytest.mark.parametrize("architecture", ["qwen2", "phi3"])
def test_a_model_newer_than_the_library_names_the_way_out(tmp_path: Path, architecture: str) -> None:
    path = tiny_gguf.write(tmp_path / "new.gguf", architecture=architecture)
    with pytest.raises(NotConfigured, match=rf"is a '{architecture}' model, .* llama.cpp's server"):
        ctransformers.load(ModelSpec("local", "ctransformers", str(path)))


def test_an_option_that_is_no_number_is_named(tmp_path: Path) -> None:
    path = tiny_gguf.write(tmp_path / "model.gguf")
    with pytest.raises(ModelError, match=r"local: options.threads must be a whole number, not 'many'\."):
        ctransformers.load(ModelSpec("local", "ctransformers", str(path), options={"threads": "many"}))
