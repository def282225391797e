"""Reading ahead: while the cursor rests, a model on this machine reads what it would be asked there.

The first key's request then differs from what was read by that key, and is begun at once. Nobody waits for
this: any request for ghost text ends it, and what was read by then stays read.
"""

from __future__ import annotations

import asyncio
import logging
import time

from devflow.analysis.document import Document
from devflow.models.errors import ModelError
from devflow.server.assist.base import Codebase
from devflow.server.assist.inline.context import Context, gather
from devflow.server.assist.inline.ghost import NOWHERE, Mood, ghost_of, mood_of
from devflow.server.assist.inline.prompt import hole_at, next_request
from devflow.server.assist.inline.trigger import may_help
from devflow.server.assist.memory import Memory, PerSession
from devflow.server.settings import Inline

log = logging.getLogger(__name__)

REST = 0.3
"""Seconds after which a cursor that was not moved rests."""
_READING = PerSession[None]("reading ahead")


def cursor_at(doc: Document, at: int, code: Codebase, config: Inline, rest: float = REST) -> None:
    """The cursor has come to `at`: have that place read, unless it is left or ghost text is asked for before
    it was there for `rest` seconds. One place at a time, and none twice in a row."""
    mood, models = mood_of(code.memory), code.models
    if mood.read == (doc.uri, doc.text.source, at):
        return
    end(mood)
    if config.read_ahead and models is not None and models.reads_ahead(doc.language):
        mood.ahead = code.memory.again(_READING.key(), lambda: _read(doc, at, code, config, rest))


def end(mood: Mood) -> None:
    """Stop reading: somebody is about to ask."""
    if mood.ahead is not None:
        mood.ahead.cancel()
        mood.ahead = None


async def finished(memory: Memory) -> None:
    """Wait until nothing is read ahead any more."""
    task = mood_of(memory).ahead
    if task is not None:
        await asyncio.wait([task])


async def _read(doc: Document, at: int, code: Codebase, config: Inline, rest: float) -> None:
    await asyncio.sleep(rest)
    ghost, mood, models = ghost_of(code.memory, doc.uri), mood_of(code.memory), code.models
    snoozed = time.monotonic() < mood.snoozed_until
    number, running = ghost.number, ghost.generation
    if models is None or snoozed or (running is not None and running.is_running):
        return
    if not may_help(doc, at, config):
        return
    context = await gather(doc, at, code, mood) if config.context else Context()
    hole = await hole_at(doc, at, code)
    if ghost.number != number:
        return
    mood.read = place = (doc.uri, doc.text.source, at)
    request = next_request(ghost, hole, context, config.max_tokens)
    read = False
    try:
        read = await models.prime(request)
    except ModelError as error:
        log.info("nothing is read ahead: %s", error)
    if not read and mood.read == place:  # another time, then
        mood.read = NOWHERE
