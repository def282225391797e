"""The EXL2 engine: what it says without a GPU, its token loop against a stand-in of the library, and the
real thing where there is one."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from devflow.models.base import ChatRequest, FillRequest, Message, ModelSpec
from devflow.models.engines import exllamav2
from devflow.models.engines.exllamav2 import ExLlamaEngine, Library
from devflow.models.engines.native import family, fitting_prompt, problem_inside
from devflow.models.errors import ModelError, NoRoom, NotConfigured, NotInstalled, Rejected, WorkerDied
from devflow.models.prompt import Piece, Prompt
from support.patience import HANGS

HOLE = FillRequest("def f():\n    return ", "\n", max_tokens=50)


class Tensor(list[int]):
    """Of shape (1, n)."""

    def tolist(self) -> list[list[int]]:
        return [list(self)]


class Config:
    num_hidden_layers, num_key_value_heads, head_dim = 4, 2, 64
    no_flash_attn = False

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.max_seq_len = 2048
        self.max_input_len = 2048

    windowed = False
    """Its architecture needs more of flash-attn than is installed."""

    def arch_compat_overrides(self, quiet: bool = False) -> None:
        self.no_flash_attn = self.no_flash_attn or self.windowed


class Model:
    problem: Exception | None = None

    def __init__(self, config: Config) -> None:
        self.config = config

    def load_autosplit(self, cache: object, callback: Callable[[int, int], None]) -> None:
        if self.problem:
            raise self.problem
        self.config.max_input_len = min(self.config.max_input_len, self.config.max_seq_len)
        for layer in range(4):
            callback(layer + 1, 4)


class Cache:
    def __init__(self, model: Model, *, max_seq_len: int, lazy: bool) -> None:
        assert lazy
        assert max_seq_len % 256 == 0, "the library asserts whole pages"
        self.max_seq_len = max_seq_len


class Tokenizer:
    """One token per byte, control tokens above."""

    bos_token_id, eos_token_id = 1, 2
    tokenizer_config_dict: dict[str, Any] | None = None
    special = {"<|fim_prefix|>": 300, "<|fim_suffix|>": 301, "<|fim_middle|>": 302, "<|endoftext|>": 303}  # noqa: RUF012

    def __init__(self, config: Config) -> None:
        pass

    def single_id(self, text: str) -> int | None:
        return self.special.get(text)

    blank: tuple[int, ...] = ()
    """What SentencePiece's put before every text."""

    def encode(self, text: str) -> Tensor:
        return Tensor([*(self.blank if text else ()), *text.encode()])


class Job:
    def __init__(
        self, *, input_ids: Tensor, max_new_tokens: int, gen_settings: Any, stop_conditions: list[Any]
    ) -> None:
        assert input_ids
        assert max_new_tokens > 0
        self.read, self.settings, self.stops = list(input_ids), gen_settings, stop_conditions
        self.most = max_new_tokens
        begun = sum(token >= WORDS for token in self.read)
        self.left = list(Generator.said)[begun:]
        self.began, self.begun = begun, begun
        self.started = False


WORDS = 1_000
"""The first of the tokens that the model says, one for each piece."""


class Generator:
    """The parts of the library's dynamic generator that are used, with what it asserts."""

    held = ""
    """What is held back when an end token comes."""
    said: tuple[str, ...] = ("x", " + ", "1")
    problem: Exception | None = None
    stuck: Exception | None = None
    pause = 0.0

    def __init__(
        self,
        *,
        model: Model,
        cache: Cache,
        tokenizer: Tokenizer,
        paged: bool,
        max_batch_size: int,
        max_seq_len: int,
        max_chunk_size: int,
        **drafting: Any,
    ) -> None:
        assert max_chunk_size <= model.config.max_input_len
        assert max_chunk_size % 256 == 0
        assert max_batch_size * 8 <= model.config.max_input_len, "its longest draft for each"
        assert not (paged and model.config.no_flash_attn)
        assert max_seq_len <= model.config.max_seq_len
        if draft := drafting.get("draft_cache"):
            assert draft.max_seq_len == cache.max_seq_len
        self.drafting = drafting
        self.most = max_batch_size
        self.pending: list[Job] = []
        self.active: list[Job] = []
        self.seen: list[Job] = []
        self.ended: list[Job] = []
        self.largest = 0
        self.loras: list[list[str] | None] = []
        self.resets = 0

    def warmup(self) -> None: ...

    def enqueue(self, job: Job) -> None:
        assert len(job.read) < 5_000, "Job requires too many tokens"
        self.pending.append(job)
        self.seen.append(job)

    def cancel(self, job: Job) -> None:
        for jobs in (self.pending, self.active):
            if job in jobs:
                jobs.remove(job)

    def clear_queue(self) -> None:
        if self.stuck:
            raise self.stuck
        self.pending.clear()
        self.active.clear()

    def set_loras(self, loras: list[str] | None) -> None:
        assert not self.pending
        assert not self.active, "LoRAs cannot be updated while there are jobs in the generator queue."
        self.loras.append(loras)

    def reset_page_table(self) -> None:
        self.resets += 1

    def iterate(self) -> list[dict[str, Any]]:
        time.sleep(self.pause)
        if self.problem:
            raise self.problem
        results: list[dict[str, Any]] = []
        while self.pending and len(self.active) < self.most:
            self.active.append(self.pending.pop(0))
        self.largest = max(self.largest, len(self.active))
        for job in list(self.active):
            if not job.started:
                job.started = True
                results.append({"job": job, "stage": "started", "eos": False})
                continue
            text = job.left.pop(0) if job.left else ""
            job.begun += 1
            drafted = self.drafting.get("num_draft_tokens", 0)
            full = job.begun - job.began >= job.most - drafted
            result = {"job": job, "stage": "streaming", "eos": full or not job.left, "text": text}
            result["token_ids"] = Tensor([WORDS + job.begun])
            if not full and not job.left and self.held:
                result |= {"eos_reason": "stop_token", "held": {"text": self.held}}
            results.append(result)
            eos = result["eos"]
            if eos:
                self.active.remove(job)
                self.ended.append(job)
        return results


class Settings:
    temperature = top_k = top_p = token_repetition_penalty = 0.0


def library(*, paged: bool = False, free: int = 2**34) -> Library:
    return Library(
        config=Config,
        model=Model,
        cache=Cache,
        tokenizer=Tokenizer,
        generator=Generator,
        job=Job,
        settings=Settings,
        lora=lambda model, folder: folder,
        tensor=Tensor,
        free_bytes=lambda: free,
        total_bytes=lambda: 2**34,
        paged=paged,
        cache_bytes=2.0,
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


def generate(
    engine: ExLlamaEngine, spec: ModelSpec, request: FillRequest | ChatRequest = HOLE
) -> Iterator[str]:
    prompt, max_tokens = fitting_prompt(engine, family(spec), request)
    return engine.generate(prompt, max_tokens, 0.0, lambda: False)


def test_a_hole_is_read_in_control_tokens_and_the_answer_is_streamed(
    engine: ExLlamaEngine, spec: ModelSpec
) -> None:
    assert [piece for piece in generate(engine, spec) if piece] == ["x", " + ", "1"]
    [job] = engine._generator.seen
    assert job.read == [1, 300, *HOLE.prefix.encode(), 301, 10, 302]
    assert job.stops[0] == Tokenizer.eos_token_id
    assert 303 in job.stops
    assert job.settings.top_k == 1, "temperature 0 is greedy"


def test_the_context_is_the_smaller_of_asked_and_trained_in_whole_pages(
    engine: ExLlamaEngine, spec: ModelSpec
) -> None:
    assert engine.context == 1024
    assert ExLlamaEngine(replace(spec, context=1_000_000), library()).context == 2048
    assert ExLlamaEngine(replace(spec, context=1000), library()).context == 768
    long = FillRequest("x = 1\n" * 1000, "y = 2\n" * 1000, max_tokens=50)
    list(generate(engine, spec, long))
    assert len(engine._generator.seen[-1].read) <= 1024 - 50


def test_nothing_is_said_after_a_cancel_and_the_job_is_taken_back(
    engine: ExLlamaEngine, spec: ModelSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Generator, "said", tuple(map(str, range(1000))))
    monkeypatch.setattr(Generator, "pause", 0.02)
    cancelled = False
    prompt, _ = fitting_prompt(engine, family(spec), HOLE)
    pieces = engine.generate(prompt, 1000, 0.0, lambda: cancelled)
    assert next(pieces) == "0"
    cancelled = True
    started = time.monotonic()
    assert list(pieces) == []
    assert time.monotonic() - started < 10, "half of what it had still to say"
    assert idle(engine._generator)


def idle(generator: Generator) -> bool:
    """Whether it soon has nothing to do."""
    until = time.monotonic() + HANGS
    while generator.active or generator.pending:
        if time.monotonic() > until:
            return False
        time.sleep(0.001)  # the library's thread tells nobody
    return True


def test_several_requests_are_answered_together_where_flash_attn_is(
    spec: ModelSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Generator, "said", tuple("abcdefgh"))
    monkeypatch.setattr(Generator, "pause", 0.05)
    engine = ExLlamaEngine(spec, library(paged=True))
    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(lambda _: "".join(generate(engine, spec)), range(4)))
    assert said == ["abcdefgh"] * 4
    assert engine._generator.largest > 1
    assert ExLlamaEngine(spec, library()).parallel == 1


def test_an_architecture_that_cannot_use_flash_attn_is_asked_one_thing_at_a_time(
    spec: ModelSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Config, "windowed", True)
    engine = ExLlamaEngine(spec, library(paged=True))
    assert engine.parallel == 1
    assert engine._generator.most == 1
    assert "".join(generate(engine, spec)) == "x + 1"


def test_what_builds_the_kernels_is_found_beside_the_interpreter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ninja = tmp_path / "bin" / "ninja"
    ninja.parent.mkdir()
    ninja.write_text("#!/bin/sh\n")
    ninja.chmod(0o755)
    monkeypatch.setattr(exllamav2.sysconfig, "get_path", lambda name: str(ninja.parent))
    monkeypatch.setenv("PATH", str(tmp_path))
    exllamav2._put_tools_on_path()
    assert shutil.which("ninja") == str(ninja)


def test_a_request_that_cannot_be_begun_fails_alone(spec: ModelSpec) -> None:
    engine = ExLlamaEngine(spec, library(paged=True))
    prompt = Prompt((Piece("x" * 6_000),))
    with pytest.raises(Rejected, match="could not read the request"):
        list(engine.generate(prompt, 10, 0.0, lambda: False))
    assert "".join(generate(engine, spec)) == "x + 1"


@pytest.mark.parametrize("method", ["enqueue", "set_loras", "reset_page_table"])
def test_nobody_waits_for_ever_where_the_library_fails_in_a_new_way(
    spec: ModelSpec, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    engine = ExLlamaEngine(replace(spec, options={"lora": "/adapters/all"}), library())

    def broken(*_: object) -> None:
        raise TypeError("another signature")

    prompt, deadline = Prompt((Piece("x"),)), time.monotonic() + HANGS
    with monkeypatch.context() as patched:
        patched.setattr(engine._generator, method, broken)
        with pytest.raises(TypeError, match="another signature"):
            list(engine.generate(prompt, 10, 0.0, lambda: time.monotonic() > deadline))
    assert "".join(generate(engine, spec)) == "x + 1"


def test_each_language_has_its_adapter_and_what_was_read_with_another_is_forgotten(spec: ModelSpec) -> None:
    spec = replace(spec, options={"lora": "python=/adapters/py, rust=/adapters/rs"})
    engine = ExLlamaEngine(spec, library())
    for language in ("python", "python", "rust", "go", "python"):
        list(generate(engine, spec, replace(HOLE, language=language)))
    assert engine._generator.loras == [["/adapters/py"], ["/adapters/rs"], None, ["/adapters/py"]]
    assert engine._generator.resets == 4


def test_speculative_decoding_by_a_small_model_or_by_the_prompt(spec: ModelSpec, folder: Path) -> None:
    drafting = ExLlamaEngine(replace(spec, options={"draft": str(folder)}), library())._generator.drafting
    assert drafting["draft_model"].config.folder == str(folder)
    assert drafting["draft_model"].config.max_seq_len == 1024
    engine = ExLlamaEngine(replace(spec, options={"draft": "ngram"}), library())
    assert engine._generator.drafting == {"use_ngram_draft": True, "num_draft_tokens": 4}


def test_an_answer_that_is_drafted_is_as_long_as_one_that_is_not(
    spec: ModelSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The library ends an answer a draft's length before its end.
    monkeypatch.setattr(Generator, "said", tuple("abcdefghijklmn"))
    request = replace(HOLE, max_tokens=8)
    for options in ({}, {"draft": "ngram"}):
        engine = ExLlamaEngine(replace(spec, options=options), library())
        assert "".join(generate(engine, spec, request)) == "abcdefgh"
        long = FillRequest("x = 1\n" * 1000, "", max_tokens=100)
        list(generate(engine, spec, long))
        job = engine._generator.seen[-1]
        assert len(job.read) + job.most <= 1024, "the draft has room too"


def test_the_library_is_given_the_stop_strings_and_a_late_one_is_cut_here(
    engine: ExLlamaEngine, spec: ModelSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Generator, "said", ("one E", "ND", "two"))
    request = FillRequest("a", "b", stop=("END",))
    assert "".join(generate(engine, spec, request)) == "one "
    assert "END" in engine._generator.seen[0].stops


def test_what_was_held_back_for_a_stop_string_is_said_when_the_answer_ends(
    engine: ExLlamaEngine, spec: ModelSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Generator, "said", ("x", " = 1"))
    monkeypatch.setattr(Generator, "held", "\n")
    assert "".join(generate(engine, spec, replace(HOLE, stop=("\n\n",)))) == "x = 1\n"


CHAT = ChatRequest((Message("user", "Why?"),), max_tokens=50)


@pytest.mark.parametrize("paged", [False, True])
def test_a_conversation_steps_aside_for_a_fill_and_goes_on_where_it_was(
    spec: ModelSpec, monkeypatch: pytest.MonkeyPatch, paged: bool
) -> None:
    said = tuple(f"{number} " for number in range(40))
    monkeypatch.setattr(Generator, "said", said)
    monkeypatch.setattr(Generator, "pause", 0.01)
    engine = ExLlamaEngine(replace(spec, options={"parallel": "2"}), library(paged=paged))
    chats = [generate(engine, spec, CHAT) for _ in range(engine.parallel)]
    begun = [next(piece for piece in chat if piece) for chat in chats]
    assert "".join(generate(engine, spec, replace(HOLE, max_tokens=2))) == "0 1 "
    assert engine._generator.ended[0].read[1] == 300, "the fill has not waited for them"
    for first, chat in zip(begun, chats, strict=True):
        assert first + "".join(chat) == "".join(said)
    assert engine._generator.largest == engine.parallel


def test_a_conversation_with_another_adapter_steps_aside_as_well(
    spec: ModelSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Generator, "said", tuple("abcdefghijklmnopqrstuvwxyz"))
    monkeypatch.setattr(Generator, "pause", 0.01)
    spec = replace(spec, options={"lora": "python=/adapters/py"})
    engine = ExLlamaEngine(spec, library(paged=True))
    chat = generate(engine, spec, CHAT)
    first = next(piece for piece in chat if piece)
    assert "".join(generate(engine, spec, replace(HOLE, language="python", max_tokens=1))) == "a"
    assert first + "".join(chat) == "abcdefghijklmnopqrstuvwxyz"
    assert engine._generator.loras == [["/adapters/py"], None]


def test_a_library_that_cannot_forget_a_failure_costs_the_process(
    engine: ExLlamaEngine, spec: ModelSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Generator, "problem", AssertionError("ref_count < 0"))
    monkeypatch.setattr(Generator, "stuck", AssertionError("ref_count < 0"))
    with pytest.raises(Rejected):
        list(generate(engine, spec))
    deadline = time.monotonic() + HANGS
    prompt, most = fitting_prompt(engine, family(spec), HOLE)
    with pytest.raises(WorkerDied, match=r"cannot go on after an error \(ref_count < 0\)"):
        list(engine.generate(prompt, most, 0.0, lambda: time.monotonic() > deadline))


def test_a_mark_that_the_vocabulary_writes_with_a_space_before_it_is_a_mark(
    spec: ModelSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    # CodeLlama's: `▁<PRE>`. And SentencePiece's put a space before every text, which none of these has.
    monkeypatch.setattr(Tokenizer, "special", {"▁<PRE>": 300, "▁<SUF>": 301, "▁<MID>": 302, "▁<EOT>": 303})
    monkeypatch.setattr(Tokenizer, "blank", (9,))
    spec = replace(spec, family="codellama")
    engine = ExLlamaEngine(spec, library())
    list(generate(engine, spec, FillRequest("ab", "cd")))
    [job] = engine._generator.seen
    assert job.read == [1, 300, 301, *b"cd", 302, *b" ab"]
    assert 303 in job.stops


def test_a_model_that_was_not_trained_with_a_beginning_is_given_none(
    spec: ModelSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Tokenizer, "tokenizer_config_dict", {"add_bos_token": False})
    engine = ExLlamaEngine(spec, library())
    list(generate(engine, spec))
    assert engine._generator.seen[0].read[0] == 300


def test_the_tokenizer_s_own_control_tokens_are_told(spec: ModelSpec, folder: Path) -> None:
    added = [{"id": 9, "content": "<extra_0>", "special": True}, {"id": 10, "content": "  "}]
    (folder / "tokenizer.json").write_text(json.dumps({"added_tokens": added}))
    assert ExLlamaEngine(spec, library()).control == ("<extra_0>", "  ")


def test_reading_ahead_says_nothing(engine: ExLlamaEngine, spec: ModelSpec) -> None:
    assert "".join(generate(engine, spec, replace(HOLE, max_tokens=0))) == ""
    assert len(engine._generator.seen) == 1


@pytest.mark.parametrize("said", ["CUDA error: an illegal memory access\nmore", "CUDA out of memory. Tried"])
def test_a_gpu_that_gives_up_costs_the_process_and_is_one_sentence(
    engine: ExLlamaEngine, spec: ModelSpec, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    monkeypatch.setattr(Generator, "problem", RuntimeError(said))
    with pytest.raises(WorkerDied, match=r"The GPU gave up \(CUDA .*\); the model is being loaded again"):
        list(generate(engine, spec))


def test_a_model_too_large_for_the_gpu_is_told_before_it_is_loaded(
    spec: ModelSpec, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Model, "problem", AssertionError("was loaded"))
    with (folder / "model.safetensors").open("wb") as file:
        file.truncate(3 * 2**30)
    with pytest.raises(
        NoRoom,
        match=r"gpu needs about 3\.6 GiB of GPU memory \(3\.0 for the weights, .* and 2\.0 of 16\.0 "
        r"are free, other processes hold the rest.*; use",
    ):
        ExLlamaEngine(spec, library(free=2 * 2**30))


def test_a_model_that_runs_out_of_memory_while_loading_says_what_to_do(
    spec: ModelSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Model, "problem", RuntimeError("Insufficient VRAM for model and cache"))
    with pytest.raises(
        NotConfigured, match=r"does not fit into the GPU's memory; use a model with fewer bits"
    ):
        ExLlamaEngine(spec, library())


def test_what_cannot_be_loaded_beside_the_model_is_named(spec: ModelSpec) -> None:
    def missing(model: object, folder: str) -> None:
        raise ValueError(f"No LoRA found in {folder}")

    with pytest.raises(
        NotConfigured, match=r"^/adapters/py could not be loaded \(No LoRA .*; correct options\.lora of gpu"
    ):
        ExLlamaEngine(replace(spec, options={"lora": "/adapters/py"}), replace(library(), lora=missing))

    def config(folder: str) -> Config:
        if folder == "/draft":
            raise AssertionError("Can't find /draft")
        return Config(folder)

    with pytest.raises(NotConfigured, match=r"^/draft could not be loaded .*; correct options\.draft\."):
        ExLlamaEngine(replace(spec, options={"draft": "/draft"}), replace(library(), config=config))


def test_loading_tells_how_far_it_is(spec: ModelSpec) -> None:
    told: list[float] = []
    ExLlamaEngine(spec, library(), told.append)
    assert told == [0.25, 0.5, 0.75, 1.0]


def test_without_the_library_the_extra_is_named(spec: ModelSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exllamav2.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(exllamav2.importlib.util, "find_spec", lambda name: None)
    problem = exllamav2.problem_with(spec)
    assert isinstance(problem, NotInstalled)
    assert str(problem) == "gpu needs the exllamav2 library: pip install 'devflow-lsp[gpu]'."


def test_without_a_gpu_another_engine_is_named(
    spec: ModelSpec, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Also where the library is missing as well: nobody is to download gigabytes first.
    monkeypatch.setattr(exllamav2.importlib.util, "find_spec", lambda name: None)
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
            lambda folder: (folder / "model.safetensors").rename(
                folder / "output-00002-of-00003.safetensors"
            ),
            "lacks output-00001-of-00003.safetensors, output-00003-of-00003.safetensors; download",
        ),
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


def test_a_file_of_weights_that_is_cut_is_damaged(spec: ModelSpec, folder: Path) -> None:
    file = folder / "model.safetensors"
    head = json.dumps({"__metadata__": {}, "w": {"dtype": "F16", "shape": [8], "data_offsets": [0, 16]}})
    whole = len(head).to_bytes(8, "little") + head.encode() + bytes(16)
    file.write_bytes(whole)
    assert problem_inside(spec) is None
    for keep, why in (
        (-5, "5 bytes are missing at its end"),
        (20, "its head cannot be read"),
        (0, "its head"),
    ):
        file.write_bytes(whole[:keep])
        problem = problem_inside(spec)
        assert isinstance(problem, NotConfigured)
        assert why in str(problem)
        assert str(file) in str(problem)


def test_an_option_that_means_nothing_is_told_without_loading(spec: ModelSpec) -> None:
    problem = problem_inside(replace(spec, options={"parallel": "many"}))
    assert str(problem) == "gpu: options.parallel must be a whole number, not 'many'."


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
