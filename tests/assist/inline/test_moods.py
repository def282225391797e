"""Rhythm, the chance of being accepted, and what is told from two texts of a document."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from devflow.server.assist.inline.acceptance import PRIOR, Signs, chance, learned, learned_from, values
from devflow.server.assist.inline.edits import fate, undoes
from devflow.server.assist.inline.ghost import Ghost, Mood, Shown, became, ghost_of, learn, mood_of
from devflow.server.assist.inline.rhythm import Rhythm, pause, struck
from devflow.server.assist.memory import Memory
from support.codebase import document


def typed(*gaps: float) -> Rhythm:
    now, rhythm = 100.0, struck(Rhythm(), 100.0)
    for gap in gaps:
        now += gap
        rhythm = struck(rhythm, now)
    return rhythm


def test_who_types_fast_is_waited_for_less_than_who_types_slowly() -> None:
    assert pause(typed(*[0.1] * 6), False, 0.0) < pause(typed(*[0.25] * 6), False, 0.0)


def test_where_code_must_follow_the_wait_is_short() -> None:
    assert pause(typed(*[0.2] * 6), True, 0.0) < pause(typed(*[0.2] * 6), False, 0.0) / 2


def test_a_slow_model_is_asked_at_once() -> None:
    assert pause(typed(*[0.2] * 6), False, 1.5) == 0.0


def test_the_wait_is_never_longer_than_a_third_of_a_second() -> None:
    assert pause(typed(*[0.9] * 12), False, 0.0) <= 0.35


def test_a_pause_is_no_interval() -> None:
    assert typed(0.1, 30.0, 0.1).intervals == pytest.approx((0.1, 0.1))


def signs(**more: Any) -> Signs:
    plain = Signs(
        text="first + second",
        by_model=True,
        confidence=1.0,
        asked_for=True,
        half_word=False,
        line_start=False,
        repaired=False,
        unsure=0,
    )
    return replace(plain, **more)


def test_a_model_s_plain_suggestion_is_likely_enough_to_be_shown() -> None:
    assert chance(values(signs())) > 0.4


def test_names_that_nobody_knows_make_it_unlikely() -> None:
    assert chance(values(signs(unsure=3, asked_for=False))) < 0.15


def test_what_was_found_elsewhere_is_as_likely_as_it_was_believed() -> None:
    low = chance(values(signs(by_model=False, confidence=0.25)))
    high = chance(values(signs(by_model=False, confidence=0.8)))
    assert 0.15 < low < 0.5 < high


def test_rejections_make_the_next_like_it_less_likely() -> None:
    known = values(signs())
    after = learned_from([(known, True), *[(known, False)] * 40])
    assert chance(known, after) < 0.6 * chance(known)


def test_acceptances_make_the_next_like_it_more_likely() -> None:
    known = values(signs())
    assert chance(known, learned_from([(known, True)] * 40)) > chance(known)


def test_what_was_learned_fades_into_the_priors() -> None:
    known, other = values(signs()), {"line start": 1.0}
    weights = learned_from([(known, True), *[(known, False)] * 20])
    bent = weights["model"]
    for _ in range(2_000):
        weights = learned(weights, other, accepted=True)
    assert abs(weights["model"] - PRIOR["model"]) < abs(bent - PRIOR["model"]) / 2


def test_a_stored_value_of_unknown_name_is_passed_over() -> None:
    assert learned(PRIOR, {"colour": 1.0}, accepted=True).keys() == PRIOR.keys()


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        ("x = first + second\n", "accepted"),
        ("x = f\n", "typing"),
        ("x = \n", "typing"),
        ("x = g\n", "typed over"),
        ("y = \n", ""),
        ("x = \nnew", ""),
    ],
)
def test_what_became_of_a_suggestion(new: str, expected: str) -> None:
    assert fate("first + second", 4, "x = \n", new) == expected


def test_a_bracket_closed_by_the_editor_is_typing_as_suggested() -> None:
    assert fate("join(first)", 4, "x = join\n".replace("join", ""), "x = \n".replace("\n", "j\n")) == "typing"


@pytest.mark.parametrize(
    ("text", "removed", "expected"),
    [
        ("first + second", "first", True),
        ("first", "first + second", True),
        ("other", "first", False),
        ("first", "", False),
        ("a", "a", False),
    ],
)
def test_bringing_back_what_was_deleted(text: str, removed: str, expected: bool) -> None:
    assert undoes(text, removed) is expected


def followed(*texts: str) -> tuple[Ghost, Mood]:
    ghost, mood = Ghost(), Mood()
    for n, text in enumerate(texts):
        ghost.observe(document(text, Path("/w/main.py"), n), len(text), mood, now=100.0 + n / 10)
    return ghost, mood


def test_single_deletions_are_counted_while_they_last() -> None:
    assert followed("x = foo", "x = fo", "x = f")[0].deletions == 2
    assert followed("x = foo", "x = fo", "x = fox")[0].deletions == 0


def test_deleted_letters_are_one_deletion() -> None:
    ghost, _ = followed("x = foo", "x = fo", "x = f", "x = ")
    assert ghost.removed_at(4, now=100.4) == "foo"
    assert ghost.removed_at(4, now=200.0) == ""
    assert ghost.removed_at(3, now=100.4) == ""


def test_what_was_written_anew_is_not_what_was_deleted() -> None:
    ghost, _ = followed("area", "def large():\n    return ")
    assert ghost.removed_at(len("def large():\n    return "), now=100.2) == ""


def test_typing_over_a_suggestion_rejects_it() -> None:
    ghost, mood = Ghost(), Mood()
    ghost.observe(document("x = ", Path("/w/main.py")), 4, mood, now=1.0)
    ghost.shown = Shown("first", 4, "x = ", "x = ")
    ghost.observe(document("x = o", Path("/w/main.py")), 5, mood, now=1.1)
    assert mood.last == "rejected"
    assert ghost.was_rejected("x = ", "first")
    assert not ghost.was_rejected("y = ", "first")
    assert not ghost.was_rejected("x = ", "second")


def test_edits_of_the_same_lines_are_one_edit() -> None:
    _, mood = followed("a = 1\nb = 2\n", "a = 1\nb = 23\n", "a = 1\nb = 234\n", "a = 15\nb = 234\n")
    assert [(each.before, each.after) for each in mood.edits] == [("b = 2", "b = 234"), ("a = 1", "a = 15")]


def test_from_who_never_accepts_nothing_is_learned() -> None:
    known = values(signs())
    assert learned_from([(known, False)] * 100) == dict(PRIOR)
    assert learned_from([(known, True), *[(known, False)] * 100]) != dict(PRIOR)


def test_a_refused_suggestion_is_not_offered_there_again() -> None:
    memory = Memory()
    ghost = ghost_of(memory, "file:///w/main.py")
    ghost.shown = Shown("first", 4, "x = ", "x = ")
    became(memory, "file:///w/main.py", "first", values(signs()), accepted=False)
    assert ghost.was_rejected("x = ", "first")
    assert mood_of(memory).weights == dict(PRIOR)


def test_an_accepted_suggestion_makes_the_next_likelier() -> None:
    memory, known = Memory(), values(signs())
    became(memory, "file:///w/main.py", "first", known, accepted=True)
    assert chance(known, mood_of(memory).weights) > chance(known)


def test_past_answers_are_taken_in() -> None:
    memory, known = Memory(), values(signs())
    learn(memory, [(known, True), *[(known, False)] * 50])
    assert chance(known, mood_of(memory).weights) < chance(known)
