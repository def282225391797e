"""Whole rests of lines as they stand elsewhere, and what an open document says around the cursor."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devflow.analysis.tokens import lex, scan
from devflow.analysis.usage import UsageModel
from devflow.analysis.usage.around import OpenTokens
from devflow.analysis.usage.closing import closing
from devflow.analysis.usage.lines import LONGEST, rests
from devflow.analysis.usage.parameters import kept_next

FILES = (
    "for item in items:\n    total += item.price\n    log.info('x', item)\nreturn total\n",
    "for item in things:\n    total += item.price\nreturn total\n",
    "for key in things:\n    total += item.count\n",
)


def model_of(*sources: str) -> UsageModel:
    return UsageModel.build(lex(source, "python") for source in sources)


def context(source: str) -> list[str]:
    return scan(source, "python")[0]


def texts(source: str, *models: UsageModel, prefix: str = "") -> list[str]:
    return [rest.text for rest in rests(models, context(source), prefix)]


def test_the_rest_that_followed_more_often_comes_first() -> None:
    assert texts("total += item.", model_of(*FILES))[:2] == ["price", "count"]


def test_a_rest_keeps_its_spaces() -> None:
    assert texts("things:\n    total", model_of(*FILES[:2])) == [" += item.price"]


def test_a_begun_word_is_a_filter_and_left_out() -> None:
    model = model_of(*FILES)
    assert texts("total += item.", model, prefix="pr") == ["ice"]
    assert texts("total += item.", model, prefix="price") == []
    assert texts("total += item.", model, prefix="zz") == []


def test_a_finished_line_has_no_rest() -> None:
    assert texts("return total", model_of(*FILES[:2])) == []


def test_a_rest_never_crosses_into_another_file() -> None:
    assert texts("one", model_of("first = one", "second = two\n")) == []


def test_rests_with_literals_too_long_to_keep_are_not_proposed() -> None:
    assert texts("x =", model_of(f"x = '{'a' * 200}'\n" * 3)) == []


def test_rests_that_are_too_long_are_not_proposed() -> None:
    longest = " + ".join("a" * (LONGEST // 2))
    assert texts("x =", model_of(f"x = {longest}\n")) == [f" {longest}"]
    assert texts("x =", model_of(f"x = {longest} + b + c\n")) == []


def test_each_model_says_how_it_knows_a_rest() -> None:
    [found, *_] = rests([model_of(FILES[0]), model_of(FILES[1])], context("in items:\n    total += item."))
    assert found.text == "price"
    here, there = found.seen
    assert (here.length, here.count, here.total) == (8, 1, 1)
    assert (there.length, there.count, there.longest) == (6, 1, 6)
    assert 0 < there.share < 1


def test_a_model_that_does_not_know_a_rest_says_how_much_it_knows_of_the_context() -> None:
    found = rests([model_of(FILES[2]), model_of(FILES[1])], context("total += item."))
    price = next(rest for rest in found if rest.text == "price")
    assert price.seen[0].count == 0
    assert price.seen[0].longest == 4


def test_nothing_is_known_without_code() -> None:
    assert rests([], ["x"]) == []
    assert rests([model_of()], ["x"]) == []
    assert rests([model_of(*FILES)], []) == []


SOURCE = "a = 1\nif x:\n    call(a, b)\n    call(a, \n    done(a)\n    call(a, b)\n"
AT = SOURCE.index("call(a, \n") + len("call(a, ")


def test_the_document_is_seen_without_the_line_of_the_cursor() -> None:
    around = OpenTokens("python").around(SOURCE, AT)
    assert around.line == ("call", "(", "a", ",")
    assert around.context[-6:] == (")", "\n", *around.line)
    assert texts("call(a,", around.model) == [" b)"]
    assert around.model.next_tokens(["call"]).count == 2


def test_the_nearest_line_of_the_same_tokens_is_measured() -> None:
    around = OpenTokens("python").around(SOURCE, AT)
    assert around.distance(context("call(a, b)")) == -1
    assert around.distance(context("done(a)")) == 1
    assert around.distance(context("a = 1")) == -3
    assert around.distance(context("call(a,")) is None
    assert around.distance(context("never(a)")) is None


def test_names_of_the_document_are_known() -> None:
    around = OpenTokens("python").around(SOURCE, AT)
    assert around.knows("done")
    assert not around.knows("gone")


PLACES = [("", 0), ("x", 1), ("x\n", 2), ("\n\nx", 0), ('"""', 3), ("(", 1)]


@pytest.mark.parametrize(("source", "at"), PLACES)
def test_any_place_in_any_document_can_be_asked_about(source: str, at: int) -> None:
    around = OpenTokens("python").around(source, at)
    rests([around.model], around.context)
    assert around.distance(["x", "y"]) is None


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.text("ab.( \n=", max_size=20), st.integers(0, 20)), min_size=1, max_size=5))
def test_asking_again_after_an_edit_is_asking_about_a_new_document(asked: list[tuple[str, int]]) -> None:
    kept = OpenTokens("python")
    for source, place in asked:
        at = min(place, len(source))
        while at and source[at - 1] in "ab":
            at -= 1
        again, fresh = kept.around(source, at), OpenTokens("python").around(source, at)
        assert (again.context, again.line, again.at_line) == (fresh.context, fresh.line, fresh.at_line)
        assert rests([again.model], again.context) == rests([fresh.model], fresh.context)
        for name in ("a", "b", "ab"):
            assert again.knows(name) == fresh.knows(name)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = <|>\n", ""),
        ("f(<|>\n", ")"),
        ("f([a, {<|>\n", "}])"),
        ("if f(<|>\n", "):"),
        ("def f(a, b: <|>\n", "):"),
        ("x = {'if': <|>\n", "}"),
        ("f(\n    a.<|>\n    b,\n)\n", ","),
        ("f(\n    a,\n    b.<|>\n)\n", ","),
        ("f(\n    a, <|>\n)\n", ""),
        ("f(a,\n  b.<|>\nx = 1\n", ")"),
        ("if f(a,\n     b.<|>\n    x = 1\n", "):"),
        ("x = [\n    f(<|>\n    for y in z\n]\n", ")"),
        ("def f(\n    a,\n) -> <|>\n    return a\n", ":"),
    ],
)
def test_how_a_line_ends_is_told_by_the_brackets_around_it(source: str, expected: str) -> None:
    at = source.index("<|>")
    around = OpenTokens("python").around(source.replace("<|>", ""), at)
    assert closing(around) == tuple(expected)


@pytest.mark.parametrize("source", ["x = <|>\n))\n", "def f():\n    <|>", "<|>", "\n<|>\nif x:\n"])
def test_where_brackets_do_not_tell_or_the_line_is_empty_no_end_is_told(source: str) -> None:
    around = OpenTokens("python").around(source.replace("<|>", ""), source.index("<|>"))
    assert closing(around) is None


def test_rests_that_differ_in_their_end_are_one_and_end_as_is_needed_here() -> None:
    model = model_of("f(self.size)\n", "if g(self.size):\n", "h(\n    self.size,\n)\n", "x = self.name + 1\n")
    found = rests([model], context("return self."), closing=())
    assert [rest.text for rest in found] == ["size", "name + 1"]
    assert next(rest.text for rest in rests([model], context("k(self."), closing=(")",))) == "size)"
    assert found[0].seen[0].count == 3


def test_a_rest_that_goes_on_behind_a_bracket_of_before_keeps_its_end() -> None:
    model = model_of("f(self.size) + 1\n", "f(self.size,\n  2)\n", "f(self.size(\n  2))\n")
    found = {rest.text for rest in rests([model], context("a = self."), closing=())}
    assert found == {"size) + 1", "size", "size("}


@pytest.mark.parametrize(
    ("source", "prefix", "expected"),
    [
        ("class A:\n    def __init__(self, width, height):\n        self.", "", "width = width"),
        ("def __init__(self, a, b=f(1), *, c: int):\n    self._a = a\n    self.", "", "_b = b"),
        ("def __init__(self, a, b=f(1), *, c: int):\n    self.a = a\n    self.b = b\n    self.", "", "c = c"),
        ("def __init__(self, width, height):\n    self.width = width\n    self.", "he", "ight = height"),
        ("def __init__(self, width, height):\n    self.width = width\n    self.", "wi", None),
        ("def __init__(self, width):\n    self.width = width\n    self.", "", None),
        ("def __init__(self):\n    self.", "", None),
        ("def f(a, b):\n    self.", "", None),
        ("def __init__(self, width):\n    x = self.", "", None),
        ("def __init__(self, width\n    self.", "", None),
        ("self.", "", None),
    ],
)
def test_the_parameter_to_be_kept_next(source: str, prefix: str, expected: str | None) -> None:
    found = kept_next(OpenTokens("python").around(source + "\n", len(source)), prefix)
    assert (found.text if found else None) == expected
