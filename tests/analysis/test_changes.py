"""Keystrokes become edits, edits are undone, and places follow the text."""

from __future__ import annotations

import random

import pytest

from devflow.analysis.changes import Change, change_between, grouped, rebased, reverted
from devflow.analysis.text import Edit, Text


def applied(source: str, *changes: Change) -> str:
    for change in changes:
        assert source[change.start : change.old_end] == change.old
        source = source[: change.start] + change.new + source[change.old_end :]
    return source


def test_keystrokes_in_one_place_are_one_change() -> None:
    typed = [Change(4, "foo", ""), Change(4, "", "b"), Change(5, "", "a"), Change(6, "", "r")]
    assert grouped(typed) == (Change(4, "foo", "bar"),)


def test_changes_in_two_places_stay_apart_and_follow_the_text() -> None:
    assert grouped([Change(10, "x", "yy"), Change(0, "a", "bcd")]) == (
        Change(12, "x", "yy"),
        Change(0, "a", "bcd"),
    )


def test_what_was_undone_is_no_change() -> None:
    assert grouped([Change(3, "", "x"), Change(3, "x", "")]) == ()


def test_the_place_touched_last_is_last() -> None:
    found = grouped([Change(0, "a", "b"), Change(5, "c", "d"), Change(1, "", "z")])
    assert [each.new for each in found] == ["d", "bz"]


@pytest.mark.parametrize("seed", range(60))
def test_undoing_the_groups_gives_the_text_before_them(seed: int) -> None:
    dice = random.Random(seed)
    before = "".join(dice.choice("abc \n") for _ in range(40))
    now, changes = before, []
    for _ in range(dice.randrange(1, 25)):
        start = dice.randrange(len(now) + 1)
        end = min(len(now), start + dice.randrange(4))
        change = Change(start, now[start:end], "".join(dice.choice("xyz") for _ in range(dice.randrange(4))))
        now = applied(now, change)
        changes.append(change)
    groups = grouped(changes)
    undone = reverted(now, groups)
    assert undone.source == before
    for at in range(len(before)):
        place = undone.now(at, at + 1)
        assert place is None or now[place[0] : place[1]] == before[at]
    untouched = sum(undone.now(at, at + 1) is not None for at in range(len(before)))
    assert untouched == len(before) - sum(len(each.old) for each in groups)


def test_whole_texts_are_compared_by_their_ends() -> None:
    assert change_between("a b c", "a x c") == Change(2, "b", "x")
    assert change_between("same", "same") is None


BEFORE = "one two three"
TWO = Edit(4, 7, "TWO")


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ([], TWO),
        ([Change(0, "one", "eleven")], Edit(7, 10, "TWO")),
        ([Change(8, "three", "")], TWO),
        ([Change(4, "two", "")], Edit(4, 4, "TWO")),
        ([Change(4, "two", ""), Change(4, "", "T")], Edit(5, 5, "WO")),
        ([Change(4, "two", "TWO")], None),
        ([Change(4, "two", "2")], None),
        ([Change(2, "e t", "")], None),
        ([Change(4, "", "(")], Edit(5, 8, "TWO")),
    ],
)
def test_an_edit_is_carried_over_what_was_typed_since(changes: list[Change], left: Edit | None) -> None:
    assert rebased(TWO, BEFORE, changes) == left


def test_an_insertion_shrinks_while_it_is_typed_and_goes_when_something_else_is() -> None:
    end = Edit(13, 13, ", four")
    assert rebased(end, BEFORE, [Change(13, "", ", f")]) == Edit(16, 16, "our")
    assert rebased(end, BEFORE, [Change(13, "", ";")]) is None
    assert rebased(end, BEFORE, [Change(0, "one", "1")]) == Edit(11, 11, ", four")


@pytest.mark.parametrize("seed", range(40))
def test_a_carried_edit_gives_what_making_it_first_would_have_given(seed: int) -> None:
    dice = random.Random(seed)
    source = "".join(dice.choice("abcdef") for _ in range(30))
    edit = Edit(10, 15, "XYZ")
    start = dice.choice([*range(9), *range(16, 28)])
    change = Change(start, source[start : start + 1] if start != 9 else "", dice.choice(["", "q", "qqq"]))
    carried = rebased(edit, source, [change])
    assert carried is not None
    now = applied(source, change)
    other = Text(source).replaced([edit]).source
    moved = Change(start if start < 10 else start - 2, change.old, change.new)
    assert Text(now).replaced([carried]).source == applied(other, moved)
