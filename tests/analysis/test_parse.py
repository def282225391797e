"""A tree re-parsed from edits is the tree of the new text."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devflow.analysis.syntax.parse import SyntaxTree, parse
from devflow.analysis.text import Edit, Text

PIECES = st.lists(
    st.sampled_from(
        [
            "def f(a):\n",
            "    return a\n",
            "\r\n",
            "\t",
            "x = '😋'\n",
            "é",
            '"""',
            "(",
            ")",
            "class A:\n",
            "#漢\n",
            "\n",
            " ",
            "if x:\r\n\ty()\r\n",
            "\f",
            "\ud83d",
            "\r",
            "lambda: 1",
        ]
    ),
    max_size=12,
).map("".join)


def tree_of(source: str, language: str = "python") -> SyntaxTree:
    tree = parse(Text(source), language)
    assert tree
    return tree


def shape(node: Any) -> list[tuple[str, int, int, tuple[int, int], bool]]:
    found = [(node.type, node.start_byte, node.end_byte, tuple(node.start_point), node.is_missing)]
    for child in node.children:
        found += shape(child)
    return found


@settings(max_examples=150, deadline=None)
@given(PIECES, st.lists(st.tuples(st.integers(0, 80), st.integers(0, 12), PIECES), min_size=1, max_size=4))
def test_a_tree_after_edits_is_the_tree_of_a_fresh_parse(
    source: str, changes: list[tuple[int, int, str]]
) -> None:
    tree = tree_of(source)
    edits: list[Edit] = []
    now = Text(source)
    for start, length, new in changes:
        start = min(start, len(now))
        edit = Edit(start, min(start + length, len(now)), new)
        edits.append(edit)
        now = now.replaced([edit])
    again = tree.edited(edits, now)
    fresh = tree_of(now.source)
    assert str(again.root) == str(fresh.root)
    assert shape(again.root) == shape(fresh.root)


def test_the_old_tree_is_left_as_it_was() -> None:
    tree = tree_of("a = 1\n")
    before = shape(tree.root)
    tree.edited([Edit(0, 1, "def f(): pass\n")], Text("def f(): pass\n = 1\n"))
    assert shape(tree.root) == before


def test_edits_that_do_not_lead_to_the_text_cost_a_full_parse_only() -> None:
    tree = tree_of("a = 1\n")
    for edits in ([Edit(0, 1, "b")], [Edit(3, 99, "")]):
        again = tree.edited(edits, Text("c = 2\n"))
        assert str(again.root) == str(tree_of("c = 2\n").root)


def test_offsets_are_code_points_behind_astral_characters() -> None:
    tree = tree_of("x = '😋é'\nname = 1\n")
    span = tree.span(tree.path_to(9)[-1])
    assert tree.text.source[span.start : span.end] == "name"


def test_a_path_goes_down_to_the_smallest_node_also_at_its_end() -> None:
    source = "def f():\n    def g():\n        pass\n"
    tree = tree_of(source)
    path = tree.path_to(source.index("pass") + 4)
    inner = [node for node in path if node.type == "function_definition"][-1]
    assert source[tree.span(inner).start :].startswith("def g")


def test_errors_are_found() -> None:
    tree = tree_of("def f(:\n    pass\n")
    assert tree.has_error()
    assert list(tree.errors())
    assert not tree_of("x = 1\n").has_error()


def test_a_language_without_grammar_has_no_tree() -> None:
    assert parse(Text("# title"), "markdown") is None
    assert parse(Text("?"), "klingon") is None


@pytest.mark.parametrize("source", ["", "\x00", "\ud800", "(" * 3000, "\ufeffx = 1"])
def test_no_text_breaks_the_parser(source: str) -> None:
    assert tree_of(source).root.end_byte <= len(Text(source).encoded)


def test_a_sum_as_deep_as_it_is_long_does_not_hold_the_processor() -> None:
    tree = tree_of("x = " + "+".join(["a"] * 50_000))
    begun = time.thread_time()
    assert tree.captures("references")
    assert tree.matches("references")
    assert time.thread_time() - begun < 5


def test_other_threads_get_their_turn_while_a_long_text_is_parsed() -> None:
    text = Text("def f(a, b):\n    return {'a': [a, b, (1, 2, 3)]}\n" * 20_000)
    turns: list[float] = []
    done = threading.Event()

    def take_turns() -> None:
        while not done.is_set():
            turns.append(time.perf_counter())
            done.wait(0.001)

    other = threading.Thread(target=take_turns)
    other.start()
    begun = time.perf_counter()
    parse(text, "python")
    ended = time.perf_counter()
    done.set()
    other.join()
    assert sum(begun < turn < ended for turn in turns) >= 3
