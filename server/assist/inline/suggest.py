"""Ghost text: the rest of the line, or a block, after the cursor.

The stages in their order: trigger, cache, context, prompt, stream, clean, check, and how likely it is to be
accepted. A fill model writes it when there is one; else the code itself does, as lines that began so go
on elsewhere (`rest_of_line`), when that is probable enough.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from devflow.analysis.document import Document
from devflow.analysis.syntax.parse import SyntaxTree
from devflow.analysis.text import Edit
from devflow.analysis.types.base import Candidate
from devflow.models.errors import NotAllowed, OverBudget, TooLate
from devflow.models.streams import Answer, Said
from devflow.server.assist.base import Codebase
from devflow.server.assist.inline import ahead, rhythm
from devflow.server.assist.inline.acceptance import Signs, chance, values
from devflow.server.assist.inline.cache import Kept
from devflow.server.assist.inline.check import Checked, checked, placed, whole
from devflow.server.assist.inline.clean import clean
from devflow.server.assist.inline.closing import covered
from devflow.server.assist.inline.context import Context, gather
from devflow.server.assist.inline.edits import undoes
from devflow.server.assist.inline.generation import Generation, Written
from devflow.server.assist.inline.ghost import Shown, ghost_of, keep_report, mood_of
from devflow.server.assist.inline.known import with_suggestion
from devflow.server.assist.inline.prompt import hole_at, next_request, tokens_of, without_context
from devflow.server.assist.inline.report import Report
from devflow.server.assist.inline.rest_of_line import guess
from devflow.server.assist.inline.site import Site, site_of
from devflow.server.assist.inline.stream import is_done, without_cut_end
from devflow.server.assist.inline.trigger import Silence, Situation, asks_for_code, closed_gate
from devflow.server.assist.memory import PerDocument
from devflow.server.assist.outcome import place_of
from devflow.server.settings import Inline

if TYPE_CHECKING:
    from devflow.models.base import FillRequest
    from devflow.models.router import Router

log = logging.getLogger(__name__)

_SMOOTHING = 0.3
_ENGINE_SECONDS = 0.03
"""For the type engine's word on a suggestion that no model was waited for."""
_SUBTLE = 2.0
"""Factor on the least probability in subtle mode."""
_SPECULATED = PerDocument[None]("what would be asked when this is accepted")
_WARMED = PerDocument[list[Candidate]]("a question that has the type engine read the document")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`edit` holds the whole new text of its range, the popup's selection included."""

    edit: Edit
    engine: str
    confidence: float
    chance: float = 1.0
    """That it is accepted, as far as is known; `values` is what that was told from."""
    values: Mapping[str, float] = field(default_factory=dict)
    source: str = ""
    """As in `report.Report`."""


async def inline(
    doc: Document,
    at: int,
    code: Codebase,
    config: Inline,
    selected: Edit | None = None,
    manual: bool = False,
    listed: bool = False,
) -> Suggestion | None:
    """What to show at `at`, or None; why is told by the report kept in `ghost_of(code.memory, doc.uri)`.
    With `selected`, the completion chosen in the editor's popup, the suggestion goes on from it.
    `manual`: the user asked for it by a key. `listed`: it becomes an item of a list, which nobody need look
    at."""
    ghost, mood = ghost_of(code.memory, doc.uri), mood_of(code.memory)
    ahead.end(mood)
    ghost.observe(doc, at, mood)
    ghost.shown, ghost.by_key = None, manual
    run = _Run(doc, at, code, config, manual)
    start, end, taken = at, at, ""
    if selected is not None:
        if not selected.start <= at <= selected.end or not _is_typed(
            doc.text.source[selected.start : at], selected.new
        ):
            run.silent(Silence.SELECTION)
            return None
        start, end, taken = selected.start, selected.end, selected.new
        moved = replace(doc, text=doc.text.replaced([selected]), tree=_edited(doc, selected), version=-1)
        run.doc, run.at, run.chosen = moved, start + len(taken), True
    found = await run.stages()
    if found is None:
        return None
    text, kept, source = found
    cover = covered(text, run.site) if selected is None else 0
    edit = Edit(start, end + cover, taken + text)
    run.time("all")
    signs = run.signs(text, kept)
    likely = chance(signs, mood.weights)
    least = config.min_acceptance * (_SUBTLE if config.mode == "subtle" else 1.0)
    report = Report(
        doc.uri,
        doc.version,
        at,
        problem=run.problem,
        text=edit.new,
        engine=kept.engine,
        source=source,
        confidence=kept.confidence,
        chance=likely,
        values=signs,
        context=run.context.used,
        search=run.context.search,
        tokens=run.tokens,
        names=run.notes,
        milliseconds=run.times,
    )
    if likely < least and not manual:
        keep_report(ghost, mood, replace(report, silence=Silence.UNLIKELY, text=""))
        return None
    keep_report(ghost, mood, report)
    line = doc.text.source[doc.text.line_start(doc.text.line_at(start)) : start]
    ghost.shown = Shown(edit.new, start, doc.text.source, line, listed)
    if kept.by_model and source != "cache" and config.speculate and run.is_local(kept.engine):
        code.memory.again(_SPECULATED.key(doc.uri), lambda: run.speculate(text))
    return Suggestion(edit, kept.engine, kept.confidence, likely, signs, source)


class _Run:
    """One request on its way through the stages."""

    def __init__(self, doc: Document, at: int, code: Codebase, config: Inline, manual: bool) -> None:
        self.doc, self.at, self.code, self.config, self.manual = doc, at, code, config, manual
        self.ghost, self.mood = ghost_of(code.memory, doc.uri), mood_of(code.memory)
        self.number = self.ghost.number
        self.chosen = False
        """Whether the word before `at` is the popup's choice, a whole one."""
        self.site = Site("", "")
        self.context = Context()
        self.tokens = 0
        self.notes: tuple[str, ...] = ()
        self.problem = ""
        """What the model said instead of an answer."""
        self.times: dict[str, float] = {}
        self._begun = self._last = time.perf_counter()
        self._uri, self._version, self._asked_at = doc.uri, doc.version, at

    async def stages(self) -> tuple[str, Kept, str] | None:
        """The text to show at `at`, what is known of it, where it is from; None, once the reason is noted."""
        situation = Situation(
            manual=self.manual,
            snoozed=time.monotonic() < self.mood.snoozed_until,
            deletions=self.ghost.deletions,
            accepted=self.ghost.accepted_at == self.at,
        )
        shut = closed_gate(self.doc, self.at, situation, self.config)
        self.time("trigger")
        # The rest of a block whose first line was accepted stays, though a line is whole there.
        goes_on = shut is Silence.WHOLE and self.ghost.goes_on
        if shut is not None and not goes_on:
            self.silent(shut)
            return None
        self.site = site_of(self.doc, self.at)
        if (hit := self._from_cache()) is not None:
            return hit
        if shut is not None:
            self.silent(shut)
            return None
        models = self.code.models
        found: tuple[str, Kept, str] | None = None
        why = Silence.NOTHING
        if models is not None and models.has("fill"):
            made = await self._by_model()
            if isinstance(made, Silence):
                why = made
            else:
                found = made
            if why is Silence.SUPERSEDED:
                self.silent(why)
                return None
        elif models is not None and (obstacle := models.obstacle("fill")):
            why, self.problem = Silence.MODEL, obstacle
        if found is None:
            found = await self._by_code()
        if found is None:
            self.silent(why)
            return None
        text, kept, _ = found
        if refused := self._refused(text):
            self.silent(refused)
            return None
        source = self.doc.text.source
        self.ghost.cache.keep(source[: self.at], source[self.at :], self.doc.language, kept)
        return found

    def silent(self, why: Silence) -> None:
        """Note why nothing is shown."""
        self.time("all")
        report = Report(
            self._uri,
            self._version,
            self._asked_at,
            why,
            self.problem,
            context=self.context.used,
            search=self.context.search,
            tokens=self.tokens,
            names=self.notes,
            milliseconds=self.times,
        )
        keep_report(self.ghost, self.mood, report)
        log.debug("no ghost text: %s", why)

    def time(self, stage: str) -> None:
        """Note the milliseconds since the last stage; of `all`, since the beginning."""
        now = time.perf_counter()
        since = self._begun if stage == "all" else self._last
        self.times[stage] = self.times.get(stage, 0.0) * (stage != "all") + (now - since) * 1e3
        self._last = now

    def signs(self, text: str, kept: Kept) -> dict[str, float]:
        """What the chance of being accepted is told from."""
        before = self.site.line_before
        name = self.doc.path.name if self.doc.path is not None else ""
        return values(
            Signs(
                text,
                kept.by_model,
                kept.confidence,
                asks_for_code(self.doc, self.at),
                before[-1:].isalnum() or before[-1:] == "_",
                not before.strip(),
                kept.repaired,
                kept.unsure,
                self.mood.last,
                "test" in name,
            )
        )

    def _from_cache(self) -> tuple[str, Kept, str] | None:
        source = self.doc.text.source
        hit = self.ghost.cache.find(source[: self.at], source[self.at :], self.doc.language)
        self.time("cache")
        if hit is None:
            return None
        kept, typed = hit
        site = replace(self.site, multiline="\n" in kept.text)
        text = clean(kept.text[typed:], site, goes_on=typed > 0)
        if not text or self._refused(text):
            return None
        return text, kept, "cache"

    async def _by_model(self) -> tuple[str, Kept, str] | Silence:
        source = self.doc.text.source
        before, after = source[: self.at], source[self.at :]
        running = self.ghost.generation
        typed = running.typed_since(before, after) if running is not None else None
        written: Written | None = None
        origin = "stream"
        if running is not None and typed is not None:
            written = await self._awaited(running, typed)
            if written is not None and not written.text.startswith(typed):
                typed = None  # it went on in another way
        if running is None or typed is None:
            if self.ghost.number != self.number:
                return Silence.SUPERSEDED
            if running is not None and running.is_running:
                await running.stop()
            running = await self._started()
            if running is None:
                return Silence.SUPERSEDED
            typed, origin = "", "model"
            written = await self._awaited(running, typed)
        if written is None:
            return Silence.SUPERSEDED
        raw = written.text[len(typed) :]
        if written.error is not None:
            self.problem = str(written.error)
            if self.mood.is_news(self.problem, self.doc.uri):
                log.warning("ghost text: %s", self.problem)
        else:
            self._learn(written)
        if written.late or written.error is not None:
            # Whole lines that came before it was cut off are worth showing, half a line is not.
            raw = raw.rsplit("\n", 1)[0] if "\n" in raw.strip() else ""
            if not raw:
                late = written.late or isinstance(written.error, TooLate)
                return Silence.LATE if late else Silence.MODEL
        return await self._finished(raw, written.model, origin)

    async def _awaited(self, running: Generation, typed: str) -> Written | None:
        try:
            return await running.wait(typed)
        finally:  # also when the editor cancels the request
            self.time("model")
            if self.ghost.generation is running and not running.is_running:
                self.ghost.generation = None

    async def _started(self) -> Generation | None:
        """A new generation, once the user's pause is long enough; None when a newer request came."""
        wait = 0.0
        if not self.manual:
            asks = asks_for_code(self.doc, self.at)
            wait = rhythm.pause(self.ghost.rhythm, asks, self.mood.response)
        gathering = asyncio.ensure_future(self._context())
        try:
            if wait:
                await asyncio.sleep(wait)
            if self.ghost.number != self.number:
                return None
            self.time("pause")
            self.context = await gathering
        finally:
            gathering.cancel()
        self.time("context")
        self._warm_types()
        return await self._generation(self.doc, self.at, self.site)

    def _warm_types(self) -> None:
        """Have the type engine read the document as it is while a model writes: the first question in a
        version takes it some 30 ms, which the check of names would be waited for."""
        doc, at, python = self.doc, self.at, self.code.python
        if python is None or doc.language != "python" or not self.code.types_are_fast:
            return
        if self.config.check_names:
            warm = _WARMED.key(doc.uri)
            self.code.memory.again(warm, lambda: python.complete(doc.path, doc.text.source, at))

    async def _generation(self, doc: Document, at: int, site: Site) -> Generation | None:
        """The document's generation from now on, for `at` of `doc`; None when a newer request came."""
        hole = await hole_at(doc, at, self.code, site)
        models, ghost = self.code.models, self.ghost
        if models is None or ghost.number != self.number:
            return None
        request = next_request(ghost, hole, self.context, self.config.max_tokens)
        self.tokens = tokens_of(request)
        seconds = self.config.timeout_ms / 1000
        request = replace(request, deadline=seconds)
        without = without_context(request, hole)
        source = doc.text.source
        self.mood.read = (doc.uri, source, at)
        ghost.generation = Generation(
            source[:at],
            source[at:],
            lambda: Answer(self._filled(models, request, without)),
            lambda text: is_done(text, site),
            seconds,
            request.max_tokens,
        )
        self.time("prompt")
        return ghost.generation

    async def _filled(
        self, models: Router, request: FillRequest, without: FillRequest
    ) -> AsyncGenerator[Said]:
        """What a model writes; where a path rule keeps a file of the context on the machine, what it writes
        `without` the context: one private file open must not silence all others."""
        pieces = models.fill(request)
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    yield pieces.model, piece
            return
        except NotAllowed as error:  # refused before anything was said
            if isinstance(error, OverBudget) or not request.context:
                raise
        self.context, self.tokens = Context(), tokens_of(without)
        pieces = models.fill(without)
        async with aclosing(pieces):
            async for piece in pieces:
                yield pieces.model, piece

    def is_local(self, engine: str) -> bool:
        """Whether the model runs here: text that was not asked for costs nobody anything."""
        models = self.code.models
        return models is not None and any(
            status.name == engine and not status.remote for status in models.statuses()
        )

    async def speculate(self, text: str) -> None:
        """Have the model write what would come next if `text` were accepted, while it is looked at. Any
        request that does not go on from there ends it."""
        made = await asyncio.to_thread(
            with_suggestion, self.doc, self.at, text, self.at + covered(text, self.site)
        )
        at = self.at + len(text)
        if closed_gate(made, at, Situation(accepted=True), self.config) is not None:
            return
        generation = await self._generation(made, at, site_of(made, at))
        if generation is not None:
            await generation.wait()

    async def _context(self) -> Context:
        if not self.config.context:
            return Context()
        return await gather(self.doc, self.at, self.code, self.mood)

    async def _finished(self, raw: str, model: str, origin: str) -> tuple[str, Kept, str] | Silence:
        """What `model` wrote, cleaned and checked."""
        doc, at, site = self.doc, self.at, self.site
        text = await asyncio.to_thread(clean, without_cut_end(raw, site), site)
        self.time("clean")
        if not text:
            return Silence.CLEANED
        end = at + covered(text, site)
        text, made = await asyncio.to_thread(placed, doc, at, text, end)
        self.time("parse")
        if not text:
            return Silence.BROKEN
        told = Checked(text)
        if self.config.check_names:
            told = await checked(doc, at, text, self.code, end, made=made)
            self.notes = told.notes
            self.time("names")
            if told.silence is not None:
                return told.silence
            if told.text != text and not await asyncio.to_thread(whole, doc, at, told.text, end):
                return Silence.BROKEN
        kept = Kept(told.text, model, 1.0, True, told.repaired, told.unsure)
        return told.text, kept, origin

    async def _by_code(self) -> tuple[str, Kept, str] | None:
        """The rest of the line as it stands elsewhere."""
        if self.site.line_before.strip() == "" and not self.site.multiline:
            return None  # at the start of a line nothing has been said yet
        site = replace(self.site, multiline=False)
        found = await asyncio.to_thread(
            guess, self.doc, self.at, self.code, lambda text: clean(text, site), whole=self.chosen
        )
        self.time("code")
        if found is None or found.probability < self.config.min_confidence or not found.text:
            return None
        if self.config.check_names:
            # What stands elsewhere may use what is not here.
            told = await checked(
                self.doc,
                self.at,
                found.text,
                self.code,
                seconds=_ENGINE_SECONDS,
                made=found.made,
                as_it_is=True,
            )
            self.time("names")
            if told.silence is not None or told.repaired or told.text != found.text:
                self.notes = told.notes
                return None
        return found.text, Kept(found.text, found.engine, found.probability, False), "code"

    def _refused(self, text: str) -> Silence | None:
        """Whether the user has said no to `text` here, in one way or another."""
        if self.manual:
            return None
        line, refused = self.site.line_before, self.mood.refused
        if self.ghost.was_rejected(line, text):
            return Silence.REJECTED
        if refused is not None and refused.holds(place_of(self._uri, line, text)):
            return Silence.REJECTED
        if undoes(text, self.ghost.removed_at(self.at)):
            return Silence.UNDOES
        return None

    def _learn(self, written: Written) -> None:
        self.mood.answered(self.doc.uri)
        if not written.late:
            self.mood.response += _SMOOTHING * (written.seconds - self.mood.response)


def _is_typed(typed: str, chosen: str) -> bool:
    """Whether `typed` can mean the popup's choice: all its letters are in it, in their order, as popups
    match."""
    rest = iter(chosen.casefold())
    return all(letter in rest for letter in typed.casefold())


def _edited(doc: Document, edit: Edit) -> SyntaxTree | None:
    tree = doc.tree
    return tree.edited([edit], doc.text.replaced([edit])) if tree is not None else None
