"""GGUF models of every architecture through llama-cpp-python, in a model worker: the engine for what
ctransformers is too old for. Its library is built when it is installed (some minutes, needs a C++
compiler)."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from devflow.models.base import ModelSpec
from devflow.models.engines import gguf, memory
from devflow.models.engines.native import family, number, threads, wants_suffix_first
from devflow.models.engines.token_loop import Pace, TokenLoop
from devflow.models.errors import ModelError, NotConfigured, NotInstalled, Rejected
from devflow.models.prompt import Prompt


def load(spec: ModelSpec) -> LlamaEngine:
    """Load a GGUF file. Raises ModelError."""
    if (problem := problem_with(spec)) is not None:
        raise problem
    path = Path(spec.model).expanduser()
    head = gguf.head_of(path, known_only=False)
    if (shortage := memory.no_room(spec, head.layers, number(spec, "gpu_layers", 0))) is not None:
        raise shortage
    context = min(spec.context, head.context or spec.context)
    workers, adapter = threads(spec), _adapter(spec)
    from llama_cpp import Llama

    try:
        llm = Llama(
            str(path),
            n_ctx=context,
            n_batch=Pace.MOST,
            n_threads=workers,
            n_threads_batch=workers,
            n_gpu_layers=number(spec, "gpu_layers", 0),
            lora_path=str(adapter) if adapter else None,
            verbose=False,
        )
    except (RuntimeError, ValueError, OSError) as error:
        raise NotConfigured(
            f"The model file {path} could not be loaded; it may be damaged (download it again), too large "
            "for the memory, or of an architecture newer than the llama-cpp-python that is installed."
        ) from error
    # The library takes no notice of an adapter it could not read, and dies of it at the first token.
    if adapter and not getattr(llm, "_lora_adapter", True):
        raise NotConfigured(f"{spec.name}: {adapter} is no LoRA adapter for {path}; correct options.lora.")
    return LlamaEngine(llm, spec, context)


def _adapter(spec: ModelSpec) -> Path | None:
    """The file of the LoRA adapter. Raises NotConfigured."""
    if not spec.options.get("lora"):
        return None
    path = Path(spec.options["lora"]).expanduser()
    if not path.is_file():
        raise NotConfigured(f"{spec.name}: the LoRA adapter {path} does not exist; correct options.lora.")
    return path


def problem_with(spec: ModelSpec) -> ModelError | None:
    """What is missing, told without importing the library."""
    if importlib.util.find_spec("llama_cpp") is None:
        return NotInstalled(
            f"{spec.name} needs the llama-cpp-python library: pip install 'devflow-lsp[llama]'."
        )
    if not spec.model:
        return NotConfigured(f"{spec.name} names no file; set `model` to the path of a .gguf file.")
    return gguf.problem_with(Path(spec.model).expanduser())


_BEGINS = "tokenizer.ggml.add_bos_token"


class LlamaEngine:
    """A loaded GGUF model."""

    together = False
    control: tuple[str, ...] = ()

    def __init__(self, llm: Any, spec: ModelSpec, context: int) -> None:
        self.context = context
        self.suffix_first = wants_suffix_first(spec)
        self._llm = llm  # untyped library
        self._newline = self._plain("\n")
        # Qwen's files name a token for the beginning, and say that it was not trained with it.
        self._begins = (getattr(llm, "metadata", None) or {}).get(_BEGINS) != "false"
        profile = family(spec)
        texts = (*profile.stop, *(profile.fim.end if profile.fim else ()))
        ends = frozenset(token for text in texts if (token := self._control(text)) is not None)
        self._loop = TokenLoop(_Calls(llm, ends | {llm.token_eos()}), Pace(number(spec, "batch", 0)))

    def count(self, prompt: Prompt) -> int:
        """How many tokens the prompt is."""
        return len(self._encoded(prompt))

    def generate(
        self, prompt: Prompt, max_tokens: int, temperature: float, cancelled: Callable[[], bool]
    ) -> Iterator[str]:
        """The pieces of the answer. Raises Rejected when the library gives up."""
        tokens = self._encoded(prompt)
        yield from self._loop.generate(tokens, prompt.stop, max_tokens, temperature, cancelled)

    def _encoded(self, prompt: Prompt) -> list[int]:
        tokens = [token] if (token := self._llm.token_bos()) >= 0 and self._begins else []
        for piece in prompt.pieces:
            known = self._control(piece.text) if piece.control else None
            tokens += self._after_newline(piece.text) if known is None else [known]
        return tokens or self._newline

    def _control(self, text: str) -> int | None:
        # SentencePiece vocabularies (CodeLlama's) hold `▁<PRE>`, which the library knows only in full.
        text = text.strip()
        for form in (text, "▁" + text, " " + text):
            tokens = self._llm.tokenize(form.encode(), add_bos=False, special=True)
            if len(tokens) == 1:
                return int(tokens[0])
        return None

    def _after_newline(self, text: str) -> list[int]:
        """Tokens of `text` without the space that SentencePiece vocabularies put before a text."""
        tokens, start = self._plain("\n" + text), self._newline
        return tokens[len(start) :] if tokens[: len(start)] == start else self._plain(text)

    def _plain(self, text: str) -> list[int]:
        data = text.replace("\0", " ").encode("utf-8", "replace")
        return list(self._llm.tokenize(data, add_bos=False, special=False))


class _Calls:
    """The library as the token loop calls it."""

    def __init__(self, llm: Any, ends: frozenset[int]) -> None:
        self._llm = llm
        self._ends = ends
        self._read: list[int] = []

    def keep(self, tokens: Sequence[int]) -> int:
        same = 0
        for mine, theirs in zip(self._read, tokens[:-1], strict=False):
            if mine != theirs:
                break
            same += 1
        del self._read[same:]
        self._llm.n_tokens = same  # the library forgets what lies behind at its next call
        return same

    def read(self, tokens: Sequence[int]) -> None:
        try:
            self._llm.eval(tokens)
        except RuntimeError as error:
            raise Rejected("The model could not read the request; a smaller `context` may help.") from error
        self._read += tokens

    def sample(self, temperature: float) -> int:
        greedy = temperature <= 0
        return int(
            self._llm.sample(
                temp=temperature, top_k=1 if greedy else 40, top_p=0.95, min_p=0.0, repeat_penalty=1.0
            )
        )

    def is_end(self, token: int) -> bool:
        return token in self._ends

    def bytes_of(self, token: int) -> bytes:
        return bytes(self._llm.detokenize([token]))
