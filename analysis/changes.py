"""What was changed lately in a document, as values: grouped, undone, and followed by places in the text."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from devflow.analysis.text import Edit, common_ends


@dataclass(frozen=True, slots=True)
class Change:
    """`old` at `start` became `new`; `start` is an offset into the text the change was made to."""

    start: int
    old: str
    new: str

    @property
    def old_end(self) -> int:
        """Where what was replaced ended."""
        return self.start + len(self.old)

    @property
    def new_end(self) -> int:
        """Where what replaced it ends."""
        return self.start + len(self.new)

    @property
    def growth(self) -> int:
        """By how much what follows moved."""
        return len(self.new) - len(self.old)


def change_between(old: str, new: str) -> Change | None:
    """The one change that makes `new` of `old`; None when they are the same."""
    if old == new:
        return None
    first, last = common_ends(old, new)
    return Change(first, old[first : len(old) - last], new[first : len(new) - last])


def grouped(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Changes made one after the other as disjoint ones, keystrokes that touch put together and what was
    undone left out. `start` and `new` are of the text as it is after all of them; last touched is last."""
    groups: list[Change] = []
    for change in changes:
        touched = [each for each in groups if each.start <= change.old_end and change.start <= each.new_end]
        groups = [_shifted(each, change) for each in groups if each not in touched]
        merged = _merged(touched, change)
        if merged.old != merged.new:
            groups.append(merged)
    return tuple(groups)


def _merged(touched: Sequence[Change], change: Change) -> Change:
    """`change` together with the groups it touches: all text between them is known from one or the other."""
    touched = sorted(touched, key=lambda each: each.start)
    low = min([change.start, *(each.start for each in touched)])
    before = ""  # the text before any of them
    middle = ""  # the text after the groups, before the change
    at = low
    for each in touched:
        gap = change.old[max(at - change.start, 0) : max(each.start - change.start, 0)]
        before += gap + each.old
        middle += gap + each.new
        at = each.new_end
    rest = change.old[max(at - change.start, 0) :]
    before, middle = before + rest, middle + rest
    first = change.start - low
    return Change(low, before, middle[:first] + change.new + middle[first + len(change.old) :])


def _shifted(group: Change, change: Change) -> Change:
    return Change(group.start + change.growth, group.old, group.new) if change.start < group.start else group


@dataclass(frozen=True, slots=True)
class Reverted:
    """A text without some of the changes that led to it."""

    source: str
    changes: tuple[Change, ...]
    """Those that are undone, in the order of the text; `start` is of the text that has them."""

    def now(self, start: int, end: int) -> tuple[int, int] | None:
        """Where `start:end` of `source` stands in the text with the changes; None where one touches it."""
        moved = 0
        for change in self.changes:
            at = change.start - moved
            behind = at + len(change.old)
            if (start < behind and at < end) if change.old else (start < at < end):
                return None
            if at > start or (at == start == end and change.old):
                break
            moved += change.growth
        return start + moved, end + moved


def reverted(source: str, changes: Iterable[Change]) -> Reverted:
    """`source` without `changes`, which are disjoint and of this text (see `grouped`)."""
    ordered = sorted(changes, key=lambda each: each.start)
    parts: list[str] = []
    at = 0
    for change in ordered:
        parts += (source[at : change.start], change.old)
        at = change.new_end
    parts.append(source[at:])
    return Reverted("".join(parts), tuple(ordered))


def rebased(edit: Edit, source: str, changes: Iterable[Change]) -> Edit | None:
    """`edit`, made for `source`, for the text that `source` became by `changes`. None where they conflict
    with it or have made it; what they have made of it in part (typed as suggested) is left out."""
    start, end, here = edit.start, edit.end, source[edit.start : edit.end]
    for change in changes:
        if change.old_end <= start and not (change.start == start and _typed(edit.new, "", change.new)):
            if change.start == start == end:
                return None  # something else was written in its place
            start, end = start + change.growth, end + change.growth
        elif change.start >= end and not (change.start == end and _typed(edit.new, here, change.new)):
            continue
        elif change.start < start or change.old_end > end:
            return None
        else:
            first = change.start - start
            here = here[:first] + change.new + here[first + len(change.old) :]
            end += change.growth
    if here == edit.new:
        return None
    first, last = common_ends(here, edit.new)
    was = source[edit.start : edit.end]
    if here != was and here[first : len(here) - last] not in _middle(was, edit.new):
        return None
    return Edit(start + first, end - last, edit.new[first : len(edit.new) - last])


def _typed(wanted: str, here: str, new: str) -> bool:
    """Whether `new`, typed behind `here`, is how `wanted` goes on."""
    first, _ = common_ends(here, wanted)
    return bool(new) and first == len(here) and wanted.startswith(new, first)


def _middle(old: str, new: str) -> str:
    first, last = common_ends(old, new)
    return old[first : len(old) - last]


class History:
    """The last changes of one document, in order. Bounded in number and in size: what is larger than a
    person types makes it forget what was before."""

    def __init__(self, most: int = 400, longest: int = 20_000) -> None:
        self._changes: deque[Change] = deque(maxlen=most)
        self._longest = longest
        self.mark = 0
        """Counts the changes; see `since`."""

    def add(self, change: Change) -> None:
        """Take note of the next change."""
        self.mark += 1
        if len(change.old) + len(change.new) > self._longest:
            self._changes.clear()
        else:
            self._changes.append(change)

    def forget(self) -> None:
        """The document became another one."""
        self.mark += 1
        self._changes.clear()

    def recent(self) -> tuple[Change, ...]:
        """What is remembered, oldest first."""
        return tuple(self._changes)

    def since(self, mark: int) -> tuple[Change, ...] | None:
        """The changes after the moment when `mark` was this; None when they are not remembered."""
        count = self.mark - mark
        if count == 0:
            return ()
        return tuple(self._changes)[-count:] if 0 < count <= len(self._changes) else None
