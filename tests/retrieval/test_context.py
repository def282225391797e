from __future__ import annotations

from pathlib import Path

from devflow.retrieval.base import Hit
from devflow.retrieval.context import pack, pack_tokens, skeleton_of, tokens_in

ROOT = Path("/ws")


def hit(name: str, text: str, start: int = 0, first_line: int = 0) -> Hit:
    last = first_line + text.count("\n")
    return Hit(ROOT / name, start, start + len(text), first_line, last, "f", text, 1.0, ("text",))


def test_each_piece_says_where_it_comes_from() -> None:
    packed = pack([hit("a.py", "x = 1", first_line=4), hit("b.py", "y = 2\nz = 3")], [ROOT], 1000)
    assert packed.text == "[1] a.py:5-5 f\nx = 1\n\n[2] b.py:1-2 f\ny = 2\nz = 3\n"
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


def test_what_does_not_fit_is_shown_by_its_head() -> None:
    large = 'def second(a, b):\n    """Joins both."""\n' + "    step()\n" * 40
    packed = pack([hit("a.py", "x = 1"), hit("b.py", large), hit("c.py", "y = 2")], [ROOT], 140)
    assert len(packed.text) <= 140
    assert [c.skeleton for c in packed.citations] == [False, True, False]
    assert 'def second(a, b):\n    """Joins both."""\n    ...' in packed.text
    assert packed.citations[1].last_line == large.count("\n")


def test_a_budget_in_tokens_holds() -> None:
    lines = "\n".join(f"call_{n}(a, b, {n})" for n in range(60))
    packed = pack_tokens([hit("a.py", lines), hit("b.py", lines), hit("c.py", "z = 1")], [ROOT], 300)
    assert 0 < tokens_in(packed.text) <= 300
    assert len(packed.citations) >= 2


def test_a_skeleton_keeps_decorators_and_a_head_of_several_lines() -> None:
    text = "@cached\ndef f(\n    a,\n    b,\n):\n    return a\n"
    assert skeleton_of(text) == "@cached\ndef f(\n    a,\n    b,\n):\n    ..."
    assert skeleton_of("x = 1") == "x = 1"
    assert skeleton_of("int f(int a) {\n  return a;\n}") == "int f(int a) {\n    ..."
