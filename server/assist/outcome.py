"""What the user makes of a suggestion that is shown, told from the edits that follow.

Editors say by a command that all of a suggestion was accepted, and most of them nothing else: that a word of
it was taken, that something else was typed, shows only in what becomes of the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from devflow.analysis.changes import Change
from devflow.analysis.text import Edit
from devflow.models.feedback import REFUSED, TAKEN, Action

_CLOSING = ")]}>\"'`"


@dataclass(frozen=True, slots=True)
class Watched:
    """A suggestion on the screen: it wants `here`, the text of `start:end`, to become `wanted`."""

    start: int
    end: int
    here: str
    wanted: str
    taken: int
    """Code points of `wanted` that stand before the cursor already."""
    behind: str = ""
    """The end of `here` that lies behind the cursor and is replaced, closing brackets mostly."""
    at_cursor: bool = True
    """False for an edit that is shown elsewhere: only what happens to its own place counts."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one message of edits did to a suggestion."""

    watched: Watched
    action: Action | None = None
    over: bool = False
    """Whether the suggestion is gone."""
    taken: int = 0
    """Code points that were accepted by it."""


def watched(edit: Edit, source: str, at: int | None) -> Watched:
    """The suggestion `edit` of `source`, shown at the cursor `at`; None for one that is shown elsewhere."""
    here = source[edit.start : edit.end]
    if at is None:
        return Watched(edit.start, edit.end, here, edit.new, 0, here, at_cursor=False)
    return Watched(edit.start, edit.end, here, edit.new, max(at - edit.start, 0), source[at : edit.end])


def followed(shown: Watched, changes: Sequence[Change]) -> Step:
    """What the `changes` of one message make of it."""
    now, touched = _moved(shown, changes)
    if now is None:
        return Step(shown, Action.IGNORED, over=True)
    if not touched:
        if not shown.at_cursor:
            return Step(now)
        # Something elsewhere was edited, so the text is gone from the screen.
        return Step(now, Action.IGNORED, over=True)
    head = _head(now)
    if head is None:
        grown = len(now.here) > len(shown.here)
        return Step(now, Action.TYPED_OVER if grown else Action.REJECTED, over=True)
    gained = len(head) - shown.taken
    now = replace(now, taken=len(head))
    if head == now.wanted:
        # By the last key it lacked it was typed, not accepted.
        accepted = gained > 1 or not shown.at_cursor
        return Step(now, Action.ACCEPTED if accepted else None, over=True, taken=gained)
    if not shown.at_cursor:
        return Step(now)
    if gained > 1:
        whole_lines = head.endswith("\n") or now.wanted[len(head) :].startswith(("\n", "\r"))
        return Step(now, Action.ACCEPTED_LINE if whole_lines else Action.ACCEPTED_WORD, taken=gained)
    if gained < 0:
        return Step(now, Action.REJECTED, over=True)
    return Step(now)


def listed(step: Step) -> Step:
    """The same of a suggestion in a list that nobody need have looked at: it may have been taken, all of it.
    A beginning of it is another item that begins so, and what is typed instead says nothing."""
    if step.action in REFUSED:
        return replace(step, action=Action.IGNORED)
    if step.action in TAKEN and step.action is not Action.ACCEPTED:
        return replace(step, action=None)
    return step


def carried(start: int, end: int, changes: Sequence[Change]) -> tuple[int, int]:
    """Where `start:end` stands after `changes`, grown and shrunk by those inside and at its borders."""
    for change in changes:
        if change.old_end < start or (change.old_end == start and change.old):
            start, end = start + change.growth, end + change.growth
        elif change.start <= end:
            start, end = min(start, change.start), max(end, change.old_end) + change.growth
    return start, end


def _moved(shown: Watched, changes: Sequence[Change]) -> tuple[Watched | None, bool]:
    """It after the changes, None when one reaches over its border; and whether any was inside."""
    start, end, here = shown.start, shown.end, shown.here
    touched = False
    for change in changes:
        if change.old_end < start or (change.old_end == start and change.old):
            start, end = start + change.growth, end + change.growth
        elif change.start > end:
            continue
        elif change.start < start or change.old_end > end:
            return None, True
        else:
            first = change.start - start
            here = here[:first] + change.new + here[first + len(change.old) :]
            end += change.growth
            touched = True
    return replace(shown, start=start, end=end, here=here), touched


def _head(now: Watched) -> str | None:
    """How much of what is wanted stands there; None when something else does. Brackets that an editor closes
    by itself do not count."""
    if now.here == now.wanted:
        return now.wanted
    head = now.here
    if now.behind and head.endswith(now.behind):
        head = head[: len(head) - len(now.behind)]
    while head and not now.wanted.startswith(head) and head[-1] in _CLOSING:
        head = head[:-1]
    return head if now.wanted.startswith(head) else None


def place_of(uri: str, line: str, text: str) -> str:
    """What a suggestion of `text` behind `line` is known by from one session to the next: the document and
    what the line would become, without blanks; so it is the same when the user has typed part of it."""
    return f"{uri}\n{''.join((line + text).split())}"
