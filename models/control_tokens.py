"""Control tokens in what a user wrote: spelt otherwise in a request, and as they were again in its answer.

A tokenizer that is given one text reads `</s>`, `[INST]` or `<|im_start|>` in it as the token of that name,
wherever it stands: the user's source would end the prompt, or open another turn. A space inside is enough. It
can be seen on purpose: a sign that cannot be could come back in an answer and stay in the user's file.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from devflow.models.base import ChatRequest, Excerpt, FillRequest, Message
from devflow.models.families import Profile
from devflow.models.streams import closing, overlap

_BARRED = re.compile(r"<[|｜][^<>|｜\s]{1,40}[|｜]>")
"""Most families write all theirs so; each has more than a table can follow."""
_Request = TypeVar("_Request", FillRequest, ChatRequest, FillRequest | ChatRequest)


@dataclass(frozen=True, slots=True)
class Spelling:
    """The control tokens that a request holds → how they are spelt in it."""

    spelt: Mapping[str, str]

    def text(self, text: str) -> str:
        """`text` without a control token."""
        return _replaced(text, self.spelt)

    def _back(self) -> _Unspelt:
        return _Unspelt({spelt: token for token, spelt in self.spelt.items()})

    def restored(self, pieces: Iterator[str]) -> Iterator[str]:
        """As `restore`, for an engine on this machine: as many pieces as it gives, some of them empty."""
        back = self._back()
        with contextlib.closing(pieces) if isinstance(pieces, Generator) else contextlib.nullcontext():
            for piece in pieces:
                yield back.feed(piece)
            yield back.rest()

    async def restore(self, pieces: AsyncIterator[str]) -> AsyncIterator[str]:
        """The answer as the user would have written it."""
        back = self._back()
        async with closing(pieces):
            async for piece in pieces:
                if out := back.feed(piece):
                    yield out
            if out := back.rest():
                yield out


class _Unspelt:
    """Passes an answer on with control tokens as the user wrote them, also those split over pieces."""

    def __init__(self, tokens: Mapping[str, str]) -> None:
        self._tokens = tokens
        self._held = ""

    def feed(self, piece: str) -> str:
        """What may go out now."""
        if not self._tokens:
            return piece
        text = _replaced(self._held + piece, self._tokens)
        held = overlap(text, tuple(self._tokens))
        self._held = text[len(text) - held :]
        return text[: len(text) - held]

    def rest(self) -> str:
        """What was held back when the answer ends."""
        held, self._held = self._held, ""
        return held


def respelt(request: _Request, profile: Profile) -> tuple[_Request, Spelling]:
    """The request as a model of the family may read it."""
    spelling = spelling_of(request.texts, profile.control)
    if not spelling.spelt:
        return request, spelling
    stop = tuple(map(spelling.text, request.stop))
    if isinstance(request, ChatRequest):
        messages = tuple(Message(each.role, spelling.text(each.content)) for each in request.messages)
        return replace(request, messages=messages, stop=stop), spelling
    return (
        replace(
            request,
            prefix=spelling.text(request.prefix),
            suffix=spelling.text(request.suffix),
            path=spelling.text(request.path),
            repository=spelling.text(request.repository),
            context=tuple(
                Excerpt(spelling.text(each.text), spelling.text(each.path)) for each in request.context
            ),
            stop=stop,
        ),
        spelling,
    )


def spelling_of(texts: Iterable[str], control: Iterable[str]) -> Spelling:
    """How to spell the control tokens that stand in `texts`, so that no text is spelt so already."""
    texts, control = tuple(texts), tuple(control)
    found = {token: None for token in control if token.strip() and any(token in text for text in texts)}
    if any(map(_BARRED.fullmatch, control)):
        found |= dict.fromkeys(token for text in texts for token in _BARRED.findall(text))
    spelt = {}
    for token in found:
        spelling = f"{token[0]} {token[1:]}"
        while any(spelling in text for text in texts):
            spelling = f"{spelling[0]} {spelling[1:]}"
        spelt[token] = spelling
    return Spelling(spelt)


def _replaced(text: str, by: Mapping[str, str]) -> str:
    if not any(each in text for each in by):
        return text
    longest_first = sorted(by, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, longest_first)), lambda found: by[found[0]], text)
