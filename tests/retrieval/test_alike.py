from __future__ import annotations

import numpy as np

from devflow.retrieval.alike import alike

ASKED = {"delet": "delete", "directori": "directory"}
WEIGHTS = {"delet": 3.0, "directori": 3.0}


def test_other_words_of_the_same_meaning_count() -> None:
    removes, prints = alike(
        ASKED,
        WEIGHTS,
        [
            ("rmtree", "shutil.py rmtree", "Removes a dir."),
            ("print_table", "shutil.py print_table", "Prints a table."),
        ],
    )
    assert (removes > prints).all()


def test_values_lie_between_0_and_1_and_the_same_words_reach_1() -> None:
    [same] = alike(ASKED, WEIGHTS, [("delete_directory", "a.py delete_directory", "Delete directory.")])
    assert np.allclose(same, 1.0, atol=1e-3)


def test_a_candidate_without_words_is_not_alike() -> None:
    nothing, _ = alike(ASKED, WEIGHTS, [("", "", ""), ("delete", "a.py delete", "")])
    assert (nothing < 0.01).all()


def test_what_a_candidate_gets_does_not_depend_on_its_company() -> None:
    one, other = ("rmtree", "a.py rmtree", "Removes a dir."), ("", "", "")
    [alone] = alike(ASKED, WEIGHTS, [one])
    together = alike(ASKED, WEIGHTS, [other, one, other])
    assert np.allclose(together[1], alone, atol=1e-6)


def test_a_question_without_words_is_like_nothing() -> None:
    assert not alike({}, {}, [("delete", "a.py delete", "")]).any()
