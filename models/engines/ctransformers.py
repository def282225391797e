"""GGUF models on the CPU through ctransformers. Runs in a model worker only: the library crashes when a
model is freed, so the process that loads one ends without freeing it.

The token loop (`token_loop`) is our own over the library's calls, because the library's (0.2.27) gives the
tokeniser a buffer of one token per character, which text outside ASCII overruns, takes control tokens in a
prompt for plain text, and cannot be stopped while it reads a long prompt.
"""

from __future__ import annotations

import ctypes
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

ARCHITECTURES = frozenset({"llama", "falcon", "starcoder", "gpt2", "mpt", "gptneox", "replit"})
WHAT_CAN = (
    "take engine = \"llama\" (pip install 'devflow-lsp[llama]'), or start it with llama.cpp's server or "
    'Ollama and name that with engine = "openai" and its base_url.'
)


def load(spec: ModelSpec) -> CTransformersEngine:
    """Load a GGUF file. Raises ModelError."""
    if (problem := problem_with(spec)) is not None:
        raise problem
    path = Path(spec.model).expanduser()
    head = head_of(path)
    if (shortage := memory.no_room(spec, head.layers, number(spec, "gpu_layers", 0))) is not None:
        raise shortage
    context = min(spec.context, head.context or spec.context)
    workers, batch = threads(spec), number(spec, "batch", 0)
    from ctransformers.llm import LLM, Config

    try:
        llm = LLM(
            str(path),
            config=Config(context_length=context, threads=workers, gpu_layers=number(spec, "gpu_layers", 0)),
        )
    except (RuntimeError, ValueError, OSError) as error:
        raise NotConfigured(
            f"The model file {path} could not be loaded; it may be damaged (download it again) or too new "
            f"for ctransformers: {WHAT_CAN}"
        ) from error
    return CTransformersEngine(llm, head, spec, context, workers, batch)


def head_of(path: Path) -> gguf.GgufHead:
    """The head of a file that the library can run. Raises NotConfigured."""
    head = gguf.head_of(path)
    if head.architecture not in ARCHITECTURES:
        raise NotConfigured(
            f"{path} is a {head.architecture or 'nameless'!r} model, which ctransformers cannot run; "
            f"{WHAT_CAN}"
        )
    return head


def problem_with(spec: ModelSpec) -> ModelError | None:
    """What is missing, told without importing the library."""
    if importlib.util.find_spec("ctransformers") is None:
        return NotInstalled(f"{spec.name} needs the ctransformers library: pip install 'devflow-lsp[gguf]'.")
    if not spec.model:
        return NotConfigured(f"{spec.name} names no file; set `model` to the path of a .gguf file.")
    return gguf.problem_with(Path(spec.model).expanduser())


class CTransformersEngine:
    """A loaded GGUF model. Keep it until the process ends."""

    together = False
    control: tuple[str, ...] = ()

    def __init__(
        self, llm: Any, head: gguf.GgufHead, spec: ModelSpec, context: int, workers: int, batch: int
    ) -> None:
        self.context = context
        self._llm = llm  # untyped library
        self.suffix_first = wants_suffix_first(spec)
        self._tokens = head.tokens
        self._newline = self._plain("\n")
        self._loop = TokenLoop(_Calls(llm, self._end_tokens(spec), workers), Pace(batch))

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
        tokens = [self._llm.bos_token_id] if self._llm.model_type == "llama" else []
        for piece in prompt.pieces:
            known = self._control(piece.text) if piece.control else None
            tokens += self._after_newline(piece.text) if known is None else [known]
        return tokens or [self._llm.bos_token_id]

    def _control(self, text: str) -> int | None:
        text = text.strip()
        return self._tokens.get(text, self._tokens.get("▁" + text))

    def _after_newline(self, text: str) -> list[int]:
        """Tokens of `text` without the space that SentencePiece vocabularies put before a text."""
        tokens = self._plain("\n" + text)
        start = self._newline
        return tokens[len(start) :] if tokens[: len(start)] == start else self._plain(text)

    def _plain(self, text: str) -> list[int]:
        data = text.replace("\0", " ").encode("utf-8", "replace")
        # A token per byte at most, and three for each space where the vocabulary lacks SentencePiece's "▁".
        buffer = (ctypes.c_int * (3 * len(data) + 16))()
        count = self._llm.ctransformers_llm_tokenize(data, False, buffer)
        return list(buffer[: max(count, 0)])

    def _end_tokens(self, spec: ModelSpec) -> frozenset[int]:
        profile = family(spec)
        texts = (*profile.stop, *(profile.fim.end if profile.fim else ()))
        return frozenset(token for text in texts if (token := self._control(text)) is not None)


class _Calls:
    """The library as the token loop calls it."""

    def __init__(self, llm: Any, ends: frozenset[int], workers: int) -> None:
        self._llm = llm
        self._ends = ends
        self._threads = workers

    def keep(self, tokens: Sequence[int]) -> int:
        return len(tokens) - len(self._llm.prepare_inputs_for_generation(tokens, reset=True))

    def read(self, tokens: Sequence[int]) -> None:
        try:
            self._llm.eval(tokens, batch_size=len(tokens), threads=self._threads)
        except RuntimeError as error:
            raise Rejected("The model could not read the request; a smaller `context` may help.") from error

    def sample(self, temperature: float) -> int:
        token: int = self._llm.sample(
            top_k=40 if temperature > 0 else 1,
            top_p=0.95,
            temperature=temperature or 1.0,
            repetition_penalty=1.0,
        )
        return token

    def is_end(self, token: int) -> bool:
        return bool(self._llm.is_eos_token(token)) or token in self._ends

    def bytes_of(self, token: int) -> bytes:
        text: bytes = self._llm.detokenize([token], decode=False)
        return text
