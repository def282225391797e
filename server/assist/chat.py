"""Asking the chat model, and reading what it says."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING

from devflow.models.errors import NotAllowed, NotConfigured
from devflow.models.streams import closing

if TYPE_CHECKING:
    from devflow.models.base import ChatRequest
    from devflow.server.assist.base import Codebase

Progress = Callable[[str], None]
"""Is told in a few words what is going on."""

HOW_TO_ADD = "add one under [[models.list]] in your own devflow.toml (`devflow doctor` shows where)"
_MOST_CHARACTERS = 40_000
_FENCE = re.compile(
    r"^(?P<ticks>`{3,}|~{3,})[^\n`]*\n(?P<body>.*?)(?:^(?P=ticks)[ \t]*$|\Z)", re.MULTILINE | re.DOTALL
)


def has_chat(code: Codebase) -> bool:
    """Whether a chat model can be asked."""
    return code.models is not None and code.models.has("chat")


async def stream(code: Codebase, *requests: ChatRequest) -> AsyncGenerator[str]:
    """The pieces of the answer to the first of `requests` that may be sent. Raises ModelError; closing
    it stops the model."""
    if code.models is None or not has_chat(code):
        raise NotConfigured(f"This needs a chat model; {HOW_TO_ADD}.")
    for left, request in zip(reversed(range(len(requests))), requests, strict=True):
        length = 0
        # A path rule refuses before anything is said, so nothing is said twice.
        pieces = code.models.chat(request)
        async with closing(pieces):
            try:
                async for piece in pieces:
                    yield piece
                    length += len(piece)
                    if length > _MOST_CHARACTERS:
                        break
                return
            except NotAllowed:
                if not left:
                    raise


async def answer(code: Codebase, *requests: ChatRequest, progress: Progress | None = None) -> str:
    """The whole answer, as `stream` gives it. Raises ModelError."""
    parts: list[str] = []
    length = told = 0
    async with aclosing(stream(code, *requests)) as pieces:
        async for piece in pieces:
            parts.append(piece)
            length += len(piece)
            if progress is not None and length - told >= 200:
                told = length
                progress(f"{length} characters")
    return "".join(parts)


def fenced_code(reply: str) -> str | None:
    """The content of the longest fenced block of an answer, None when it has none."""
    blocks = [found["body"] for found in _FENCE.finditer(reply)]
    return max(blocks, key=len, default=None)
