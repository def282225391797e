"""What became of a suggestion, told from the edits that follow."""

from __future__ import annotations

import pytest

from devflow.analysis.changes import Change
from devflow.analysis.text import Edit
from devflow.models.feedback import Action
from devflow.server.assist.outcome import Watched, carried, followed, watched

SOURCE = "total = su"
SUM: Watched = watched(Edit(8, 10, "sum(rows)\nprint(total)"), SOURCE, 10)


@pytest.mark.parametrize(
    ("changes", "action", "over"),
    [
        ([Change(10, "", "m(rows)\nprint(total)")], Action.ACCEPTED, True),
        ([Change(8, "su", "sum(rows)\nprint(total)")], Action.ACCEPTED, True),
        ([Change(10, "", "m(rows")], Action.ACCEPTED_WORD, False),
        ([Change(10, "", "m(rows)")], Action.ACCEPTED_LINE, False),
        ([Change(10, "", "m(rows)\n")], Action.ACCEPTED_LINE, False),
        ([Change(10, "", "m")], None, False),
        ([Change(10, "", "m"), Change(11, "", "()"), Change(12, "", "r")], Action.ACCEPTED_WORD, False),
        ([Change(10, "", "x")], Action.TYPED_OVER, True),
        ([Change(10, "", "\n")], Action.TYPED_OVER, True),
        ([Change(9, "u", "")], Action.REJECTED, True),
        ([Change(0, "total", "sums")], Action.IGNORED, True),
        ([Change(6, "= su", "")], Action.IGNORED, True),
    ],
)
def test_a_message_of_edits_says_what_the_user_did(
    changes: list[Change], action: Action | None, over: bool
) -> None:
    step = followed(SUM, changes)
    assert (step.action, step.over) == (action, over)


def test_a_suggestion_that_is_typed_key_by_key_was_neither_accepted_nor_rejected() -> None:
    shown = SUM
    for number, key in enumerate("m(rows)\nprint(total)"):
        step = followed(shown, [Change(10 + number, "", key)])
        assert step.action is None
        shown = step.watched
    assert step.over


def test_words_taken_one_by_one_count_what_they_took() -> None:
    first = followed(SUM, [Change(10, "", "m")])
    second = followed(first.watched, [Change(11, "", "(rows)")])
    third = followed(second.watched, [Change(17, "", "\nprint(total)")])
    assert [first.taken, second.taken, third.taken] == [0, 6, 13]
    assert third.action is Action.ACCEPTED


def test_the_bracket_an_editor_closes_by_itself_is_not_typed_over() -> None:
    shown = watched(Edit(5, 5, "(rows)"), "total", 5)
    assert followed(shown, [Change(5, "", "()")]).action is None


def test_a_bracket_behind_the_cursor_is_part_of_what_is_replaced() -> None:
    shown = watched(Edit(6, 7, "rows)"), "total()", 6)
    assert followed(shown, [Change(6, "", "row")]).action is Action.ACCEPTED_WORD
    assert followed(shown, [Change(6, ")", "rows)")]).action is Action.ACCEPTED


def test_an_edit_shown_elsewhere_outlives_what_is_typed_at_the_cursor() -> None:
    shown = watched(Edit(8, 10, "amount"), SOURCE, None)
    step = followed(shown, [Change(0, "", "my_")])
    assert step.action is None
    assert (step.watched.start, step.watched.end) == (11, 13)
    assert followed(step.watched, [Change(11, "su", "amount")]).action is Action.ACCEPTED
    assert followed(step.watched, [Change(11, "su", "other")]).action is Action.TYPED_OVER


def test_a_deletion_shown_elsewhere_is_accepted_when_it_is_made() -> None:
    shown = watched(Edit(5, 10, ""), SOURCE, None)
    assert followed(shown, [Change(5, " = su", "")]).action is Action.ACCEPTED


def test_an_accepted_text_is_followed_to_where_it_stands_later() -> None:
    assert carried(8, 12, [Change(0, "", "ab")]) == (10, 14)
    assert carried(8, 12, [Change(10, "x", "yyy")]) == (8, 14)
    assert carried(8, 12, [Change(20, "x", "")]) == (8, 12)
