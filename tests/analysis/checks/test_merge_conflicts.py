"""What `git merge` left."""

from __future__ import annotations

from devflow.analysis.checks.merge_conflicts import merge_conflicts
from devflow.analysis.facts import Finding
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Text


def conflict(ours: str, middle: str, theirs: str) -> Finding:
    text = f"<<<<<<<{ours}\na = 1\n======={middle}\na = 2\n>>>>>>>{theirs}\n"
    tree = parse(Text(text.replace("\n", "\r\n")), "python")
    assert tree is not None
    [found] = merge_conflicts(tree)
    return found


def test_blanks_behind_a_mark_are_passed_over() -> None:
    assert "what HEAD and feature have" in conflict(" HEAD \t", "\t ", " feature  ").message
    assert "what ours and theirs have" in conflict("", "", " ").message


def test_a_mark_with_a_long_row_of_blanks_is_read_once() -> None:
    # Read anew from each blank, they would take hours.
    assert conflict(" HEAD", " " * 1_000_000 + "x", " feature").code == "merge-conflict"
