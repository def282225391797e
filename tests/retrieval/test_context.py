from __future__ import annotations

from pathlib import Path

from devflow.retrieval.base import Hit
from devflow.retrieval.context import pack

ROOT = Path("/ws")


def hit(name: str, text: str, start: int = 0, first_line: int = 0) -> Hit:
    last = first_line + text.count("\n")
    return Hit(ROOT / name, start, start + len(text), first_line, last, "f", text, 1.0, ("text",))


def test_each_piece_says_where_it_comes_from() -> None:
    packed = pack([hit("a.py", "x = 1", first_line=4), hit("b.py", "y = 2\nz = 3")], [ROOT], 1000)
    assert packed.text == "[1] a.py:5 f\nx = 1\n\n[2] b.py:1 f\ny = 2\nz = 3\n"
    assert [(c.number, c.first_line, c.last_line) for c in packed.citations] == [(1, 4, 4), (2, 0, 1)]
    assert packed.paths == (ROOT / "a.py", ROOT / "b.py")


def test_the_budget_holds_and_cuts_at_a_line_end() -> None:
    lines = "\n".join(f"line {n}" for n in range(50))
    packed = pack([hit("a.py", lines), hit("b.py", "never")], [ROOT], 100)
    assert len(packed.text) <= 100
    assert packed.text.endswith("\n")
    [citation] = packed.citations
    assert packed.text.count("line ") == citation.last_line + 1


def test_overlapping_pieces_are_given_once() -> None:
    packed = pack([hit("a.py", "x = 1\ny = 2"), hit("a.py", "y = 2", start=6)], [ROOT], 1000)
    assert len(packed.citations) == 1


def test_no_budget_no_text() -> None:
    assert pack([hit("a.py", "x = 1")], [ROOT], 5).text == ""
