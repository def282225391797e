"""The engine on llama-cpp-python: against a stand-in of its interface, and the library itself where it is."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from devflow.models.base import ModelSpec
from devflow.models.engines import llama
from devflow.models.engines.llama import LlamaEngine
from devflow.models.errors import NotConfigured, NotInstalled, Rejected
from devflow.models.prompt import Piece, Prompt
from support import tiny_gguf
from support.patience import HANGS

EOS, PRE = 2, 300


class Llm:
    """One token per byte; says `answer`. As the library: what lies behind `n_tokens` is forgotten."""

    def __init__(self, answer: bytes) -> None:
        self.answer = list(answer)
        self.n_tokens = 0
        self.context: list[int] = []
        self.read: list[int] = []
        self.fails = False
        self.metadata: dict[str, str] = {}

    def token_bos(self) -> int:
        return 1

    def token_eos(self) -> int:
        return EOS

    def tokenize(self, text: bytes, add_bos: bool = True, special: bool = False) -> list[int]:
        assert not add_bos
        return [PRE] if special and text in (b"<PRE>", "▁<SUF>".encode()) else list(text)

    def eval(self, tokens: Sequence[int]) -> None:
        if self.fails:
            raise RuntimeError("llama_decode returned -3")
        del self.context[self.n_tokens :]
        self.context += tokens
        self.read += tokens
        self.n_tokens = len(self.context)

    def sample(self, **options: object) -> int:
        return self.answer.pop(0) if self.answer else EOS

    def detokenize(self, tokens: list[int]) -> bytes:
        return bytes(tokens)


def engine(llm: Llm) -> LlamaEngine:
    return LlamaEngine(llm, ModelSpec("m", "llama", "codellama"), 512)


def test_marks_are_read_as_marks_and_what_was_read_is_not_read_again() -> None:
    llm = Llm(b"xy")
    whole = Prompt((Piece("<PRE>", True), Piece("abc")))
    mine = engine(llm)
    assert "".join(mine.generate(whole, 2, 0.0, lambda: False)) == "xy"
    assert llm.read == [1, PRE, *b"abc", ord("x")]
    llm.read.clear()
    llm.answer = [ord("z")]
    edited = Prompt((Piece("<PRE>", True), Piece("abd")))
    assert "".join(mine.generate(edited, 1, 0.0, lambda: False)) == "z"
    assert llm.read == [ord("d")]
    assert llm.context == [1, PRE, *b"abd"]


def test_a_mark_that_the_vocabulary_writes_with_a_space_before_it_is_a_mark() -> None:
    llm = Llm(b"")
    list(engine(llm).generate(Prompt((Piece("<SUF>", True), Piece("a"))), 1, 0.0, lambda: False))
    assert llm.read == [1, PRE, ord("a")]


def test_a_model_that_was_not_trained_with_a_beginning_is_given_none() -> None:
    llm = Llm(b"")
    llm.metadata = {"tokenizer.ggml.add_bos_token": "false"}
    list(engine(llm).generate(Prompt((Piece("a"),)), 1, 0.0, lambda: False))
    assert llm.read == [ord("a")]


def test_a_library_that_gives_up_is_one_sentence() -> None:
    llm = Llm(b"x")
    llm.fails = True
    with pytest.raises(Rejected, match="could not read the request"):
        list(engine(llm).generate(Prompt((Piece("x"),)), 9, 0.0, lambda: False))


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llama.importlib.util, "find_spec", lambda name: None)
    problem = llama.problem_with(ModelSpec("small", "llama", "/no/such.gguf"))
    assert isinstance(problem, NotInstalled)
    assert str(problem) == "small needs the llama-cpp-python library: pip install 'devflow-lsp[llama]'."


def test_a_file_that_is_no_model_is_named_before_the_library_sees_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(llama.importlib.util, "find_spec", lambda name: object())
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF" + b"\xff" * 100)
    with pytest.raises(NotConfigured, match=r"model\.gguf"):
        llama.load(ModelSpec("small", "llama", str(file)))


def test_an_adapter_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llama.importlib.util, "find_spec", lambda name: object())
    path = tiny_gguf.write(tmp_path / "tiny.gguf")
    spec = ModelSpec("small", "llama", str(path), options={"lora": str(tmp_path / "none.gguf")})
    with pytest.raises(NotConfigured, match=r"the LoRA adapter .*none\.gguf does not exist"):
        llama.load(spec)


@pytest.mark.skipif(importlib.util.find_spec("llama_cpp") is None, reason="needs the extra `llama`")
@pytest.mark.parametrize("family", ["codellama", "qwen2.5-coder"])
def test_a_real_model_reads_marks_as_marks_and_only_what_was_edited_again(
    tmp_path: Path, family: str
) -> None:
    write = tiny_gguf.write if family == "codellama" else tiny_gguf.write_new
    path = write(tmp_path / f"{family}.gguf")
    code = (
        "import sys\n"
        "from devflow.models.base import FillRequest, ModelSpec\n"
        "from devflow.models.engines import llama\n"
        "from devflow.models.engines.native import family, fitting_prompt\n"
        "spec = ModelSpec('tiny', 'llama', sys.argv[1], context=1024, options={'threads': '1'})\n"
        "engine = llama.load(spec)\n"
        "read = []\n"
        "library = engine._loop._library\n"
        "now = library.read\n"
        "library.read = lambda tokens: (read.append(len(tokens)), now(tokens))\n"
        "def fill(prefix):\n"
        "    read.clear()\n"
        "    request = FillRequest(prefix, 'y = 1\\n', max_tokens=12)\n"
        "    prompt, most = fitting_prompt(engine, family(spec), request)\n"
        "    assert all(engine._control(piece.text) for piece in prompt.pieces if piece.control)\n"
        "    return ''.join(engine.generate(prompt, most, 0.0, lambda: False))\n"
        "first = fill('x = ' * 50)\n"
        "assert sum(read) > 200\n"
        "fill('x = ' * 50 + 'z')\n"
        "assert sum(read) < 40, read\n"
        "assert first and fill('x = ' * 50) == first\n"
        "print('same')\n"
    )
    source = str(Path(__file__).parents[3] / "src")
    found = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True,
        text=True,
        timeout=HANGS,
        env={"PYTHONPATH": source},
        check=False,
    )
    assert found.stdout.split() == ["same"], found.stderr[-2000:]
