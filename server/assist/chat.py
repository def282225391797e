"""Asking the chat model, and reading what it says."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from devflow.models.errors import NotAllowed, NotConfigured

if TYPE_CHECKING:
    from devflow.models.base import ChatRequest
    from devflow.models.streams import Whole
    from devflow.server.assist.base import Codebase

Progress = Callable[[str], None]
"""Is told in a few words what is going on."""

_HOW_TO_ADD = "add one under [[models.list]] in your own devflow.toml (`devflow doctor` shows where)"
_TELL_EVERY = 200
_FENCE = re.compile(
    r"^(?P<ticks>`{3,}|~{3,})[^\n`]*\n(?P<body>.*?)(?:^(?P=ticks)[ \t]*$|\Z)", re.MULTILINE | re.DOTALL
)


def has_chat(code: Codebase) -> bool:
    """Whether a chat model can be asked."""
    return code.models is not None and code.models.has("chat")


def how_to_have_one(code: Codebase) -> str:
    """Where no chat model can be asked: what keeps those that are configured, or how to configure one; a
    sentence without its full stop."""
    obstacle = code.models.obstacle("chat") if code.models is not None else ""
    return obstacle.rstrip(".") or _HOW_TO_ADD


async def answer(code: Codebase, *requests: ChatRequest, progress: Progress | None = None) -> Whole:
    """The whole answer to the first of `requests` that may be sent. Raises ModelError; cancelling it stops
    the model."""
    if code.models is None or not has_chat(code):
        raise NotConfigured(f"This needs a chat model; {how_to_have_one(code)}.")
    told = 0

    def tell(characters: int) -> None:
        nonlocal told
        if progress is not None and abs(characters - told) >= _TELL_EVERY:  # less: asked once more
            told = characters
            progress(f"{characters} characters")

    for request in requests[:-1]:
        try:
            return await code.models.whole(request, tell)
        except NotAllowed:
            continue
    return await code.models.whole(requests[-1], tell)


def fenced_code(reply: str) -> str | None:
    """The content of the longest fenced block of an answer, None when it has none."""
    blocks = [found["body"] for found in _FENCE.finditer(reply)]
    return max(blocks, key=len, default=None)
