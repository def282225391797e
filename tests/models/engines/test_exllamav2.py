"""The EXL2 engine: what it says without a GPU, its token loop against a stand-in of the library, and the
real thing where there is one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devflow.models.base import FillRequest, ModelSpec
from devflow.models.engines import exllamav2
from devflow.models.engines.exllamav2 import ExLlamaEngine, Library
from devflow.models.engines.native import family, fitting_prompt
from devflow.models.errors import ModelError, NotConfigured, NotInstalled, Rejected

HOLE = FillRequest("def f():\n    return ", "\n", max_tokens=50)


class Tensor(list[int]):
    @property
    def shape(self) -> tuple[int, int]:
        return 1, len(self)


class Config:
    def __init__(self, folder: str) -> None:
        self.max_seq_len = 2048


class Model:
    problem: Exception | None = None

    def __init__(self, config: Config) -> None:
        pass

    def load_autosplit(self, cache: object) -> None:
        if self.problem:
            raise self.problem


class Cache:
    def __init__(self, model: Model, *, max_seq_len: int, lazy: bool) -> None:
        assert lazy


class Tokenizer:
    """One token per byte, control tokens above."""

    eos_token_id = 2
    special = {"<|fim_prefix|>": 300, "<|fim_suffix|>": 301, "<|fim_middle|>": 302, "<|endoftext|>": 303}  # noqa: RUF012

    def __init__(self, config: Config) -> None:
        pass

    def single_id(self, text: str) -> int | None:
        return self.special.get(text)

    def encode(self, text: str, *, add_bos: bool = False, encode_special_tokens: bool = False) -> Tensor:
        head = [1] if add_bos else []
        if encode_special_tokens and text in self.special:
            return Tensor([*head, self.special[text]])
        return Tensor([*head, *text.encode()])


class Generator:
    said: tuple[str, ...] = ("x", " + ", "1")
    problem: Exception | None = None

    def __init__(self, model: Model, cache: Cache, tokenizer: Tokenizer) -> None:
        self.read: list[int] = []
        self.stops: list[int] = []
        self.abort: Any = None

    def warmup(self) -> None: ...

    def set_stop_conditions(self, stops: list[int]) -> None:
        self.stops = stops

    def begin_stream_ex(
        self, tokens: Tensor, settings: object, *, token_healing: bool, abort_event: Any
    ) -> None:
        self.read, self.settings, self.abort = list(tokens), settings, abort_event
        self.left = list(self.said)

    def stream_ex(self) -> dict[str, object]:
        if self.problem:
            raise self.problem
        return {"chunk": self.left.pop(0) if self.left else "", "eos": not self.left}


class Settings:
    temperature = top_k = top_p = token_repetition_penalty = 0.0


def library() -> Library:
    return Library(
        Config, Model, Cache, Tokenizer, Generator, Settings, lambda parts: Tensor(sum(parts, start=Tensor()))
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "Qwen2.5-Coder-7B-exl2"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"quantization_config": {"quant_method": "exl2"}}))
    (folder / "model.safetensors").touch()
    (folder / "tokenizer.json").touch()
    return folder


@pytest.fixture
def spec(folder: Path) -> ModelSpec:
    return ModelSpec("gpu", "exllamav2", str(folder), context=1024)


@pytest.fixture
def engine(spec: ModelSpec) -> ExLlamaEngine:
    return ExLlamaEngine(spec, library())


def generate(engine: ExLlamaEngine, spec: ModelSpec, request: FillRequest = HOLE) -> Iterator[str]:
    prompt, max_tokens = fitting_prompt(engine, family(spec), request)
    return engine.generate(prompt, max_tokens, 0.0, lambda: False)


def test_a_hole_is_read_in_control_tokens_and_the_answer_is_streamed(
    engine: ExLlamaEngine, spec: ModelSpec
) -> None:
    assert list(generate(engine, spec)) == ["x", " + ", "1"]
    generator = engine._generator
    assert generator.read == [1, 300, *HOLE.prefix.encode(), 301, 10, 302]
    assert generator.stops[0] == Tokenizer.eos_token_id
    assert 303 in generator.stops
    assert generator.settings.top_k == 1, "temperature 0 is greedy"


def test_the_context_is_the_smaller_of_asked_and_trained(engine: ExLlamaEngine, spec: ModelSpec) -> None:
    assert engine.context == 1024
    long = FillRequest("x = 1\n" * 1000, "y = 2\n" * 1000, max_tokens=50)
    list(generate(engine, spec, long))
    assert len(engine._generator.read) <= 1024 - 50


def test_cancelling_stops_between_tokens_and_while_reading(engine: ExLlamaEngine, spec: ModelSpec) -> None:
    cancelled = False
    prompt, _ = fitting_prompt(engine, family(spec), HOLE)
    pieces = engine.generate(prompt, 50, 0.0, lambda: cancelled)
    assert next(pieces) == "x"
    assert not engine._generator.abort.is_set()
    cancelled = True
    assert engine._generator.abort.is_set()
    assert list(pieces) == []


def test_a_stop_string_split_over_chunks_ends_the_answer(
    engine: ExLlamaEngine, spec: ModelSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Generator, "said", ("one E", "ND", "two"))
    request = FillRequest("a", "b", stop=("END",))
    assert "".join(generate(engine, spec, request)) == "one "


def test_a_gpu_that_gives_up_is_one_sentence(
    engine: ExLlamaEngine, spec: ModelSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Generator, "problem", RuntimeError("CUDA error: an illegal memory access\nmore"))
    with pytest.raises(
        Rejected, match=r"The GPU gave up \(CUDA error: an illegal memory access\); a smaller"
    ):
        list(generate(engine, spec))


def test_a_model_too_large_for_the_gpu_says_what_to_do(
    spec: ModelSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Model, "problem", RuntimeError("Insufficient VRAM for model and cache"))
    with pytest.raises(
        NotConfigured, match=r"does not fit into the GPU's memory; use a model with fewer bits"
    ):
        ExLlamaEngine(spec, library())


def test_without_the_library_the_extra_is_named(spec: ModelSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exllamav2.importlib.util, "find_spec", lambda name: None)
    problem = exllamav2.problem_with(spec)
    assert isinstance(problem, NotInstalled)
    assert str(problem) == "gpu needs the exllamav2 library: pip install 'devflow-lsp[gpu]'."


def test_without_a_gpu_another_engine_is_named(
    spec: ModelSpec, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(exllamav2.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(exllamav2, "DRIVER", tmp_path / "none")
    monkeypatch.setattr(exllamav2.shutil, "which", lambda name: None)
    problem = exllamav2.problem_with(spec)
    assert isinstance(problem, NotConfigured)
    assert "needs an NVIDIA GPU and this machine shows none" in str(problem)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda folder: (folder / "config.json").unlink(), "has no config.json"),
        (lambda folder: (folder / "config.json").write_text("{"), "config.json cannot be read"),
        (lambda folder: (folder / "tokenizer.json").unlink(), "has no tokenizer.json"),
        (lambda folder: (folder / "model.safetensors").unlink(), "holds no .safetensors file"),
        (
            lambda folder: (folder / "config.json").write_text(
                '{"quantization_config": {"quant_method": "awq"}}'
            ),
            "is quantised with 'awq'; exllamav2 reads EXL2 and GPTQ",
        ),
        (lambda folder: folder.rename(folder.with_name("moved")), "does not exist"),
    ],
)
def test_a_folder_that_is_no_model_is_named_for_what_it_lacks(
    spec: ModelSpec, folder: Path, change: Any, sentence: str
) -> None:
    assert exllamav2.folder_problem(spec) is None
    change(folder)
    problem = exllamav2.folder_problem(spec)
    assert isinstance(problem, ModelError)
    assert sentence in str(problem)


@pytest.mark.gpu
def test_a_real_model_on_a_real_gpu() -> None:
    path = os.environ.get("DEVFLOW_EXL2_MODEL", "")
    if not path:
        pytest.skip("needs an NVIDIA GPU and an EXL2 folder named by DEVFLOW_EXL2_MODEL")
    spec = ModelSpec("gpu", "exllamav2", path)
    if (problem := exllamav2.problem_with(spec)) is not None:
        pytest.skip(str(problem))
    engine = exllamav2.load(spec)
    assert "".join(generate(engine, spec)).strip()
