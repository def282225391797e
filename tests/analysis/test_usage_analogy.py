"""Rests of lines that go on as lines like them do, with this line's names."""

from __future__ import annotations

import pytest

from devflow.analysis.usage.analogy import analogies
from devflow.analysis.usage.around import OpenTokens

KEYWORDS = frozenset({"if", "is", "not", "None", "def", "return", "for", "in"})


def told(marked: str, prefix: str = "") -> list[str]:
    at = marked.index("|")
    source = marked.replace("|", "")
    around = OpenTokens("python").around(source, at - len(prefix))
    return [each.text for each in analogies(around, KEYWORDS.__contains__, prefix)]


@pytest.mark.parametrize(
    ("marked", "rest"),
    [
        ("self.width = width\nself.height = |\n", " height"),
        ("self.min_width = min_width(a)\nself.min_height = |\n", " min_height(a)"),
        ("WIDTH = environ.get('WIDTH')\nHEIGHT = |\n", " environ.get('HEIGHT')"),
        (
            "def get_user(self):\n    return self.user_of(1)\ndef get_group(self):\n    return |\n",
            " self.group_of(1)",
        ),
        ("if a.left is None:\n    add(a.left)\nif a.right is None:\n    add(|\n", "a.right)"),
        ("total = sum(rows)\nfor row in rows:\n    pass\nmost = |\n", ""),
    ],
)
def test_a_line_goes_on_as_one_like_it_with_its_own_names(marked: str, rest: str) -> None:
    assert told(marked)[:1] == ([rest] if rest else [])


def test_a_line_below_is_as_good_as_one_above() -> None:
    assert told("a.left = |\na.right = right\n") == [" left"]


def test_what_is_typed_of_a_word_is_kept() -> None:
    assert told("self.width = width\nself.height = he|\n", "he") == ["ight"]
    assert told("self.width = width\nself.height = wi|\n", "wi") == []


def test_a_line_that_is_the_same_is_no_analogy() -> None:
    assert told("x = call(a)\nx = |\n") == []


def test_names_that_stand_for_two_are_no_analogy() -> None:
    assert told("copy(a, a, a.size)\ncopy(b, c, |\n") == []


def test_a_word_is_replaced_in_whole_words_only() -> None:
    assert told("id_of(x).add(width, idle)\nno_of(x).add(|\n") == []


def test_how_many_say_so_is_told() -> None:
    source = "self.a = a\nself.b = b\nself.c = None\nself.d = "
    around = OpenTokens("python").around(source, len(source))
    [found] = analogies(around, KEYWORDS.__contains__)
    assert (found.tokens, found.count, found.total, found.gap) == (("d",), 2, 3, 2)
