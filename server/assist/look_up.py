"""What a name is: three are asked, and what one of them says is told.

- The text (`ask_text`), of Python's files alone. It is asked first; what it is sure of stands.
- The type engine (`ask_definition`), where the text was not sure within its head start. What it says stands.
- Tree and index (`ask_nearby`), at the same moment. What they say without doubt stands.

What nobody is sure of is told when the waiting is over: what the text guesses, else the likeliest of tree and
index. Where there is no guess either, the engine is waited for a little longer; and where the machine is so
busy that text and index themselves have not answered, the first guess they make is told.

Whoever asks the same, as definition does after hover, finds the same three at work or their answers: they
go on when a request is cancelled or has its answer. Only tree and index end when somebody else was sure.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from devflow.analysis.document import Document
from devflow.analysis.scope import in_quotes
from devflow.analysis.types.base import Definition
from devflow.server.assist.base import Codebase
from devflow.server.assist.found import Found
from devflow.server.assist.memory import PerDocument
from devflow.server.assist.prose import named_in_prose
from devflow.server.assist.resolve import resolve, without_doubt
from devflow.server.assist.static_names import static_name
from devflow.server.assist.waiting import allowed, answer, until

DEADLINE_SECONDS = 0.04
"""After this long what the text and the index know goes out; the engine's answer is kept for the repeat."""
HEAD_START_SECONDS = 0.012
"""What the text alone tells is mostly there by then, and the engine need not be asked."""
LAST_SECONDS = 0.055
"""How long the engine is waited for where text and index know nothing at all."""
FAST_SECONDS = (0.008, 0.018, 0.03)
"""Head start, deadline and last wait where the engine is fast."""
REPEAT_SECONDS = 2.0
"""Hover and definition of a name follow each other: what text and index said is told again that long."""
OWN_SECONDS = 0.2
"""How long text, index and a fast engine are waited for when the machine is busy."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a name is, likeliest first, and who said so."""

    definitions: tuple[Definition, ...] = ()
    engine: str = ""
    """`jedi`, `document`, `files` or `index`."""
    places: int = 0
    """Where it is a guess by the name: how many places are called so; 0 where it is none."""


async def look_up(doc: Document, at: int, code: Codebase) -> Known:
    """What the name at `at` is, within about `DEADLINE_SECONDS`."""
    start, end = doc.text.word_at(at)
    if start == end:
        return Known()
    begun = time.monotonic()
    if in_quotes(doc, at):
        return known_as(await named_in_prose(doc, at, code))
    slow = (HEAD_START_SECONDS, DEADLINE_SECONDS, LAST_SECONDS)
    head_start, deadline, last = FAST_SECONDS if code.types_are_fast else slow
    text = ask_text(doc, at, code)
    await until(begun + allowed(head_start), text)
    if (told := answer(text)) is not None and told[1]:
        return known_as([told[0]])
    asked = _Asked(text, ask_definition(doc, at, code), ask_nearby(doc, at, code))
    own = [asked.text, asked.nearby]
    everyone = [*own, asked.engine] if asked.engine is not None else own
    for seconds, tasks, enough in (
        (deadline, everyone, asked.sure),
        (last, everyone, asked.sure),
        (OWN_SECONDS, everyone if code.types_are_fast else own, asked.likeliest),
    ):
        known = await _said(enough, tasks, begun + allowed(seconds)) or asked.likeliest()
        if known is not None:
            if asked.sure() is not None:
                asked.nearby.cancel()
            return known
    return Known()


@dataclass(frozen=True, slots=True)
class _Asked:
    """Those who were asked what a name is."""

    text: asyncio.Task[tuple[Found, bool] | None]
    engine: asyncio.Task[list[Definition]] | None
    nearby: asyncio.Task[tuple[float, list[Found]]]

    def sure(self) -> Known | None:
        """What stands, whatever the others are going to say."""
        if (told := answer(self.text)) is not None and told[1]:
            return known_as([told[0]])
        if self.engine is not None and (definitions := answer(self.engine)):
            return Known(tuple(definitions), definitions[0].engine)
        if (found := answer(self.nearby)) and without_doubt(found[1]) is not None:
            return known_as(found[1])
        return None

    def likeliest(self) -> Known | None:
        """What there is to tell now."""
        if (known := self.sure()) is not None:
            return known
        if (told := answer(self.text)) is not None:
            return known_as([told[0]])
        if (found := answer(self.nearby)) and found[1]:
            return known_as(found[1])
        return None


async def _said(
    enough: Callable[[], Known | None], tasks: Sequence[asyncio.Task[Any]], deadline: float
) -> Known | None:
    """What `enough` gives as soon as it gives something, looked at whenever one of `tasks` is done; None when
    all are, or at `deadline` (`time.monotonic()`)."""
    while (known := enough()) is None:
        running = [each for each in tasks if not each.done()]
        left = deadline - time.monotonic()
        if not running or left <= 0:
            return None
        await asyncio.wait(running, timeout=left, return_when=asyncio.FIRST_COMPLETED)
    return known


_STATIC = PerDocument[tuple[Found, bool] | None]("what the text tells of a name")
_NEARBY = PerDocument[tuple[float, list[Found]]]("what tree and index tell of a name, and when")
_DEFINED = PerDocument[list[Definition]]("what the type engine tells of a name")


def ask_text(doc: Document, at: int, code: Codebase) -> asyncio.Task[tuple[Found, bool] | None]:
    """What Python's text alone tells of the name at `at`, asked once for a text."""
    key = _STATIC.key(doc.uri, hash(doc.text.source), doc.text.word_at(at))
    return code.memory.task(key, lambda: static_name(doc, at, code))


def ask_definition(doc: Document, at: int, code: Codebase) -> asyncio.Task[list[Definition]] | None:
    """The type engine's definitions of the name at `at`, asked once for a text: hover and definition
    follow each other. None where there is no engine."""
    python = code.python
    if python is None or doc.language != "python":
        return None
    source = doc.text.source
    key = _DEFINED.key(doc.uri, hash(source), doc.text.word_at(at))
    kept = code.memory.task(key, lambda: python.define(doc.path, source, at))
    if kept.done() and not answer(kept) and not code.types_are_fast:
        # It gave nothing, perhaps only because another question came in between.
        return code.memory.again(key, lambda: python.define(doc.path, source, at))
    return kept


def ask_nearby(doc: Document, at: int, code: Codebase) -> asyncio.Task[tuple[float, list[Found]]]:
    """What tree and index tell of the name at `at`, and when they did (`time.monotonic()`)."""
    key = _NEARBY.key(doc.uri, hash(doc.text.source), doc.text.word_at(at))

    async def look() -> tuple[float, list[Found]]:
        found = await resolve(doc, at, code)
        return time.monotonic(), found

    kept = code.memory.task(key, look)
    if kept.done() and (told := answer(kept)) and time.monotonic() - told[0] > REPEAT_SECONDS:
        return code.memory.again(key, look)  # the index has moved on
    return kept


def known_as(found: Sequence[Found]) -> Known:
    """What tree, text and index say in the form of the engine's answer."""
    made = tuple(
        Definition(
            each.symbol.name,
            each.symbol.kind,
            each.symbol.qualified_name,
            each.symbol.signature or each.symbol.name,
            each.symbol.doc,
            each.location,
        )
        for each in found
    )
    return Known(made, found[0].source, found[0].places) if made else Known()
