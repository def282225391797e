"""What the engines that run inside a worker process have in common. They are synchronous; the worker
gives each a thread."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Protocol

from devflow.models.base import ChatRequest, FillRequest, ModelSpec
from devflow.models.errors import ModelError, NotConfigured, Rejected
from devflow.models.profiles import Profile, chat_prompt, fill_prompt, guessed, profile_named
from devflow.models.prompt import Prompt, trimmed, trimmed_chat

MOST_THREADS = 8
"""Beyond this, memory bandwidth is the limit, and the editor needs cores too."""
_CHARACTERS_PER_TOKEN = 4


class NativeEngine(Protocol):
    """A loaded model."""

    context: int

    def count(self, prompt: Prompt) -> int:
        """How many tokens the prompt is."""
        ...

    def generate(
        self, prompt: Prompt, max_tokens: int, temperature: float, cancelled: Callable[[], bool]
    ) -> Iterator[str]:
        """The pieces of the answer; ends early when `cancelled()`, looked at between tokens."""
        ...


def load(spec: ModelSpec) -> NativeEngine:
    """Load the model; takes seconds to minutes. Raises ModelError with a sentence."""
    if spec.engine == "ctransformers":
        from devflow.models.engines import ctransformers

        return ctransformers.load(spec)
    if spec.engine == "exllamav2":
        from devflow.models.engines import exllamav2

        return exllamav2.load(spec)
    raise NotConfigured(f"{spec.name}: {spec.engine} is not an engine that runs on this machine.")


def problem_with(spec: ModelSpec) -> ModelError | None:
    """What keeps the model from being loaded, as far as can be told without importing its library."""
    if spec.engine == "ctransformers":
        from devflow.models.engines import ctransformers

        return ctransformers.problem_with(spec)
    from devflow.models.engines import exllamav2

    return exllamav2.problem_with(spec)


def family(spec: ModelSpec) -> Profile:
    """The family named, or guessed from the path."""
    return profile_named(spec.family) or guessed(spec.model)


def fitting_prompt(
    engine: NativeEngine, profile: Profile, request: FillRequest | ChatRequest
) -> tuple[Prompt, int]:
    """The prompt within the model's context, and how many tokens may be generated after it.

    Raises Rejected when not even an empty prompt would fit."""
    max_tokens = max(1, min(request.max_tokens, engine.context // 2))
    limit = engine.context - max_tokens - 1
    if isinstance(request, FillRequest):
        characters = len(request.prefix) + len(request.suffix) + len(request.context)
    else:
        characters = sum(len(message.content) for message in request.messages)
    characters = min(characters, limit * _CHARACTERS_PER_TOKEN * 2)
    while True:
        if isinstance(request, FillRequest):
            prompt = fill_prompt(profile, trimmed(request, characters))
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
        characters = min(int(characters * limit / tokens * 0.95), characters - 1) if characters > 16 else 0


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
