"""What the engines that run inside a worker process have in common. They are synchronous; the worker
gives each a thread."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from devflow.models.base import ChatRequest, FillRequest, ModelSpec
from devflow.models.engines import memory
from devflow.models.errors import ModelError, NotConfigured, Rejected
from devflow.models.families import Profile
from devflow.models.profiles import chat_prompt, fill_prompt, profile_of
from devflow.models.prompt import Prompt, trimmed, trimmed_chat

Progress = Callable[[float], None]
MOST_THREADS = 8
"""Beyond this, memory bandwidth is the limit, and the editor needs cores too."""
_CHARACTERS_PER_TOKEN = 4
_STEP = 0.9
_ROOM = 64
"""Tokens kept for what fills a hole, also where less is asked for."""


class NativeEngine(Protocol):
    """A loaded model."""

    context: int
    suffix_first: bool
    """It keeps what it has read, so the suffix is to stand before the prefix where the family allows it."""
    together: bool
    """`generate` may be called by several threads at a time."""
    control: tuple[str, ...]
    """What it would read as a control token in a user's text, besides those of the family; () where it is
    told which pieces are control tokens."""

    def count(self, prompt: Prompt) -> int:
        """How many tokens the prompt is."""
        ...

    def generate(
        self, prompt: Prompt, max_tokens: int, temperature: float, cancelled: Callable[[], bool]
    ) -> Iterator[str]:
        """The pieces of the answer, some of them empty; ends early when `cancelled()`, looked at between
        tokens. Between two pieces the engine may be asked for something else, and this one gone on with
        later. Raises WorkerDied when the engine is beyond use."""
        ...


def load(spec: ModelSpec, progress: Progress = lambda share: None) -> NativeEngine:
    """Load the model; takes seconds to minutes. `progress` is told the share that is loaded, by engines that
    know. Raises ModelError with a sentence."""
    if spec.engine == "ctransformers":
        from devflow.models.engines import ctransformers

        return ctransformers.load(spec)
    if spec.engine == "llama":
        from devflow.models.engines import llama

        return llama.load(spec)
    if spec.engine == "exllamav2":
        from devflow.models.engines import exllamav2

        return exllamav2.load(spec, progress)
    raise NotConfigured(f"{spec.name}: {spec.engine} is not an engine that runs on this machine.")


def problem_with(spec: ModelSpec) -> ModelError | None:
    """What keeps the model from being loaded, as far as can be told without importing its library."""
    if spec.engine == "ctransformers":
        from devflow.models.engines import ctransformers

        return ctransformers.problem_with(spec)
    if spec.engine == "llama":
        from devflow.models.engines import llama

        return llama.problem_with(spec)
    from devflow.models.engines import exllamav2

    return exllamav2.problem_with(spec)


def problem_inside(spec: ModelSpec) -> ModelError | None:
    """What the heads of the model's files say against its engine, and what its options cannot mean; reads all
    of the heads, which may take a second."""
    path = Path(spec.model).expanduser()
    try:
        if spec.engine in ("ctransformers", "llama", "exllamav2"):
            wants_suffix_first(spec)
            for option in ("threads", "batch", "gpu_layers", "parallel"):
                number(spec, option, 0)
        if spec.engine in ("ctransformers", "llama"):
            from devflow.models.engines import ctransformers, gguf

            readable = spec.engine == "ctransformers"
            head = ctransformers.head_of(path) if readable else gguf.head_of(path, known_only=False)
            return memory.no_room(spec, head.layers, number(spec, "gpu_layers", 0))
        if spec.engine == "exllamav2":
            from devflow.models.engines import exl2_folder

            return exl2_folder.cut_shard(spec)
    except ModelError as error:
        return error
    return None


def family(spec: ModelSpec) -> Profile:
    """The family named, or guessed from the path."""
    return profile_of(spec.family, spec.model)


def fitting_prompt(
    engine: NativeEngine, profile: Profile, request: FillRequest | ChatRequest
) -> tuple[Prompt, int]:
    """The prompt within the model's context, and how many tokens may be generated after it.

    Raises Rejected when not even an empty prompt would fit."""
    max_tokens = max(0, min(request.max_tokens, engine.context // 2))
    room = max_tokens
    if isinstance(request, FillRequest):  # a line and a block are cut alike, so neither is read anew
        room = min(max(max_tokens, _ROOM), engine.context // 2)
    limit = engine.context - room - 1
    most = limit * _CHARACTERS_PER_TOKEN * 2
    characters = min(sum(map(len, request.texts)), most)
    while True:
        if isinstance(request, FillRequest):
            cut = trimmed(request, characters)
            prompt = fill_prompt(profile, cut, suffix_first=engine.suffix_first)
        else:
            prompt = chat_prompt(profile, trimmed_chat(request, characters))
        tokens = engine.count(prompt)
        if tokens <= limit:
            return prompt, max_tokens
        if characters == 0:
            raise Rejected(
                f"A context of {engine.context} tokens has no room for the request; "
                "raise `context` for the model."
            )
        wanted = min(int(characters * limit / tokens), characters - 1)
        characters = _on_ladder(most, wanted) if wanted > 16 else 0


def _on_ladder(most: int, wanted: int) -> int:
    """`wanted` or a little less: only a few values are given, so that a text which grew by a line is cut
    where it was cut before, and an engine need not read it again."""
    return int(most * _STEP ** math.ceil(math.log(wanted / most) / math.log(_STEP)))


def threads(spec: ModelSpec) -> int:
    """The threads to compute with: as configured, but never more than the machine lets us have."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    wanted = number(spec, "threads", 0)
    # One core stays free: on a busy machine the engines' waiting threads cost far more than they give
    # (40 tokens of the tests' model took 1.3 s with both of two busy cores, 0.02 s with one).
    return max(1, min(wanted or MOST_THREADS, available if wanted else available - 1))


def number(spec: ModelSpec, option: str, default: int) -> int:
    """A whole number among the model's options. Raises NotConfigured."""
    text = spec.options.get(option, "").strip()
    try:
        value = int(text) if text else default
    except ValueError:
        value = -1
    if value < 0:
        raise NotConfigured(f"{spec.name}: options.{option} must be a whole number, not {text!r}.")
    return value


def wants_suffix_first(spec: ModelSpec) -> bool:
    """As configured by the option `order`: `spm` (the default) or `psm`. Raises NotConfigured."""
    order = spec.options.get("order", "").strip().lower() or "spm"
    if order not in ("spm", "psm"):
        raise NotConfigured(f"{spec.name}: options.order is spm or psm, not {order!r}.")
    return order == "spm"
