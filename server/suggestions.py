"""The suggestions a session has shown, what became of them, and why the last one was shown or none was.

Told by the editor (the item's command, Copilot's notifications) or by the edits that follow; put into the
store of `models.feedback`, a thread away from the loop.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, get_args

from devflow.analysis.changes import Change
from devflow.analysis.document import Document
from devflow.analysis.edit_distance import edit_distance
from devflow.analysis.text import Edit, Text
from devflow.models.feedback import TAKEN, Action, Event, Feedback, Kind
from devflow.server.assist.outcome import Watched, carried, followed, listed, place_of, watched

log = logging.getLogger(__name__)

LOOKED_AT_AFTER = 30.0
"""Seconds after which an accepted suggestion is looked at again."""
WRITTEN_AFTER = 2.0
"""Seconds that events wait for others, so that the disk is asked once for all of them."""
KINDS: tuple[Kind, ...] = get_args(Kind)
_MOST = 64
_COMPARED = 2_000


@dataclass(frozen=True, slots=True)
class Shown:
    """A suggestion as it was shown."""

    id: str
    uri: str
    kind: Kind
    language: str
    model: str
    source: str
    digest: str
    text: str
    since: float
    """On the monotonic clock."""
    watch: Watched | None
    """None once it is off the screen, and where a client tells everything itself."""
    seen: bool = False
    """Whether it counts as shown: at once, or when a client that tells has told."""
    ended: Action | None = None
    taken: int = 0
    features: Mapping[str, float] = field(default_factory=dict)
    milliseconds: float = 0.0
    experiment: str = ""


@dataclass(slots=True)
class _Accepted:
    """Text that was accepted and has not been looked at again."""

    shown: Shown
    start: int
    end: int
    text: str


class Suggestions:
    """What one session has shown. Lives on the event loop."""

    def __init__(
        self,
        run: Callable[[Coroutine[Any, Any, Any], str], asyncio.Task[Any]],
        text_of: Callable[[str], Text | None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`text_of(uri)` is the present text of an open document."""
        self._run = run
        self._text_of = text_of
        self._clock = clock
        self.feedback = Feedback(None)
        self.tells_shown = False
        """Whether the client says itself what it shows (Copilot's `didShowCompletion`)."""
        self.experiment_of: Callable[[Document, str], str] = lambda doc, model: ""
        """The experiment in which `model` suggests something in a document."""
        self._shown: OrderedDict[str, Shown] = OrderedDict()
        self.on_end: list[Callable[[Shown, Action], None]] = []
        """Called when a suggestion was accepted, whole or in part, rejected or typed over, with it as it was
        before: `taken` is 0 the first time."""
        self._on_screen: dict[tuple[str, Kind], str] = {}
        """Document and kind → the suggestion that can be on the screen there."""
        self._accepted: dict[str, list[_Accepted]] = {}
        self._timers: set[asyncio.TimerHandle] = set()
        self._writing: asyncio.TimerHandle | None = None

    # -- showing ------------------------------------------------------------------------------------

    def show(
        self,
        doc: Document,
        at: int,
        edit: Edit,
        *,
        kind: Kind = "inline",
        model: str = "",
        source: str = "",
        features: Mapping[str, float] | None = None,
        milliseconds: float = 0.0,
        place: str = "",
    ) -> str:
        """`edit` of `doc` is on its way to the screen, the cursor at `at`. Returns its id, for the command of
        the item; the one that is there already keeps its own. `place`: what it is known by in later sessions,
        where that is not what its line would become."""
        wanted = watched(edit, doc.text.source, None if kind == "next-edit" else at)
        before = self.on_screen(doc.uri, kind)
        if before is not None and _same(before.watch, wanted):
            taken = before.watch.taken if before.watch is not None else wanted.taken
            self._shown[before.id] = replace(before, watch=replace(wanted, taken=taken))
            return before.id
        line = doc.text.line_before(edit.start)
        shown = Shown(
            os.urandom(8).hex(),
            doc.uri,
            kind,
            doc.language,
            model,
            source,
            self.feedback.digest(place or place_of(doc.uri, line, edit.new)),
            edit.new,
            self._clock(),
            wanted,
            features=dict(features or {}),
            milliseconds=milliseconds,
            experiment=self.experiment_of(doc, model) if kind != "next-edit" else "",
        )
        self._keep(shown)
        self._on_screen[doc.uri, kind] = shown.id
        if not self.tells_shown:
            self.told_shown(shown.id)
        return shown.id

    def on_screen(self, uri: str, kind: Kind = "inline") -> Shown | None:
        """The suggestion that can be on the screen in a document."""
        return self._shown.get(self._on_screen.get((uri, kind), ""))

    def last(self, *kinds: Kind) -> Shown | None:
        """The newest suggestion of these kinds."""
        return next((each for each in reversed(self._shown.values()) if each.kind in kinds), None)

    # -- what the editor tells -------------------------------------------------------------------------

    def told_shown(self, suggestion: str) -> None:
        """It is on the screen."""
        shown = self._shown.get(suggestion)
        if shown is not None and not shown.seen:
            shown = self._keep(replace(shown, seen=True))
            self._record(shown, Action.SHOWN, milliseconds=shown.milliseconds)

    def told_accepted(self, suggestion: str) -> Shown | None:
        """All of it was accepted; it, None when it is not known any more."""
        shown = self._shown.get(suggestion)
        if shown is None:
            return None
        if shown.ended is not Action.ACCEPTED:
            self._take(shown, Action.ACCEPTED, len(shown.text) - shown.taken)
        return shown

    def told_partly(self, suggestion: str, units: int) -> None:
        """So many UTF-16 units of it were accepted, from its start."""
        shown = self._shown.get(suggestion)
        if shown is None or units <= 0:
            return
        taken = len(
            shown.text.encode("utf-16-le", "surrogatepass")[: 2 * units].decode("utf-16-le", "ignore")
        )
        if taken <= shown.taken:
            return
        rest = shown.text[taken:]
        lines = shown.text[:taken].endswith("\n") or rest.startswith("\n")
        action = Action.ACCEPTED_LINE if lines else Action.ACCEPTED_WORD
        self._take(shown, action if rest else Action.ACCEPTED, taken - shown.taken)

    def told_rejected(self, suggestion: str) -> None:
        """The user has sent it away."""
        shown = self._shown.get(suggestion)
        if shown is not None and shown.ended is None:
            self._end(shown, Action.REJECTED)

    # -- what edits tell -------------------------------------------------------------------------------

    def changed(self, uri: str, changes: Sequence[Change]) -> None:
        """One message of edits has been applied to a document."""
        for each in self._accepted.get(uri, ()):
            each.start, each.end = carried(each.start, each.end, changes)
        for kind in KINDS:
            shown = self.on_screen(uri, kind)
            if shown is not None and shown.watch is not None:
                self._follow(shown, shown.watch, changes)

    def closed(self, uri: str) -> None:
        """The document was closed."""
        for kind in KINDS:
            self._on_screen.pop((uri, kind), None)
        self._accepted.pop(uri, None)

    def _follow(self, shown: Shown, watch: Watched, changes: Sequence[Change]) -> None:
        step = followed(watch, changes)
        if shown.kind == "item":
            step = listed(step)
        shown = self._keep(replace(shown, watch=step.watched))
        if step.action is not None and step.action in TAKEN:
            self._take(shown, step.action, step.taken)
        elif step.action is not None:
            self._end(shown, step.action)
        elif step.over:
            self._on_screen.pop((shown.uri, shown.kind), None)

    # -- ending ----------------------------------------------------------------------------------------

    async def close(self) -> None:
        """Write what there is."""
        for timer in self._timers:
            timer.cancel()
        if self._writing is not None:
            self._writing.cancel()
        await asyncio.to_thread(self.feedback.close)

    def _take(self, shown: Shown, action: Action, taken: int) -> None:
        whole = action is Action.ACCEPTED
        first = shown.taken
        for ended in self.on_end:
            ended(shown, action)
        shown = self._keep(replace(shown, taken=shown.taken + taken, ended=action if whole else shown.ended))
        self.told_shown(shown.id)
        self._record(shown, action, taken=taken)
        if whole:
            self._on_screen.pop((shown.uri, shown.kind), None)
        text = self._text_of(shown.uri)
        if shown.watch is None or text is None:
            return
        start = shown.watch.start + (0 if whole else first)
        end = shown.watch.end if whole else shown.watch.start + shown.watch.taken
        self._look_later(_Accepted(shown, start, end, text.source[start:end]))

    def _end(self, shown: Shown, action: Action) -> None:
        self._on_screen.pop((shown.uri, shown.kind), None)
        shown = self._keep(replace(shown, ended=action, watch=None))
        if shown.seen:
            self._record(shown, action)
        for ended in self.on_end:
            ended(shown, action)

    def _look_later(self, accepted: _Accepted) -> None:
        uri = accepted.shown.uri
        waiting = self._accepted.setdefault(uri, [])
        if len(waiting) >= _MOST:
            return
        waiting.append(accepted)

        def due() -> None:
            self._timers.discard(timer)
            if accepted in self._accepted.get(uri, ()):
                self._accepted[uri].remove(accepted)
                self._run(self._look(accepted), "look at an accepted suggestion")

        timer = asyncio.get_running_loop().call_later(LOOKED_AT_AFTER, due)
        self._timers.add(timer)

    async def _look(self, accepted: _Accepted) -> None:
        text = self._text_of(accepted.shown.uri)
        if text is None:
            return
        now = text.source[accepted.start : accepted.end][:_COMPARED]
        was = accepted.text[:_COMPARED]
        distance = 0 if now == was else await asyncio.to_thread(edit_distance, was, now)
        self._record(accepted.shown, Action.EDITED, taken=len(was), distance=distance)

    def _keep(self, shown: Shown) -> Shown:
        self._shown[shown.id] = shown
        while len(self._shown) > _MOST:
            self._shown.popitem(last=False)
        return shown

    def _record(
        self,
        shown: Shown,
        action: Action,
        *,
        taken: int = 0,
        distance: int = 0,
        milliseconds: float | None = None,
    ) -> None:
        since = (self._clock() - shown.since) * 1_000
        self.feedback.record(
            Event(
                shown.id,
                action,
                shown.kind,
                shown.language,
                shown.model,
                shown.source,
                size=len(shown.text),
                taken=taken,
                distance=distance,
                milliseconds=since if milliseconds is None else milliseconds,
                digest=shown.digest,
                features=shown.features if action is Action.SHOWN else {},
                experiment=shown.experiment,
                unit=self.feedback.digest(shown.uri) if shown.experiment else "",
            )
        )
        if self._writing is None:
            self._writing = asyncio.get_running_loop().call_later(WRITTEN_AFTER, self._write)

    def _write(self) -> None:
        self._writing = None
        self._run(asyncio.to_thread(self.feedback.write), "write feedback")


def _same(one: Watched | None, other: Watched) -> bool:
    return one is not None and (one.start, one.here, one.wanted) == (other.start, other.here, other.wanted)
