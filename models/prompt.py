"""A prompt as pieces: control tokens of the model's family, and text that must never become one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from devflow.models.base import ChatRequest, Excerpt, FillRequest


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a prompt. `control`: a token of the model's own vocabulary, to be encoded as that one token; a
    blank before it (CodeLlama's ` <SUF>`) is a part of it."""

    text: str
    control: bool = False


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model reads, and the strings that end its answer."""

    pieces: tuple[Piece, ...]
    stop: tuple[str, ...] = ()
    language: str = ""
    """Of the code it is about, for adapters."""
    fill: bool = False
    """A hole, for which a conversation steps aside."""

    def text(self) -> str:
        """As one string, for servers that encode control tokens themselves."""
        return "".join(piece.text for piece in self.pieces)


def neutralised(text: str, tokens: Iterable[str]) -> str:
    """`text` with a space put into every control token that occurs in it: the user's source must not
    end the hole or open another role. A visible character on purpose: an invisible one could come back
    in the model's answer and stay in the user's file."""
    for token in tokens:
        if token.strip() and token in text:
            text = text.replace(token, token[0] + " " + token[1:])
    return text


def trimmed(request: FillRequest, characters: int) -> FillRequest:
    """The request with at most `characters` of source: context goes first, then the far ends of prefix
    and suffix (a quarter of the room belongs to the suffix). Cuts at line starts where there is one."""
    characters = max(characters, 0)
    suffix_room = max(characters // 4, characters - len(request.prefix))
    suffix = request.suffix[:suffix_room]
    if len(suffix) < len(request.suffix) and "\n" in suffix:
        suffix = suffix[: suffix.rindex("\n") + 1]
    prefix = tail(request.prefix, characters - min(suffix_room, len(request.suffix)))
    whole = prefix == request.prefix and suffix == request.suffix
    room = characters - len(prefix) - len(suffix) if whole else 0
    return replace(request, prefix=prefix, suffix=suffix, context=_first(request.context, room))


def _first(context: Iterable[Excerpt], characters: int) -> tuple[Excerpt, ...]:
    """The excerpts that have room, of the first that has not the lines that have."""
    kept: list[Excerpt] = []
    for excerpt in context:
        characters -= len(excerpt.path) + len(excerpt.text)
        if characters < 0:
            text = excerpt.text[:characters]
            if "\n" in text:
                kept.append(replace(excerpt, text=text[: text.rindex("\n")]))
            break
        kept.append(excerpt)
    return tuple(kept)


def trimmed_chat(request: ChatRequest, characters: int) -> ChatRequest:
    """The conversation with at most about `characters`: the middle of its longest message goes."""
    total = sum(len(message.content) for message in request.messages)
    if total <= characters or not request.messages:
        return request
    longest = max(range(len(request.messages)), key=lambda index: len(request.messages[index].content))
    message = request.messages[longest]
    room = max(len(message.content) - (total - characters), 0)
    head, tail = room - room // 3, room // 3
    cut = message.content[:head] + (message.content[-tail:] if tail else "")
    messages = (
        *request.messages[:longest],
        type(message)(message.role, cut),
        *request.messages[longest + 1 :],
    )
    return replace(request, messages=messages)


def tail(text: str, characters: int) -> str:
    """The end of `text`, at most `characters` long, from a line start where there is one. Where it is cut
    does not move with every letter typed at its end but in steps of a quarter of the room: an engine that
    keeps what it has read would else read everything again."""
    if len(text) <= characters:
        return text
    step = max(characters // 4, 1)
    start = -(-(len(text) - characters) // step) * step
    kept = text[start:] if characters > 0 else ""
    line_start = kept.find("\n") + 1
    return kept[line_start:] if 0 < line_start < len(kept) else kept
