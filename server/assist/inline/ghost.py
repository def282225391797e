"""What ghost text remembers of one document, from one request to the next."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from devflow.analysis.changes import Change, change_between
from devflow.analysis.document import Document
from devflow.server.assist.inline.acceptance import PRIOR, learned, learned_from
from devflow.server.assist.inline.cache import Cache
from devflow.server.assist.inline.edits import fate
from devflow.server.assist.inline.generation import Generation
from devflow.server.assist.inline.report import Report
from devflow.server.assist.inline.rhythm import Rhythm, struck
from devflow.server.assist.memory import Memory, PerDocument, PerSession

_UNDO_SECONDS = 30.0
_MOST_REJECTED = 200
_MOST_EDITS = 12
_MOST_PROBLEMS = 100
NOWHERE = ("", "", -1)
_NEAR = 200
"""Code points within which two edits are one."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A suggestion on the screen."""

    text: str
    start: int
    source: str
    """The document it was shown in."""
    line: str
    """What stood on its line before it."""
    listed: bool = False
    """It is an item of a list: something else typed is no word on it."""


@dataclass(frozen=True, slots=True)
class Window:
    """What of a document a prompt had, but for the cursor's line."""

    start: int = 0
    """Where its prefix began."""
    below: str = ""
    """The text below the cursor's line, as it was."""


NO_WINDOW = Window()
"""Before the first prompt."""


@dataclass(slots=True)
class Edited:
    """Lines of a file that were changed: as they were, and as they are."""

    uri: str
    path: Path | None
    language: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Suggestions by digests of `outcome.place_of`."""

    digests: frozenset[str]
    digest: Callable[[str], str]

    def holds(self, place: str) -> bool:
        """Whether what is known as `place` was refused."""
        return self.digest(place) in self.digests


@dataclass(slots=True)
class Mood:
    """What the user's answers say, over all documents."""

    weights: Mapping[str, float] = field(default_factory=lambda: dict(PRIOR))
    accepts: bool = False
    """Whether any suggestion was ever accepted: before that, rejections teach nothing."""
    last: str = ""
    """What became of the last suggestion: `accepted`, `rejected` or ""."""
    suggestion: Report | None = None
    """Of the last request that was answered, in whatever document."""
    silence: Report | None = None
    """Of the last one that was not."""
    snoozed_until: float = 0.0
    """`time.monotonic()`."""
    response: float = 0.3
    """Seconds the model took lately, smoothed."""
    edits: list[Edited] = field(default_factory=list)
    """What was changed lately, oldest first."""
    refused: Refused | None = None
    """What was refused in earlier sessions."""
    read: tuple[str, str, int] = NOWHERE
    """The place a model has read last: document, text, offset."""
    ahead: asyncio.Task[None] | None = None
    """Reads the place the cursor rests at, while nobody asks for ghost text."""
    problems: OrderedDict[str, str] = field(default_factory=OrderedDict)
    """Why models did not answer, a sentence each, and the document it was last about."""

    def is_news(self, problem: str, uri: str) -> bool:
        """Whether `problem`, met in the document `uri`, was not told since a model answered there."""
        known = problem in self.problems
        self.problems[problem] = uri
        self.problems.move_to_end(problem)
        while len(self.problems) > _MOST_PROBLEMS:
            self.problems.popitem(last=False)
        return not known

    def answered(self, uri: str) -> None:
        """A model has answered in the document `uri`: what it failed by there is over."""
        for problem in [each for each, where in self.problems.items() if where == uri]:
            del self.problems[problem]


class Ghost:
    """One document's. For the event loop only."""

    def __init__(self) -> None:
        self.cache = Cache()
        self.generation: Generation | None = None
        self.rhythm = Rhythm()
        self.number = 0
        """Of the last request."""
        self.by_key = False
        """Whether the user asked for the last one by a key."""
        self.deletions = 0
        self.accepted_at = -1
        """Where the suggestion accepted last ended; -1 once something else was done."""
        self.goes_on = False
        """Whether the last change typed or accepted a beginning of what was shown."""
        self.shown: Shown | None = None
        self.report: Report | None = None
        self.window = NO_WINDOW
        """What the last prompt had of the document."""
        self._source: str | None = None
        self._removed: tuple[int, str, float] = (-1, "", 0.0)
        self._rejected: OrderedDict[tuple[str, str], None] = OrderedDict()

    def end(self) -> None:
        """Stop what is under way: nobody will look at it."""
        self.number += 1  # a request that has not asked its model yet finds itself superseded
        if self.generation is not None and self.generation.is_running:
            self.generation.cancel()

    def observe(self, doc: Document, at: int, mood: Mood, now: float | None = None) -> None:
        """Take in what happened since the last request; this one is for `doc` at `at`."""
        now = time.monotonic() if now is None else now
        source = doc.text.source
        before, self._source = self._source, source
        self.number += 1
        if before is None or before == source:
            return
        self.rhythm = struck(self.rhythm, now)
        change = change_between(before, source)
        assert change is not None
        self.deletions = self.deletions + 1 if len(change.old) == 1 and not change.new else 0
        self._note_removed(change, now)
        _note_edit(mood, doc, before, change)
        self.accepted_at = -1
        self.goes_on = False
        if self.shown is not None:
            became = fate(self.shown.text, self.shown.start, self.shown.source, source)
            self.goes_on = became == "typing"
            if became == "accepted":
                self.accepted_at = self.shown.start + len(self.shown.text)
                mood.last, self.shown = "accepted", None
            elif became == "typed over" and self.shown.listed:
                self.shown = None
            elif became == "typed over":
                self.reject(self.shown, mood)

    def reject(self, shown: Shown, mood: Mood) -> None:
        """The user did not want `shown`: it is not offered at this place again."""
        self._rejected[(shown.line.strip(), shown.text.strip())] = None
        while len(self._rejected) > _MOST_REJECTED:
            self._rejected.popitem(last=False)
        self.cache.forget(shown.text)
        mood.last, self.shown = "rejected", None

    def was_rejected(self, line: str, text: str) -> bool:
        """Whether `text` was rejected behind `line`, or further on in it."""
        here = line.strip()
        if (here, text.strip()) in self._rejected:
            return True
        whole = here + text.strip()
        return any(
            here.startswith(old) and whole == old + said
            for old, said in self._rejected
            if len(old) <= len(here)
        ) and bool(here)

    def removed_at(self, at: int, now: float | None = None) -> str:
        """What was deleted at `at` within the last 30 seconds, "" when nothing was."""
        now = time.monotonic() if now is None else now
        place, text, when = self._removed
        return text if place == at and now - when < _UNDO_SECONDS else ""

    def _note_removed(self, change: Change, now: float) -> None:
        place, text, when = self._removed
        if change.old and not change.new.strip():  # else it was written anew, and is not to come back
            joined = change.old_end == place and now - when < _UNDO_SECONDS
            gone = change.old + text if joined and not change.new else change.old
            self._removed = (change.new_end, gone, now)
        elif not (change.new.isspace() and change.start == place):
            self._removed = (-1, "", 0.0)


_MOOD = PerSession[Mood]("what ghost text remembers")
_GHOST = PerDocument[Ghost]("what ghost text remembers of a document")


def mood_of(memory: Memory) -> Mood:
    """The session's."""
    return memory.kept(_MOOD.key(), Mood)


def ghost_of(memory: Memory, uri: str) -> Ghost:
    """The document's."""
    return memory.kept(_GHOST.key(uri), Ghost)


def end(memory: Memory, uris: Iterable[str], *, unasked: bool = False) -> None:
    """Stop the models that write ghost text for these documents; `unasked`: but where the user asked by a
    key."""
    for uri in uris:
        ghost = memory.last(_GHOST.key(uri))
        if ghost is not None and not (unasked and ghost.by_key):
            ghost.end()


def learn(memory: Memory, trials: Sequence[tuple[Mapping[str, float], bool]]) -> None:
    """Take the user's past answers in, `(values, accepted)`, oldest first. May take some 10 ms."""
    mood = mood_of(memory)
    mood.weights = learned_from(trials)
    mood.accepts = any(accepted for _, accepted in trials)


def remember(memory: Memory, refused: Refused) -> None:
    """From now on `refused` is not offered again where it was."""
    mood_of(memory).refused = refused


def became(memory: Memory, uri: str, text: str, known: Mapping[str, float], *, accepted: bool) -> None:
    """A suggestion shown in the document `uri` was accepted, or refused: `known` is what its chance was told
    from."""
    mood, ghost = mood_of(memory), ghost_of(memory, uri)
    mood.accepts = mood.accepts or accepted
    if mood.accepts:
        mood.weights = learned(mood.weights, known, accepted)
    if accepted:
        mood.last = "accepted"
    elif ghost.shown is not None and ghost.shown.text == text:
        ghost.reject(ghost.shown, mood)


def keep_report(ghost: Ghost, mood: Mood, report: Report) -> None:
    """Keep what was done for the last request, for `devflow.why`."""
    ghost.report = report
    if report.silence is None:
        mood.suggestion = report
    else:
        mood.silence = report


def _note_edit(mood: Mood, doc: Document, before: str, change: Change) -> None:
    """Keep the lines of a change for prompts; a further edit of the same lines is the same change."""
    after = doc.text.source
    start = before.rfind("\n", 0, change.start) + 1
    old_end = before.find("\n", change.old_end)
    new_end = after.find("\n", change.new_end)
    old = before[start : old_end if old_end >= 0 else len(before)]
    new = after[start : new_end if new_end >= 0 else len(after)]
    if len(old) > 2_000 or len(new) > 2_000:
        return
    last = mood.edits[-1] if mood.edits else None
    if last is not None and last.uri == doc.uri and last.after == old:
        last.after = new
    else:
        mood.edits.append(Edited(doc.uri, doc.path, doc.language, old, new))
        del mood.edits[:-_MOST_EDITS]
