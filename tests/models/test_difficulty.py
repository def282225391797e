"""How hard a request is."""

from __future__ import annotations

from devflow.models.routing.difficulty import FEATURES, WEIGHTS, features_of_fill, of_chat, of_fill
from support.steps import steps


def test_the_rest_of_a_line_that_stands_above_is_easier_than_a_new_statement() -> None:
    above = "".join(f"    parser.add_argument('--{name}')\n" for name in "abcd")
    repeated = of_fill("def f(parser):\n" + above + "    parser.add_", "\n")
    new = of_fill("def f(parser):\n    ", "\n")
    assert repeated < new


def test_questions_grow_harder_with_length_files_and_judgement() -> None:
    short = of_chat("explain", "What does this do?")
    long = of_chat("explain", "What does this do? " * 200)
    judging = of_chat("review", "Why does this deadlock, and how should the design change? " * 3)
    assert short < long < 1
    assert short < judging


def test_it_is_a_probability_whatever_the_text() -> None:
    for text in ("", "\n", "(" * 10_000, "\0\ud800", "x" * 1_000_000):
        assert 0 <= of_fill(text, text) <= 1
        assert 0 <= of_chat("chat", text) <= 1
    assert len(features_of_fill("", "")) == len(FEATURES) == len(WEIGHTS)


def test_a_long_text_costs_no_more_than_a_short_one() -> None:
    def work(lines: int) -> int:
        source = "value = compute(first, second)\n" * lines
        return steps(lambda: (of_fill(source, source), of_chat("chat", source)))

    assert work(50_000) == work(500)
