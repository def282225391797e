"""GGUF models on the CPU through ctransformers. Runs in a model worker only: the library crashes when a
model is freed, so the process that loads one ends without freeing it.

The token loop is our own over the library's calls, because the library's (0.2.27) gives the tokeniser a
buffer of one token per character, which text outside ASCII overruns, takes control tokens in a prompt for
plain text, and cannot be stopped while it reads a long prompt.
"""

from __future__ import annotations

import codecs
import ctypes
import importlib.util
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from devflow.models.base import ModelSpec
from devflow.models.engines import gguf
from devflow.models.engines.native import family, number, threads
from devflow.models.errors import ModelError, NotConfigured, NotInstalled, Rejected
from devflow.models.prompt import Prompt
from devflow.models.streams import StopCut

ARCHITECTURES = frozenset({"llama", "falcon", "starcoder", "gpt2", "mpt", "gptneox", "replit"})
BATCH = 32
"""Prompt tokens read between two looks at the cancel sign."""


def load(spec: ModelSpec) -> CTransformersEngine:
    """Load a GGUF file. Raises ModelError."""
    if (problem := problem_with(spec)) is not None:
        raise problem
    path = Path(spec.model).expanduser()
    try:
        head = gguf.read_head(path)
    except (OSError, ValueError) as error:
        raise NotConfigured(f"The model file {path} cannot be read: {error}.") from error
    if head.architecture not in ARCHITECTURES:
        raise NotConfigured(
            f"{path} is a {head.architecture or 'nameless'!r} model, which ctransformers cannot run; start "
            'it with llama.cpp\'s server or Ollama and name that with engine = "openai" and its base_url.'
        )
    context = min(spec.context, head.context or spec.context)
    workers, batch = threads(spec), max(1, number(spec, "batch", BATCH))
    from ctransformers.llm import LLM, Config

    try:
        llm = LLM(
            str(path),
            config=Config(context_length=context, threads=workers, gpu_layers=number(spec, "gpu_layers", 0)),
        )
    except (RuntimeError, ValueError, OSError) as error:
        raise NotConfigured(
            f"The model file {path} could not be loaded; it may be damaged or too new for ctransformers: "
            "download it again, or run it with llama.cpp's server."
        ) from error
    return CTransformersEngine(llm, head, spec, context, workers, batch)


def problem_with(spec: ModelSpec) -> ModelError | None:
    """What is missing, told without importing the library."""
    if importlib.util.find_spec("ctransformers") is None:
        return NotInstalled(f"{spec.name} needs the ctransformers library: pip install 'devflow-lsp[gguf]'.")
    if not spec.model:
        return NotConfigured(f"{spec.name} names no file; set `model` to the path of a .gguf file.")
    return gguf.problem_with(Path(spec.model).expanduser())


class CTransformersEngine:
    """A loaded GGUF model. Keep it until the process ends."""

    def __init__(
        self, llm: Any, head: gguf.GgufHead, spec: ModelSpec, context: int, workers: int, batch: int
    ) -> None:
        self.context = context
        self._llm = llm  # untyped library
        self._threads = workers
        self._batch = batch
        self._tokens = head.tokens
        self._ends = self._end_tokens(spec)
        self._newline = self._plain("\n")

    def count(self, prompt: Prompt) -> int:
        """How many tokens the prompt is."""
        return len(self._encoded(prompt))

    def generate(
        self, prompt: Prompt, max_tokens: int, temperature: float, cancelled: Callable[[], bool]
    ) -> Iterator[str]:
        """The pieces of the answer. Raises Rejected when the library gives up."""
        llm = self._llm
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        cutter = StopCut(prompt.stop)
        # The library keeps what it has read; only what differs from the last prompt is read again.
        todo: Sequence[int] = llm.prepare_inputs_for_generation(self._encoded(prompt), reset=True)
        for start in range(0, len(todo), self._batch):
            if cancelled():
                return
            self._read(todo[start : start + self._batch])
        for _ in range(max_tokens):
            if cancelled():
                return
            token: int = llm.sample(
                top_k=40 if temperature > 0 else 1,
                top_p=0.95,
                temperature=temperature or 1.0,
                repetition_penalty=1.0,
            )
            if llm.is_eos_token(token) or token in self._ends:
                break
            if out := cutter.feed(decoder.decode(llm.detokenize([token], decode=False))):
                yield out
            if cutter.stopped:
                return
            self._read([token])
        if out := cutter.feed(decoder.decode(b"", final=True)) + cutter.rest():
            yield out

    def _read(self, tokens: Sequence[int]) -> None:
        try:
            self._llm.eval(tokens, batch_size=len(tokens), threads=self._threads)
        except RuntimeError as error:
            raise Rejected("The model could not read the request; a smaller `context` may help.") from error

    def _encoded(self, prompt: Prompt) -> list[int]:
        tokens = [self._llm.bos_token_id] if self._llm.model_type == "llama" else []
        for piece in prompt.pieces:
            known = self._control(piece.text) if piece.control else None
            tokens += self._after_newline(piece.text) if known is None else [known]
        return tokens or [self._llm.bos_token_id]

    def _control(self, text: str) -> int | None:
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
