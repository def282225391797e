"""What became of suggestions is counted, bounded, and says nothing about their text."""

from __future__ import annotations

import sqlite3
import stat
import threading
from pathlib import Path

import pytest

from devflow.models.feedback import Action, Event, Feedback, Outcomes
from support.feedback import summed


@pytest.fixture
def store(tmp_path: Path) -> Feedback:
    return Feedback(tmp_path / "state" / "feedback.sqlite3")


def told(
    store: Feedback, suggestion: str, *actions: Action, language: str = "python", model: str = "small"
) -> None:
    for action in actions:
        store.record(Event(suggestion, action, language=language, model=model))


def test_nothing_was_shown_in_a_new_store(store: Feedback) -> None:
    assert summed(store) == Outcomes()
    assert summed(store).acceptance == 0.0


def test_a_suggestion_accepted_by_words_and_then_whole_counts_once(store: Feedback) -> None:
    told(store, "a", Action.SHOWN, Action.ACCEPTED_WORD, Action.ACCEPTED_WORD, Action.ACCEPTED)
    assert summed(store) == Outcomes(shown=1, accepted=1, whole=1)


def test_what_was_typed_over_after_a_word_was_taken_is_no_rejection(store: Feedback) -> None:
    told(store, "a", Action.SHOWN, Action.ACCEPTED_WORD, Action.TYPED_OVER)
    told(store, "b", Action.SHOWN, Action.TYPED_OVER)
    assert summed(store) == Outcomes(shown=2, accepted=1, rejected=1)
    assert summed(store).acceptance == 0.5


def test_models_and_languages_are_told_apart(store: Feedback) -> None:
    told(store, "a", Action.SHOWN, Action.ACCEPTED)
    told(store, "b", Action.SHOWN, Action.REJECTED, language="go")
    told(store, "c", Action.SHOWN, model="large")
    assert summed(store, "small", "python") == Outcomes(shown=1, accepted=1, whole=1)
    assert summed(store, "small").shown == 2
    assert summed(store, language="go").rejected == 1
    assert set(store.by_model()) == {("small", "python"), ("small", "go"), ("large", "python")}


def test_what_still_stands_after_30_s_is_kept(store: Feedback) -> None:
    for name, distance in (("a", 0), ("b", 7)):
        told(store, name, Action.SHOWN, Action.ACCEPTED)
        store.record(Event(name, Action.EDITED, language="python", model="small", distance=distance))
    found = summed(store)
    assert (found.looked_at, found.kept_after_30s, found.distance) == (2, 1, 7)


def test_what_is_accepted_is_worth_the_share_of_it_that_is_kept(store: Feedback) -> None:
    for name, taken, distance in (("a", 20, 0), ("b", 20, 15), ("c", 20, 90)):
        told(store, name, Action.SHOWN, Action.ACCEPTED)
        store.record(Event(name, Action.EDITED, "inline", "python", "small", taken=taken, distance=distance))
    told(store, "nobody looked again", Action.SHOWN, Action.ACCEPTED)
    told(store, "refused", Action.SHOWN, Action.REJECTED)
    found = summed(store, "small", "python")
    assert found.kept == pytest.approx(1.25)
    assert found.worth == pytest.approx(4 * 1.25 / 3)


def test_a_suggestion_accepted_in_parts_is_kept_as_far_as_its_parts_are(store: Feedback) -> None:
    told(store, "a", Action.SHOWN, Action.ACCEPTED_WORD, Action.ACCEPTED)
    for taken, distance in ((10, 10), (30, 0)):
        store.record(Event("a", Action.EDITED, "inline", "python", "small", taken=taken, distance=distance))
    assert summed(store).kept == pytest.approx(0.75)


def test_suggestions_of_an_experiment_are_told_apart(store: Feedback) -> None:
    for name, experiment in (("a", "e"), ("b", ""), ("c", "other")):
        store.record(Event(name, Action.SHOWN, "inline", "python", "small", experiment=experiment))
    assert store.by_model(experiment="e") == {("small", "python"): Outcomes(shown=1)}
    assert store.by_model()["small", "python"].shown == 3


def test_a_store_of_an_earlier_version_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "feedback.sqlite3"
    Feedback(path).close()
    first = Feedback(path)
    told(first, "a", Action.SHOWN)
    first.close()
    db = sqlite3.connect(path)
    db.execute("ALTER TABLE events DROP COLUMN experiment")
    db.commit()
    db.close()
    again = Feedback(path)
    told(again, "b", Action.SHOWN)
    assert summed(again).shown == 2
    again.close()


def test_only_what_happened_since_a_time_is_counted(store: Feedback) -> None:
    store.record(Event("a", Action.SHOWN, at=1_000_000_000.0))
    store.record(Event("b", Action.SHOWN))
    assert summed(store, since=1_500_000_000.0).shown == 1


def test_a_trial_is_a_shown_suggestion_that_has_ended_with_what_was_known_of_it(store: Feedback) -> None:
    store.record(Event("a", Action.SHOWN, features={"after_dot": 1.0}, at=2e9))
    store.record(Event("a", Action.ACCEPTED, at=2e9 + 1))
    store.record(Event("b", Action.SHOWN, features={"after_dot": 0.0}, at=2e9 + 2))
    store.record(Event("b", Action.TYPED_OVER, at=2e9 + 3))
    told(store, "still shown", Action.SHOWN)
    assert [(each.features, each.accepted) for each in store.trials()] == [
        ({"after_dot": 1.0}, True),
        ({"after_dot": 0.0}, False),
    ]


def test_what_was_refused_is_remembered_until_it_is_accepted(store: Feedback) -> None:
    once, twice = store.digest("return None"), store.digest("pass")
    for digest in (once, twice):
        store.record(Event(digest, Action.REJECTED, digest=digest))
    store.record(Event("later", Action.ACCEPTED, digest=twice))
    assert store.refused() == {once}


def test_the_file_holds_no_text_and_only_its_owner_can_read_it(store: Feedback) -> None:
    text = "password = launch_code_1234"
    store.record(Event("a", Action.SHOWN, size=len(text), digest=store.digest(text)))
    store.close()
    assert store.path is not None
    assert b"launch_code" not in store.path.read_bytes()
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700


def test_the_same_text_has_another_digest_in_another_store(store: Feedback, tmp_path: Path) -> None:
    other = Feedback(tmp_path / "other.sqlite3")
    for each in (store, other):
        each.open()
    assert store.digest("x") == store.digest("x") != other.digest("x")


def test_events_survive_the_end_of_the_session(store: Feedback) -> None:
    told(store, "a", Action.SHOWN)
    store.write()
    digest = store.digest("x")
    store.close()
    again = Feedback(store.path)
    assert summed(again).shown == 1
    assert again.digest("x") == digest


def test_the_oldest_events_go_when_there_are_too_many(tmp_path: Path) -> None:
    small = Feedback(tmp_path / "feedback.sqlite3", most=1_500)
    for number in range(2_000):
        told(small, str(number), Action.SHOWN)
        if number % 500 == 499:
            small.write()
    assert summed(small).shown <= 2_000
    told(small, "last", *[Action.SHOWN] * 1_000)
    small.write()
    with sqlite3.connect(small.path or "") as db:
        (count,) = db.execute("SELECT count(*) FROM events").fetchone()
        (last,) = db.execute("SELECT count(*) FROM events WHERE suggestion = 'last'").fetchone()
    assert count <= 1_500
    assert last == 1_000


def test_a_damaged_file_is_begun_anew(store: Feedback) -> None:
    assert store.path is not None
    store.path.parent.mkdir()
    store.path.write_bytes(b"no database " * 1_000)
    told(store, "a", Action.SHOWN)
    assert summed(store).shown == 1


def test_a_place_that_cannot_be_written_keeps_nothing_and_fails_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = Feedback(tmp_path / "file" / "feedback.sqlite3")
    told(store, "a", Action.SHOWN)
    store.write()
    assert summed(store) == Outcomes()
    assert store.digest("x")


def test_without_a_path_nothing_is_kept() -> None:
    store = Feedback(None)
    told(store, "a", Action.SHOWN)
    assert summed(store) == Outcomes()


def test_threads_and_windows_write_beside_each_other(store: Feedback) -> None:
    other = Feedback(store.path)

    def work(into: Feedback, name: str) -> None:
        for number in range(50):
            told(into, f"{name}{number}", Action.SHOWN)
            into.write()

    threads = [
        threading.Thread(target=work, args=(into, name))
        for into, name in ((store, "a"), (store, "b"), (other, "c"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert summed(store).shown == 150
