"""Streamed text: whose it is, and where it is cut (at stop strings, out of code fences), however it is split
into pieces."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

Said = tuple[str, str]
"""The name of a model and a piece of its answer."""


class Answer(AsyncIterator[str]):
    """The pieces of an answer; `model` names who gives it, "" before the first piece."""

    def __init__(self, said: AsyncGenerator[Said]) -> None:
        self._said = said
        self.model = ""

    async def __anext__(self) -> str:
        self.model, piece = await anext(self._said)
        return piece

    async def aclose(self) -> None:
        """Stop the model."""
        await self._said.aclose()


def answer_of(model: str, pieces: AsyncIterator[str]) -> Answer:
    """What one model says, as its answer."""
    return Answer(_said(model, pieces))


async def _said(model: str, pieces: AsyncIterator[str]) -> AsyncGenerator[Said]:
    async with closing(pieces):
        async for piece in pieces:
            yield model, piece


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole answer, and the name of the model that gave it: "" for one without a word."""

    text: str
    model: str


class StopCut:
    """Passes text on until a stop string appears; the stop string itself is not passed on."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(dict.fromkeys(stop for stop in stops if stop))
        self._held = ""
        self.stopped = False

    def feed(self, piece: str) -> str:
        """What may go out now; "" once stopped."""
        if self.stopped:
            return ""
        if not self._stops:
            return piece
        text = self._held + piece
        first = min((at for stop in self._stops if (at := text.find(stop)) >= 0), default=-1)
        if first >= 0:
            self.stopped, self._held = True, ""
            return text[:first]
        held = overlap(text, self._stops)
        self._held = text[len(text) - held :]
        return text[: len(text) - held]

    def rest(self) -> str:
        """What was held back when the stream ends without a stop string."""
        held, self._held = self._held, ""
        return held


def overlap(text: str, needles: Sequence[str]) -> int:
    """Length of the longest end of `text` that begins one of `needles` (but is not all of it)."""
    for size in range(min(len(text), max(map(len, needles), default=1) - 1), 0, -1):
        tail = text[-size:]
        if any(needle.startswith(tail) for needle in needles if len(needle) > size):
            return size
    return 0


async def cut(pieces: AsyncIterator[str], stops: Sequence[str]) -> AsyncIterator[str]:
    """`pieces` up to the first stop string; then the source is closed."""
    cutter = StopCut(stops)
    async with closing(pieces):
        async for piece in pieces:
            if out := cutter.feed(piece):
                yield out
            if cutter.stopped:
                return
        if out := cutter.rest():
            yield out


async def unfenced(pieces: AsyncIterator[str]) -> AsyncIterator[str]:
    """The answer without the Markdown fence a chat model puts round code although told not to."""
    head, decided, drop = "", False, 0
    fence: StopCut | None = None
    async with closing(pieces):
        async for piece in pieces:
            if not decided:
                head += piece
                start = head.lstrip()
                opens = start.startswith("```")
                if (opens and "\n" not in start) or (not opens and "```".startswith(start)):
                    continue
                decided, piece = True, head
                if opens:  # the line end of the opening fence may also begin the closing one
                    fence, drop, piece = StopCut(("\n```",)), 1, "\n" + start.split("\n", 1)[1]
            out = fence.feed(piece) if fence else piece
            out, drop = out[drop:], 0 if out else drop
            if out:
                yield out
            if fence and fence.stopped:
                return
        rest = fence.rest()[drop:] if fence else "" if decided or head.lstrip().startswith("```") else head
        if rest:
            yield rest


_THOUGHT, _THOUGHT_ENDS = "<think>", "</think>"


async def spoken(pieces: AsyncIterator[str], unsaid: Callable[[], Exception]) -> AsyncIterator[str]:
    """The answer without the thoughts that some models write before it. Raises `unsaid()` where they do not
    end."""
    head, thinks, begins = "", True, False
    async with closing(pieces):
        async for piece in pieces:
            if begins:  # empty lines between the thoughts and the answer, before a stop string cuts there
                piece = piece.lstrip("\r\n")
                begins = not piece
            if not thinks:
                if piece:
                    yield piece
                continue
            searched = max(0, len(head) - len(_THOUGHT_ENDS))
            head += piece
            start = head.lstrip()
            if not start.startswith(_THOUGHT):
                if thinks := _THOUGHT.startswith(start):
                    continue
                yield head
            elif (end := head.find(_THOUGHT_ENDS, searched)) >= 0:
                thinks = False
                rest = head[end + len(_THOUGHT_ENDS) :].lstrip("\r\n")
                begins = not rest
                if rest:
                    yield rest
        if thinks and head.lstrip().startswith(_THOUGHT):
            raise unsaid()
        if thinks and head:
            yield head


@asynccontextmanager
async def closing(pieces: AsyncIterator[str]) -> AsyncIterator[None]:
    """Closes the stream on the way out, when it is one that can be closed."""
    try:
        yield
    finally:
        close: Callable[[], Awaitable[None]] | None = getattr(pieces, "aclose", None)
        if close is not None:
            await close()
