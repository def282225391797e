"""Text that is no Python gives None, whatever is wrong with it."""

from __future__ import annotations

import pytest

from devflow.analysis.python_ast import python_ast


@pytest.mark.parametrize("source", ["def f(:", "x = \0", "(" * 5_000, "\ud800", "-" * 100_000 + "1"])
def test_broken_text_has_no_tree(source: str) -> None:
    assert python_ast(source) is None


def test_valid_text_has_a_tree() -> None:
    tree = python_ast("x = 1\n")
    assert tree is not None
    assert len(tree.body) == 1
